"""Find a channel's watermark, the newest message that is known there: our next message is newer."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, func, select

from actors.adapters.store.engine.prepared import Prepared
from actors.adapters.store.engine.schema import inbox, outbox, part

# Four subqueries for four indexes; one query over a union would read all rows.
_NEWEST: Final = Prepared(
    select(
        *(
            func.coalesce(
                select(func.max(message_id))
                .where(message_id.table.c.channel_id == bindparam("channel_id"))
                .scalar_subquery(),
                0,
            )
            # A copy that is to be taken down has been seen, so our next message is newer than it, too.
            for message_id in (inbox.c.message_id, part.c.message_id, outbox.c.message_id, outbox.c.target_id)
        )
    )
)


def newest_message(conn: Connection, channel_id: int) -> int:
    """Return the greatest known message id of people, lines and the outbox; 0 if there is none."""
    newest: int = max(_NEWEST.run(conn, {"channel_id": channel_id}).fetchone())
    return newest
