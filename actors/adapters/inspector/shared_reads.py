"""Read what is heavy one at a time, and give an answer again to whoever asks the same within a second.

A page that asks in a loop, or twenty pages that reconnect at once, then cost one read a second.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import anyio
from aiohttp import web

SHARED_S: Final = 1.0


class SharedReads:
    """The answers of the last second, by what was asked."""

    def __init__(self, now: Callable[[], float], shared_s: float = SHARED_S) -> None:
        self._now = now
        self._shared_s = shared_s
        self._one_at_a_time = anyio.Lock()
        self._answers: dict[str, tuple[float, str]] = {}

    async def json(self, asked: str, read: Callable[[], Awaitable[str]]) -> web.Response:
        """Answer with the JSON that `read` returns, or with that of the same question within the last second."""
        async with self._one_at_a_time:
            now = self._now()
            self._answers = {key: kept for key, kept in self._answers.items() if now < kept[0] + self._shared_s}
            kept = self._answers.get(asked)
            if kept is None:
                # The time before the read: what changes meanwhile is at most a second older than the answer.
                kept = self._answers[asked] = now, await read()
        return web.Response(text=kept[1] + "\n", content_type="application/json")
