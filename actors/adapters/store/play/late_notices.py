"""Withdraw the notice that a line is late, in the transaction that ends the line.

    final move ─┬─► not tried yet: closed, never sent
                ├─► confirmed: a take-down of its message
                └─► tried, not confirmed: the outbox searches the channel for it instead of sending it again

One notice stands for all waiting lines of its channel, so it stays while another line there is unfinished. Afterwards
its key is free again: a line that later waits for the same reason gets a new notice.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, select, text, update

from actors.adapters.store.engine.prepared import Prepared
from actors.adapters.store.engine.schema import LATE, AnyRow, outbox, response, session
from actors.adapters.store.play import outbox as deliveries
from actors.adapters.store.play.sessions import IS_UNFINISHED
from actors.roleplay.model import ChannelMessage, OutboxDraft, OutboxKind, SessionId

_CHANNEL: Final = select(session.c.channel_id).where(session.c.id == bindparam("session_id")).scalar_subquery()
_STANDING: Final = Prepared(select(outbox).where(text(LATE), outbox.c.channel_id == _CHANNEL))
_ON_ITS_WAY: Final = Prepared(
    select(response.c.id)
    .select_from(session.join(response, response.c.session_id == session.c.id))
    .where(session.c.channel_id == bindparam("channel_id"), IS_UNFINISHED)
    .limit(1)
)
_THIS: Final = outbox.c.id == bindparam("row_id")
_WITHDRAWN: Final = (
    update(outbox)
    .where(_THIS)
    .values(withdrawn_at=bindparam("at"), key=outbox.c.key.concat(":").concat(bindparam("row_id")))
)
_WITHDRAW: Final = Prepared(_WITHDRAWN)
_CLOSE: Final = Prepared(_WITHDRAWN.values(done_at=bindparam("at"), outcome="deleted"))
_LOOK: Final = Prepared(_WITHDRAWN.values(due_at=bindparam("at")))
_NOTE_SENDER: Final = Prepared(update(outbox).where(_THIS).values(webhook_id=bindparam("through")))
_ROW: Final = Prepared(select(outbox).where(_THIS))


def withdraw(conn: Connection, session_id: SessionId, *, at: float) -> None:
    """Withdraw the late notices of the session's channel, unless another line there is unfinished."""
    standing = _STANDING.rows(conn, {"session_id": session_id})
    if standing and _ON_ITS_WAY.scalar(conn, {"channel_id": standing[0].channel_id}) is None:
        for row in standing:
            _withdraw(conn, row, at=at)


def outbox_done(conn: Connection, row_id: int, *, message_id: int | None, at: float, outcome: str) -> None:
    """Close a row, and take its message down if the notice was withdrawn meanwhile. Raises Fenced if it is closed."""
    deliveries.outbox_done(conn, row_id, message_id=message_id, at=at, outcome=outcome)
    row = _ROW.row(conn, {"row_id": row_id}) if message_id is not None else None
    if row is not None and row.withdrawn_at is not None:
        _take_down(conn, row, at=at)


def outbox_found(conn: Connection, row_id: int, *, message: ChannelMessage, at: float) -> None:
    """Close a row whose text was found in the channel: an earlier attempt sent it, maybe through another webhook."""
    _NOTE_SENDER.run(conn, {"row_id": row_id, "through": message.webhook_id})
    outbox_done(conn, row_id, message_id=message.id, at=at, outcome="sent")


def _withdraw(conn: Connection, row: AnyRow, *, at: float) -> None:
    this = {"row_id": row.id, "at": at}
    if row.done_at is not None:
        _WITHDRAW.run(conn, this)
        if row.message_id is not None:
            _take_down(conn, row, at=at)
    elif row.attempt:
        _LOOK.run(conn, this)
    else:
        _CLOSE.run(conn, this)


def _take_down(conn: Connection, row: AnyRow, *, at: float) -> None:
    draft = OutboxDraft(
        key=f"takedown:{row.message_id}",
        kind=OutboxKind.TAKEDOWN,
        channel_id=row.channel_id,
        message_id=row.message_id,
        webhook_id=row.webhook_id,
        response_id=row.response_id,
    )
    deliveries.enqueue(conn, draft, at=at)
