"""A process that can die at any moment, and the store that it leaves behind.

Failure modes: these are what it is for. A dead process does nothing any more: every port that it calls
raises Killed, which no shield, no `except Exception` and no grace keeps away.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar

from anyio import CancelScope
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from actors.adapters.store.errors import CommitFailed
from actors.simulation.faults import Faults
from actors.simulation.virtual_time import give_way
from actors.simulation.watch import Watch
from actors.world import Shutdown

P = ParamSpec("P")
T = TypeVar("T")


class Killed(BaseException):
    """The process is gone."""


class Life:
    """One process's life. `kill` ends it in the middle of whatever its tasks are at."""

    def __init__(self, shutdown: Shutdown, faults: Faults) -> None:
        self.is_dead = False
        self._shutdown = shutdown
        self._faults = faults
        self._scope: CancelScope | None = None

    def lives_in(self, scope: CancelScope) -> None:
        self._scope = scope

    def kill(self) -> None:
        """As kill -9: nothing is awaited, nothing is said."""
        if not self.is_dead:
            self.is_dead = True
            self._shutdown.begin(0.0)
            if self._scope is not None:
                self._scope.cancel()

    def go_on(self) -> None:
        """Raises Killed in a process that is dead."""
        if self.is_dead:
            raise Killed

    def point(self, where: str) -> None:
        """A place at which the process may crash. Raises Killed when it is dead, or dies here."""
        self.go_on()
        if self._faults.crashes(where):
            self.die()

    def die(self) -> NoReturn:
        self.kill()
        raise Killed


class MortalExecutor:
    """Runs store operations at once on one connection, with a crash possible before and after each.

    One that had not begun is never carried out; one that was carried out is not answered. As on the writer's
    thread each is a savepoint; the transaction around them is never closed, since no disk waits for it.
    """

    def __init__(self, connection: Connection, life: Life, faults: Faults, watch: Watch) -> None:
        self._connection = connection
        self._life = life
        self._faults = faults
        self._watch = watch
        self._savepoints = connection.connection.cursor()
        self._operations = 0

    async def run(self, operation: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry `operation` out, unless the disk is full or the process dies."""
        name = operation.__name__
        # Others may come between the call and the work, or between the work and its answer: in turn, since each
        # costs as much as the work.
        self._operations += 1
        is_interrupted_first = self._operations % 2 == 0
        if is_interrupted_first:
            await give_way()
        self._life.point(f"before {name}")
        self._refuse(name)
        result = self._carry_out(operation, *args, **kwargs)
        self._watch.carried_out(name, args, kwargs, result)
        self._life.point(f"after {name}")
        if not is_interrupted_first:
            await give_way()
            self._life.go_on()
        return result

    def _carry_out(self, operation: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        self._savepoints.execute("SAVEPOINT operation")
        try:
            return operation(self._connection, *args, **kwargs)
        except BaseException:
            self._savepoints.execute("ROLLBACK TO operation")
            raise
        finally:
            self._savepoints.execute("RELEASE operation")

    async def aclose(self) -> None:
        """The database outlives the process."""

    def _refuse(self, name: str) -> None:
        """What the writer raises where the disk is full or another program holds the lock; nothing is written."""
        match self._faults.of_store():
            case "disk_full":
                raise CommitFailed("the database did not take the batch: database or disk is full")
            case "database_locked":
                raise OperationalError(name, None, _locked())
            case _:
                return


def _locked() -> Any:  # noqa: ANN401 - the library's signature asks for BaseException, and reads it as its driver's
    return sqlite3.OperationalError("database is locked")
