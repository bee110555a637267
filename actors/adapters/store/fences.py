"""The newest message that we know of in a channel: whatever we send next is newer."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, func, select

from actors.adapters.store.prepared import Prepared
from actors.adapters.store.schema import inbox, outbox, part

# Four questions for four indexes; one over a union would read them all.
_NEWEST: Final = Prepared(
    select(
        *(
            func.coalesce(
                select(func.max(message_id))
                .where(message_id.table.c.channel_id == bindparam("channel_id"))
                .scalar_subquery(),
                0,
            )
            # A copy that is to be taken down has been seen, so what we send next is newer than that, too.
            for message_id in (inbox.c.message_id, part.c.message_id, outbox.c.message_id, outbox.c.target_id)
        )
    )
)


def newest_message(conn: Connection, channel_id: int) -> int:
    """The greatest message id known here, from people, lines and the outbox; 0 where there is none."""
    newest: int = max(_NEWEST.run(conn, {"channel_id": channel_id}).fetchone())
    return newest
