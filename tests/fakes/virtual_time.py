"""Virtual time for tests of actors: the simulation's loop on asyncio, and trio's mock clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
from trio.testing import MockClock

from actors.simulation import virtual_time
from actors.simulation.virtual_time import EPOCH, VirtualClock

__all__ = ["BACKENDS", "EPOCH", "VirtualClock", "run_virtually"]

BACKENDS = ("asyncio", "trio")


def run_virtually(backend: str, main: Callable[[], Any]) -> Any:  # noqa: ANN401 - what `main` returns
    """Run an async function to its end under a virtual clock, on asyncio or trio."""
    if backend == "asyncio":
        return virtual_time.run_virtually(main)
    return anyio.run(main, backend=backend, backend_options={"clock": MockClock(autojump_threshold=0)})
