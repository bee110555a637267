"""Requests to have a failed line again: each failed response is asked for once, and replaced once.

    failed ◄─ retry_request ─► taken_by: the response that replaces it ◄─ retry_request ─► …

A response that was replaced means the newest one of this chain.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, bindparam, func, insert, select

from actors.adapters.store.characters import character_of
from actors.adapters.store.outbox import enqueue
from actors.adapters.store.prepared import Prepared
from actors.adapters.store.responses import cancel_reason
from actors.adapters.store.schema import AnyRow, character, outbox, part, response, retry_request, session
from actors.adapters.store.sessions import IS_OPEN
from actors.ports.store import Fenced, RetryAsked, RetryOutcome
from actors.ports.work import NextRetry
from actors.roleplay.model import OutboxDraft, OutboxKind, ResponseId, SessionId
from machines.response import State
from machines.session import State as SessionState

# By its key: that a line waits for a breaker is a notice of it as well, and no failure.
_TOLD: Final = (
    select(outbox.c.id)
    .where(outbox.c.key == "notice:" + response.c.id, outbox.c.kind == OutboxKind.NOTICE.value)
    .correlate(response)
    .exists()
)
_LAST_FAILED: Final = Prepared(
    select(response.c.id)
    .select_from(
        response.join(session, session.c.id == response.c.session_id).outerjoin(
            retry_request, retry_request.c.response_id == response.c.id
        )
    )
    .where(session.c.channel_id == bindparam("channel_id"), IS_OPEN, response.c.state == State.FAILED.value, _TOLD)
    # One that nobody has asked for yet comes before one that somebody has.
    .order_by(retry_request.c.response_id.is_not(None), response.c.id.desc())
    .limit(1)
)
_WANTED: Final = Prepared(
    select(
        response.c.id,
        response.c.session_id,
        response.c.state,
        character.c.name,
        session.c.channel_id,
        session.c.state.label("session_state"),
        retry_request.c.asked_at,
        retry_request.c.taken_by,
        _TOLD.label("is_told"),
    )
    .select_from(
        response.join(session, session.c.id == response.c.session_id)
        .join(character, character.c.id == response.c.character_id)
        .outerjoin(retry_request, retry_request.c.response_id == response.c.id)
    )
    .where(response.c.id == bindparam("response_id"))
)
_IS_ANY: Final = Prepared(
    select(retry_request.c.response_id)
    .where(retry_request.c.session_id == bindparam("session_id"), retry_request.c.taken_by.is_(None))
    .limit(1)
)
_NEXT: Final = Prepared(
    select(response)
    .select_from(retry_request.join(response, response.c.id == retry_request.c.response_id))
    .where(retry_request.c.session_id == bindparam("session_id"), retry_request.c.taken_by.is_(None))
    .order_by(retry_request.c.asked_at, response.c.id)
    .limit(1)
)
_TEXTS: Final = Prepared(
    select(part.c.text)
    .where(part.c.response_id == bindparam("response_id"), part.c.number > bindparam("dropped"))
    .order_by(part.c.number)
)

_INSERT: Final = Prepared(insert(retry_request), ("response_id", "session_id", "asked_at"))
_OLDEST_FENCE: Final = Prepared(select(func.min(part.c.fence)).where(part.c.response_id == bindparam("response_id")))


def look_up_retry(conn: Connection, response_id: ResponseId | None, *, channel_id: int) -> RetryAsked:
    """What the request for this line, or for the channel's last failed one, comes to now."""
    wanted = response_id or _LAST_FAILED.scalar(conn, {"channel_id": channel_id})
    newest = None if wanted is None else _newest(conn, wanted, channel_id)
    return RetryAsked(RetryOutcome.NONE) if newest is None else replace(_judged(conn, newest), response_id=wanted)


def request_retry(conn: Connection, asked: RetryAsked, answer: OutboxDraft, *, at: float) -> bool:
    """Write the request and its answer; False, and neither, when this very request was answered before.

    Raises Fenced when the request comes to something else meanwhile.
    """
    if asked.response_id is not None and asked != look_up_retry(conn, asked.response_id, channel_id=answer.channel_id):
        raise Fenced(f"the request for {asked.response_id} comes to something else now")
    if not enqueue(conn, answer, at=at):
        return False
    if asked.outcome is RetryOutcome.ACCEPTED:
        _INSERT.run(conn, {"response_id": asked.replaces, "session_id": asked.session_id, "asked_at": at})
    return True


def next_retry(conn: Connection, session_id: SessionId) -> NextRetry | None:
    """The oldest request of a session that no response has taken."""
    if _IS_ANY.scalar(conn, {"session_id": session_id}) is None:
        return None  # as mostly
    failed = _NEXT.row(conn, {"session_id": session_id})
    if failed is None:
        return None
    return NextRetry(
        replaces=failed.id,
        turn_id=failed.turn_id,
        trigger_id=failed.trigger_id,
        ordinal=failed.ordinal,
        character=character_of(conn, failed.character_id),
        texts=tuple(text for (text,) in _TEXTS.run(conn, {"response_id": failed.id, "dropped": failed.dropped_parts})),
        look_after=_OLDEST_FENCE.scalar(conn, {"response_id": failed.id}) if failed.doubtful else None,
    )


def _newest(conn: Connection, response_id: ResponseId, channel_id: int) -> AnyRow | None:
    """The newest replacement of a line that this channel was told of; None where it was not."""
    row: AnyRow | None = _WANTED.row(conn, {"response_id": response_id})
    if row is None or row.channel_id != channel_id or not row.is_told:
        return None
    while row is not None and row.taken_by is not None:
        row = _WANTED.row(conn, {"response_id": row.taken_by})
    return row


def _judged(conn: Connection, row: AnyRow) -> RetryAsked:
    if row.session_state == SessionState.ENDED:
        return RetryAsked(RetryOutcome.SESSION_ENDED, row.name)
    if row.state == State.DELIVERED:
        return RetryAsked(RetryOutcome.DELIVERED, row.name)
    if row.state != State.FAILED or row.asked_at is not None:
        return RetryAsked(RetryOutcome.ON_ITS_WAY, row.name)
    if cancel_reason(conn, row.id) is not None:
        return RetryAsked(RetryOutcome.WITHDRAWN, row.name)
    return RetryAsked(RetryOutcome.ACCEPTED, row.name, session_id=row.session_id, replaces=row.id)
