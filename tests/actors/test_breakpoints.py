"""Responses held before a move, through the real actors: nothing is durable, lost or doubled by it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio
import pytest

from actors.adapters.inspector.breakpoints import STOP_MAX_S, Breakpoint, Breakpoints
from actors.ports import Moved, Noted, Refused
from actors.roleplay.model import OutboundKind
from machines.response import Limits
from tests.fakes.discord import Fault
from tests.fakes.play import CHANNEL, Play, Recorder, equal_to_the_channel, playing
from tests.fakes.virtual_time import EPOCH

NOTICE = "⚠️ Failed to send response from Ada."


def breakpoints() -> Breakpoints:
    return Breakpoints(Recorder(), now=lambda: EPOCH + anyio.current_time())


def let_go(stops: Breakpoints) -> int:
    return sum(stops.let_go(stops.stopped_by(each)) for each in stops.all)


def edges_held(stops: Breakpoints) -> list[str]:
    held = [paused.move for each in stops.all for paused in stops.stopped_by(each)]
    return [f"{move.source}-{move.dest}" for move in held]


def lines_posted(play: Play) -> int:
    return sum(post.kind is not OutboundKind.TEXT for post in play.discord.posts)


async def until_held(play: Play, stops: Breakpoints) -> None:
    await play.until(lambda: bool(edges_held(stops)))


@asynccontextmanager
async def held_before(
    edge: str | None, *, faults: Sequence[Fault] = (), limits: Limits | None = None, cast: Sequence[str] = ("Ada",)
) -> AsyncIterator[tuple[Play, Breakpoints, Breakpoint]]:
    """A line of Ada that waits before `edge`."""
    stops = breakpoints()
    async with playing(faults=faults, limits=limits, stops=stops) as play:
        await play.start(*cast)
        found = stops.add("ada", None, edge)
        play.say("Hello?")
        await until_held(play, stops)
        yield play, stops, found


# ── held, stepped, let go ───────────────────────────────────────────────────────────────────────────


async def test_held_before_an_edge_nothing_is_moved_sent_or_said_by_the_next_speaker() -> None:
    async with held_before("Generating-Sending", cast=("Ada", "Bo")) as (play, stops, _):
        await anyio.sleep(60)
        assert (play.trace.states_of("Ada"), lines_posted(play)) == (["Generating"], 0)
        assert play.trace.states_of("Bo") == []
        assert let_go(stops) == 1
        await play.quiet()
        assert [name for name, _ in play.discord.character_lines(CHANNEL)] == ["Ada", "Bo"]
        await equal_to_the_channel(play)


async def test_other_sessions_go_on_while_one_is_held() -> None:
    stops = breakpoints()
    async with playing(stops=stops) as play:
        for channel_id in (1, 2):
            await play.start("Ada", channel_id=channel_id)
        stops.add(None, await play.session_id(1), "Sending-Delivered")
        for channel_id in (1, 2):
            play.say("Hello?", channel_id=channel_id)
        await until_held(play, stops)
        await play.quiet()
        assert (await play.history(1), len(await play.history(2))) == ([("Robin", "Hello?")], 2)
        let_go(stops)
        await play.quiet()
        for channel_id in (1, 2):
            await equal_to_the_channel(play, channel_id)


async def test_a_step_makes_one_move_and_holds_before_the_next_whichever_it_is() -> None:
    refused = Refused("rate_limit", 429, 2.0)
    async with held_before("Generating-Sending", faults=[refused]) as (play, stops, found):
        seen = [edges_held(stops)]
        for _ in range(3):
            assert stops.step(stops.stopped_by(found)) == 1
            await until_held(play, stops)
            await anyio.sleep(30)
            seen.append(edges_held(stops))
        assert seen == [["Generating-Sending"], ["Sending-Retrying"], ["Retrying-Sending"], ["Sending-Delivered"]]
        assert play.trace.states_of("Ada") == ["Generating", "Sending", "Retrying", "Sending"]
        stops.step(stops.stopped_by(found))
        await play.quiet()
        assert edges_held(stops) == []
        await equal_to_the_channel(play)


async def test_let_go_it_stops_again_only_where_a_breakpoint_is() -> None:
    async with held_before("Generating-Sending", faults=["lost"]) as (play, stops, _):
        stops.add("Ada", None, "Retrying-Sending")
        let_go(stops)
        await until_held(play, stops)
        assert edges_held(stops) == ["Retrying-Sending"]
        let_go(stops)
        await play.quiet()
        await equal_to_the_channel(play)


async def test_a_breakpoint_that_is_removed_lets_go_what_it_holds_and_ends_its_steps() -> None:
    async with held_before(None) as (play, stops, found):
        stops.step(stops.stopped_by(found))
        assert stops.remove(found) == 0
        await play.quiet()
        assert play.trace.states_of("Ada") == ["Generating", "Sending", "Delivered"]
    async with held_before(None) as (play, stops, found):
        assert stops.remove(found) == 1
        await play.quiet()
        await equal_to_the_channel(play)


@pytest.mark.parametrize("name", [None, "Bo"])
async def test_what_no_breakpoint_is_for_moves_exactly_as_without_any(name: str | None) -> None:
    async def moves(stops: Breakpoints | None) -> list[tuple[float, str]]:
        async with playing(faults=["lost", Refused("rate_limit", 429, 2.0)], stops=stops) as play:
            await play.start("Ada")
            play.say("Hello?")
            await play.quiet()
            moved = [event.move for event in play.trace.events if isinstance(event, Moved)]
            return [(round(move.at - moved[0].at, 6), f"{move.source}-{move.dest}") for move in moved]

    stops = breakpoints()
    if name is not None:
        stops.add(name, None, None)
    assert await moves(stops) == await moves(None)


# ── what gets through ───────────────────────────────────────────────────────────────────────────────


async def test_the_end_of_the_session_gets_through_and_the_line_is_not_sent() -> None:
    async with held_before("Generating-Sending") as (play, stops, _):
        play.say("!end")
        await play.until(lambda: play.trace.states_of("Ada") == ["Generating", "Failed"], timeout_s=5)
        await play.quiet()
        assert (lines_posted(play), edges_held(stops), play.session_state()) == (0, [], "Ended")


async def test_the_end_of_the_session_does_not_lose_a_line_that_is_in_the_channel_already() -> None:
    async with held_before("Sending-Delivered") as (play, stops, _):
        play.say("!end")
        await play.quiet()
        assert play.trace.states_of("Ada") == ["Generating", "Sending", "Sending", "Delivered"]
        assert edges_held(stops) == []
        await equal_to_the_channel(play)


@pytest.mark.parametrize("edge", ["Generating-Sending", "Sending-Delivered"])
async def test_a_process_that_is_asked_to_end_ends_at_once(edge: str) -> None:
    async with held_before(edge) as (play, stops, _):
        began = anyio.current_time()
        play.services.shutdown.begin()
    assert anyio.current_time() - began < 0.1
    assert edges_held(stops) == []
    async with playing(before=play) as after:
        await after.quiet()
        assert lines_posted(after) == 1
        await equal_to_the_channel(after)


# ── crashes ─────────────────────────────────────────────────────────────────────────────────────────


async def test_killed_before_delivered_the_line_that_was_sent_is_found_and_not_sent_again() -> None:
    async with held_before("Sending-Delivered") as (play, _, _):
        assert await play.history() == [("Robin", "Hello?")]
        play.kill()
    async with playing(before=play, stops=breakpoints()) as after:
        await after.quiet()
        assert after.trace.states_of("Ada") == ["Retrying", "Delivered"]
        assert lines_posted(after) == 1
        await equal_to_the_channel(after)


async def test_killed_before_sending_the_model_is_asked_again() -> None:
    async with held_before("Generating-Sending") as (play, _, _):
        play.kill()
    async with playing(before=play) as after:
        await after.quiet()
        assert after.trace.states_of("Ada") == ["Retrying", "Generating", "Sending", "Delivered"]
        await equal_to_the_channel(after)


async def test_what_another_worker_took_over_meanwhile_is_fenced_and_not_doubled() -> None:
    async with held_before("Sending-Delivered") as (play, stops, _):
        await play.store.claim(await play.session_id())
        let_go(stops)
        await play.quiet()
        assert play.trace.states_of("Ada") == ["Generating", "Sending", "Retrying", "Delivered"]
        assert [e for e in play.trace.events if isinstance(e, Noted) and "another worker" in e.words]
        assert lines_posted(play) == 1
        await equal_to_the_channel(play)


async def test_e5_a_line_that_lands_while_it_is_held_as_absent_is_found_and_not_sent_again() -> None:
    async with anyio.create_task_group() as group:
        async with held_before("Retrying-Sending", faults=[("late", 30.0)]) as (play, stops, _):
            group.start_soon(play.discord.land_late_ones)
            await anyio.sleep(STOP_MAX_S - 1)
            assert len(play.discord.character_lines(CHANNEL)) == 1
            let_go(stops)
            await play.quiet()
            assert lines_posted(play) == 1
            assert play.trace.moves[-1] == ("Ada", "FoundInChannel", "Delivered")
            assert len(play.discord.character_lines(CHANNEL)) == 1
            await equal_to_the_channel(play)
        group.cancel_scope.cancel()


# ── time ────────────────────────────────────────────────────────────────────────────────────────────


async def test_when_nobody_comes_it_goes_on_and_its_breakpoint_is_gone() -> None:
    async with held_before("Generating-Sending") as (play, stops, found):
        since = stops.stopped_by(found)[0].since
        await play.until(lambda: play.trace.states_of("Ada")[-1] == "Delivered")
        assert play.clock.now() - since == pytest.approx(STOP_MAX_S, abs=3)
        assert (stops.all, [lapsed.breakpoint for lapsed in stops.lapsed]) == ([], [found])
        play.say("Still there?")
        await play.quiet()
        assert len(play.discord.character_lines(CHANNEL)) == 2
        await equal_to_the_channel(play)


async def test_all_pauses_of_a_response_together_have_one_limit() -> None:
    async with held_before(None) as (play, stops, found):
        (first,) = stops.stopped_by(found)
        await anyio.sleep(STOP_MAX_S - 10)
        stops.step([first])
        await until_held(play, stops)
        (second,) = stops.stopped_by(found)
        assert second.until == first.until
        await anyio.sleep(11)
        assert (edges_held(stops), stops.all) == ([], [])
        await play.quiet()
        await equal_to_the_channel(play)


async def test_the_deadline_runs_on_and_a_line_that_needs_another_try_then_fails_and_is_told() -> None:
    refused, limits = Refused("rate_limit", 429, 2.0), Limits(deadline_s=100.0)
    async with held_before("Sending-Retrying", faults=[refused], limits=limits) as (play, stops, _):
        await anyio.sleep(200)
        let_go(stops)
        await play.quiet()
        assert play.trace.states_of("Ada") == ["Generating", "Sending", "Retrying", "Failed"]
        assert play.discord.texts(CHANNEL)[-1].startswith(NOTICE)


async def test_the_deadline_takes_nothing_from_a_line_that_needs_no_other_try() -> None:
    async with held_before("Generating-Sending", limits=Limits(deadline_s=100.0)) as (play, stops, _):
        await anyio.sleep(200)
        let_go(stops)
        await play.quiet()
        assert play.trace.states_of("Ada") == ["Generating", "Sending", "Delivered"]
        await equal_to_the_channel(play)


# ── told ────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_log_says_what_is_held_where_and_by_which_breakpoint() -> None:
    log = Recorder()
    stops = Breakpoints(log, now=anyio.current_time)
    async with playing(stops=stops) as play:
        await play.start("Ada")
        stops.add("Ada", None, "Generating-Sending")
        play.say("Hello?")
        await until_held(play, stops)
        set_note, pause_note = log.events
        assert isinstance(set_note, Noted)
        assert isinstance(pause_note, Noted)
        assert pause_note.words == "Stopped before Generating ─► Sending by breakpoint b1."
        assert pause_note.session_id == await play.session_id()
        assert (set_note.level, set_note.words) == ("warning", "Breakpoint b1 is set.")
