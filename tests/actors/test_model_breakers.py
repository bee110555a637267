"""Models behind breakers, on virtual time: passed over while another is left, else waited for and told."""

from __future__ import annotations

import anyio

from actors.ports import (
    ModelFailed,
)
from machines.response import Limits
from tests.actors.outage import announced, delays
from tests.fakes.language_model import FakeModel
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing

MODEL_WAITS = "⏳ The model is not available at the moment. Ada's response waits, and comes when it is."


def asked(play: Play) -> list[str]:
    return [prompt.model for prompt in play.model.prompts]


async def test_a_line_s_last_try_goes_to_the_next_model_before_any_breaker_opens() -> None:
    async with playing() as play:
        await play.start("Ada")
        play.model.down = {"first": ModelFailed("overloaded")}
        play.say("one")
        await play.quiet()
        assert asked(play) == ["first", "first", "second"]
        assert play.trace.breaker_moves == []
        assert play.trace.states_of("Ada")[-1] == "Delivered"


async def test_a_model_that_does_not_answer_is_passed_over_by_everybody() -> None:
    async with playing(breaker_failures=2) as play:
        await play.start("Ada")
        play.model.down = {"first": ModelFailed("timeout")}
        play.say("one")
        await play.quiet()
        play.say("two")
        await play.quiet()
        play.say("three")
        await play.quiet()
        assert asked(play) == ["first", "first", "second", "first", "second", "second"]
        assert play.trace.breaker_moves == [("first", "Closed", "Open")]
        assert play.trace.states_of("Ada")[-1] == "Delivered"
        assert delays(play) == []


async def test_after_its_pause_the_preferred_model_is_tried_again() -> None:
    async with playing(breaker_failures=2) as play:
        await play.start("Ada")
        play.model.down = {"first": ModelFailed("timeout")}
        play.say("one")
        await play.quiet()
        play.say("two")
        await play.quiet(for_s=100)
        play.model.down = {}
        play.say("three")
        await play.quiet()
        assert asked(play)[-1] == "first"
        assert play.trace.breaker_moves[-1] == ("first", "HalfOpen", "Closed")


async def test_with_all_models_down_a_line_waits_is_told_and_comes() -> None:
    limits = Limits(generate_attempts=5, deadline_s=100)
    async with playing(breaker_failures=1, limits=limits) as play:
        await play.start("Ada", "Bo")
        play.model.down = {model: ModelFailed("connection") for model in play.model.models}
        play.say("Hello?")
        await anyio.sleep(50)
        assert delays(play) == [MODEL_WAITS]  # Discord lives: it is told at once
        assert len(asked(play)) == 4
        play.model.down = {}
        await play.quiet(for_s=100)
        assert [name for name, _ in play.discord.character_lines(CHANNEL)] == ["Ada", "Bo"]
        assert announced(play) == [MODEL_WAITS]
        assert delays(play) == []
        await equal_to_the_channel(play)


async def test_a_limit_of_minutes_is_waited_for_by_nobody_while_another_model_is_left() -> None:
    async with playing(breaker_failures=5) as play:
        await play.start("Ada", "Bo")
        play.model.down = {"first": ModelFailed("rate_limit", 540.0)}
        play.say("Hello?")
        await play.quiet()
        assert asked(play) == ["first", "second", "second"]
        assert play.trace.breaker_moves == []  # the account's limit is no failure of the model
        play.model.down = {}
        await anyio.sleep(540)
        play.say("And now?")
        await play.quiet()
        assert asked(play)[3:] == ["first", "first"]


async def test_the_only_model_s_limit_of_minutes_is_waited_out_and_told() -> None:
    async with playing(breaker_failures=5, model=FakeModel(models=("only",))) as play:
        await play.start("Ada")
        play.model.down = {"only": ModelFailed("rate_limit", 540.0)}
        play.say("Hello?")
        await anyio.sleep(100)
        assert asked(play) == ["only"]
        (told,) = delays(play)
        assert told.startswith("⏳ The account's limit is used up; the next line comes at <t:")
        play.model.down = {}
        await play.quiet(for_s=600)
        assert asked(play) == ["only", "only"]
        assert play.trace.states_of("Ada")[-1] == "Delivered"
