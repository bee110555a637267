"""Read what the audit compares with a channel: a session's lines, and our other messages that may be there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, or_, select, union

from actors.adapters.store.engine.schema import inbox, outbox, part, response, session
from actors.adapters.store.play.history import lines
from actors.adapters.store.play.reaper import watched
from actors.adapters.store.play.sessions import IS_OPEN, IS_UNFINISHED
from actors.roleplay.model import Line, Outbound, OutboxKind, SessionId
from machines.response import State

_SESSION: Final = select(session).where(session.c.id == bindparam("session_id"))
_SINCE: Final = (
    select(session.c.id)
    .where(or_(IS_OPEN, session.c.ended_at >= bindparam("since")))
    .order_by(session.c.opened_at, session.c.id)
)
# Parts of unfinished lines, lines of the channel's other sessions, and messages with an open take-down.
_ACCOUNTED: Final = union(
    select(part.c.message_id)
    .join(response, response.c.id == part.c.response_id)
    .where(
        part.c.channel_id == bindparam("channel_id"),
        part.c.message_id.is_not(None),
        or_(
            IS_UNFINISHED,
            (response.c.session_id != bindparam("session_id")) & (response.c.state == State.DELIVERED.value),
        ),
    ),
    select(outbox.c.target_id).where(
        outbox.c.channel_id == bindparam("channel_id"),
        outbox.c.kind == OutboxKind.TAKEDOWN.value,
        outbox.c.done_at.is_(None),
    ),
)


_REDACTED: Final = select(inbox.c.message_id).where(inbox.c.session_id == bindparam("session_id"), inbox.c.redacted)


@dataclass(frozen=True, slots=True)
class Audited:
    """One session, read at one moment; `ended_at` is None while it is open."""

    session_id: SessionId
    channel_id: int
    opened_after: int
    ended_at: float | None
    lines: tuple[Line, ...]
    accounted: frozenset[int]
    on_their_way: tuple[Outbound, ...]
    redacted: frozenset[int]


def sessions_since(conn: Connection, *, since: float) -> tuple[SessionId, ...]:
    """Return the sessions that are open or ended at `since` or later, oldest first."""
    return tuple(conn.execute(_SINCE, {"since": since}).scalars())


def audited(conn: Connection, session_id: SessionId) -> Audited:
    """Return everything that the audit needs about a session. Raises NoResultFound for an unknown session."""
    row = conn.execute(_SESSION, {"session_id": session_id}).one()
    wanted = {"session_id": session_id, "channel_id": row.channel_id}
    return Audited(
        session_id=session_id,
        channel_id=row.channel_id,
        opened_after=row.opened_after,
        ended_at=row.ended_at,
        lines=lines(conn, session_id),
        accounted=frozenset(conn.execute(_ACCOUNTED, wanted).scalars()),
        on_their_way=tuple(each.outbound for each in watched(conn, row.channel_id, since=math.inf)),
        redacted=frozenset(conn.execute(_REDACTED, wanted).scalars()),
    )
