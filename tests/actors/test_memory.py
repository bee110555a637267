"""What the actors keep: nothing for an idle session, little for a response on its way, no more after an hour."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from typing import Final

import pytest

from tests.fakes.play import Play, playing

SESSIONS: Final = 60
IDLE_BYTES_MAX: Final = 4 * 1024
IN_FLIGHT_BYTES_MAX: Final = 30 * 1024
HOUR_S: Final = 3600.0
REST_S: Final = 10.0
GROWN_BYTES_MAX: Final = 64 * 1024
LINE: Final = "A line as long as people write them when they mean it, with a question at its end, do they not? " * 2

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("_tracing"),
    pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True),
]


@pytest.fixture
def _tracing() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def forget(play: Play) -> None:
    """What only the fakes keep."""
    play.trace.events.clear()
    play.model.prompts.clear()
    play.discord.posts.clear()
    play.discord.channels.clear()
    play.discord.reads.clear()


def traced(play: Play) -> int:
    """Bytes that Python holds; the database is SQLite's own memory and not among them."""
    forget(play)
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def scene(play: Play, channel_id: int) -> None:
    """A scene from its beginning to its end."""
    await play.start("Ada", channel_id=channel_id)
    play.say(LINE, channel_id=channel_id)
    await play.until(lambda: bool(play.discord.character_lines(channel_id)), step_s=0.5)
    play.say("!end", channel_id=channel_id)
    await play.until(lambda: play.session_state(channel_id) == "Ended", step_s=0.5)


async def test_an_idle_session_and_a_response_on_its_way_keep_little() -> None:
    async with playing(cast=("Ada",)) as play:
        await scene(play, 1)
        channels = range(100, 100 + SESSIONS)
        before = traced(play)
        for channel_id in channels:
            await play.start("Ada", channel_id=channel_id)
        for channel_id in channels:
            for _ in range(10):
                play.say(LINE, channel_id=channel_id)
        play.model.takes_s = 0.01
        await play.quiet()
        idle = traced(play)
        play.model.takes_s = 1e6
        for channel_id in channels:
            play.say(LINE, channel_id=channel_id)
        await play.until(lambda: len(play.model.prompts) == SESSIONS, step_s=0.5)
        in_flight = traced(play)
        print(f"idle {(idle - before) / SESSIONS:.0f} B, in flight {(in_flight - idle) / SESSIONS:.0f} B")
        assert (idle - before) / SESSIONS < IDLE_BYTES_MAX
        assert (in_flight - idle) / SESSIONS < IN_FLIGHT_BYTES_MAX


async def test_memory_is_flat_over_an_hour_of_scenes_that_come_and_go() -> None:
    async with playing(cast=("Ada",)) as play:
        began = play.clock.now()
        warm = number = 0
        while play.clock.now() - began < HOUR_S:
            number += 1
            await scene(play, 1000 + number)
            await play.quiet(REST_S)
            forget(play)
            if not warm and play.clock.now() - began >= HOUR_S / 3:
                warm = traced(play)
        grown = traced(play) - warm
        print(f"grown by {grown} B in the last two thirds of {play.clock.now() - began:.0f} virtual seconds")
        assert grown < GROWN_BYTES_MAX
        assert not play.gateway._mailboxes
        assert not play.gateway._dropped._gaps
        assert not play.gateway._reaper.copies.channels
        assert not play.sessions._running
        assert not play.engine._running
        assert not play.engine._rung
