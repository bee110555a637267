"""Store people's reports of missing lines, and look up what the journal knows about the turn.

message (else the newest turn of the channel) ─► its turn ─► the newest response of each speaker
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

from actors.adapters.store.engine.report_tables import missing_report
from actors.adapters.store.engine.schema import (
    AnyRow,
    amendment,
    cast,
    character,
    inbox,
    move,
    part,
    response,
    session,
    turn,
)
from actors.adapters.store.look.reports import WHY
from actors.adapters.store.look.standing import known_as
from actors.adapters.store.play.outbox import enqueue
from actors.adapters.store.play.sessions import IS_WAITING
from actors.observation.journal import HeardMessage, LineMessage, OutboxMessage
from actors.ports.store import ReportedMissing
from actors.roleplay.missing_reports import Finding, MissingReport, SeenAnswer, SeenTurn
from actors.roleplay.model import OutboxDraft, ResponseId
from machines.response import State
from machines.session import State as SessionState

_NEWEST_TURN: Final = (
    select(turn.c.cause_id)
    .join(session, session.c.id == turn.c.session_id)
    .where(session.c.channel_id == bindparam("channel_id"), turn.c.kind == "messages")
    .order_by(turn.c.id.desc())
    .limit(1)
)
_OLDEST_WAITING: Final = (
    select(inbox.c.message_id)
    .where(inbox.c.channel_id == bindparam("channel_id"), IS_WAITING)
    .order_by(inbox.c.message_id)
    .limit(1)
)
_TRIGGER: Final = select(response.c.trigger_id).where(response.c.id == bindparam("response_id"))
_MESSAGE: Final = (
    select(inbox, session.c.state.label("session_state"), turn.c.speakers, turn.c.speakers_left)
    .select_from(inbox.join(session, session.c.id == inbox.c.session_id).outerjoin(turn, turn.c.id == inbox.c.turn_id))
    .where(inbox.c.channel_id == bindparam("channel_id"), inbox.c.message_id == bindparam("message_id"))
)
_WAITING: Final = (
    select(func.count()).select_from(inbox).where(inbox.c.session_id == bindparam("session_id"), IS_WAITING)
)
_LAST_REASON: Final = (
    select(move.c.reason)
    .where(move.c.response_id == response.c.id, move.c.seq == response.c.version)
    .correlate(response)
    .scalar_subquery()
)
_PARTS: Final = select(func.count()).where(part.c.response_id == response.c.id).correlate(response).scalar_subquery()
_PARTS_LEFT: Final = (
    select(func.count())
    .select_from(part.outerjoin(amendment, (amendment.c.message_id == part.c.message_id) & amendment.c.text.is_(None)))
    .where(part.c.response_id == response.c.id, part.c.message_id.is_not(None), amendment.c.id.is_(None))
    .correlate(response)
    .scalar_subquery()
)
_ANSWERS: Final = (
    select(
        response,
        character.c.name,
        WHY,
        _LAST_REASON.label("last_reason"),
        _PARTS.label("parts"),
        _PARTS_LEFT.label("parts_left"),
    )
    .join(character, character.c.id == response.c.character_id)
    .where(response.c.session_id == bindparam("session_id"), response.c.turn_id == bindparam("turn_id"))
    .order_by(response.c.ordinal, response.c.id)
)
_NAMES: Final = (
    select(character.c.id, character.c.name)
    .join(cast, cast.c.character_id == character.c.id)
    .where(cast.c.session_id == bindparam("session_id"))
)
_THIS: Final = (
    missing_report.c.reported_by == bindparam("by"),
    missing_report.c.channel_id == bindparam("in_channel"),
    missing_report.c.message_id == bindparam("about"),
)


def look_up_missing(conn: Connection, report: MissingReport) -> SeenTurn | None:
    """Return the state of the turn that a report is about; None if there is none."""
    return turn_of(conn, report.channel_id, report.message_id)


def report_missing(
    conn: Connection, report: MissingReport, seen: SeenTurn | None, answer: OutboxDraft
) -> ReportedMissing | None:
    """Write the report with its answer; if it was answered before, write nothing and return None."""
    if not enqueue(conn, answer, at=report.at):
        return None
    finding = Finding.UNKNOWN if seen is None else seen.finding
    about = (report.message_id or 0) if seen is None else seen.message_id
    said = {"at": report.at, "finding": finding.value, "answered": answer.text}
    this = {"by": report.reported_by, "in_channel": report.channel_id, "about": about}
    is_new = not conn.execute(update(missing_report).where(*_THIS).values(said), this).rowcount
    session_id = None if seen is None else seen.session_id
    if is_new:
        who = {"reported_by": report.reported_by, "channel_id": report.channel_id, "message_id": about}
        conn.execute(insert(missing_report), {**who, "session_id": session_id, **said})
    return ReportedMissing(finding, is_new, session_id)


def turn_of(conn: Connection, channel_id: int, message_id: int | None) -> SeenTurn | None:
    """Return the turn that this message began or belongs to; without a message, the channel's newest; None if none."""
    trigger_id = _newest(conn, channel_id) if message_id is None else _trigger(conn, channel_id, message_id)
    row = conn.execute(_MESSAGE, {"channel_id": channel_id, "message_id": trigger_id}).first()
    if row is None:
        return None
    here = {"session_id": row.session_id, "turn_id": row.turn_id}
    newest = {each.ordinal: each for each in conn.execute(_ANSWERS, here)}  # a speaker's newest, after redeliveries
    return SeenTurn(
        session_id=row.session_id,
        message_id=row.message_id,
        at=row.at,
        answers=tuple(_answer(each) for _, each in sorted(newest.items())),
        to_begin=_to_begin(conn, row),
        waiting=conn.execute(_WAITING, {"session_id": row.session_id}).scalar_one(),
        has_turn=row.turn_id is not None,
        starts_turn=row.starts_turn,
        is_withdrawn=row.deleted_at is not None,
        is_paused=row.session_state == SessionState.PAUSED,
        is_ended=row.session_state == SessionState.ENDED,
    )


def _newest(conn: Connection, channel_id: int) -> int | None:
    here = {"channel_id": channel_id}
    newest: int | None = conn.execute(_NEWEST_TURN, here).scalar()
    return newest or conn.execute(_OLDEST_WAITING, here).scalar()


def _trigger(conn: Connection, channel_id: int, message_id: int) -> int | None:
    match known_as(conn, channel_id, message_id):
        case HeardMessage():
            return message_id
        case LineMessage(response_id=response_id) | OutboxMessage(response_id=str(response_id)):
            return _trigger_of(conn, response_id)
        case _:
            return None


def _trigger_of(conn: Connection, response_id: ResponseId) -> int:
    trigger_id: int = conn.execute(_TRIGGER, {"response_id": response_id}).scalar_one()
    return trigger_id


def _to_begin(conn: Connection, row: AnyRow) -> tuple[str, ...]:
    """The turn's speakers whose responses have not begun, in order."""
    if not row.speakers_left:
        return ()
    names = {each.id: each.name for each in conn.execute(_NAMES, {"session_id": row.session_id})}
    speakers: Sequence[str] = row.speakers
    return tuple(names.get(speaker, "?") for speaker in speakers[len(speakers) - row.speakers_left :])


def _answer(row: AnyRow) -> SeenAnswer:
    state = State(row.state)
    return SeenAnswer(
        name=row.name,
        state=state,
        at=row.moved_at,
        reason=row.why if state is State.FAILED else row.last_reason or "",
        is_written=row.parts > 0,
        is_cancelled=row.cancel_by is not None,
        is_removed=state is State.DELIVERED and not row.parts_left,
        due_at=row.due_at if state is State.RETRYING else None,
    )
