"""Check that a writer has the newest epoch of a session and the newest version of a row."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, select

from actors.adapters.store.engine.prepared import Prepared
from actors.adapters.store.engine.schema import response, session
from actors.ports.store import Fenced
from actors.roleplay.model import Claim, ResponseId

# FOR UPDATE has no effect on SQLite, where only one transaction writes; elsewhere it serialises two workers.
_SESSION: Final = Prepared(
    select(session.c.epoch, session.c.state).where(session.c.id == bindparam("session_id")).with_for_update()
)
_RESPONSE: Final = Prepared(
    select(
        session.c.epoch,
        session.c.history_length,
        response.c.version,
        response.c.moved_at,
        response.c.is_watched,
    )
    .select_from(session.join(response, response.c.session_id == session.c.id))
    .where(session.c.id == bindparam("session_id"), response.c.id == bindparam("response_id"))
    .with_for_update()
)


class Held(NamedTuple):
    """A response that may be written now, with its values before the write."""

    epoch: int
    history_length: int
    version: int
    moved_at: float
    is_watched: bool


def check_session(conn: Connection, claim: Claim) -> str:
    """Return the session's state. Raises Fenced unless `claim` is the newest."""
    row = _SESSION.run(conn, {"session_id": claim.session_id}).fetchone()
    if row is None or row[0] != claim.epoch:
        raise Fenced(f"session {claim.session_id} is not at epoch {claim.epoch}")
    state: str = row[1]
    return state


def check_response(conn: Connection, claim: Claim, response_id: ResponseId, *, version: int) -> Held:
    """Return the response before the write. Raises Fenced unless `claim` is the newest and `version` matches."""
    row = _RESPONSE.run(conn, {"session_id": claim.session_id, "response_id": response_id}).fetchone()
    if row is None:
        raise Fenced(f"session {claim.session_id} has no response {response_id}")
    held = Held(*row)
    if held.epoch != claim.epoch:
        raise Fenced(f"session {claim.session_id} is at epoch {held.epoch}, not {claim.epoch}")
    if held.version != version:
        raise Fenced(f"response {response_id} is at version {held.version}, not {version}")
    return held
