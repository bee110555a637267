"""The bot's inspector through the page's server: passed on as it comes, with the token that no page has."""

import asyncio
import gc
import json
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from actors.playground import PlaygroundServer

from .test_page_api import Events, keyed
from .wire_client import WireClient

SENT = {"Set-Cookie": "secret=1", "Content-Security-Policy": "default-src 'none'"}


@asynccontextmanager
async def inspector(asked: list[str], tokens: list[str | None] | None = None) -> AsyncIterator[str]:
    """Streams one event, and a second one once a page asks for anything else."""
    go_on = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path_qs if request.method == "GET" else f"{request.method} {await request.text()}")
        if tokens is not None:
            tokens.append(request.headers.get("Authorization"))
        if request.path != "/events":
            go_on.set()
            return web.Response(text="<svg/>", content_type="image/svg+xml", headers=SENT)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"id: 1\nevent: snapshot\ndata: {}\n\n")
        await go_on.wait()
        await response.write(b"id: 2\nevent: move\ndata: {}\n\n")
        return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_the_inspector_is_reached_through_the_page_and_streams(
    server: PlaygroundServer, wire: WireClient
) -> None:
    asked: list[str] = []
    async with inspector(asked) as url, aiohttp.ClientSession(headers=keyed(server)) as http:
        server.inspector_url = url
        async with http.get(f"{server.url}/inspector/events") as answer:
            stream = Events(answer)
            assert (answer.content_type, await stream.next()) == ("text/event-stream", ("snapshot", {}))
            drawing = await wire.request("GET", f"{server.url}/inspector/api/machines/response.svg?size=compact")
            assert (drawing.body, "Set-Cookie" in drawing.headers) == ("<svg/>", False)
            assert drawing.headers["Content-Security-Policy"] == SENT["Content-Security-Policy"]
            assert await stream.next() == ("move", {})
            assert (await wire.control("GET", "inspector/api/machines/response.svg?size=compact")).body == "<svg/>"
            with pytest.raises(EOFError):
                await stream.next()
    assert asked == ["/events", *["/api/machines/response.svg?size=compact"] * 2]


async def test_the_pages_server_has_the_inspectors_token_and_sets_breakpoints_with_it(
    server: PlaygroundServer, wire: WireClient
) -> None:
    asked: list[str] = []
    tokens: list[str | None] = []
    async with inspector(asked, tokens) as url:
        server.inspector_url, server.inspector_token = url, "tok"
        stops = f"{server.url}/inspector/api/breakpoints"
        assert (await wire.request("POST", stops, json={"edge": None})).status == 200
        assert (await wire.request("DELETE", f"{stops}/b1")).status == 200
        assert (await wire.control("GET", "inspector/api/fleet")).status == 200
    assert (asked, tokens) == (['POST {"edge": null}', "DELETE ", "/api/fleet"], ["Bearer tok"] * 3)
    assert "tok" not in json.dumps((await wire.control("GET", "state")).body)


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}])
async def test_another_sites_page_sets_no_breakpoint(
    server: PlaygroundServer, wire: WireClient, headers: dict[str, str]
) -> None:
    asked: list[str] = []
    async with inspector(asked) as url:
        server.inspector_url, server.inspector_token = url, "tok"
        stops = f"{server.url}/inspector/api/breakpoints"
        assert (await wire.request("POST", stops, json={"edge": None}, headers=headers)).status == 403
    assert asked == []


@pytest.mark.parametrize("who", ["the page", "the inspector", "the server"])
async def test_no_connection_to_the_inspector_is_left_to_the_garbage_collector(who: str) -> None:
    """It warned at a time of its own (ResourceWarning: Unclosed connection), in whichever test came then."""
    gc.collect()
    gc.disable()
    try:
        with warnings.catch_warnings(record=True) as left:
            warnings.simplefilter("always", ResourceWarning)
            async with (
                inspector([]) as url,
                PlaygroundServer() as server,
                aiohttp.ClientSession(headers=keyed(server)) as http,
            ):
                server.inspector_url = url
                async with http.get(f"{server.url}/_control/inspector/events") as answer:
                    await Events(answer).next()
                    if who == "the server":
                        await server.stop()
                if who == "the page":
                    async with http.get(f"{server.url}/_control/inspector/api/fleet"):
                        pass  # now it is told more, and finds that the page has gone
            gc.collect()
    finally:
        gc.enable()
    assert [str(each.message) for each in left] == []


async def test_an_inspector_that_is_down_is_an_error_to_who_asks_for_it_and_none_to_the_page(
    server: PlaygroundServer, wire: WireClient
) -> None:
    async with inspector([]) as url:
        server.inspector_url = url
    reply = await wire.request("GET", f"{server.url}/inspector/events")
    assert (reply.status, "check that the bot is running" in reply.body["message"]) == (503, True)
    assert (await wire.control("GET", "inspector/events")).status == 204
