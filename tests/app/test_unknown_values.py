"""A bot that was rolled back: what only the newer version knows is refused with one clear line, and nothing is lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from sqlalchemy import CheckConstraint, String
from typer.testing import CliRunner, Result

from actors.adapters.store import SqlStore, UnknownValues, open_store
from actors.adapters.store.engine.opening import examine
from actors.adapters.store.engine.schema import metadata
from actors.app.cli import app
from actors.roleplay.model import Button, OutboxDraft, OutboxKind
from tests.contracts.scene import NOW, Scene, open_scene

ORDER = "UPDATE session SET turn_order = 'fateful'"
LIMIT = "UPDATE response SET limits = json_set(limits, '$.patience_s', 5)"
BUTTON = (
    """UPDATE outbox SET buttons = '[{"label": "Retry", "id": "retry:1", "emoji": "🔄"}]' WHERE buttons IS NOT NULL"""
)
FACT = (
    "INSERT INTO legal_move VALUES ('Generating', 'Pondered', 'Generating');"
    "INSERT INTO move SELECT response_id, 2, 1, 'Generating', 'Generating', 'Pondered', '{}', 0, 1, NULL, 0 FROM move;"
    "UPDATE response SET version = 2"
)
NEWER = [
    pytest.param(ORDER, "turn order `fateful` (1)", id="turn order"),
    pytest.param(LIMIT, "limit `patience_s` (1)", id="limit"),
    pytest.param(BUTTON, "field of a button `emoji` (1)", id="button"),
    pytest.param(FACT, "fact `Pondered` (1)", id="fact"),
]


@pytest.fixture(autouse=True)
def _settings(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATUS_URL", "")
    monkeypatch.setenv("DISCORD_TOKEN", "no-server-is-asked")
    monkeypatch.setenv("DISCORD_API_URL", "http://127.0.0.1:9/api/v10")


@pytest.fixture
def played(bare: Path) -> Path:
    """A database with an open scene, a response that is not finished, and a notice that waits."""

    async def play() -> None:
        async with open_store("sqlite:///ensemble.db", folder=bare) as store:
            scene: Scene = await open_scene(store)
            await scene.hear(10)
            await (await scene.line()).start()
            notice = OutboxDraft("n", OutboxKind.NOTICE, 500, "It failed.", buttons=(Button("Retry", "retry:1"),))
            await store.enqueue(notice, at=NOW)

    anyio.run(play)
    return bare / "ensemble.db"


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def write(path: Path, script: str) -> None:
    """As the newer version, whose triggers and tables allow it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.executescript(script)


def rows(path: Path) -> list[str]:
    """What the scene's tables hold; the table of legal moves is each start's own."""
    with closing(sqlite3.connect(path)) as conn:
        return [repr(conn.execute(f"SELECT * FROM {table}").fetchall()) for table in ("session", "response", "move")]


@pytest.mark.parametrize(("newer", "says"), NEWER)
@pytest.mark.parametrize("command", ["run", "migrate"])
def test_the_start_refuses_what_only_a_newer_version_knows_and_leaves_it(
    command: str, newer: str, says: str, played: Path
) -> None:
    write(played, newer)
    before = rows(played)
    refused = invoke(command)
    assert refused.exit_code == 1
    (line,) = [line for line in refused.stderr.splitlines() if line.startswith("ensemble: ")]
    assert f"does not know: {says}" in line
    assert "Start the newer version again" in line
    assert "Traceback" not in refused.stderr
    assert rows(played) == before


@pytest.mark.parametrize(("newer", "says"), NEWER)
def test_the_doctor_and_a_bot_that_is_to_take_over_say_the_same(newer: str, says: str, played: Path) -> None:
    write(played, newer)
    lines = invoke("doctor").stdout.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith("✗ database: ")]
    assert says in lines[at + 1]
    with pytest.raises(UnknownValues) as refused:
        examine(played)
    assert says in str(refused.value)


def test_what_this_version_wrote_is_refused_by_nothing(played: Path) -> None:
    assert invoke("migrate").exit_code == 0
    assert examine(played)


def test_an_ended_scene_of_an_unknown_order_is_refused_while_its_last_line_is_on_its_way(played: Path) -> None:
    write(played, f"{ORDER}, state = 'Ended', ended_at = 1")
    assert "turn order `fateful` (1)" in invoke("migrate").stderr
    write(played, "DELETE FROM response; DELETE FROM move")
    assert invoke("migrate").exit_code == 0


@pytest.mark.parametrize(
    ("newer", "look", "says"),
    [
        (ORDER, "session", "has the turn order `fateful`"),
        (LIMIT, "response", "has the limit `patience_s`"),
        (FACT, "response", "by the fact `Pondered`"),
        (
            """UPDATE move SET fields = '{"at": 1, "texts": [], "mood": "calm"}'""",
            "response",
            "by the fact `Started`",
        ),
    ],
)
def test_who_looks_at_such_a_row_gets_one_clear_error(newer: str, look: str, says: str, played: Path) -> None:
    write(played, newer)

    async def looks(store: SqlStore) -> None:
        if look == "session":
            await store.find_sessions("500")
        else:
            await store.recently_recorded(limit=3)

    async def main() -> None:
        async with open_store("sqlite:///ensemble.db", folder=played.parent, read_only=True) as store:
            await looks(store)

    with pytest.raises(UnknownValues, match=r"update Ensemble to read it") as refused:
        anyio.run(main)
    assert says in str(refused.value)


def test_a_transcript_of_a_scene_of_an_unknown_order_is_refused_in_one_line(played: Path) -> None:
    write(played, ORDER)
    refused = invoke("transcript", "500")
    assert refused.exit_code == 1
    assert "has the turn order `fateful`, which this version of Ensemble does not know" in refused.stderr
    assert "Traceback" not in refused.stderr


# ── every column of a closed set ────────────────────────────────────────────────────────────────────

OPEN_WORDS = {
    "session.turn_order": "require_known",
    "legal_move.source": "written anew at each start",
    "legal_move.fact": "written anew at each start",
    "legal_move.dest": "written anew at each start",
    "retired_move.source": "of older machines",
    "retired_move.fact": "of older machines",
    "retired_move.dest": "of older machines",
    "move.source": "a foreign key to legal_move",
    "move.dest": "a foreign key to legal_move",
    "move.fact": "require_known",
    "history.response_state": "a foreign key to response.state",
}
"""Columns of short words without a CHECK of their own, and what holds each."""


def test_each_short_word_in_the_database_has_a_check_or_a_reason() -> None:
    unchecked = set()
    for table in metadata.sorted_tables:
        checks = " ".join(str(one.sqltext) for one in table.constraints if isinstance(one, CheckConstraint))
        for column in table.columns:
            is_word = isinstance(column.type, String) and column.type.length in (16, 32)
            if is_word and f"{column.name} IN (" not in checks:
                unchecked.add(f"{table.name}.{column.name}")
    assert unchecked == set(OPEN_WORDS)
