"""Store until when a scene gathers messages for its next turn."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from actors.adapters.store.engine.prepared import Prepared
from actors.adapters.store.engine.schema import inbox, session
from actors.adapters.store.play.sessions import IS_OPEN, IS_WAITING
from actors.roleplay.gathering import Gather, Gathering
from actors.roleplay.model import SessionId

_HERE: Final = Prepared(
    select(session.c.id, session.c.gather_until, session.c.gather_since)
    .where(session.c.channel_id == bindparam("channel_id"), IS_OPEN)
    .with_for_update()
)
_GATHERED: Final = Prepared(
    select(session.c.gather_until, session.c.gather_since).where(session.c.id == bindparam("session_id"))
)
_IS_ANY_WAITING: Final = Prepared(
    select(inbox.c.message_id).where(inbox.c.session_id == bindparam("session_id"), IS_WAITING).limit(1)
)
_HAS_WRITTEN: Final = Prepared(
    select(inbox.c.message_id)
    .where(inbox.c.session_id == bindparam("session_id"), inbox.c.author_id == bindparam("author_id"))
    .limit(1)
)
_GATHER: Final = Prepared(
    update(session)
    .where(session.c.id == bindparam("of_session"))
    .values(gather_until=bindparam("until"), gather_since=bindparam("since"))
)


def gather(conn: Connection, session_id: SessionId, by: Gather) -> float:
    """Note the arrival of a message, before it waits; return when its turn may begin."""
    if not by.by.gather_s:
        return by.at
    here = {"session_id": session_id}
    row = _GATHERED.row(conn, here)
    since = None if row is None or _IS_ANY_WAITING.scalar(conn, here) is None else row.gather_since
    since = by.at if since is None else since
    until = by.by.until(by.at, first_at=since, held_until=by.held_until)
    _GATHER.run(conn, {"of_session": session_id, "until": until, "since": since})
    return until


def hold_turn(conn: Connection, channel_id: int, author_id: int, *, until: float, by: Gathering) -> bool:
    """Hold the turn that waits here while a person types; False if that person did not write in the open scene."""
    here = _HERE.row(conn, {"channel_id": channel_id})
    if here is None or _HAS_WRITTEN.scalar(conn, {"session_id": here.id, "author_id": author_id}) is None:
        return False
    if here.gather_since is not None and _IS_ANY_WAITING.scalar(conn, {"session_id": here.id}) is not None:
        held = max(here.gather_until, min(until, here.gather_since + by.gather_max_s))
        _GATHER.run(conn, {"of_session": here.id, "until": held, "since": here.gather_since})
    return True
