"""Lines, webhooks, reading back and deleting, against the playground."""

from dataclasses import replace

import pytest

from actors.adapters.discord.names import name_of_webhook, spellings
from actors.adapters.discord.refusals import ASKED_AGAIN_S
from actors.playground import PlaygroundServer
from actors.ports import Deleted, Posted, Refused
from actors.roleplay.history import shows
from actors.roleplay.model import Button, Character, Outbound, OutboundKind

from .rest import Clock, Rest, logged_in
from .table import WebhookTable

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(16)


def character(name: str, picture: bytes | None = PICTURE) -> Character:
    return Character(id=name, name=name, card_json="{}", picture=picture)


def channel_id(server: PlaygroundServer, name: str = "tavern") -> int:
    return server.discord.find_channel(name).id


def requests(server: PlaygroundServer) -> list[tuple[str, str]]:
    """(method, last word of the path) of what came after the login."""
    ours = [entry for entry in server.ledger if not entry.path.endswith("/@me")]
    return [(entry.method, entry.path.rsplit("/", 1)[-1]) for entry in ours]


def line(channel: int, text: str, *, name: str = "Mira", webhook_id: int | None = None, part: int = 1) -> Outbound:
    kind = OutboundKind.EMBED if webhook_id is None else OutboundKind.WEBHOOK
    return Outbound(kind, channel, name, text, f"0000000000001.{part}", webhook_id=webhook_id)


async def speak(rest: Rest, channel: int, name: str, text: str) -> Posted:
    """Prepare and send, as a response does."""
    prepared = await rest.voice.prepare(channel, character(name))
    assert isinstance(prepared, tuple)
    kind, webhook_id = prepared
    sent = await rest.voice.send(Outbound(kind, channel, name, text, "0000000000001.1", webhook_id=webhook_id))
    assert isinstance(sent, Posted)
    return sent


# ── what is shown ───────────────────────────────────────────────────────────────────────────────────


async def test_a_notice_is_plain_text_that_pings_nobody(local: Rest, playground: PlaygroundServer) -> None:
    robin = playground.discord.find_user("Robin").id
    notice = Outbound(OutboundKind.TEXT, channel_id(playground), "", f"Hello <@{robin}>", "n.1")
    sent = await local.voice.send(notice)
    (shown,) = playground.messages("tavern")
    assert sent == Posted(shown.id, f"Hello <@{robin}>")
    message = playground.discord.shelf.find(shown.id)
    assert message is not None
    assert (message.mention_ids, message.nonce) == ((), "n.1")


async def test_an_embed_is_titled_with_the_name_and_returned_as_shown(
    local: Rest, playground: PlaygroundServer
) -> None:
    sent = await local.voice.send(line(channel_id(playground), "  Good evening.  "))
    (shown,) = playground.messages("tavern")
    assert sent == Posted(shown.id, "Good evening.")
    assert (shown.title, shown.description, shown.content) == ("💬 Mira", "Good evening.", "")


@pytest.mark.parametrize("kind", [OutboundKind.TEXT, OutboundKind.EMBED])
async def test_the_same_nonce_twice_is_one_message(
    local: Rest, playground: PlaygroundServer, kind: OutboundKind
) -> None:
    outbound = Outbound(kind, channel_id(playground), "Mira", "Once.", "0000000000001.1")
    first, second = [await local.voice.send(outbound) for _ in range(2)]
    assert first == second
    assert len(playground.messages("tavern")) == 1


async def test_a_nonce_whose_message_was_deleted_is_removed_for_good(local: Rest, playground: PlaygroundServer) -> None:
    outbound = line(channel_id(playground), "Gone.")
    sent = await local.voice.send(outbound)
    assert isinstance(sent, Posted)
    playground.delete(sent.message_id)
    again = await local.voice.send(outbound)
    assert isinstance(again, Refused)
    assert (again.reason, again.final) == ("removed", True)


async def test_a_line_too_long_is_refused_for_good(local: Rest, playground: PlaygroundServer) -> None:
    refused = await local.voice.send(line(channel_id(playground), "x" * 4_097))
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.final) == ("too_long", True)


async def test_a_deleted_channel_is_gone_for_good(local: Rest, playground: PlaygroundServer) -> None:
    gone = channel_id(playground)
    playground.delete_channel("tavern")
    sent = await local.voice.send(line(gone, "Hello"))
    prepared = await local.voice.prepare(gone, character("Mira"))
    for refused in (sent, prepared):
        assert isinstance(refused, Refused)
        assert (refused.reason, refused.final) == ("channel_gone", True)


# ── webhooks ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_character_speaks_through_one_webhook_with_its_picture(
    local: Rest, playground: PlaygroundServer
) -> None:
    tavern = channel_id(playground)
    await speak(local, tavern, "Mira", "One.")
    await speak(local, tavern, "Mira", "Two.")
    (webhook,) = playground.webhooks("tavern")
    assert webhook.name == "Mira"
    assert webhook.avatar is not None
    assert webhook.avatar.startswith("data:image/png;base64,")
    assert [(shown.author, shown.content) for shown in playground.messages("tavern")] == [
        ("Mira", "One."),
        ("Mira", "Two."),
    ]
    assert requests(playground) == [
        ("GET", str(tavern)),
        ("GET", "webhooks"),
        ("POST", "webhooks"),
        ("POST", webhook.token),
        ("POST", webhook.token),
    ]


async def test_webhooks_are_adopted_when_the_table_was_lost(local: Rest, playground: PlaygroundServer) -> None:
    tavern = channel_id(playground)
    await speak(local, tavern, "Mira", "Before.")
    table = WebhookTable()
    async with logged_in(playground.api_url, token=playground.token, table=table) as fresh:
        await speak(fresh, tavern, "Mira", "After.")
    (webhook,) = playground.webhooks("tavern")
    assert await table.webhook(tavern, "mira") == (webhook.id, webhook.token)


async def test_a_deleted_webhook_is_made_anew(local: Rest, playground: PlaygroundServer) -> None:
    tavern = channel_id(playground)
    await speak(local, tavern, "Mira", "One.")
    (lost,) = playground.webhooks("tavern")
    playground.delete_webhook(lost.id)
    refused = await local.voice.send(line(tavern, "Two.", webhook_id=lost.id))
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.final) == ("webhook_gone", False)
    await speak(local, tavern, "Mira", "Two.")
    assert [shown.content for shown in playground.messages("tavern")] == ["One.", "Two."]


async def test_beyond_ten_characters_one_webhook_is_shared(local: Rest, playground: PlaygroundServer) -> None:
    tavern = channel_id(playground)
    names = [f"Character {number}" for number in range(1, 13)]
    for name in names:
        await speak(local, tavern, name, "Here.")
    assert [webhook.name for webhook in playground.webhooks("tavern")] == [*names[:10], "Ensemble"]
    assert [shown.author for shown in playground.messages("tavern")] == names


async def test_where_all_fifteen_webhooks_are_taken_lines_go_as_embeds(
    local: Rest, playground: PlaygroundServer
) -> None:
    tavern = playground.discord.find_channel("tavern")
    for number in range(15):
        playground.discord.add_webhook(tavern, f"Other {number}", None)
    assert await local.voice.prepare(tavern.id, character("Mira")) == (OutboundKind.EMBED, None)


async def test_in_a_full_channel_the_shared_webhook_is_used_where_there_is_one(
    local: Rest, playground: PlaygroundServer
) -> None:
    tavern = playground.discord.find_channel("tavern")
    for number in range(14):
        playground.discord.add_webhook(tavern, f"Other {number}", None)
    shared = playground.discord.add_webhook(tavern, "Ensemble", None)
    assert await local.voice.prepare(tavern.id, character("Mira")) == (OutboundKind.WEBHOOK, shared.id)


async def test_a_picture_that_discord_does_not_take_is_left_out(local: Rest, playground: PlaygroundServer) -> None:
    prepared = await local.voice.prepare(channel_id(playground), character("Mira", b"RIFF1234WEBP"))
    (webhook,) = playground.webhooks("tavern")
    assert prepared == (OutboundKind.WEBHOOK, webhook.id)
    assert webhook.avatar is None


async def test_without_the_permission_lines_go_as_embeds(local: Rest, playground: PlaygroundServer) -> None:
    tavern = channel_id(playground)
    playground.permit("MANAGE_WEBHOOKS", False)
    assert [await local.voice.prepare(tavern, character("Mira")) for _ in range(2)] == [(OutboundKind.EMBED, None)] * 2
    assert requests(playground) == [("GET", str(tavern)), ("GET", "webhooks")]


async def test_where_nobody_knows_the_permission_webhooks_are_asked_for_again_after_a_while(
    playground: PlaygroundServer, clock: Clock
) -> None:
    tavern = channel_id(playground)
    playground.permit("MANAGE_WEBHOOKS", False)
    async with logged_in(playground.api_url, token=playground.token, now=clock.now) as rest:

        async def kind() -> OutboundKind:
            prepared = await rest.voice.prepare(tavern, character("Mira"))
            assert isinstance(prepared, tuple)
            return prepared[0]

        assert await kind() is OutboundKind.EMBED
        playground.permit("MANAGE_WEBHOOKS", True)
        clock.at += ASKED_AGAIN_S - 1
        assert await kind() is OutboundKind.EMBED
        clock.at += 1
        assert await kind() is OutboundKind.WEBHOOK


async def test_a_notice_is_read_back_with_its_button(local: Rest, playground: PlaygroundServer) -> None:
    tavern, button = channel_id(playground), Button("Retry", "retry:1")
    notice = Outbound(OutboundKind.TEXT, tavern, "", "It failed.", "n1", buttons=(button,))
    await local.voice.send(notice)
    (seen,) = await read(local, tavern)
    assert seen.button_ids == ("retry:1",)
    assert shows(seen, notice)
    assert not shows(seen, replace(notice, buttons=(Button("Retry", "retry:2"),)))


async def test_a_direct_conversation_gets_embeds(local: Rest, playground: PlaygroundServer) -> None:
    direct = playground.open_dm("Robin").id
    assert await local.voice.prepare(direct, character("Mira")) == (OutboundKind.EMBED, None)
    sent = await local.voice.send(line(direct, "Psst."))
    assert isinstance(sent, Posted)
    assert [message.text for message in await read(local, direct)] == ["Psst."]


async def test_who_prefers_embeds_asks_nothing(playground: PlaygroundServer) -> None:
    async with logged_in(playground.api_url, token=playground.token, preference="embed") as rest:
        assert await rest.voice.prepare(channel_id(playground), character("Mira")) == (OutboundKind.EMBED, None)
    assert requests(playground) == []


async def test_a_thread_borrows_its_parents_webhook(local: Rest, playground: PlaygroundServer) -> None:
    thread = playground.add_thread("tavern", "cellar", "Robin").id
    sent = await speak(local, thread, "Mira", "Down here.")
    (webhook,) = playground.webhooks("tavern")
    assert [(shown.id, shown.webhook_id) for shown in playground.messages("cellar")] == [(sent.message_id, webhook.id)]
    assert playground.messages("tavern") == []
    assert await local.channel.delete(thread, sent.message_id, webhook.id) == Deleted()
    assert playground.messages("cellar") == []


async def test_a_line_for_a_thread_goes_there_after_a_restart(local: Rest, playground: PlaygroundServer) -> None:
    thread = playground.add_thread("tavern", "cellar", "Robin").id
    await speak(local, thread, "Mira", "Before.")
    (webhook,) = playground.webhooks("tavern")
    async with logged_in(playground.api_url, token=playground.token, table=local.table) as fresh:
        sent = await fresh.voice.send(line(thread, "After.", webhook_id=webhook.id))
    assert isinstance(sent, Posted)
    assert [shown.content for shown in playground.messages("cellar")] == ["Before.", "After."]


# ── names ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["Clyde", "clyde the clyde", "DISCORD", "Miss Discordia", "Clydiscord"])
async def test_a_refused_name_gets_a_hair_space_and_is_read_back_as_it_was(
    local: Rest, playground: PlaygroundServer, name: str
) -> None:
    tavern = channel_id(playground)
    await speak(local, tavern, name, "Hello.")
    (shown,) = playground.messages("tavern")
    assert shown.author.replace("\u200a", "") == name
    assert shown.author != name
    assert [message.name for message in await read(local, tavern)] == [name]


@pytest.mark.parametrize("name", ["Mira", "Cly de", "Disco", "Клайд", "🦊"])
def test_any_other_name_is_left_alone(name: str) -> None:
    assert spellings(name)[0] == name
    assert name_of_webhook(name) == name


@pytest.mark.parametrize("name", ["x" * 200, "   ", "discord" * 30, "x" * 80, "\u200b\u2060", "Discord" + "x" * 72])
def test_every_spelling_of_a_name_is_one_that_discord_takes(name: str) -> None:
    for shown in spellings(name):
        assert 1 <= len(shown) <= 80
        assert "discord" not in shown.lower()


# ── reading back, deleting, typing ──────────────────────────────────────────────────────────────────


async def read(rest: Rest, channel: int, after: int = 0) -> tuple:  # type: ignore[type-arg]
    messages = await rest.channel.messages(channel, after=after)
    assert isinstance(messages, tuple)
    return messages


async def test_the_hundred_and_first_message_is_read_too(local: Rest, playground: PlaygroundServer) -> None:
    said = [playground.say("tavern", "Robin", f"Line {number}").id for number in range(102)]
    messages = await read(local, channel_id(playground), after=said[0])
    assert [message.id for message in messages] == said[1:]
    assert requests(playground)[-2:] == [("GET", "messages")] * 2


async def test_two_thousand_messages_are_a_failed_read(local: Rest, playground: PlaygroundServer) -> None:
    for number in range(2_000):
        playground.say("tavern", "Robin", str(number))
    refused = await local.channel.messages(channel_id(playground), after=0)
    assert refused == Refused("too_many_messages", final=True)


async def test_who_said_what_is_read_back(local: Rest, playground: PlaygroundServer) -> None:
    tavern = channel_id(playground)
    playground.say("tavern", "Robin", "💬 Hello?")
    await speak(local, tavern, "Mira", "Through a webhook.")
    await local.voice.send(line(tavern, "In an embed."))
    await local.voice.send(Outbound(OutboundKind.TEXT, tavern, "", "A notice.", "n.1"))
    (webhook,) = playground.webhooks("tavern")
    messages = await read(local, tavern)
    assert [(each.name, each.text, each.is_ours, each.is_bot, each.webhook_id, each.is_embed) for each in messages] == [
        ("Robin", "💬 Hello?", False, False, None, False),
        ("Mira", "Through a webhook.", True, True, webhook.id, False),
        ("Mira", "In an embed.", True, True, None, True),
        ("Ensemble", "A notice.", True, True, None, False),
    ]
    assert [message.id for message in messages] == [shown.id for shown in playground.messages("tavern")]


async def test_a_channel_that_cannot_be_read_is_refused_for_good(local: Rest, playground: PlaygroundServer) -> None:
    playground.permit("VIEW_CHANNEL", False)
    refused = await local.channel.messages(channel_id(playground), after=0)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.status, refused.final) == ("forbidden", 403, True)


async def test_deleting_twice_is_deleting_once(local: Rest, playground: PlaygroundServer) -> None:
    tavern = channel_id(playground)
    sent = await local.voice.send(line(tavern, "Oops."))
    assert isinstance(sent, Posted)
    assert [await local.channel.delete(tavern, sent.message_id, None) for _ in range(2)] == [Deleted()] * 2
    assert playground.messages("tavern") == []


async def test_a_webhooks_line_is_deleted_without_permission_over_messages(
    local: Rest, playground: PlaygroundServer
) -> None:
    tavern = channel_id(playground)
    sent = await speak(local, tavern, "Mira", "Oops.")
    (webhook,) = playground.webhooks("tavern")
    playground.permit("MANAGE_MESSAGES", False)
    assert await local.channel.delete(tavern, sent.message_id, webhook.id) == Deleted()
    assert playground.messages("tavern") == []


async def test_a_lost_webhooks_line_is_deleted_by_the_bot(local: Rest, playground: PlaygroundServer) -> None:
    tavern = channel_id(playground)
    sent = await speak(local, tavern, "Mira", "Oops.")
    (webhook,) = playground.webhooks("tavern")
    playground.delete_webhook(webhook.id)
    assert await local.channel.delete(tavern, sent.message_id, webhook.id) == Deleted()
    assert playground.messages("tavern") == []


async def test_typing_never_fails(local: Rest, playground: PlaygroundServer) -> None:
    tavern = channel_id(playground)
    await local.channel.typing(tavern)
    playground.delete_channel("tavern")
    await local.channel.typing(tavern)
    assert requests(playground) == [("POST", "typing")] * 2
