"""A store in memory that takes its time, and that a dying process leaves in the middle of a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import anyio
from sqlalchemy import Connection, Engine

from actors.adapters.store import SqlStore
from actors.adapters.store.engine.migrate import create_all
from actors.adapters.store.engine.sqlite import memory_engine
from actors.simulation.process import Killed

__all__ = ["Killed", "MortalExecutor", "mortal_store"]

P = ParamSpec("P")
T = TypeVar("T")


class MortalExecutor:
    """Runs operations as a writer's thread does: the caller waits before and after each.

    When `is_dead`, an operation that had not begun is never carried out, and one that was carried out is not
    answered: both as a kill -9 leaves it.
    """

    def __init__(self, engine: Engine, *, latency_s: float = 0.0) -> None:
        self.engine = engine
        self.latency_s = latency_s
        self.busy_s = 0.0  # how long each call keeps the one writer from all others
        self._writer = anyio.Lock()
        self.is_dead = False
        self.faults: dict[str, list[Exception]] = {}
        self.answers_late_s: dict[str, float] = {}  # by operation: it is durable so long before its caller knows

    async def run(self, operation: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        await self._wait()
        if self.busy_s:
            async with self._writer:
                await anyio.sleep(self.busy_s)
        planned = self.faults.get(operation.__name__)
        if planned:
            raise planned.pop(0)
        with self.engine.begin() as conn:
            result = operation(conn, *args, **kwargs)
        if operation.__name__ in self.answers_late_s:
            await anyio.sleep(self.answers_late_s[operation.__name__])
        await self._wait()
        return result

    async def aclose(self) -> None:
        self.engine.dispose()

    async def _wait(self) -> None:
        if self.latency_s:
            await anyio.sleep(self.latency_s)
        if self.is_dead:
            raise Killed


def mortal_store(*, latency_s: float = 0.0, engine: Engine | None = None) -> tuple[SqlStore, MortalExecutor]:
    """A store on a new database in memory, or on that of `engine`."""
    if engine is None:
        engine = memory_engine()
        create_all(engine)
    executor = MortalExecutor(engine, latency_s=latency_s)
    return SqlStore(executor), executor
