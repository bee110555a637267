"""Macros of cards: what each stands for, and that they neither loop nor draw by chance."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.roleplay.macro_values import MacroValues
from actors.roleplay.macros import DRAWS_MAX, INSERTED_MAX, substitute, unknown_macros
from actors.roleplay.moments import duration, moment
from tests.pace import pace_s

PACES_MAX = 40
"""A second where it was chosen."""

AT = 1_764_547_200.0  # Monday, 1 December 2025, 00:00 UTC
SCENE = MacroValues(
    scenario="a storm",
    description="Keeps the light.",
    personality="dry",
    examples="<START>",
    first_message="Feet.",
    others=("Fitch", "Oriel"),
    at=AT,
    idle="2 hours",
    last_message="the last",
    last_user_message="a person's",
    last_character_message="a character's",
)
MACROS = (
    *("char", "user", "persona", "scenario", "description", "personality", "mesExamples", "charFirstMessage"),
    *("original", "random", "pick", "roll", "comment", "hidden_key", "reverse", "newline", "trim", "noop"),
    *("time", "date", "weekday", "isotime", "isodate", "time_UTC+2", "time_UTC-11", "idle_duration"),
    *("lastMessage", "lastUserMessage", "lastCharMessage", "group", "groupNotMuted", "charIfNotGroup", "notChar"),
    *("getvar", "setvar", "addvar", "incvar", "decvar"),
)


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{time}} {{isotime}} {{date}} {{isodate}} {{weekday}}", "12:00 AM 00:00 December 1, 2025 2025-12-01 Monday"),
        ("{{time_UTC+2}} {{time_UTC-11}} {{time_utc+14}}", "2:00 AM 1:00 PM 2:00 PM"),
        ("{{time_UTC+15}}{{time_UTC}}{{time_UTCx}}", ""),
        (
            "{{idle_duration}}; {{LASTMESSAGE}}; {{lastUserMessage}}; {{lastCharMessage}}",
            "2 hours; the last; a person's; a character's",
        ),
        (
            "{{scenario}}, {{description}} {{personality}} {{mesExamples}} {{charFirstMessage}}",
            "a storm, Keeps the light. dry <START> Feet.",
        ),
        (
            "{{group}} | {{groupNotMuted}} | {{charIfNotGroup}} | {{notChar}}",
            "Maren, Fitch, Oriel | Maren, Fitch, Oriel | Maren, Fitch, Oriel | Fitch, Oriel, Robin",
        ),
        ("a{{newline}}b{{noop}}{{persona}}", "a\nb"),
        ("a.{{newline}}{{trim}}\n\nShe", "a.She"),
        ("{{trim}}\n{{trim}}x", "x"),
        ("{{setvar::x::5}}{{getvar::x}} {{incvar::x}} {{decvar:x}} {{addvar::x::-7}}{{getvar x}}", "5 6 5 -2"),
        ("{{addvar::word::sea}}{{addvar::word::weed}}{{getvar::word}}{{getvar::none}}", "seaweed"),
        ("{{roll 1d1}} {{roll:1d1+2}} {{roll::2d1-5}} {{roll: 3d1 + 1}}", "1 3 -3 4"),
        ("{{reverse::abc}} {{ char }} {{Char}}", "cba Maren Maren"),
        ("{{foo}}{{bar::{{char}}}}{{#if x}}yes{{/if}}", "yes"),
    ],
)
def test_b40_a_macro_of_the_scene_stands_for(text: str, expected: str) -> None:
    assert replaced_in_scene(text) == expected


def replaced_in_scene(text: str, seed: int = 0) -> str:
    return substitute(text, char="Maren", user="Robin", values=lambda: SCENE, seed=seed)


def test_b40_alone_a_character_is_no_group() -> None:
    assert replaced("{{group}} {{charIfNotGroup}} {{notChar}}") == "Maren Maren Robin"


def test_b40_where_the_time_is_not_known_nothing_stands_for_it() -> None:
    assert replaced("[{{time}}{{date}}{{weekday}}{{isotime}}{{isodate}}{{time_UTC+1}}{{idle_duration}}]") == "[]"


def test_b40_no_known_macro_stays_raw_and_none_of_them_is_called_unknown() -> None:
    text = " ".join("{{" + macro + "}}" for macro in (*MACROS, "// note"))
    assert "{{" not in replaced_in_scene(text)
    assert unknown_macros(text) == ()
    assert unknown_macros("{{Foo}} {{foo:1}} {{Foo}} {{}} {{ 1 }}") == ("Foo", "foo")


def test_b40_variables_last_from_one_text_to_the_next() -> None:
    variables: dict[str, str] = {}
    for text, expected in (("{{setvar::mood::grim}}", ""), ("{{getvar::mood}}", "grim")):
        assert substitute(text, char="M", user="R", variables=variables) == expected


def test_b40_no_text_draws_more_than_its_share() -> None:
    text = "{{roll:99d999999}} " * 1_000 + "{{roll:2d6}}{{roll:1d6}}{{random:a,b}}"
    assert substitute(text, char="M", user="R").split()[2:] == ["6a"]
    dice = [int(each) for each in substitute("{{roll:1d1000}} " * (DRAWS_MAX + 20), char="M", user="R").split()]
    assert len(dice) == DRAWS_MAX
    assert len(set(dice)) > DRAWS_MAX // 2


def test_b40_macros_put_in_no_more_than_there_is_room_for() -> None:
    large = MacroValues(description="x" * 100_000)
    filled = substitute("{{description}}{{// }}" * 1_000, char="M", user="R", values=lambda: large)
    assert len(filled) <= INSERTED_MAX
    grown = "{{setvar::x::" + "y" * 1_000 + "}}" + "{{addvar::x::{{getvar::x}}}}" * 1_000 + "{{getvar::x}}"
    assert len(substitute(grown, char="M", user="R")) <= INSERTED_MAX


PIECES = st.sampled_from(
    [*("{{" + macro for macro in MACROS), "}}", "::", ":", "x", "1", "2d6", "\n", "//", "a,b", "<user>", "{{foo", "\0"]
)


@given(st.lists(PIECES, max_size=40).map("".join), st.integers())
def test_b40_any_text_of_macros_is_filled_alike_each_time_and_in_bounds(text: str, seed: int) -> None:
    filled = replaced_in_scene(text, seed)
    assert filled == replaced_in_scene(text, seed)
    assert len(filled) <= len(text) + INSERTED_MAX
    assert "\0" not in filled


@given(st.floats(0, 4e9), st.integers(-14, 14))
def test_b40_a_time_is_the_same_in_every_form(at: float, hours: int) -> None:
    twelve, half = moment("time_utc", at, hours=f"{hours:+d}").split()
    hour, minute = moment("isotime", at + hours * 3600).split(":")
    assert twelve == f"{(int(hour) + 11) % 12 + 1}:{minute}"
    assert (half == "PM") == (int(hour) >= 12)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "just now"), (59, "just now"), (60, "1 minute"), (7_199, "1 hour"), (7_200, "2 hours"), (200_000, "2 days")],
)
def test_a_duration_is_in_its_largest_unit(seconds: int, words: str) -> None:
    assert duration(seconds) == words


HEAPS = {
    "line breaks beside a trim": "{{trim}}x" + "\n" * 50_000 + "x",
    "blanks": "{{" + " " * 100_000,
    "opened braces": "{{" * 50_000,
    "a long name": "{{" + "a" * 100_000,
    "many names": "{{a " * 25_000,
    "choices": "{{random:" + "," * 90_000 + "}}",
    "dice": "{{roll:99d999999}}" * 6_000,
    "nested": "{{reverse:" * 8 + "a" * 90_000 + "}}" * 8,
    "variables that grow": "{{addvar::x::ab}}" * 6_000 + "{{getvar::x}}" * 50,
}


@pytest.mark.parametrize("heap", HEAPS)
def test_b40_a_heap_of_macros_is_filled_in_bounded_time(heap: str) -> None:
    began = time.process_time()
    substitute(HEAPS[heap], char="Maren", user="Robin")
    unknown_macros(HEAPS[heap])
    assert time.process_time() - began < PACES_MAX * pace_s()
