"""The command line reads, and writes characters, beside a running bot or without one."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from actors.adapters.store import open_store
from actors.roleplay.model import Character, base36
from tests.contracts.scene import MIRA, NOW, TOBIN, open_scene


async def test_a_reader_sees_what_a_running_writer_has_committed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ensemble.db"
    async with open_store(url) as writer, open_store(url, read_only=True) as reader:
        assert await reader.open_sessions(since=0, lookback=80) == ()
        scene = await open_scene(writer)
        await scene.hear(10)
        assert [entry.message_ids for entry in await reader.history(scene.claim.session_id)] == [(10,)]


async def test_a_reader_needs_no_running_writer(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ensemble.db"
    async with open_store(url) as writer:
        await open_scene(writer)
    async with open_store(url, read_only=True) as reader:
        assert await reader.characters() == (MIRA, TOBIN)


async def test_a_reader_cannot_write(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ensemble.db"
    async with open_store(url):
        pass
    async with open_store(url, read_only=True) as reader:
        with pytest.raises(OperationalError, match="readonly"):
            await reader.add_character(MIRA, at=NOW)
        assert await reader.characters() == ()


async def test_two_writers_take_turns(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ensemble.db"
    async with open_store(url) as bot, open_store(url) as command_line:
        scene = await open_scene(bot)
        newer = Character(id=base36(9), name="Mira", card_json="{}")
        assert await command_line.add_character(newer, at=NOW)
        assert await bot.characters() == (newer, TOBIN)
        running = await bot.session(scene.claim.session_id)
        assert running is not None
        assert running.cast == (MIRA, TOBIN)
