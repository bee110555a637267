"""The system's clock, and ids that sort by the time at which they were made."""

from __future__ import annotations

import secrets
import time
from typing import Final

import anyio

from actors.roleplay.model import base36

RANDOM_BITS: Final = 22
"""Two processes that start in the same millisecond collide once in four million ids; 41 bits hold the time."""


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
        # Asked again after each sleep: wall time may be set while we sleep, and a timer does not know.
        while (left_s := at - self.now()) > 0:  # noqa: ASYNC110 - there is no event to wait for
            await anyio.sleep(min(left_s, 60.0))
