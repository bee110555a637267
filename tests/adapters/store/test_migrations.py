"""Migrations: they give the schema to the letter, upgrade what is older, and leave alone what is not ours."""

from __future__ import annotations

import re
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from actors.adapters.store import NewerDatabase, NotADatabase, StoreError, open_store, prepare
from actors.adapters.store.engine.migrate import MIGRATIONS, create_all, upgrade
from actors.adapters.store.engine.schema import metadata
from actors.adapters.store.engine.sqlite import file_engine, memory_engine
from actors.ports import ResponseRecord
from actors.roleplay.model import Button, OutboxDraft, OutboxKind
from machines.facts import RATE_LIMIT, Held, SendRefused, WaitElapsed
from machines.response import TABLE, State
from tests.contracts.scene import NOW, open_scene

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


def test_m7_the_next_start_makes_legal_what_the_machine_has_learnt_and_nothing_that_it_has_no_more(
    engine: Engine, tmp_path: Path
) -> None:
    with engine.begin() as conn:
        conn.exec_driver_sql("DELETE FROM legal_move WHERE fact = 'Sent'")
        conn.exec_driver_sql("INSERT INTO legal_move VALUES ('Failed', 'Sent', 'Delivered')")
    prepare(tmp_path / "ensemble.db").dispose()
    with engine.connect() as conn:
        found = {tuple(row) for row in conn.exec_driver_sql(LEGAL)}
        assert conn.exec_driver_sql("SELECT * FROM retired_move").all() == []
    assert found == {(str(row.source), row.fact.__name__, str(row.dest)) for row in TABLE}


MOVE = (
    "INSERT INTO move (response_id, seq, after_seq, source, dest, fact, fields, part, attempt, at)"
    " VALUES (?, 1, NULL, '[*]', 'Sending', ?, '{}', 1, 1, 0)"
)


def test_m7_a_move_of_an_older_machine_stays_for_its_journal_and_no_new_one_may_be_made(
    engine: Engine, tmp_path: Path
) -> None:
    old = ("[*]", "Forgotten", "Sending")
    with engine.begin() as conn:
        conn.exec_driver_sql("INSERT INTO legal_move VALUES (?, ?, ?)", old)
        conn.exec_driver_sql(MOVE, ("0000000000old", "Forgotten"))
    for _ in range(2):
        prepare(tmp_path / "ensemble.db").dispose()
    with engine.connect() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM move").scalar() == 1
        assert conn.exec_driver_sql("SELECT * FROM retired_move").all() == [old]
        assert conn.exec_driver_sql("SELECT * FROM pragma_foreign_key_check").all() == []
        with pytest.raises(IntegrityError, match="a move that is not in the table"):
            conn.exec_driver_sql(MOVE, ("0000000000new", "Forgotten"))
        conn.rollback()
        conn.exec_driver_sql(MOVE, ("0000000000new", "Started"))


def test_m7_a_move_that_the_machine_has_again_is_legal_again(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as conn:
        conn.exec_driver_sql(MOVE, ("0000000000old", "Started"))
        conn.exec_driver_sql("INSERT INTO retired_move VALUES ('[*]', 'Started', 'Sending')")
    prepare(tmp_path / "ensemble.db").dispose()
    with engine.connect() as conn:
        assert conn.exec_driver_sql("SELECT * FROM retired_move").all() == []
        conn.exec_driver_sql(MOVE, ("0000000000new", "Started"))


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
        ("ensemble.db", "is not a URL"),
        ("sqlite://ensemble.db", "three slashes"),
    ],
)
async def test_a_wrong_url_is_one_line_with_its_mend(url: str, says: str) -> None:
    with pytest.raises(StoreError, match=says) as caught:
        async with open_store(url):
            pytest.fail("it was opened")
    assert "sqlite:///" in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_path_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be opened"):
        async with open_store("sqlite:///file/ensemble.db", folder=tmp_path):
            pytest.fail("it was opened")


async def test_relative_paths_are_under_the_folder_which_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "with space & 50% of #marks?"
    async with open_store("sqlite:///deep/ensemble.db", folder=folder) as store:
        assert await store.characters() == ()
    assert (folder / "deep" / "ensemble.db").is_file()
    async with open_store("sqlite:///deep/ensemble.db", folder=folder, read_only=True) as store:
        assert await store.characters() == ()


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


async def test_m1_a_line_that_was_on_its_way_in_an_older_database_goes_on_and_may_be_held(tmp_path: Path) -> None:
    url = "sqlite:///ensemble.db"
    async with open_store(url, folder=tmp_path) as store:
        scene = await open_scene(store)
        await scene.hear(10)
        line = await (await scene.line()).start("One.")
        await line.tell(SendRefused(NOW, "rate_limit", 429, 20.0))
    older = sqlite3.connect(tmp_path / "ensemble.db")
    for table in ("allowance_use", "lore_timer", "lore_slow_key", "book"):
        older.execute(f"DROP TABLE {table}")
    older.execute("ALTER TABLE response DROP COLUMN held_s")
    older.execute("UPDATE response SET limits = json_remove(limits, '$.hold_max_s')")
    older.execute("DELETE FROM legal_move WHERE fact = 'Held' AND dest = 'Failed'")
    before = ScriptDirectory(str(MIGRATIONS)).get_revision("0010").down_revision
    older.execute("UPDATE alembic_version SET version_num = ?", (before,))
    older.commit()
    older.close()
    async with open_store(url, folder=tmp_path) as store:
        for held_s, until in ((0.0, 900.0), (880.0, 4000.0)):
            claim, _, work = await store.claim(scene.claim.session_id)
            assert isinstance(work, ResponseRecord)
            assert (work.response.held_s, work.response.limits.hold_max_s) == (held_s, 3600.0)
            line = replace(line, store=store, claim=claim, record=work)
            if work.response.state is State.RETRYING:
                await line.tell(WaitElapsed(NOW + 20))
            await line.tell(Held(NOW + 20, NOW + until, RATE_LIMIT, NOW, 429))
            if held_s == 0.0:
                await line.tell(WaitElapsed(NOW + until))
        assert line.response.state is State.FAILED  # 880 s and 3,980 s are more than an hour
