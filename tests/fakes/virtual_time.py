"""Virtual time for tests of actors: the simulation's loop on asyncio, and trio's mock clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from trio.testing import MockClock

from actors.simulation.virtual_time import EPOCH, VirtualClock, VirtualLoop

__all__ = ["BACKENDS", "EPOCH", "VirtualClock", "on_virtual_time", "run_virtually", "virtually", "virtually_on_asyncio"]

BACKENDS = ("asyncio", "trio")


def on_virtual_time(backend: str) -> tuple[str, dict[str, Any]]:
    """What anyio's pytest plugin takes for an `anyio_backend`: asyncio or trio, with a virtual clock of its own."""
    if backend == "asyncio":
        return backend, {"loop_factory": VirtualLoop}
    return backend, {"clock": MockClock(autojump_threshold=0)}


virtually = pytest.mark.parametrize("anyio_backend", [on_virtual_time(name) for name in BACKENDS], ids=BACKENDS)
"""Marks an async test, or a module of them, to be run on virtual time, on both libraries."""

virtually_on_asyncio = pytest.mark.parametrize("anyio_backend", [on_virtual_time("asyncio")], ids=["asyncio"])
"""The same on asyncio alone, for what depends on nothing of the library."""


def run_virtually(backend: str, main: Callable[[], Any]) -> Any:  # noqa: ANN401 - what `main` returns
    """The same for a test that hypothesis calls, or that runs several loops."""
    name, options = on_virtual_time(backend)
    return anyio.run(main, backend=name, backend_options=options)
