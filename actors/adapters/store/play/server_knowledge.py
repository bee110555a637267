"""Store what was learnt about model servers, in a table that no other one refers to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Column, Connection, Float, Table, Text, insert, select, update

from actors.adapters.store.engine.schema import metadata

TABLE: Final = Table(
    "server_knowledge",
    metadata,
    Column("server", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("known", Text, nullable=False),  # JSON in the adapter's own format
    Column("at", Float, nullable=False),
)


def server_knowledge(conn: Connection, server: str) -> Mapping[str, str]:
    rows = conn.execute(select(TABLE.c.model, TABLE.c.known).where(TABLE.c.server == server))
    return {row.model: row.known for row in rows}


def keep_server_knowledge(conn: Connection, server: str, model: str, knowledge: str, *, at: float) -> None:
    of_model = (TABLE.c.server == server) & (TABLE.c.model == model)
    changed = conn.execute(update(TABLE).where(of_model).values(known=knowledge, at=at))
    if not changed.rowcount:
        conn.execute(insert(TABLE).values(server=server, model=model, known=knowledge, at=at))
