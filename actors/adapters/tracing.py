"""Several traces as one."""

from __future__ import annotations

from actors.ports import Trace, TraceEvent


class Traces:
    """The `Trace` port: hands every event on to each of `traces`, in their order."""

    def __init__(self, *traces: Trace) -> None:
        self._traces = traces

    def publish(self, event: TraceEvent) -> None:
        for trace in self._traces:
            trace.publish(event)
