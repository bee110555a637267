"""What people said, and which turn answers it: each message once, in the order of their ids."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, func, insert, select, text, update

from actors.adapters.store.characters import character_of
from actors.adapters.store.guards import hold_session
from actors.adapters.store.history import add_heard
from actors.adapters.store.outbox import enqueue
from actors.adapters.store.retries import next_retry
from actors.adapters.store.schema import inbox, session, turn
from actors.adapters.store.sessions import IS_OPEN, IS_WAITING
from actors.adapters.store.unfinished import unfinished_response
from actors.ports.store import Accepted, Fenced, NextMessage, NextSpeaker, Work
from actors.roleplay.model import ChannelMessage, Claim, OutboxDraft, SessionId, Turn
from machines.session import State

_IS_KNOWN: Final = select(inbox.c.session_id).where(inbox.c.message_id == bindparam("message_id"))
_OPEN_HERE: Final = (
    select(session.c.id, session.c.opened_after, session.c.overflow_told)
    .where(session.c.channel_id == bindparam("channel_id"), IS_OPEN)
    .with_for_update()
)
_WAITING: Final = (
    select(func.count()).select_from(inbox).where(inbox.c.session_id == bindparam("session_id"), IS_WAITING)
)
_NEXT_MESSAGE: Final = (
    select(inbox.c.message_id)
    .where(inbox.c.session_id == bindparam("session_id"), IS_WAITING)
    .order_by(inbox.c.message_id)
    .limit(1)
)
_OPEN_TURN: Final = (
    select(turn)
    .where(turn.c.session_id == bindparam("session_id"), text("turn.speakers_left > 0"))
    .order_by(turn.c.id)
    .limit(1)
)
_TURNS: Final = select(func.count()).select_from(turn).where(turn.c.session_id == bindparam("session_id"))
_INSERT: Final = insert(inbox)
_INSERT_TURN: Final = insert(turn)
_TAKE: Final = (
    update(inbox)
    .where(inbox.c.message_id == bindparam("of_message"), inbox.c.session_id == bindparam("of_session"), IS_WAITING)
    .values(has_turn=True)
)
_STATE: Final = select(session.c.state).where(session.c.id == bindparam("session_id"))


def accept(
    conn: Connection, message: ChannelMessage, *, waiting_max: int, overflow: OutboxDraft | None = None
) -> Accepted | None:
    """Inbox and history at once, once per message id; `overflow` goes out with the first that must wait too long."""
    known = conn.execute(_IS_KNOWN, {"message_id": message.id}).scalar()
    if known is not None:
        return Accepted(known, is_new=False)
    here = conn.execute(_OPEN_HERE, {"channel_id": message.channel_id}).one_or_none()
    if here is None or message.id <= here.opened_after:
        return None
    is_full = conn.execute(_WAITING, {"session_id": here.id}).scalar_one() >= waiting_max
    if is_full and not here.overflow_told and overflow is not None:
        _tell_overflow(conn, here.id, overflow, at=message.at)
    conn.execute(
        _INSERT,
        {
            "message_id": message.id,
            "session_id": here.id,
            "channel_id": message.channel_id,
            "author_id": message.author_id,
            "name": message.name,
            "text": message.text,
            "at": message.at,
            "starts_turn": not is_full,
            "has_turn": False,
        },
    )
    add_heard(conn, here.id, message)
    return Accepted(here.id, is_new=True)


def next_work(conn: Connection, claim: Claim) -> Work:
    """What the session has to do next; of an Ended or Paused one only what is unfinished. Raises Fenced."""
    hold_session(conn, claim)
    here = {"session_id": claim.session_id}
    unfinished = unfinished_response(conn, claim.session_id)
    if unfinished is not None:
        return unfinished
    if conn.execute(_STATE, here).scalar_one() in (State.ENDED, State.PAUSED):
        return None
    retry = next_retry(conn, claim.session_id)
    if retry is not None:
        return retry
    open_turn = conn.execute(_OPEN_TURN, here).one_or_none()
    if open_turn is not None:
        speakers = tuple(open_turn.speakers)
        ordinal = len(speakers) - open_turn.speakers_left
        now = Turn(open_turn.id, claim.session_id, open_turn.trigger_id, speakers)
        return NextSpeaker(now, ordinal, character_of(conn, speakers[ordinal]))
    message_id = conn.execute(_NEXT_MESSAGE, here).scalar()
    if message_id is None:
        return None
    return NextMessage(message_id, conn.execute(_TURNS, here).scalar_one())


def take_turn(conn: Connection, claim: Claim, new: Turn) -> None:
    """Answer a message with a turn. Raises Fenced when it has one, was deleted, or never was to have one."""
    hold_session(conn, claim)
    taken = conn.execute(_TAKE, {"of_message": new.trigger_id, "of_session": claim.session_id})
    if taken.rowcount != 1:
        raise Fenced(f"message {new.trigger_id} waits for no turn")
    conn.execute(
        _INSERT_TURN,
        {
            "id": new.id,
            "session_id": claim.session_id,
            "trigger_id": new.trigger_id,
            "speakers": list(new.speakers),
            "speakers_left": len(new.speakers),
        },
    )


def _tell_overflow(conn: Connection, session_id: SessionId, notice: OutboxDraft, *, at: float) -> None:
    enqueue(conn, notice, at=at)
    conn.execute(update(session).where(session.c.id == session_id).values(overflow_told=True))
