"""Store people's messages and the turns that answer them: each message once, in the order of ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, func, insert, select, text, update

from actors.adapters.store.engine.fencing import check_session
from actors.adapters.store.engine.prepared import Prepared, names_of
from actors.adapters.store.engine.schema import AnyRow, amendment, inbox, part, response, session, turn
from actors.adapters.store.play import gathering
from actors.adapters.store.play.characters import character_of
from actors.adapters.store.play.history import add_heard
from actors.adapters.store.play.outbox import enqueue
from actors.adapters.store.play.redeliveries import next_redelivery
from actors.adapters.store.play.sessions import IS_OPEN, IS_WAITING, move_session, take_over
from actors.adapters.store.play.unfinished import unfinished_response
from actors.ports.inbox import Accepted
from actors.ports.store import Fenced
from actors.ports.work import MoveByWork, NextMessages, NextSpeaker, SessionMove, Work, can_begin
from actors.roleplay.addressing import Heard
from actors.roleplay.gathering import Gather
from actors.roleplay.model import ChannelMessage, Claim, OutboxDraft, SessionId, SessionRecord, Turn
from actors.roleplay.quotas import MINUTE_S, is_reached
from actors.roleplay.turns import Before
from machines.session import State

_IS_KNOWN: Final = Prepared(select(inbox.c.session_id).where(inbox.c.message_id == bindparam("message_id")))
_OPEN_HERE: Final = Prepared(
    select(session.c.id, session.c.opened_after, session.c.state)
    .where(session.c.channel_id == bindparam("channel_id"), IS_OPEN)
    .with_for_update()
)
_LAST_AMENDMENT: Final = (
    select(func.max(amendment.c.id))
    .where(amendment.c.message_id == inbox.c.message_id)
    .correlate(inbox)
    .scalar_subquery()
)
_TURNS_BEGUN: Final = Prepared(
    # Messages that may begin one, whether they were gathered into one turn or not: a restart changes no decision.
    select(func.count())
    .select_from(inbox)
    .where(
        inbox.c.author_id == bindparam("author_id"),
        inbox.c.at > bindparam("since"),
        inbox.c.at <= bindparam("until"),
        inbox.c.starts_turn,
    )
)
_REPLIED_TO: Final = (
    select(response.c.character_id)
    .join(part, part.c.response_id == response.c.id)
    .where(part.c.channel_id == inbox.c.channel_id, part.c.message_id == inbox.c.replies_to)
    .limit(1)
    .correlate(inbox)
    .scalar_subquery()
)
_NEXT_MESSAGES: Final = Prepared(
    select(
        inbox.c.message_id,
        func.coalesce(amendment.c.text, inbox.c.text).label("text"),
        _REPLIED_TO.label("replies_to"),
    )
    .select_from(inbox.outerjoin(amendment, amendment.c.id == _LAST_AMENDMENT))
    .where(inbox.c.session_id == bindparam("session_id"), IS_WAITING)
    .order_by(inbox.c.message_id)
)
_OPEN_TURN: Final = Prepared(
    select(turn)
    .where(turn.c.session_id == bindparam("session_id"), text("turn.speakers_left > 0"))
    .order_by(turn.c.id)
    .limit(1)
)
_LAST_TURN: Final = Prepared(
    select(turn.c.speakers, turn.c.round)
    .where(turn.c.session_id == bindparam("session_id"))
    .order_by(turn.c.cause_id.desc())
    .limit(1)
)
_LAST_SPEAKER: Final = Prepared(
    select(response.c.character_id)
    .where(response.c.session_id == bindparam("session_id"), response.c.replaces.is_(None))
    .order_by(response.c.started_at.desc())
    .limit(1)
)
_INSERT: Final = Prepared(insert(inbox), names_of(inbox, besides=["deleted_at", "redacted"]))
_INSERT_TURN: Final = Prepared(insert(turn), names_of(turn, besides=["handed_to"]))
_TAKE: Final = Prepared(
    update(inbox)
    .where(inbox.c.session_id == bindparam("of_session"), inbox.c.message_id <= bindparam("newest"), IS_WAITING)
    .values(turn_id=bindparam("by_turn"))
)
_PASS_OVER: Final = Prepared(
    update(inbox)
    .where(inbox.c.session_id == bindparam("of_session"), inbox.c.message_id <= bindparam("newest"), IS_WAITING)
    .values(starts_turn=False)
)
_IS_WAITING: Final = Prepared(
    select(inbox.c.message_id).where(
        inbox.c.session_id == bindparam("session_id"), inbox.c.message_id == bindparam("message_id"), IS_WAITING
    )
)
_GATHERS_UNTIL: Final = Prepared(select(session.c.gather_until).where(session.c.id == bindparam("session_id")))
_STATE: Final = Prepared(select(session.c.state).where(session.c.id == bindparam("session_id")))


def accept(
    conn: Connection,
    message: ChannelMessage,
    *,
    gather: Gather | None = None,
    turns_max: int = 0,
    limited: OutboxDraft | None = None,
) -> Accepted | None:
    """Add a message to inbox and history, once per id; None where no session was open then.

    Beyond `turns_max` turns of its author within a minute, it starts none, and `limited` is sent.
    """
    known = _IS_KNOWN.scalar(conn, {"message_id": message.id})
    if known is not None:
        return Accepted(known, is_new=False)
    here = _OPEN_HERE.row(conn, {"channel_id": message.channel_id})
    if here is None or message.id <= here.opened_after:
        return None
    is_paused = here.state == State.PAUSED
    is_limited = not is_paused and is_reached(turns_max, _turns_begun(conn, message, turns_max))
    if is_limited and limited is not None:
        enqueue(conn, limited, at=message.at)
    begins_at = None if is_paused or is_limited or gather is None else gathering.gather(conn, here.id, gather)
    _INSERT.run(
        conn,
        {
            "message_id": message.id,
            "session_id": here.id,
            "channel_id": message.channel_id,
            "author_id": message.author_id,
            "name": message.name,
            "text": message.text,
            "at": message.at,
            "starts_turn": not (is_paused or is_limited),
            "turn_id": None,
            "replies_to": message.replies_to,
        },
    )
    add_heard(conn, here.id, message)
    return Accepted(here.id, is_new=True, is_paused=is_paused, is_limited=is_limited, begins_at=begins_at)


def _turns_begun(conn: Connection, message: ChannelMessage, turns_max: int) -> int:
    """The turns that the author began in the minute before this message, by the times of the messages: a message that
    is read after a gap is judged as at its own time."""
    if not turns_max:
        return 0
    minute = {"since": message.at - MINUTE_S, "until": message.at}
    begun: int = _TURNS_BEGUN.scalar(conn, {"author_id": message.author_id, **minute})
    return begun


def claim(conn: Connection, session_id: SessionId) -> tuple[Claim, SessionRecord, Work]:
    """Take the session over and return its work. Raises LookupError for an unknown session."""
    taken, record = take_over(conn, session_id)
    return taken, record, _work(conn, session_id)


def next_work(conn: Connection, claim: Claim, *, move: MoveByWork | None = None) -> Work:
    """Return the session's next work, and record the move that it causes. Raises Fenced."""
    check_session(conn, claim)
    work = _work(conn, claim.session_id)
    if move is not None:
        move_session(conn, claim.session_id, _chosen(move, work))
    return work


def resume_session(conn: Connection, session_id: SessionId, move: MoveByWork, *, outbox: Sequence[OutboxDraft]) -> None:
    """End a pause; the move depends on whether work waits. Raises Fenced."""
    waiting = unfinished_response(conn, session_id) or _new_work(conn, session_id)
    move_session(conn, session_id, _chosen(move, waiting), outbox=outbox)


def _chosen(move: MoveByWork, work: Work) -> SessionMove:
    return move.with_work if can_begin(work, move.with_work.at) else move.without_work


def _work(conn: Connection, session_id: SessionId) -> Work:
    """The session's next work; for an Ended or Paused session only an unfinished response."""
    unfinished = unfinished_response(conn, session_id)
    if unfinished is not None:
        return unfinished
    if _STATE.scalar(conn, {"session_id": session_id}) in (State.ENDED, State.PAUSED):
        return None
    return _new_work(conn, session_id)


def _new_work(conn: Connection, session_id: SessionId) -> Work:
    """The next work that an open session can begin."""
    here = {"session_id": session_id}
    retry = next_redelivery(conn, session_id)
    if retry is not None:
        return retry
    open_turn = _OPEN_TURN.row(conn, here)
    if open_turn is not None:
        speakers = tuple(open_turn.speakers)
        ordinal = len(speakers) - open_turn.speakers_left
        spoken = tuple(open_turn.round or ())
        now = Turn(open_turn.id, session_id, open_turn.cause_id, speakers, spoken, open_turn.kind)
        return NextSpeaker(now, ordinal, character_of(conn, speakers[ordinal]))
    messages = tuple(map(_heard, _NEXT_MESSAGES.rows(conn, here)))
    return (
        NextMessages(messages, _before(conn, session_id), _GATHERS_UNTIL.scalar(conn, here) or 0.0)
        if messages
        else None
    )


def _heard(row: AnyRow) -> Heard:
    return Heard(row.message_id, row.text, row.replies_to)


def _before(conn: Connection, session_id: SessionId) -> Before:
    here = {"session_id": session_id}
    last = _LAST_SPEAKER.scalar(conn, here)
    newest = _LAST_TURN.row(conn, here)
    return Before(last) if newest is None else Before(last, tuple(newest.speakers), tuple(newest.round or ()))


def take_turn(conn: Connection, claim: Claim, new: Turn, *, move: SessionMove | None = None) -> Work:
    """Answer all that waits up to the turn's cause with one turn; return the session's next work.

    Raises Fenced if the cause has a turn, was deleted, or starts no turn.
    """
    check_session(conn, claim)
    if move is not None:
        move_session(conn, claim.session_id, move)
    here = {"session_id": claim.session_id, "message_id": new.cause_id}
    if new.kind == "messages" and _IS_WAITING.scalar(conn, here) is None:
        raise Fenced(f"message {new.cause_id} waits for no turn")
    _INSERT_TURN.run(
        conn,
        {
            "id": new.id,
            "session_id": claim.session_id,
            "kind": new.kind,
            "cause_id": new.cause_id,
            "speakers": list(new.speakers),
            "speakers_left": len(new.speakers),
            "round": list(new.round) or None,
        },
    )
    if new.kind == "messages":
        _TAKE.run(conn, {"of_session": claim.session_id, "newest": new.cause_id, "by_turn": new.id})
    return _work(conn, claim.session_id)


def pass_over(conn: Connection, claim: Claim, newest: int, notice: OutboxDraft, *, at: float) -> Work:
    """Answer the messages that wait, up to `newest`, with no turn, only with a notice; return the session's next work.

    Raises Fenced.
    """
    check_session(conn, claim)
    if not _PASS_OVER.run(conn, {"newest": newest, "of_session": claim.session_id}).rowcount:
        raise Fenced(f"no message up to {newest} waits for a turn")
    enqueue(conn, notice, at=at)
    return _work(conn, claim.session_id)
