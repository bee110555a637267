"""Run the store's functions: on the calling thread (`Inline`), or on an executor that is given later (`Late`).

`writer.py` has the third executor, a writer thread.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import anyio
from sqlalchemy import Connection, Engine

P = ParamSpec("P")
T = TypeVar("T")


class Runs(Protocol):
    """An object with an executor."""

    _executor: Executor


class Views(Protocol):
    """An object with an executor for what people look at."""

    _viewer: Executor


def operation(
    function: Callable[Concatenate[Connection, P], T],
) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]:
    """Make a method that runs `function` on the executor, with the function's own arguments and result."""

    async def run(self: Runs, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._executor.run(function, *args, **kwargs)

    return run


def view(
    function: Callable[Concatenate[Connection, P], T],
) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]:
    """Make a method that runs `function`, which only reads, where it holds up no write."""

    async def run(self: Views, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._viewer.run(function, *args, **kwargs)

    return run


class Executor(Protocol):
    """Runs one operation as one transaction: committed when it returns, rolled back when it raises."""

    async def run(self, operation: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T: ...

    async def aclose(self) -> None:
        """Finish the operations that have begun, then close the database."""
        ...


class Late:
    """Runs operations on an executor that is set later by `go_on_with`; earlier callers wait for it."""

    def __init__(self) -> None:
        self._executor: Executor | None = None
        self._has_come = anyio.Event()

    def go_on_with(self, executor: Executor) -> None:
        self._executor = executor
        self._has_come.set()

    async def run(self, operation: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        executor = self._executor
        while executor is None:
            await self._has_come.wait()
            executor = self._executor
        return await executor.run(operation, *args, **kwargs)

    async def aclose(self) -> None:
        if self._executor is not None:
            await self._executor.aclose()


class Inline:
    """Runs operations at once on the calling thread, for `:memory:` and the simulation. It never waits."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def run(self, operation: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        with self._engine.begin() as conn:
            return operation(conn, *args, **kwargs)

    async def aclose(self) -> None:
        self._engine.dispose()
