"""Define the tables of the Discord adapter's knowledge; no actor reads them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Table, Text

from actors.adapters.store.engine.schema import metadata

# The parent and the server of each channel that the bot has met; a channel without a server is a direct conversation.
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
    Column("is_of_webhook", Boolean, primary_key=True),  # else the name of one message
    Column("word", Text),
    Column("at", Float, nullable=False),
)
