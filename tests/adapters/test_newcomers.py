"""What three shipped characters and three bare ones answer to what newcomers write (`newcomer_lines.tsv`)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from actors.adapters.understudy.speaker import line_for
from actors.adapters.understudy.stances import Stance, kind, stances, stems
from actors.adapters.understudy.stock import KIND_QUESTIONS, REPLIES
from actors.roleplay.card import Card, read_card
from actors.roleplay.examples import examples
from actors.roleplay.macros import substitute
from actors.roleplay.model import Prompt
from tests.adapters.test_understudy import BARE, SHIPPED, Play

LINES = [
    tuple(row.split("\t"))
    for row in (Path(__file__).parent / "newcomer_lines.tsv").read_text(encoding="utf-8").splitlines()
]
"""(what the line is about, the line), as newcomers write them."""
TEXTS = [text for _, text in LINES]
CASTS = {"shipped": SHIPPED, "bare": BARE}
BEAT = re.compile(r"\*[^*]+\*|[^*.!?…]+[.!?…]*['’”]?")
QUESTIONS_MIN = len(LINES) // 3


def own_beats(card: Card) -> set[str]:
    texts = [substitute(line.text, char=card.name, user="Robin") for block in examples(card) for line in block]
    return {beat.strip() for text in texts for beat in BEAT.findall(text)}


def stock_beats(card: Card, line: str) -> set[str]:
    """The parts of an answer that are not the card's, without names and pronouns."""
    beats = {beat.strip() for beat in BEAT.findall(line)} - own_beats(card)
    return {re.sub(rf"\b(?:{card.name}|Robin|his|her|their|(?:him|her|them)self)\b", "…", beat) for beat in beats}


def pairs(card: Card) -> Iterator[tuple[str, str]]:
    return ((block[0].text, block[1].text) for block in examples(card) if len(block) == 2)


def is_about(topic: str, card: Card, line: str) -> bool:
    """Whether the answer is an example on that topic or for that kind of message, or begins with such a stock reply."""
    if topic not in set(Stance):
        return any(not stances(cue) and kind(cue) == topic and answer in line for cue, answer in pairs(card))
    replies = [text.format(user="Robin", name=card.name) for text in REPLIES[Stance(topic)]]
    fitting = [answer for cue, answer in pairs(card) if Stance(topic) in stances(cue)]
    return line.startswith(tuple(replies)) or any(answer in line for answer in fitting)


def test_there_are_51_lines() -> None:
    assert len(set(TEXTS)) == len(LINES) == 51


@pytest.mark.parametrize(("topic", "text"), LINES)
def test_each_line_is_answered_on_its_topic_by_all_three(topic: str, text: str) -> None:
    lines = Play(SHIPPED).turn(text)
    assert [line for card, line in zip(SHIPPED, lines, strict=True) if not is_about(topic, card, line)] == []


@pytest.fixture(scope="module", params=list(CASTS))
def said(request: pytest.FixtureRequest) -> list[tuple[str, Card, str]]:
    """All lines in one scene, so that the fitting examples run out: (the newcomer's line, who answers, the answer)."""
    cast = CASTS[request.param]
    play = Play(cast)
    return [(text, card, line) for text in TEXTS for card, line in zip(cast, play.turn(text), strict=True)]


class TestAnEvening:
    def test_nobody_is_silent(self, said: list[tuple[str, Card, str]]) -> None:
        assert all(line.strip() for _, _, line in said)

    def test_no_word_of_the_message_is_quoted_back(self, said: list[tuple[str, Card, str]]) -> None:
        quoted = [
            (text, beat) for text, card, line in said for beat in stock_beats(card, line) if stems(text) & stems(beat)
        ]
        assert quoted == []

    def test_no_two_characters_share_a_filler(self, said: list[tuple[str, Card, str]]) -> None:
        of: dict[str, set[str]] = {}
        for _, card, line in said:
            of.setdefault(card.name, set()).update(stock_beats(card, line))
        assert any(of.values())
        assert [one & other for one, other in combinations(of.values(), 2) if one & other] == []

    def test_characters_ask(self, said: list[tuple[str, Card, str]]) -> None:
        asked = [card.name for _, card, line in said if "?" in line]
        assert all(asked.count(card.name) >= QUESTIONS_MIN for _, card, _ in said)

    def test_what_is_no_example_ends_in_a_question(self, said: list[tuple[str, Card, str]]) -> None:
        answers = {line.text for card in (*SHIPPED, *BARE) for block in examples(card) for line in block}
        assert [line for _, _, line in said if line not in answers and not line.endswith("?")] == []

    def test_no_line_is_said_twice(self, said: list[tuple[str, Card, str]]) -> None:
        lines = [line for _, _, line in said]
        assert len(set(lines)) == len(lines)


ROLES = {
    "his": "He is a smith. His forge is his pride. His wife left him; she took the dog.",
    "her": "She keeps bees. Her brother helps her.",
    "their": "Sings in a choir.",
    "their ": "He and she are twins; his and her names rhyme.",
}


@pytest.mark.parametrize(("own", "description"), ROLES.items())
def test_stock_gestures_have_the_pronouns_of_the_card(own: str, description: str) -> None:
    card = read_card(json.dumps({"name": "Ash", "description": description, "scenario": "He met her."}).encode())[0]
    play = Play([card])
    lines = [play.turn(f"It was number {number} of the geese.")[0] for number in range(40)]
    found = set(re.findall(r"\b(his|him|himself|her|herself|their|them|themself)\b", " ".join(lines)))
    themself = {"his": "himself", "her": "herself"}.get(own.strip(), "themself")
    assert own.strip() in found <= {own.strip(), themself}


def test_a_question_that_suits_another_kind_of_message_is_not_asked_first() -> None:
    example = "<START>\n{{user}}: *does it*\n{{char}}: *She blinks.* Was that needed?"
    card = read_card(json.dumps({"name": "Ash", "mes_example": example}).encode())[0]
    assert line_for(prompt_of(card, "*jumps*")) == "*She blinks.* Was that needed?"
    remark = line_for(prompt_of(card, "I sold the geese on Monday."))
    assert remark.endswith(tuple(question for texts in KIND_QUESTIONS.values() for question in texts))


def prompt_of(card: Card, text: str) -> Prompt:
    play = Play([card])
    play.add("Robin", text)
    return play.prompt(card)


def test_a_filler_that_somebody_else_said_is_left_to_them() -> None:
    """The cast changed: what was dealt to somebody who has left stays theirs."""
    ash, birch = BARE[:2]
    play = Play([ash])
    for number in range(12):
        play.add("Robin", f"It was number {number} of the geese.")
        play.add("Cedar", line_for(play.prompt(ash)).replace("Ash", "Cedar"), "Cedar")
    theirs = set().union(*(stock_beats(BARE[2], entry.text) for entry in play.entries if entry.name == "Cedar"))
    play.cast = [birch]
    mine = set().union(*(stock_beats(birch, play.turn(f"It was goose {number}.")[0]) for number in range(6)))
    assert theirs
    assert mine
    assert mine & theirs == set()


def test_no_filler_is_shared_by_characters_who_do_not_hear_each_other() -> None:
    said: list[set[str]] = []
    for card in BARE:
        play = Play(BARE)
        said.append(set())
        for text in TEXTS:
            play.add("Robin", text)
            line = line_for(play.prompt(card))
            play.add(card.name, line, card.name)
            said[-1] |= stock_beats(card, line)
    assert [one & other for one, other in combinations(said, 2) if one & other] == []
