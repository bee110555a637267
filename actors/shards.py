"""The connections of this process's shards: each one's machine is told what the gateway tells."""

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
from actors.world import World
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
    Resumed: Noted("info", "The connection to Discord goes on; nothing was missed."),
    Lost: Noted("warning", "The connection to Discord is down."),
}
"""What an operator reads of it; of clients that end the supervisor tells."""


class Shards:
    """One machine for each shard, from when it is first heard of."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._connections: dict[int, Connection] = {}

    def heard(self, event: ShardEvent) -> bool:
        """Move the shard's machine; whether events may be missing, so that channels are to be read again."""
        at = self._world.clock.now()
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
        trace = self._world.trace
        trace.publish(ConnectionMoved(connection.shard_id, source, connection.state.value, fact.at))
        if type(fact) in TOLD:
            trace.publish(TOLD[type(fact)])
        catches_up = any(isinstance(effect, CatchUp) for effect in step.effects)
        if catches_up:
            self._world.breakers.expect_backlog()
        return catches_up


def _fact_of(event: ShardEvent, at: float) -> Fact | None:
    match event:
        case ShardConnecting():
            return None  # a machine begins with it
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
