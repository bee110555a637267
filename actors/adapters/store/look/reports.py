"""Read sessions, outcomes of responses and reliability figures, for the command line and the metrics."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, func, or_, select, text

from actors.adapters.store.engine.report_tables import missing_report
from actors.adapters.store.engine.schema import AnyRow, character, move, outbox, part, response, session
from actors.adapters.store.play.error_counts import errors_since
from actors.adapters.store.play.sessions import IS_UNFINISHED, session_record
from actors.observation.journal import LinesInState
from actors.ports.trace import CANCELLED
from actors.roleplay import notices
from actors.roleplay.model import OutboxKind, ResponseId, SessionId, SessionRecord
from machines.facts import Cancelled, Held, SendRefused, SendUnconfirmed, Sent, SentElsewhere
from machines.response import FINAL, SILENT, State


def _count(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((and_(*conditions), 1), else_=0))


# Matches the JSON that `fact_record` writes; in Discord's own words quotation marks are escaped, so they never match.
_NEVER_LEFT: Final = (move.c.fact == SendRefused.__name__) & move.c.fields.like('%"on_wire": false%')
# An attempt begins with a move into Sending, except when that move only notes a cancellation. An attempt that was held
# back or cancelled never left the process.
_BEGUN: Final = _count(move.c.dest == State.SENDING, move.c.fact != Cancelled.__name__)
_KEPT_BACK: Final = _count(
    move.c.source == State.SENDING,
    or_(
        move.c.fact == Held.__name__,
        _NEVER_LEFT,
        (move.c.fact == SendRefused.__name__) & (move.c.reason == CANCELLED),  # journals from before `on_wire` existed
    ),
)
# A retry follows a failed attempt: another attempt, or a read-back that finds the line. The last failure has none.
_TO_RETRY: Final = _count(move.c.dest == State.RETRYING, move.c.source != State.RETRYING, move.c.fact != Held.__name__)
_GIVEN_UP: Final = _count(
    move.c.source == State.RETRYING, move.c.dest == State.FAILED, move.c.fact != Cancelled.__name__
)
# Decided by the key: a notice that a line is late also names the response, but is not a failure.
_IS_OF_FAILURE: Final = (outbox.c.kind == OutboxKind.NOTICE.value) & text(f"key NOT LIKE '{notices.LATE}%'")
_NOTICE: Final = (
    select(func.max(outbox.c.outcome))
    .where(outbox.c.response_id == response.c.id, _IS_OF_FAILURE)
    .correlate(response)
    .scalar_subquery()
)
_ASKED: Final = (
    select(func.count())
    .where(outbox.c.response_id == response.c.id, _IS_OF_FAILURE)
    .correlate(response)
    .scalar_subquery()
)
_OUTCOMES: Final = (
    select(
        response.c.id,
        character.c.name,
        response.c.state,
        (_BEGUN - _KEPT_BACK).label("wire_attempts"),
        (_TO_RETRY - _GIVEN_UP).label("retries"),
        _NOTICE.label("notice"),
        _ASKED.label("notices"),
    )
    .select_from(
        response.join(character, character.c.id == response.c.character_id).join(
            move, move.c.response_id == response.c.id
        )
    )
    .where(response.c.session_id == bindparam("session_id"))
    .group_by(response.c.id, character.c.name, response.c.state, response.c.started_at)
    .order_by(response.c.started_at, response.c.id)
)

# ── reliability ─────────────────────────────────────────────────────────────────────────────────────

_ENDED: Final = (response.c.state.in_(sorted(FINAL)), response.c.moved_at >= bindparam("since"))
_IS_WANTED: Final = response.c.cancel_by.is_(None)
_HAS_TEXT: Final = (
    select(part.c.response_id)
    .where(part.c.response_id == response.c.id, part.c.number > response.c.dropped_parts)
    .correlate(response)
    .exists()
)
_IS_FAILED: Final = and_(response.c.state == State.FAILED.value, _IS_WANTED)
_LAST_REASON: Final = (
    select(func.coalesce(move.c.reason, ""))
    .where(move.c.response_id == response.c.id, move.c.seq == response.c.version)
    .correlate(response)
    .scalar_subquery()
)
_IS_TO_TELL: Final = and_(_IS_FAILED, _LAST_REASON.not_in(sorted(SILENT)))
_ENDINGS: Final = select(
    func.count().label("ended"),
    _count(response.c.state == State.DELIVERED.value).label("delivered"),
    _count(_IS_FAILED, _HAS_TEXT).label("failed"),
    _count(_IS_TO_TELL).label("to_tell"),
    _count(_IS_TO_TELL, _NOTICE == "sent").label("told"),
    _count(_IS_TO_TELL, _NOTICE.is_(None), _ASKED > 0).label("waiting"),
).where(*_ENDED)
# Not limited to the period: a notice that is forbidden waits up to a week.
_NOTICE_OF: Final = outbox.join(response, response.c.id == outbox.c.response_id)
_IS_UNTOLD: Final = and_(_IS_OF_FAILURE, text("done_at IS NULL"), _IS_TO_TELL)
_UNTOLD_BEFORE: Final = (
    select(func.count()).select_from(_NOTICE_OF).where(_IS_UNTOLD, response.c.moved_at < bindparam("since"))
)
_UNTOLD_SINCE: Final = select(func.min(response.c.moved_at)).select_from(_NOTICE_OF).where(_IS_UNTOLD)
# If the last fact names no reason, the notice uses the same one: see `notify` of the response's machine.
_UNSAID: Final = case((response.c.moved_at > response.c.deadline_at, "deadline"), else_="unreachable")
WHY: Final = func.coalesce(func.nullif(_LAST_REASON, ""), _UNSAID).label("why")
_LAST_FIELDS: Final = (
    select(move.c.fields)
    .where(move.c.response_id == response.c.id, move.c.seq == response.c.version)
    .correlate(response)
    .scalar_subquery()
    .label("fields")
)
_WHYS: Final = (
    select(WHY, _HAS_TEXT.label("has_text"), _LAST_FIELDS).where(*_ENDED, _IS_FAILED).order_by(response.c.id.desc())
)

# Attempts and retries are counted as in `Moved.is_send_attempt` and `is_send_retry`.
_IS_ATTEMPT: Final = and_(
    move.c.source == State.SENDING.value,
    move.c.fact.in_((Sent.__name__, SentElsewhere.__name__, SendRefused.__name__, SendUnconfirmed.__name__)),
    func.coalesce(move.c.reason, "") != CANCELLED,
    ~_NEVER_LEFT,
)
_TRIES: Final = (
    select(
        _count(_IS_ATTEMPT).label("attempts"),
        _count(_IS_ATTEMPT, move.c.attempt > 1).label("retries"),
    )
    .select_from(response.join(move, move.c.response_id == response.c.id))
    .where(*_ENDED)
)
_MISSING: Final = (
    select(missing_report.c.finding, func.count().label("count"))
    .where(missing_report.c.at >= bindparam("since"))
    .group_by(missing_report.c.finding)
    .order_by(func.count().desc(), missing_report.c.finding)
)
_UNFINISHED: Final = (
    select(response.c.state, func.count(), func.min(response.c.started_at))
    .where(IS_UNFINISHED)
    .group_by(response.c.state)
)
# Two sums in one pass over an index; GROUP BY takes five times as long.
_FINISHED: Final = select(*[_count(response.c.state == state.value).label(state) for state in sorted(FINAL)])


@dataclass(frozen=True, slots=True)
class Reliability:
    """Counts the outcomes of the responses that ended in a period.

    `delivered` and `failed` count written lines that were not cancelled; `attempts` and `retries` count attempts to
    send their parts. `to_tell` counts failures that needed a notice, written or not; `waiting` those whose notice is
    not sent yet; `untold_before` failures before the period whose notice is not sent yet. `errors` counts the log's
    errors in the period, from `errors_from` on (None: never counted). `reasons` counts failures that were not
    cancelled, written or not, by reason, the most frequent first: for a written line Discord's reason with its code and
    words, else the model's. `missing` counts lines that people reported missing, by what the journal said at that time.
    """

    ended: int
    delivered: int
    failed: int
    attempts: int
    retries: int
    to_tell: int
    told: int
    waiting: int
    errors: int
    reasons: tuple[tuple[str, int], ...] = ()
    untold_before: int = 0
    errors_from: float | None = 0.0
    missing: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ResponseOutcome:
    """One row of a table of deliveries. `notice`: None if none was requested, else its outcome or `waiting`."""

    response_id: ResponseId
    name: str
    state: State
    wire_attempts: int
    retries: int
    notice: str | None


def find_sessions(conn: Connection, channel_or_session: str) -> tuple[SessionRecord, ...]:
    """Return the session with this id, or all sessions of this channel, oldest first; empty if there is none."""
    wanted = session.c.id == channel_or_session
    if channel_or_session.isdecimal():
        wanted |= session.c.channel_id == int(channel_or_session)
    rows = conn.execute(select(session).where(wanted).order_by(session.c.opened_at, session.c.id)).all()
    return tuple(session_record(conn, row) for row in rows)


def session_outcomes(conn: Connection, session_id: SessionId) -> tuple[ResponseOutcome, ...]:
    """Return the outcome of every response of a session, oldest first."""
    return tuple(_outcome(row) for row in conn.execute(_OUTCOMES, {"session_id": session_id}))


def _outcome(row: AnyRow) -> ResponseOutcome:
    return ResponseOutcome(
        response_id=row.id,
        name=row.name,
        state=State(row.state),
        wire_attempts=row.wire_attempts,
        retries=row.retries,
        notice=(row.notice or "waiting") if row.notices else None,
    )


def reliability(conn: Connection, *, since: float) -> Reliability:
    """Count the outcomes of the responses that ended at `since` (seconds since 1970) or later."""
    endings = conn.execute(_ENDINGS, {"since": since}).one()
    tries = conn.execute(_TRIES, {"since": since}).one()
    errors, errors_from = errors_since(conn, since=since)
    return Reliability(
        ended=endings.ended,
        delivered=endings.delivered or 0,
        failed=endings.failed or 0,
        attempts=tries.attempts or 0,
        retries=tries.retries or 0,
        to_tell=endings.to_tell or 0,
        told=endings.told or 0,
        waiting=endings.waiting or 0,
        errors=errors,
        reasons=_reasons(conn.execute(_WHYS, {"since": since})),
        untold_before=conn.execute(_UNTOLD_BEFORE, {"since": since}).scalar_one(),
        errors_from=errors_from,
        missing=tuple((finding, count) for finding, count in conn.execute(_MISSING, {"since": since})),
    )


def _reasons(failed: Iterable[AnyRow]) -> tuple[tuple[str, int], ...]:
    """Count failures by reason and code. `failed` is newest first: each pair is shown with its newest words."""
    counts: Counter[tuple[str, int | None]] = Counter()
    words: dict[tuple[str, int | None], str] = {}
    for row in failed:
        fields = json.loads(row.fields)
        why = f"Discord: {row.why}" if row.has_text else row.why
        counts[why, fields.get("code")] += 1
        words.setdefault((why, fields.get("code")), fields.get("words", ""))
    told = ((_with_code(*reason, words[reason]), count) for reason, count in counts.items())
    return tuple(sorted(told, key=lambda each: (-each[1], each[0])))


def _with_code(why: str, code: int | str | None, words: str) -> str:
    return why if code is None else f"{why} ({code} {words})"


def lines_by_state(conn: Connection) -> tuple[LinesInState, ...]:
    """Count the responses in each state; for unfinished states, also when the oldest began."""
    on_their_way = tuple(LinesInState(*row) for row in conn.execute(_UNFINISHED))
    ended = conn.execute(_FINISHED).one()._mapping
    return (*on_their_way, *(LinesInState(state, count or 0) for state, count in ended.items()))


def untold_since(conn: Connection) -> float | None:
    """Return when the oldest failure happened whose notice is not sent yet; None if there is none."""
    since: float | None = conn.execute(_UNTOLD_SINCE).scalar_one()
    return since
