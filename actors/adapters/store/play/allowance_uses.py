"""Store the requests to model servers of the last 24 hours, in a table that no other one refers to."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Connection, Float, Index, Integer, Table, Text, delete, insert, select, update

from actors.adapters.store.engine.schema import metadata
from actors.roleplay.allowance import Use

TABLE: Final = Table(
    "allowance_use",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),  # in the order in which processes read them
    Column("key", Text, nullable=False, unique=True),
    Column("server", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("requests", Integer, nullable=False),
    Index("ix_allowance_use_server_number", "server", "number"),
    Index("ix_allowance_use_server_at", "server", "at"),
    sqlite_autoincrement=True,  # a number is never reused, even if the newest rows were deleted
)


def allowance_uses(conn: Connection, server: str, *, after: int, since: float) -> tuple[tuple[int, str, Use], ...]:
    wanted = (TABLE.c.server == server, TABLE.c.number > after, TABLE.c.at > since)
    rows = conn.execute(select(TABLE).where(*wanted).order_by(TABLE.c.number))
    return tuple((row.number, row.model, Use(row.key, row.at, row.tokens, row.requests)) for row in rows)


def keep_allowance_use(conn: Connection, server: str, model: str, use: Use) -> None:
    figures = {"tokens": use.tokens, "requests": use.requests}
    if not conn.execute(update(TABLE).where(TABLE.c.key == use.key).values(**figures)).rowcount:
        conn.execute(insert(TABLE).values(key=use.key, server=server, model=model, at=use.at, **figures))


def forget_allowance_uses(conn: Connection, server: str, *, before: float) -> None:
    conn.execute(delete(TABLE).where(TABLE.c.server == server, TABLE.c.at <= before))
