"""What of a channel is play, and what is a command, nearly one, or an aside: one function for all who ask."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.commands import Commands
from actors.roleplay.audit import Kind, amendments, differences
from actors.roleplay.command_words import COMMANDS, Command, command_of
from actors.roleplay.history import as_played, belongs, is_aside, is_played
from actors.roleplay.model import Amendment, ChannelMessage, KnownMessage, Line
from tests.fakes.play import playing
from tests.fakes.virtual_time import virtually_on_asyncio
from tests.roleplay.hostile import TEXTS

ROOM = 42


def said(text: str, message_id: int = 1) -> ChannelMessage:
    return ChannelMessage(message_id, ROOM, 7, "Robin", text, 0.0)


PLAYED = (
    "!!! Look out!",
    "!",
    "!!",
    "!?",
    "!Look out",
    "!stop",
    "!Hell, no",
    "!Send help",
    "! Look out",
    "1 !end",
    r"\o/",
    r"\o/ hello",
    r"\O/",
    r"\0/",
    r"\m/",
    r"\(^_^)/ we made it",
    "((brb)) *walks in*",
    "*walks in* ((brb))",
    "((brb)) *walks in* ((ok))",
    "((brb)) ((and back))",
    "((late :( )) *walks in* ((ok))",
    "((brb)) *walks in (slowly (and sadly))",
    "((a) b)",
    "(a)",
    "((",
    "((unclosed",
    "((unclosed)",
    "(brb))",
    "))((",
)
ASIDES = (
    "((brb))",
    "  ((brb))\n",
    "((brb\nback at nine))",
    "(())",
    "(((brb)))",
    "((brb :))",
    "((brb :)))",
    "((ok)))))",
    "((what (that (was))))",
    "((a (b) c ((d)) e))",
    "((1) first, 2) second))",
    "\\",
    "\\\\",
    r"\not part of it",
    r"\*escaped*",
    r"\/shrug",
    " \\o",
    r"\w/e",
)


@pytest.mark.parametrize("text", PLAYED)
def test_b49_what_only_looks_like_a_command_or_an_aside_is_played(text: str) -> None:
    assert belongs(said(text), "!")
    assert as_played(said(text), "!") == text


@pytest.mark.parametrize("text", ASIDES)
def test_b49_what_is_wholly_in_one_pair_of_brackets_or_begins_with_a_backslash_is_not_played(text: str) -> None:
    assert is_aside(text)
    assert as_played(said(text), "!") == ""


@pytest.mark.parametrize(
    ("text", "prefix", "command"),
    [
        ("!start Ada -- A storm", "!", Command("start", "Ada -- A storm")),
        ("!START\nAda", "!", Command("start", "Ada")),
        (" !end ", "!", Command("end")),
        ("$$end", "$$", Command("end")),
        ("$end", "$$", None),
        ("ens start Ada", "ens", Command("start", "Ada")),
        ("Ens Start Ada", "ens", Command("start", "Ada")),
        ("ensstart Ada", "ens", Command("start", "Ada")),
        ("ensemble end", "ens", None),
        ("!end", "", None),
        ("end", "", None),
        ("!strat Ada", "!", Command("start", "Ada", is_slip=True)),
        ("!stsrt Ada", "!", Command("start", "Ada", is_slip=True)),
        ("!hlep", "!", Command("help", is_slip=True)),
        ("!helpp", "!", Command("help", is_slip=True)),
        ("!retyr", "!", Command("retry", is_slip=True)),
        ("!edn", "!", Command("end", is_slip=True)),
        ("!end.", "!", Command("end", is_slip=True)),
        ("!staus", "!", Command("status", is_slip=True)),
        ("! start", "!", Command("start")),
        ("! strat", "!", Command("start", is_slip=True)),
        ("/start Ada", "!", Command("start", "Ada", is_slip=True)),
        ("/Strat Ada", "!", Command("start", "Ada", is_slip=True)),
        ("/scene start", "!", Command("", "start", is_slip=True)),
        ("/home/user", "!", None),
        ("/ or \\", "!", None),
        ("/s", "!", None),
        ("He/she", "!", None),
        ("/start Ada", "/", Command("start", "Ada")),
        ("/dance", "/", None),
        ("/start Ada", "", None),
    ],
)
def test_b49_a_command_is_a_known_word_behind_the_prefix(text: str, prefix: str, command: Command | None) -> None:
    assert command_of(text, prefix) == command
    assert belongs(said(text), prefix) is (command is None)


@virtually_on_asyncio
@pytest.mark.parametrize("word", COMMANDS)
async def test_b49_every_known_word_has_its_handler_and_none_is_a_slip_of_another(word: str) -> None:
    async with playing() as play:
        assert set(Commands(play.services)._handlers) == set(COMMANDS)
    assert command_of(f"!{word}", "!") == Command(word)


def test_b49_bots_and_webhooks_are_no_part_of_the_play_whatever_they_say() -> None:
    for text in (*PLAYED, *ASIDES, "!end"):
        message = said(text)
        assert not belongs(ChannelMessage(1, ROOM, 7, "Counter", text, 0.0, is_bot=True), "!")
        assert not belongs(ChannelMessage(1, ROOM, 7, "Proxy", text, 0.0, webhook_id=5), "!")
        assert not belongs(ChannelMessage(1, ROOM, 7, "Ada", text, 0.0, is_ours=True), "!")
        assert is_played(text, "!") is belongs(message, "!")


@given(TEXTS)
def test_b49_a_catch_up_and_the_audit_agree_with_the_gateway(text: str) -> None:
    """What the gateway would accept is extra to the audit where it is missing, and an edit to it is an amendment."""
    message = said(text)
    extra = differences([message], (), prefix="!")
    assert [each.kind for each in extra] == ([Kind.EXTRA] if belongs(message, "!") else [])
    if text.strip():
        learnt = amendments([KnownMessage(1, "As it was", 0.0)], [message], prefix="!")
        assert learnt == (Amendment(1, text if belongs(message, "!") else ""),)


def test_b49_a_line_edited_into_an_aside_is_no_difference_once_it_has_left_the_history() -> None:
    assert differences([said("((brb))")], (), prefix="!") == ()
    (altered,) = differences([said("((brb))")], [Line("Robin", ((1, "Hello"),))], prefix="!")
    assert altered.kind is Kind.ALTERED


@given(TEXTS, st.sampled_from(("!", "", "ens", "$$", "\\", "((")))
def test_b49_no_text_and_no_prefix_breaks_it(text: str, prefix: str) -> None:
    command = command_of(text, prefix)
    assert command is None or (command.word in COMMANDS and command.rest in text)
    assert is_played(text, prefix) is (bool(text.strip()) and command is None and not is_aside(text))


@pytest.mark.parametrize(
    "text", ["((" * 50_000 + "))", "((" + ":)" * 50_000 + "))", "\\" + "(" * 100_000, "!" * 100_000]
)
def test_b49_hostile_texts_cost_no_more_than_their_length(text: str) -> None:
    began = time.process_time()
    is_played(text, "!")
    assert time.process_time() - began < 1.0
