"""Open, claim and move sessions: one open session per channel, one worker (epoch), moves checked by version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, case, func, insert, select, text, union_all, update

from actors.adapters.store.engine.known_values import order_of
from actors.adapters.store.engine.prepared import Prepared, names_of
from actors.adapters.store.engine.schema import (
    AnyRow,
    cast,
    history,
    history_message,
    inbox,
    part,
    response,
    retry_request,
    session,
    turn,
)
from actors.adapters.store.play.characters import cast_of
from actors.adapters.store.play.outbox import doubtful_texts, enqueue, enqueue_all
from actors.ports.store import Fenced, ToCatchUp
from actors.ports.work import SessionMove
from actors.roleplay.model import Claim, OutboxDraft, SessionId, SessionRecord
from actors.roleplay.quotas import NO_QUOTAS, Excess, Quotas, scenes_exceeded
from machines import response as machine
from machines.session import State

IS_OPEN: Final = text(f"session.state <> '{State.ENDED}'")
# Exactly the condition of the migrations' partial indexes: otherwise SQLite does not use them.
_UNFINISHED_STATES: Final = ", ".join(f"'{state}'" for state in machine.UNFINISHED)
IS_UNFINISHED: Final = text(f"response.state IN ({_UNFINISHED_STATES})")
IS_BELIEVED: Final = text(
    "(CASE history.kind WHEN 'user' THEN history.character_id IS NULL AND history.response_id IS NULL"
    " WHEN 'character' THEN EXISTS (SELECT 1 FROM response WHERE response.id = history.response_id"
    f" AND response.state = '{machine.DELIVERED}') ELSE 1 END)"
)
"""Condition of a valid line in the history: another program may have written invalid ones, with foreign keys off."""
IS_WAITING: Final = text("inbox.starts_turn AND inbox.turn_id IS NULL AND inbox.deleted_at IS NULL")

_NEVER: Final = 2**63 - 1
"""Greater than every message id."""

_BY_ID: Final = Prepared(select(session).where(session.c.id == bindparam("session_id")))
_IN_CHANNEL: Final = Prepared(select(session).where(session.c.channel_id == bindparam("channel_id"), IS_OPEN))
_TAKES_PART: Final = Prepared(
    select(inbox.c.message_id)
    .where(inbox.c.session_id == bindparam("session_id"), inbox.c.author_id == bindparam("author_id"))
    .limit(1)
)
_LAST_HEARD: Final = (
    select(func.max(inbox.c.message_id)).where(inbox.c.session_id == session.c.id).correlate(session).scalar_subquery()
)
_OLDEST_DOUBT: Final = (
    select(func.min(part.c.fence))
    .select_from(part.join(response, response.c.id == part.c.response_id))
    .where(response.c.session_id == session.c.id, part.c.tried_at > bindparam("since"), text("response.doubtful"))
    .correlate(session)
    .scalar_subquery()
)
_NEWEST: Final = (
    select(history.c.first_message_id.label("message_id"))
    .join(history_message, history_message.c.history_id == history.c.id)
    .where(history.c.session_id == session.c.id, IS_BELIEVED)
    .order_by(history.c.first_message_id.desc())
    .limit(bindparam("lookback"))
    .correlate(session)
    .subquery("newest")
)
_OLDEST_COMPARED: Final = select(func.min(_NEWEST.c.message_id)).correlate(session).scalar_subquery()
_COMPARED: Final = select(func.count(_NEWEST.c.message_id)).correlate(session).scalar_subquery()
# The order of the partial index without ended sessions: otherwise SQLite reads every session that ever existed.
_OPEN_ORDER: Final = session.c.channel_id
_OPEN_IDS: Final = select(select(session.c.id).where(IS_OPEN).order_by(_OPEN_ORDER).subquery("open").c.id)
_OPEN_OF: Final = {
    column: Prepared(
        select(func.count()).select_from(session).where(session.c.id.in_(_OPEN_IDS), column == bindparam("whose"))
    )
    for column in (session.c.server_id, session.c.opener_id)
}
_ENDED_IN_DOUBT: Final = select(session.c.id).where(session.c.ended_at > bindparam("since"), _OLDEST_DOUBT.is_not(None))
_OPEN: Final = Prepared(
    select(
        session.c.id,
        session.c.channel_id,
        case((IS_OPEN, func.coalesce(_LAST_HEARD, session.c.opened_after))).label("last_heard"),
        _OLDEST_DOUBT.label("oldest_doubt"),
        _OLDEST_COMPARED.label("oldest_compared"),
        (bindparam("lookback") > _COMPARED).label("is_whole"),
        session.c.opened_after,
    )
    .where(session.c.id.in_(union_all(_OPEN_IDS, _ENDED_IN_DOUBT)))
    .order_by(_OPEN_ORDER)
)

_INSERT: Final = Prepared(
    insert(session), names_of(session, besides=["ended_at", "ended_by", "gather_until", "gather_since"])
)
_INSERT_CAST: Final = Prepared(insert(cast), names_of(cast))
_RAISE_EPOCH: Final = Prepared(
    update(session).where(session.c.id == bindparam("of_session")).values(epoch=session.c.epoch + 1)
)
_STEP: Final = (
    update(session)
    .where(session.c.id == bindparam("of_session"), session.c.version == bindparam("before"))
    .values(version=bindparam("version"), state=bindparam("state"))
)
_MOVE: Final = Prepared(_STEP)
_END: Final = Prepared(_STEP.values(ended_at=bindparam("ended_at"), ended_by=bindparam("ended_by")))

# A session whose response waits for a later time has no work, even with other messages: it would only wait.
_DUE: Final = Prepared(
    select(response.c.session_id)
    .where(IS_UNFINISHED, (response.c.state != machine.RETRYING.value) | (response.c.due_at <= bindparam("now")))
    .distinct()
)
# min(id) instead of exists(): the order makes SQLite use the partial index of unfinished responses.
_UNFINISHED: Final = (
    select(func.min(response.c.id))
    .where(response.c.session_id == session.c.id, IS_UNFINISHED)
    .correlate(session)
    .scalar_subquery()
)
_OPEN_TURN: Final = (
    select(func.min(turn.c.id))
    .where(turn.c.session_id == session.c.id, text("turn.speakers_left > 0"))
    .correlate(session)
    .scalar_subquery()
)
_READY: Final = Prepared(
    select(session.c.id)
    .where(
        IS_OPEN,
        session.c.state != State.PAUSED.value,
        _UNFINISHED.is_(None),
        # A session in Responding with nothing left to do is work too: it must move to Idle.
        (session.c.state == State.RESPONDING.value)
        | _OPEN_TURN.is_not(None)
        | (
            (func.coalesce(session.c.gather_until, 0) <= bindparam("now"))
            & select(inbox.c.message_id).where(inbox.c.session_id == session.c.id, IS_WAITING).exists()
        )
        | select(retry_request.c.response_id)
        .where(retry_request.c.session_id == session.c.id, retry_request.c.taken_by.is_(None))
        .exists(),
    )
    .order_by(_OPEN_ORDER)
)


def open_session(
    conn: Connection, new: SessionRecord, answer: OutboxDraft, *, quotas: Quotas = NO_QUOTAS
) -> SessionRecord | Excess | None:
    if _IN_CHANNEL.scalar(conn, {"channel_id": new.channel_id}) is not None:
        return None
    if (excess := _exceeded(conn, new, quotas)) is not None:
        return excess
    if not enqueue(conn, answer, at=new.opened_at):
        return None  # the same command was handled before
    _INSERT.run(
        conn,
        {
            "id": new.id,
            "channel_id": new.channel_id,
            "state": str(new.state),
            "version": new.version,
            "epoch": new.epoch,
            "turn_order": new.order.value,
            "scenario": new.scenario,
            "opened_at": new.opened_at,
            "opened_after": new.opened_after,
            "history_length": 0,
            "server_id": new.server_id,
            "opener_id": new.opener_id,
        },
    )
    speakers = [
        {"session_id": new.id, "position": position, "character_id": member.id}
        for position, member in enumerate(new.cast)
    ]
    if speakers:
        _INSERT_CAST.run_each(conn, speakers)
    return session_of(conn, new.id)


def _exceeded(conn: Connection, new: SessionRecord, quotas: Quotas) -> Excess | None:
    if not (quotas.scenes_per_server or quotas.scenes_per_person):
        return None
    of_server = _OPEN_OF[session.c.server_id].scalar(conn, {"whose": new.server_id})
    of_person = _OPEN_OF[session.c.opener_id].scalar(conn, {"whose": new.opener_id})
    return scenes_exceeded(quotas, of_server=of_server, of_person=of_person)


def takes_part(conn: Connection, session_id: SessionId, user_id: int) -> bool:
    """Return whether the person wrote a line in this session."""
    return _TAKES_PART.scalar(conn, {"session_id": session_id, "author_id": user_id}) is not None


def session_in(conn: Connection, channel_id: int) -> SessionRecord | None:
    row = _IN_CHANNEL.row(conn, {"channel_id": channel_id})
    return None if row is None else session_record(conn, row)


def session_of(conn: Connection, session_id: SessionId) -> SessionRecord | None:
    row = _BY_ID.row(conn, {"session_id": session_id})
    return None if row is None else session_record(conn, row)


def open_sessions(conn: Connection, *, since: float, lookback: int) -> tuple[ToCatchUp, ...]:
    """Return where to read channels from: after the last message heard, or before a line that may have a second copy.

    Ended sessions, and channels where a text of the outbox may have a second copy, are read for copies only.
    """
    sessions = map(_to_catch_up, _OPEN.rows(conn, {"since": since, "lookback": lookback}))
    texts = doubtful_texts(conn, since=since).items()
    return (*sessions, *(ToCatchUp(None, channel_id, watermark, watermark) for channel_id, watermark in texts))


def take_over(conn: Connection, session_id: SessionId) -> tuple[Claim, SessionRecord]:
    """Raise the session's epoch. Raises LookupError for an unknown session."""
    _RAISE_EPOCH.run(conn, {"of_session": session_id})
    record = session_of(conn, session_id)
    if record is None:
        raise LookupError(f"there is no session {session_id}")
    return Claim(session_id, record.epoch), record


def move_session(
    conn: Connection, session_id: SessionId, move: SessionMove, *, outbox: Sequence[OutboxDraft] = ()
) -> None:
    """Record a move and its outbox rows. Raises Fenced if another move came first."""
    before = move.version - 1
    after = {"of_session": session_id, "before": before, "version": move.version, "state": str(move.state)}
    if move.state == State.ENDED:
        moved = _END.run(conn, {**after, "ended_at": move.at, "ended_by": move.ended_by})
    else:
        moved = _MOVE.run(conn, after)
    if moved.rowcount != 1:
        raise Fenced(f"session {session_id} is not at version {before}")
    enqueue_all(conn, outbox, at=move.at)


def pending(conn: Connection, *, now: float) -> tuple[SessionId, ...]:
    """Return sessions with work that is due at `now`; Paused and Ended ones only finish their response."""
    found = (*_DUE.run(conn, {"now": now}), *_READY.run(conn, {"now": now}))
    return tuple(sorted({row[0] for row in found}))


def _to_catch_up(row: AnyRow) -> ToCatchUp:
    after = min(row.last_heard or _NEVER, row.oldest_doubt or _NEVER)
    known_after = after if row.oldest_compared is None else min(after, row.oldest_compared - 1)
    if row.is_whole and row.last_heard is not None:
        # Messages before the first known line may have been missed as well.
        known_after = min(known_after, row.opened_after)
    return ToCatchUp(row.id, row.channel_id, after, known_after)


def session_record(conn: Connection, row: AnyRow) -> SessionRecord:
    return SessionRecord(
        id=row.id,
        channel_id=row.channel_id,
        state=row.state,
        version=row.version,
        epoch=row.epoch,
        order=order_of(row.id, row.turn_order),
        scenario=row.scenario,
        cast=cast_of(conn, row.id),
        opened_at=row.opened_at,
        opened_after=row.opened_after,
        server_id=row.server_id,
        opener_id=row.opener_id,
    )
