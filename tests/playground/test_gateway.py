"""Connecting, resuming and being thrown out, with the real client."""

import asyncio
import json
from typing import Any

import aiohttp
import discord
import pytest

from actors.playground import PlaygroundServer
from tests.patience import PATIENCE_S

from .client import Bot, all_intents, connected, point_discord_at


async def test_a_client_finds_the_guild_its_channels_and_itself(server: PlaygroundServer, bot: Bot) -> None:
    (guild,) = bot.guilds
    assert (guild.name, [channel.name for channel in guild.text_channels]) == (
        "Playground",
        ["tavern", "station", "library"],
    )
    assert bot.user is not None
    assert (bot.user.name, guild.me.guild_permissions.manage_webhooks) == ("Ensemble", True)


async def test_a_wrong_token_is_refused_by_rest_and_by_the_gateway(server: PlaygroundServer) -> None:
    point_discord_at(server)
    async with Bot(all_intents()) as bot:
        with pytest.raises(discord.LoginFailure):
            await bot.login("wrong")
    async with aiohttp.ClientSession() as session, session.ws_connect(server.gateway_url) as socket:
        await socket.send_json({"op": 2, "d": {"token": "wrong", "intents": 0}})
        async with asyncio.timeout(PATIENCE_S):
            async for _ in socket:
                pass
        assert socket.close_code == 4004


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", 4002),
        ("[]", 4002),
        ('{"op": 99}', 4003),
        ('{"op": 2, "d": 5}', 4004),
        ('{"op": 2, "d": {"token": "TOKEN", "intents": "all", "shard": "first"}}', 4010),
        ('{"op": 1, "d": "' + "x" * 5000 + '"}', 4002),
    ],
)
async def test_a_wrong_frame_closes_with_the_code_for_it(server: PlaygroundServer, frame: str, code: int) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(server.gateway_url) as socket:
        await socket.send_str(frame.replace("TOKEN", server.token))
        async with asyncio.timeout(PATIENCE_S):
            async for _ in socket:
                pass
        assert socket.close_code == code


async def test_an_unknown_session_is_answered_with_op_9(server: PlaygroundServer) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(server.gateway_url) as socket:
        await socket.send_json({"op": 6, "d": {"token": server.token, "session_id": "gone", "seq": 3}})
        async with asyncio.timeout(PATIENCE_S):
            frames = [await socket.receive_json() for _ in range(2)]
    assert [(frame["op"], frame["d"]) for frame in frames[1:]] == [(9, False)]


async def test_without_the_granted_content_intent_the_gateway_refuses(server: PlaygroundServer) -> None:
    server.discord.message_content = False
    point_discord_at(server)
    async with Bot(all_intents()) as bot:
        with pytest.raises(discord.PrivilegedIntentsRequired):
            await bot.start(server.token)


async def test_without_asking_for_content_the_texts_of_others_are_blank(server: PlaygroundServer) -> None:
    async with connected(server, discord.Intents.default()) as bot:
        server.say("tavern", "Robin", "Secret")
        server.say("tavern", "Robin", f"<@{server.discord.bot.id}> Hello")
        heard = [(await bot.seen("message")).content for _ in range(2)]
    assert heard == ["", f"<@{server.discord.bot.id}> Hello"]


async def test_a_resume_replays_what_was_missed_in_order(server: PlaygroundServer, bot: Bot) -> None:
    server.gateway.refusing = True
    server.gateway.close_all()
    await bot.seen("disconnect")
    missed = [server.say("tavern", "Robin", str(number)).content for number in range(3)]
    server.gateway.refusing = False
    await bot.seen("resumed")
    assert [(await bot.seen("message")).content for _ in range(3)] == missed
    assert bot.unseen("message") == 0


async def test_op_7_makes_the_client_resume(server: PlaygroundServer, bot: Bot) -> None:
    server.gateway.ask_reconnect()
    server.say("tavern", "Robin", "Still there?")
    await bot.seen("resumed")
    assert (await bot.seen("message")).content == "Still there?"
    assert bot.unseen("ready") == 0


async def test_op_9_makes_the_client_identify_afresh_and_replays_nothing(server: PlaygroundServer, bot: Bot) -> None:
    server.gateway.invalidate()
    server.say("tavern", "Robin", "Lost")
    await bot.seen("ready")
    server.say("tavern", "Robin", "Heard")
    assert (await bot.seen("message")).content == "Heard"


async def test_a_code_that_forbids_a_return_ends_the_client(server: PlaygroundServer) -> None:
    point_discord_at(server)
    bot = Bot(all_intents())
    running = asyncio.create_task(bot.start(server.token))
    await bot.seen("ready")
    server.gateway.close_all(4004)
    with pytest.raises(discord.ConnectionClosed) as closed:
        await running
    assert closed.value.code == 4004
    await bot.close()


async def test_a_client_that_leaves_is_counted_out(server: PlaygroundServer) -> None:
    async with connected(server):
        await server.gateway.wait_connected()
        assert server.gateway.connected == 1
    await server.gateway.wait_alone()
    assert server.gateway.connected == 0


async def test_each_shard_hears_only_its_own_guilds(server: PlaygroundServer) -> None:
    home = (server.discord.guild.id >> 22) % 2
    sessions = [await identified(server, shard) for shard in (home, 1 - home)]
    server.say("tavern", "Robin", "Hello")
    dm = server.open_dm("Kim")
    server.say(dm.id, "Kim", "Psst")
    heard = [await drained(session) for session in sessions]
    for session in sessions:
        await session.close()
    expected = {home: ["Hello"], 1 - home: []}
    expected[0].append("Psst")
    assert heard == [expected[home], expected[1 - home]]


async def identified(server: PlaygroundServer, shard: int) -> "RawSession":
    session = RawSession(server)
    await session.open(shard)
    return session


async def drained(session: "RawSession") -> list[str]:
    """The texts of all messages so far: a heartbeat's answer comes after everything sent before it."""
    texts: list[str] = []
    await session.send(1, None)
    while (frame := await session.receive())["op"] != 11:
        if frame["t"] == "MESSAGE_CREATE":
            texts.append(frame["d"]["content"])
    return texts


class RawSession:
    """A gateway client that asks for no compression."""

    def __init__(self, server: PlaygroundServer) -> None:
        self._server = server
        self._http = aiohttp.ClientSession()
        self._socket: aiohttp.ClientWebSocketResponse[bool] | None = None

    async def open(self, shard: int) -> None:
        self._socket = await self._http.ws_connect(self._server.gateway_url)
        intents = all_intents().value
        await self.send(2, {"token": self._server.token, "intents": intents, "shard": [shard, 2]})
        while (await self.receive())["t"] != "READY":
            pass

    async def send(self, op: int, body: object) -> None:
        assert self._socket is not None
        await self._socket.send_str(json.dumps({"op": op, "d": body}))

    async def receive(self) -> dict[str, Any]:
        assert self._socket is not None
        async with asyncio.timeout(PATIENCE_S):
            frame: dict[str, Any] = await self._socket.receive_json()
        return frame

    async def close(self) -> None:
        assert self._socket is not None
        await self._socket.close()
        await self._http.close()
