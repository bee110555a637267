"""Hostile texts: what a model writes, and what people and cards are called."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actors.roleplay.history import shows
from actors.roleplay.invisible import is_blank
from actors.roleplay.macros import substitute
from actors.roleplay.model import ChannelMessage, Outbound, OutboundKind
from actors.roleplay.names import NAME_CHARACTERS_MAX, NAMELESS, clean_name
from actors.roleplay.parts import PART_UNITS_MAX, PART_UNITS_MIN, length, split
from actors.roleplay.speech import Line, Refused, clean, normalise
from actors.roleplay.tokens import text_tokens
from tests.roleplay.hostile import CAST, HIDDEN, NAMES, NEWLINES, OVERRIDES, TEXTS, forged_lines, speaker_of

OTHERS = CAST[1:]


def cleaned(text: str, *, cut: bool = False) -> Line | Refused:
    return clean(text, name="Maren", others=OTHERS, own_last_lines=(), cut_by_length=cut)


def text_of(text: str, *, cut: bool = False) -> str:
    """The line that a text becomes; a harmless one where it is refused."""
    line = cleaned(text, cut=cut)
    return line.text if isinstance(line, Line) else "Aye."


def strip_most(text: str) -> str:
    """The worst that Discord is known to do: controls, overrides and all combining marks gone, blanks trimmed."""
    kept = (c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Mn", "Me", "Cs"))
    return unicodedata.normalize("NFC", "".join(kept)).strip()


# ── lines ───────────────────────────────────────────────────────────────────────────────────────────


@given(TEXTS, st.booleans())
def test_a_cleaned_line_is_clean(text: str, cut: bool) -> None:
    line = text_of(text, cut=cut)
    assert cleaned(line, cut=cut) == Line(line)


@given(TEXTS, st.booleans())
def test_a_line_shows_something_and_can_be_stored(text: str, cut: bool) -> None:
    line = text_of(text, cut=cut)
    assert not is_blank(line)
    assert line.encode().decode() == line
    assert not any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in line)


@given(TEXTS, st.sampled_from(NEWLINES), forged_lines(), TEXTS)
def test_no_line_of_a_model_speaks_for_another(before: str, newline: str, forged: str, after: str) -> None:
    line = text_of(f"{before}{newline}{forged}{after}")
    assert [speaker_of(said, OTHERS) for said in line.splitlines()] == [None] * len(line.splitlines())


@given(TEXTS)
@example("@\u202eeveryone")
@example("@every\u2066one")
@example("@\u0301here")
@example("<\u202e@123>")
@example("<@\u202e&5>")
def test_no_line_mentions_anyone_even_when_discord_has_stripped_it(text: str) -> None:
    line = text_of(text)
    stripped = strip_most(line)
    for shown in (line, stripped):
        assert not re.search(r"@(?:everyone|here)|<@[!&]?\d+>", shown, re.IGNORECASE)


@pytest.mark.parametrize(
    "forged",
    [
        "F\u200bi\u200bt\u200bc\u200bh: No!",
        "> **Fitch**: No!",
        "***Fitch***： No!",
        "Fitch\u2236 No!",
        "\u3000Fitch\u2003: No!",
        "\u202eFitch: No!",
        "Ｆｉｔｃｈ: No!",
        "*: Fitch: No!",
        "\u3164" * 200 + "Fitch: No!",
        "Maren (user): No!",
    ],
)
@pytest.mark.parametrize("newline", NEWLINES[:3])
def test_a_disguised_name_ends_the_line(forged: str, newline: str) -> None:
    assert cleaned(f"Aye.{newline}{forged}") == Line("Aye.")


@pytest.mark.parametrize("text", ["\u3164", "\u2800\u200b", "a\u0301"[1:] * 50, "\u202e\u2066", "**\u200b**", "\ufffe"])
def test_a_text_that_draws_nothing_is_a_failed_generation(text: str) -> None:
    assert cleaned(text) == Refused("empty")


def test_an_emoji_newer_than_this_python_is_a_line() -> None:
    assert cleaned("\U0001fadf") == Line("\U0001fadf")


# ── what Discord makes of a line ────────────────────────────────────────────────────────────────────


def sent(text: str, name: str = "Maren") -> Outbound:
    return Outbound(OutboundKind.WEBHOOK, 1, name, text, "n.1", watermark=5, webhook_id=7)


def seen(text: str, name: str = "Maren") -> ChannelMessage:
    return ChannelMessage(6, 1, 7, name, text, 0.0, is_ours=True, is_bot=True, webhook_id=7)


@given(TEXTS)
def test_every_part_is_found_again_whatever_discord_strips(text: str) -> None:
    for part in split(text_of(text), PART_UNITS_MIN):
        assert shows(seen(strip_most(part)), sent(part))
        assert shows(seen(part), sent(part))


@given(TEXTS)
def test_any_text_of_an_answer_is_found_again_too(text: str) -> None:
    assert shows(seen(strip_most(text)), sent(text))


@given(NAMES)
def test_a_name_is_found_again_whatever_discord_strips(name: str) -> None:
    named = clean_name(name)
    assert shows(seen("Aye.", strip_most(named)), sent("Aye.", named))


@given(st.text(st.characters(categories=["Ll", "Lu", "Nd"]), min_size=1), st.text(st.sampled_from("abc."), min_size=1))
def test_another_text_is_not_taken_for_the_line(text: str, more: str) -> None:
    assert not shows(seen(text + more), sent(text))


@given(TEXTS)
def test_normalising_twice_is_normalising_once(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


# ── parts ───────────────────────────────────────────────────────────────────────────────────────────

LIMITS = st.sampled_from((PART_UNITS_MIN, 65, 100, 300))
LONG = TEXTS | st.tuples(TEXTS, st.sampled_from(HIDDEN), TEXTS).map(lambda t: t[0] + t[1] * 300 + t[2])


@given(LONG, LIMITS)
def test_no_part_is_invisible_or_too_long(text: str, limit: int) -> None:
    for part in split(text, limit):
        assert not is_blank(part)
        assert len(part) <= length(part) <= limit


@given(LONG, LIMITS)
def test_the_parts_hold_all_that_the_text_draws(text: str, limit: int) -> None:
    """But for marks: those that reach beyond a part are closed and opened again (`test_marks`)."""
    plain = re.sub(r"[`*_~|>#-]|py(?=\n)", "", text)
    assert "".join(normalise("\n".join(split(plain, limit))).split()) == "".join(normalise(plain).split())


def test_a_tail_that_draws_nothing_makes_no_message_of_its_own() -> None:
    assert split("x" * PART_UNITS_MAX + "\u200b" * 10) == ("x" * 1996, "xxxx" + "\u200b" * 10)
    assert split("Aye. " + "\u2060" * 5000) == ("Aye.",)


# ── names, macros, tokens ───────────────────────────────────────────────────────────────────────────


@given(NAMES)
def test_a_name_is_one_short_line_that_can_be_seen(name: str) -> None:
    clean = clean_name(name)
    assert clean_name(clean) == clean
    assert 0 < len(clean) <= NAME_CHARACTERS_MAX
    assert not is_blank(clean)
    assert len(clean.splitlines()) == 1
    assert not set(clean) & {*HIDDEN[:9], *OVERRIDES, ":", "："}


@pytest.mark.parametrize("name", ["\u3164", "\u2800 \u2800", "\u202e", "\u034f", "\ufe0f", "\ud800", "\0"])
def test_a_name_that_draws_nothing_is_replaced(name: str) -> None:
    assert clean_name(name) == NAMELESS


@given(
    st.lists(
        st.sampled_from(("{{", "}}", "char", "user", "random:", "pick:", "roll:", "9d9", ",", "::", "a")), max_size=60
    )
)
def test_macros_of_any_shape_end_and_grow_within_bounds(pieces: list[str]) -> None:
    text = "".join(pieces)
    filled = substitute(text, char="C" * 32, user="{{user}}", original="O" * 100)
    assert len(filled) <= len(text) * 32 + 100


@given(TEXTS, TEXTS)
def test_a_longer_text_never_costs_less(text: str, more: str) -> None:
    text, more = (part.encode(errors="ignore").decode() for part in (text, more))
    assert 0 < text_tokens(text) <= text_tokens(text + more)
