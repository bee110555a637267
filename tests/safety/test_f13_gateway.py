"""F13 and F2: whoever only connects cannot keep the playground from answering."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import islice

import aiohttp
import pytest

from actors.playground import PlaygroundServer
from actors.playground.connections import Bounds
from actors.playground.feed import PAGES_MAX
from tests.patience import PATIENCE_S

FEW = Bounds(connections=8, head_s=0.2, keepalive_s=0.2)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        yield http


@asynccontextmanager
async def connected(server: PlaygroundServer, sent: bytes) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    writer.write(sent)
    yield reader
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(PATIENCE_S):
        with suppress(ConnectionError):
            return await reader.read()
    return b""


async def state_of(server: PlaygroundServer, http: aiohttp.ClientSession) -> int:
    async with http.get(f"{server.url}/_control/state", headers={"Authorization": f"Bot {server.token}"}) as answer:
        return answer.status


HALF_HEADS = {"nothing": b"", "a word": b"GET / HT", "a head": b"GET / HTTP/1.1\r\nHost: 127"}


@pytest.mark.parametrize("sent", HALF_HEADS.values(), ids=HALF_HEADS)
async def test_a_head_that_does_not_come_is_waited_for_a_while(sent: bytes) -> None:
    async with PlaygroundServer(bounds=FEW) as server, connected(server, sent) as reader:
        assert await until_closed(reader) == b""


async def test_connections_too_many_are_refused_and_the_others_go_on(http: aiohttp.ClientSession) -> None:
    bounds = Bounds(connections=8, head_s=PATIENCE_S)
    async with PlaygroundServer(bounds=bounds) as server, AsyncExitStack() as stack:
        assert await state_of(server, http) == 200
        idle = [await stack.enter_async_context(connected(server, b"")) for _ in range(30)]
        async with asyncio.timeout(PATIENCE_S):
            refused = [asyncio.ensure_future(until_closed(each)) for each in idle]
            for ended in islice(asyncio.as_completed(refused), 23):  # one connection is the client's own
                await ended
        assert await state_of(server, http) == 200
        assert sum(each.done() for each in refused) == 23
        for each in refused:
            each.cancel()


async def test_a_connection_without_requests_ends(http: aiohttp.ClientSession) -> None:
    async with PlaygroundServer(bounds=FEW) as server:
        head = f"GET /_control/state HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bot {server.token}\r\n\r\n"
        async with connected(server, head.encode()) as reader:
            assert (await until_closed(reader)).startswith(b"HTTP/1.1 200 OK")


async def test_a_client_that_does_not_identify_is_closed(http: aiohttp.ClientSession) -> None:
    async with (
        PlaygroundServer(bounds=Bounds(identify_s=0.05)) as server,
        http.ws_connect(server.gateway_url) as socket,
    ):
        async with asyncio.timeout(PATIENCE_S):
            kinds = [message.type async for message in socket]
        assert kinds == [aiohttp.WSMsgType.TEXT]  # HELLO
        assert socket.close_code == 4003


async def test_sockets_too_many_are_refused(http: aiohttp.ClientSession) -> None:
    async with PlaygroundServer() as server, AsyncExitStack() as stack:
        for _ in range(Bounds().sockets):
            await stack.enter_async_context(http.ws_connect(server.gateway_url))
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await stack.enter_async_context(http.ws_connect(server.gateway_url))


async def test_pages_too_many_are_told_so(http: aiohttp.ClientSession) -> None:
    own = {"Authorization": "Bearer "}
    async with PlaygroundServer() as server, AsyncExitStack() as stack:
        own["Authorization"] += server.gate.key
        url = f"{server.url}/_control/events"
        answers = [await stack.enter_async_context(http.get(url, headers=own)) for _ in range(PAGES_MAX + 1)]
        assert [answer.status for answer in answers] == [200] * PAGES_MAX + [503]
        assert (await answers[-1].json())["message"] == "too many pages are open: close one, then reload"


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:1", "null"])
async def test_another_sites_page_opens_no_socket(http: aiohttp.ClientSession, origin: str) -> None:
    async with PlaygroundServer() as server:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            async with http.ws_connect(server.gateway_url, headers={"Origin": origin}):
                pytest.fail("it was let in")
