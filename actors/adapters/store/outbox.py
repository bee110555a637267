"""Small deliveries: notices, take-downs, answers; written where they are asked for, tried until done."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from hashlib import blake2b
from typing import Final

from sqlalchemy import Connection, bindparam, func, insert, select, text, update

from actors.adapters.store.fences import newest_message
from actors.adapters.store.schema import AnyRow, outbox, part
from actors.ports.store import Fenced
from actors.roleplay.model import Button, OutboxDraft, OutboxKind, OutboxRow, ReplyAddress, base36

_SENT_BY: Final = select(part.c.webhook_id).where(part.c.message_id == bindparam("message_id"))
_OPEN: Final = text("done_at IS NULL")
# What stands in the channel in an order; the answer to an interaction takes a place that is there already.
_IS_TEXT: Final = (outbox.c.kind != OutboxKind.TAKEDOWN.value) & outbox.c.reply_token.is_(None)
_IS_A_LINE: Final = select(part.c.message_id).where(part.c.message_id == bindparam("message_id"))
_LAST_TEXT: Final = select(func.max(outbox.c.due_at)).where(
    _OPEN, _IS_TEXT, outbox.c.channel_id == bindparam("channel_id")
)
_ANSWERS: Final = (
    select(func.count())
    .select_from(outbox)
    .where(_OPEN, outbox.c.channel_id == bindparam("channel_id"), outbox.c.kind == OutboxKind.ANSWER.value)
)
_IS_KNOWN: Final = select(outbox.c.id).where(outbox.c.key == bindparam("key"))
_DUE: Final = (
    select(outbox)
    .where(
        _OPEN,
        outbox.c.due_at <= bindparam("now"),
        outbox.c.channel_id.not_in(bindparam("besides", expanding=True)),
    )
    .order_by(outbox.c.due_at, outbox.c.id)
    .limit(bindparam("limit"))
)
_INSERT: Final = insert(outbox)
_THIS: Final = outbox.c.id == bindparam("row_id")
_HELD: Final = select(outbox).where(_THIS, _OPEN).with_for_update()
_TRY: Final = update(outbox).where(_THIS).values(attempt=outbox.c.attempt + 1)
_FIRST_TRY: Final = _TRY.values(first_try_at=bindparam("at"), fence=bindparam("fence"))
_CLOSE: Final = (
    update(outbox)
    .where(_THIS)
    .values({name: bindparam(name) for name in ("message_id", "done_at", "outcome")} | {"reply_token": None})
)
_NEXT: Final = select(outbox.c.due_at).where(_OPEN).order_by(outbox.c.due_at).limit(1)


def enqueue(conn: Connection, draft: OutboxDraft, *, at: float) -> bool:
    """Add a delivery, due at once or with the texts before it; False when its key is known already."""
    if conn.execute(_IS_KNOWN, {"key": draft.key}).scalar() is not None:
        return False
    conn.execute(
        _INSERT,
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
        },
    )
    return True


def enqueue_copy(conn: Connection, draft: OutboxDraft, *, at: float) -> bool:
    """Add a takedown, unless a response has found its part in that message since it was judged a copy."""
    if conn.execute(_IS_A_LINE, {"message_id": draft.message_id}).first() is not None:
        return False
    return enqueue(conn, draft, at=at)


def _due_before(conn: Connection, draft: OutboxDraft) -> float:
    """When the channel's last text that is not done is due: texts keep their order."""
    if draft.kind is OutboxKind.TAKEDOWN or draft.reply is not None:
        return 0.0
    due_at: float | None = conn.execute(_LAST_TEXT, {"channel_id": draft.channel_id}).scalar()
    return due_at or 0.0


def _sender(conn: Connection, draft: OutboxDraft) -> int | None:
    """The webhook whose part is to be taken down: only it may delete its messages without a permission."""
    if draft.message_id is None:
        return None
    sent_by: int | None = conn.execute(_SENT_BY, {"message_id": draft.message_id}).scalar()
    return sent_by


def enqueue_all(conn: Connection, drafts: Sequence[OutboxDraft], *, at: float) -> None:
    for draft in drafts:
        enqueue(conn, draft, at=at)


def answers_waiting(conn: Connection, channel_id: int) -> int:
    """Answers to commands of this channel that are not done."""
    return conn.execute(_ANSWERS, {"channel_id": channel_id}).scalar_one()


def due_outbox(
    conn: Connection, *, now: float, limit: int, besides: Collection[int] = frozenset()
) -> tuple[OutboxRow, ...]:
    """Deliveries whose time has come, the longest due first, those of the channels `besides` left out."""
    wanted = {"now": now, "limit": limit, "besides": sorted(besides)}
    return tuple(_row(row) for row in conn.execute(_DUE, wanted))


def outbox_try(conn: Connection, row_id: int, *, at: float) -> OutboxRow:
    """Count a try before the wire. Raises Fenced when the row is done."""
    row = _row(_hold(conn, row_id))
    if row.attempt == 0:
        conn.execute(_FIRST_TRY, {"row_id": row_id, "at": at, "fence": newest_message(conn, row.draft.channel_id)})
    else:
        conn.execute(_TRY, {"row_id": row_id})
    return _row(_hold(conn, row_id))


def outbox_later(conn: Connection, row_id: int, *, due_at: float) -> None:
    """Put the next try off, and the channel's later texts with it. Raises Fenced when the row is done."""
    row = _hold(conn, row_id)
    conn.execute(update(outbox).where(outbox.c.id == row_id).values(due_at=due_at))
    if row.kind != OutboxKind.TAKEDOWN and row.reply_token is None:
        behind = (outbox.c.channel_id == row.channel_id, outbox.c.id > row_id, outbox.c.due_at < due_at)
        conn.execute(update(outbox).where(_OPEN, _IS_TEXT, *behind).values(due_at=due_at))


def outbox_done(conn: Connection, row_id: int, *, message_id: int | None, at: float, outcome: str) -> None:
    """Close a row. Raises Fenced when it is closed already."""
    _hold(conn, row_id)
    conn.execute(_CLOSE, {"row_id": row_id, "message_id": message_id, "done_at": at, "outcome": outcome})


def next_outbox_due(conn: Connection) -> float | None:
    due_at: float | None = conn.execute(_NEXT).scalar()
    return due_at


def _hold(conn: Connection, row_id: int) -> AnyRow:
    row = conn.execute(_HELD, {"row_id": row_id}).one_or_none()
    if row is None:
        raise Fenced(f"outbox row {row_id} is done")
    return row


def _nonce(key: str, at: float) -> str:
    # Derived, so that every try has the same one; the time tells one database's row from another's.
    digest = blake2b(f"{key}\n{at!r}".encode(), digest_size=8).digest()
    return f"o{base36(int.from_bytes(digest, 'big'))}"


def _row(row: AnyRow) -> OutboxRow:
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
    )
    return OutboxRow(
        id=row.id,
        draft=draft,
        nonce=row.nonce,
        fence=row.fence,
        attempt=row.attempt,
        first_try_at=row.first_try_at,
        due_at=row.due_at,
    )
