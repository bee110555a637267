"""Virtual time: an asyncio loop whose selector advances the clock instead of waiting, and trio's mock clock."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

import anyio
from trio.testing import MockClock

from actors.roleplay.model import base36

EPOCH = 1_700_000_000.0
"""When virtual time begins, in seconds since 1970."""

BACKENDS = ("asyncio", "trio")


class VirtualClock:
    """The `Clock` port over the event loop's own time; ids count up."""

    def __init__(self) -> None:
        self._ids = 0

    def now(self) -> float:
        return EPOCH + anyio.current_time() - self._began()

    def new_id(self) -> str:
        self._ids += 1
        return base36(self._ids)

    async def sleep_until(self, at: float) -> None:
        await anyio.sleep(max(0.0, at - self.now()))

    def _began(self) -> float:
        # trio's mock clock begins at 0 as ours does; kept as a method so that a test can start later.
        return 0.0


class _AdvancingSelector(selectors.SelectSelector):
    """Instead of waiting for a timer it moves the clock there: nothing outside the loop is waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("virtual time has come to an end: every task waits for something that cannot happen")
        if not ready and timeout:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on virtual time."""

    def __init__(self) -> None:
        self._virtual = _AdvancingSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


def run_virtually(backend: str, main: Callable[[], Any]) -> Any:  # noqa: ANN401 - what `main` returns
    """Run an async function to its end under a virtual clock, on asyncio or trio."""
    options: dict[str, dict[str, Any]] = {
        "asyncio": {"loop_factory": VirtualLoop},
        "trio": {"clock": MockClock(autojump_threshold=0)},
    }
    return anyio.run(main, backend=backend, backend_options=options[backend])
