"""Provides virtual time: an asyncio loop whose selector advances the clock instead of waiting.

Only this module of the simulation uses asyncio; anyio gets the loop through `loop_factory`.
"""

from __future__ import annotations

import asyncio
import selectors
import types
from collections.abc import Awaitable, Callable, Generator
from typing import Final, TypeVar

import anyio

from actors.roleplay.model import base36

EPOCH: Final = 1_700_000_000.0
"""When virtual time begins, in seconds since 1970."""

T = TypeVar("T")


class VirtualClock:
    """The `Clock` port over the event loop's own time; ids count up."""

    def __init__(self) -> None:
        self._ids = 0

    def now(self) -> float:
        return EPOCH + anyio.current_time()

    def new_id(self) -> str:
        self._ids += 1
        return base36(self._ids)

    async def sleep_until(self, at: float) -> None:
        await anyio.sleep(max(0.0, at - self.now()))


class LoopClock(VirtualClock):
    """A clock for asyncio only, without anyio's check of the running library: it is read 80 times a response."""

    def now(self) -> float:
        return EPOCH + asyncio.get_running_loop().time()


class _AdvancingSelector(selectors.SelectSelector):
    """Advances the clock to the next timer instead of waiting; waits for nothing outside the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("virtual time has come to an end: every task waits for something that cannot happen")
        self.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on virtual time: no sockets, no threads, no signals."""

    def __init__(self) -> None:
        self._virtual = _AdvancingSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


@types.coroutine
def give_way() -> Generator[None, None, None]:
    """Let all other ready tasks run, as `anyio.lowlevel.checkpoint` does, at a tenth of its cost."""
    yield


def call_at(at: float, callback: Callable[[], None]) -> None:
    """Make the running virtual loop call `callback` at `at` (seconds since 1970), whichever process lives then."""
    loop = asyncio.get_running_loop()
    loop.call_at(at - EPOCH, callback)


def run_virtually(main: Callable[[], Awaitable[T]]) -> T:
    """Run an async function to its end on virtual time."""
    return anyio.run(main, backend="asyncio", backend_options={"loop_factory": VirtualLoop})
