"""After a READY no response is generated before its channel was caught up, or five seconds went by."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import anyio
import pytest

from actors.gaps import CatchUp
from actors.ports import Completion, ModelFailed, Refused, ShardDown, ShardReady, ShardResumed, Unconfirmed
from actors.readiness import CAUGHT_UP_WAIT_S, Readiness
from actors.roleplay.model import Prompt
from tests.fakes.language_model import FakeModel
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing

OTHER = 43
READ_S = 1.5
READY = ShardReady(0, "Ensemble", 1)
UNREADABLE = 10_000
KNOWN_S = 6.0
"""So long known, a message is amended by the first read."""

EDITED = "Who is there? It is me, Robin."


@dataclass
class TimedModel(FakeModel):
    """Keeps when it was asked."""

    asked_at: list[float] = field(default_factory=list)

    async def complete(self, prompt: Prompt) -> Completion | ModelFailed:
        self.asked_at.append(anyio.current_time())
        return await super().complete(prompt)


def heard_by(play: Play, prompt: int) -> str:
    return "\n".join(message.content for message in play.model.prompts[prompt].messages)


def edit_unheard(play: Play) -> None:
    """Robin's last message is edited, and no event reports it."""
    message = next(each for each in reversed(play.discord.shown_in(CHANNEL)) if not each.is_ours)
    sink, play.discord.sink = play.discord.sink, None
    play.discord.user_edits(CHANNEL, message.id, EDITED)
    play.discord.sink = sink


async def killed_before_its_answer(*, edited: bool = False, channels: tuple[int, ...] = (CHANNEL,)) -> Play:
    """A process that died with a message heard in each channel and no line begun; maybe it was edited after that."""
    model = TimedModel(takes_s=100.0)
    async with playing(model=model) as first:
        for channel_id in channels:
            await first.start("Ada", "Bo", channel_id=channel_id)
            first.say("Who is there?", channel_id=channel_id)
        await first.until(lambda: len(model.prompts) == len(channels))
        await anyio.sleep(KNOWN_S)
        first.kill()
    if edited:
        edit_unheard(first)
    model.prompts.clear()
    model.asked_at.clear()
    model.takes_s = 0.5
    return first


async def test_j1_after_a_restart_the_prompt_holds_what_was_changed_while_nobody_listened() -> None:
    first = await killed_before_its_answer(edited=True)
    first.discord.read_takes_s = READ_S
    async with playing(before=first, wait_ready=False) as play:
        await play.quiet()
        assert EDITED in heard_by(play, 0)
        await equal_to_the_channel(play)


async def test_j1_after_a_reconnection_the_next_speaker_waits_for_what_the_gap_held() -> None:
    async with playing(model=TimedModel(takes_s=KNOWN_S + 2)) as play:
        await play.start("Ada", "Bo")
        play.say("Who is there?")
        await anyio.sleep(KNOWN_S)
        edit_unheard(play)
        play.discord.read_takes_s = 2 * READ_S
        play.gateway.offer(ShardDown(0))
        play.gateway.offer(READY)
        await play.quiet()
        assert [(EDITED in heard_by(play, prompt)) for prompt in (0, 1)] == [False, True]
        await equal_to_the_channel(play)


async def test_j1_a_second_ready_during_the_first_ones_read_is_waited_for_too() -> None:
    first = await killed_before_its_answer()
    first.discord.read_takes_s = READ_S
    async with playing(before=first, wait_ready=False) as play:
        await anyio.sleep(READ_S / 2)
        edit_unheard(play)  # the read that is under way does not show it
        play.gateway.offer(ShardDown(0))
        play.gateway.offer(READY)
        await play.quiet()
        assert EDITED in heard_by(play, 0)


async def test_j1_a_resumed_connection_lets_nobody_wait() -> None:
    model = TimedModel()
    async with playing(model=model) as play:
        await play.start("Ada")
        reads = len(play.discord.reads)
        play.gateway.offer(ShardDown(0))
        play.gateway.offer(ShardResumed(0))
        began = anyio.current_time()
        play.say("Who is there?")
        await play.quiet()
        assert model.asked_at[0] - began < 0.1
        assert len(play.discord.reads) == reads


async def test_j1_only_its_own_channel_is_waited_for() -> None:
    first = await killed_before_its_answer(edited=True, channels=(CHANNEL, OTHER))
    first.discord.read_faults_of[OTHER] = deque([Unconfirmed("outage", 503)] * UNREADABLE)
    model = first.model
    assert isinstance(model, TimedModel)
    began = anyio.current_time()
    async with playing(before=first, wait_ready=False) as play:
        await play.until(lambda: len(model.asked_at) >= 1)
        assert model.asked_at[0] - began < CAUGHT_UP_WAIT_S / 2
        assert EDITED in heard_by(play, 0)
        await play.until(lambda: len(play.discord.character_lines(OTHER)) == 2)
        assert len(play.discord.character_lines(CHANNEL)) >= 2


async def test_j1_a_channel_that_cannot_be_read_is_waited_for_five_seconds_once_and_then_played_on() -> None:
    first = await killed_before_its_answer()
    first.discord.read_faults_of[CHANNEL] = deque([Unconfirmed("outage", 503)] * UNREADABLE)
    model = first.model
    assert isinstance(model, TimedModel)
    began = anyio.current_time()
    async with playing(before=first, wait_ready=False) as play:
        await play.until(lambda: len(play.discord.character_lines(CHANNEL)) == 2)
        waited = [at - began for at in model.asked_at]
        assert waited[0] == pytest.approx(CAUGHT_UP_WAIT_S, abs=0.3)
        assert waited[1] - waited[0] < CAUGHT_UP_WAIT_S / 2  # the next speaker does not wait again


async def test_j1_a_channel_that_may_never_be_read_lets_nobody_wait() -> None:
    first = await killed_before_its_answer()
    first.discord.read_faults_of[CHANNEL] = deque([Refused("forbidden", 403, final=True)])
    model = first.model
    assert isinstance(model, TimedModel)
    began = anyio.current_time()
    async with playing(before=first, wait_ready=False):
        await first.until(lambda: bool(model.asked_at))
        assert model.asked_at[0] - began < 2.0


async def test_j1_who_loses_its_reason_while_it_waits_is_never_generated() -> None:
    first = await killed_before_its_answer()
    first.discord.read_faults_of[CHANNEL] = deque([Unconfirmed("outage", 503)] * UNREADABLE)
    async with playing(before=first, wait_ready=False) as play:
        await play.until(lambda: "Generating" in play.trace.states_of("Ada"))
        (message,) = await play.entries()
        await play.store.amend(CHANNEL, message.message_ids[0], text=None, at=play.clock.now())
        began = anyio.current_time()
        await play.sessions.nudge(await play.session_id())
        await play.until(lambda: play.trace.states_of("Ada")[-1] == "Failed")
        assert anyio.current_time() - began < 0.2
        assert play.model.prompts == []


async def test_j1_a_process_that_ends_while_a_response_waits_leaves_it_to_the_next() -> None:
    first = await killed_before_its_answer(edited=True)
    first.discord.read_faults_of[CHANNEL] = deque([Unconfirmed("outage", 503)] * UNREADABLE)
    async with playing(before=first, wait_ready=False) as second:
        await second.until(lambda: "Generating" in second.trace.states_of("Ada"))
        second.kill()
    first.discord.read_faults_of.clear()
    async with playing(before=second) as play:
        await play.quiet()
        assert EDITED in heard_by(play, 0)
        await equal_to_the_channel(play)


async def test_j1_a_wait_in_vain_says_nothing_about_a_ready_that_came_during_it() -> None:
    readiness = Readiness()
    readiness.reached.set()
    async with anyio.create_task_group() as group:
        for _ in range(2):
            readiness.begin_listing()
            readiness.wanted([CatchUp(CHANNEL, 1, 1)])
            readiness.end_listing()
            group.start_soon(readiness.wait_caught_up, CHANNEL)
            await anyio.sleep(CAUGHT_UP_WAIT_S / 2)
        await anyio.sleep(0.1)  # the first has waited in vain, and not for this READY
        began = anyio.current_time()
        await readiness.wait_caught_up(CHANNEL)
        assert anyio.current_time() - began == pytest.approx(CAUGHT_UP_WAIT_S)


async def test_j1_where_another_process_has_the_gateway_nobody_waits() -> None:
    began = anyio.current_time()
    await Readiness().wait_caught_up(CHANNEL)
    assert anyio.current_time() == began


async def test_j1_it_is_the_newest_gap_of_a_channel_that_counts() -> None:
    readiness, old, new = Readiness(), CatchUp(CHANNEL, 1, 1), CatchUp(CHANNEL, 1, 1)
    readiness.begin_listing()
    readiness.reached.set()
    readiness.wanted([old])
    readiness.end_listing()
    readiness.begin_listing()
    readiness.wanted([new])
    readiness.end_listing()
    readiness.done(old)
    assert not readiness.ready.is_set()
    readiness.done(new)
    assert readiness.ready.is_set()
