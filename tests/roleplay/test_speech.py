"""Cleaning of a model's text: what is taken away, what is refused, what always holds."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.roleplay.invisible import is_blank
from actors.roleplay.speech import TEXT_CHARACTERS_MAX, Line, Refused, clean, normalise
from machines.reasons import TextReason
from tests.pace import pace_s

OTHERS = ("Fitch", "Robin van Dyck", "Zoë")


def cleaned(text: str, *, cut: bool = False, last: tuple[str, ...] = ()) -> Line | Refused:
    return clean(text, name="Maren", others=OTHERS, own_last_lines=last, cut_by_length=cut)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Aye.\r\nIt is. \n", "Aye.\nIt is."),
        ("<think>What to say?</think>\n\nAye.", "Aye."),
        ("<Thinking>Hm.\nHm.</Thinking>Aye.", "Aye."),
        ("so I should answer</think>Aye.", "Aye."),
        ("Aye.<think>and now", "Aye."),
        ("Maren: Aye.", "Aye."),
        ("**Maren**: Aye.", "Aye."),
        ("**maren:** *nods* Aye.", "*nods* Aye."),
        ("Maren: *nods* Aye.", "*nods* Aye."),
        ("Maren：Aye.", "Aye."),
        ("Maren: Maren: Aye.", "Aye."),
        ("Maren knows: storms come.", "Maren knows: storms come."),
        ("Aye.\nFitch: No!\nMaren: Aye!", "Aye."),
        ("Aye.\n\n**robin van dyck:** What?", "Aye."),
        ("Aye.\n* _ Fitch: What?", "Aye."),
        ("Aye.\n\u200bZoë : What?", "Aye."),
        ("Aye.\nRobin van", "Aye."),
        ("Aye.\nFitch", "Aye."),
        ("Will you?\nFi", "Will you?\nFi"),
        ("Aye.<|im_end|>\n<|im_start|>user", "Aye."),
        ("Aye.<|im_e", "Aye."),
        ("Ring @everyone and @here, @@everyone!", "Ring everyone and here, everyone!"),
        ("Ask <@123> or <@!4> or <@&5>.", "Ask or or."),
        ("<<@@1>2> Aye.", "2> Aye."),
        ("<@1>Maren: <@2>Aye.", "Aye."),
        ("@ev<@1>eryone", "everyone"),
        ("🌊", "🌊"),
        ("...", "..."),
        ("I'm sorry, but I can't leave the lamp tonight.", "I'm sorry, but I can't leave the lamp tonight."),
        ("I cannot help you, lad.", "I cannot help you, lad."),
    ],
)
def test_a_text_becomes_the_line(text: str, expected: str) -> None:
    assert cleaned(text) == Line(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The wind turns. I smell rai", "The wind turns."),
        ("The wind turns. I smell rain.", "The wind turns. I smell rain."),
        ("no sentence ends here", "no sentence ends here"),
        ('"It is 3.5 fathoms." She tur', '"It is 3.5 fathoms."'),
        ("*She turns. Then she lo", "She turns."),
        ("風が変わる。雨の匂", "風が変わる。"),
        ("The wind turns.\nFi", "The wind turns."),
    ],
)
def test_a_text_cut_by_length_ends_with_a_whole_sentence(text: str, expected: str) -> None:
    assert cleaned(text, cut=True) == Line(expected)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("\u200b\u2060\ufeff", "empty"),
        ("\u3164\u2800", "empty"),
        ("**  **\n---\n> `", "empty"),
        ("<think>only thoughts", "empty"),
        ("<think>only thoughts</think>", "empty"),
        ("Fitch: Not my line.", "empty"),
        ("Maren:", "empty"),
        ("<!DOCTYPE html><html><body>502</body></html>", "html"),
        ("  <HTML lang=en>", "html"),
        ("```html\n<html>\n```", "html"),
        ("Error <html>bad gateway</html>", "html"),
        ("I'm sorry, but I can't help with that.", "refusal"),
        ("I’m sorry, but I can’t continue with this roleplay.", "refusal"),
        ("Sorry, I can't assist with that request.", "refusal"),
        ("I cannot create explicit content.", "refusal"),
        ("I'm unable to fulfill this request.", "refusal"),
        ("As an AI language model, I have no lighthouse.", "refusal"),
        ("I'm just an AI assistant.", "refusal"),
    ],
)
def test_a_text_is_refused(text: str, reason: TextReason) -> None:
    assert cleaned(text) == Refused(reason)


LAST = (
    "Aye.",
    "The wind has gone round to the north and I do not like the look of the sea tonight.",
    "風が北に変わった。今夜の海は気に入らない。灯りを見ていよう。",
)


@pytest.mark.parametrize(
    "text",
    [
        "The wind has gone round to the north and I don't like the look of the sea tonight.",
        f" {LAST[1].upper()} ",
        "風が北に変わった。今夜の海は気に入らない。灯りを見ていよう。",
    ],
)
def test_a_near_copy_of_an_own_recent_line_is_refused_and_kept_as_a_spare(text: str) -> None:
    assert cleaned(text, last=LAST) == Refused("repeat", spare=text.strip())


@pytest.mark.parametrize("text", ["Aye.", " AYE. ", "I am Groot.", "はい、船長。"])
def test_b43_a_short_line_is_a_character_s_own_saying_and_may_come_again(text: str) -> None:
    assert cleaned(text, last=("Aye.", "I am Groot.", "はい、船長。")) == Line(text.strip())


@pytest.mark.parametrize("text", ["Aye, so it is.", "The wind has gone round to the south. Fetch a boat!"])
def test_a_line_that_only_resembles_an_own_recent_one_is_kept(text: str) -> None:
    assert cleaned(text, last=LAST) == Line(text)


def test_an_own_line_older_than_five_may_come_back() -> None:
    assert cleaned(LAST[1], last=(LAST[1], "1", "2", "3", "4", "5")) == Line(LAST[1])


def test_a_text_without_end_is_cut_to_whole_sentences() -> None:
    line = cleaned("The sea is up. " * TEXT_CHARACTERS_MAX)
    assert isinstance(line, Line)
    assert len(line.text) <= TEXT_CHARACTERS_MAX
    assert line.text.endswith("up.")


def test_every_name_that_is_its_own_is_no_other() -> None:
    line = clean("Maren: Aye.", name="Maren", others=["MAREN", " "], own_last_lines=[], cut_by_length=False)
    assert line == Line("Aye.")


HOSTILE = (
    "<@",
    "@",
    "<|",
    "Maren: ",
    "x\nFitch\n",
    "\nFitch",
    ".",
    " ",
    "<th<think></think>ink>",
    "<html ",
    "*",
)


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("cut", [True, False])
def test_a_hostile_text_takes_no_longer_than_its_length_asks_for(piece: str, cut: bool) -> None:
    began = time.process_time()
    cleaned("Aye. " + piece * TEXT_CHARACTERS_MAX + "x", cut=cut)
    cleaned("Aye. " + piece * (TEXT_CHARACTERS_MAX // len(piece) - 10) + "x", cut=cut)
    assert time.process_time() - began < 80 * pace_s(), "20 KB took seconds of CPU: some step is quadratic"


# What always holds

NAMES = ("Maren", *OTHERS, ":", "：", "**", "*", " ", "\n", "\r", "\u2028", "\u200b")
MARKS = ("<think>", "</think>", "<|", "im_", "@", "everyone", "here", "<@", "12", "<@&", ">", "```", "<html>")
PIECES = st.sampled_from([*NAMES, *MARKS, "Aye. ", "no", "🌊"])
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=25).map("".join))


@given(TEXTS, st.booleans())
def test_cleaning_a_line_changes_nothing(text: str, cut: bool) -> None:
    line = cleaned(text, cut=cut)
    if isinstance(line, Line):
        assert cleaned(line.text, cut=cut) == line


@given(TEXTS, st.booleans())
def test_a_line_is_never_blank_nor_longer_than_the_text(text: str, cut: bool) -> None:
    line = cleaned(text, cut=cut)
    if isinstance(line, Line):
        assert not is_blank(line.text)
        assert line.text == line.text.strip()
        assert len(line.text) <= len(text)
        assert line.text.encode()


@given(TEXTS, st.booleans())
def test_a_line_never_speaks_for_another(text: str, cut: bool) -> None:
    line = cleaned(text, cut=cut)
    if isinstance(line, Line):
        for said in line.text.splitlines():
            bare = said.strip(" *_\u200b").lower()
            assert not any(re.match(rf"{other.lower()}[ *_]*:", bare) for other in OTHERS)


@given(TEXTS, st.booleans())
def test_a_line_never_mentions_anyone(text: str, cut: bool) -> None:
    line = cleaned(text, cut=cut)
    if isinstance(line, Line):
        assert not re.search(r"@(?:everyone|here)|<@[!&]?\d+>", line.text)


@given(st.text(), st.text(), st.lists(st.text()), st.lists(st.text()), st.booleans())
def test_no_text_and_no_name_breaks_it(text: str, name: str, others: list[str], last: list[str], cut: bool) -> None:
    result = clean(text, name=name, others=others, own_last_lines=last, cut_by_length=cut)
    assert isinstance(result, Line | Refused)


@given(st.text())
def test_normalising_twice_is_normalising_once(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


def test_texts_that_discord_shows_alike_are_equal_when_normalised() -> None:
    assert normalise(" Zoe\u0308  says:\n\nhi\u200b ") == normalise("Zoë says: hi")
    assert normalise("hi") != normalise("ho")
