"""A message that its author edits out of the play is answered no more, as one that is deleted."""

from __future__ import annotations

import anyio
import pytest

from tests.fakes.language_model import FakeModel
from tests.fakes.play import CHANNEL, equal_to_the_channel, playing

OUT_OF_THE_PLAY = pytest.mark.parametrize("aside", ["((never mind))", "\\never mind", "!status", "!strat"])


@OUT_OF_THE_PLAY
async def test_a_message_edited_out_of_the_play_while_it_waits_starts_no_turn(aside: str) -> None:
    async with playing(model=FakeModel(takes_s=20.0)) as play:
        await play.start("Ada")
        first = play.say("Hello?")
        await play.until(lambda: play.trace.states_of("Ada") == ["Generating"])
        waiting = play.say("And you?")
        await anyio.sleep(0.1)
        play.discord.user_edits(CHANNEL, waiting, aside)
        await play.quiet(for_s=60)
        assert await play.triggers() == [first]
        assert [name for name, _ in await play.history()] == ["Robin", "Ada"]
        assert play.session_state() == "Idle"


async def test_one_edited_out_while_nobody_is_there_starts_no_turn_in_the_next_process() -> None:
    async with playing(model=FakeModel(takes_s=20.0)) as first:
        await first.start("Ada")
        answered = first.say("Hello?")
        await first.until(lambda: first.trace.states_of("Ada") == ["Generating"])
        waiting = first.say("And you?")
        await anyio.sleep(10)
        first.kill()
    first.discord.user_edits(CHANNEL, waiting, "((never mind))")
    async with playing(before=first) as after:
        await after.quiet(for_s=60)
        assert await after.triggers() == [answered]


async def test_one_that_is_edited_into_the_play_again_is_answered_once() -> None:
    async with playing(model=FakeModel(takes_s=20.0)) as play:
        await play.start("Ada")
        first = play.say("Hello?")
        await play.until(lambda: play.trace.states_of("Ada") == ["Generating"])
        waiting = play.say("And you?")
        await anyio.sleep(0.1)
        play.discord.user_edits(CHANNEL, waiting, "((never mind))")
        await play.quiet(for_s=60)
        for text in ("((still not))", "And you, Ada?", "And you, dear Ada?"):
            play.discord.user_edits(CHANNEL, waiting, text)
        await play.quiet(for_s=60)
        assert await play.triggers() == [first, waiting]
        await equal_to_the_channel(play)


async def test_a_trigger_edited_out_before_anything_was_delivered_takes_its_answer_away() -> None:
    async with playing() as play:
        await play.start("Ada", "Bo")
        trigger = play.say("Hello?")
        await play.until(lambda: play.trace.states_of("Ada") == ["Generating"])
        play.discord.user_edits(CHANNEL, trigger, "((never mind))")
        await play.quiet()
        assert play.discord.character_lines(CHANNEL) == []
        assert await play.history() == []
        assert play.session_state() == "Idle"


async def test_a_trigger_edited_out_after_the_first_line_only_leaves_the_history() -> None:
    async with playing() as play:
        await play.start("Ada", "Bo")
        trigger = play.say("Hello?")
        await play.until(lambda: "Generating" in play.trace.states_of("Bo"))
        play.discord.user_edits(CHANNEL, trigger, "((never mind))")
        await play.quiet()
        assert [name for name, _ in await play.history()] == ["Ada", "Bo"]
