"""A database that another program has locked when the bot starts: really locked, by another connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.adapters.store import StoreError, open_store, wait_until_unlocked

LOOK_S = 0.01


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def database(tmp_path: Path, anyio_backend: str) -> Path:
    async with open_store(f"sqlite:///{tmp_path}/ensemble.db"):
        return tmp_path / "ensemble.db"


@pytest.fixture
def other(database: Path) -> Iterator[sqlite3.Connection]:
    """Another program with the database open."""
    connection = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    yield connection
    connection.close()


@pytest.mark.parametrize("kind", ["IMMEDIATE", "EXCLUSIVE"])
async def test_b55_a_locked_database_is_waited_for_and_said_once(
    kind: str, database: Path, other: sqlite3.Connection
) -> None:
    said: list[str] = []

    def say(words: str) -> None:
        said.append(words)
        other.rollback()

    other.execute(f"BEGIN {kind}")
    await wait_until_unlocked(database, say=say, look_s=LOOK_S)
    assert said == [f"{database} is locked by another program; waiting up to 60 s for it."]
    async with open_store(f"sqlite:///{database}") as store:
        assert await store.characters() == ()


async def test_b55_one_that_stays_locked_ends_the_start_and_says_what_to_do(
    database: Path, other: sqlite3.Connection
) -> None:
    said: list[str] = []
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"was locked for 0 s: .*database browser.*`lsof`.*try again"):
        await wait_until_unlocked(database, say=said.append, s_max=0.2, look_s=LOOK_S)
    assert len(said) == 1, "however often it looked"


async def test_b55_one_in_exclusive_mode_is_locked_for_readers_as_well_and_waited_for(
    database: Path, other: sqlite3.Connection
) -> None:
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE t (x)")
    said: list[str] = []

    def say(words: str) -> None:
        said.append(words)
        other.close()

    await wait_until_unlocked(database, say=say, look_s=LOOK_S)
    assert len(said) == 1


@pytest.mark.parametrize("content", [None, b"", b"no database " * 500])
async def test_b55_nobody_waits_for_what_is_not_there_or_is_no_database(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    if content is not None:
        path.write_bytes(content)
    said: list[str] = []
    await wait_until_unlocked(path, say=said.append)
    assert said == []
    assert path.exists() == (content is not None), "nothing is made by looking"
