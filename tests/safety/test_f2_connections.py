"""F2: whoever only connects to the inspector cannot keep the bot from its files."""

from __future__ import annotations

import asyncio
import logging
import resource
import subprocess
import sys
from contextlib import AsyncExitStack
from itertools import islice

import pytest

from actors.adapters.inspector.connections import Bounds
from actors.adapters.log.full_files import REFUSED, FullFiles
from actors.app.open_files import FILES_WANTED
from tests.patience import PATIENCE_S
from tests.safety.inspector_place import Clock, connected, inspecting, until_closed

QUICK = Bounds(connections=8, head_s=0.2, body_s=0.2, keepalive_s=0.2)
PATIENT = Bounds(connections=8, head_s=PATIENCE_S)

HALVES = {
    "nothing": b"",
    "half a line": b"GET / HT",
    "half a head": b"GET / HTTP/1.1\r\nHost: 127",
    "half a second head": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET / HT",
}


@pytest.mark.parametrize("sent", HALVES.values(), ids=HALVES)
async def test_f2_a_head_that_does_not_come_is_waited_for_a_while(sent: bytes) -> None:
    async with inspecting(bounds=QUICK) as stage, connected(stage, sent) as reader:
        answer = await until_closed(reader)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_f2_a_body_that_does_not_come_is_waited_for_a_while(method: str) -> None:
    head = f"{method} / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nhalf".encode()
    async with inspecting(bounds=QUICK) as stage, connected(stage, head) as reader:
        assert (await until_closed(reader)).startswith(b"HTTP/1.1 408 ")


async def test_f2_an_idle_connection_ends() -> None:
    head = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    async with inspecting(bounds=QUICK) as stage, connected(stage, head) as reader:
        assert (await until_closed(reader)).startswith(b"HTTP/1.1 200 OK")


async def test_f2_connections_too_many_are_refused_and_the_others_go_on() -> None:
    async with inspecting(bounds=PATIENT) as stage, AsyncExitStack() as stack:
        assert (await stage.get("/healthz"))[0] == 200
        idle = [await stack.enter_async_context(connected(stage)) for _ in range(30)]
        async with asyncio.timeout(PATIENCE_S):
            refused = [asyncio.ensure_future(until_closed(each)) for each in idle]
            for ended in islice(asyncio.as_completed(refused), 23):  # one connection is the client's own
                await ended
        assert (await stage.get("/healthz"))[0] == 200
        assert sum(each.done() for each in refused) == 23
        for each in refused:
            each.cancel()


async def test_f2_viewers_too_many_are_told_so() -> None:
    async with inspecting(bounds=Bounds(viewers=2)) as stage, AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(stage.events())
        status, words, _ = await stage.get("/events")
        assert (status, words) == (503, "Too many pages of the inspector are open: close one.\n")


def test_f2_a_process_may_open_as_many_files_as_its_user_may() -> None:
    code = (
        "import resource; from actors.app.open_files import raise_limit; raise_limit();"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    shell = f"ulimit -S -n 256; exec {sys.executable} -c '{code}'"
    raised = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True)
    assert int(raised.stdout) == (FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard))


def test_f2_that_no_connection_can_be_accepted_is_logged_once_a_minute() -> None:
    clock = Clock()
    full = FullFiles(clock)
    refused, other = (logging.makeLogRecord({"msg": words}) for words in (f"{REFUSED}\nsocket: …", "another"))
    assert [full.filter(refused) for _ in range(3)] == [True, False, False]
    assert full.filter(other)
    clock.at += 61
    assert [full.filter(refused), full.filter(refused)] == [True, False]
