"""F19: odd numbers and JSON get a clear answer, and every answer has its safe headers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from actors.playground import PlaygroundServer

DEEP = "[" * 100_000 + "]" * 100_000


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[PlaygroundServer]:
    async with PlaygroundServer() as server:
        yield server


@pytest.fixture
async def http(server: PlaygroundServer) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bot {server.token}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as http:
        yield http


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "-1", "1e999", "", "x", "0x10"])
async def test_a_wait_has_an_end(server: PlaygroundServer, http: aiohttp.ClientSession, number: str) -> None:
    async with http.get(f"{server.url}/_control/hold", params={"timeout_s": number}) as answer:
        assert answer.status == 400
        assert (await answer.json())["message"].startswith("`timeout_s` must be a number from 0 on, not ")


@pytest.mark.parametrize("speed", ["NaN", "Infinity", "-Infinity", '"nan"', "-2", "null", "[1]", "1" + "0" * 400])
async def test_a_speed_is_a_number(server: PlaygroundServer, http: aiohttp.ClientSession, speed: str) -> None:
    before = server.faults
    body = f'{{"faults": ["slow=0.5"], "speed": {speed}}}'
    async with http.put(f"{server.url}/_control/faults", data=body) as answer:
        assert answer.status == 400
    assert server.faults == before


@pytest.mark.parametrize("path", ["/_control/faults", "/_control/messages", "/api/v10/channels/{channel}/messages"])
async def test_much_nesting_is_refused_in_a_sentence(
    server: PlaygroundServer, http: aiohttp.ClientSession, path: str
) -> None:
    url = server.url + path.replace("{channel}", str(server.discord.find_channel("tavern").id))
    async with http.request("PUT" if path.endswith("faults") else "POST", url, data=DEEP) as answer:
        assert answer.status == 400
        assert (await answer.json())["message"] in (
            "the JSON is nested too deeply",
            "The request body contains invalid JSON.",
        )


@pytest.mark.parametrize("frame", [DEEP[:2000] + DEEP[-2000:], "[]", "3", '{"op": NaN}', '{"d": 1}', "{"])
async def test_an_odd_frame_closes_its_socket_with_discords_code(
    server: PlaygroundServer, http: aiohttp.ClientSession, frame: str
) -> None:
    async with http.ws_connect(server.gateway_url) as socket:
        await socket.receive()
        await socket.send_str(frame)
        assert (await socket.receive()).type == aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 4002


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/page/main.js"),
        ("GET", "/page/absent.js"),
        ("GET", "/nothing"),
        ("GET", "/_control/state"),
        ("POST", "/_control/state"),
        ("GET", "/_control/cards"),
        ("GET", "/inspector/"),
        ("GET", "/api/v10/users/@me"),
        ("GET", "/api/v10/nothing"),
        ("POST", "/\\evil.example"),
        ("GET", "/\\evil.example"),
    ],
)
async def test_every_answer_has_safe_headers(
    server: PlaygroundServer, http: aiohttp.ClientSession, method: str, path: str
) -> None:
    async with http.request(method, server.url + path, allow_redirects=False) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Server"] == "Ensemble"
        assert answer.headers["Cache-Control"] in ("no-store", "no-cache")
        assert "Location" not in answer.headers


async def test_what_nobody_can_parse_names_no_versions(server: PlaygroundServer) -> None:
    async with aiohttp.ClientSession() as http, http.get(server.url + "/", headers={"Host": "a b"}) as answer:
        assert "aiohttp" not in json.dumps(dict(answer.headers))
