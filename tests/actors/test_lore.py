"""The lorebooks of a cast are played: what fired is in the prompt, and what fired and what did not is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from actors.ports import LoreFired, LoreMissed, LoreRecord, ModelFailed, Noted
from actors.roleplay.lore.model import Match, Pattern, Verdict
from actors.roleplay.model import Purpose
from actors.services import Rules
from tests.fakes.play import CHANNEL, Play, card, playing

T = TypeVar("T")
RECORDING = Rules(records_exchanges=True)
BOOK = {
    "name": "Coast",
    "entries": [
        {"comment": "lamp", "keys": ["lamp"], "content": "The lamp burns whale oil.", "insertion_order": 1},
        {"comment": "storm", "keys": ["storm"], "content": "Storms last three days."},
        {"comment": "always", "keys": [], "constant": True, "content": "It is 1893."},
    ],
}


class Found:
    """Patterns that finds what a test says."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.asked: list[str] = []

    async def run(self, work: Callable[[Match], T]) -> T:
        return work(self._match)

    def _match(self, pattern: Pattern, text: str) -> Verdict:
        self.asked.append(text)
        return self.verdict


async def lore_of(play: Play) -> list[LoreRecord | None]:
    """The lore of each request for the newest response."""
    newest, *_ = await play.store.recently_recorded(limit=9)
    exchanges = await play.store.exchanges(newest.response_id)
    return [each.asked.lore for _, each in exchanges if each.asked is not None]


async def test_a_cards_lore_is_in_the_prompt_and_in_the_record() -> None:
    async with playing(cast=(card("Ada", character_book=BOOK),), rules=RECORDING) as play:
        await play.start("Ada")
        play.say("Who lit the lamp?")
        await play.quiet()
        [prompt] = play.model.prompts
        assert "It is 1893." in prompt.messages[0].content
        assert [each.content for each in prompt.messages if each.purpose is Purpose.LORE] == [
            "# Lore\nThe lamp burns whale oil."
        ]
        assert await lore_of(play) == [
            LoreRecord(
                fired=(
                    LoreFired("Coast", "always", "after the character", "constant", 4),
                    LoreFired("Coast", "lamp", "after the character", "lamp", 9),
                ),
                missed=(LoreMissed("Coast", "storm", "no key was said"),),
                fired_count=2,
                missed_count=1,
            )
        ]


async def test_the_books_of_the_whole_cast_are_searched() -> None:
    cast = (card("Ada"), card("Bo", character_book=BOOK))
    async with playing(cast=cast, rules=RECORDING) as play:
        await play.start("Ada", "Bo")
        play.say("Who lit the lamp?")
        await play.quiet()
        assert all("whale oil" in str(prompt.messages) for prompt in play.model.prompts)
        assert len(play.model.prompts) == 2


async def test_a_scene_without_books_has_no_lore() -> None:
    async with playing(cast=("Ada",), rules=RECORDING) as play:
        await play.start("Ada")
        play.say("Who lit the lamp?")
        await play.quiet()
        assert await lore_of(play) == [None]


async def test_each_attempt_at_a_line_draws_the_same_lore() -> None:
    entries = [{"key": ["lamp"], "content": f"Oil {at}.", "probability": 50} for at in range(20)]
    cast = (card("Ada", character_book={"entries": entries}),)
    async with playing(cast=cast, answers=[ModelFailed("overloaded"), "Aye."], rules=RECORDING) as play:
        await play.start("Ada")
        play.say("The lamp.")
        await play.quiet()
        first, second = await lore_of(play)
        assert first == second
        assert first is not None
        assert 0 < first.fired_count < 20


async def test_regular_expressions_are_looked_for_in_the_lines_of_the_scene() -> None:
    book = {"entries": [{"keys": ["/l.mp/"], "content": "Whale oil."}]}
    patterns = Found(Verdict.FOUND)
    async with playing(cast=(card("Ada", character_book=book),), rules=RECORDING, patterns=patterns) as play:
        await play.start("Ada")
        play.say("Who lit it?")
        await play.quiet()
        assert patterns.asked == ["\x01Robin: Who lit it?"]
        assert "Whale oil." in str(play.model.prompts[0].messages)


async def test_an_expression_that_took_too_long_is_reported_by_name() -> None:
    book = {"entries": [{"comment": "slow", "keys": ["/(a+)+$/"], "content": "x"}]}
    cast = (card("Ada", character_book=book),)
    async with playing(cast=cast, rules=RECORDING, patterns=Found(Verdict.TIMED_OUT)) as play:
        await play.start("Ada")
        play.say("Hello.")
        await play.quiet()
        [told] = [each for each in play.trace.events if isinstance(each, Noted) and "lorebook" in each.words]
        assert f"from now on: {told.said}." in told.words
        assert told.said == "/(a+)+$/"  # LOG_TEXTS=false leaves it out: a member's book is a member's words
        [kept] = await lore_of(play)
        assert kept is not None
        assert kept.keys == (("/(a+)+$/", "it took too long"),)


STICKY = {"entries": {"0": {"uid": 0, "key": ["lamp"], "content": "Whale oil.", "sticky": 4, "cooldown": 2}}}


async def test_a_timer_lasts_over_a_restart_and_ends_by_messages() -> None:
    async with playing(cast=(card("Ada", character_book=STICKY),), rules=RECORDING) as play:
        await play.start("Ada")
        play.say("The lamp.")
        await play.quiet()
    async with playing(before=play, rules=RECORDING) as after:
        for text in ("Well.", "Hm.", "The lamp!", "A storm.", "The lamp!"):
            after.say(text)
            await after.quiet()
        fired = ["Whale oil." in str(prompt.messages[:-1]) for prompt in after.model.prompts]
        # said in the 1st prompt; ages 2, then 4 and 5 (it cools down), 6, 8, 10
        assert fired == [True, True, False, True, True, False]


async def test_a_timer_goes_with_the_line_that_set_it() -> None:
    async with playing(cast=(card("Ada", character_book=STICKY),), rules=RECORDING) as play:
        await play.start("Ada")
        play.say("The lamp.")
        await play.quiet()
        line = (await play.entries())[-1]
        await play.store.amend(CHANNEL, line.message_ids[0], text=None, at=play.clock.now())
        play.say("Well, well.")
        play.say("Well.")
        await play.quiet()
        assert "Whale oil." not in str(play.model.prompts[-1].messages)


async def test_a_slow_key_is_skipped_from_then_on_and_reported_once() -> None:
    book = {"entries": [{"comment": "slow", "keys": ["/(a+)+$/"], "content": "x"}]}
    patterns = Found(Verdict.TIMED_OUT)
    cast = (card("Ada", character_book=book),)
    async with playing(cast=cast, rules=RECORDING, patterns=patterns) as play:
        await play.start("Ada")
        for text in ("Hello.", "Well?"):
            play.say(text)
            await play.quiet()
        assert len(patterns.asked) == 1
        assert len([1 for each in play.trace.events if isinstance(each, Noted) and "lorebook" in each.words]) == 1
        [kept] = await lore_of(play)
        assert kept is not None
        assert kept.keys == (("/(a+)+$/", "it took too long before"),)


async def test_lines_of_characters_are_counted_for_decorators() -> None:
    book = {"entries": [{"keys": [], "constant": True, "content": "@@activate_only_after 2\nOil."}]}
    async with playing(cast=(card("Ada", character_book=book),)) as play:
        await play.start("Ada")
        for text in ("One.", "Two.", "Three."):
            play.say(text)
            await play.quiet()
        assert ["Oil." in str(prompt.messages) for prompt in play.model.prompts] == [False, False, True]
