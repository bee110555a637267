"""F12: the playground is steered and read only by who started it, who has the key of this start."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest

from actors.playground import PlaygroundServer

OWN = ("/", "/page/main.js", "/_control/state", "/_control/messages?channel=tavern", "/_control/requests")
PATHS = (
    *OWN,
    "/_control/events",
    "/_control/cards",
    "/_control/inspector/",
    "/inspector/",
    "/inspector/events",
    "/nothing",
)


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[PlaygroundServer]:
    async with PlaygroundServer() as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    # aiohttp keeps no cookie of an address without a name by itself.
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield http


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer wrong"}, {"Cookie": "ensemble_playground=x"}])
async def test_who_has_no_key_gets_nothing(
    server: PlaygroundServer, http: aiohttp.ClientSession, path: str, given: dict[str, str]
) -> None:
    async with http.get(server.url + path, headers=given, allow_redirects=False) as answer:
        body = await answer.json()
        assert (answer.status, list(body)) == (403, ["message"])
        assert "open the address that `play` printed" in body["message"]
        assert server.token not in str(body)


async def test_a_stranger_cannot_kill_the_bot_or_speak(server: PlaygroundServer, http: aiohttp.ClientSession) -> None:
    said = {"channel": "tavern", "user": "Robin", "text": "Hello?"}
    for path, body in (("bot", {"do": "kill"}), ("messages", said), ("faults", {"faults": []})):
        async with http.post(f"{server.url}/_control/{path}", json=body) as answer:
            assert answer.status == 403
    assert server.messages("tavern") == []


async def test_a_browser_without_the_key_is_told_what_to_open(
    server: PlaygroundServer, http: aiohttp.ClientSession
) -> None:
    async with http.get(server.url + "/", headers={"Accept": "text/html,*/*"}) as answer:
        assert (answer.status, answer.content_type) == (403, "text/html")
        assert "Open the address that was printed" in await answer.text()


@pytest.mark.parametrize(("path", "place"), [("/", "/"), ("/inspector/", "/inspector/"), ("//evil.example/", "/")])
async def test_the_address_with_the_key_opens_the_page_and_leaves_the_key_behind(
    server: PlaygroundServer, http: aiohttp.ClientSession, path: str, place: str
) -> None:
    async with http.get(server.opening(path), allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, place)
        (cookie,) = answer.cookies.values()
        assert cookie.key.endswith(server.url.rpartition(":")[2])
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    for own in OWN:
        async with http.get(server.url + own) as answer:
            assert answer.status == 200


async def test_the_cookie_of_another_start_opens_nothing(http: aiohttp.ClientSession) -> None:
    async with PlaygroundServer() as first:
        port = int(first.url.rpartition(":")[2])
        async with http.get(first.page_url) as answer:
            assert answer.status == 200
    async with PlaygroundServer(port=port) as second, http.get(second.url + "/_control/state") as answer:
        assert second.gate.key != first.gate.key
        assert answer.status == 403


@pytest.mark.parametrize("scheme", ["Bearer", "Bot"])
async def test_a_script_has_the_key_or_the_bots_token(
    server: PlaygroundServer, http: aiohttp.ClientSession, scheme: str
) -> None:
    own = server.gate.key if scheme == "Bearer" else server.token
    async with http.get(f"{server.url}/_control/state", headers={"Authorization": f"{scheme} {own}"}) as answer:
        assert answer.status == 200


async def test_every_route_of_the_api_but_those_with_a_token_in_their_path_needs_the_bots_token(
    server: PlaygroundServer, http: aiohttp.ClientSession
) -> None:
    routes = {
        (each.method, each.resource.canonical) for each in server.app.router.routes() if each.resource is not None
    }
    own = [(method, path) for method, path in routes if path.startswith("/api/") and "tail" not in path]
    assert own
    for method, path in own:
        filled = re.sub(r"\{\w+\}", "1", path)
        async with http.request(method, server.url + filled, json={}) as answer:
            is_by_token = "{token}" in path or path.endswith("/gateway")
            assert is_by_token or answer.status == 401, (method, path, answer.status)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("path", ["/", "/_control/state", "/_control/messages", "/api/v10/users/@me", "/gateway"])
async def test_another_sites_page_is_refused_even_with_the_cookie(
    server: PlaygroundServer, http: aiohttp.ClientSession, site: str, path: str
) -> None:
    async with http.get(server.page_url) as answer:
        assert answer.status == 200
    async with http.get(server.url + path, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}) as answer:
        assert answer.status == 403


async def test_a_link_from_elsewhere_opens_the_page_itself(
    server: PlaygroundServer, http: aiohttp.ClientSession
) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    async with http.get(server.page_url, headers=link) as answer:
        assert answer.status == 200
    async with http.get(f"{server.url}/_control/state", headers=link) as answer:
        assert answer.status == 403
