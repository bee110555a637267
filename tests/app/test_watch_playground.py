"""`watch` and the playground: its bot is found beside its world, and what was looked for is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.app.playground_address import FILE, PlaygroundPlace, announced, find_playground
from tests.app.watched import LARGE, a_bot, play, viewing


@pytest.fixture(autouse=True)
def _bare(bare: Path) -> None:
    """None of this machine's settings, in an empty folder."""


async def test_watch_finds_the_playgrounds_bot_with_its_port_and_its_token(tmp_path: Path) -> None:
    folder = tmp_path / "playground"
    folder.mkdir()
    async with a_bot(folder) as bot:
        bot.token = "tok"
        await play(bot)
        async with bot.running(), viewing(tmp_path, size=LARGE) as viewer:
            await viewer.sees("From the database", "no playground runs in")
            with announced(folder, PlaygroundPlace(address=bot.address, token="tok")):
                await viewer.sees("Live from", "(the playground in", "Responses: 3")


@pytest.mark.parametrize("data_dir", [".", "playground"])
async def test_it_is_found_from_either_folder_and_its_database_read_when_it_is_killed(
    tmp_path: Path, data_dir: str
) -> None:
    folder = tmp_path / "playground"
    folder.mkdir()
    async with a_bot(folder) as bot:
        bot.token = "tok"
        await play(bot)
        async with bot.running():
            with announced(folder, PlaygroundPlace(address=bot.address, token="tok")):
                async with viewing(tmp_path / data_dir, size=LARGE) as viewer:
                    await viewer.sees("Live from", "Responses: 3")
        # The file stays where the playground is killed as well.
        (folder / FILE).write_text(PlaygroundPlace(address=bot.address, token="tok").model_dump_json())
        async with viewing(tmp_path / data_dir, size=LARGE) as viewer:
            await viewer.sees("From the database", "no bot answers at", "(the playground in", "Responses: 3")


async def test_a_bot_of_ones_own_is_preferred(tmp_path: Path) -> None:
    folder = tmp_path / "playground"
    folder.mkdir()
    async with a_bot(tmp_path) as bot, bot.running():
        with announced(folder, PlaygroundPlace(address="127.0.0.1:9", token="tok")):
            async with viewing(tmp_path, size=LARGE, inspector_address=bot.address) as viewer:
                await viewer.sees("Live from", without="playground")


async def test_where_nothing_is_found_all_that_was_looked_for_is_named(tmp_path: Path) -> None:
    async with viewing(tmp_path, size=(200, 40), inspector_address="127.0.0.1:9") as viewer:
        await viewer.sees(
            "no bot answers at http://127.0.0.1:9/",
            f"no playground runs in {tmp_path / 'playground'}",
            f"{tmp_path / 'ensemble.db'}",
        )


@pytest.mark.parametrize("written", ["", "[]", '{"address": 1}', "\udcff"])
def test_a_file_that_cannot_be_read_is_as_none(tmp_path: Path, written: str) -> None:
    (tmp_path / FILE).write_bytes(written.encode(errors="surrogateescape"))
    assert find_playground(tmp_path) is None


def test_only_the_user_can_read_the_token_and_it_goes_with_the_playground(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("of one that was killed")
    place = PlaygroundPlace(address="127.0.0.1:9", token="tok")
    with announced(tmp_path, place):
        assert find_playground(tmp_path) == place
        assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert find_playground(tmp_path) is None
