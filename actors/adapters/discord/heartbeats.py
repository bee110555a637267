"""Measures the gateway's latency from the moment at which a heartbeat is sent.

discord.py (2.7) sends from a thread, and records the time of sending when that thread continues. A server on this
machine answers earlier: discord.py then measures from the previous heartbeat, reports the interval as the latency
(41.3 s), and warns that it cannot keep up.
"""

from __future__ import annotations

import math
import time
from typing import Any

import discord.gateway


class HeartbeatKeeper(discord.gateway.KeepAliveHandler):
    """discord.py's own handler, except that an answer belongs to the heartbeat sent last."""

    _sent_at = math.inf  # set before the first heartbeat: discord.py requests each payload right before it sends

    def get_payload(self) -> dict[str, Any]:
        self._sent_at = time.perf_counter()
        return super().get_payload()

    def ack(self) -> None:
        self._last_send = self._sent_at
        super().ack()


def measure_heartbeats() -> None:
    """Use this measurement for every connection of this process."""
    discord.gateway.KeepAliveHandler = HeartbeatKeeper  # type: ignore[misc]
