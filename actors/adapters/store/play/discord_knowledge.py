"""Store what the Discord adapter has learnt: the server of each channel, and the names that Discord refuses."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select

from actors.adapters.store.engine.adapter_schema import place as places
from actors.adapters.store.engine.adapter_schema import refused_name
from actors.ports.discord import RefusedName


def place(conn: Connection, channel_id: int) -> tuple[int | None, int | None] | None:
    """Return (parent, server) of a known channel; None for an unknown one."""
    known = select(places.c.parent_id, places.c.guild_id).where(places.c.channel_id == channel_id)
    row = conn.execute(known).one_or_none()
    return None if row is None else (row.parent_id, row.guild_id)


def keep_place(conn: Connection, channel_id: int, parent_id: int | None, guild_id: int | None) -> None:
    conn.execute(delete(places).where(places.c.channel_id == channel_id))
    conn.execute(insert(places).values(channel_id=channel_id, parent_id=parent_id, guild_id=guild_id))


def refused_names(conn: Connection, *, since: float) -> tuple[RefusedName, ...]:
    rows = conn.execute(select(refused_name).where(refused_name.c.at >= since))
    return tuple(RefusedName(row.name, row.is_of_webhook, row.word, row.at) for row in rows)


def keep_refused_name(conn: Connection, refused: RefusedName) -> None:
    """Store a refusal in place of an older one of the same name."""
    same = (refused_name.c.name == refused.name, refused_name.c.is_of_webhook == refused.is_of_webhook)
    conn.execute(delete(refused_name).where(*same))
    conn.execute(insert(refused_name).values(**asdict(refused)))
