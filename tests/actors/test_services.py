"""The end of a process: what is on the wire gets its grace, and what was rung is heard."""

from __future__ import annotations

import anyio
import pytest

from actors.roleplay.model import OutboundKind
from actors.services import SHUTDOWN_GRACE_S, Bell, Shutdown
from tests.fakes.discord import Fault
from tests.fakes.play import CHANNEL, Play, playing


async def end_during_a_send(play: Play) -> float:
    """Ask the process to end while a line is on the wire; returns how long that took."""
    await play.start("Ada")
    play.say("Hello?")
    await play.until(lambda: len(play.discord.posts) == 2)
    began = anyio.current_time()
    play.services.shutdown.begin()
    return began


async def test_a_send_in_flight_is_finished_and_journalled_within_the_grace() -> None:
    hang: Fault = ("hang", SHUTDOWN_GRACE_S - 1)
    async with playing(faults=[hang], latency_s=0.01) as play:
        began = await end_during_a_send(play)
    assert SHUTDOWN_GRACE_S - 2 < anyio.current_time() - began < SHUTDOWN_GRACE_S
    assert play.trace.states_of("Ada")[-1] == "Delivered"
    assert await play.history() == [("Robin", "Hello?"), *play.discord.character_lines(CHANNEL)]


async def test_beyond_the_grace_the_next_process_reads_the_channel_back() -> None:
    hang: Fault = ("hang", SHUTDOWN_GRACE_S + 1)
    async with playing(faults=[hang]) as play:
        began = await end_during_a_send(play)
    assert anyio.current_time() - began == pytest.approx(SHUTDOWN_GRACE_S)
    assert play.trace.states_of("Ada")[-1] == "Sending"
    play.discord.land(play.discord.posts[-1])  # it was stored after all, while nobody was there
    async with playing(before=play) as after:
        await after.quiet()
        assert after.trace.states_of("Ada") == ["Retrying", "Delivered"]
        assert len([post for post in play.discord.posts if post.kind is OutboundKind.WEBHOOK]) == 1
        assert await after.history() == [("Robin", "Hello?"), *play.discord.character_lines(CHANNEL)]


async def test_no_new_line_goes_out_once_the_process_ends() -> None:
    async with playing(faults=[("hang", 5.0)], latency_s=0.01) as play:
        await play.start("Ada", "Bo")
        play.say("Hello?")
        await play.until(lambda: len(play.discord.posts) == 2)
        play.services.shutdown.begin()
    assert [name for name, _ in play.discord.character_lines(CHANNEL)] == ["Ada"]
    assert "Bo" not in [mover for mover, _, _ in play.trace.moves]


async def test_an_answer_in_flight_is_finished_and_not_said_again() -> None:
    async with playing() as play:
        play.discord.text_faults.append(("hang", 5.0))
        play.say("!start Ada")
        await play.until(lambda: len(play.discord.posts) == 1)
        play.services.shutdown.begin()
    async with playing(before=play) as after:
        await after.quiet()
        assert len(after.discord.texts(CHANNEL)) == 1
        assert len(after.discord.posts) == 1


async def test_waiting_for_a_retry_is_not_waited_for_at_the_end() -> None:
    async with playing(faults=["lost"]) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.until(lambda: play.trace.states_of("Ada")[-1:] == ["Retrying"])
        began = anyio.current_time()
        play.services.shutdown.begin()
    assert anyio.current_time() - began < 0.1


async def test_grace_that_begins_after_the_shutdown_has_only_what_is_left() -> None:
    shutdown = Shutdown()
    shutdown.begin(2.0)
    await anyio.sleep(1.5)
    with anyio.CancelScope() as outer:
        outer.cancel()
        began = anyio.current_time()
        with shutdown.grace():
            await anyio.sleep(60)
        assert anyio.current_time() - began == pytest.approx(0.5)


async def test_without_a_shutdown_grace_has_no_end() -> None:
    with Shutdown().grace():
        await anyio.sleep(10_000)
    assert anyio.current_time() >= 10_000


async def test_a_ring_before_the_wait_is_heard_and_one_before_the_silence_is_not() -> None:
    bell = Bell()
    bell.ring()
    await bell.wait(10)
    assert anyio.current_time() < 1
    bell.silence()
    await bell.wait(10)
    assert anyio.current_time() == pytest.approx(10)
