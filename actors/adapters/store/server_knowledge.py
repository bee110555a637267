"""What was learnt of model servers."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, insert, select, update

from actors.adapters.store.schema import server_knowledge as table


def server_knowledge(conn: Connection, server: str) -> Mapping[str, str]:
    rows = conn.execute(select(table.c.model, table.c.known).where(table.c.server == server))
    return {row.model: row.known for row in rows}


def keep_server_knowledge(conn: Connection, server: str, model: str, knowledge: str, *, at: float) -> None:
    of_model = (table.c.server == server) & (table.c.model == model)
    changed = conn.execute(update(table).where(of_model).values(known=knowledge, at=at))
    if not changed.rowcount:
        conn.execute(insert(table).values(server=server, model=model, known=knowledge, at=at))
