"""The characters that come with the program: complete, alike in form, equal to their sources."""

import io
import json
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest
from PIL import Image, ImageChops

from actors.app.shipped_cards import CARDS, SOURCES, build, picture
from actors.roleplay.card import Card, read_card
from actors.roleplay.examples import examples
from actors.roleplay.macros import substitute
from actors.roleplay.names import clean_name
from actors.roleplay.speech import Line, clean

SHIPPED = sorted(CARDS.glob("*.png"))
BYTES_MAX = 60_000
EXAMPLES_MIN = 12
EXAMPLE_CHARACTERS_MAX = 3_800  # about 900 tokens of English: they are in every prompt of a real model
ROUNDING_MAX = 8  # of 255: edges are smoothed a little differently by other processors and releases


def card_of(file: Path) -> Card:
    return read_card(file.read_bytes(), file.name)[0]


def own_lines(card: Card) -> list[str]:
    spoken = [line.text for block in examples(card) for line in block if line.by_character]
    return [substitute(text, char=card.spoken_name, user="Robin") for text in spoken]


def difference(one: bytes, other: bytes) -> int:
    """Return by how much the two pictures differ, at the most, in a channel of a pixel: 0 to 255."""
    images = [Image.open(io.BytesIO(data)).convert("RGBA") for data in (one, other)]
    extrema = ImageChops.difference(*images).getextrema()
    return max(highest for _, highest in cast("tuple[tuple[int, int], ...]", extrema))


def test_three_characters_are_shipped() -> None:
    assert [card_of(file).name for file in SHIPPED] == ["Fitch", "Maren", "Oriel"]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: str(file.stem))
class TestShippedCard:
    def test_it_equals_its_sources(self, file: Path) -> None:
        built = build(SOURCES / f"{file.stem}.json")
        assert card_of(file) == read_card(built)[0]
        assert difference(file.read_bytes(), built) <= ROUNDING_MAX

    def test_its_source_is_what_it_carries(self, file: Path) -> None:
        source = json.loads((SOURCES / f"{file.stem}.json").read_text(encoding="utf-8"))
        assert json.loads(card_of(file).raw) == source

    def test_it_is_complete_and_small(self, file: Path) -> None:
        card = card_of(file)
        assert len(file.read_bytes()) < BYTES_MAX
        assert all((card.description, card.personality, card.scenario, card.first_mes, card.tags))
        assert card.post_history_instructions
        assert card.creator == "Ensemble"
        assert clean_name(card.name) == card.name

    def test_it_has_example_lines_for_an_understudy(self, file: Path) -> None:
        card = card_of(file)
        lines = own_lines(card)
        assert len(set(lines)) == len(lines) >= EXAMPLES_MIN
        assert all(len(block) == 2 and not block[0].by_character for block in examples(card))

    def test_its_examples_leave_room_in_the_prompt_of_a_real_model(self, file: Path) -> None:
        lines = [line for block in examples(card_of(file)) for line in block]
        texts = [line.text if line.by_character else f"Robin: {line.text}" for line in lines]
        assert sum(map(len, texts)) <= EXAMPLE_CHARACTERS_MAX

    def test_every_line_of_it_is_a_line(self, file: Path) -> None:
        card = card_of(file)
        others = [name for name in ("Fitch", "Maren", "Oriel", "Robin") if name != card.name]
        for before, line in pairwise(["", *own_lines(card)]):
            cleaned = clean(line, name=card.name, others=others, own_last_lines=[before], cut_by_length=False)
            assert cleaned == Line(line)


def test_a_changed_drawing_changes_the_picture() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0H8V8Z" fill="{}"/></svg>'
    assert difference(picture(svg.format("#102030")), picture(svg.format("#102050"))) > ROUNDING_MAX
