"""The tables of what the Discord adapter has learnt; nothing that plays reads them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Table, Text

from actors.adapters.store.schema import metadata

# Where a channel is, as far as it was ever met: without a server it is a direct conversation.
place = Table(
    "place",
    metadata,
    Column("channel_id", BigInteger, primary_key=True, autoincrement=False),
    Column("parent_id", BigInteger),  # of a thread
    Column("guild_id", BigInteger),
)

refused_name = Table(
    "refused_name",
    metadata,
    Column("name", Text, primary_key=True),
    Column("is_of_webhook", Boolean, primary_key=True),  # else of one message
    Column("word", Text),
    Column("at", Float, nullable=False),
)
