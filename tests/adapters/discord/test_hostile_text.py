"""Hostile text on the wire: found again in the form that Discord shows, stored, and never a ping."""

import itertools

import pytest

from actors.adapters.discord.places import Place
from actors.playground import PlaygroundServer
from actors.ports import Posted
from actors.roleplay.history import shows
from actors.roleplay.invisible import is_blank
from actors.roleplay.model import ChannelMessage, Character, Outbound, OutboundKind
from actors.roleplay.names import clean_name
from actors.roleplay.parts import PART_UNITS_MAX, length
from tests.roleplay.hostile import PIECES

from .rest import Rest
from .scripted import CHANNEL_ID, ScriptedDiscord, as_json, message
from .test_voice import channel_id

ZALGO = "Z" + "\u0301\u0316\u0334" * 100 + "algo"
TEXTS = (
    "@everyone @here <@{robin}> <@!{robin}> <@&{robin}>",
    "@\u202eeveryone <@\u2066{robin}>",
    ZALGO,
    "a\u200bb\u2060c\ufeffd\u00ade",
    "\u202egnorw\u202c right \u2067left\u2069",
    "Aye.\r\nIt\ris.\x0bSo\x0cit\x85is\u2028now\u2029here\x1cand\x1dthere",
    "```py\nprint()\n```\n> quote\n**Fitch**: no",
    "e\u0301 \u212b \u1e9b\u0323 \u0958 \uac00 \u1100\u1161",
    "🏴\U000e0067\U000e0062\U000e007f 👩‍🚀 1\ufe0f\u20e3 🇳🇱",
    "x" * 1000 + "🌊" * 500,
    "".join(piece for piece in PIECES if piece.isprintable()),
    " \u3000\u00a0\u2003 padded \u3000 ",
)
NAMES = (
    "Clyde of Discord",
    "\u202eneraM",
    "Zoe\u0308",
    "Z\u0301\u0316\u0334" * 20,
    "Maren " * 40,
    "@everyone",
    "```",
    "\u3164",
)
KINDS = (OutboundKind.WEBHOOK, OutboundKind.EMBED, OutboundKind.TEXT)


async def outbound_for(rest: Rest, channel: int, kind: OutboundKind, name: str, text: str, nonce: str) -> Outbound:
    webhook_id = None
    if kind is OutboundKind.WEBHOOK:
        prepared = await rest.voice.prepare(channel, Character(id=name, name=name, card_json="{}"))
        assert isinstance(prepared, tuple)
        webhook_id = prepared[1]
    return Outbound(kind, channel, name, text, nonce, webhook_id=webhook_id)


async def read(rest: Rest, channel: int) -> tuple[ChannelMessage, ...]:
    seen = await rest.channel.messages(channel, after=0)
    assert isinstance(seen, tuple)
    return seen


@pytest.mark.parametrize("kind", KINDS)
async def test_every_text_is_found_again_and_by_its_own_line_only(
    local: Rest, playground: PlaygroundServer, kind: OutboundKind
) -> None:
    channel, robin = channel_id(playground), playground.discord.find_user("Robin").id
    sent = []
    for number, text in enumerate(TEXTS):
        outbound = await outbound_for(local, channel, kind, "Mira", text.replace("{robin}", str(robin)), f"n.{number}")
        assert length(outbound.text) <= PART_UNITS_MAX
        posted = await local.voice.send(outbound)
        assert isinstance(posted, Posted)
        sent.append((posted, outbound))
    seen = {message.id: message for message in await read(local, channel)}
    for (posted, outbound), (other, _) in itertools.product(sent, sent):
        assert shows(seen[other.message_id], outbound) is (other == posted)
    assert [seen[posted.message_id].text for posted, _ in sent] == [posted.text for posted, _ in sent]


@pytest.mark.parametrize("kind", KINDS[:2])
@pytest.mark.parametrize("raw", NAMES)
async def test_every_name_is_found_again(
    local: Rest, playground: PlaygroundServer, kind: OutboundKind, raw: str
) -> None:
    name = clean_name(raw)
    outbound = await outbound_for(local, channel_id(playground), kind, name, "Aye.", "n.1")
    assert isinstance(await local.voice.send(outbound), Posted)
    (seen,) = await read(local, outbound.channel_id)
    assert shows(seen, outbound)


@pytest.mark.parametrize("kind", KINDS)
async def test_no_text_of_ours_pings_anyone(local: Rest, playground: PlaygroundServer, kind: OutboundKind) -> None:
    channel, robin = channel_id(playground), playground.discord.find_user("Robin").id
    for number, text in enumerate(TEXTS[:2]):
        outbound = await outbound_for(local, channel, kind, "Mira", text.replace("{robin}", str(robin)), f"n.{number}")
        assert isinstance(await local.voice.send(outbound), Posted)
    shown = [playground.discord.shelf.find(message.id) for message in playground.messages("tavern")]
    assert [message.mention_ids for message in shown if message is not None] == [(), ()]


async def test_the_wire_itself_says_that_nobody_is_to_be_mentioned(rest: Rest, scripted: ScriptedDiscord) -> None:
    rest.voice._places._known[CHANNEL_ID] = Place(CHANNEL_ID)
    await rest.table.keep_webhook(CHANNEL_ID, "mira", 31, "secret")
    for kind, webhook_id in zip(KINDS, (31, None, None), strict=True):
        came = scripted.will(as_json(message()))
        await rest.voice.send(Outbound(kind, CHANNEL_ID, "Mira", "@everyone <@1>", "n.1", webhook_id=webhook_id))
        (request,) = came()
        assert request.body["allowed_mentions"]["parse"] == []
        assert not request.body["allowed_mentions"].get("users")
        assert not request.body["allowed_mentions"].get("roles")


async def test_a_message_that_no_database_takes_is_read_without_its_broken_characters(
    rest: Rest, scripted: ScriptedDiscord
) -> None:
    rest.voice._places._known[CHANNEL_ID] = Place(CHANNEL_ID)
    author = {"id": "7", "username": "Ro\ud83dbin\0", "discriminator": "0", "avatar": None}
    scripted.will(as_json([message(content="a\ud800b\0c\udfff", author=author)]))
    (seen,) = await read(rest, CHANNEL_ID)
    assert (seen.name, seen.text) == ("Robin", "abc")
    assert (seen.name + seen.text).encode()


async def test_the_playground_strips_what_discord_is_known_to_strip(local: Rest, playground: PlaygroundServer) -> None:
    said = playground.say("tavern", "Robin", "a\u202eb\0c\x1bd\ud800 " + ZALGO)
    assert said.content.startswith("abcd Z")
    assert sum(map(is_blank, said.content)) == 150 + 1  # the marks, and the blank
