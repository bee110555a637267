"""Who may write: the newest epoch of a session, the newest version of a row."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, select

from actors.adapters.store.schema import AnyRow, response, session
from actors.ports.store import Fenced
from actors.roleplay.model import Claim, ResponseId

# FOR UPDATE says nothing on SQLite, where a transaction is alone; elsewhere it keeps two workers apart.
_SESSION: Final = select(session.c.epoch).where(session.c.id == bindparam("session_id")).with_for_update()
_RESPONSE: Final = (
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


def hold_session(conn: Connection, claim: Claim) -> None:
    """Raises Fenced unless `claim` is the newest."""
    epoch = conn.execute(_SESSION, {"session_id": claim.session_id}).scalar()
    if epoch != claim.epoch:
        raise Fenced(f"session {claim.session_id} is at epoch {epoch}, not {claim.epoch}")


def hold_response(conn: Connection, claim: Claim, response_id: ResponseId, *, version: int) -> AnyRow:
    """The response's row. Raises Fenced unless `claim` is the newest and the response is at `version`."""
    row = conn.execute(_RESPONSE, {"session_id": claim.session_id, "response_id": response_id}).one_or_none()
    if row is None:
        raise Fenced(f"session {claim.session_id} has no response {response_id}")
    if row.epoch != claim.epoch:
        raise Fenced(f"session {claim.session_id} is at epoch {row.epoch}, not {claim.epoch}")
    if row.version != version:
        raise Fenced(f"response {response_id} is at version {row.version}, not {version}")
    return row
