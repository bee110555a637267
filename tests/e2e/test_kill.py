"""kill -9 of the real bot, at random moments and at the worst one: one message, one history entry.

The server counts, not the bot. The moments come from a seed, which is in the test's name.
"""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from actors.playground import PlaygroundServer, Voice
from tests.e2e.bot_process import character_lines, environment, running, transcript, until

CHANNEL = "tavern"
CAST = ("Maren", "Fitch", "Oriel")
MOMENTS = 20
VOICES = ("webhook", "embed")


async def open_scene(server: PlaygroundServer) -> None:
    server.say(CHANNEL, "Robin", f"!start {' '.join(CAST)} --turns everyone")
    await until(lambda: any(m.voice is Voice.BOT for m in server.messages(CHANNEL)))


async def assert_each_once(server: PlaygroundServer, env: dict[str, str], said: list[str]) -> None:
    """Each turn is answered by the whole cast in order, and the history is what the channel shows.

    Messages that wait together have one turn.
    """
    shown = character_lines(server, CHANNEL)
    names = [(m.title.removeprefix("💬 ") if m.title else m.author) for m in shown]
    turns = len(names) // len(CAST)
    assert 1 <= turns <= len(said)
    assert names == list(CAST) * turns
    committed = await transcript(env, str(server.discord.find_channel(CHANNEL).id))
    lines = [line for line in committed if line["kind"] == "character"]
    assert [line["message_ids"] for line in lines] == [[str(m.id)] for m in shown]
    assert [line["text"] for line in lines] == [m.description or m.content for m in shown]
    assert [line["text"] for line in committed if line["kind"] == "user"] == said


def nothing_waits(database: Path, messages: int) -> bool:
    """Whether all messages were heard and have their turns, and all turns their lines."""
    waits = (
        "SELECT (SELECT count(*) FROM inbox) < ?"
        " OR EXISTS (SELECT 1 FROM inbox WHERE starts_turn AND turn_id IS NULL)"
        " OR EXISTS (SELECT 1 FROM turn WHERE speakers_left > 0)"
        " OR EXISTS (SELECT 1 FROM response WHERE state NOT IN ('Delivered', 'Failed'))"
    )
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as rows:
        return not rows.execute(waits, (messages,)).fetchone()[0]


@pytest.mark.parametrize("voice", VOICES)
async def test_killed_when_a_line_was_stored_but_not_answered_it_stands_once(voice: str, tmp_path: Path) -> None:
    async with PlaygroundServer() as server:
        env = environment(server, tmp_path, VOICE=voice)
        async with running(env) as bot:
            await open_scene(server)
            server.hold.arm()
            server.say(CHANNEL, "Robin", "Hello, is anybody here?")
            held = await server.hold.wait_caught()
            await bot.kill()
            assert [m.id for m in character_lines(server, CHANNEL)] == [held]
        server.hold.release()
        async with running(env) as bot:
            await until(lambda: len(character_lines(server, CHANNEL)) >= len(CAST))
            assert await bot.end() == 0
        await assert_each_once(server, env, ["Hello, is anybody here?"])


@pytest.mark.slow
@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("seed", [1])
async def test_killed_at_random_moments_every_line_stands_once(seed: int, voice: str, tmp_path: Path) -> None:
    draw = random.Random(f"{seed}/{voice}")
    async with PlaygroundServer() as server:
        env = environment(server, tmp_path, VOICE=voice)
        said: list[str] = []
        async with running(env):
            await open_scene(server)
        for turn in range(MOMENTS):
            # The turn before may be unfinished: what is killed next is then the taking up.
            async with running(env, wait=draw.random() < 0.7) as bot:
                said.append(f"Message {turn}: what do you say to that?")
                server.say(CHANNEL, "Robin", said[-1])
                with anyio.move_on_after(draw.uniform(0.0, 0.6)):
                    await until(lambda: len(character_lines(server, CHANNEL)) == len(CAST) * len(said))
                await bot.kill()
        async with running(env) as bot:
            await until(lambda: nothing_waits(tmp_path / "ensemble.db", len(said)), 120)
            assert await bot.end() == 0
        await assert_each_once(server, env, said)
