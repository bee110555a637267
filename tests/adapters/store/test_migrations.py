"""Migrations: they give the schema to the letter, upgrade what is older, and leave alone what is not ours."""

from __future__ import annotations

import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine

from actors.adapters.store import NewerDatabase, NotADatabase, StoreError, open_store, prepare
from actors.adapters.store.migrate import MIGRATIONS, create_all, upgrade
from actors.adapters.store.schema import metadata
from actors.adapters.store.sqlite import file_engine, memory_engine
from actors.roleplay.model import Button, OutboxDraft, OutboxKind
from machines.response import TABLE

LEGAL = "SELECT source, fact, dest FROM legal_move"


def statements(conn: Connection) -> dict[str, list[str]]:
    """Each table's and index's definition as the database keeps it.

    The order of columns and constraints is no matter: a column that is added later comes last.
    """
    rows = conn.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql > '' AND name NOT LIKE 'alembic%'")
    return {name: _clauses(sql) for name, sql in rows}


def _clauses(sql: str) -> list[str]:
    head, _, rest = re.sub(r"\s+", " ", sql).partition("(")
    inside, _, tail = rest.rpartition(")")
    return sorted(clause.strip() for clause in (head, *inside.split(","), tail))


def test_the_migrations_give_exactly_the_schema(engine: Engine) -> None:
    with engine.connect() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []
        migrated = statements(conn)
    direct = memory_engine()
    create_all(direct)
    with direct.connect() as conn:
        assert migrated == statements(conn)
    direct.dispose()


def test_the_legal_moves_are_those_of_the_machine(engine: Engine) -> None:
    with engine.connect() as conn:
        found = {tuple(row) for row in conn.exec_driver_sql(LEGAL)}
    assert found == {(str(row.source), row.fact.__name__, str(row.dest)) for row in TABLE}


def test_a_move_that_the_machine_has_learnt_is_legal_after_the_next_start(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as conn:
        conn.exec_driver_sql("DELETE FROM legal_move WHERE fact = 'Sent'")
        conn.exec_driver_sql("INSERT INTO legal_move VALUES ('Old', 'Forgotten', 'Old')")
    prepare(tmp_path / "ensemble.db").dispose()
    with engine.connect() as conn:
        found = {tuple(row) for row in conn.exec_driver_sql(LEGAL)}
    assert found == {(str(row.source), row.fact.__name__, str(row.dest)) for row in TABLE} | {
        ("Old", "Forgotten", "Old")
    }


def test_an_upgrade_that_is_not_needed_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    with engine.connect() as conn:
        before = statements(conn)
    prepare(tmp_path / "ensemble.db").dispose()
    with engine.connect() as conn:
        assert statements(conn) == before


def test_a_newer_database_is_refused_and_left_alone(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        conn.exec_driver_sql("DELETE FROM legal_move")
    for read_only in (False, True):
        with pytest.raises(NewerDatabase, match="update Ensemble, or use another DATABASE_URL"):
            prepare(tmp_path / "ensemble.db", read_only=read_only)
    with engine.connect() as conn:
        assert conn.exec_driver_sql(LEGAL).all() == []


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("Dear diary, this is no database. " * 100)
    for read_only in (False, True):
        with pytest.raises(NotADatabase, match="not an SQLite database"):
            prepare(path, read_only=read_only)
    assert path.read_text().startswith("Dear diary")


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    for read_only in (False, True):
        with pytest.raises(NotADatabase, match="another program's tables"):
            prepare(path, read_only=read_only)
    other = sqlite3.connect(path)
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    other.close()


def test_an_older_database_is_not_read_without_its_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    sqlite3.connect(path).close()
    path.touch()
    with pytest.raises(StoreError, match=r"python bot\.py migrate"):
        prepare(path, read_only=True)


def test_a_missing_database_is_not_made_to_be_read(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "ensemble.db"
    with pytest.raises(StoreError, match="there is no database at"):
        prepare(path, read_only=True)
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://localhost/x", "not supported yet"),
        ("ensemble.db", "is no URL"),
        ("sqlite://ensemble.db", "three slashes"),
    ],
)
@pytest.mark.anyio
async def test_a_wrong_url_is_one_line_with_its_mend(url: str, says: str) -> None:
    with pytest.raises(StoreError, match=says) as caught:
        async with open_store(url):
            pytest.fail("it was opened")
    assert "sqlite:///" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.anyio
async def test_a_path_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be opened"):
        async with open_store("sqlite:///file/ensemble.db", folder=tmp_path):
            pytest.fail("it was opened")


@pytest.mark.anyio
async def test_relative_paths_are_under_the_folder_which_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "with space & 50% of #marks?"
    async with open_store("sqlite:///deep/ensemble.db", folder=folder) as store:
        assert await store.characters() == ()
    assert (folder / "deep" / "ensemble.db").is_file()
    async with open_store("sqlite:///deep/ensemble.db", folder=folder, read_only=True) as store:
        assert await store.characters() == ()


@pytest.mark.anyio
async def test_a_database_of_the_first_version_is_upgraded_with_what_it_holds(tmp_path: Path) -> None:
    first = tmp_path / "first"
    shutil.copytree(MIGRATIONS, first, ignore=shutil.ignore_patterns("v000[!1]*", "v00[!0]*", "__pycache__"))
    engine = file_engine(tmp_path / "ensemble.db")
    upgrade(engine, migrations=first)
    with engine.begin() as conn:
        conn.exec_driver_sql(
            "INSERT INTO outbox (key, kind, channel_id, text, nonce, fence, attempt, first_try_at, due_at)"
            " VALUES ('notice:1', 'notice', 5, 'It failed.', 'n', 0, 0, 0.0, 1.0)"
        )
    engine.dispose()
    async with open_store("sqlite:///ensemble.db", folder=tmp_path) as store:
        [row] = await store.due_outbox(now=2.0, limit=9)
        assert row.draft == OutboxDraft("notice:1", OutboxKind.NOTICE, 5, "It failed.")
        new = OutboxDraft("notice:2", OutboxKind.NOTICE, 5, "This too.", buttons=(Button("Retry", "retry:2"),))
        await store.enqueue(new, at=3.0)
        assert [each.draft for each in await store.due_outbox(now=9.0, limit=9)] == [row.draft, new]


def test_the_migrations_work_from_a_folder_with_a_per_cent_sign(tmp_path: Path) -> None:
    shutil.copytree(MIGRATIONS, tmp_path / "50%s")
    engine = memory_engine()
    upgrade(engine, migrations=tmp_path / "50%s")
    with engine.connect() as conn:
        assert "legal_move" in statements(conn)
    engine.dispose()
