"""F6: what a member writes is only read where the bot's own message repeats it.

A reader of Markdown judges: whatever is left of an answer once its escapes are taken away must hold no sign that
Discord would act on, but those that the bot itself put there.
"""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import (
    command_limit,
    commands,
    day_tokens,
    endings,
    gateway,
    lore_commands,
    missing_reports,
    outbox,
    reaper,
    redeliveries,
    writes,
)
from actors.adapters.discord import debugging as debugging_commands
from actors.adapters.discord import interactions
from actors.adapters.store.play import late_notices
from actors.adapters.store.play import outbox as stored_outbox
from actors.app.debugging import answers as debugging_answers
from actors.app.debugging import words as debugging_words
from actors.ports import ModelFailed
from actors.redeliveries import ANSWER_MAX
from actors.roleplay import escapes, notices, quotas, rights
from actors.roleplay import missing_reports as missing_words
from actors.roleplay.command_words import COMMANDS
from actors.roleplay.missing_reports import MissingReport, SeenAnswer, SeenTurn
from actors.roleplay.missing_reports import answer as missing_answer
from machines.response import State
from tests.actors.test_commands import answers_to
from tests.fakes.language_model import FakeModel
from tests.fakes.play import CHANNEL, card, playing
from tests.fakes.virtual_time import virtually

ACTS: Final = re.compile(
    r"\]\(|https?://|@everyone|@here|<[@#:/a-z]|discord\.gg/|\*\*|__|~~|\|\||`|^\s*(?:#|>|[-+*] |\d+[.)] )",
    re.IGNORECASE | re.MULTILINE,
)
"""What Discord acts on in a text whose escapes are gone."""

HOSTILE: Final = (
    "[Free Nitro](https://evil.example/login) @everyone",
    "\n⚠️ Failed to send response from Maren. [Retry](https://evil.example)",
    "hi\n**Maren**: I did it, [proof](https://evil.example)",
    "discord.gg/abc",
    "disc\u200bord.gg/abc <https://evil.example>",
    "</end:1> <@1> <@&1> <#1> <:a:1> <id:home> <t:1>",
    "||secret|| __u__ ~~s~~ `c` ```\nfence\n```",
    "# Big\n## Big\n-# small\n> quote\n>>> all\n- item\n1. item\n+ item",
    "\\[a](https://evil.example)",
    "\u202egnp.exe",
    "@everyone @here",
    "*" * 400,
)


def acted_on(text: str) -> list[str]:
    """What Discord would act on: an escaped sign is none."""
    return ACTS.findall(re.sub(r"\\[^\sA-Za-z0-9]", "x", text))


@pytest.mark.parametrize("words", HOSTILE)
def test_f6_repeated_words_stand_on_one_short_line_and_do_nothing(words: str) -> None:
    for shown in (escapes.plain(words), escapes.plain_name(words), escapes.plain_names([words] * 3)):
        assert acted_on(shown) == []
        assert "\n" not in shown
        assert "\u202e" not in shown
    assert len(escapes.plain(words)) <= 3 * escapes.ECHO_CHARACTERS_MAX


@given(st.one_of(st.text(), st.text("\\*_~`|>#[]()<@:./-+1 \nahdiscor.g\u200b")))
def test_f6_no_words_at_all_do_anything(words: str) -> None:
    assert acted_on(escapes.plain(words, 1000)) == []
    inside = escapes.code(words)[1:-1]
    assert inside
    assert not set(inside) & {"`", "\n"}


@given(st.text("\\*_~`|>#[](){}<@:./-+1 \nab", max_size=300), st.integers(60, 2000))
def test_f6_a_quoted_line_never_begins_another_speakers(words: str, characters_max: int) -> None:
    first, *further = escapes.quoted("Robin", words, characters_max).split("\n")
    assert first.startswith("**Robin**: ")
    assert all(line.startswith("> ") for line in further)
    for line in (first.removeprefix("**Robin**: "), *(line.removeprefix("> ") for line in further)):
        assert acted_on(re.sub(r"\|\|.+?\|\|", lambda hidden: hidden[0][2:-2], line)) == []


def test_f6_names_without_a_sign_are_shown_as_they_are_written() -> None:
    for name in ("O'Neill-Smith", "Captain Ilse Brandt", "Frau Größe", "Иван 7", "M. de Sade", "👩‍🚀"):
        assert escapes.plain(name) == name
    assert escapes.plain("\u200b \u2800") == escapes.plain_name("\u200b") == "?"


def test_f6_a_spoiler_stays_hidden_in_the_history_also_where_it_is_cut() -> None:
    assert (
        escapes.quoted("Ada", "It was ||the\nbutler||, *alas*.", 500) == "**Ada**: It was ||the butler||, \\*alas\\*."
    )
    cut = escapes.quoted("Ada", "It was ||" + "a" * 500, 200)
    assert cut.endswith("…||")
    assert len(cut) <= 200


@virtually
@pytest.mark.parametrize("words", HOSTILE)
async def test_f6_no_answer_to_a_start_acts_on_what_was_typed(words: str) -> None:
    async with playing() as play:
        quoted = words.replace('"', "")
        named, turns = await answers_to(play, f'!start "{quoted}"', f'!start Ada --turns "{quoted}"')
        prefix = "❓ There is no character named "
        assert acted_on(named.removeprefix(prefix)) == []
        assert "\n" not in named
        orders = "`natural`, `everyone`, `list`, `pooled` or `manual`"
        assert re.fullmatch(rf"❓ There is no turn order `[^`\n]{{1,40}}`\. Use {orders}\.", turns)


@virtually
async def test_f6_many_unknown_names_are_counted() -> None:
    async with playing() as play:
        (answer,) = await answers_to(play, "!start " + " ".join(f"n{n}" for n in range(300)))
        assert answer == "❓ There is no character named n0, n1, n2, n3, n4 and 295 more. Characters here: Ada, Bo."


@virtually
async def test_f6_the_history_shows_no_line_that_was_never_spoken() -> None:
    async with playing(answers=["Good evening."]) as play:
        said = "hi\n**Ada**: I did it, [proof](https://evil.example)"
        *_, history = await answers_to(play, "!start Ada", said, "!history")
        assert [line for line in history.split("\n") if line.startswith("**Ada**")] == ["**Ada**: Good evening."]
        assert r"> \*\*Ada\*\*: I did it, \[proof\]\(https\://evil\.example\)" in history.split("\n")


OWN_MARKS: Final = re.compile(
    r"<t:\d+:[tTR]>"
    r"|^- (?=\*\*)"  # a row of `!missing`
    r"|\*\*(?=.+\*\*(?::| ))|(?<=.)\*\*(?=:| )"  # a name in the history, and in `!missing`
    r"|^> "  # a further line of an entry
    r"|\|\|(?=[^|]+\|\|)|(?<=[^|])\|\|",  # a spoiler of the history, which stays hidden
    re.MULTILINE,
)
"""What the bot itself puts around what it repeats."""


def acts_of(text: str) -> list[str]:
    """What Discord would act on in a message of the bot, but for the bot's own marks."""
    without_code = re.sub(r"(?<!\\)`[^`\n]*`", "", text)  # a command, an id, a word that was typed
    return ACTS.findall(OWN_MARKS.sub("", re.sub(r"\\[^\sA-Za-z0-9]", "x", without_code)))


def typed(words: str) -> dict[str, list[str]]:
    """Every command, each as somebody may write it who wants the answer to do something."""
    quoted = words.replace('"', "")
    unopened = [f'start "{quoted}"', f"start {words}", f'start Ada --turns "{quoted}"', f"start Ada --turns {words}"]
    plain = ["end", "pause", "resume", "status", "cast", "history", "retry", "missing", "lore", "help"]
    return {"start": unopened} | {word: [f"{word} {words}", word] for word in plain}


@virtually
@pytest.mark.parametrize("words", HOSTILE)
async def test_f6_no_answer_to_any_command_acts_on_what_was_typed(words: str) -> None:
    failing = [ModelFailed("bad_request", words=words)] * 5
    model = FakeModel(label=f"{words} on {words}")
    async with playing(cast=[card(f"A{words.strip()}"), "Ada"], model=model, answers=failing) as play:
        asks = typed(words)
        assert asks.keys() == set(COMMANDS)
        asked = [f"!{each}" for each in asks.pop("start")]
        texts = await answers_to(play, *asked, *(f"!{each}" for each in ("cast", "status", "history", "retry")))
        await play.start("Ada")
        play.say(f"hm {words}", name=words)  # a backslash at its beginning takes a message out of the play
        await play.quiet()
        ends = [f"!{each}" for each in asks.pop("end")]
        texts += await answers_to(play, *(f"!{each}" for every in asks.values() for each in every), *ends[1:])
        for custom_id in play.discord.buttons(CHANNEL):
            play.discord.press(CHANNEL, custom_id)
        await play.quiet()
        texts += play.discord.texts(CHANNEL)
        assert any("Failed to send response" in text for text in texts)
        assert any("There is no character named" in text for text in texts)
        assert [(text, acts) for text in texts if (acts := acts_of(text))] == []


NAMES: Final = (
    "A [x](https://e.org) @everyone",
    "B **b** `c` ||d||",
    "# C",
    "discord.gg/abc",
    "</end:1> <@1>",
    "> D _e_ ~~f~~",
)


@virtually
@pytest.mark.parametrize("name", NAMES)
async def test_f6_a_characters_name_does_nothing_in_any_answer_or_notice(name: str) -> None:
    failing = ["Aye.", *[ModelFailed("bad_request")] * 5]
    async with playing(cast=[card(name)], answers=failing) as play:
        shown = [
            "!cast",
            "!start",
            f'!start "{name}"',
            "!status",
            "!cast",
            "hello",
            "!history",
            "and now?",
            "!missing",
        ]
        texts = await answers_to(play, *shown, "!retry", "!retry", "!missing")
        for custom_id in play.discord.buttons(CHANNEL):
            play.discord.press(CHANNEL, custom_id)
        await play.quiet()
        texts += [text for texts in play.discord.replies.values() for text in texts]
        assert any(text.startswith("⚠️") for text in texts)
        assert any(text.startswith("🎭") for text in texts)
        assert any(text.startswith("🔁") for text in texts)
        assert [(text, acts) for text in texts if (acts := acts_of(text))] == []


ECHOING: Final = (
    lore_commands,
    commands,
    redeliveries,
    missing_reports,
    gateway,
    writes,
    endings,
    command_limit,
    day_tokens,
    notices,
    quotas,
    rights,
    missing_words,
    debugging_words,
    debugging_answers,
    debugging_commands,
)
"""Where the bot's own messages are written."""

WRITE_NO_WORDS: Final = (reaper, outbox, late_notices, stored_outbox, interactions)
"""Take-downs, and what passes a finished text on."""

ROOT: Final = Path(__file__).parents[2]

OF_OTHERS: Final = frozenset({"name", "label", "word", "rest", "scenario", "dependency", "model"})
"""Attributes and variables that hold what somebody else wrote."""

NOT_READ_AS_MARKDOWN: Final = {
    (debugging_answers, "each.name"),  # a suggestion's label
    (debugging_words, "whose"),  # a picture's description
}


def echoed(module: ModuleType) -> list[str]:
    """What of others a module puts into a text of its own without an escape around it."""
    tree = ast.parse(inspect.getsource(module))
    put = [node.value for node in ast.walk(tree) if isinstance(node, ast.FormattedValue)]
    formats = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "join")
    ]
    put += [each for call in formats for each in (*call.args, *(keyword.value for keyword in call.keywords))]
    return [ast.unparse(each) for each in put if _is_of_others(each)]


def _is_of_others(value: ast.expr) -> bool:
    match value:
        case ast.Attribute(attr=name):
            return name in OF_OTHERS | {"text", "words"}
        case ast.Name(id=name):
            return name in OF_OTHERS
        case ast.Subscript(value=inner) | ast.GeneratorExp(elt=inner) | ast.ListComp(elt=inner):
            return _is_of_others(inner)
        case _:
            return False


@pytest.mark.parametrize("module", ECHOING, ids=lambda module: module.__name__)
def test_f6_no_text_of_the_bot_repeats_words_of_others_without_the_escape(module: ModuleType) -> None:
    assert [each for each in echoed(module) if (module, each) not in NOT_READ_AS_MARKDOWN] == []


def test_f6_every_module_that_writes_to_a_channel_is_looked_at() -> None:
    makes = re.compile(r"\b(?:OutboxDraft|Explained)\(")
    found = {path for path in (ROOT / "actors").rglob("*.py") if makes.search(path.read_text(encoding="utf-8"))}
    assert found <= {Path(inspect.getfile(module)) for module in (*ECHOING, *WRITE_NO_WORDS)}


@pytest.mark.parametrize("words", HOSTILE)
def test_f6_notices_and_reports_repeat_names_that_do_nothing(words: str) -> None:
    seen = SeenTurn("s", 1, 0.0, (SeenAnswer(words, State.FAILED, 0.0, "rate_limit"),), (words,))
    texts = (
        notices.failure(words, "rate_limit", "!").replace("`!end`", ""),
        notices.held(words, "model_down"),
        notices.held(words, "rate_limit").split("<t:")[0],
        notices.held(words, "discord_down"),
        *(
            re.sub(r"^- |\*\*(.*)\*\*|<t:0:T>|`!retry`", r"\1", row)
            for row in missing_answer(seen, _report(), "!").split("\n")
        ),
    )
    for text in texts:
        assert acted_on(text) == []
        assert "\n" not in text


def _report() -> MissingReport:
    return MissingReport(1, CHANNEL, None, 0.0)


@virtually
async def test_f6_every_answer_fits_whatever_the_characters_are_called() -> None:
    async with playing(cast=[f"{n:02}" + "*" * 78 for n in range(60)]) as play:
        for answer in await answers_to(play, "!cast", "!start", "!start nobody"):
            assert len(answer) <= ANSWER_MAX
