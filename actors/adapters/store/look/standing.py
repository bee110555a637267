"""Look up single responses and messages of one channel, for questions that are asked there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, func, select

from actors.adapters.store.engine.schema import inbox, outbox, part, response, session, turn
from actors.adapters.store.play.sessions import IS_UNFINISHED
from actors.observation.journal import HeardMessage, KnownAs, LineMessage, OutboxMessage, Standing
from actors.roleplay.model import ResponseId, SessionId

SESSIONS_BACK: Final = 3
"""Newest sessions of a channel that are searched for responses: enough to find the last one with a line."""

RESPONSES_MAX: Final = 50
"""Responses of one turn that are returned: a cast of ten, each retried a few times."""

_STANDING: Final = (
    select(response, session.c.channel_id, turn.c.speakers)
    .select_from(
        response.join(session, session.c.id == response.c.session_id).outerjoin(turn, turn.c.id == response.c.turn_id)
    )
    .where(response.c.id == bindparam("response_id"))
)
_TURNS_UP_TO: Final = select(func.count()).where(
    turn.c.session_id == bindparam("session_id"), turn.c.id <= bindparam("turn_id")
)
_NEWEST_SESSIONS: Final = (
    select(session.c.id)
    .where(session.c.channel_id == bindparam("channel_id"))
    .order_by(session.c.opened_at.desc())
    .limit(SESSIONS_BACK)
)
_UNFINISHED: Final = select(response.c.id).where(response.c.session_id == bindparam("session_id"), IS_UNFINISHED)
_NEWEST: Final = (
    select(response.c.id)
    .where(response.c.session_id == bindparam("session_id"))
    .order_by(response.c.started_at.desc())
    .limit(bindparam("limit"))
)
_PART: Final = (
    select(part.c.response_id, part.c.number, (part.c.number <= response.c.dropped_parts).label("is_dropped"))
    .join(response, response.c.id == part.c.response_id)
    .where(part.c.channel_id == bindparam("channel_id"), part.c.message_id == bindparam("message_id"))
)
# Parts of the same text: those of a blocked text have lower numbers than those of the text that replaced it.
_PARTS: Final = (
    select(func.min(part.c.number), func.count())
    .join(response, response.c.id == part.c.response_id)
    .where(
        part.c.response_id == bindparam("response_id"),
        (part.c.number <= response.c.dropped_parts) == bindparam("is_dropped"),
    )
)
_HEARD: Final = select(inbox).where(
    inbox.c.channel_id == bindparam("channel_id"), inbox.c.message_id == bindparam("message_id")
)
_SET_OFF: Final = (  # reads a row for each response of the session: acceptable, because only people ask
    select(response.c.id)
    .where(response.c.session_id == bindparam("session_id"), response.c.turn_id == bindparam("turn_id"))
    .order_by(response.c.id)
    .limit(RESPONSES_MAX)
)
_TOLD: Final = select(outbox.c.kind, outbox.c.response_id).where(
    outbox.c.channel_id == bindparam("channel_id"), outbox.c.message_id == bindparam("message_id")
)


def standing(conn: Connection, response_id: ResponseId) -> Standing | None:
    """Return a response's channel, turn and place among the speakers; None if there is no such response."""
    row = conn.execute(_STANDING, {"response_id": response_id}).first()
    if row is None:
        return None
    found = {"session_id": row.session_id, "turn_id": row.turn_id}
    return Standing(
        response_id=row.id,
        session_id=row.session_id,
        channel_id=row.channel_id,
        trigger_id=row.trigger_id,
        turn=0 if row.turn_id is None else conn.execute(_TURNS_UP_TO, found).scalar_one(),
        speaker=row.ordinal + 1,
        speakers=len(row.speakers or ()),
        replaces=row.replaces,
    )


def newest_responses(conn: Connection, channel_id: int, *, limit: int) -> tuple[ResponseId, ...]:
    """Return responses of the channel's newest sessions: unfinished ones, oldest first, then the newest first."""
    sessions = conn.execute(_NEWEST_SESSIONS, {"channel_id": channel_id}).scalars().all()
    on_their_way = sorted(_ids(conn, sessions))
    newest = [
        response_id
        for session_id in sessions
        for response_id in conn.execute(_NEWEST, {"session_id": session_id, "limit": limit}).scalars()
    ]
    return tuple(dict.fromkeys((*on_their_way, *sorted(newest, reverse=True))))[:limit]


def known_as(conn: Connection, channel_id: int, message_id: int) -> KnownAs | None:
    """Return what a message is: our line, our notice or a person's message; None if it is none of these."""
    where = {"channel_id": channel_id, "message_id": message_id}
    line = conn.execute(_PART, where).first()
    if line is not None:
        of_text = {"response_id": line.response_id, "is_dropped": line.is_dropped}
        first, parts = conn.execute(_PARTS, of_text).one()
        return LineMessage(line.response_id, line.number - first + 1, parts)
    told = conn.execute(_TOLD, where).first()
    if told is not None:
        return OutboxMessage(told.kind, told.response_id)
    heard = conn.execute(_HEARD, where).first()
    if heard is None:
        return None
    set_off = {"session_id": heard.session_id, "turn_id": heard.turn_id}
    return HeardMessage(
        session_id=heard.session_id,
        starts_turn=heard.starts_turn,
        has_turn=heard.turn_id is not None,
        is_deleted=heard.deleted_at is not None,
        responses=tuple(conn.execute(_SET_OFF, set_off).scalars()),
    )


def _ids(conn: Connection, sessions: Sequence[SessionId]) -> list[ResponseId]:
    return [
        response_id
        for session_id in sessions
        for response_id in conn.execute(_UNFINISHED, {"session_id": session_id}).scalars()
    ]
