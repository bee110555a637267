"""A database into which something else wrote: the start refuses it with a clear line, and nothing in it is changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from actors.adapters.store.engine.rules import triggers
from actors.app.cli import app

WRONG = (
    "INSERT INTO history (session_id, first_message_id, kind, name, at, character_id, response_id, response_state)"
    " SELECT '000000nowhere', 40, 'character', 'Maren', 0, id, '0000000000bad', 'Delivered' FROM character LIMIT 1"
)


@pytest.fixture(autouse=True)
def _settings(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATUS_URL", "")
    monkeypatch.setenv("DISCORD_TOKEN", "no-server-is-asked")
    monkeypatch.setenv("DISCORD_API_URL", "http://127.0.0.1:9/api/v10")


@pytest.fixture
def wrong(bare: Path) -> Path:
    """A database with a line of a response that never was."""
    assert invoke("migrate").exit_code == 0
    path = bare / "ensemble.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        with pytest.raises(sqlite3.IntegrityError):
            conn.execute(WRONG)
        for name, table, _ in triggers():
            if table == "history":
                conn.execute(f"DROP TRIGGER {name}")
        conn.execute(WRONG)
    return path


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize("command", ["run", "migrate"])
def test_m7_the_start_refuses_rows_that_cannot_be_right_and_leaves_them(command: str, wrong: Path) -> None:
    refused = invoke(command)
    assert refused.exit_code == 1
    assert sum(line.startswith("ensemble: ") for line in refused.stderr.splitlines()) == 1
    assert "something else wrote into the database: 1 row of `history`" in refused.stderr
    assert "Put a backup in its place, or delete these rows" in refused.stderr
    with closing(sqlite3.connect(wrong)) as conn:
        assert conn.execute("SELECT count(*) FROM history").fetchone() == (1,)


@pytest.mark.usefixtures("wrong")
def test_m7_the_doctor_names_the_table_and_what_to_do() -> None:
    lines = invoke("doctor").stdout.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith("✗ database: ")]
    assert "1 row of `history` (refers to a row of `response` that is not there" in lines[at]
    assert "Put a backup in its place, or delete these rows" in lines[at + 1]


def test_m7_a_database_without_such_rows_is_fine(wrong: Path) -> None:
    with closing(sqlite3.connect(wrong, isolation_level=None)) as conn:
        conn.execute("DELETE FROM history")
    assert invoke("migrate").exit_code == 0
    assert any(line.startswith("✓ database: ") for line in invoke("doctor").stdout.splitlines())
