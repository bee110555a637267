"""What the guild calls people: in events, over REST, and not at all in a message that is read back."""

import discord
import pytest

from actors.playground import PlaygroundServer

from .client import Bot
from .wire_client import WireClient


async def test_a_nickname_is_in_the_event_and_in_the_member_and_not_in_the_message_over_rest(
    server: PlaygroundServer, bot: Bot
) -> None:
    server.name_member("Robin", "Captain", global_name="Bobbin")
    said = server.say("tavern", "Robin", "Hello?")
    message = await bot.seen("message")
    assert (message.author.display_name, message.author.global_name, said.author) == ("Captain", "Bobbin", "Captain")
    read = await bot.channel(server, "tavern").fetch_message(said.id)
    assert read.author.display_name == "Bobbin"
    member = await message.guild.fetch_member(message.author.id)
    assert (member.nick, member.display_name) == ("Captain", "Captain")


async def test_who_has_left_is_no_member_and_may_come_back(server: PlaygroundServer, bot: Bot) -> None:
    guild = bot.channel(server, "tavern").guild
    robin = server.leave("Robin")
    with pytest.raises(discord.NotFound) as refused:
        await guild.fetch_member(robin.id)
    assert refused.value.code == 10007
    server.leave("Robin", left=False)
    assert (await guild.fetch_member(robin.id)).nick is None


async def test_members_of_another_guild_and_strangers_are_unknown(server: PlaygroundServer, wire: WireClient) -> None:
    robin, guild = server.discord.find_user("Robin").id, server.discord.guild.id
    for path, code in ((f"/guilds/1/members/{robin}", 10004), (f"/guilds/{guild}/members/1", 10007)):
        reply = await wire.call("GET", path)
        assert (reply.status, reply.body["code"]) == (404, code)


async def test_the_control_api_names_members_and_lets_them_leave(server: PlaygroundServer, wire: WireClient) -> None:
    robin = server.discord.find_user("Robin").id
    reply = await wire.control("PUT", "members", {"user": "Robin", "nick": "Captain", "global_name": "Bobbin"})
    assert (reply.status, reply.body["nick"], reply.body["global_name"]) == (200, "Captain", "Bobbin")
    await wire.control("PUT", "members", {"user": "Robin", "has_left": True})
    user = server.discord.user(robin)
    assert (user.nick, user.global_name, user.has_left) == (None, "Bobbin", True)


async def test_f4_the_control_api_gives_and_takes_the_role_of_moderators(
    server: PlaygroundServer, bot: Bot, wire: WireClient
) -> None:
    guild, sam = bot.channel(server, "tavern").guild, server.discord.find_user("Sam")
    for moderates in (True, False):
        await wire.control("PUT", "members", {"user": "Sam", "moderates": moderates})
        member = await guild.fetch_member(sam.id)
        assert bot.channel(server, "tavern").permissions_for(member).manage_messages is moderates
