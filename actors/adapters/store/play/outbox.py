"""Store the outbox: notices, take-downs and answers, written with their cause and tried until done."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from functools import cache
from hashlib import blake2b
from typing import Final

from sqlalchemy import BindParameter, Connection, Integer, bindparam, func, insert, null, select, text, update

from actors.adapters.store.engine.prepared import Prepared, names_of
from actors.adapters.store.engine.schema import AnyRow, outbox, part, response
from actors.adapters.store.play.watermarks import newest_message
from actors.ports.store import Fenced
from actors.roleplay.model import Button, OutboxDraft, OutboxKind, OutboxRow, ReplyAddress, base36

_SENT_BY: Final = (
    Prepared(select(part.c.webhook_id).where(part.c.message_id == bindparam("message_id"))),
    Prepared(
        select(outbox.c.webhook_id).where(
            outbox.c.channel_id == bindparam("channel_id"), outbox.c.message_id == bindparam("message_id")
        )
    ),
)
_OPEN: Final = text("done_at IS NULL")
# Texts that keep their order in the channel; the answer to an interaction already has its place there.
_IS_TEXT: Final = (outbox.c.kind != OutboxKind.TAKEDOWN.value) & outbox.c.reply_token.is_(None)
# Texts that the channel may hold without our knowledge: unfinished, or done with more than one attempt.
_IS_MESSAGE: Final = (outbox.c.kind != OutboxKind.TAKEDOWN.value) & outbox.c.reply_expires_at.is_(None)
ON_ITS_WAY: Final = _OPEN & _IS_MESSAGE & text("attempt > 0")
# `deleted`: a text that was withdrawn before it was found; if it arrives after all, it is a copy.
_MAY_STAND: Final = text("outcome IN ('sent', 'deleted')")
DOUBTFUL: Final = text("attempt > 1") & (outbox.c.done_at > bindparam("since")) & _IS_MESSAGE & _MAY_STAND
_IS_A_LINE: Final = Prepared(select(part.c.message_id).where(part.c.message_id == bindparam("message_id")))
_IS_ANOTHERS: Final = Prepared(
    select(part.c.response_id).where(
        part.c.message_id == bindparam("message_id"), part.c.response_id != bindparam("response_id")
    )
)
_IS_SAID: Final = Prepared(
    select(outbox.c.id).where(
        outbox.c.channel_id == bindparam("channel_id"), outbox.c.message_id == bindparam("message_id")
    )
)
# The order of the partial indexes without settled rows: otherwise SQLite reads every text that ever existed. Rows first
# tried before `since` are omitted: after so long a row is refused rather than in doubt, and the channel would have to
# be read from up to a week ago.
_FENCE: Final = select(outbox.c.channel_id, outbox.c.fence)
_FENCES: Final = (
    Prepared(_FENCE.where(ON_ITS_WAY, outbox.c.first_try_at > bindparam("since")).order_by(outbox.c.due_at)),
    Prepared(_FENCE.where(DOUBTFUL).order_by(outbox.c.done_at)),
)
_LAST_TEXT: Final = Prepared(
    select(func.max(outbox.c.due_at)).where(_OPEN, _IS_TEXT, outbox.c.channel_id == bindparam("channel_id"))
)
_ANSWERS: Final = Prepared(
    select(func.count())
    .select_from(outbox)
    .where(_OPEN, outbox.c.channel_id == bindparam("channel_id"), outbox.c.kind == OutboxKind.ANSWER.value)
)
_ANSWERED: Final = Prepared(
    select(func.count())
    .select_from(outbox)
    .where(
        outbox.c.asked_by == bindparam("user_id"),
        outbox.c.asked_at > bindparam("since"),
        outbox.c.channel_id == bindparam("channel_id"),
    )
)
_IS_KNOWN: Final = Prepared(select(outbox.c.id).where(outbox.c.key == bindparam("key")))
_INSERT: Final = Prepared(
    insert(outbox),
    names_of(outbox, besides=["id", "message_id", "done_at", "outcome", "withdrawn_at"]),
)
_THIS: Final = outbox.c.id == bindparam("row_id")
# The session of the line that the row is about, for the log; a subquery, because a join cannot be locked with the row.
_SESSION: Final = (
    select(response.c.session_id).where(response.c.id == outbox.c.response_id).correlate(outbox).scalar_subquery()
)
_ROW: Final = select(outbox, _SESSION.label("session_id"))
_HELD: Final = Prepared(_ROW.where(_THIS, _OPEN).with_for_update(of=outbox))
_COUNT_TRY: Final = update(outbox).where(_THIS).values(attempt=outbox.c.attempt + 1, webhook_id=bindparam("through"))
_TRY: Final = Prepared(_COUNT_TRY)
_FIRST_TRY: Final = Prepared(
    _COUNT_TRY.values(first_try_at=bindparam("at"), fence=bindparam("new_fence"), text=bindparam("new_text"))
)
_CLOSE: Final = Prepared(
    update(outbox)
    .where(_THIS, _OPEN)
    .values({name: bindparam(name) for name in ("message_id", "done_at", "outcome")} | {"reply_token": null()})
)
_PUT_OFF: Final = Prepared(
    update(outbox)
    .where(_THIS)
    .values(due_at=bindparam("until"), attempt=outbox.c.attempt - bindparam("given_back", type_=Integer))
)
_PUT_OFF_BEHIND: Final = Prepared(
    update(outbox)
    .where(
        _OPEN,
        _IS_TEXT,
        outbox.c.channel_id == bindparam("of_channel"),
        outbox.c.id > bindparam("row_id"),
        outbox.c.due_at < bindparam("until"),
    )
    .values(due_at=bindparam("until"))
)
_HURRY: Final = update(outbox).where(_OPEN, outbox.c.due_at > bindparam("later_than")).values(due_at=bindparam("until"))
_HURRY_ALL: Final = Prepared(_HURRY)
_HURRY_CHANNEL: Final = Prepared(_HURRY.where(outbox.c.channel_id == bindparam("of_channel")))
_NEXT: Final = Prepared(select(outbox.c.due_at).where(_OPEN).order_by(outbox.c.due_at).limit(1))


def enqueue(conn: Connection, draft: OutboxDraft, *, at: float) -> bool:
    """Add a delivery, due at once or with the texts before it; return False if its key is known.

    Also False for a response's take-down of a message that belongs to another response: that line stays.
    """
    if _IS_KNOWN.scalar(conn, {"key": draft.key}) is not None or _is_anothers_line(conn, draft):
        return False
    _INSERT.run(
        conn,
        {
            "key": draft.key,
            "kind": draft.kind.value,
            "channel_id": draft.channel_id,
            "text": draft.text,
            "target_id": draft.message_id,
            "webhook_id": draft.webhook_id or _sender(conn, draft),
            "response_id": draft.response_id,
            "nonce": _nonce(draft.key, at),
            "fence": 0,
            "attempt": 0,
            "first_try_at": 0.0,
            "due_at": max(at, _due_before(conn, draft)),
            "buttons": [asdict(button) for button in draft.buttons] or None,
            "reply_token": draft.reply and draft.reply.token,
            "reply_expires_at": draft.reply and draft.reply.expires_at,
            "repeats": draft.repeats,
            "asked_by": draft.asked_by,
            "asked_at": None if draft.asked_by is None else at,
        },
    )
    return True


def enqueue_copy(conn: Connection, draft: OutboxDraft, *, at: float) -> bool:
    """Add a take-down of a copy, unless a response or a text has been confirmed in that message meanwhile."""
    this = {"message_id": draft.message_id, "channel_id": draft.channel_id}
    if _IS_A_LINE.scalar(conn, this) is not None or _IS_SAID.scalar(conn, this) is not None:
        return False
    return enqueue(conn, draft, at=at)


def doubtful_texts(conn: Connection, *, since: float) -> dict[int, int]:
    """Return, by channel, the watermark after which a second copy of a notice or an answer may be."""
    watermarks: dict[int, int] = {}
    for channel_id, watermark in (row for statement in _FENCES for row in statement.run(conn, {"since": since})):
        watermarks[channel_id] = min(watermark, watermarks.get(channel_id, watermark))
    return watermarks


def _due_before(conn: Connection, draft: OutboxDraft) -> float:
    """When the channel's last unfinished text is due: texts keep their order."""
    if draft.kind is OutboxKind.TAKEDOWN or draft.reply is not None:
        return 0.0
    due_at: float | None = _LAST_TEXT.scalar(conn, {"channel_id": draft.channel_id})
    return due_at or 0.0


def _is_anothers_line(conn: Connection, draft: OutboxDraft) -> bool:
    if draft.kind is not OutboxKind.TAKEDOWN or draft.response_id is None:
        return False
    return _IS_ANOTHERS.scalar(conn, {"message_id": draft.message_id, "response_id": draft.response_id}) is not None


def _sender(conn: Connection, draft: OutboxDraft) -> int | None:
    """The webhook that sent the message to take down: only it can delete its messages without a permission."""
    if draft.message_id is None:
        return None
    this = {"message_id": draft.message_id, "channel_id": draft.channel_id}
    return next((sent_by for statement in _SENT_BY if (sent_by := statement.scalar(conn, this)) is not None), None)


def enqueue_all(conn: Connection, drafts: Sequence[OutboxDraft], *, at: float) -> None:
    for draft in drafts:
        enqueue(conn, draft, at=at)


def leave_unanswered(conn: Connection, draft: OutboxDraft, *, at: float) -> None:
    """Close an answer before its first attempt: its command counts as handled and no catch-up executes it later."""
    if enqueue(conn, draft, at=at):
        row_id: int = _IS_KNOWN.scalar(conn, {"key": draft.key})
        outbox_done(conn, row_id, message_id=None, at=at, outcome="dropped")


def answers_waiting(conn: Connection, channel_id: int) -> int:
    """Return the number of unfinished answers to commands of this channel."""
    waiting: int = _ANSWERS.scalar(conn, {"channel_id": channel_id})
    return waiting


def answered_lately(conn: Connection, channel_id: int, user_id: int, *, since: float) -> int:
    """Return how many commands of this person were answered in the channel after `since`."""
    answered: int = _ANSWERED.scalar(conn, {"channel_id": channel_id, "user_id": user_id, "since": since})
    return answered


def due_outbox(
    conn: Connection, *, now: float, limit: int, besides: Collection[int] = frozenset()
) -> tuple[OutboxRow, ...]:
    """Return due deliveries, the longest due first, without those of the channels `besides`."""
    busy: list[int] = sorted(besides)
    # Padded to a power of two: one compiled statement for each length would be too many.
    places = 1 << max(0, len(busy) - 1).bit_length() if busy else 0
    filled = {f"busy_{place}": busy[min(place, len(busy) - 1)] for place in range(places)}
    rows = _due(places).rows(conn, {"now": now, "limit": limit, **filled})
    return tuple(map(outbox_row, rows))


@cache
def _due(places: int) -> Prepared:
    busy: list[BindParameter[int]] = [bindparam(f"busy_{place}") for place in range(places)]
    return Prepared(
        _ROW.where(_OPEN, outbox.c.due_at <= bindparam("now"), *([outbox.c.channel_id.not_in(busy)] if busy else []))
        .order_by(outbox.c.due_at, outbox.c.id)
        .limit(bindparam("limit"))
    )


def outbox_try(
    conn: Connection, row_id: int, *, at: float, text: str | None = None, webhook_id: int | None = None
) -> OutboxRow:
    """Count an attempt before it is made, and note a text's webhook; the first attempt may change the text.

    Raises Fenced if the row is done.
    """
    row = outbox_row(_check_row(conn, row_id))
    through = row.draft.webhook_id if row.draft.kind is OutboxKind.TAKEDOWN else webhook_id
    tried = replace(row, draft=replace(row.draft, webhook_id=through), attempt=row.attempt + 1)
    if row.attempt:
        _TRY.run(conn, {"row_id": row_id, "through": through})
        return tried
    watermark, words = newest_message(conn, row.draft.channel_id), row.draft.text if text is None else text
    _FIRST_TRY.run(conn, {"row_id": row_id, "at": at, "new_fence": watermark, "new_text": words, "through": through})
    return replace(tried, first_try_at=at, watermark=watermark, draft=replace(tried.draft, text=words))


def outbox_later(conn: Connection, row_id: int, *, due_at: float, was_tried: bool = True) -> None:
    """Put off the next attempt and the channel's later texts. Raises Fenced if the row is done.

    If `was_tried` is false, nothing left the process, and the attempt is not counted.
    """
    row = _check_row(conn, row_id)
    _PUT_OFF.run(conn, {"row_id": row_id, "until": due_at, "given_back": 0 if was_tried else 1})
    if row.kind != OutboxKind.TAKEDOWN and row.reply_token is None:
        _PUT_OFF_BEHIND.run(conn, {"row_id": row_id, "of_channel": row.channel_id, "until": due_at})


def outbox_done(conn: Connection, row_id: int, *, message_id: int | None, at: float, outcome: str) -> None:
    """Close a row. Raises Fenced if it is already closed."""
    closed = _CLOSE.run(conn, {"row_id": row_id, "message_id": message_id, "done_at": at, "outcome": outcome})
    if closed.rowcount != 1:
        raise Fenced(f"outbox row {row_id} is done")


def outbox_hurry(conn: Connection, channel_id: int | None, *, at: float, put_off_s: float = 0.0) -> None:
    """Make rows of a channel (None: all channels) due at `at` if they are put off for longer than `put_off_s`."""
    due = {"later_than": at + put_off_s, "until": at}
    if channel_id is None:
        _HURRY_ALL.run(conn, due)
    else:
        _HURRY_CHANNEL.run(conn, {**due, "of_channel": channel_id})


def next_outbox_due(conn: Connection) -> float | None:
    due_at: float | None = _NEXT.scalar(conn, {})
    return due_at


def _check_row(conn: Connection, row_id: int) -> AnyRow:
    row: AnyRow | None = _HELD.row(conn, {"row_id": row_id})
    if row is None:
        raise Fenced(f"outbox row {row_id} is done")
    return row


def _nonce(key: str, at: float) -> str:
    # Derived from the key, so that every attempt has the same nonce; the time distinguishes databases.
    digest = blake2b(f"{key}\n{at!r}".encode(), digest_size=8).digest()
    return f"o{base36(int.from_bytes(digest, 'big'))}"


def outbox_row(row: AnyRow) -> OutboxRow:
    draft = OutboxDraft(
        key=row.key,
        kind=OutboxKind(row.kind),
        channel_id=row.channel_id,
        text=row.text,
        message_id=row.target_id,
        webhook_id=row.webhook_id,
        response_id=row.response_id,
        buttons=tuple(Button(**button) for button in row.buttons or ()),
        reply=None if row.reply_token is None else ReplyAddress(row.reply_token, row.reply_expires_at),
        repeats=row.repeats,
    )
    return OutboxRow(
        id=row.id,
        draft=draft,
        nonce=row.nonce,
        watermark=row.fence,
        attempt=row.attempt,
        first_try_at=row.first_try_at,
        due_at=row.due_at,
        session_id=getattr(row, "session_id", None),  # the reaper needs none
        withdrawn_at=row.withdrawn_at,
    )
