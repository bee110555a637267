"""A dull line is better than none: what an earlier try left is said where no further try may be made."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from actors.ports import Completion, ModelFailed, Moved
from actors.services import Rules
from machines.facts import Generated
from machines.response import Limits
from tests.fakes.language_model import FakeModel
from tests.fakes.play import CHANNEL, Play, playing

DULL = "The wind has gone round to the north, and I do not like the look of it."
FILTERED = Completion("She opened the door. The lamp was out and", trouble="filtered")
HALF = Completion("She opened the door and", cut_by_length=True)
BROKEN = Completion("Then she opened the", trouble="broken_off")


def lines(play: Play) -> list[str]:
    return [text for _, text in play.discord.character_lines(CHANNEL)]


def notices(play: Play) -> list[str]:
    return [text for text in play.discord.texts(CHANNEL) if text.startswith("⚠️")]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([DULL, DULL, DULL], DULL),
        ([DULL, ModelFailed("timeout"), ModelFailed("overloaded")], DULL),
        ([ModelFailed("timeout"), DULL, ModelFailed("credentials")], DULL),
        (
            [DULL, ModelFailed("rate_limit", retry_after_s=20.0), "Something new is said at last."],
            "Something new is said at last.",
        ),
        ([FILTERED, FILTERED, FILTERED], "She opened the door."),
        ([FILTERED, "A whole line."], "A whole line."),
        ([HALF, "A whole line."], "A whole line."),
        ([HALF, HALF, HALF], "She opened the door and"),
        ([Completion("She opened the door. Then she", cut_by_length=True)], "She opened the door."),
        ([FILTERED, ModelFailed("empty"), ModelFailed("empty")], "She opened the door."),
    ],
)
async def test_c2_what_there_is_of_the_characters_own_is_said_in_the_end(answers: Sequence[object], said: str) -> None:
    async with playing(cast=("Ada",)) as play:
        await play.start("Ada")
        play.model.answers.extend([DULL])
        play.say("one")
        await play.quiet()
        play.model.answers.extend(answers)  # type: ignore[arg-type] # a script's answers
        play.say("two")
        await play.quiet()
        assert lines(play) == [DULL, said]
        assert notices(play) == []
        assert [entry.text for entry in await play.entries()] == ["one", DULL, "two", said]


@pytest.mark.parametrize(
    ("answer", "clause"),
    [
        ("I'm sorry, but I can't help with that.", "(model declined)"),
        ("<think>only thoughts", "(model had nothing to say)"),
        ("Bo: I speak for myself.", "(model had nothing to say)"),
        ("<!doctype html><html></html>", "(model unavailable)"),
        (BROKEN, "(the server broke the answer off)"),
        (Completion("She opened the", trouble="filtered"), "(model declined)"),
    ],
)
async def test_c2_what_holds_nothing_of_its_own_fails_and_is_told(answer: str | Completion, clause: str) -> None:
    async with playing(answers=[answer] * 3) as play:
        await play.start("Ada", "Bo", turns="list")
        play.say("one")
        await play.quiet()
        assert lines(play) == []
        assert [notice.endswith(clause) for notice in notices(play)] == [True]
        assert len(play.model.prompts) == 3


async def test_c2_a_wait_beyond_the_deadline_is_the_end_of_the_tries_as_well() -> None:
    async with playing(cast=("Ada",), limits=Limits(deadline_s=30.0), model=FakeModel(models=("only",))) as play:
        await play.start("Ada")
        play.model.answers.extend([DULL])
        play.say("one")
        await play.quiet()
        play.model.answers.extend([DULL, ModelFailed("overloaded", retry_after_s=29.5)])
        play.say("two")
        await play.quiet()
        assert lines(play) == [DULL, DULL]
        generated = [e for e in play.trace.events if isinstance(e, Moved) and isinstance(e.move.fact, Generated)]
        assert [e.move.attempt for e in generated] == [1, 2]


async def test_b09_a_prompt_is_no_longer_than_the_model_that_is_asked_reads() -> None:
    model = FakeModel(windows={"first": 1500, "second": 100})
    async with playing(cast=("Ada",), rules=Rules(context_tokens=6000), model=model) as play:
        await play.start("Ada")
        for number in range(30):
            play.say(f"{number} " + "word " * 100)
            await play.quiet()
        assert _size(play, -1) <= 1500 * 3
        assert _size(play, -1) > 1000 * 3
        play.model.answers.extend([ModelFailed("model_missing")])
        play.say("one more")
        await play.quiet()
        assert play.model.prompts[-1].model == "second"
        assert _size(play, -1) <= 1000 * 3, "no prompt has less than the least"


def _size(play: Play, index: int) -> int:
    return sum(len(message.content.encode()) for message in play.model.prompts[index].messages)
