"""Write the journal: each move with the response after it, and each part before it is sent."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Connection, bindparam, case, func, insert, select, update

from actors.adapters.store.engine.fencing import check_response, check_session
from actors.adapters.store.engine.prepared import Prepared, names_of
from actors.adapters.store.engine.schema import (
    AnyRow,
    ending,
    inbox,
    move,
    outbox,
    part,
    response,
    retry_request,
    session,
    turn,
)
from actors.adapters.store.play import exchanges, late_notices
from actors.adapters.store.play import lore as lore_rows
from actors.adapters.store.play.handing_over import hand_over
from actors.adapters.store.play.history import add_said
from actors.adapters.store.play.outbox import enqueue_all
from actors.adapters.store.play.unfinished import outbound_of
from actors.adapters.store.play.watermarks import newest_message
from actors.ports.exchange import Exchange
from actors.ports.store import Fenced
from actors.ports.work import NO_WRITES, ResponseRecord, Writes
from actors.roleplay.model import Claim, Outbound, ResponseId
from machines.facts import FoundInChannel, Generated, Sent, Started, fact_record
from machines.response import Move, Response, State
from machines.session import State as SessionState

_INSERT_MOVE: Final = Prepared(insert(move), names_of(move))
_INSERT_PART: Final = Prepared(insert(part), ("response_id", "number", "text", "attempt"))
_INSERT_RESPONSE: Final = Prepared(insert(response), names_of(response))
_SPEAKER_STARTED: Final = Prepared(
    update(turn).where(turn.c.id == bindparam("of_turn")).values(speakers_left=turn.c.speakers_left - 1)
)
_TAKE_REQUEST: Final = Prepared(
    update(retry_request)
    .where(retry_request.c.response_id == bindparam("of_failed"), retry_request.c.taken_by.is_(None))
    .values(taken_by=bindparam("by"))
)
_IS_REPLACED: Final = Prepared(
    select(retry_request.c.taken_by).where(
        retry_request.c.response_id == bindparam("of_failed"), retry_request.c.taken_by.is_not(None)
    )
)
_IS_TO_GO: Final = Prepared(
    select(outbox.c.id).where(
        outbox.c.channel_id == bindparam("channel_id"), outbox.c.target_id == bindparam("message_id")
    )
)
_MOVABLE: Final = (
    "state",
    "version",
    "dropped_parts",
    "part",
    "attempt",
    "unconfirmed",
    "doubtful",
    "cancel_by",
    "deadline_at",
    "first_try_at",
    "due_at",
    "settled_at",
    "read_backs_failed",
    "held_s",
)
_UPDATE_RESPONSE: Final = Prepared(
    update(response)
    .where(response.c.id == bindparam("response_id"))
    .values({name: bindparam(name) for name in (*_MOVABLE, "moved_at", "is_watched")})
)
_CONFIRM_PART: Final = Prepared(
    update(part)
    .where(part.c.response_id == bindparam("of_response"), part.c.number == bindparam("of_part"))
    .values(message_id=bindparam("message_id"), shown_text=bindparam("shown_text"))
)
_WIRE: Final = ("kind", "channel_id", "name", "webhook_id", "character_id", "attempt", "tried_at")
_WRITE_PART: Final = (
    update(part)
    .where(part.c.response_id == bindparam("of_response"), part.c.number == bindparam("of_part"))
    .values({name: bindparam(name) for name in _WIRE})
)
_RETRY_PART: Final = Prepared(_WRITE_PART)
_TRY_PART: Final = Prepared(_WRITE_PART.values({name: bindparam(name) for name in ("nonce", "fence", "first_try_at")}))
_INSERT_ENDING: Final = Prepared(insert(ending), names_of(ending))
_PART: Final = Prepared(
    select(part).where(part.c.response_id == bindparam("response_id"), part.c.number == bindparam("number"))
)
# 0 while a message of the turn is left, 1 when all were deleted; NULL for a turn that answers no messages.
_IS_FORSAKEN: Final = (
    select(func.min(case((inbox.c.deleted_at.is_(None), 0), else_=1)))
    .where(inbox.c.turn_id == response.c.turn_id)
    .correlate(response)
    .scalar_subquery()
)
_WHY_CANCELLED: Final = Prepared(
    select(session.c.state, session.c.ended_by, _IS_FORSAKEN.label("is_forsaken"), response.c.turn_id)
    .select_from(response.join(session, session.c.id == response.c.session_id))
    .where(response.c.id == bindparam("response_id"))
)
_DELIVERED_IN_TURN: Final = Prepared(
    select(response.c.id)
    .where(response.c.turn_id == bindparam("turn_id"), response.c.state == State.DELIVERED.value)
    .limit(1)
)


def start(
    conn: Connection,
    claim: Claim,
    record: ResponseRecord,
    ordinal: int,
    first: Move,
    *,
    replaces: ResponseId | None = None,
) -> str | None:
    """Write a new response with its first move, and take its redelivery request, if any. Raises Fenced.

    Returns the reason to cancel the response, if there already is one.
    """
    if check_session(conn, claim) == SessionState.PAUSED:
        raise Fenced(f"session {claim.session_id} was paused before {record.response.id} began")
    if replaces is not None and _IS_REPLACED.scalar(conn, {"of_failed": replaces}) is not None:
        raise Fenced(f"response {replaces} is replaced already")
    new = record.response
    _write_move(conn, first)
    _INSERT_RESPONSE.run(
        conn,
        {
            "id": new.id,
            "session_id": claim.session_id,
            "turn_id": record.turn_id,
            "trigger_id": record.trigger_id,
            "ordinal": ordinal,
            "character_id": record.character.id,
            "replaces": replaces,
            "limits": asdict(new.limits),
            "is_watched": False,
            "started_at": first.at,
            **_moved(new, first),
        },
    )
    _write_parts(conn, new, first)
    if replaces is not None:
        _TAKE_REQUEST.run(conn, {"of_failed": replaces, "by": new.id})
        lore_rows.hand_on(conn, replaces, new.id)
    elif record.turn_id is not None:
        _SPEAKER_STARTED.run(conn, {"of_turn": record.turn_id})
    return cancel_reason(conn, new.id)


def record(
    conn: Connection,
    claim: Claim,
    after: Response,
    step: Move,
    writes: Writes = NO_WRITES,
    *,
    exchange: Exchange | None = None,
) -> int:
    """Write a move with everything that belongs to it; return the length of the history afterwards.

    Raises Fenced, also if the part was found in a message that will be taken down as a copy of another line.
    Raises ValueError for Delivered without its line, and for a line without Delivered.
    """
    before = check_response(conn, claim, after.id, version=step.seq - 1)
    if (step.dest is State.DELIVERED) != (writes.line_by is not None):
        raise ValueError(f"{after.id} moved to {step.dest} with {'a' if writes.line_by else 'no'} line for the history")
    if isinstance(step.fact, FoundInChannel):
        _refuse_copy(conn, after, _number(after, step.part), step.fact.message_id)
    _write_move(conn, step)
    if exchange is not None:
        exchanges.keep(conn, claim.session_id, step, exchange)
    _UPDATE_RESPONSE.run(
        conn,
        {"response_id": after.id, "is_watched": writes.arms_reaper or before.is_watched, **_moved(after, step)},
    )
    _write_parts(conn, after, step)
    if after.is_final:
        _INSERT_ENDING.run(conn, {"response_id": after.id, "response_state": after.state.value})
        late_notices.withdraw(conn, claim.session_id, at=step.at)
    enqueue_all(conn, writes.outbox, at=step.at)
    if writes.lore is not None:
        lore_rows.keep(conn, claim.session_id, after.id, writes.lore, at=step.at)
    length: int = before.history_length
    if writes.line_by is None:
        return length
    hand_over(conn, after.id)
    return length + add_said(conn, claim.session_id, after, writes.line_by, at=step.at)


def keep_intent(conn: Connection, claim: Claim, trying: Response, outbound: Outbound) -> Outbound:
    """Write a part before it is sent; watermark, nonce and text remain those of the first attempt.

    Raises Fenced, and ValueError if a part's nonce or text would change: a nonce identifies one message.
    """
    held = check_response(conn, claim, trying.id, version=trying.version)
    number = _number(trying, trying.part)
    before = _part(conn, trying.id, number)
    if before.text != outbound.text or before.nonce not in (None, outbound.nonce):
        raise ValueError(f"part {number} of {trying.id} would go out with another nonce or text")
    wire = {
        "of_response": trying.id,
        "of_part": number,
        "kind": outbound.kind.value,
        "channel_id": outbound.channel_id,
        "name": outbound.name,
        "webhook_id": outbound.webhook_id,
        "character_id": outbound.character_id,
        "attempt": trying.attempt,
        "tried_at": held.moved_at,  # the move that led here requested this attempt
    }
    write = _RETRY_PART
    if before.nonce is None:
        write = _TRY_PART
        watermark = max(outbound.watermark, newest_message(conn, outbound.channel_id))
        wire |= {"nonce": outbound.nonce, "fence": watermark, "first_try_at": trying.first_try_at}
    write.run(conn, wire)
    return outbound_of(_part(conn, trying.id, number))


def cancel_reason(conn: Connection, response_id: ResponseId) -> str | None:
    """Return why this response should be cancelled: its session ended or all messages of its turn were
    deleted; else None."""
    row = _WHY_CANCELLED.run(conn, {"response_id": response_id}).fetchone()
    if row is None:
        return None
    state, ended_by, is_forsaken, turn_id = row
    if state == SessionState.ENDED:
        return ended_by or "end"
    if not is_forsaken or _DELIVERED_IN_TURN.scalar(conn, {"turn_id": turn_id}) is not None:
        return None
    return "trigger_deleted"


def _number(of: Response, part: int) -> int:
    """The stored number of a part of the present text: it follows the parts of a blocked text."""
    return of.dropped_parts + part


def _part(conn: Connection, response_id: ResponseId, number: int) -> AnyRow:
    row: AnyRow | None = _PART.row(conn, {"response_id": response_id, "number": number})
    if row is None:
        raise LookupError(f"{response_id} has no part {number}")
    return row


def _refuse_copy(conn: Connection, found: Response, number: int, message_id: int) -> None:
    """Raise Fenced if the message is to be taken down: the reaper may have judged it a copy after the channel was read.

    A redelivery has the same name and text as the line that it replaces, so its copies cannot be told apart.
    """
    channel_id = _part(conn, found.id, number).channel_id
    if _IS_TO_GO.scalar(conn, {"channel_id": channel_id, "message_id": message_id}) is not None:
        raise Fenced(f"message {message_id} is to be taken down: it is no line of {found.id}")


def _write_move(conn: Connection, step: Move) -> None:
    fields = fact_record(step.fact)
    _INSERT_MOVE.run(
        conn,
        {
            "response_id": step.response_id,
            "seq": step.seq,
            "after_seq": step.seq - 1 or None,
            "source": str(step.source),
            "dest": step.dest.value,
            "fact": type(step.fact).__name__,
            "fields": json.dumps(fields),
            "part": step.part,
            "attempt": step.attempt,
            "reason": fields.get("reason") or fields.get("cause") or fields.get("by"),
            "at": step.at,
        },
    )


def _moved(after: Response, step: Move) -> dict[str, Any]:
    values = {name: getattr(after, name) for name in _MOVABLE}
    values["state"] = after.state.value
    values["moved_at"] = step.at
    return values


def _write_parts(conn: Connection, after: Response, step: Move) -> None:
    """Write the parts of a new text, or the message that confirms a part."""
    match step.fact:
        case Started(texts=texts) | Generated(texts=texts) if texts:
            _INSERT_PART.run_each(
                conn,
                [
                    {"response_id": after.id, "number": number, "text": words, "attempt": 0}
                    for number, words in enumerate(texts, start=_number(after, 1))
                ],
            )
        case Sent() | FoundInChannel() as confirmed:
            _CONFIRM_PART.run(
                conn,
                {
                    "of_response": after.id,
                    "of_part": _number(after, step.part),
                    "message_id": confirmed.message_id,
                    "shown_text": confirmed.text,
                },
            )
        case _:
            return
