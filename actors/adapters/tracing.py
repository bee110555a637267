"""Combine several traces into one."""

from __future__ import annotations

from actors.ports import Trace, TraceEvent


class Traces:
    """The `Trace` port: passes each event to every one of `traces`, in order."""

    def __init__(self, *traces: Trace) -> None:
        self._traces = traces

    def publish(self, event: TraceEvent) -> None:
        for trace in self._traces:
            trace.publish(event)
