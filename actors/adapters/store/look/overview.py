"""Read overviews of sessions and histories for observers, without texts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, func, select, text

from actors.adapters.store.engine.schema import AnyRow, cast, character, history, inbox, response, session, turn
from actors.adapters.store.play.sessions import IS_BELIEVED, IS_UNFINISHED, IS_WAITING
from actors.observation.journal import LineView, SessionView
from actors.roleplay.model import CharacterId, ResponseId, SessionId
from machines.session import State

_SESSIONS: Final = (
    select(session)
    .order_by(session.c.state == State.ENDED.value, session.c.opened_at.desc(), session.c.id.desc())
    .limit(bindparam("limit"))
)
_IN_CHANNEL: Final = (
    select(session)
    .where(session.c.channel_id == bindparam("channel_id"))
    .order_by(session.c.state == State.ENDED.value, session.c.opened_at.desc())
    .limit(1)
)
_LINES: Final = (
    select(history.c.kind, history.c.name, history.c.at, history.c.response_id)
    .where(history.c.session_id == bindparam("session_id"), IS_BELIEVED)
    .order_by(history.c.first_message_id.desc())
    .limit(bindparam("limit"))
)


def seen_sessions(conn: Connection, *, limit: int) -> tuple[SessionView, ...]:
    """Return open sessions first, then the newest first; always five statements."""
    return _seen(conn, conn.execute(_SESSIONS, {"limit": limit}).all())


def seen_session(conn: Connection, channel_id: int) -> SessionView | None:
    """Return the open session of a channel, else its newest; None if there never was one."""
    found = _seen(conn, conn.execute(_IN_CHANNEL, {"channel_id": channel_id}).all())
    return found[0] if found else None


def _seen(conn: Connection, rows: Sequence[AnyRow]) -> tuple[SessionView, ...]:
    ids = [row.id for row in rows]
    names, waiting = _names(conn, ids), _waiting(conn, ids)
    on_their_way, speakers = _on_their_way(conn, ids), _speakers_left(conn, ids)
    return tuple(
        SessionView(
            session_id=row.id,
            channel_id=row.channel_id,
            state=row.state,
            opened_at=row.opened_at,
            cast=tuple(names[row.id].values()),
            history_length=row.history_length,
            waiting=waiting.get(row.id, 0),
            on_its_way=on_their_way.get(row.id),
            next_speakers=_next_speakers(row, speakers.get(row.id, ()), names[row.id]),
        )
        for row in rows
    )


def seen_lines(conn: Connection, session_id: SessionId, *, limit: int) -> tuple[LineView, ...]:
    """Return the newest lines of a history, oldest first."""
    rows = conn.execute(_LINES, {"session_id": session_id, "limit": limit}).all()
    return tuple(LineView(*row) for row in reversed(rows))


def _next_speakers(row: AnyRow, speakers: Sequence[CharacterId], names: dict[CharacterId, str]) -> tuple[str, ...]:
    # The open turn of an ended session is never continued.
    return () if row.state == State.ENDED else tuple(names.get(speaker, "?") for speaker in speakers)


def _names(conn: Connection, ids: Sequence[SessionId]) -> dict[SessionId, dict[CharacterId, str]]:
    """The names of each session's cast, in its order."""
    found: dict[SessionId, dict[CharacterId, str]] = defaultdict(dict)
    wanted = (
        select(cast.c.session_id, character.c.id, character.c.name)
        .join(character, character.c.id == cast.c.character_id)
        .where(cast.c.session_id.in_(ids))
        .order_by(cast.c.session_id, cast.c.position)
    )
    for row in conn.execute(wanted):
        found[row.session_id][row.id] = row.name
    return found


def _waiting(conn: Connection, ids: Sequence[SessionId]) -> dict[SessionId, int]:
    wanted = select(inbox.c.session_id, func.count()).where(inbox.c.session_id.in_(ids), IS_WAITING)
    return {row[0]: row[1] for row in conn.execute(wanted.group_by(inbox.c.session_id))}


def _on_their_way(conn: Connection, ids: Sequence[SessionId]) -> dict[SessionId, ResponseId]:
    wanted = select(response.c.session_id, func.min(response.c.id)).where(response.c.session_id.in_(ids), IS_UNFINISHED)
    return {row[0]: row[1] for row in conn.execute(wanted.group_by(response.c.session_id))}


def _speakers_left(conn: Connection, ids: Sequence[SessionId]) -> dict[SessionId, tuple[CharacterId, ...]]:
    """The speakers of each session's oldest open turn that have no response yet."""
    wanted = (
        select(turn.c.session_id, turn.c.speakers, turn.c.speakers_left)
        .where(turn.c.session_id.in_(ids), text("turn.speakers_left > 0"))
        .order_by(turn.c.id.desc())
    )
    return {
        row.session_id: tuple(row.speakers[len(row.speakers) - row.speakers_left :]) for row in conn.execute(wanted)
    }
