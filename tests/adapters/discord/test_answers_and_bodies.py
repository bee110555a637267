"""Servers that answer without a body, write null for what is not there, or refuse empty keys."""

from __future__ import annotations

import pytest

from actors.playground import COMPATIBLE, Dialect, PlaygroundServer
from actors.ports import HeldBack, MessageEdited, MessageSeen, Posted, Refused, ShardReady, Unconfirmed
from actors.roleplay.model import Button, Character, Outbound, OutboundKind, ReplyAddress

from .rest import Rest
from .scripted import APPLICATION_ID, CHANNEL_ID, WEBHOOK_ID, Answer, ScriptedDiscord, as_json, message
from .test_gateway import bot_for, running

MIRA = Character("mira", "Mira", "{}")
EMPTY = [Answer(204), Answer(200), as_json("")]
EMPTY_IDS = ["204", "200 without a body", "an empty text"]


def of_webhook(text: str = "Hello", channel: int = CHANNEL_ID, webhook_id: int = WEBHOOK_ID) -> Outbound:
    return Outbound(OutboundKind.WEBHOOK, channel, "Mira", text, "0000000000001.1", webhook_id=webhook_id)


@pytest.mark.parametrize("answer", EMPTY[:2], ids=EMPTY_IDS[:2])
async def test_e3_a_send_without_an_answer_is_unconfirmed_and_proves_that_the_server_lives(
    known: Rest, scripted: ScriptedDiscord, answer: Answer
) -> None:
    scripted.will(answer)
    outcome = await known.voice.send(of_webhook())
    assert isinstance(outcome, Unconfirmed)
    assert (outcome.cause, outcome.status) == ("empty_answer", answer.status)


@pytest.mark.parametrize("answer", [*EMPTY, as_json({}), as_json("odd"), as_json(None)])
async def test_e3_a_read_without_an_answer_has_failed_and_shows_no_empty_channel(
    known: Rest, scripted: ScriptedDiscord, answer: Answer
) -> None:
    scripted.will(answer, as_json({"message": "Unknown Message", "code": 10008}, 404))  # so we may read
    assert isinstance(await known.channel.messages(CHANNEL_ID, after=1), Unconfirmed)


@pytest.mark.parametrize("answer", EMPTY, ids=EMPTY_IDS)
async def test_e3_webhooks_that_were_not_listed_are_not_made_again(
    known: Rest, scripted: ScriptedDiscord, answer: Answer
) -> None:
    came = scripted.will(answer)
    assert isinstance(await known.voice.prepare(CHANNEL_ID, Character("bo", "Bo", "{}")), Refused)
    assert len(came()) == 1


@pytest.mark.parametrize("answer", EMPTY[:2], ids=EMPTY_IDS[:2])
async def test_e3_the_answer_to_an_interaction_stands_where_the_server_says_nothing_about_it(
    known: Rest, scripted: ScriptedDiscord, answer: Answer
) -> None:
    scripted.will(answer)
    assert isinstance(await known.interactions.answer(ReplyAddress("t0ken", 0.0), "On its way."), Posted)


NULLS = dict.fromkeys(
    [
        "thread",
        "webhook_id",
        "application_id",
        "reactions",
        "poll",
        "interaction",
        "message_reference",
        "member",
        "flags",
    ]
)


async def test_e3_messages_with_nulls_are_read_and_sent(known: Rest, scripted: ScriptedDiscord) -> None:
    embed = {"title": "💬 Mira", "description": "Hm.", "color": None, "image": None}
    replied = message(id="44", message_reference={"message_id": "3", "channel_id": str(CHANNEL_ID)})
    replied |= {"type": 19, "referenced_message": message(**NULLS)}
    gone = replied | {"id": "45", "referenced_message": None}
    page = [
        message(**NULLS, content=None, embeds=[embed]),
        message(**NULLS, id="42"),
        message(id="43", mentions=None),
        replied,
        gone,
    ]
    scripted.will(as_json(page))
    seen = await known.channel.messages(CHANNEL_ID, after=0)
    assert isinstance(seen, tuple)
    assert [(each.id, each.text) for each in seen] == [
        (41, "Hm."),
        (42, "Hello"),
        (43, "Hello"),
        (44, "Hello"),
        (45, "Hello"),
    ]
    author = {"id": str(WEBHOOK_ID), "username": "Mira", "discriminator": "0000", "avatar": None, "bot": True}
    scripted.will(
        as_json(message(**NULLS) | {"webhook_id": str(WEBHOOK_ID), "author": author}), as_json(message(**NULLS))
    )
    assert await known.voice.send(of_webhook()) == Posted(41, "Hello")
    assert await known.voice.send(Outbound(OutboundKind.TEXT, CHANNEL_ID, "", "Hello", "n.2")) == Posted(41, "Hello")


async def test_e3_a_gateway_that_writes_nulls_is_heard(playground: PlaygroundServer) -> None:
    playground.dialect = COMPATIBLE
    bot = bot_for(playground)
    async with running(bot):
        await bot.next(ShardReady)
        said = playground.say("tavern", "Robin", "Is anybody here?")
        playground.edit(said.id, "Anybody?")
        assert (await bot.next(MessageSeen)).message.text == "Is anybody here?"
        assert (await bot.next(MessageEdited)).text == "Anybody?"


# ── E6: bodies ───────────────────────────────────────────────────────────────────────────────────────


def empties(body: object, path: str = "") -> list[str]:
    """Every key whose value says nothing, but for the one list that forbids pings by being empty."""
    if isinstance(body, dict):
        own = [f"{path}{key}" for key, value in body.items() if value in (None, 0, "", [], {}) and value is not False]
        return own + [found for key, value in body.items() for found in empties(value, f"{path}{key}.")]
    if isinstance(body, list):
        return [found for value in body for found in empties(value, path)]
    return []


async def test_e6_no_body_of_ours_holds_an_empty_key(known: Rest, scripted: ScriptedDiscord) -> None:
    text = Outbound(OutboundKind.TEXT, CHANNEL_ID, "", "Hello", "n.1")
    outbounds = [
        text,
        Outbound(OutboundKind.TEXT, CHANNEL_ID, "", "Hello", "n.1", buttons=(Button("Retry", "retry:1"),)),
        Outbound(OutboundKind.EMBED, CHANNEL_ID, "Mira", "Hello", "n.1"),
        of_webhook(),
    ]
    bodies = []
    for outbound in outbounds:
        came = scripted.will(as_json(message()))
        assert isinstance(await known.voice.send(outbound), Posted)
        bodies += [request.body for request in came()]
    came = scripted.will(as_json(message()))
    assert isinstance(await known.interactions.answer(ReplyAddress("t0ken", 0.0), "Hello"), Posted)
    bodies += [request.body for request in came()]
    hook = {"id": "5", "type": 1, "token": "t", "application_id": str(APPLICATION_ID), "name": "Bo"}
    came = scripted.will(as_json([]), as_json(hook))
    assert await known.voice.prepare(CHANNEL_ID, Character("bo", "Bo", "{}")) == (OutboundKind.WEBHOOK, 5)
    bodies += [request.body for request in came()[1:]]
    assert {found for body in bodies for found in empties(body)} == {"allowed_mentions.parse"}
    assert bodies[2]["embeds"] == [{"title": "💬 Mira", "description": "Hello"}]
    assert bodies[1]["components"] == [
        {"type": 1, "components": [{"type": 2, "style": 2, "label": "Retry", "custom_id": "retry:1"}]}
    ]


@pytest.mark.parametrize("voice", ["webhook", "embed"])
async def test_e6_a_server_that_refuses_empty_keys_takes_lines_and_notices(
    local: Rest, playground: PlaygroundServer, voice: str
) -> None:
    playground.dialect = Dialect(strict=True)
    tavern = playground.discord.find_channel("tavern").id
    kind, webhook_id = OutboundKind.EMBED, None
    if voice == "webhook":
        prepared = await local.voice.prepare(tavern, MIRA)
        assert isinstance(prepared, tuple)
        kind, webhook_id = prepared
    line = Outbound(kind, tavern, "Mira", "Good evening.", "n.1", webhook_id=webhook_id)
    notice = Outbound(OutboundKind.TEXT, tavern, "", "It failed.", "n.2", buttons=(Button("Retry", "retry:1"),))
    assert isinstance(await local.voice.send(line), Posted)
    assert isinstance(await local.voice.send(notice), Posted)
    assert not isinstance(await local.voice.send(line), HeldBack)
