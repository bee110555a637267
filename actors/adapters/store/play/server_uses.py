"""Store the tokens that each server used on each day (UTC), in a table that no other one refers to."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Connection, Integer, Table, delete, insert, select, update

from actors.adapters.store.engine.schema import metadata

DAYS_KEPT: Final = 30
"""Older days are deleted when a new day begins."""

TABLE: Final = Table(
    "server_use",
    metadata,
    Column("server_id", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("tokens", BigInteger, nullable=False),
)


def server_tokens(conn: Connection, server_id: int, *, day: int) -> int:
    """Return the tokens that the server has used on this day."""
    wanted = select(TABLE.c.tokens).where(TABLE.c.server_id == server_id, TABLE.c.day == day)
    return conn.execute(wanted).scalar() or 0


def add_server_tokens(conn: Connection, server_id: int, *, day: int, tokens: int) -> None:
    """Add to the day's tokens; a negative number gives back what was reserved."""
    this = TABLE.c.server_id == server_id, TABLE.c.day == day
    if not conn.execute(update(TABLE).where(*this).values(tokens=TABLE.c.tokens + tokens)).rowcount:
        conn.execute(insert(TABLE).values(server_id=server_id, day=day, tokens=tokens))
        conn.execute(delete(TABLE).where(TABLE.c.day < day - DAYS_KEPT))
