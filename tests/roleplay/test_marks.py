"""Marks that reach beyond a part: closed in it and opened again in the next, so that all is drawn as it was meant."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.roleplay.invisible import is_drawn
from actors.roleplay.parts import PART_UNITS_MAX, PART_UNITS_MIN, length, split
from tests.roleplay.drawn import Drawn, drawn

MARKS = ("||", "**", "*", "__", "_", "~~", "***", "`")
WORDS = "The sea is up and the lamp is lit. "  # 35 characters


def redrawn(parts: tuple[str, ...]) -> Drawn:
    return [each for part in parts for each in drawn(part)]


def test_the_judge_draws_as_discord_does() -> None:
    """Cases that others have seen in its clients."""
    assert drawn("**a** b") == [("a", frozenset({"bold"})), ("b", frozenset())]
    assert drawn("***a***") == [("a", frozenset({"bold", "italic"}))]
    assert drawn("a * b * c") == [(each, frozenset()) for each in "a*b*c"]
    assert drawn("a_b_c") == [(each, frozenset()) for each in "a_b_c"]
    assert drawn(r"\*a\*") == [(each, frozenset()) for each in "*a*"]
    assert drawn("5 > 3") == [(each, frozenset()) for each in "5>3"]
    assert drawn("> a\nb") == [("a", frozenset({"quote"})), ("b", frozenset())]
    assert drawn("||`a*`||") == [(each, frozenset({"hidden", "code"})) for each in "a*"]


@pytest.mark.parametrize("mark", MARKS)
def test_b48_a_mark_around_2600_characters_is_closed_and_opened_again(mark: str) -> None:
    inside = (WORDS * 80)[:2600].strip()
    first, second = split(f"{mark}{inside}{mark}")
    for part in (first, second):
        assert part.startswith(mark)
        assert part.endswith(mark)
        assert length(part) <= PART_UNITS_MAX
    assert redrawn((first, second)) == drawn(f"{mark}{inside}{mark}")
    assert first.endswith(f"lit.{mark}"), "at a sentence, as without marks"


@pytest.mark.parametrize(
    ("opens", "closes"),
    [
        ("||**", "**||"),
        ("***__~~||", "||~~__***"),
        (">>> ", ""),
        (">>> ||**", "**||"),
        ("> ", ""),
        ("> *", "*"),
        ("# ", ""),
        ("-# **", "**"),
        ("**> ", "**"),
        ("||```py\n", "\n```||"),
        (">>> ```\n", "\n```"),
        ("- ||", "||"),
    ],
)
def test_b48_nested_marks_and_blocks_go_on_in_the_next_part(opens: str, closes: str) -> None:
    text = f"{WORDS}\n{opens}{(WORDS * 150).strip()}{closes}\n{WORDS}"
    parts = split(text)
    assert len(parts) >= 3
    if opens != "- ||":
        assert all(part.startswith(opens) for part in parts[1:-1])
    assert redrawn(parts) == drawn(text)


@pytest.mark.parametrize("mark", ["||", "**", "*", "__", "_", "~~", "`", "[x](", "<:owl:"])
def test_b48_a_mark_that_is_never_closed_is_left_alone(mark: str) -> None:
    text = f"{mark}{(WORDS * 80).strip()}"
    parts = split(text)
    assert "\n".join(parts).count(mark) == 1
    assert re.sub(r"\s", "", "".join(parts)) == re.sub(r"\s", "", text)


@pytest.mark.parametrize(
    "whole",
    [
        "<:owl:123456789012345678>",
        "<a:owl:123456789012345678>",
        "<@123456789012345678>",
        "<@&123456789012345678>",
        "<#123456789012345678>",
        "<t:1618953630:R>",
        "</scene start:123456789012345678>",
        "[the _old_ lamp](https://example.com/lamp_(old)_*one*)",
        "<https://example.com/a b>".replace(" ", "_"),
        "https://example.com/a_long_way_home?and=back",
        "\\*",
        "¯\\_(ツ)_/¯",
        "`a ~~ b`",
        "👩‍🚀",
    ],
)
@pytest.mark.parametrize("mark", ["", "||", "**"])
def test_b48_what_is_one_thing_is_never_cut(whole: str, mark: str) -> None:
    for shift in range(0, 40, 3):
        count = 400 // len(whole)
        text = mark + "x" * shift + f" {whole}" * count + mark
        parts = split(text, 140)
        assert len(parts) > 1
        assert sum(part.count(whole) for part in parts) == count
        assert redrawn(parts) == drawn(text)


def test_b48_a_cut_makes_no_heading_quote_or_item_of_what_was_none() -> None:
    for sign in ("#", "##", "-#", ">", ">>>", "-", "*", "1."):
        text = f"word {sign} " * 400
        for part in split(text):
            assert not re.match(r"(?:#{1,3}|-#|>|>>>|[-*]|1\.) ", part), sign


def test_b48_a_backslash_at_a_cut_does_not_escape_the_mark_that_closes() -> None:
    for shift in range(20):
        text = "**" + "x" * shift + " over\\ " * 60 + "**"
        assert redrawn(split(text, 140)) == drawn(text)


def test_b48_a_fence_within_a_quoted_line_goes_on_in_it() -> None:
    code = "\n".join(f"> x = {number}" for number in range(400))
    parts = split(f"> ```py\n{code}\n> ```\nDone.")
    assert all(part.startswith("> ```py\n> x = ") for part in parts)
    assert all(part.endswith("\n> ```") for part in parts[:-1])
    assert parts[-1].endswith("\n> ```\nDone.")
    assert re.findall(r"x = \d+", "\n".join(parts)) == [f"x = {number}" for number in range(400)]


# ── what always holds ───────────────────────────────────────────────────────────────────────────────

WORD = st.sampled_from(["sea", "lamp.", "Aye!", "嵐。", "🌊", "e\u0301", "\\*", "<:owl:123456789012345678>", "x" * 30])
PAIRS = ("||", "**", "*", "__", "_", "~~", "`")
LIMITS = st.integers(140, 400)


@st.composite
def inline(draw: st.DrawFn, depth: int = 3, without: frozenset[str] = frozenset()) -> str:
    """Words and well-formed marks, none within one of its kind."""
    pieces: list[str] = []
    for _ in range(draw(st.integers(1, 8))):
        mark = draw(st.sampled_from(["", "", *PAIRS])) if depth else ""
        if not mark or mark in without:
            pieces.append(draw(WORD))
        elif mark == "`":  # what is open outside would end in it
            inside = [
                word for word, sign in (("c", ""), ("a||b", "||"), ("*", "*"), ("__", "__")) if sign not in without
            ]
            pieces.append(f"`{' '.join(draw(st.lists(st.sampled_from(inside), min_size=1, max_size=9)))}`")
        else:
            pieces.append(mark + draw(inline(depth - 1, without | {mark})) + mark)
    return " ".join(pieces)


def fenced(lines: list[str]) -> str:
    return "```py\n" + "\n".join(lines) + "\n```"


BLOCK = st.one_of(
    inline(),
    inline().map("# {}".format),
    inline().map("-# {}".format),
    inline().map("> {}".format),
    inline().map("- {}".format),
    st.lists(st.sampled_from(["x = 1", "  y || z", "**"]), min_size=1, max_size=30).map(fenced),
)
DOCUMENTS = st.builds(
    lambda blocks, last: "\n\n".join([*blocks, *([f">>> {last}"] if last else [])]),
    st.lists(BLOCK, min_size=1, max_size=8),
    st.none() | inline(),
)


@given(DOCUMENTS, LIMITS)
def test_b48_every_part_draws_its_text_as_it_was_meant(text: str, limit: int) -> None:
    assert redrawn(split(text, limit)) == drawn(text)


SIGNED = (
    *PAIRS,
    "***",
    "____",
    "||||",
    "```",
    "```py\n",
    "\n",
    "\n> ",
    "\n>>> ",
    "\n# ",
    "\n- ",
    " ",
    "\\",
    "[a](",
    "<:o:",
)
PLAIN = ("sea ", "x" * 40, "🌊", "e\u0301", "\u200b", "¯\\_(ツ)_/¯", "https://a.example/_b_ ")
HOSTILE = st.lists(st.sampled_from((*SIGNED, *PLAIN)), max_size=150).map("".join)
SIGNS = re.compile(r"[\s*_~|`>#\-]|py")


def substance(text: str) -> str:
    return "".join(filter(is_drawn, SIGNS.sub("", text)))


@given(HOSTILE | st.text(st.characters(exclude_categories=["Cs"])), st.integers(PART_UNITS_MIN, 300))
def test_b48_no_part_is_too_long_or_empty_and_no_text_is_lost(text: str, limit: int) -> None:
    parts = split(text, limit)
    for part in parts:
        assert 0 < length(part) <= limit
        assert part.strip()
        assert len(re.findall("`{3,}", part)) % 2 == 0
    assert substance("\n".join(parts)) == substance(text)


HOSTILE_LENGTH = 100_000
SIGNS_ALONE = ("*", "* ", "|", "`", "` ``", "```", "```\n", "[", "[a](", "\\", "(", "> \n", "- ", " ", "\n", "🇳")
WITH_LETTERS = ("*a", "**a ", "_a*b", "||a", "~~a_", "`a ", "***__~~||a ", "<:a", "<https://a", "https://_ ", "¯\\_(")


@pytest.mark.parametrize("unit", [*SIGNS_ALONE, *WITH_LETTERS])
def test_b48_no_text_costs_more_than_its_length(unit: str) -> None:
    """Ten times the text takes some ten times as long, and never a hundred times."""

    def cost_s(characters: int) -> float:
        text = (unit * (characters // len(unit) + 1))[:characters]
        costs: list[float] = []
        for _ in range(3):
            began = time.process_time()
            split(text)
            costs.append(time.process_time() - began)
        return min(costs)

    assert cost_s(HOSTILE_LENGTH) < 40 * cost_s(HOSTILE_LENGTH // 10)


def test_b48_a_long_run_of_blanks_before_what_would_become_an_item_is_read_once() -> None:
    began = time.process_time()
    assert split("a" + " " * HOSTILE_LENGTH + "- b") == ("a", "- b")
    assert time.process_time() - began < 1.0
