"""Webhooks as discord.py makes, uses and deletes them."""

import base64

import aiohttp
import discord
import pytest

from actors.playground import PlaygroundServer, Voice

from .client import Bot
from .wire_client import WireClient

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def test_a_webhook_speaks_under_its_own_name_or_another(server: PlaygroundServer, bot: Bot) -> None:
    webhook = await bot.channel(server, "tavern").create_webhook(name="Mira")
    own = await webhook.send("Sit down.", wait=True)
    other = await webhook.send("No.", username="Tobias", wait=True)
    rows = [(each.id, each.voice, each.author, each.webhook_id) for each in server.messages("tavern")]
    assert rows == [
        (own.id, Voice.WEBHOOK, "Mira", webhook.id),
        (other.id, Voice.WEBHOOK, "Tobias", webhook.id),
    ]
    heard = await bot.seen("message")
    assert (heard.webhook_id, heard.author.name, heard.content) == (webhook.id, "Mira", "Sit down.")


async def test_without_wait_the_answer_is_empty_and_the_message_is_there(server: PlaygroundServer, bot: Bot) -> None:
    webhook = await bot.channel(server, "tavern").create_webhook(name="Mira")
    await webhook.send("Sit down.")
    assert [each.content for each in server.messages("tavern")] == ["Sit down."]
    assert server.ledger.since(only_lines=True)[0].status == 204


async def test_a_webhook_speaks_in_a_thread_of_its_channel_only(server: PlaygroundServer, bot: Bot) -> None:
    webhook = await bot.channel(server, "tavern").create_webhook(name="Mira")
    near, far = server.add_thread("tavern", "Near", "Sam"), server.add_thread("station", "Far", "Sam")
    sent = await webhook.send("Here", thread=discord.Object(near.id), wait=True)
    with pytest.raises(discord.NotFound) as refused:
        await webhook.send("There", thread=discord.Object(far.id), wait=True)
    assert refused.value.code == 10003
    assert [each.id for each in server.messages("Near")] == [sent.id]
    await webhook.edit_message(sent.id, content="Here!", thread=discord.Object(near.id))
    await webhook.delete_message(sent.id, thread=discord.Object(near.id))
    assert (server.messages("Near"), server.messages("Far"), server.messages("tavern")) == ([], [], [])


async def test_a_webhooks_message_is_fetched_edited_and_deleted(server: PlaygroundServer, bot: Bot) -> None:
    webhook = await bot.channel(server, "tavern").create_webhook(name="Mira")
    sent = await webhook.send("Helo", wait=True)
    assert (await webhook.fetch_message(sent.id)).content == "Helo"
    await sent.edit(content="Hello")
    assert [(each.content, each.edited) for each in server.messages("tavern")] == [("Hello", True)]
    await sent.delete()
    with pytest.raises(discord.NotFound) as missing:
        await webhook.fetch_message(sent.id)
    assert missing.value.code == 10008


async def test_one_webhook_cannot_touch_the_messages_of_another(server: PlaygroundServer, bot: Bot) -> None:
    channel = bot.channel(server, "tavern")
    mira, tobias = await channel.create_webhook(name="Mira"), await channel.create_webhook(name="Tobias")
    sent = await mira.send("Mine", wait=True)
    with pytest.raises(discord.NotFound) as refused:
        await tobias.delete_message(sent.id)
    assert refused.value.code == 10008


@pytest.mark.parametrize("name", ["Clyde", "my DISCORD friend", "x" * 81, " "])
async def test_a_forbidden_name_is_refused_for_the_webhook_and_for_one_message(
    server: PlaygroundServer, bot: Bot, name: str
) -> None:
    channel = bot.channel(server, "tavern")
    with pytest.raises(discord.HTTPException) as refused:
        await channel.create_webhook(name=name)
    webhook = await channel.create_webhook(name="Mira")
    with pytest.raises(discord.HTTPException) as refused_once:
        await webhook.send("Hi", username=name, wait=True)
    assert (refused.value.status, refused_once.value.status) == (400, 400)
    assert server.messages("tavern") == []


async def test_the_sixteenth_webhook_is_refused(server: PlaygroundServer, bot: Bot) -> None:
    channel = bot.channel(server, "tavern")
    for number in range(15):
        await channel.create_webhook(name=f"Voice {number}")
    with pytest.raises(discord.HTTPException) as refused:
        await channel.create_webhook(name="One more")
    assert (refused.value.status, refused.value.code) == (400, 30007)


async def test_a_deleted_webhook_is_unknown(server: PlaygroundServer, bot: Bot) -> None:
    webhook = await bot.channel(server, "tavern").create_webhook(name="Mira")
    await bot.seen("webhooks_update")
    server.delete_webhook(webhook.id)
    assert (await bot.seen("webhooks_update")).name == "tavern"
    with pytest.raises(discord.NotFound) as refused:
        await webhook.send("Hi", wait=True)
    assert refused.value.code == 10015


async def test_the_bot_deletes_its_webhook_by_id_and_by_token(server: PlaygroundServer, bot: Bot) -> None:
    channel = bot.channel(server, "tavern")
    await (await channel.create_webhook(name="Mira")).delete(prefer_auth=True)
    await (await channel.create_webhook(name="Tobias")).delete(prefer_auth=False)
    assert await channel.webhooks() == []


async def test_a_wrong_webhook_token_is_refused(server: PlaygroundServer, bot: Bot) -> None:
    webhook = await bot.channel(server, "tavern").create_webhook(name="Mira")
    async with aiohttp.ClientSession() as session:
        stranger = discord.Webhook.partial(webhook.id, "x" * 68, session=session)
        with pytest.raises(discord.HTTPException) as refused:
            await stranger.send("Hi", wait=True)
    assert (refused.value.status, refused.value.code) == (401, 50027)


async def test_an_uploaded_picture_is_served_and_named_on_its_messages(server: PlaygroundServer, bot: Bot) -> None:
    webhook = await bot.channel(server, "tavern").create_webhook(name="Mira", avatar=PNG)
    sent = await webhook.send("Hi", wait=True)
    assert sent.author.avatar is not None
    async with aiohttp.ClientSession() as session:
        url = f"{server.url}/avatars/{webhook.id}/{sent.author.avatar.key}"
        async with session.get(url) as answer:
            assert (answer.content_type, await answer.read()) == ("image/png", PNG)


async def test_direct_conversations_have_no_webhooks(server: PlaygroundServer, bot: Bot) -> None:
    dm = server.open_dm("Kim")
    with pytest.raises(discord.Forbidden) as refused:
        await bot.http.create_webhook(dm.id, name="Mira")
    assert refused.value.code == 50003


async def test_a_webhooks_answer_can_carry_a_button(server: PlaygroundServer, bot: Bot) -> None:
    webhook = await bot.channel(server, "tavern").create_webhook(name="Mira")
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="Retry", custom_id="retry:1"))
    sent = await webhook.send("Failed", view=view, wait=True)
    assert len(sent.components) == 1


# ── moved by a moderator ────────────────────────────────────────────────────────────────────────────


async def test_a_moved_webhook_posts_into_the_other_channel_and_both_are_told(
    server: PlaygroundServer, bot: Bot
) -> None:
    webhook = await bot.channel(server, "tavern").create_webhook(name="Mira")
    await bot.seen("webhooks_update")
    server.move_webhook(webhook.id, "station")
    told = {(await bot.seen("webhooks_update")).name for _ in range(2)}
    sent = await webhook.send("Where am I?", wait=True)
    assert told == {"tavern", "station"}
    assert sent.channel.id == server.discord.find_channel("station").id
    assert [each.content for each in server.messages("station")] == ["Where am I?"]
    assert server.messages("tavern") == []


async def test_a_moved_webhook_is_listed_where_it_is_and_says_so_by_its_token(
    server: PlaygroundServer, bot: Bot
) -> None:
    tavern, station = bot.channel(server, "tavern"), bot.channel(server, "station")
    webhook = await tavern.create_webhook(name="Mira")
    server.move_webhook(webhook.id, "station")
    assert (await tavern.webhooks(), [each.id for each in await station.webhooks()]) == ([], [webhook.id])
    assert (await webhook.fetch(prefer_auth=False)).channel_id == station.id


async def test_a_moved_webhook_speaks_in_no_thread_of_the_channel_that_it_left(
    server: PlaygroundServer, bot: Bot
) -> None:
    webhook = await bot.channel(server, "tavern").create_webhook(name="Mira")
    cellar = server.add_thread("tavern", "Cellar", "Sam")
    server.move_webhook(webhook.id, "station")
    with pytest.raises(discord.NotFound) as refused:
        await webhook.send("Down here", thread=discord.Object(cellar.id), wait=True)
    assert refused.value.code == 10003
    assert server.messages() == []


async def test_a_moved_webhook_reaches_none_of_the_messages_that_it_left_behind(
    server: PlaygroundServer, bot: Bot
) -> None:
    webhook = await bot.channel(server, "tavern").create_webhook(name="Mira")
    sent = await webhook.send("Mine", wait=True)
    server.move_webhook(webhook.id, "station")
    with pytest.raises(discord.NotFound) as refused:
        await webhook.delete_message(sent.id)
    assert refused.value.code == 10008
    assert [each.content for each in server.messages("tavern")] == ["Mine"]


async def test_a_bot_that_may_manage_webhooks_in_both_channels_moves_them(server: PlaygroundServer, bot: Bot) -> None:
    station = bot.channel(server, "station")
    webhook = await bot.channel(server, "tavern").create_webhook(name="Mira")
    assert (await webhook.edit(channel=station)).channel_id == station.id
    server.permit("MANAGE_WEBHOOKS", False, channel="library")
    with pytest.raises(discord.Forbidden):
        await webhook.edit(channel=bot.channel(server, "library"))
    assert [each.id for each in server.webhooks("station")] == [webhook.id]


async def test_no_webhook_is_moved_into_a_full_channel_or_a_thread(server: PlaygroundServer, wire: WireClient) -> None:
    discord = server.discord
    webhook = discord.add_webhook(discord.find_channel("tavern"), "Mira", None)
    cellar = server.add_thread("tavern", "Cellar", "Sam")
    for number in range(15):
        discord.add_webhook(discord.find_channel("station"), f"Voice {number}", None)
    answers = [
        await wire.control("PATCH", f"webhooks/{webhook.id}", {"channel": channel})
        for channel in ("station", str(cellar.id), "library")
    ]
    assert [answer.status for answer in answers] == [400, 400, 204]
    assert [answer.body["code"] for answer in answers[:2]] == [30007, 50024]
    assert [each.id for each in server.webhooks("library")] == [webhook.id]
