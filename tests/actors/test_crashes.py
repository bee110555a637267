"""A crash, or another worker, touches one session alone, and nothing is lost or doubled by it."""

from __future__ import annotations

import anyio
import pytest

from actors.ports import Completion, ModelFailed, Noted
from actors.roleplay.model import Prompt
from tests.fakes.language_model import FakeModel
from tests.fakes.play import CHANNEL, equal_to_the_channel, playing


class Trap(FakeModel):
    """A model with a programmer's error that shows where somebody says "trap"."""

    def __init__(self, *, springs: int) -> None:
        super().__init__()
        self.springs = springs

    async def complete(self, prompt: Prompt) -> Completion | ModelFailed:
        if self.springs and "trap" in prompt.messages[-1].content + prompt.messages[-2].content:
            self.springs -= 1
            raise KeyError("a programmer's error")
        return await super().complete(prompt)


async def test_a_crash_in_one_session_is_told_touches_no_other_and_the_session_goes_on() -> None:
    async with playing(model=Trap(springs=1)) as play:
        for channel_id in (1, 2):
            await play.start("Ada", channel_id=channel_id)
        play.say("trap", channel_id=1)
        play.say("Hello?", channel_id=2)
        await play.quiet()
        assert len(play.trace.crashes) == 1
        for channel_id in (1, 2):
            assert len(play.discord.character_lines(channel_id)) == 1
            await equal_to_the_channel(play, channel_id, crashes=1)


async def test_a_crash_that_comes_each_time_ends_in_a_told_failure_and_the_next_message_is_answered() -> None:
    async with playing(model=Trap(springs=3)) as play:
        await play.start("Ada")
        play.say("trap")
        await play.quiet()
        assert play.trace.states_of("Ada")[-1] == "Failed"
        assert play.discord.texts(CHANNEL)[-1].startswith("⚠️ Failed to send response from Ada.")
        play.say("Still there?")
        await play.quiet()
        assert len(play.discord.character_lines(CHANNEL)) == 1


@pytest.mark.parametrize("state", ["Generating", "Sending", "Retrying", "Delivered"])
async def test_a_session_that_another_worker_claims_is_let_go_and_nothing_is_doubled(state: str) -> None:
    async with playing(faults=["stored_then_cut", ("hang", 1.0)]) as play:
        play.discord.tells_of_ours = False
        await play.start("Ada", "Bo")
        play.say("Hello?")
        await play.until(lambda: play.trace.states_of("Ada")[-1:] == [state], step_s=0.01)
        await play.store.claim(await play.session_id())
        await play.quiet()
        fenced = [e for e in play.trace.events if isinstance(e, Noted) and "another worker" in e.words]
        assert len(fenced) == 1
        assert [name for name, _ in play.discord.character_lines(CHANNEL)] == ["Ada", "Bo"]
        assert play.session_state() == "Idle"
        await equal_to_the_channel(play)


async def test_a_message_deleted_while_its_line_is_being_begun_gets_no_line() -> None:
    async with playing() as play:
        await play.start("Ada")
        play.executor.answers_late_s["start"] = 2.0
        trigger = play.say("Hello?")
        await anyio.sleep(1)
        play.discord.user_deletes(CHANNEL, trigger)
        await play.quiet()
        assert play.trace.states_of("Ada") == ["Generating", "Failed"]
        assert play.discord.character_lines(CHANNEL) == []


async def test_a_message_deleted_just_as_its_turn_begins_leaves_the_session_idle_and_the_channel_empty() -> None:
    # A call of the store takes 0.2 s here: the message is heard, its session claimed, its turn
    # taken, its line begun; what comes after that is a line on its way.
    moves = set()
    for tenth in range(12):
        async with playing(latency_s=0.1) as play:
            await play.start("Ada")
            trigger = play.say("Hello?")
            await anyio.sleep(tenth / 10)
            play.discord.user_deletes(CHANNEL, trigger)
            await play.quiet()
            assert play.session_state() == "Idle"
            assert play.discord.character_lines(CHANNEL) == []
            await equal_to_the_channel(play)
            moves.add(tuple(play.trace.states_of("Ada")))
    assert moves == {(), ("Generating", "Failed")}
