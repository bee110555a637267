"""F17: a list of characters reads their names, and a start reads the cards of its cast alone."""

from __future__ import annotations

import sqlite3

import pytest

from actors.adapters.store import SqlStore, memory_store
from actors.adapters.store.engine.executor import Inline
from actors.roleplay.model import Character, base36

CARD = '{"name": "N", "description": "' + "x" * 1_000_000 + '"}'
COUNT = 25


async def crowded(store: SqlStore) -> list[Character]:
    everybody = [Character(base36(900 + n), f"N{n:02}", CARD, b"p" * 1_000_000) for n in range(COUNT)]
    for one in everybody:
        await store.add_character(one, at=1.0)
    return everybody


def reads_of(store: SqlStore) -> list[str]:
    """The statements that read the big columns, as they come."""
    read: list[str] = []
    assert isinstance(store._executor, Inline)
    with store._executor._engine.connect() as conn:
        plain = conn.connection.driver_connection
        assert isinstance(plain, sqlite3.Connection)
        plain.set_trace_callback(lambda sql: read.append(sql) if "card_json" in sql and "SELECT" in sql else None)
    return read


@pytest.mark.anyio
async def test_f17_names_are_read_without_cards_and_pictures() -> None:
    store = memory_store()
    everybody = await crowded(store)
    read = reads_of(store)
    known = await store.known_in(None)
    assert [one.name for one in known] == [one.name for one in everybody]
    assert read == []
    assert await store.versions([known[3].id, known[1].id]) == (everybody[3], everybody[1])
    assert len(read) == 2
    await store.aclose()
