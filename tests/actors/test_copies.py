"""The gateway's own copy of the part that is in doubt confirms it at once; every other copy is the reaper's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest

from actors.ports import MessageSeen, Moved, Unconfirmed
from actors.reaper import Reaper
from actors.roleplay.model import ChannelMessage, Outbound, OutboundKind, OutboxDraft, OutboxKind
from machines.facts import FoundInChannel, SendUnconfirmed
from machines.response import Limits
from tests.actors.test_breakpoints import breakpoints, let_go, until_held
from tests.fakes.discord import Fault
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing

voices = pytest.mark.parametrize("kind", [OutboundKind.WEBHOOK, OutboundKind.EMBED])
SETTLE_S = Limits().settle_s
LANDS_S = 1.0
TWO_PARTS = "word " * 300 + "\n\n" + "other " * 250


def posts(play: Play) -> int:
    return sum(post.kind is not OutboundKind.TEXT for post in play.discord.posts)


def took_s(play: Play) -> float:
    """From the doubt to the confirmation."""
    moves = [event.move for event in play.trace.events if isinstance(event, Moved)]
    doubt = next(move.at for move in moves if isinstance(move.fact, SendUnconfirmed))
    return next(move.at for move in moves if isinstance(move.fact, FoundInChannel)) - doubt


def lines_of(play: Play) -> list[ChannelMessage]:
    return [message for message in play.discord.shown if message.webhook_id or message.is_embed]


@asynccontextmanager
async def landing(
    *faults: Fault, kind: OutboundKind = OutboundKind.WEBHOOK, answers: Sequence[object] = ()
) -> AsyncIterator[Play]:
    """Ada was asked something, and Discord meets her line with `faults`; what is late lands by itself."""
    async with anyio.create_task_group() as group:
        async with playing(kind=kind, answers=answers) as play:
            await play.start("Ada")
            play.discord.faults.extend(faults)
            group.start_soon(play.discord.land_late_ones)
            yield play
        group.cancel_scope.cancel()


# ── a late landing ──────────────────────────────────────────────────────────────────────────────────


async def test_e5_a_late_landing_is_confirmed_by_the_gateways_copy_and_not_after_the_settle_time() -> None:
    async with landing(("late", LANDS_S)) as play:
        play.say("Hello?")
        await play.quiet()
        assert took_s(play) < LANDS_S + 0.2
        assert posts(play) == 1
        await equal_to_the_channel(play)


async def test_e5_without_the_gateways_copy_the_channel_is_read_when_the_settle_time_is_over() -> None:
    async with landing(("late", LANDS_S)) as play:
        play.say("Hello?")
        await play.until(lambda: bool(play.model.prompts))
        play.discord.sink = None
        await play.quiet()
        assert took_s(play) >= SETTLE_S
        assert posts(play) == 1


async def test_e5_a_line_that_lands_and_is_deleted_by_a_person_before_the_look_does_not_come_again() -> None:
    async with landing(("late", LANDS_S)) as play:
        play.say("Hello?")
        await play.until(lambda: bool(lines_of(play)), step_s=0.01)
        play.discord.user_deletes(CHANNEL, lines_of(play)[0].id)
        await play.quiet()
        assert posts(play) == 1
        assert play.trace.moves[-1] == ("Ada", "FoundInChannel", "Delivered")
        assert await play.history() == [("Robin", "Hello?")]
        await equal_to_the_channel(play)


async def test_e5_a_line_is_confirmed_by_its_copy_while_the_channel_cannot_be_read() -> None:
    async with landing(("late", LANDS_S)) as play:
        play.discord.read_faults.extend([Unconfirmed("outage", 503)] * 50)
        play.say("Hello?")
        await play.quiet()
        assert took_s(play) < LANDS_S + 0.2
        await equal_to_the_channel(play)


# ── a copy that comes before the doubt ──────────────────────────────────────────────────────────────


@voices
async def test_e5_a_copy_that_comes_before_the_doubt_is_remembered_and_costs_no_read(kind: OutboundKind) -> None:
    async with landing("stored_then_cut", kind=kind) as play:
        play.say("Hello?")
        await play.quiet()
        assert play.trace.states_of("Ada") == ["Generating", "Sending", "Retrying", "Delivered"]
        assert took_s(play) < 0.01
        assert posts(play) == 1
        await equal_to_the_channel(play)


@voices
async def test_e5_a_copy_that_comes_before_the_answer_leaves_it_to_the_answer(kind: OutboundKind) -> None:
    async with landing("ok", kind=kind) as play:
        play.discord.answer_takes_s = 4.0
        play.say("Hello?")
        await play.quiet()
        assert play.trace.moves[-1] == ("Ada", "Sent", "Delivered")
        assert (play.discord.deletions, posts(play)) == ([], 1)
        await equal_to_the_channel(play)


async def test_e5_a_copy_that_a_person_deletes_while_the_answer_is_under_way_does_not_come_again() -> None:
    async with landing("stored_then_cut") as play:
        play.discord.answer_takes_s = 4.0
        play.say("Hello?")
        await play.until(lambda: bool(lines_of(play)), step_s=0.01)
        play.discord.user_deletes(CHANNEL, lines_of(play)[0].id)
        await play.quiet()
        assert posts(play) == 1
        assert play.trace.moves[-1] == ("Ada", "FoundInChannel", "Delivered")
        assert await play.history() == [("Robin", "Hello?")]


# ── what is no copy of it ───────────────────────────────────────────────────────────────────────────


async def test_e5_an_equal_line_that_is_confirmed_is_not_taken_for_the_one_in_doubt() -> None:
    async with landing("ok", "lost", answers=["Aye aye.", "Ayeaye."]) as play:
        play.say("Ready?")
        await play.quiet()
        (first,) = lines_of(play)
        play.say("Sure?")
        await play.until(lambda: play.trace.states_of("Ada")[-1] == "Retrying", step_s=0.01)
        play.gateway.offer(MessageSeen(first))  # the gateway tells of it once more
        await play.quiet()
        assert [message.text for message in lines_of(play)] == ["Aye aye.", "Ayeaye."]  # alike, but for a blank
        assert posts(play) == 3
        await equal_to_the_channel(play)


async def test_e5_an_equal_part_that_is_confirmed_is_not_taken_for_the_next_one() -> None:
    part = ("The sea, the sea. " * 70).strip()
    async with landing("stored_then_cut", "lost", answers=[f"{part}\n\n{part}"]) as play:
        play.say("Hello?")
        await play.quiet()
        assert [message.text for message in lines_of(play)] == [part, part]
        assert posts(play) == 3
        assert play.discord.deletions == []
        await equal_to_the_channel(play)


async def test_e5_each_part_of_a_line_is_confirmed_by_its_own_copy() -> None:
    async with landing(("late", LANDS_S), ("late", LANDS_S), answers=[TWO_PARTS]) as play:
        play.say("Hello?")
        await play.quiet()
        assert [fact for _, fact, _ in play.trace.moves].count("FoundInChannel") == 2
        assert posts(play) == 2
        assert play.trace.last_move_at - _first_doubt(play) < 2 * (LANDS_S + 0.3)
        await equal_to_the_channel(play)


def _first_doubt(play: Play) -> float:
    moves = [event.move for event in play.trace.events if isinstance(event, Moved)]
    return next(move.at for move in moves if isinstance(move.fact, SendUnconfirmed))


@pytest.mark.parametrize("other", ["older", "another text", "another name", "a person's", "taken down"])
async def test_e5_no_other_message_confirms_a_line(other: str) -> None:
    async with landing("ok", "lost") as play:
        play.say("Ready?")
        await play.quiet()
        (first,) = lines_of(play)
        play.say("Sure?")
        await play.until(lambda: play.trace.states_of("Ada")[-1] == "Retrying", step_s=0.01)
        sent = play.discord.posts[-1]
        seen = replace(first, id=first.id + 10**6, text=sent.text)
        if other == "taken down":
            draft = OutboxDraft(f"takedown:{seen.id}", OutboxKind.TAKEDOWN, CHANNEL, message_id=seen.id)
            await play.store.enqueue(draft, at=play.clock.now())
        changes: dict[str, dict[str, object]] = {
            "older": {"id": sent.watermark},
            "another text": {"text": "Another text."},
            "another name": {"name": "Bo"},
            "a person's": {"is_ours": False, "is_bot": False, "webhook_id": None},
        }
        play.gateway.offer(MessageSeen(replace(seen, **changes.get(other, {}))))  # type: ignore[arg-type]
        await play.quiet()
        assert "FoundInChannel" not in [fact for _, fact, _ in play.trace.moves]
        assert [post.nonce for post in play.discord.posts].count(sent.nonce) == 2


async def test_e5_a_second_copy_of_a_confirmed_line_goes_to_the_reaper() -> None:
    async with landing(("late", LANDS_S + SETTLE_S), ("late", LANDS_S)) as play:
        play.say("Hello?")
        await play.quiet(for_s=60)
        assert posts(play) == 2
        assert len(lines_of(play)) == 1
        assert len(play.discord.deletions) == 1
        await equal_to_the_channel(play)


async def test_e5_a_copy_that_lands_during_the_next_try_is_not_the_machines() -> None:
    async with landing(("late", SETTLE_S + 0.3), ("hang", 2.0)) as play:
        play.say("Hello?")
        await play.quiet(for_s=60)
        assert play.trace.moves[-1] == ("Ada", "Sent", "Delivered")
        assert len(lines_of(play)) == 1
        await equal_to_the_channel(play)


# ── around it ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("edge", ["Sending-Retrying", "Retrying-Sending", "Retrying-Delivered"])
async def test_e5_a_line_that_a_breakpoint_holds_is_found_when_it_goes_on_though_a_person_deleted_it(edge: str) -> None:
    stops = breakpoints()
    fault: Fault = ("late", 2 * SETTLE_S) if edge == "Retrying-Sending" else ("late", LANDS_S)
    async with anyio.create_task_group() as group:
        async with playing(faults=[fault], stops=stops) as play:
            await play.start("Ada")
            stops.add("ada", None, edge)
            group.start_soon(play.discord.land_late_ones)
            play.say("Hello?")
            await until_held(play, stops)
            await play.until(lambda: bool(lines_of(play)), step_s=0.01)
            play.discord.user_deletes(CHANNEL, lines_of(play)[0].id)
            await anyio.sleep(3 * SETTLE_S)
            let_go(stops)
            await play.quiet()
            assert posts(play) == 1
            assert play.trace.moves[-1] == ("Ada", "FoundInChannel", "Delivered")
            assert await play.history() == [("Robin", "Hello?")]
        group.cancel_scope.cancel()


async def test_e5_a_line_that_lands_after_a_restart_is_confirmed_by_its_copy() -> None:
    async with playing(faults=[("late", 3.0)]) as first:
        await first.start("Ada")
        first.say("Hello?")
        await first.until(lambda: first.trace.states_of("Ada")[-1:] == ["Retrying"])
        first.kill()
    async with playing(before=first) as play, anyio.create_task_group() as group:
        group.start_soon(play.discord.land_late_ones)
        await play.until(lambda: bool(lines_of(play)), step_s=0.01)
        landed_at = play.clock.now()
        await play.until(lambda: play.trace.states_of("Ada")[-1:] == ["Delivered"], step_s=0.01)
        assert play.clock.now() - landed_at < 0.2
        assert posts(play) == 1
        await equal_to_the_channel(play)
        group.cancel_scope.cancel()


async def test_e5_a_copy_that_comes_before_the_new_process_takes_the_line_up_is_kept_for_it() -> None:
    async with playing(faults=[("late", 1000.0)]) as first:
        await first.start("Ada")
        first.say("Hello?")
        await first.until(lambda: first.trace.states_of("Ada")[-1:] == ["Retrying"])
        first.kill()
    ((_, outbound),) = first.discord.late
    sink, first.discord.sink = first.discord.sink, None
    copy = first.discord.land(outbound)
    first.discord.sink = sink
    first.discord.user_deletes(CHANNEL, copy.id)
    async with playing(before=first, early=[MessageSeen(copy)]) as play:
        await play.quiet()
        assert posts(play) == 1
        assert play.trace.moves[-1] == ("Ada", "FoundInChannel", "Delivered")


async def test_e5_a_copy_of_a_line_that_another_process_works_on_is_only_kept() -> None:
    async with landing(("late", 1000.0)) as play:
        play.say("Hello?")
        await play.until(lambda: play.trace.states_of("Ada")[-1:] == ["Retrying"])
        ((_, outbound),) = play.discord.late
        copy = replace(lines_of(play)[0] if lines_of(play) else _as_shown(outbound), id=outbound.watermark + 10**6)
        other = Reaper(play.services)
        await other.saw(copy)
        await other.judge_left()
        assert other.copies.of(CHANNEL) == (copy,)
        assert play.discord.deletions == []


def _as_shown(outbound: Outbound) -> ChannelMessage:
    at, sender = 0.0, outbound.webhook_id
    return ChannelMessage(
        1, outbound.channel_id, 1, outbound.name, outbound.text, at, is_ours=True, is_bot=True, webhook_id=sender
    )


async def test_e5_what_is_cancelled_while_in_doubt_is_found_and_taken_back() -> None:
    async with landing(("late", LANDS_S), answers=[TWO_PARTS]) as play:
        play.say("Hello?")
        await play.until(lambda: play.trace.states_of("Ada")[-1:] == ["Retrying"])
        play.say("!end")
        await play.quiet(for_s=60)
        assert play.trace.moves[-1] == ("Ada", "FoundInChannel", "Failed")
        assert lines_of(play) == []
