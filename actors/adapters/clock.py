"""The system clock, and ids that sort by creation time."""

from __future__ import annotations

import secrets
import time
from typing import Final

import anyio

from actors.roleplay.model import base36

RANDOM_BITS: Final = 22
"""Ids that two processes make in the same millisecond collide once in four million; 41 bits hold the time."""


class SystemClock:
    """The `Clock` port of a real process."""

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> float:
        return time.time()

    def new_id(self) -> str:
        fresh = int(time.time() * 1000) << RANDOM_BITS | secrets.randbits(RANDOM_BITS)
        self._last = max(fresh, self._last + 1)
        return base36(self._last)

    async def sleep_until(self, at: float) -> None:
        # Wall time may be set during a sleep, and a timer does not notice: so read the clock again after each one.
        while (left_s := at - self.now()) > 0:  # noqa: ASYNC110 - there is no event to wait for
            await anyio.sleep(min(left_s, 60.0))
