"""How long the gateway takes to answer a heartbeat, measured from the moment at which it was sent.

discord.py (2.7) sends from a thread, and notes the time of sending when that thread goes on. A server on this machine
answers earlier: discord.py then measures from the heartbeat before, shows its interval as the latency (41.3 s), and
warns that it cannot keep up.
"""

from __future__ import annotations

import math
import time
from typing import Any

import discord.gateway


class HeartbeatKeeper(discord.gateway.KeepAliveHandler):
    """discord.py's own, but that an answer belongs to the heartbeat that was sent last."""

    _sent_at = math.inf  # replaced before anything is sent: discord.py asks for each payload right before that

    def get_payload(self) -> dict[str, Any]:
        self._sent_at = time.perf_counter()
        return super().get_payload()

    def ack(self) -> None:
        self._last_send = self._sent_at
        super().ack()


def measure_heartbeats() -> None:
    """Have every connection of this process measured so."""
    discord.gateway.KeepAliveHandler = HeartbeatKeeper  # type: ignore[misc]
