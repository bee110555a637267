"""`transcript` and its kin: which sessions there are where none was found, where else to look, and where to write."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import pytest
from typer.testing import CliRunner, Result

from actors.adapters.store import open_store
from actors.app.cli import app
from actors.roleplay.model import base36
from tests.contracts.scene import MIRA, NOW, TOBIN, a_session, an_answer

ROWS = [
    f"  {base36(100 + number)}  channel {500 + number}  2025-06-15T{15 + number // 60}:{6 + number}Z  Mira, Tobin"
    for number in (9, 8, 7, 6, 5)
]
ELSEWHERE = "; for the playground's database, set DATA_DIR=playground"


async def _play(url: str, count: int) -> None:
    async with open_store(url) as store:
        for each in (MIRA, TOBIN):
            await store.add_character(each, at=NOW)
        for number in range(count):
            opened = replace(a_session(100 + number, channel_id=500 + number), opened_at=NOW + 60 * number)
            await store.open_session(opened, an_answer(f"start {number}", channel_id=opened.channel_id))


@pytest.fixture(autouse=True)
def _ten_sessions(bare: Path) -> None:
    """A database with ten sessions, and none of this machine's settings."""
    anyio.run(partial(_play, "sqlite:///ensemble.db", 10))


def transcript(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["transcript", *arguments])


def test_a_wrong_id_is_answered_with_the_five_newest() -> None:
    done = transcript("12345")
    assert (done.exit_code, done.stdout) == (1, "")
    first, *rows = done.stderr.splitlines()
    assert first == (
        "ensemble: there is no session '12345' in ensemble.db: give a channel id, or a session id from `!status`"
        + ELSEWHERE
    )
    assert rows == ROWS


def test_without_an_id_it_is_wrong_use_and_they_are_named_as_well() -> None:
    done = transcript()
    assert (done.exit_code, done.stdout) == (2, "")
    first, *rows = done.stderr.splitlines()
    assert first.startswith("ensemble: no session in ensemble.db was named: give a channel id, ")
    assert rows == ROWS


def test_each_that_is_named_can_be_asked_for() -> None:
    for row in ROWS:
        session, _, channel, *_ = row.split()
        assert transcript(session).exit_code == transcript(channel).exit_code == 0


@pytest.mark.parametrize("command", [["transcript", "12345"], ["replay", "12345"]])
def test_who_looks_at_the_playground_already_is_not_sent_there(
    command: list[str], bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ELSEWHERE.split(" is ")[-1] in CliRunner().invoke(app, command).stderr
    (bare / "playground").mkdir()
    (bare / "ensemble.db").rename(bare / "playground" / "ensemble.db")
    monkeypatch.setenv("DATA_DIR", "playground")
    assert "DATA_DIR" not in CliRunner().invoke(app, command).stderr


def test_an_audit_of_a_playground_says_where_its_token_is(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert CliRunner().invoke(app, ["audit"]).stderr.endswith("put the bot's token into .env\n")
    monkeypatch.setenv("DATA_DIR", "playground")
    done = CliRunner().invoke(app, ["audit"])
    assert done.exit_code == 1
    assert "start `play --no-bot` on this playground and set the three variables that it prints" in done.stderr


def test_it_is_written_to_a_file_as_it_would_be_printed(bare: Path) -> None:
    session = ROWS[0].split()[0]
    done = transcript(session, "--format", "html", "-o", "page.html")
    assert (done.exit_code, done.stdout) == (0, "Wrote 0 lines to page.html (html)\n")
    assert (bare / "page.html").read_text(encoding="utf-8") == transcript(session, "--format", "html").stdout
    unwritten = transcript(session, "-o", "nowhere/page.md")
    assert (unwritten.exit_code, unwritten.stderr) == (1, "ensemble: nowhere/page.md: No such file or directory\n")
