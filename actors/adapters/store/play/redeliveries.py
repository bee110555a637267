"""Store requests to redeliver failed lines: each failed response is requested once and replaced once.

    failed ◄─ retry_request ─► taken_by: the response that replaces it ◄─ retry_request ─► …

A request for a response that was replaced applies to the newest one of this chain.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, bindparam, func, insert, select

from actors.adapters.store.engine.prepared import Prepared
from actors.adapters.store.engine.schema import AnyRow, character, outbox, part, response, retry_request, session
from actors.adapters.store.play.characters import character_of
from actors.adapters.store.play.outbox import enqueue
from actors.adapters.store.play.responses import cancel_reason
from actors.adapters.store.play.sessions import IS_OPEN
from actors.ports.store import Fenced, RedeliveryAsked, RedeliveryOutcome
from actors.ports.work import NextRedelivery
from actors.roleplay.model import OutboxDraft, OutboxKind, ResponseId, SessionId
from machines.response import State
from machines.session import State as SessionState

# Decided by the key: a notice that a line waits for a breaker also names the response, but is not a failure.
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
    # A line that nobody has requested yet comes before one that was requested.
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


def look_up_redelivery(conn: Connection, response_id: ResponseId | None, *, channel_id: int) -> RedeliveryAsked:
    """Return the present outcome of a request for this line, or for the channel's last failed one."""
    wanted = response_id or _LAST_FAILED.scalar(conn, {"channel_id": channel_id})
    newest = None if wanted is None else _newest(conn, wanted, channel_id)
    return (
        RedeliveryAsked(RedeliveryOutcome.NONE)
        if newest is None
        else replace(_judged(conn, newest), response_id=wanted)
    )


def request_redelivery(conn: Connection, asked: RedeliveryAsked, answer: OutboxDraft, *, at: float) -> bool:
    """Write the request and its answer; if the same request was answered before, write neither and return False.

    Raises Fenced if the outcome has changed since `look_up_redelivery`.
    """
    if asked.response_id is not None and asked != look_up_redelivery(
        conn, asked.response_id, channel_id=answer.channel_id
    ):
        raise Fenced(f"the outcome of the request for {asked.response_id} has changed")
    if not enqueue(conn, answer, at=at):
        return False
    if asked.outcome is RedeliveryOutcome.ACCEPTED:
        _INSERT.run(conn, {"response_id": asked.replaces, "session_id": asked.session_id, "asked_at": at})
    return True


def next_redelivery(conn: Connection, session_id: SessionId) -> NextRedelivery | None:
    """Return the oldest request of a session that no response has taken."""
    if _IS_ANY.scalar(conn, {"session_id": session_id}) is None:
        return None  # the usual case
    failed = _NEXT.row(conn, {"session_id": session_id})
    if failed is None:
        return None
    texts = tuple(text for (text,) in _TEXTS.run(conn, {"response_id": failed.id, "dropped": failed.dropped_parts}))
    return NextRedelivery(
        replaces=failed.id,
        turn_id=failed.turn_id,
        trigger_id=failed.trigger_id,
        ordinal=failed.ordinal,
        character=character_of(conn, failed.character_id),
        texts=texts if all(texts) else (),  # words that were removed are not sent again; another line is written
        look_after=_OLDEST_FENCE.scalar(conn, {"response_id": failed.id}) if failed.doubtful else None,
    )


def _newest(conn: Connection, response_id: ResponseId, channel_id: int) -> AnyRow | None:
    """The newest replacement of a line whose failure this channel was notified of; None if it was not."""
    row: AnyRow | None = _WANTED.row(conn, {"response_id": response_id})
    if row is None or row.channel_id != channel_id or not row.is_told:
        return None
    while row is not None and row.taken_by is not None:
        row = _WANTED.row(conn, {"response_id": row.taken_by})
    return row


def _judged(conn: Connection, row: AnyRow) -> RedeliveryAsked:
    if row.session_state == SessionState.ENDED:
        return RedeliveryAsked(RedeliveryOutcome.SESSION_ENDED, row.name)
    if row.state == State.DELIVERED:
        return RedeliveryAsked(RedeliveryOutcome.DELIVERED, row.name)
    if row.state != State.FAILED or row.asked_at is not None:
        return RedeliveryAsked(RedeliveryOutcome.ON_ITS_WAY, row.name)
    if cancel_reason(conn, row.id) is not None:
        return RedeliveryAsked(RedeliveryOutcome.WITHDRAWN, row.name)
    return RedeliveryAsked(RedeliveryOutcome.ACCEPTED, row.name, session_id=row.session_id, replaces=row.id)
