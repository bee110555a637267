"""The newest message that we know of in a channel: whatever we send next is newer."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, func, select

from actors.adapters.store.schema import inbox, outbox, part

# Three questions for three indexes; one over a union would read them all.
_NEWEST: Final = select(
    *(
        func.coalesce(
            select(func.max(table.c.message_id)).where(table.c.channel_id == bindparam("channel_id")).scalar_subquery(),
            0,
        )
        for table in (inbox, part, outbox)
    )
)


def newest_message(conn: Connection, channel_id: int) -> int:
    """The greatest message id known here, from people, lines and the outbox; 0 where there is none."""
    newest: int = max(conn.execute(_NEWEST, {"channel_id": channel_id}).one())
    return newest
