"""A session answers each message once, in order, and nothing that happens to it touches another."""

from __future__ import annotations

from collections import deque

import anyio
import pytest

from actors.ports import MessageSeen, Refused, Unconfirmed
from actors.roleplay.model import ChannelMessage, OutboundKind, Purpose
from machines.response import Limits
from tests.fakes.discord import Fault
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing

LONG = "\n\n".join(f"Paragraph {n}: " + "word " * 150 for n in range(6))


def lines_posted(play: Play) -> int:
    return sum(post.kind is not OutboundKind.TEXT for post in play.discord.posts)


def user_messages(play: Play) -> list[ChannelMessage]:
    return [m for m in play.discord.shown if not m.is_ours and not m.text.startswith("!")]


# ── order ───────────────────────────────────────────────────────────────────────────────────────────


async def test_messages_that_come_during_a_turn_get_one_turn_together_after_it() -> None:
    async with playing() as play:
        await play.start("Ada", "Bo")
        first = play.say("one")
        await play.until(lambda: play.trace.states_of("Ada") == ["Generating"])
        _, last = [play.say(text) for text in ("two", "three")]
        await play.quiet()
        spoke = [name for name, _ in play.discord.character_lines(CHANNEL)]
        assert spoke == ["Ada", "Bo"] * 2
        assert await play.triggers() == [first, first, last, last]
        asked = [
            " ".join(message.content for message in prompt.messages if message.purpose is Purpose.HISTORY)
            for prompt in play.model.prompts
        ]
        assert [("two" in words, "three" in words) for words in asked] == [(False, False)] * 2 + [(True, True)] * 2
        await equal_to_the_channel(play)


async def test_a_message_seen_out_of_order_is_answered_with_the_newer_one() -> None:
    async with playing() as play:
        await play.start("Ada")
        play.say("busy")
        await play.until(lambda: play.trace.states_of("Ada") == ["Generating"])
        sink, play.discord.sink = play.discord.sink, None
        older = play.discord.user_says(CHANNEL, "older")
        newer = play.discord.user_says(CHANNEL, "newer")
        play.discord.sink = sink
        play.gateway.offer(MessageSeen(newer))
        play.gateway.offer(MessageSeen(older))
        await play.quiet()
        assert (await play.triggers())[1:] == [newer.id]
        assert list((await play.causes()).values())[1:] == [newer.id] * 2


async def test_the_same_message_seen_again_is_neither_kept_nor_answered_again() -> None:
    async with playing() as play:
        await play.start("Ada")
        play.say("Hello?")
        message = user_messages(play)[0]
        play.gateway.offer(MessageSeen(message))
        await play.quiet()
        play.gateway.offer(MessageSeen(message))
        await play.quiet()
        assert len(play.discord.character_lines(CHANNEL)) == 1
        await equal_to_the_channel(play)


async def test_forty_channels_at_once_are_each_answered_in_their_order() -> None:
    channels = range(100, 140)
    async with playing() as play:
        for channel_id in channels:
            await play.start("Ada", "Bo", channel_id=channel_id)
        began = anyio.current_time()
        for channel_id in channels:
            play.say(f"one in {channel_id}", channel_id=channel_id)
        await play.until(lambda: lines_posted(play) == 80)
        assert anyio.current_time() - began < 5  # side by side: one after the other is 100 s
        await play.quiet()
        for channel_id in channels:
            assert [name for name, _ in play.discord.character_lines(channel_id)] == ["Ada", "Bo"]
            await equal_to_the_channel(play, channel_id)


async def test_an_idle_session_holds_no_task() -> None:
    async with playing() as play:
        await anyio.sleep(10)
        before = len(anyio.get_running_tasks())
        for channel_id in range(100, 120):
            await play.start("Ada", channel_id=channel_id)
            play.say("Hello?", channel_id=channel_id)
        await play.quiet()
        assert len(anyio.get_running_tasks()) == before


async def test_a_session_is_idle_again_when_all_is_answered() -> None:
    async with playing() as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.until(lambda: play.trace.states_of("Ada") == ["Generating"])
        assert play.session_state() == "Responding"
        await play.quiet()
        assert play.session_state() == "Idle"


# ── the bound of what waits ─────────────────────────────────────────────────────────────────────────


async def test_a_session_is_idle_by_its_last_line_and_not_by_a_sweep_that_finds_it() -> None:
    async with playing() as play:
        await play.start("Ada", "Bo")
        play.say("Hello?")
        await play.until(lambda: play.trace.states_of("Ada")[-1:] == ["Delivered"], step_s=0.01)
        assert play.session_state() == "Responding"
        await play.until(lambda: play.trace.states_of("Bo")[-1:] == ["Delivered"], step_s=0.01)
        await anyio.sleep(0.01)
        assert play.session_state() == "Idle"


# ── an end in the middle ────────────────────────────────────────────────────────────────────────────


async def ended_when(play: Play, state: str) -> None:
    """Say something, and `!end` as soon as the answer is in `state`."""
    await play.start("Ada", "Bo")
    play.say("Hello?")
    await play.until(lambda: play.trace.states_of("Ada")[-1:] == [state])
    play.say("!end")
    await play.quiet()
    assert play.session_state() == "Ended"
    assert play.discord.texts(CHANNEL)[-1].startswith("🎬")
    assert "Bo" not in [name for name, _, _ in play.trace.moves]
    assert play.trace.crashes == []


async def test_an_end_while_the_model_writes_stops_it_and_tells_of_no_failure() -> None:
    async with playing() as play:
        await ended_when(play, "Generating")
        assert play.trace.states_of("Ada") == ["Generating", "Failed"]
        assert lines_posted(play) == 0
        assert len(play.discord.texts(CHANNEL)) == 2


async def test_an_end_while_the_only_part_is_on_the_wire_lets_it_be_delivered() -> None:
    async with playing(faults=[("hang", 5.0)]) as play:
        await ended_when(play, "Sending")
        assert play.trace.states_of("Ada")[-1] == "Delivered"
        await equal_to_the_channel(play)


async def test_an_end_between_parts_takes_the_shown_ones_back() -> None:
    async with playing(answers=[LONG], faults=[("hang", 5.0)]) as play:
        await ended_when(play, "Sending")
        assert play.trace.states_of("Ada")[-1] == "Failed"
        assert lines_posted(play) == 1
        assert play.discord.character_lines(CHANNEL) == []
        await equal_to_the_channel(play)


async def test_an_end_during_the_wait_for_a_retry_ends_the_wait() -> None:
    async with playing(faults=[Refused("rate_limit", 429, 100.0)]) as play:
        await ended_when(play, "Retrying")
        assert play.trace.states_of("Ada")[-1] == "Failed"
        assert play.clock.now() - play.trace.last_move_at < 90
        assert lines_posted(play) == 1


@pytest.mark.parametrize("fault", ["lost", "stored_then_cut", ("late", 2.0)])
async def test_an_end_while_a_line_is_in_doubt_still_finds_out_what_became_of_it(fault: Fault) -> None:
    async with playing(faults=[fault]) as play, anyio.create_task_group() as group:
        group.start_soon(play.discord.land_late_ones)
        play.discord.tells_of_ours = False
        play.discord.read_faults_of[CHANNEL] = deque([Unconfirmed("outage", 503)])  # so that the end comes first
        await ended_when(play, "Retrying")
        was_stored = fault != "lost"
        assert play.trace.states_of("Ada")[-1] == ("Delivered" if was_stored else "Failed")
        assert len(play.discord.character_lines(CHANNEL)) == was_stored
        assert lines_posted(play) == 1
        await equal_to_the_channel(play)
        group.cancel_scope.cancel()


async def test_after_an_end_a_new_session_begins_with_an_empty_history() -> None:
    async with playing(faults=[("hang", 5.0)]) as play:
        await ended_when(play, "Sending")
        play.say("between two scenes")
        play.say("!start Bo")
        await play.quiet()
        play.say("Anew")
        await play.quiet()
        assert [name for name, _ in await play.history()] == ["Robin", "Bo"]


# ── deleted messages ────────────────────────────────────────────────────────────────────────────────


async def test_a_trigger_deleted_before_anything_was_delivered_takes_its_answer_away() -> None:
    async with playing() as play:
        await play.start("Ada", "Bo")
        trigger = play.say("Hello?")
        await play.until(lambda: play.trace.states_of("Ada") == ["Generating"])
        play.discord.user_deletes(CHANNEL, trigger)
        await play.quiet()
        assert play.discord.character_lines(CHANNEL) == []
        assert len(play.discord.texts(CHANNEL)) == 1
        assert await play.history() == []
        assert play.session_state() == "Idle"


async def test_a_trigger_deleted_after_the_first_line_only_leaves_the_history() -> None:
    async with playing() as play:
        await play.start("Ada", "Bo")
        trigger = play.say("Hello?")
        await play.until(lambda: "Generating" in play.trace.states_of("Bo"))
        play.discord.user_deletes(CHANNEL, trigger)
        await play.quiet()
        assert [name for name, _ in await play.history()] == ["Ada", "Bo"]
        await equal_to_the_channel(play)


async def test_a_message_deleted_while_it_waits_starts_no_turn() -> None:
    async with playing() as play:
        await play.start("Ada")
        kept = play.say("kept")
        await play.until(lambda: play.trace.states_of("Ada") == ["Generating"])
        regretted = play.say("regretted")
        play.discord.user_deletes(CHANNEL, regretted)
        await play.quiet()
        assert await play.triggers() == [kept]
        assert len(play.model.prompts) == 1
        await equal_to_the_channel(play)


async def test_a_line_deleted_before_its_send_was_confirmed_is_not_in_the_history() -> None:
    async with playing() as play:
        play.discord.answer_takes_s = 5.0
        await play.start("Ada")
        play.say("Hello?")
        await play.until(lambda: bool(play.discord.character_lines(CHANNEL)))
        line = next(m for m in play.discord.shown if m.webhook_id)
        play.discord.user_deletes(CHANNEL, line.id)  # a moderator is quicker than the answer to our POST
        await play.quiet()
        assert play.trace.states_of("Ada")[-1] == "Delivered"
        await equal_to_the_channel(play)


async def test_an_edited_message_is_remembered_as_edited() -> None:
    async with playing() as play:
        await play.start("Ada")
        play.discord.user_edits(CHANNEL, play.say("Helo?"), "Hello?")
        await play.quiet()
        assert (await play.history())[0] == ("Robin", "Hello?")
        await equal_to_the_channel(play)


# ── the deadline ────────────────────────────────────────────────────────────────────────────────────


async def test_the_deadline_ends_the_retries_and_says_so() -> None:
    faults = [Refused("rate_limit", 429, 30.0)] * 3
    async with playing(faults=faults, limits=Limits(deadline_s=50)) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.quiet(for_s=100)
        assert lines_posted(play) == 2
        assert play.trace.states_of("Ada")[-1] == "Failed"
        assert await play.history() == [("Robin", "Hello?")]
