"""Simulates a process that can die at any moment, and whose store survives it.

Failure modes: causing them is its purpose. A dead process has no further effect: every port that it calls
raises Killed, which no shield, no `except Exception` and no grace period can stop.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar

from anyio import CancelScope
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from actors.adapters.store.engine.errors import CommitFailed
from actors.services import Shutdown
from actors.simulation.faults import Faults
from actors.simulation.virtual_time import give_way
from actors.simulation.watch import Watch

P = ParamSpec("P")
T = TypeVar("T")


class Killed(BaseException):
    """The process is dead."""


class ProcessRun:
    """The life of one process. `kill` ends it in the middle of its tasks' work."""

    def __init__(self, shutdown: Shutdown, faults: Faults) -> None:
        self.is_dead = False
        self._shutdown = shutdown
        self._faults = faults
        self._scope: CancelScope | None = None

    def lives_in(self, scope: CancelScope) -> None:
        self._scope = scope

    def kill(self) -> None:
        """Die as by kill -9: nothing is awaited or announced."""
        if not self.is_dead:
            self.is_dead = True
            self._shutdown.begin(0.0)
            if self._scope is not None:
                self._scope.cancel()

    def go_on(self) -> None:
        """Raises Killed if the process is dead."""
        if self.is_dead:
            raise Killed

    def point(self, where: str) -> None:
        """A place where the process may crash. Raises Killed if it is dead, or crashes here."""
        self.go_on()
        if self._faults.crashes(where):
            self.die()

    def die(self) -> NoReturn:
        self.kill()
        raise Killed


class MortalExecutor:
    """Runs store operations at once on one connection, with a crash possible before and after each.

    A crash before an operation prevents it; a crash after it loses its answer. As on the writer's thread, each is a
    savepoint. The transaction around them stays open, since there is no disk to write to.
    """

    def __init__(self, connection: Connection, run: ProcessRun, faults: Faults, watch: Watch) -> None:
        self._connection = connection
        self._run = run
        self._faults = faults
        self._watch = watch
        self._savepoints = connection.connection.cursor()
        self._operations = 0

    async def run(self, operation: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `operation`, unless the disk is full or the process dies."""
        name = operation.__name__
        # Other tasks may run between the call and the work, or between the work and its answer. The two alternate,
        # because each costs as much as the work.
        self._operations += 1
        is_interrupted_first = self._operations % 2 == 0
        if is_interrupted_first:
            await give_way()
        self._run.point(f"before {name}")
        self._refuse(name)
        result = self._carry_out(operation, *args, **kwargs)
        self._watch.carried_out(name, args, kwargs, result)
        self._run.point(f"after {name}")
        if not is_interrupted_first:
            await give_way()
            self._run.go_on()
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
        """Raises what the writer raises if the disk is full or another program holds the lock; nothing is written."""
        match self._faults.of_store():
            case "disk_full":
                raise CommitFailed("the database did not take the batch: database or disk is full")
            case "database_locked":
                raise OperationalError(name, None, _locked())
            case _:
                return


def _locked() -> Any:  # noqa: ANN401 - the library's signature requires BaseException, and treats it as its driver's
    return sqlite3.OperationalError("database is locked")
