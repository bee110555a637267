"""What becomes of lines that Discord's rate limits hold: on virtual time, by what is posted and what is told."""

from __future__ import annotations

from math import ceil

import anyio
import pytest

from actors.ports import RATE_LIMIT, HeldBack, Moved, Refused
from actors.roleplay.model import OutboundKind
from machines.facts import Held, SendRefused, SendUnconfirmed
from machines.response import Limits
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing

ONE_TRY = Limits(send_attempts=1, deadline_s=60)
WHY = "(Discord's rate limit is reached)"
FAILED = f"⚠️ Failed to send response from Ada. Please try again or use `!end` to restart. {WHY}"


def limited(wait_s: float, since: float = 0.0) -> Refused:
    return Refused("rate_limit", 429, wait_s, since=since, words="You are being rate limited.")


def lines_posted(play: Play) -> int:
    return sum(post.kind is not OutboundKind.TEXT for post in play.discord.posts)


def told(play: Play) -> list[str]:
    """The notices that were sent to the channel, withdrawn ones too; answers to commands are none."""
    sent = [post.text for post in play.discord.posts if post.text.startswith(("⏳", "⚠️"))]
    return list(dict.fromkeys(sent))  # each once, however often it was tried


def waits(name: str, until: float) -> str:
    at = ceil(until / 60) * 60
    return f"⏳ Discord limits how fast this channel may be written to; {name}'s response comes at <t:{at}:t>."


def facts(play: Play, name: str = "Ada") -> list[object]:
    return [e.move.fact for e in play.trace.events if isinstance(e, Moved) and e.context.name == name]


def holds(play: Play, name: str = "Ada") -> list[Held]:
    return [fact for fact in facts(play, name) if isinstance(fact, Held)]


@pytest.mark.parametrize("kind", [OutboundKind.WEBHOOK, OutboundKind.EMBED])
@pytest.mark.parametrize("wait_s", [30.5, 400.0, 3500.0])
async def test_m1_a_long_429_is_held_without_an_attempt_and_announced_once(wait_s: float, kind: OutboundKind) -> None:
    async with playing(faults=[limited(wait_s)], limits=ONE_TRY, kind=kind) as play:
        await play.start("Ada", "Bo")
        play.say("Hello?")
        await play.until(lambda: holds(play) != [])
        [held] = holds(play)
        assert (held.until - held.at, held.cause, held.status) == (wait_s, RATE_LIMIT, 429)
        await anyio.sleep(wait_s - 1)
        assert lines_posted(play) == 1  # nobody tried again, and the next character waits its turn
        await play.quiet()
        assert play.trace.states_of("Ada")[-1] == play.trace.states_of("Bo")[-1] == "Delivered"
        assert [name for name, _ in play.discord.character_lines(CHANNEL)] == ["Ada", "Bo"]
        assert told(play) == [waits("Ada", held.until)]
        await equal_to_the_channel(play)


async def test_m1_up_to_thirty_seconds_a_429_costs_its_attempt_and_is_told_to_nobody() -> None:
    async with playing(faults=[limited(30.0), limited(20.0)]) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.quiet(for_s=60)
        refused = [fact for fact in facts(play) if isinstance(fact, SendRefused)]
        assert [fact.retry_after_s for fact in refused] == [30.0, 20.0]
        assert (holds(play), told(play), lines_posted(play)) == ([], [], 3)
        assert play.trace.states_of("Ada")[-1] == "Delivered"


async def test_m1_a_line_that_a_closed_bucket_turns_away_is_held_the_same_way() -> None:
    async with playing(limits=ONE_TRY) as play:
        await play.start("Ada")
        since = play.clock.now() - 100
        until = play.clock.now() + 300
        play.discord.faults.append(HeldBack(until, RATE_LIMIT, since))
        play.discord.faults.append(HeldBack(until + 10, RATE_LIMIT, since))  # the bucket closed for longer
        play.say("Hello?")
        await play.quiet(for_s=400)
        assert lines_posted(play) == 1
        assert [held.status for held in holds(play)] == [None, None]
        assert told(play) == [waits("Ada", until)]  # one notice for one closing
        assert play.trace.states_of("Ada")[-1] == "Delivered"


async def test_m1_a_channel_is_told_once_of_a_closing_and_again_of_the_next() -> None:
    async with playing() as play:
        await play.start("Ada")
        began = play.clock.now()
        play.discord.faults.append(limited(100.0, since=began))
        play.say("Hello?")
        await play.until(lambda: told(play) != [])
        play.say("!end")
        await anyio.sleep(5)
        play.say("!start Ada")
        await anyio.sleep(5)
        play.discord.faults.append(HeldBack(began + 100, RATE_LIMIT, began))
        play.say("Still there?")
        await play.until(lambda: len(holds(play)) == 2)
        await anyio.sleep(20)
        assert told(play) == [waits("Ada", holds(play)[0].until)]
        play.discord.faults.append(limited(100.0, since=began + 100))
        await play.quiet(for_s=200)
        assert len(told(play)) == 2
        assert play.trace.states_of("Ada")[-1] == "Delivered"


@pytest.mark.parametrize("waits_s", [(3601.0,), (1800.0, 1801.0), (600.0,) * 7])
async def test_m1_limits_hold_a_line_for_an_hour_in_all_then_it_fails_with_a_notice(waits_s: tuple[float, ...]) -> None:
    async with playing(faults=[limited(wait_s) for wait_s in waits_s]) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.quiet(for_s=2000)
        assert lines_posted(play) == len(waits_s)
        assert told(play)[-1] == FAILED
        assert play.trace.states_of("Ada")[-1] == "Failed"
        assert play.discord.buttons(CHANNEL) != []  # it can be asked for again
        assert await play.history() == [("Robin", "Hello?")]


async def test_m1_the_time_that_limits_held_a_line_outlives_the_process() -> None:
    limits = Limits(hold_max_s=300)
    async with playing(faults=[limited(200.0)], limits=limits) as first:
        await first.start("Ada")
        first.say("Hello?")
        await first.until(lambda: holds(first) != [])
        until = holds(first)[0].until
        await anyio.sleep(50)
        first.kill()
    async with playing(before=first, faults=[limited(101.0)], limits=limits) as after:
        await after.quiet(for_s=300)
        moves = [event.move for event in after.trace.events if isinstance(event, Moved)]
        assert moves[0].at >= until
        assert after.trace.states_of("Ada")[-1] == "Failed"
        assert after.discord.texts(CHANNEL)[-1] == FAILED


@pytest.mark.parametrize("wait_s", [5.0, 29.0, 400.0])
@pytest.mark.parametrize("stored", [True, False])
async def test_m1_a_429_on_reading_back_costs_no_attempt_and_fails_nothing(stored: bool, wait_s: float) -> None:
    limits = Limits(send_attempts=2, deadline_s=60, hold_max_s=10_000)
    async with playing(faults=["stored_then_cut" if stored else "lost"], limits=limits) as play:
        await play.start("Ada")
        play.discord.tells_of_ours = False  # else the gateway's copy would confirm the line before any read
        play.discord.read_faults.extend(limited(wait_s) for _ in range(20))
        play.say("Hello?")
        await play.quiet(for_s=500)
        assert lines_posted(play) == (1 if stored else 2)
        assert len(holds(play)) == 20
        assert play.trace.states_of("Ada")[-1] == "Delivered"
        assert told(play) == []  # nobody can say when it comes: it may stand there already
        await equal_to_the_channel(play)


async def test_m1_an_unconfirmed_line_is_read_back_however_long_its_channel_may_not_be_read() -> None:
    async with playing(faults=["stored_then_cut"], limits=ONE_TRY) as play:
        await play.start("Ada")
        play.discord.read_faults.extend(limited(3000.0) for _ in range(5))
        play.say("Hello?")
        await play.quiet(for_s=4000)
        assert isinstance(facts(play)[2], SendUnconfirmed)
        assert play.trace.states_of("Ada")[-1] == "Delivered"
        assert (lines_posted(play), told(play)) == (1, [])


async def test_m1_a_line_that_is_not_wanted_any_more_does_not_wait_for_its_limit() -> None:
    async with playing() as play:
        await play.start("Ada")
        play.discord.answer_takes_s = 10.0
        play.discord.faults.append(limited(400.0))
        play.say("Hello?")
        await play.until(lambda: lines_posted(play) == 1)
        play.say("!end")
        await anyio.sleep(30)
        assert play.trace.states_of("Ada")[-1] == "Failed"
        assert play.session_state() == "Ended"
        assert told(play) == []


async def test_m1_a_429_on_what_prepares_a_line_holds_the_line() -> None:
    async with playing(limits=ONE_TRY) as play:
        await play.start("Ada")
        play.discord.prepare_faults.append(limited(400.0))
        play.say("Hello?")
        await play.quiet(for_s=500)
        assert [held.status for held in holds(play)] == [429]
        assert (lines_posted(play), play.trace.states_of("Ada")[-1]) == (1, "Delivered")


async def test_m1_what_the_outbox_sends_waits_for_its_bucket_and_keeps_its_order() -> None:
    async with playing() as play:
        await play.start("Ada")
        began = play.clock.now()
        until = began + 400
        play.discord.text_faults.extend([limited(400.0), HeldBack(until, RATE_LIMIT, began)])
        play.say("!status")
        await anyio.sleep(5)
        play.say("!help")
        await anyio.sleep(380)
        assert len(play.discord.texts(CHANNEL)) == 1  # the answer to !start
        await play.quiet(for_s=60)
        asked = [text.split("\n")[0] for text in play.discord.texts(CHANNEL)[1:]]
        assert len(asked) == 2
        assert "`!start" in asked[1]


async def test_m1_a_bucket_that_is_closed_says_nothing_about_an_outage() -> None:
    async with playing(breaker_failures=1) as play:
        await play.start("Ada")
        play.discord.faults.extend([limited(100.0)] * 4)
        play.say("Hello?")
        await play.quiet(for_s=200)
        assert play.trace.breaker_moves == []
        assert play.trace.states_of("Ada")[-1] == "Delivered"
