"""Attached files are read from Discord alone, and no further than they may be large or late."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from actors.adapters.files import ELSEWHERE, UNREADABLE, CdnFiles
from actors.ports import FileRefused

SMALL = b'{"entries": {}}'


async def _small(_: web.Request) -> web.Response:
    return web.Response(body=SMALL)


async def _endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    for _ in range(10_000):
        await answer.write(b"x" * 1000)
    return answer


async def _away(_: web.Request) -> web.Response:
    raise web.HTTPFound("/small")


async def _packed(_: web.Request) -> web.Response:
    return web.Response(body=b"packed", headers={"Content-Encoding": "gzip"})


async def _late(_: web.Request) -> web.Response:
    await anyio.sleep(60)
    return web.Response(body=SMALL)


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    app = web.Application()
    for handler in (_small, _endless, _away, _packed, _late):
        app.router.add_get(f"/{handler.__name__[1:]}", handler)
    running = TestServer(app)
    await running.start_server()
    yield running
    await running.close()


async def fetched(server: TestServer, path: str, *, timeout_s: float = 30.0) -> bytes | FileRefused:
    files = CdnFiles(str(server.make_url("/api/v10")), timeout_s=timeout_s)
    return await files.fetch(str(server.make_url(path)), bytes_max=5000)


async def test_a_file_of_the_server_is_read(server: TestServer) -> None:
    assert await fetched(server, "/small?ex=1&hm=2") == SMALL


async def test_a_file_is_never_unpacked(server: TestServer) -> None:
    assert await fetched(server, "/packed") == b"packed"


@pytest.mark.parametrize("path", ["/away", "/nowhere"])
async def test_a_redirect_or_an_error_is_no_file(server: TestServer, path: str) -> None:
    assert await fetched(server, path) == UNREADABLE


async def test_a_file_is_read_no_further_than_it_may_be_large(server: TestServer) -> None:
    assert await fetched(server, "/endless") == FileRefused("The file is larger than 4 KB. Leave some of it out.")


async def test_a_file_that_does_not_come_is_given_up(server: TestServer) -> None:
    assert await fetched(server, "/late", timeout_s=0.05) == UNREADABLE


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/small",
        "https://cdn.discordapp.com.evil.example/a.json",
        "https://cdn.discordapp.com:444/a.json",
        "http://cdn.discordapp.com/a.json",
        "https://evil.example@cdn.discordapp.com/a.json",
        "https://cdn.discordapp.com@evil.example/a.json",
        "file:///etc/passwd",
        "ftp://cdn.discordapp.com/a.json",
        "//cdn.discordapp.com/a.json",
        "a.json",
        "",
        "http://[::1",
    ],
)
async def test_no_other_host_is_asked(url: str) -> None:
    assert await CdnFiles().fetch(url, bytes_max=5000) == ELSEWHERE
