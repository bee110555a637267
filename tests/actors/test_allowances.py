"""The account's allowance before each request, on virtual time: smaller windows, the next model, or a hold in turn."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import anyio

from actors.adapters.store import SqlStore
from actors.allowances import Allowances
from actors.ports import Completion, ModelFailed, Moved
from actors.roleplay.allowance import DAY_S, ModelLimits, Report, Use
from actors.services import Rules
from machines.facts import Held
from machines.response import Limits
from tests.actors.outage import announced, delays
from tests.fakes.free_account import WORDS
from tests.fakes.language_model import FakeModel
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing

FREE = ModelLimits(30, 8000, 1000, 200_000)
LONG = "The lamp burns low and somebody left the door to the stairs open again. " * 20
"""About 480 tokens, as we estimate them."""


def long_line(number: int) -> str:
    """As long, and like no other."""
    drawn = random.Random(number)
    return " ".join(drawn.choices(WORDS, k=280)).capitalize() + "."


def limited(limits: ModelLimits = FREE) -> Callable[[SqlStore], Allowances]:
    return lambda store: Allowances(lambda model: limits, store, "fake")


def asked(play: Play) -> list[str]:
    return [prompt.model for prompt in play.model.prompts]


def holds(play: Play, name: str = "Ada") -> list[Held]:
    moved = [e for e in play.trace.events if isinstance(e, Moved) and e.context.name == name]
    return [e.move.fact for e in moved if isinstance(e.move.fact, Held)]


async def used(play: Play, model: str, tokens: int, *, ago_s: float = 0.0, key: str = "") -> None:
    """Another process's use."""
    at = play.clock.now() - ago_s
    await play.store.keep_allowance_use("fake", model, Use(key or f"{model}{at}{tokens}", at, tokens))


async def test_allowance_what_does_not_fit_is_asked_with_a_smaller_window_and_then_of_the_next_model() -> None:
    async with playing(allowances=limited()) as play:
        await play.start("Ada")
        for number in range(6):
            play.model.answers.append(long_line(number))
            play.say(LONG)
            await play.quiet(for_s=70)
        whole = play.model.prompts[-1]
        await used(play, "first", 5800)
        play.say("and now?")
        await play.until(lambda: len(play.model.prompts) == 7)
        play.say("and then?")
        await play.quiet()
        assert asked(play)[5:] == ["first", "first", "second"]
        sizes = [sum(len(m.content) for m in prompt.messages) for prompt in play.model.prompts[5:]]
        assert sizes[1] < 0.8 * sizes[0]
        assert whole.model == "first"
        assert holds(play) == []
        await equal_to_the_channel(play)


async def test_allowance_a_hold_costs_no_attempt_is_announced_once_and_goes_with_its_line() -> None:
    async with playing(allowances=limited(), breaker_failures=1, limits=Limits(generate_attempts=1)) as play:
        await play.start("Ada")
        for model in play.model.models:
            await used(play, model, 7900, ago_s=20.0)
        began = play.clock.now()
        play.say("Hello?")
        await anyio.sleep(5)
        (held,) = holds(play)
        assert (held.cause, held.status, round(held.until - began)) == ("tokens_per_minute", None, 40)
        at = math.ceil(held.until / 60) * 60
        words = f"⏳ The account's limit of tokens per minute is used up; the next line comes at <t:{at}:t>."
        assert delays(play) == [words]
        await play.quiet(for_s=100)
        assert len(asked(play)) == 1
        assert play.trace.states_of("Ada")[-1] == "Delivered"
        assert play.trace.breaker_moves == []
        assert (announced(play), delays(play)) == ([words], [])
        await equal_to_the_channel(play)


async def test_allowance_a_hold_of_20_s_is_told_to_nobody() -> None:
    async with playing(allowances=limited()) as play:
        await play.start("Ada")
        for model in play.model.models:
            await used(play, model, 7900, ago_s=41.0)
        play.say("Hello?")
        await play.quiet(for_s=100)
        assert len(holds(play)) == 1
        assert announced(play) == []
        assert play.trace.states_of("Ada")[-1] == "Delivered"


async def test_allowance_short_holds_that_exceed_20_s_together_are_announced() -> None:
    async with playing(allowances=limited(), model=FakeModel(models=("only",))) as play:
        await play.start("Ada")
        await used(play, "only", 7900, ago_s=45.0)
        play.say("Hello?")
        await anyio.sleep(14)
        await used(play, "only", 7900, ago_s=48.0)  # another process was faster
        await anyio.sleep(4)
        assert len(holds(play)) == 2
        assert len(delays(play)) == 1
        await play.quiet(for_s=100)
        assert play.trace.states_of("Ada")[-1] == "Delivered"


async def test_allowance_a_restart_while_held_neither_loses_nor_doubles_a_line_nor_announces_it_twice() -> None:
    async with playing(allowances=limited()) as play:
        await play.start("Ada")
        for model in play.model.models:
            await used(play, model, 7900, ago_s=5.0)
        play.say("Hello?")
        await anyio.sleep(10)
        assert len(delays(play)) == 1
        for model in play.model.models:
            await used(play, model, 7900)  # so that the next process holds it again
        play.kill()
    async with playing(before=play, allowances=limited()) as after:
        await anyio.sleep(60)
        assert [held.cause for held in holds(after)] == ["tokens_per_minute"]
        await after.quiet(for_s=100)
        assert [name for name, _ in after.discord.character_lines(CHANNEL)] == ["Ada"]
        assert len(announced(after)) == 1
        assert delays(after) == []
        await equal_to_the_channel(after)


async def test_allowance_the_uses_of_an_earlier_process_count() -> None:
    async with playing(allowances=limited(), model=FakeModel(models=("only",))) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.quiet()
        play.kill()
    async with playing(before=play, allowances=limited()) as after:
        play.say("!status")
        await after.quiet()
        uses = await after.store.allowance_uses("fake", after=0, since=0.0)
        assert len(uses) == 1
        assert uses[0][2].tokens > 700  # the prompt, and what was reserved for the answer
        left = (200_000 - uses[0][2].tokens) // (2666 + 700)
        assert after.discord.texts(CHANNEL)[-1].splitlines()[-1] == (
            f"Lines left with only: about 2 this minute and {left} today"
        )


async def test_allowance_at_the_day_s_end_a_line_is_held_until_the_oldest_use_is_a_day_old() -> None:
    async with playing(allowances=limited(), model=FakeModel(models=("only",))) as play:
        await play.start("Ada")
        await used(play, "only", 150_000, ago_s=DAY_S - 1800)
        await used(play, "only", 49_900, ago_s=3600)
        play.say("Hello?")
        await anyio.sleep(5)
        assert [round(held.until - held.at) for held in holds(play)] == [1800]
        assert "limit of tokens per day is used up" in delays(play)[0]
        await play.quiet(for_s=2000)
        assert play.trace.states_of("Ada")[-1] == "Delivered"
        assert delays(play) == []


async def test_allowance_limits_hold_a_line_for_an_hour_in_all_and_the_notice_names_the_limit() -> None:
    async with playing(allowances=limited(), model=FakeModel(models=("only",))) as play:
        await play.start("Ada")
        await used(play, "only", 199_900, ago_s=3600)
        play.say("Hello?")
        await play.quiet()
        assert play.trace.states_of("Ada")[-1] == "Failed"
        assert play.discord.texts(CHANNEL)[-1] == (
            "⚠️ Failed to send response from Ada. Please try again or use `!end` to restart. "
            "(the account's limit of tokens per day is used up)"
        )
        assert asked(play) == []


async def test_allowance_a_429_is_waited_out_without_an_attempt_and_asked_of_the_next_model_at_once() -> None:
    async with playing(allowances=limited(), breaker_failures=1, limits=Limits(generate_attempts=1)) as play:
        await play.start("Ada", "Bo")
        limit = Report("tokens_per_minute", 8000, 0, 25.0, 1000)
        refused = ModelFailed("rate_limit", 25.0, status=429, words="slow", reports=(limit,), limited=limit.kind)
        play.model.down = {"first": refused}
        play.say("Hello?")
        await play.quiet()
        assert asked(play) == ["first", "second", "second"]
        (held,) = holds(play)
        assert (held.cause, held.status, held.words) == ("tokens_per_minute", 429, "slow")
        assert announced(play) == []
        assert play.trace.breaker_moves == []
        play.model.down = dict.fromkeys(play.model.models, refused)
        play.say("And now?")
        await anyio.sleep(60)
        play.model.down = {}
        await play.quiet(for_s=100)
        assert [name for name, _ in play.discord.character_lines(CHANNEL)] == ["Ada", "Bo", "Ada", "Bo"]


async def test_allowance_a_429_that_names_no_wait_costs_its_attempt() -> None:
    async with playing(allowances=limited()) as play:
        await play.start("Ada")
        play.model.down = {model: ModelFailed("rate_limit") for model in play.model.models}
        play.say("Hello?")
        await play.quiet(for_s=100)
        assert len(asked(play)) == 3
        assert play.trace.states_of("Ada")[-1] == "Failed"


async def test_allowance_a_retry_s_prompt_and_its_larger_answer_count() -> None:
    answers = [ModelFailed("length"), Completion("Well.", prompt_tokens=300)]
    async with playing(answers=answers, allowances=limited()) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.quiet()
        uses = [use.tokens for _, _, use in await play.store.allowance_uses("fake", after=0, since=0.0)]
        assert uses[1] == 300 + 1400
        assert 700 < uses[0] < 1400


async def test_allowance_held_lines_are_served_in_turn_across_servers() -> None:
    limits = ModelLimits(requests_per_minute=1)
    async with playing(allowances=limited(limits), model=FakeModel(models=("only",))) as play:
        large, small = (101, 102, 103), 201
        for channel_id in (*large, small):
            await play.store.keep_place(channel_id, None, 1 if channel_id in large else 2)
            await play.start("Ada", channel_id=channel_id)
        for channel_id in (*large, small):
            play.say("Hello?", channel_id=channel_id)
            await anyio.sleep(1)
        await play.quiet(for_s=300)
        order = [post.channel_id for post in play.discord.posts if post.text.startswith("Line")]
        assert order == [101, 201, 102, 103]


async def test_allowance_no_line_of_its_own_server_overtakes_a_held_one() -> None:
    async with playing(allowances=limited(), model=FakeModel(models=("only",)), rules=Rules()) as play:
        for channel_id in (101, 102):
            await play.store.keep_place(channel_id, None, 1)
            await play.start("Ada", channel_id=channel_id)
        for number in range(8):
            play.model.answers.append(long_line(number))
            play.say(LONG, channel_id=101)
            await play.quiet(for_s=70)
        play.model.answers.clear()
        await used(play, "only", 6850, ago_s=30.0)
        play.say(LONG, channel_id=101)  # does not fit
        await anyio.sleep(2)
        assert len(holds(play)) == 1
        play.say("Hi.", channel_id=102)  # would fit
        await anyio.sleep(20)
        assert len(asked(play)) == 8
        assert len(holds(play)) == 2
        await play.quiet(for_s=100)
        newest = [post.channel_id for post in play.discord.posts if post.text.startswith("Line")]
        assert sorted(newest) == [101, 102]


async def test_allowance_a_held_line_whose_scene_ends_is_not_asked_for_and_keeps_nobody_back() -> None:
    async with playing(allowances=limited(ModelLimits(requests_per_minute=1)), cast=["Ada"]) as play:
        play.model.models = ("only",)
        for channel_id in (101, 102, 103):
            await play.start("Ada", channel_id=channel_id)
        for channel_id in (101, 102, 103):
            play.say("Hello?", channel_id=channel_id)
            await anyio.sleep(1)
        play.say("!end", channel_id=102)
        await play.quiet(for_s=300)
        order = [post.channel_id for post in play.discord.posts if post.text.startswith("Line")]
        assert order == [101, 103]
