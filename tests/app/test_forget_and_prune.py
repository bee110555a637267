"""`forget` and `prune` on the command line, over a database that a bot wrote."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from typer.testing import CliRunner

from actors.adapters.store import SqlStore, open_store
from actors.app.cli import app
from actors.roleplay.model import ChannelMessage
from tests.contracts.scene import CHANNEL, NOW, open_scene

PEOPLE = ((7, "Robin", "The word is Zanzibar."), (8, "Sam", "Hm."), (9, "robin", "I am another Robin."))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    async def play() -> None:
        async with open_store("sqlite:///ensemble.db", folder=tmp_path) as store:
            await open_scene(store)
            for number, (author_id, name, words) in enumerate(PEOPLE, start=11):
                heard = ChannelMessage(number, CHANNEL, author_id, name, words, NOW + number)
                assert await store.accept(heard) is not None

    anyio.run(play)
    return tmp_path


def ran(folder: Path, *command: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*command], env={"DATA_DIR": str(folder)}, catch_exceptions=False)
    return done.exit_code, done.output


def texts(folder: Path) -> list[str]:
    async def read() -> list[str]:
        async with open_store("sqlite:///ensemble.db", folder=folder, read_only=True) as store:
            (session,) = await SqlStore.find_sessions(store, str(CHANNEL))
            return [entry.text for entry in await store.history(session.id)]

    return anyio.run(read)


def test_f7_forget_prints_what_it_removed_and_what_it_leaves(folder: Path) -> None:
    code, output = ran(folder, "forget", "7")
    assert code == 0
    assert "Removed what 7 wrote in 1 scene:" in output
    assert "  history_message: 1" in output
    assert "  inbox: 1" in output
    assert "messages in Discord are not touched" in output
    assert texts(folder) == ["Hm.", "I am another Robin."]
    assert b"Zanzibar" not in (folder / "ensemble.db").read_bytes()


def test_f7_forget_takes_a_name_that_one_person_had(folder: Path) -> None:
    assert "Removed what 8 wrote" in ran(folder, "forget", "SAM")[1]
    assert texts(folder) == ["The word is Zanzibar.", "I am another Robin."]


def test_f7_forget_of_a_name_that_two_had_removes_nothing_and_names_both(folder: Path) -> None:
    code, output = ran(folder, "forget", "Robin")
    assert code == 1
    assert "7 (Robin), 9 (robin)" in output
    assert len(texts(folder)) == 3


@pytest.mark.parametrize(("user", "says"), [("Nobody", "nobody wrote as 'Nobody'"), ("12345", "Nothing of 12345")])
def test_f7_forget_of_a_stranger_says_so(folder: Path, user: str, says: str) -> None:
    assert says in ran(folder, "forget", user)[1]
    assert len(texts(folder)) == 3


def test_f7_prune_leaves_open_scenes(folder: Path) -> None:
    code, output = ran(folder, "prune", "--older-than", "1d")
    assert (code, "Deleted 0 scenes that ended more than 1d ago." in output) == (0, True)
    assert len(texts(folder)) == 3


@pytest.mark.parametrize("period", ["", "90", "d", "-1d", "1y", "0d"])
def test_f7_a_period_that_cannot_be_read_is_refused(folder: Path, period: str) -> None:
    code, output = ran(folder, "prune", "--older-than", period)
    assert (code, "write a time like 24h or 90d" in output) == (2, True)


@pytest.mark.parametrize("command", [("forget", "7"), ("prune", "--older-than", "1d")])
def test_f7_without_a_database_nothing_is_made(tmp_path: Path, command: tuple[str, ...]) -> None:
    code, output = ran(tmp_path, *command)
    assert (code, "there is no database at" in output) == (1, True)
    assert list(tmp_path.iterdir()) == []
