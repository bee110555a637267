"""The status page over real sockets: what it says, and every way in which it says nothing, as a value."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from actors.adapters.status import BYTES_MAX, INCIDENTS_MAX, NAME_MAX, HttpStatusPage
from actors.ports import Status, StatusUnknown
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio

Talk = Callable[[SocketStream, str], Awaitable[None]]
STATUS = "/api/v2/status.json"
INCIDENTS = "/api/v2/incidents/unresolved.json"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def serving(talk: Talk) -> AsyncIterator[str]:
    """A server that hears one request a connection and lets `talk` answer its path; its URL."""

    async def hear(stream: SocketStream) -> None:
        async with stream:
            try:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += await stream.receive()
                await talk(stream, head.split()[1].decode())
            except (anyio.BrokenResourceError, anyio.EndOfStream):
                return  # the client had enough

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, hear)
        yield f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}/api/v2"
        group.cancel_scope.cancel()


def answering(bodies: Mapping[str, bytes], *, status: int = 200) -> Talk:
    async def talk(stream: SocketStream, path: str) -> None:
        body = bodies[path]
        head = f"HTTP/1.1 {status} Answer\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        await stream.send(head.encode() + body)

    return talk


def page(indicator: str = "none", *names: str) -> dict[str, bytes]:
    incidents = [{"name": name, "status": "investigating", "impact": "major"} for name in names]
    return {
        STATUS: json.dumps({"page": {}, "status": {"indicator": indicator, "description": "Words"}}).encode(),
        INCIDENTS: json.dumps({"page": {}, "incidents": incidents}).encode(),
    }


async def said(talk: Talk, *, timeout_s: float = PATIENCE_S) -> Status | StatusUnknown:
    async with serving(talk) as url:
        return await HttpStatusPage(url, timeout_s=timeout_s).read()


@pytest.mark.parametrize("indicator", ["none", "minor", "major", "critical"])
async def test_the_indicator_and_the_unresolved_incidents_are_read(indicator: str) -> None:
    talk = answering(page(indicator, "API errors", "Voice, EU"))
    assert await said(talk) == Status(indicator, ("API errors", "Voice, EU"))  # type: ignore[arg-type]


async def test_names_of_incidents_are_few_short_and_one_line_of_plain_words() -> None:
    wild = "\x1b[31mAPI\r\n2026-01-01 - CRITICAL - `down` @everyone <b>\u202e"
    outcome = await said(answering(page("major", wild, "x" * 500, "\u200b", *["more"] * 20)))
    assert isinstance(outcome, Status)
    assert outcome.incidents[0] == "31mAPI 2026-01-01 - CRITICAL - down everyone b"
    assert outcome.incidents[1] == "x" * NAME_MAX
    assert len(outcome.incidents) <= INCIDENTS_MAX


@pytest.mark.parametrize(
    "broken",
    [
        b"<html>busy</html>",
        b"{",
        b"[]",
        b"{}",
        b'{"status": null}',
        b'{"status": {"indicator": "purple"}}',
        b'{"status": {"indicator": 3}}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
async def test_what_is_no_status_is_malformed(broken: bytes) -> None:
    assert await said(answering(page() | {STATUS: broken})) == StatusUnknown("malformed")


async def test_incidents_of_another_shape_are_malformed() -> None:
    assert await said(answering(page() | {INCIDENTS: b'{"incidents": [{}]}'})) == StatusUnknown("malformed")


@pytest.mark.parametrize("status", [404, 429, 500, 503])
async def test_a_status_that_is_no_answer_is_one(status: int) -> None:
    assert await said(answering(page(), status=status)) == StatusUnknown("http")


async def test_more_than_a_page_has_to_say_is_not_read_to_its_end() -> None:
    sent = 0

    async def flood(stream: SocketStream, path: str) -> None:
        nonlocal sent
        await stream.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            await stream.send(b" " * 65_536)
            sent += 65_536

    assert await said(flood) == StatusUnknown("too_large")
    assert sent < 64 * BYTES_MAX  # what the sockets hold, and no more


async def test_a_page_that_hangs_has_its_time_and_no_more() -> None:
    async def hang(stream: SocketStream, path: str) -> None:
        await anyio.sleep_forever()

    assert await said(hang, timeout_s=0.05) == StatusUnknown("timeout")


async def test_a_lost_connection_and_one_that_is_never_made_are_values(free_tcp_port: int) -> None:
    async def drop(stream: SocketStream, path: str) -> None:
        return

    assert await said(drop) == StatusUnknown("connection")
    assert await HttpStatusPage(f"http://127.0.0.1:{free_tcp_port}").read() == StatusUnknown("connection")


async def test_a_page_that_only_leads_elsewhere_is_left() -> None:
    async def lead_on(stream: SocketStream, path: str) -> None:
        await stream.send(
            f"HTTP/1.1 302 Found\r\nLocation: {path}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )

    assert await said(lead_on) == StatusUnknown("http")
