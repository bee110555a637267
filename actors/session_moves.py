"""Writes a command's move of a channel's open session, while turns may move it concurrently."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from actors.ports import Fenced, SessionMove
from actors.roleplay.model import SessionId, SessionRecord
from actors.services import Services
from machines import session as machine

MOVE_TRIES: Final = 5
"""Tries of a command to move a session while a turn moves it concurrently."""

Write = Callable[[SessionRecord], Awaitable[None]]


async def move_open(
    services: Services, channel_id: int, write: Write, *, asked_by: int | None = None
) -> SessionId | None:
    """Write a move of the channel's session; retry while turns move it concurrently.

    None if no session is open, or if it was opened after the message that asks.
    """
    for tries_left in reversed(range(MOVE_TRIES)):
        record = await services.store.session_in(channel_id)
        if record is None or (asked_by is not None and asked_by <= record.opened_after):
            return None
        try:
            await write(record)
        except Fenced:
            if not tries_left:
                raise
        else:
            return record.id
    return None


def move_of(record: SessionRecord, fact: machine.Fact, *, ended_by: str | None = None) -> SessionMove:
    """Return the session's next move."""
    session = machine.Session(record.id, record.state, record.version)
    machine.advance(session, fact)
    return SessionMove(session.state, session.version, fact.at, ended_by)
