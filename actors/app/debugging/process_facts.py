"""Keeps facts that only the running process has: models that wrote lines, breakers and connections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from actors.ports import BreakerMoved, ConnectionMoved, GenerationEnded, TraceEvent
from actors.roleplay.model import ResponseId

WRITERS_MAX: Final = 2_000
"""Number of responses whose model is remembered: about 200 KB."""


class ProcessFacts:
    """A `Trace` that keeps the latest event of each kind."""

    def __init__(self) -> None:
        self._writers: dict[ResponseId, str] = {}
        self._breakers: dict[str, BreakerMoved] = {}
        self._connections: dict[int, ConnectionMoved] = {}

    def publish(self, event: TraceEvent) -> None:
        match event:
            case GenerationEnded(outcome="ok"):
                self._writers[event.context.response_id] = event.model
                if len(self._writers) > WRITERS_MAX:
                    del self._writers[next(iter(self._writers))]
            case BreakerMoved():
                self._breakers[event.dependency] = event
            case ConnectionMoved():
                self._connections[event.shard_id] = event
            case _:
                pass

    def writer(self, response_id: ResponseId) -> str | None:
        """Return the model that wrote it; None if that was before this process, or `WRITERS_MAX` ago."""
        return self._writers.get(response_id)

    @property
    def breakers(self) -> Sequence[BreakerMoved]:
        """The last move of each breaker that has moved; all others are closed."""
        return tuple(self._breakers.values())

    @property
    def connections(self) -> Sequence[ConnectionMoved]:
        """The last move of each shard's connection, by shard."""
        return tuple(self._connections[shard] for shard in sorted(self._connections))
