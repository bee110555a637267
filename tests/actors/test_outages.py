"""Outages of Discord on virtual time: they cost no attempt, are told once, and end in order and in step."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import anyio
import pytest

from actors.breaker_ports import DISCORD_RELEASED_PER_S
from actors.ports import Moved, Refused
from actors.roleplay.model import OutboundKind
from machines.facts import Held
from machines.response import Limits
from tests.actors.outage import CLOSED_AGAIN, DOWN, LATE, OPENED, announced, delays, speaks_into_an_outage
from tests.fakes.play import BREAKER_PAUSE_S, CHANNEL, Play, equal_to_the_channel, playing


def lines_sent(play: Play) -> int:
    return sum(post.kind is not OutboundKind.TEXT for post in play.discord.posts)


@pytest.mark.parametrize("kind", [OutboundKind.WEBHOOK, OutboundKind.EMBED])
async def test_an_outage_costs_no_attempt_and_no_deadline_and_is_told_once(kind: OutboundKind) -> None:
    limits = Limits(deadline_s=100)
    async with playing(breaker_failures=5, limits=limits, kind=kind) as play:
        await speaks_into_an_outage(play, CHANNEL)
        await anyio.sleep(600)
        play.discord.outage = None
        await play.quiet(for_s=100)
        assert play.trace.breaker_moves[0] == OPENED
        assert play.trace.breaker_moves[-1] == CLOSED_AGAIN
        assert play.trace.states_of("Ada")[-1] == "Delivered"
        assert lines_sent(play) <= limits.send_attempts
        assert announced(play) in ([], [LATE])
        assert delays(play) == []
        await equal_to_the_channel(play)


@pytest.mark.parametrize("kind", [OutboundKind.WEBHOOK, OutboundKind.EMBED])
async def test_a_discord_that_takes_reads_alone_is_left_alone_as_well(kind: OutboundKind) -> None:
    limits = Limits(send_attempts=6)  # a probe that posts is a try of its line
    async with playing(breaker_failures=5, limits=limits, kind=kind) as play:
        channels = range(100, 110)
        play.discord.is_outage_of_posts_alone = True
        await speaks_into_an_outage(play, *channels)
        await play.until(lambda: OPENED in play.trace.breaker_moves)
        await anyio.sleep(20)  # what was on its way when it opened
        before = len(play.discord.asked_in_outage)
        await anyio.sleep(120)
        posts = play.discord.asked_in_outage[before:]
        assert 1 <= len(posts) <= 2  # one probe a minute
        play.discord.outage = None
        await play.quiet(for_s=100)
        assert play.trace.breaker_moves[-1] == CLOSED_AGAIN
        assert play.trace.states_of("Ada").count("Delivered") == len(channels)
        for channel_id in channels:
            assert [name for name, _ in play.discord.character_lines(channel_id)] == ["Ada"]
            await equal_to_the_channel(play, channel_id)


async def test_a_discord_whose_answers_are_all_lost_is_not_left_alone() -> None:
    async with playing(breaker_failures=5) as play:
        await play.start("Ada")
        for number in range(8):
            play.discord.faults.append("stored_then_cut")
            play.say(f"Hello {number}?")
            await play.quiet()
        assert play.trace.breaker_moves == []
        assert lines_sent(play) == 8
        await equal_to_the_channel(play)


async def test_nothing_but_one_probe_a_minute_goes_out_while_it_is_down() -> None:
    async with playing(breaker_failures=5) as play:
        await speaks_into_an_outage(play, *range(100, 120))
        await play.until(lambda: OPENED in play.trace.breaker_moves)
        await anyio.sleep(20)  # what was on its way when it opened
        before = len(play.discord.asked_in_outage)
        await anyio.sleep(600)
        probes = play.discord.asked_in_outage[before:]
        assert 8 <= len(probes) <= 10
        assert all(later - sooner >= BREAKER_PAUSE_S - 0.1 for sooner, later in pairwise(probes))


async def test_held_callers_are_woken_in_step_and_do_not_poll() -> None:
    async with playing(breaker_failures=5) as play:
        await speaks_into_an_outage(play, *range(100, 140))
        await anyio.sleep(320)
        holds = [e.move.at for e in play.trace.events if isinstance(e, Moved) and isinstance(e.move.fact, Held)]
        a_second = Counter(int(at) for at in holds if at > holds[0] + 30)
        assert max(a_second.values()) <= DISCORD_RELEASED_PER_S + 2  # both ends of the second, and the probe
        assert len(holds) <= 40 * (2 + 5)  # about one for each channel and pause


async def test_the_backlog_goes_out_in_order_and_paced_and_nothing_is_lost_or_doubled() -> None:
    async with playing(breaker_failures=5) as play:
        channels = range(100, 200)
        await speaks_into_an_outage(play, *channels)
        await anyio.sleep(200)
        play.discord.outage = None
        asked = [p.channel_id for p in play.discord.posts if p.kind is not OutboundKind.TEXT]
        came: list[tuple[float, int]] = []
        sink = play.discord.sink

        def note(event: object) -> None:
            message = getattr(event, "message", None)
            if message is not None and message.webhook_id:
                came.append((play.clock.now(), message.channel_id))
            assert sink is not None
            sink(event)  # type: ignore[arg-type] # what it was made for

        play.discord.sink = note
        await play.quiet(for_s=100)
        assert sorted(channel_id for _, channel_id in came) == list(channels)
        behind_the_probe = [channel_id for _, channel_id in came[1:]]
        held_order = [c for c in _order_of_holds(play, before=came[0][0]) if c != came[0][1]]
        assert behind_the_probe == held_order
        a_second = [sum(at <= other < at + 1 for other, _ in came) for at, _ in came]
        assert max(a_second) <= 40
        assert asked  # some had been on the wire before: those were read back first
        for channel_id in channels:
            assert [name for name, _ in play.discord.character_lines(channel_id)] == ["Ada"]
            assert announced(play, channel_id) in ([], [LATE])
            assert delays(play, channel_id) == []
            await equal_to_the_channel(play, channel_id)


def _order_of_holds(play: Play, *, before: float) -> list[int]:
    """The channels in the order of the times that their responses were last given."""
    until: dict[str, float] = {}
    for event in play.trace.events:
        if isinstance(event, Moved) and isinstance(event.move.fact, Held) and event.move.at < before:
            until[event.context.session_id] = event.move.fact.until
    channel_of = {play_session: 100 + number for number, play_session in enumerate(sorted(until))}
    return [channel_of[session_id] for session_id in sorted(until, key=until.__getitem__)]


@pytest.mark.parametrize("kind", [OutboundKind.WEBHOOK, OutboundKind.EMBED])
async def test_a_line_that_was_stored_unseen_is_found_after_the_outage(kind: OutboundKind) -> None:
    async with playing(breaker_failures=1, kind=kind) as play:
        await play.start("Ada")
        play.discord.faults.append("stored_then_cut")
        play.say("Hello?")
        await play.until(lambda: lines_sent(play) == 1)
        play.discord.outage = DOWN
        await anyio.sleep(300)
        play.discord.outage = None
        await play.quiet(for_s=100)
        assert lines_sent(play) == 1
        assert play.trace.states_of("Ada")[-1] == "Delivered"
        await equal_to_the_channel(play)


async def test_a_failed_line_s_notice_and_answers_wait_for_the_end_of_the_outage() -> None:
    async with playing(breaker_failures=1) as play:
        await speaks_into_an_outage(play, CHANNEL, outage=Refused("connection"))
        play.say("!help")
        await anyio.sleep(300)
        assert len(play.discord.texts(CHANNEL)) == 1  # the answer to !start
        play.discord.outage = None
        await play.quiet(for_s=100)
        assert [text[:6] for text in play.discord.texts(CHANNEL)[1:]].count("`!star") == 1
        assert play.trace.states_of("Ada")[-1] == "Delivered"
        await equal_to_the_channel(play)


async def test_a_restart_during_an_outage_loses_and_doubles_nothing() -> None:
    limits = Limits(send_attempts=6)
    async with playing(breaker_failures=5, limits=limits) as first:
        await speaks_into_an_outage(first, CHANNEL)
        await anyio.sleep(100)
        first.kill()
    async with playing(before=first, breaker_failures=5, limits=limits, wait_ready=False) as after:
        await anyio.sleep(300)
        after.discord.outage = None
        await after.quiet(for_s=100)
        assert [name for name, _ in after.discord.character_lines(CHANNEL)] == ["Ada"]
        assert after.trace.states_of("Ada")[-1] == "Delivered"
        await equal_to_the_channel(after)


async def test_a_line_that_is_cancelled_while_it_is_held_is_never_sent() -> None:
    async with playing(breaker_failures=1) as play:
        await speaks_into_an_outage(play, CHANNEL, outage=Refused("connection"))
        await play.until(lambda: "Retrying" in play.trace.states_of("Ada"))
        await anyio.sleep(30)
        play.say("!end")
        await anyio.sleep(5)
        assert play.trace.states_of("Ada")[-1] == "Failed"
        play.discord.outage = None
        await play.quiet(for_s=100)
        assert play.discord.character_lines(CHANNEL) == []


async def test_nobody_is_shown_typing_while_it_is_down() -> None:
    async with playing(breaker_failures=1) as play:
        await play.start("Ada")
        await speaks_into_an_outage(play, 100, 101)
        await play.until(lambda: OPENED in play.trace.breaker_moves)
        before, prompts = play.discord.typings, len(play.model.prompts)
        play.say("Hello?")
        await anyio.sleep(30)
        assert len(play.model.prompts) > prompts
        assert play.discord.typings == before


async def test_switched_off_it_holds_nothing_back() -> None:
    async with playing(breaker_failures=0) as play:
        await speaks_into_an_outage(play, CHANNEL, outage=Refused("connection"))
        await anyio.sleep(30)
        assert play.trace.breaker_moves == []
        assert play.trace.states_of("Ada")[-1] == "Failed"
        assert lines_sent(play) == 3


async def test_a_channel_is_caught_up_on_as_soon_as_its_time_has_come() -> None:
    async with playing(breaker_failures=1) as first:
        await first.start("Ada")
        first.kill()
    first.discord.user_says(CHANNEL, "meanwhile")
    first.discord.outage = DOWN
    async with playing(before=first, breaker_failures=1, wait_ready=False) as after:
        await after.until(lambda: OPENED in after.trace.breaker_moves)
        after.discord.outage = None
        opened_at = after.clock.now()
        await after.gateway.ready.wait()
        assert after.clock.now() - opened_at == pytest.approx(BREAKER_PAUSE_S, abs=1.0)
        await after.quiet()
        assert [name for name, _ in after.discord.character_lines(CHANNEL)] == ["Ada"]
