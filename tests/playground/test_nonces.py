"""The nonce window: the same nonce makes one message."""

import discord
import pytest

from actors.playground import PlaygroundServer

from .client import Bot, connected


async def post(bot: Bot, server: PlaygroundServer, text: str, nonce: str, channel: str = "tavern") -> int:
    """Sends with a nonce of our own; discord.py adds `enforce_nonce`."""
    return (await bot.channel(server, channel).send(text, nonce=nonce)).id


async def test_a_nonce_seen_before_returns_the_first_message(server: PlaygroundServer, bot: Bot) -> None:
    first = await post(bot, server, "Once", "n1")
    second = await post(bot, server, "Twice", "n1")
    assert first == second
    assert [each.content for each in server.messages("tavern")] == ["Once"]


async def test_another_nonce_makes_another_message(server: PlaygroundServer, bot: Bot) -> None:
    assert await post(bot, server, "Once", "n1") != await post(bot, server, "Once", "n2")


async def test_without_enforcement_the_same_nonce_makes_two(server: PlaygroundServer, bot: Bot) -> None:
    route = discord.http.Route("POST", "/channels/{channel_id}/messages", channel_id=bot.channel(server, "tavern").id)
    for _ in range(2):
        await bot.http.request(route, json={"content": "Again", "nonce": "n1"})
    assert len(server.messages("tavern")) == 2


async def test_a_nonce_is_forgotten_after_its_window() -> None:
    time_s = [1_700_000_000.0]
    async with PlaygroundServer(now=lambda: time_s[0], nonce_window_s=60) as server, connected(server) as bot:
        first = await post(bot, server, "Once", "n1")
        time_s[0] += 59
        assert await post(bot, server, "Once", "n1") == first
        time_s[0] += 2
        assert await post(bot, server, "Once", "n1") != first


async def test_the_nonce_of_a_deleted_message_answers_unknown_message(server: PlaygroundServer, bot: Bot) -> None:
    server.delete(await post(bot, server, "Once", "n1"))
    with pytest.raises(discord.NotFound) as refused:
        await post(bot, server, "Once", "n1")
    assert refused.value.code == 10008
    assert server.messages("tavern") == []


async def test_a_nonce_of_more_than_25_characters_is_refused(server: PlaygroundServer, bot: Bot) -> None:
    with pytest.raises(discord.HTTPException) as refused:
        await post(bot, server, "Once", "n" * 26)
    assert (refused.value.status, refused.value.code) == (400, 50035)
