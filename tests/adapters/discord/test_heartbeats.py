"""The latency that is shown of a shard's connection: of its newest heartbeat, whichever thread is faster."""

import asyncio
import logging
import threading
from dataclasses import dataclass, field
from typing import Any, cast

import anyio
import discord.gateway
import pytest

from actors.adapters.discord.heartbeats import HeartbeatKeeper, measure_heartbeats
from tests.patience import PATIENCE_S

INTERVAL_S = 0.1
BEFORE_S = 41.25
"""How long ago the heartbeat before was sent."""


@dataclass
class QuickSocket:
    """Answers each heartbeat before discord.py's thread notes that it was sent, as a server on this machine does."""

    loop: asyncio.AbstractEventLoop
    keeper: discord.gateway.KeepAliveHandler | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    thread_id: int = field(default_factory=threading.get_ident)
    sequence: int = 1
    _max_heartbeat_timeout: float = 60.0
    HEARTBEAT = 1

    async def send_heartbeat(self, payload: dict[str, Any]) -> None:
        assert self.keeper is not None
        self.keeper.ack()
        self.answered.set()


async def test_an_answer_that_overtakes_the_note_of_its_sending_is_not_measured_from_the_heartbeat_before() -> None:
    socket = QuickSocket(asyncio.get_running_loop())
    measure_heartbeats()
    made: discord.gateway.KeepAliveHandler = discord.gateway.KeepAliveHandler(ws=cast(Any, socket), interval=INTERVAL_S)
    socket.keeper = made
    made._last_send -= BEFORE_S
    made.start()
    with anyio.fail_after(PATIENCE_S):
        await socket.answered.wait()
    made.stop()
    assert made.latency < BEFORE_S / 2  # however slow the machine is


async def test_a_healthy_connection_is_not_said_to_be_behind(caplog: pytest.LogCaptureFixture) -> None:
    socket = QuickSocket(asyncio.get_running_loop())
    keeper = HeartbeatKeeper(ws=cast(Any, socket), interval=INTERVAL_S)
    keeper._last_send -= BEFORE_S
    payload = keeper.get_payload()
    with caplog.at_level(logging.WARNING):
        keeper.ack()
    assert (payload, caplog.messages) == ({"op": 1, "d": 1}, [])
    assert 0 <= keeper.latency < BEFORE_S / 2
