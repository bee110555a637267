"""The understudy: what it says is in character, new, and always the same for the same prompt."""

import json
import re
from collections.abc import Sequence
from importlib.resources import files

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.adapters.understudy import Understudy
from actors.adapters.understudy.speaker import line_for, typed_s
from actors.adapters.understudy.stances import Kind, Stance, stances
from actors.adapters.understudy.stock import GESTURES, KIND_QUESTIONS, QUESTIONS, REPLIES, TOPIC_QUESTIONS
from actors.ports.language_model import Completion
from actors.roleplay.card import Card, read_card
from actors.roleplay.model import Entry, Prompt, Purpose
from actors.roleplay.plan import Plan
from actors.roleplay.prompt import Speaker, build
from actors.roleplay.speech import Line, clean, normalise
from tests.fakes.virtual_time import BACKENDS, virtually

SHIPPED = [
    read_card((files("actors.app") / "cards" / f"{name}.png").read_bytes())[0] for name in ("maren", "fitch", "oriel")
]
BARE = [
    read_card(json.dumps({"name": "Ash", "personality": "Wary, kind and quick. Likes 3 cats."}).encode())[0],
    read_card(json.dumps({"name": "Birch"}).encode())[0],
    read_card(json.dumps({"name": "Cedar", "mes_example": "{{char}}: Well. I never liked boats."}).encode())[0],
]


class Play:
    """A channel with a cast, answered by the understudy."""

    def __init__(self, cast: Sequence[Card]) -> None:
        self.cast = cast
        self.entries: list[Entry] = []

    def add(self, name: str, text: str, character_id: str | None = None) -> None:
        kind = "character" if character_id else "user"
        number = len(self.entries) + 1
        entry = Entry(kind, name, text, (number,), 0.0, "s1", character_id=character_id)  # type: ignore[arg-type]
        self.entries.append(entry)

    def prompt(self, card: Card, seed: str = "s") -> Prompt:
        others = tuple(other.name for other in self.cast if other is not card)
        speaker = Speaker(card, card.name, others)
        plan = Plan("understudy", 700)
        return build(speaker, self.entries, plan, context_tokens=6000, seed=f"{seed}{len(self.entries)}").prompt

    def turn(self, text: str) -> list[str]:
        """What the cast says to `text`, one after the other."""
        self.add("Robin", text)
        lines = []
        for card in self.cast:
            lines.append(line_for(self.prompt(card)))
            self.add(card.name, lines[-1], card.name)
        return lines


def first_answer(card: Card, text: str, seed: str = "s") -> str:
    play = Play([card])
    play.add("Robin", text)
    return line_for(play.prompt(card, seed))


@pytest.mark.parametrize("anyio_backend", BACKENDS)
async def test_it_is_a_model_that_completes_and_says_who_it_is() -> None:
    understudy, play = Understudy(), Play(SHIPPED)
    play.add("Robin", "Hello! Is anyone here?")
    assert understudy.label.startswith("the understudy (no model is set")
    assert understudy.models == ("understudy",)
    assert await understudy.complete(play.prompt(SHIPPED[0])) == Completion(
        "Aye. Mind the third step, it's wet. It's always wet.", model="understudy"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hi there, anybody home?", "third step"),
        ("I could eat a horse. Is there soup?", "stew"),
        ("Careful, the roof is falling!", "away from the glass"),
        ("Will this storm ever end?", "south-west"),
        ("Good night, I must go.", "dry pair of socks"),
        ("Thank you so much!", "coiling that rope"),
        ("I'm really scared of the noise.", "working harder"),
    ],
)
def test_it_answers_what_was_said_with_the_example_that_fits(text: str, words: str) -> None:
    assert words in first_answer(SHIPPED[0], text)


SUGGESTED = [
    ("*knocks twice* Hello? Is anybody home?", ("third step", "a third hello", "forty thousand words")),
    ("I am soaked and hungry. Is there anything warm to eat?", ("Fish stew", "Who will stir", "ginger biscuits")),
    ("*listens to the wind* Will this storm ever end?", ("south-west", "clear by Thursday", "sixty hours")),
]


@pytest.mark.parametrize(("text", "words"), SUGGESTED)
def test_a_line_that_the_playground_suggests_is_answered_in_kind_by_all_three(
    text: str, words: tuple[str, str, str]
) -> None:
    assert text in files("actors.playground").joinpath("page", "composer.js").read_text(encoding="utf-8")
    for seed in range(20):
        play = Play(SHIPPED)
        play.add("Robin", text)
        for card, expected in zip(SHIPPED, words, strict=True):
            line = line_for(play.prompt(card, f"{seed} "))
            assert expected in line
            play.add(card.name, line, card.name)


def test_a_fitting_answer_is_not_given_twice_while_there_are_others() -> None:
    play = Play([SHIPPED[0]])
    lines = [play.turn("What will the weather do?")[0] for _ in range(12)]
    assert len(set(lines)) == 12


def test_another_seed_may_choose_another_line() -> None:
    lines = {first_answer(SHIPPED[2], "The tunnel goes under the sea.", seed) for seed in "abcdefgh"}
    assert len(lines) > 1


def test_different_inputs_of_one_scene_get_different_lines() -> None:
    play = Play([SHIPPED[0]])
    lines = [play.turn(f"I once went to Ulm with {number} geese.")[0] for number in range(30)]
    assert len(set(lines)) == 30


def test_every_stance_has_replies_without_a_name_prefix() -> None:
    assert set(REPLIES) == set(TOPIC_QUESTIONS) == set(Stance)
    assert set(KIND_QUESTIONS) == set(Kind)
    texts = [text for texts in (*REPLIES.values(), *TOPIC_QUESTIONS.values()) for text in texts]
    assert not any(re.match(r"[^ ]+:", text) for text in texts)


def test_no_text_is_twice_in_the_stock_else_two_characters_would_share_it() -> None:
    groups = (REPLIES, TOPIC_QUESTIONS, KIND_QUESTIONS)
    texts = [*GESTURES, *QUESTIONS, *(text for group in groups for each in group.values() for text in each)]
    assert len(set(texts)) == len(texts)


def test_no_text_of_the_stock_can_hold_a_word_of_the_message() -> None:
    groups = (REPLIES, TOPIC_QUESTIONS, KIND_QUESTIONS)
    texts = [*GESTURES, *QUESTIONS, *(text for group in groups for each in group.values() for text in each)]
    slots = {slot for text in texts for slot in re.findall(r"\{(\w*)\}", text)}
    assert slots == {"name", "user", "their", "themself"}


def test_a_no_inside_a_sentence_is_no_contradiction() -> None:
    assert stances("No, I won't.") == {Stance.DENIAL}
    assert stances("There is no door.") == {Stance.DOOR}


def test_somebody_answers_even_if_everything_was_said_a_moment_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.adapters.understudy.speaker._fresh", lambda text, scene: "")
    assert first_answer(SHIPPED[0], "Hello.") == "What now?"


@virtually
@pytest.mark.parametrize("text", ["ok", "I'm scared.", "Tell me a joke"])
async def test_it_types_for_a_human_second(text: str) -> None:
    play = Play(SHIPPED)
    play.add("Robin", text)
    began = anyio.current_time()
    answer = await Understudy(typing_s=1.0).complete(play.prompt(SHIPPED[0]))
    took_s = round(anyio.current_time() - began, 6)
    assert 0.8 <= took_s <= 2.0
    assert took_s == pytest.approx(typed_s(answer.text, 1.0))


def test_a_long_line_is_typed_for_longer_within_bounds() -> None:
    assert [typed_s("x" * length, 1.0) for length in (1, 80, 120, 2000)] == [0.8, 1.0, 1.5, 2.0]
    assert typed_s("x" * 2000, 0.0) == 0.0


@virtually
async def test_without_typing_it_waits_for_nothing() -> None:
    play = Play(SHIPPED)
    play.add("Robin", "Hello.")
    began = anyio.current_time()
    await Understudy().complete(play.prompt(SHIPPED[0]))
    assert anyio.current_time() == began


INPUTS = st.lists(
    st.text(max_size=60)
    | st.sampled_from(
        ["Hello!", "Why?", "ok", "No.", "Is there soup?", "*waits*", "Maren: hi", "Robin: hm", "{word} {0}"]
    ),
    min_size=30,
    max_size=30,
)


@pytest.mark.slow
@pytest.mark.parametrize("cast_name", ["shipped", "bare"])
@settings(max_examples=15)
@given(inputs=INPUTS)
def test_thirty_turns_bring_no_line_twice_within_five_and_no_forged_name(cast_name: str, inputs: list[str]) -> None:
    cast = {"shipped": SHIPPED, "bare": BARE}[cast_name]
    play = Play(cast)
    own: dict[str, list[str]] = {card.name: [] for card in cast}
    names = [*own, "Robin"]
    for text in inputs:
        lines = play.turn(text)
        assert len({normalise(line).casefold() for line in lines}) == len(lines)
        for card, line in zip(cast, lines, strict=True):
            others = [name for name in names if name != card.name]
            last = own[card.name][-5:]
            assert clean(line, name=card.name, others=others, own_last_lines=last, cut_by_length=False) == Line(line)
            own[card.name].append(line)


@settings(max_examples=40)
@given(st.text(max_size=80), st.text(max_size=8))
def test_the_same_prompt_gives_the_same_line(text: str, seed: str) -> None:
    assert first_answer(SHIPPED[0], text, seed) == first_answer(SHIPPED[0], text, seed)


def test_it_reads_its_examples_from_the_prompt_alone() -> None:
    play = Play(SHIPPED)
    play.add("Robin", "Hello!")
    prompt = play.prompt(SHIPPED[0])
    without = tuple(message for message in prompt.messages if message.purpose != Purpose.EXAMPLE)
    bare = Prompt(prompt.character, prompt.model, without, prompt.stop, 700, prompt.seed)
    assert "third step" in line_for(prompt)
    assert "third step" not in line_for(bare)
    assert line_for(bare).strip()


def test_a_near_copy_of_a_line_that_it_just_said_is_no_new_line() -> None:
    play = Play([SHIPPED[0]])
    answer = first_answer(SHIPPED[0], "Will this storm ever end?")
    play.add("Maren", answer.replace("Two more days", "Three more days"), "Maren")
    play.add("Robin", "Will this storm ever end?")
    assert line_for(play.prompt(SHIPPED[0])) != answer
