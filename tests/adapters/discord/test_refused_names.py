"""Names that Discord refuses for a webhook: each is spelled otherwise, remembered, and silences nobody."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.adapters.discord.names import HAIR_SPACE, NAME_MAX, name_of_webhook, refused_word, spellings
from actors.adapters.discord.spelling import REFUSED_FOR_S
from actors.playground import PlaygroundServer
from actors.ports import HeldBack, Posted, Refused
from actors.roleplay.history import is_line, shows
from actors.roleplay.model import Outbound, OutboundKind

from .rest import Clock, Rest, logged_in
from .scripted import CHANNEL_ID, WEBHOOK_ID, Answer, ScriptedDiscord, as_json, message
from .table import WebhookTable
from .test_voice import channel_id, character, read, requests

TRIES_MAX = 4
"""As written, the word broken up, every word broken up, an embed."""


async def speak_at_last(rest: Rest, channel: int, name: str, text: str = "Hello.") -> tuple[Posted, int]:
    """Prepare and send until it stands, as a response does that is held back; with the number of its sends."""
    for sends in range(1, TRIES_MAX + 1):
        prepared = await rest.voice.prepare(channel, character(name))
        assert isinstance(prepared, tuple)
        kind, webhook_id = prepared
        outbound = Outbound(kind, channel, name, text, f"n {text}", webhook_id=webhook_id)
        sent = await rest.voice.send(outbound)
        if isinstance(sent, Posted):
            (shown,) = [each for each in await read(rest, channel) if each.id == sent.message_id]
            assert shows(shown, outbound)
            assert is_line(shown)
            return sent, sends
        assert isinstance(sent, HeldBack)
        assert sent.until <= rest.wire.now()
    raise AssertionError(f"{name} is silent")


def posts(server: PlaygroundServer) -> int:
    return sum(entry.method == "POST" for entry in server.ledger)


def shown_names(server: PlaygroundServer) -> list[str]:
    return [each.author for each in server.messages("tavern")]


# ── one webhook's own name, and the name of one message ─────────────────────────────────────────────


async def test_b14_a_word_refused_when_the_webhook_is_made_is_broken_up_at_the_cost_of_one_request(
    local: Rest, playground: PlaygroundServer
) -> None:
    tavern = channel_id(playground)
    playground.refuse_names("here")
    sent, sends = await speak_at_last(local, tavern, "Heretic")
    assert sends == 1
    assert [name for _, name in requests(playground)].count("webhooks") == 3  # the list, the refusal, the webhook
    assert [name.replace(HAIR_SPACE, "") for name in shown_names(playground)] == ["Heretic"]
    assert [seen.name for seen in await read(local, tavern)] == ["Heretic"]
    assert sent.text == "Hello."


async def test_b14_a_word_refused_when_a_message_is_sent_costs_one_request_and_no_attempt(
    local: Rest, playground: PlaygroundServer, caplog: pytest.LogCaptureFixture
) -> None:
    tavern = channel_id(playground)
    await speak_at_last(local, tavern, "Heretic", "Before.")
    playground.refuse_names("here")
    with caplog.at_level(logging.WARNING, "ensemble.discord"):
        _, sends = await speak_at_last(local, tavern, "Heretic", "After.")
        assert sends == 2
        assert (await speak_at_last(local, tavern, "Heretic", "Again."))[1] == 1
    assert [record.getMessage() for record in caplog.records] == [
        "Discord refuses the name 'Heretic' of a webhook "
        '(50035: Invalid Form Body In username: Username cannot contain "here")'
    ]
    assert {seen.name for seen in await read(local, tavern)} == {"Heretic"}


async def test_b14_a_word_learnt_from_one_name_is_broken_up_in_all_others(
    local: Rest, playground: PlaygroundServer
) -> None:
    tavern = channel_id(playground)
    playground.refuse_names("here")
    await speak_at_last(local, tavern, "Heretic")
    before = posts(playground)
    assert (await speak_at_last(local, tavern, "The Sphere"))[1] == 1
    assert posts(playground) - before == 2  # a webhook and a message


async def test_b14_a_restart_repeats_no_refusal(local: Rest, playground: PlaygroundServer) -> None:
    tavern = channel_id(playground)
    playground.refuse_names("groot", are_named=False)
    await speak_at_last(local, tavern, "Groot")
    before = posts(playground)
    async with logged_in(playground.api_url, token=playground.token, table=local.table) as fresh:
        assert (await speak_at_last(fresh, tavern, "Groot", "After."))[1] == 1
    assert posts(playground) - before == 1


async def test_b14_a_name_whose_refusal_names_no_word_is_broken_up_altogether(
    local: Rest, playground: PlaygroundServer
) -> None:
    playground.refuse_names("nyx", are_named=False)
    await speak_at_last(local, channel_id(playground), "Nyx of the Deep")
    assert [name.replace(HAIR_SPACE, "") for name in shown_names(playground)] == ["Nyx of the Deep"]


async def test_b14_a_name_that_no_spelling_saves_goes_as_an_embed_under_the_name_itself(
    local: Rest, playground: PlaygroundServer
) -> None:
    tavern = channel_id(playground)
    playground.refuse_names("g", are_named=False)
    _, sends = await speak_at_last(local, tavern, "Groot")
    assert sends <= 3
    (shown,) = playground.messages("tavern")
    assert (shown.title, shown.description) == ("💬 Groot", "Hello.")
    before = posts(playground)
    await speak_at_last(local, tavern, "Groot", "Again.")
    assert posts(playground) - before == 1  # straight as an embed


async def test_b14_where_only_the_webhooks_own_name_is_refused_a_shared_one_takes_the_name_for_each_message(
    rest: Rest, scripted: ScriptedDiscord
) -> None:
    rest.table.places[CHANNEL_ID] = (None, 1)
    refused = form_error("name", "USERNAME_INVALID", "Username is invalid")
    made = as_json({"id": str(WEBHOOK_ID), "type": 1, "name": "Ensemble", "token": "t", "application_id": "12"})
    came = scripted.will(as_json([]), refused, refused, made, as_json(message(content="Hello.")))
    prepared = await rest.voice.prepare(CHANNEL_ID, character("Groot", None))
    assert prepared == (OutboundKind.WEBHOOK, WEBHOOK_ID)
    line = Outbound(OutboundKind.WEBHOOK, CHANNEL_ID, "Groot", "Hello.", "1.1", webhook_id=WEBHOOK_ID)
    assert isinstance(await rest.voice.send(line), Posted)
    names = [request.body.get("name") or request.body.get("username") for request in came() if request.body]
    assert names == ["Groot", f"Gr{HAIR_SPACE}oo{HAIR_SPACE}t", "Ensemble", "Groot"]


async def test_b14_after_a_week_a_name_is_tried_as_it_is_written_again(
    playground: PlaygroundServer, clock: Clock
) -> None:
    tavern = channel_id(playground)
    table = WebhookTable()
    async with logged_in(playground.api_url, token=playground.token, table=table, now=clock.now) as rest:
        playground.refuse_names("here")
        await speak_at_last(rest, tavern, "Heretic")
        playground.refuse_names()
        clock.at += REFUSED_FOR_S + 1
        await speak_at_last(rest, tavern, "Heretic", "Later.")
    assert shown_names(playground)[-1] == "Heretic"


@pytest.mark.parametrize("file", ["clyde", "groot", "heretic", "nyx", "nyx_nickname"])
async def test_b14_no_character_of_the_field_is_silenced(local: Rest, playground: PlaygroundServer, file: str) -> None:
    name = json.loads((Path(__file__).parent / "names" / f"{file}.json").read_text(encoding="utf-8"))["data"]["name"]
    playground.refuse_names("here", "groot", "nyx", are_named=file != "groot")
    await speak_at_last(local, channel_id(playground), name)
    assert [seen.name for seen in await read(local, channel_id(playground))] == [name]


# ── which field is refused ──────────────────────────────────────────────────────────────────────────


def form_error(field: str, code: str, words: str) -> Answer:
    errors = {field: {"_errors": [{"code": code, "message": words}]}}
    return as_json({"code": 50035, "message": "Invalid Form Body", "errors": errors}, 400)


@pytest.mark.parametrize(
    ("field", "code", "words", "reason"),
    [
        ("username", "USERNAME_INVALID_CONTAINS", 'Username cannot contain "clyde"', "name_refused"),
        ("username", "USERNAME_INVALID", 'Username cannot be "here"', "name_refused"),
        ("username", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 80 in length.", "name_refused"),
        ("username", "BASE_TYPE_MAX_LENGTH", "Must be 80 or fewer in length.", "name_refused"),
        ("name", "A_CODE_TO_COME", "Names are out of fashion", "name_refused"),
        ("avatar", "IMAGE_INVALID", "Invalid image data", "picture_refused"),
        ("avatar_url", "URL_TYPE_INVALID_URL", "Not a well formed URL.", "picture_refused"),
        ("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.", "too_long"),
        ("content", "BASE_TYPE_REQUIRED", 'In username: Username cannot contain "x"', "message_refused"),
        ("thread_id", "NUMBER_TYPE_COERCE", 'Value "x" is not snowflake.', "message_refused"),
    ],
)
async def test_b14_a_form_error_is_about_the_field_that_it_names(
    rest: Rest, scripted: ScriptedDiscord, field: str, code: str, words: str, reason: str
) -> None:
    scripted.will(form_error(field, code, words))
    refused = await rest.wire.attempt("send", lambda client: client.get_partial_messageable(CHANNEL_ID).send("x"))
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.code) == (reason, 50035)


async def test_b14_a_refused_picture_costs_the_picture_and_not_the_name(rest: Rest, scripted: ScriptedDiscord) -> None:
    rest.table.places[CHANNEL_ID] = (None, 1)
    made = as_json({"id": str(WEBHOOK_ID), "type": 1, "name": "Mira", "token": "t", "application_id": "12"})
    came = scripted.will(as_json([]), form_error("avatar", "IMAGE_INVALID", "Invalid image data"), made)
    assert await rest.voice.prepare(CHANNEL_ID, character("Mira")) == (OutboundKind.WEBHOOK, WEBHOOK_ID)
    assert [(each.body["name"], each.body.get("avatar") is None) for each in came()[1:]] == [
        ("Mira", False),
        ("Mira", True),
    ]
    assert rest.table.names == []


async def test_b14_a_name_and_a_picture_that_are_both_refused_are_both_replaced(
    rest: Rest, scripted: ScriptedDiscord
) -> None:
    rest.table.places[CHANNEL_ID] = (None, 1)
    name = form_error("name", "USERNAME_INVALID", 'Username cannot be "here"')
    picture = form_error("avatar", "IMAGE_INVALID", "Invalid image data")
    made = as_json({"id": str(WEBHOOK_ID), "type": 1, "name": "x", "token": "t", "application_id": "12"})
    came = scripted.will(as_json([]), name, picture, made)
    assert await rest.voice.prepare(CHANNEL_ID, character("Heretic")) == (OutboundKind.WEBHOOK, WEBHOOK_ID)
    assert [each.body.get("avatar") is None for each in came()[1:]] == [False, False, True]


# ── spelling, for every name ────────────────────────────────────────────────────────────────────────


@given(name=st.text(max_size=120), words=st.lists(st.text(min_size=1, max_size=10), max_size=3))
def test_b14_every_spelling_shows_the_name_and_fits(name: str, words: list[str]) -> None:
    for spelled in spellings(name, words):
        assert 1 <= len(spelled) <= NAME_MAX
        assert "".join(name_of_webhook(spelled).split()) == "".join(spellings(name)[0].replace(HAIR_SPACE, "").split())


@given(before=st.text(alphabet="abc ", max_size=5), word=st.text(alphabet="xyz", min_size=2, max_size=9))
def test_b14_a_named_word_is_in_no_spelling(before: str, word: str) -> None:
    name = f"{before}{word.upper()}"
    assert all(word not in spelled.lower() for spelled in spellings(name, [word]))
    assert refused_word(f'Username cannot contain "{word}"', name) == word


@pytest.mark.parametrize("words", ["", "Invalid", 'cannot contain "a"', 'cannot contain "zebra"', "cannot contain"])
def test_b14_a_word_that_the_name_does_not_hold_is_not_believed(words: str) -> None:
    assert refused_word(words, "Heretic") is None


@pytest.mark.parametrize("name", ["everyone", "Here", "HERE"])
def test_b14_a_name_that_pings_is_broken_up_before_it_is_refused(name: str) -> None:
    assert spellings(name)[0] != name
    assert spellings(f"{name} too")[0] == f"{name} too"
