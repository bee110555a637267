"""F10: no text of a person, a card or a model keeps the bot from everything else.

CPU time is measured in paces (`tests.pace`), so that a slow or busy machine changes nothing.
"""

from __future__ import annotations

import json
import random
import time

import pytest

from actors.roleplay.card import kept_card
from actors.roleplay.model import Entry
from actors.roleplay.plan import Plan
from actors.roleplay.prompt import Speaker, build
from actors.roleplay.speech import Refused, clean
from tests.pace import pace_s
from tests.safety.computing import FUNCTIONS, PIECES, bare, enclosed, seconds_of

CHARACTERS = 8_000
PACES_MAX = 10
"""Of 0.025 s: most texts of this length cost a tenth of a pace, and the worst of them two."""

FIELDS = ("description", "personality", "scenario", "system_prompt", "post_history_instructions", "mes_example")
HEARD = (Entry("user", "Robin", "Hello.", (1,), 0.0, "s", author_id=5),)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_f10_no_repeated_piece_costs_more_than_a_plain_text(name: str) -> None:
    function = FUNCTIONS[name]
    dear = {
        (piece, of.__name__): seconds / pace_s()
        for piece in PIECES
        for of in (bare, enclosed)
        if (seconds := seconds_of(function, of(piece, CHARACTERS))) > PACES_MAX * pace_s()
    }
    assert dear == {}


@pytest.mark.parametrize(
    "macro",
    ["{{roll:99d999999}} ", "{{description}}{{personality}}", "{{setvar::a::{{random::b::c}}}}", "{{user}}", "{{x}}"],
)
def test_f10_a_card_full_of_macros_costs_no_more_than_a_prompt(macro: str) -> None:
    heap = macro * (99_000 // len(macro))
    data = {"name": "Maren", "first_mes": "", **dict.fromkeys(FIELDS, heap)}
    card = kept_card(json.dumps({"spec": "chara_card_v2", "spec_version": "2.0", "data": data}))
    began = time.thread_time()
    built = build(Speaker(card, "c", ("Fitch",)), HEARD, Plan("m", 700), context_tokens=6000, seed="s")
    assert time.thread_time() - began < PACES_MAX * pace_s()
    assert "You are Maren" in built.prompt.messages[0].content or heap[:100] in built.prompt.messages[0].content


def near_copies(words: int) -> tuple[str, str]:
    """Two texts of the letters a and b with the same letters in another order."""
    draw = random.Random(words)
    one = [draw.choice("ab") for _ in range(words)]
    return " ".join(one), " ".join(draw.sample(one, words))


def test_f10_two_long_texts_of_few_words_are_compared_in_time() -> None:
    text, other = near_copies(3_000)
    began = time.thread_time()
    clean(text, name="Maren", others=("Robin",), own_last_lines=[f"{other} {n}" for n in range(5)], cut_by_length=False)
    assert time.thread_time() - began < PACES_MAX * pace_s()


@pytest.mark.parametrize("words", [20, 299, 300, 301, 900])
def test_f10_a_long_near_copy_is_still_a_repeat(words: int) -> None:
    said = [f"word{n}" for n in range(words)]
    again = [*said[: words // 2], "another", *said[words // 2 + 1 :]]
    line = clean(" ".join(again), name="Maren", others=("Robin",), own_last_lines=[" ".join(said)], cut_by_length=False)
    assert isinstance(line, Refused)
    assert line.reason == "repeat"
