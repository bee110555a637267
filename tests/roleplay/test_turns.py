"""Who answers a message: each order's rule, and that everything that names the orders follows their one list."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.app.scenes import Scene
from actors.roleplay.addressing import Addressee, Heard
from actors.roleplay.turns import (
    SCRIPT_ORDER,
    Before,
    Member,
    TurnOrder,
    UnknownOrder,
    choices,
    default_order,
    draw,
    meaning,
    meanings,
    order_named,
    speaker_count,
    speakers_min,
)
from actors.start_command import BadCommand, parse_start

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
COLUMN_MAX = 16  # `session.turn_order`

ANSWERS = {
    TurnOrder.NATURAL: ("ca", "bc", "ab", "ca"),
    TurnOrder.EVERYONE: ("abc", "abc", "abc", "abc"),
    TurnOrder.LIST: ("a", "b", "c", "a"),
    TurnOrder.POOLED: ("c", "b", "a", "c"),
    TurnOrder.MANUAL: ("", "", "", ""),
}
"""Of a cast of a, b and c: who answers each of the first four messages, which address nobody; seeds `s/0` to `s/3`."""

CAST = tuple(Member(Addressee(name, (name,))) for name in "abc")


def answers(order: TurnOrder, cast: Sequence[Member] = CAST, *, turns: int = 4) -> list[str]:
    """Who answers each of the first messages."""
    before, found = Before(), []
    for turn in range(turns):
        drawn = draw(order, cast, [Heard(turn, "Hm.")], before, seed=f"s/{turn}")
        before = Before(drawn.speakers[-1] if drawn.speakers else before.last, drawn.speakers, drawn.round)
        found.append("".join(drawn.speakers))
    return found


def test_every_order_has_its_example_here() -> None:
    assert set(ANSWERS) == set(TurnOrder)


@pytest.mark.parametrize("order", TurnOrder)
def test_the_order_says_who_answers_each_message(order: TurnOrder) -> None:
    assert tuple(answers(order)) == ANSWERS[order]


@given(st.sampled_from(TurnOrder), st.integers(1, 12), st.integers(1, 30))
def test_as_many_answer_each_message_as_the_counts_say(order: TurnOrder, size: int, turns: int) -> None:
    cast = tuple(Member(Addressee(chr(97 + at), ())) for at in range(size))
    for answering in answers(order, cast, turns=turns):
        assert len(answering) >= speakers_min(order, size)
        assert speaker_count(order, size) in (None, len(answering))
        assert len(set(answering)) == len(answering)
        assert set(answering) <= {each.id for each in cast}


@pytest.mark.parametrize("order", TurnOrder)
def test_every_order_can_be_written_and_kept(order: TurnOrder) -> None:
    assert order.value == order.value.lower()
    assert order.value.isalpha()
    assert len(order.value) <= COLUMN_MAX
    assert parse_start(f"Ada --turns {order.value.upper()}").order is order
    scene = {"cast": ["Ada"], "turns": order.value, "lines": [{"user": "Kim", "text": "Hi"}]}
    assert Scene.model_validate(scene).turns is order


@pytest.mark.parametrize("order", TurnOrder)
def test_the_readme_and_the_help_explain_every_order(order: TurnOrder) -> None:
    readme = README.read_text(encoding="utf-8")
    assert "[--turns " + r"\|".join(TurnOrder) + "]" in readme
    assert f"`{order}`: {meaning(order)}" in readme
    assert f"`{order}`: {meaning(order)}" in meanings()


def test_two_or_more_play_naturally_unless_somebody_chooses() -> None:
    assert [default_order(size) for size in (1, 2, 10)] == ["everyone", "natural", "natural"]


def test_a_refusal_names_every_order_that_can_be_used() -> None:
    with pytest.raises(UnknownOrder, match="There is no turn order") as refused:
        order_named("backwards")
    assert all(f"`{order}`" in str(refused.value) for order in TurnOrder)


def test_turns_without_an_order_is_refused_with_the_orders() -> None:
    with pytest.raises(BadCommand) as refused:
        parse_start("Ada --turns")
    assert choices() in str(refused.value)


# ── one list ────────────────────────────────────────────────────────────────────────────────────────


def lines_that_name_an_order(source: str) -> Iterator[int]:
    """Where code decides by one of the orders: names a member, or compares or matches with its word."""
    words = set(TurnOrder)
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="TurnOrder"), attr=attr) if attr in TurnOrder.__members__:
                yield node.lineno
            case ast.Compare(left=left, comparators=others):
                if any(isinstance(each, ast.Constant) and each.value in words for each in (left, *others)):
                    yield node.lineno
            case ast.MatchValue(value=ast.Constant(value=word)) if word in words:
                yield node.lineno
            case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.Tuple(elts=listed)):
                if any(isinstance(each, ast.Constant) and each.value == SCRIPT_ORDER for each in listed):
                    yield node.lineno


def test_no_other_module_decides_by_a_turn_order() -> None:
    sources = [path for path in (ROOT / "actors").rglob("*.py") if path.name != "turns.py"]
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sources
        for line in lines_that_name_an_order(path.read_text("utf-8"))
    ]
    assert found == [], "ask actors/roleplay/turns.py instead: a new order would be forgotten here"


@pytest.mark.parametrize(
    "source",
    [
        "1 if order is TurnOrder.LIST else 2",
        "1 if scene.turns == 'everyone' else 2",
        "turns: Literal['everyone', 'list']",
        "match order:\n    case 'list': pass",
    ],
)
def test_a_decision_by_a_turn_order_is_found_where_it_is_written(source: str) -> None:
    assert list(lines_that_name_an_order(source))
