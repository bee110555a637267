"""M8 on virtual time: a notice that a line comes late goes with its line, whatever happens to either."""

from __future__ import annotations

import anyio
import pytest

from actors.ports import ModelFailed, Refused
from machines.response import Limits
from tests.actors.outage import announced, delays, speaks_into_an_outage
from tests.fakes.discord import Fault
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing

PATIENT = Limits(generate_attempts=5)
WAITS = "⏳ The model is not available at the moment. Ada's response waits, and comes when it is."
LASTING = 40
"""Faults of the same kind, one after the other: as many as there may be tries before the line comes."""


async def comes_late(play: Play, *names: str) -> None:
    """Let nobody write for a while, so that the first line is announced as late; Discord lives."""
    await play.start(*names or ("Ada",))
    play.model.down = {model: ModelFailed("connection") for model in play.model.models}
    play.say("Hello?")
    await anyio.sleep(30)


def failures(play: Play) -> list[str]:
    return [text for text in play.discord.texts(CHANNEL) if text.startswith("⚠️")]


async def test_m8_no_notice_that_a_line_comes_late_stands_once_the_line_stands() -> None:
    async with playing(breaker_failures=5) as play:
        await speaks_into_an_outage(play, CHANNEL)
        await anyio.sleep(120)
        play.discord.outage = None
        await play.quiet(for_s=100)
        assert play.trace.states_of("Ada")[-1] == "Delivered"
        assert delays(play) == []
        await equal_to_the_channel(play)


async def test_m8_a_notice_that_stands_is_taken_back_with_its_line_and_nothing_else_is() -> None:
    async with playing(breaker_failures=1, limits=PATIENT) as play:
        await comes_late(play)
        assert delays(play) == [WAITS]
        [notice] = [m.id for m in play.discord.shown if m.text == WAITS]
        play.model.down = {}
        await play.until(lambda: play.trace.states_of("Ada")[-1] == "Delivered")
        delivered_at = play.clock.now()
        await play.until(lambda: delays(play) == [])
        assert play.clock.now() - delivered_at < 1.0
        await play.quiet(for_s=100)
        assert play.discord.deletions == [notice]
        await equal_to_the_channel(play)


async def test_m8_a_line_that_nobody_wants_any_more_takes_its_notice_with_it() -> None:
    async with playing(breaker_failures=1, limits=PATIENT) as play:
        await comes_late(play)
        play.say("!end")
        await play.quiet(for_s=100)
        assert play.trace.states_of("Ada")[-1] == "Failed"
        assert announced(play) == [WAITS]
        assert delays(play) == []


async def test_m8_a_line_that_fails_after_all_leaves_the_notice_of_its_failure_alone() -> None:
    async with playing(breaker_failures=1, limits=PATIENT) as play:
        await comes_late(play)
        play.model.down = {model: ModelFailed("credentials") for model in play.model.models}
        await play.quiet(for_s=100)
        assert play.trace.states_of("Ada")[-1] == "Failed"
        assert delays(play) == []
        assert len(failures(play)) == 1


@pytest.mark.parametrize(
    "fault",
    ["lost", "stored_then_cut", ("hang", 100.0), ("late", 2.0), ("late", 70.0), Refused("rate_limit", 429, 9.0)],
)
async def test_m8_a_notice_in_doubt_when_its_line_comes_is_found_or_never_stands(fault: Fault) -> None:
    async with playing(breaker_failures=1, limits=PATIENT) as play:
        play.group.start_soon(play.discord.land_late_ones)
        await play.start("Ada")
        play.discord.text_faults.extend([fault] * LASTING)
        play.model.down = {model: ModelFailed("connection") for model in play.model.models}
        play.say("Hello?")
        await anyio.sleep(30)
        tries = len(play.discord.posts)
        play.model.down = {}
        await play.until(lambda: play.trace.states_of("Ada")[-1] == "Delivered")
        play.discord.text_faults.clear()
        sent = len(play.discord.posts)
        await play.quiet(for_s=200)
        assert tries > 1
        assert len(play.discord.posts) == sent  # it was not sent again
        assert delays(play) == []
        assert await play.store.next_outbox_due() is None
        await equal_to_the_channel(play)


async def test_m8_a_new_process_withdraws_what_an_earlier_one_announced() -> None:
    async with playing(breaker_failures=1, limits=PATIENT) as first:
        await comes_late(first)
        assert delays(first) == [WAITS]
        first.kill()
    async with playing(before=first, breaker_failures=1, limits=PATIENT, wait_ready=False) as after:
        await anyio.sleep(30)
        after.model.down = {}
        await after.quiet(for_s=100)
        assert after.trace.states_of("Ada")[-1] == "Delivered"
        assert delays(after) == []
        await equal_to_the_channel(after)


async def test_m8_the_next_line_that_waits_for_the_same_outage_is_announced_anew() -> None:
    async with playing(breaker_failures=1, limits=PATIENT) as play:
        await comes_late(play)
        [first] = [message.id for message in play.discord.shown if message.text == "Hello?"]
        play.discord.user_deletes(CHANNEL, first)
        play.say("Anybody?")
        await anyio.sleep(5)
        assert announced(play) == [WAITS, WAITS]
        assert delays(play) == [WAITS]
        play.model.down = {}
        await play.quiet(for_s=100)
        assert delays(play) == []
        await equal_to_the_channel(play)


async def test_m8_a_notice_that_may_not_be_taken_back_yet_waits_for_the_permission() -> None:
    async with playing(breaker_failures=1, limits=PATIENT) as play:
        await comes_late(play)
        play.discord.delete_faults.extend([Refused("forbidden", 403, final=True)] * 3)
        play.model.down = {}
        await play.until(lambda: play.trace.states_of("Ada")[-1] == "Delivered")
        await anyio.sleep(100)
        assert delays(play) == [WAITS]
        await anyio.sleep(3600)
        assert delays(play) == []


async def test_m8_a_line_that_waits_for_nothing_has_nothing_withdrawn() -> None:
    async with playing(breaker_failures=1, limits=PATIENT) as play:
        await play.start("Ada", "Bo")
        play.say("Hello?")
        await play.quiet()
        assert (announced(play), play.discord.deletions) == ([], [])
