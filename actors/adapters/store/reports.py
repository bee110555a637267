"""What the command line reads: sessions by channel or id, and what became of their responses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, func, or_, select

from actors.adapters.store.schema import AnyRow, character, move, outbox, response, session
from actors.adapters.store.sessions import session_record
from actors.roleplay.model import OutboxKind, ResponseId, SessionId, SessionRecord
from machines.facts import Cancelled, Held, SendRefused
from machines.response import State


def _count(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((and_(*conditions), 1), else_=0))


# A try begins with a move into Sending, but a cancellation that is noted there begins none; one that was held
# back, or was not wanted any more, never left the process.
_BEGUN: Final = _count(move.c.dest == State.SENDING, move.c.fact != Cancelled.__name__)
_KEPT_BACK: Final = _count(
    move.c.source == State.SENDING,
    or_(move.c.fact == Held.__name__, (move.c.fact == SendRefused.__name__) & (move.c.reason == "cancelled")),
)
# A retry goes on after a failed try, by another one or by finding that it had arrived; nothing follows the last.
_TO_RETRY: Final = _count(move.c.dest == State.RETRYING, move.c.source != State.RETRYING, move.c.fact != Held.__name__)
_GIVEN_UP: Final = _count(
    move.c.source == State.RETRYING, move.c.dest == State.FAILED, move.c.fact != Cancelled.__name__
)
_NOTICE: Final = (
    select(func.max(outbox.c.outcome))
    .where(outbox.c.response_id == response.c.id, outbox.c.kind == OutboxKind.NOTICE.value)
    .correlate(response)
    .scalar_subquery()
)
_ASKED: Final = (
    select(func.count())
    .where(outbox.c.response_id == response.c.id, outbox.c.kind == OutboxKind.NOTICE.value)
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


@dataclass(frozen=True, slots=True)
class ResponseOutcome:
    """One row of a table of deliveries. `notice`: None where none was asked for, else its outcome or `waiting`."""

    response_id: ResponseId
    name: str
    state: State
    wire_attempts: int
    retries: int
    notice: str | None


def find_sessions(conn: Connection, channel_or_session: str) -> tuple[SessionRecord, ...]:
    """The session of this id, or all of this channel, oldest first; empty where there is none."""
    wanted = session.c.id == channel_or_session
    if channel_or_session.isdecimal():
        wanted |= session.c.channel_id == int(channel_or_session)
    rows = conn.execute(select(session).where(wanted).order_by(session.c.opened_at, session.c.id)).all()
    return tuple(session_record(conn, row) for row in rows)


def session_outcomes(conn: Connection, session_id: SessionId) -> tuple[ResponseOutcome, ...]:
    """Every response of a session, oldest first."""
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
