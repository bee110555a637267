"""Lines in parts: where they break, and that nothing is lost."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.roleplay.invisible import is_blank, is_drawn
from actors.roleplay.parts import PART_UNITS_MAX, PART_UNITS_MIN, length, split

PARAGRAPH = "The sea is up and the lamp is lit. " * 20  # 700 characters


def test_a_text_that_fits_is_one_part() -> None:
    assert split(" a\n\n b ") == ("a\n\n b",)
    assert split("x" * PART_UNITS_MAX) == ("x" * PART_UNITS_MAX,)


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_a_blank_text_has_no_parts(text: str) -> None:
    assert split(text) == ()


def test_a_paragraph_is_the_best_place_to_break() -> None:
    text = f"{PARAGRAPH}\n\n{PARAGRAPH}\n\n{PARAGRAPH}"
    assert split(text) == (f"{PARAGRAPH}\n\n{PARAGRAPH}".strip(), PARAGRAPH.strip())


def test_a_sentence_is_the_next_best() -> None:
    first, second = split(PARAGRAPH * 3 + "And more of it, without an end")
    assert first.endswith("is lit.")
    assert second.startswith("The sea")


def test_a_word_is_kept_whole() -> None:
    assert split("lantern " * 10, 64) == (("lantern " * 7).strip(), ("lantern " * 3).strip())


def test_a_word_longer_than_a_part_is_cut() -> None:
    assert split("x" * 150, 64)[0] == "x" * 60
    assert "".join(split("x" * 150, 64)) == "x" * 150


def test_a_limit_counts_utf16_units() -> None:
    assert length("a🌊") == 3
    assert [length(part) for part in split("🌊" * 1500)] == [1996, 1004]


@pytest.mark.parametrize("glued", ["👩‍🚀", "e\u0301", "🇳🇱", "👍🏽", "🏴\U000e0067\U000e0062\U000e007f"])
def test_a_drawn_character_is_not_torn(glued: str) -> None:
    for limit in range(64, 76):
        for part in split(glued * 60, limit):
            assert part.replace(glued, "") == ""


def test_a_code_fence_that_fits_is_moved_whole() -> None:
    fence = "```py\n" + "print()\n" * 200 + "```"
    assert split(f"{PARAGRAPH}\n{fence}\nDone.") == (PARAGRAPH.strip(), f"{fence}\nDone.")


def test_a_longer_fence_is_closed_and_opened_again_with_its_language() -> None:
    lines = [f"x = {number}" for number in range(400)]
    parts = split("Look:\n```py\n" + "\n".join(lines) + "\n```\nDone.")
    assert parts[0] == "Look:"
    assert all(part.startswith("```py\nx = ") for part in parts[1:])
    assert [line for part in parts for line in part.splitlines() if line.startswith("x")] == lines
    assert parts[-1].endswith("```\nDone.")


def test_a_fence_that_was_never_closed_is_closed() -> None:
    assert split("```\nx") == ("```\nx\n```",)


def test_a_limit_too_small_to_split_is_refused() -> None:
    with pytest.raises(ValueError, match="at least"):
        split("x", PART_UNITS_MIN - 1)


def test_parts_are_joined_as_the_history_stores_them() -> None:
    assert "\n".join(("a", "b")) == "a\nb"


# What always holds. The language is made of letters that the texts lack, so that it can be told from them.

PIECES = st.sampled_from(
    [
        "```",
        "```py\n",
        "\n",
        "\n\n",
        " ",
        "Hm. ",
        "no! ",
        "x" * 70,
        "🌊",
        "👩‍🚀",
        "e\u0301",
        "wide ",
        "`",
        "。",
    ]
)
TEXTS = st.one_of(
    st.text(alphabet=st.characters(exclude_characters="py", exclude_categories=["Cs"])),
    st.lists(PIECES, max_size=120).map("".join),
)
LIMITS = st.integers(PART_UNITS_MIN, 300)


def substance(text: str) -> str:
    return "".join(filter(is_drawn, re.sub(r"\s|`{3,}|[py]", "", text)))


@given(TEXTS, LIMITS)
def test_no_text_is_lost(text: str, limit: int) -> None:
    assert substance("\n".join(split(text, limit))) == substance(text)


@given(TEXTS, LIMITS)
def test_every_part_is_within_the_limit_and_shows_something(text: str, limit: int) -> None:
    for part in split(text, limit):
        assert 0 < length(part) <= limit
        assert part.strip()


@given(TEXTS, LIMITS)
def test_fences_are_balanced_in_every_part(text: str, limit: int) -> None:
    for part in split(text, limit):
        assert len(re.findall("`{3,}", part)) % 2 == 0


@given(TEXTS, LIMITS)
def test_a_balanced_text_that_fits_is_kept_as_it_is(text: str, limit: int) -> None:
    bare = text.strip()
    if not is_blank(bare) and length(bare) <= limit and len(re.findall("`{3,}", bare)) % 2 == 0:
        assert split(text, limit) == (bare,)


@given(st.text(st.characters()), LIMITS)
def test_no_text_breaks_it(text: str, limit: int) -> None:
    assert isinstance(split(text, limit), tuple)
