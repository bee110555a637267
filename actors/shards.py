"""Runs the connection machine of each of this process's shards."""

from __future__ import annotations

from typing import Final, assert_never

from actors.ports import (
    ConnectionMoved,
    Noted,
    ShardConnecting,
    ShardDown,
    ShardEnded,
    ShardEvent,
    ShardReady,
    ShardResumed,
)
from actors.services import Services
from machines.connection import (
    DOWN,
    CatchUp,
    ConnectBegan,
    Connection,
    Fact,
    GivenUp,
    Lost,
    Readied,
    Resumed,
    advance,
)

TOLD: Final[dict[type[Fact], Noted]] = {
    Resumed: Noted("info", "The connection to Discord was resumed; no event was missed."),
    Lost: Noted("warning", "The connection to Discord is down."),
}
"""The log lines for operators; the supervisor logs a client that ends."""


class Shards:
    """One machine per shard, created at the shard's first event."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._connections: dict[int, Connection] = {}

    def heard(self, event: ShardEvent) -> bool:
        """Move the shard's machine; True if events may be missing, so that channels must be read again."""
        at = self._services.clock.now()
        connection = self._connections.get(event.shard_id)
        if connection is None:
            connection = self._connections[event.shard_id] = Connection(event.shard_id)
            self._move(connection, ConnectBegan(at))
        elif isinstance(event, ShardConnecting) and connection.state is DOWN:
            self._move(connection, ConnectBegan(at))
        fact = _fact_of(event, at)
        return fact is not None and self._move(connection, fact)

    def _move(self, connection: Connection, fact: Fact) -> bool:
        source = connection._state
        step = advance(connection, fact)
        trace = self._services.trace
        trace.publish(ConnectionMoved(connection.shard_id, source, connection.state.value, fact.at))
        if type(fact) in TOLD:
            trace.publish(TOLD[type(fact)])
        catches_up = any(isinstance(effect, CatchUp) for effect in step.effects)
        if catches_up:
            self._services.breakers.expect_backlog()
        return catches_up


def _fact_of(event: ShardEvent, at: float) -> Fact | None:
    match event:
        case ShardConnecting():
            return None  # `heard` has applied it already, as ConnectBegan
        case ShardReady():
            return Readied(at)
        case ShardResumed():
            return Resumed(at)
        case ShardDown():
            return Lost(at)
        case ShardEnded():
            return GivenUp(at)
        case _:
            assert_never(event)
