"""Macros of cards: what each stands for, and that they neither loop nor draw by chance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.roleplay.macros import substitute


def replaced(text: str, **given_values: int | str) -> str:
    values = {"char": "Maren", "user": "Robin", **given_values}
    return substitute(text, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{char}} greets {{USER}}.", "Maren greets Robin."),
        ("<BOT>, <char> and <user>", "Maren, Maren and Robin"),
        ("a{{// a note to the author}}b{{comment: shown}}c{{hidden_key:k}}", "abc"),
        ("{{reverse:abc}}", "cba"),
        ("{{reverse:{{user}}}}", "niboR"),
        ("{{roll:1}} {{roll:d1}} {{roll:3d1}}", "1 1 3"),
        ("{{random:same}}", "same"),
        (r"{{random:one\, and two}}", "one, and two"),
        ("{{original}} | {{original}}", "ours | "),
        ("{{unknown:x}} {{char", " {{char"),
        ("}} {{}} {{roll:0}}{{roll:many}}{{ {a: 1} }}", "}} {{}} {{ {a: 1} }}"),
    ],
)
def test_a_macro_stands_for(text: str, expected: str) -> None:
    assert replaced(text, original="ours") == expected


def test_what_a_macro_put_in_is_no_macro() -> None:
    assert replaced("Hello {{user}}", user="{{char}}") == "Hello {{char}}"


def test_the_seed_decides_random_and_roll() -> None:
    text = "{{random:a,b,c}} {{roll:d20}}"
    assert replaced(text, seed=7) == replaced(text, seed=7)
    assert len({replaced(text, seed=seed) for seed in range(40)}) > 20


def test_a_pick_stays_while_random_changes() -> None:
    picks = {replaced("{{pick:a,b,c,d}}", seed=seed, pick_seed=3) for seed in range(20)}
    assert len(picks) == 1


def test_every_choice_comes_up() -> None:
    assert {replaced("{{random::a, b::c}}", seed=seed) for seed in range(40)} == {"a, b", "c"}


def test_equal_rolls_in_one_text_are_drawn_apart() -> None:
    rolls = replaced("{{roll:1000}} " * 5).split()
    assert len(set(rolls)) > 1


@given(st.text(), st.integers())
def test_a_text_without_macros_is_kept(text: str, seed: int) -> None:
    plain = text.replace("{", "(").replace("<", "(")
    assert replaced(plain, seed=seed) == plain


@given(st.lists(st.sampled_from(["{{", "}}", "char", "random:", "a,b", ":", "original", "//", "roll:", "6"])))
def test_any_heap_of_braces_ends(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert len(replaced(text)) <= len(text) * 5
