"""Faults by script: the request that they were written for meets them, once, and no other."""

import asyncio
import errno

import aiohttp
import pytest

from actors.playground import READS, PlaygroundServer
from tests.patience import PATIENCE_S

from .client import Bot
from .wire_client import WireClient

SHORT = aiohttp.ClientTimeout(total=0.5)  # long enough for a request to reach its server on a busy machine


def described(server: PlaygroundServer) -> list[str]:
    return [message.description for message in server.messages("tavern")]


async def test_lines_meet_their_faults_in_order_and_once(server: PlaygroundServer, wire: WireClient) -> None:
    server.next_lines("http_503", None, "stored_502")
    assert [(await wire.line(text)).status for text in "abcd"] == [503, 200, 502, 200]
    assert described(server) == ["b", "c", "d"]
    assert [each.fault for each in server.ledger.since(only_lines=True)] == ["http_503", None, "stored_502", None]


async def test_a_sort_of_request_meets_its_own_and_lines_do_not(server: PlaygroundServer, wire: WireClient) -> None:
    server.next_requests(READS, "http_500")
    path = f"/channels/{server.discord.find_channel('tavern').id}/messages"
    assert (await wire.line("Hello")).status == 200
    assert [(await wire.call("GET", path)).status for _ in range(2)] == [500, 200]


async def test_a_refusal_carries_discords_code(server: PlaygroundServer, wire: WireClient) -> None:
    server.next_lines("http_404_10003")
    reply = await wire.line("Hello")
    assert (reply.status, reply.body["code"], described(server)) == (404, 10003, [])


async def test_a_global_limit_says_so_and_the_edges_says_nothing(server: PlaygroundServer, wire: WireClient) -> None:
    server.next_lines("rate_limit_global", "rate_limit_edge")
    everywhere, edge = await wire.line("a"), await wire.line("b")
    assert (everywhere.status, everywhere.body["global"], "Via" in everywhere.headers) == (429, True, True)
    assert (edge.status, edge.headers["Content-Type"][:9], "Via" in edge.headers) == (429, "text/html", False)
    assert edge.headers["Retry-After"] == "0.5"
    assert described(server) == []


async def test_a_reset_is_an_rst_and_stores_nothing(server: PlaygroundServer) -> None:
    server.next_lines("reset")
    channel = server.discord.find_channel("tavern").id
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {server.token}"}) as session:
        body = {"embeds": [{"title": "💬 Mira", "description": "Hello"}]}
        with pytest.raises(aiohttp.ClientOSError) as lost:
            await session.post(f"{server.api_url}/channels/{channel}/messages", json=body)
    assert (lost.value.errno, described(server)) == (errno.ECONNRESET, [])


@pytest.mark.parametrize(("kind", "stored"), [("silence", []), ("stored_silence", ["Hello"])])
async def test_silence_is_no_answer_at_all(
    server: PlaygroundServer, wire: WireClient, kind: str, stored: list[str]
) -> None:
    server.next_lines(kind)
    path = f"/channels/{server.discord.find_channel('tavern').id}/messages"
    body = {"embeds": [{"title": "💬 Mira", "description": "Hello"}]}
    with pytest.raises(TimeoutError):
        await wire.call("POST", path, body, timeout=SHORT)
    assert described(server) == stored


async def test_a_broken_body_comes_after_the_line_was_stored(server: PlaygroundServer, wire: WireClient) -> None:
    server.next_lines("stored_broken")
    with pytest.raises(ValueError):
        await wire.line("Hello")
    assert described(server) == ["Hello"]


async def test_an_unknown_kind_is_named(server: PlaygroundServer, wire: WireClient) -> None:
    with pytest.raises(ValueError, match=r"unknown fault 'tea'; known: .*reset"):
        server.next_lines("tea")
    told = await wire.control("POST", "script", {"faults": ["tea"]})
    assert (told.status, "unknown fault 'tea'" in told.body["message"]) == (400, True)


async def test_the_control_api_writes_a_script(server: PlaygroundServer, wire: WireClient) -> None:
    assert (await wire.control("POST", "script", {"faults": [None, "http_500"]})).status == 204
    assert (await wire.control("POST", "script", {"faults": ["http_502"], "requests": READS})).status == 204
    assert [(await wire.line(text)).status for text in "ab"] == [200, 500]
    path = f"/channels/{server.discord.find_channel('tavern').id}/messages"
    assert (await wire.call("GET", path)).status == 502


async def test_connections_are_refused_until_they_are_accepted_again(
    server: PlaygroundServer, bot: Bot, wire: WireClient
) -> None:
    assert (await wire.line("a")).status == 200
    await server.refuse_connections()
    assert (await wire.call("GET", "/users/@me")).status is None
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    server.say("tavern", "Robin", "The gateway's connection stays.")
    assert (await bot.seen("message")).embeds[0].description == "a"
    assert (await bot.seen("message")).content == "The gateway's connection stays."
    await server.accept_connections()
    async with asyncio.timeout(PATIENCE_S):
        assert (await wire.line("b")).status == 200


async def test_an_event_of_ones_own_making_reaches_the_client(server: PlaygroundServer, bot: Bot) -> None:
    author = {"id": "7", "username": "Nobody"}
    channel = str(server.discord.find_channel("tavern").id)
    server.gateway.dispatch("TYPING_START", {"channel_id": channel, "user_id": author["id"], "timestamp": 1})
    assert (await bot.seen("raw_typing")).user_id == 7
