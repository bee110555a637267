"""Permissions, tokens, wrong requests and rate limits: Discord's own words."""

import io

import discord
import pytest

from actors.playground import DISCORD_LIMITS, PlaygroundServer

from .client import Bot
from .wire_client import WireClient


@pytest.mark.parametrize(
    ("permission", "code"), [("SEND_MESSAGES", 50013), ("VIEW_CHANNEL", 50001), ("send_messages", 50013)]
)
async def test_without_the_permission_a_send_is_refused_there_only(
    server: PlaygroundServer, bot: Bot, permission: str, code: int
) -> None:
    server.permit(permission, False, channel="tavern")
    with pytest.raises(discord.Forbidden) as refused:
        await bot.channel(server, "tavern").send("Hello")
    assert refused.value.code == code
    await bot.channel(server, "station").send("Hello")
    server.permit(permission, True, channel="tavern")
    await bot.channel(server, "tavern").send("Hello")


async def test_a_lost_permission_is_known_to_the_client_and_refused(server: PlaygroundServer, bot: Bot) -> None:
    server.permit("MANAGE_WEBHOOKS", False)
    await bot.seen("guild_role_update")
    channel = bot.channel(server, "tavern")
    assert not channel.permissions_for(channel.guild.me).manage_webhooks
    with pytest.raises(discord.Forbidden) as refused:
        await channel.create_webhook(name="Mira")
    assert refused.value.code == 50013


async def test_a_permission_lost_in_one_channel_is_known_to_the_client(server: PlaygroundServer, bot: Bot) -> None:
    server.permit("MANAGE_WEBHOOKS", False, channel="tavern")
    await bot.seen("guild_channel_update")
    allowed = {
        name: bot.channel(server, name).permissions_for(bot.guilds[0].me).manage_webhooks
        for name in ("tavern", "station")
    }
    assert allowed == {"tavern": False, "station": True}


async def test_deleting_what_others_said_needs_a_permission(server: PlaygroundServer, bot: Bot) -> None:
    server.permit("MANAGE_MESSAGES", False)
    server.say("tavern", "Robin", "Mine")
    message = await bot.seen("message")
    with pytest.raises(discord.Forbidden) as refused:
        await message.delete()
    server.permit("MANAGE_MESSAGES", True)
    await message.delete()
    assert (refused.value.code, server.messages("tavern")) == (50013, [])


async def test_without_the_history_permission_a_page_is_empty(server: PlaygroundServer, bot: Bot) -> None:
    server.say("tavern", "Robin", "Hello")
    server.permit("READ_MESSAGE_HISTORY", False)
    assert [each async for each in bot.channel(server, "tavern").history()] == []


async def test_a_thread_has_the_permissions_of_its_channel(server: PlaygroundServer, wire: WireClient) -> None:
    server.add_thread("tavern", "Aside", "Sam")
    server.permit("EMBED_LINKS", False, channel="tavern")
    reply = await wire.line("Hello", channel="Aside")
    assert (reply.status, reply.body) == (403, {"message": "Missing Permissions", "code": 50013})


async def test_a_thread_takes_the_permission_for_threads_and_not_that_for_channels(
    server: PlaygroundServer, wire: WireClient
) -> None:
    server.add_thread("tavern", "Aside", "Sam")
    server.permit("SEND_MESSAGES", False, channel="tavern")
    in_thread, in_channel = await wire.line("Hello", channel="Aside"), await wire.line("Hello")
    server.permit("SEND_MESSAGES", True, channel="tavern")
    server.permit("SEND_MESSAGES_IN_THREADS", False, channel="Aside")
    without = await wire.line("Hello", channel="Aside")
    assert [(reply.status, reply.body.get("code")) for reply in (in_thread, in_channel, without)] == [
        (200, None),
        (403, 50013),
        (403, 50013),
    ]


@pytest.mark.parametrize(
    ("archived", "locked", "code"), [(True, True, 50083), (False, True, 160005), (True, False, None)]
)
async def test_a_closed_thread_refuses_everybody_and_one_that_is_archived_alone_wakes_up(
    server: PlaygroundServer, wire: WireClient, bot: Bot, archived: bool, locked: bool, code: int | None
) -> None:
    thread = server.add_thread("tavern", "Aside", "Sam")
    webhook = server.discord.add_webhook(server.discord.find_channel("tavern"), "Mira", None)
    said = server.say("Aside", "Robin", "Before.")
    server.close_thread("Aside", archived=archived, locked=locked)
    await bot.seen("raw_thread_update")
    delete = f"/channels/{thread.id}/messages/{said.id}"
    deleted = await wire.call("DELETE", delete)
    assert deleted.body["code"] == (50083 if archived else 160005)
    path = f"/webhooks/{webhook.id}/{webhook.token}?thread_id={thread.id}&wait=1"
    for reply in (await wire.line("Hello", channel="Aside"), await wire.call("POST", path, {"content": "Hi"})):
        assert reply.body.get("code") == code
    assert server.discord.channel(thread.id).archived is (code == 50083)
    server.open_thread("Aside")
    assert (await wire.line("Again", channel="Aside")).status == 200


async def test_a_bot_that_was_removed_sees_nothing_and_is_told_nothing(
    server: PlaygroundServer, wire: WireClient, bot: Bot
) -> None:
    webhook = server.discord.add_webhook(server.discord.find_channel("tavern"), "Mira", None)
    server.discord.remove_bot()
    assert (await bot.seen("guild_remove")).id == server.discord.guild.id
    server.say("tavern", "Robin", "Is anybody here?")
    replies = [
        await wire.line("Hello"),
        await wire.call("GET", f"/channels/{server.discord.find_channel('tavern').id}/messages"),
        await wire.call("POST", f"/webhooks/{webhook.id}/{webhook.token}", {"content": "Hi"}),
    ]
    assert [(reply.status, reply.body["code"]) for reply in replies] == [(403, 50001), (403, 50001), (404, 10015)]
    server.discord.invite_bot()
    server.say("tavern", "Robin", "There you are.")
    assert (await bot.seen("message")).content == "There you are."
    assert (await wire.line("Hello")).status == 200


async def test_in_an_outage_the_guild_is_unavailable_and_stays_the_bots(
    server: PlaygroundServer, wire: WireClient, bot: Bot
) -> None:
    server.discord.set_outage(True)
    assert (await bot.seen("guild_unavailable")).id == server.discord.guild.id
    assert (await wire.line("Hello")).status == 503
    server.gateway.invalidate()
    await bot.seen("ready")
    assert [guild.unavailable for guild in bot.guilds] == [True]
    server.discord.set_outage(False)
    await bot.seen("guild_available")
    assert (await wire.line("Hello")).status == 200


@pytest.mark.parametrize("are_named", [True, False])
async def test_refused_words_are_refused_wherever_a_webhook_is_named(
    server: PlaygroundServer, bot: Bot, are_named: bool
) -> None:
    channel = bot.channel(server, "tavern")
    webhook = await channel.create_webhook(name="Mira")
    server.refuse_names("here", are_named=are_named)
    with pytest.raises(discord.HTTPException) as made:
        await channel.create_webhook(name="Heretic")
    with pytest.raises(discord.HTTPException) as said:
        await webhook.send("Hello", username="Heretic")
    assert [(each.value.code, '"here"' in each.value.text) for each in (made, said)] == [(50035, are_named)] * 2
    server.refuse_names()
    await webhook.send("Hello", username="Heretic")


@pytest.mark.parametrize("name", ["everyone", "Here"])
async def test_a_name_that_pings_is_refused_whole(server: PlaygroundServer, bot: Bot, name: str) -> None:
    with pytest.raises(discord.HTTPException, match="cannot be"):
        await bot.channel(server, "tavern").create_webhook(name=name)
    await bot.channel(server, "tavern").create_webhook(name=f"{name} too")


async def test_a_deleted_channel_is_unknown_with_its_threads_and_webhooks(server: PlaygroundServer, bot: Bot) -> None:
    channel = bot.channel(server, "tavern")
    thread = server.add_thread("tavern", "Aside", "Sam")
    webhook = await channel.create_webhook(name="Mira")
    server.delete_channel("tavern")
    assert (await bot.seen("guild_channel_delete")).name == "tavern"
    with pytest.raises(discord.NotFound) as gone:
        await channel.send("Hello")
    with pytest.raises(discord.NotFound) as thread_gone:
        await bot.fetch_channel(thread.id)
    with pytest.raises(discord.NotFound) as webhook_gone:
        await webhook.send("Hello", wait=True)
    assert (gone.value.code, thread_gone.value.code, webhook_gone.value.code) == (10003, 10003, 10015)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing/here", 404, 0),
        ("GET", "/channels/1", 404, 10003),
        ("GET", "/channels/tavern", 400, 50035),
        ("GET", "/users/1", 404, 10013),
        ("GET", "/webhooks/1", 404, 10015),
        ("PUT", "/applications/1/guilds/1/commands", 400, 50035),
    ],
)
async def test_what_does_not_exist_is_named(wire: WireClient, method: str, path: str, status: int, code: int) -> None:
    reply = await wire.call(method, path)
    assert (reply.status, reply.body["code"]) == (status, code)
    assert reply.headers["Content-Type"] == "application/json"


async def test_a_wrong_token_and_a_broken_body_are_refused(server: PlaygroundServer, wire: WireClient) -> None:
    me = await wire.call("GET", "/users/@me", headers={"Authorization": "Bot wrong"})
    path = f"{server.api_url}/channels/{server.discord.find_channel('tavern').id}/messages"
    broken = await wire.request("POST", path, data=b"{", headers={"Content-Type": "application/json"})
    assert (me.status, me.body) == (401, {"message": "401: Unauthorized", "code": 0})
    assert (broken.status, broken.body["code"]) == (400, 50109)


async def test_a_body_beyond_the_upload_limit_is_refused(server: PlaygroundServer, wire: WireClient) -> None:
    path = f"{server.api_url}/channels/{server.discord.find_channel('tavern').id}/messages"
    reply = await wire.request("POST", path, data=io.BytesIO(bytes(10 * 1024 * 1024 + 1)))
    assert (reply.status, reply.body["code"]) == (413, 40005)


async def test_unknown_fields_are_ignored(server: PlaygroundServer, wire: WireClient) -> None:
    path = f"/channels/{server.discord.find_channel('tavern').id}/messages"
    assert (await wire.call("POST", path, {"content": "Hi", "mood": "good"})).status == 200


async def test_every_answer_carries_its_limits(wire: WireClient) -> None:
    replies = [await wire.call("GET", "/users/@me") for _ in range(2)]
    names = ("Limit", "Remaining", "Reset-After", "Bucket")
    assert all(f"X-RateLimit-{name}" in reply.headers for reply in replies for name in names)
    left = [int(reply.headers["X-RateLimit-Remaining"]) for reply in replies]
    assert left[0] - left[1] == 1


async def test_discords_own_limits_hold_per_channel_and_end() -> None:
    time_s = [1_700_000_000.0]
    async with (
        PlaygroundServer(limits=DISCORD_LIMITS, now=lambda: time_s[0]) as server,
        WireClient(server) as wire,
    ):
        statuses = [(await wire.line(str(number))).status for number in range(6)]
        other = await wire.line("elsewhere", channel="station")
        limited = await wire.line("again")
        time_s[0] += limited.body["retry_after"]
        after = await wire.line("now")
    assert statuses == [200] * 5 + [429]
    assert (other.status, limited.status, after.status) == (200, 429, 200)
    assert limited.body == {"message": "You are being rate limited.", "retry_after": 5.0, "global": False}
    assert limited.headers["X-RateLimit-Remaining"] == "0"


async def test_a_webhook_is_limited_by_the_minute_as_well() -> None:
    time_s = [1_700_000_000.0]
    async with (
        PlaygroundServer(limits=DISCORD_LIMITS, now=lambda: time_s[0]) as server,
        WireClient(server) as wire,
    ):
        webhook = server.discord.add_webhook(server.discord.find_channel("tavern"), "Mira", None)
        statuses = []
        for number in range(31):
            path = f"/webhooks/{webhook.id}/{webhook.token}"
            statuses.append((await wire.call("POST", path, {"content": str(number)})).status)
            time_s[0] += 0.5
    assert statuses == [204] * 30 + [429]


async def test_the_limit_for_everything_is_global() -> None:
    time_s = [1_700_000_000.0]
    async with (
        PlaygroundServer(limits=DISCORD_LIMITS, now=lambda: time_s[0]) as server,
        WireClient(server) as wire,
    ):
        ids = [channel.id for channel in server.discord.channels.values()]
        replies = [await wire.call("GET", f"/channels/{ids[number % 3]}") for number in range(51)]
    assert [reply.status for reply in replies] == [200] * 50 + [429]
    assert (replies[-1].body["global"], replies[-1].headers["X-RateLimit-Global"]) == (True, "true")
