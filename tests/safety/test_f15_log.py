"""F15: what strangers send to the inspector is one line a minute in the log, without a traceback."""

from __future__ import annotations

import logging

import pytest

from tests.safety.inspector_place import Clock, Told, connected, inspecting, until_closed

UNREADABLE = {
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "a bad line": b"\x16\x03\x01\x02\x00\x01\x00 hello\r\n\r\n",
    "a bad header": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nbad header\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
}


@pytest.mark.parametrize("sent", UNREADABLE.values(), ids=UNREADABLE)
async def test_f15_a_request_that_cannot_be_read_is_told_of_once(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    clock, told = Clock(), Told()
    async with inspecting(now=clock, log=told) as stage:
        for _ in range(30):
            async with connected(stage, sent) as reader:
                answer = await until_closed(reader)
                assert b"Python" not in answer
                assert b"aiohttp" not in answer
    assert len(told.lines) <= 1
    assert caplog.records == []


async def test_f15_an_error_of_ours_is_logged_in_full(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> bytes:
        raise ZeroDivisionError

    async with inspecting(metrics=broken, log=Told()) as stage:
        assert (await stage.get("/metrics"))[0] == 500
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
