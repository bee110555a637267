"""Write all operations on one thread, so that many callers share one fsync.

    run() ─► queue ─► [ BEGIN · SAVEPOINT op RELEASE · SAVEPOINT op ROLLBACK TO · … · COMMIT ] ─► callers go on

While one COMMIT waits for the disk, the next batch is collected. A caller continues only after the COMMIT, so its
result is durable. Works under asyncio and trio: the thread only asks the event loop to set events.

Failure modes: an operation that raises is rolled back alone, and its caller gets the error; a COMMIT that fails raises
CommitFailed for the whole batch; if a caller is cancelled, its operation is still carried out.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
from anyio.lowlevel import EventLoopToken
from sqlalchemy import Connection, Engine
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError

from actors.adapters.store.engine.errors import CommitFailed, StoreClosed

P = ParamSpec("P")
T = TypeVar("T")

BATCH_MAX: Final = 256
"""Operations per COMMIT: enough to share an fsync, few enough that the first caller waits only a few ms."""


class _Ticket:
    """One operation and the caller that waits for it."""

    __slots__ = ("done", "error", "operation", "result", "token")

    def __init__(self, operation: Callable[[Connection], Any]) -> None:
        self.operation = operation
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = anyio.Event()
        self.token = anyio.lowlevel.current_token()


class WriterThread:
    """The thread, its connection and its queue; the queue is bounded because each caller waits for its operation."""

    def __init__(self, engine: Engine, name: str = "ensemble-store") -> None:
        self._engine = engine
        self._queue: SimpleQueue[_Ticket | None] = SimpleQueue()
        self._is_closing = False
        self._door = threading.Lock()  # nothing is queued after the end marker
        # A daemon thread: an event loop that died without aclose() must not keep the process alive.
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def run(self, operation: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `operation` on the writer's connection; durable when it returns, rolled back when it raises."""
        ticket = _Ticket(lambda conn: operation(conn, *args, **kwargs))
        with self._door:
            if self._is_closing:
                raise StoreClosed("the store is closed: nothing was written")
            self._queue.put(ticket)
        await ticket.done.wait()
        if ticket.error is not None:
            raise ticket.error
        result: T = ticket.result
        return result

    async def aclose(self) -> None:
        """Refuse new operations, write the queued ones, end the thread."""
        with self._door:
            self._is_closing = True
            self._queue.put(None)
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._thread.join)
        self._engine.dispose()

    # ── on the thread ───────────────────────────────────────────────────────────────────────────────

    def _work(self) -> None:
        try:
            with self._engine.connect() as conn:
                while batch := self._next_batch():
                    try:
                        _write(conn, batch)
                    finally:
                        _resume(batch)
        finally:
            self._refuse_rest()

    def _next_batch(self) -> list[_Ticket]:
        """All queued tickets, at least one; empty when the store is closed and everything is written."""
        batch: list[_Ticket] = []
        try:
            ticket = self._queue.get()
            while ticket is not None:
                batch.append(ticket)
                if len(batch) == BATCH_MAX:
                    return batch
                ticket = self._queue.get_nowait()
        except Empty:
            return batch
        if batch:
            self._queue.put(None)  # put the end marker back: this batch is written first
        return batch

    def _refuse_rest(self) -> None:
        with self._door:
            self._is_closing = True
        rest: list[_Ticket] = []
        while not self._queue.empty():
            if ticket := self._queue.get():
                ticket.error = StoreClosed("the store's writer has ended: nothing was written")
                rest.append(ticket)
        _resume(rest)


def _write(conn: Connection, batch: list[_Ticket]) -> None:
    """Run a batch and commit it; afterwards each ticket has its result or its error."""
    try:
        with conn.begin():
            # Plain SAVEPOINT statements: begin_nested() costs as much as the rest of a move.
            savepoints = conn.connection.cursor()
            for ticket in batch:
                _carry_out(conn, savepoints, ticket)
    except BaseException as error:
        for ticket in batch:
            ticket.error = ticket.error or _commit_failed(error)
        if not isinstance(error, DBAPIError | sqlite3.Error):
            raise
        # A failed COMMIT leaves the transaction open, and no later batch could begin.
        conn.connection.rollback()


def _commit_failed(error: BaseException) -> CommitFailed:
    # One exception for each ticket: an exception raised in several tasks collects all their tracebacks.
    why = error.orig if isinstance(error, DBAPIError) else error
    failed = CommitFailed(f"the database did not take the batch: {why}")
    failed.__cause__ = error
    return failed


def _carry_out(conn: Connection, savepoints: DBAPICursor, ticket: _Ticket) -> None:
    """Run one operation in a savepoint. Raises only if the transaction itself is lost."""
    savepoints.execute("SAVEPOINT operation")
    try:
        ticket.result = ticket.operation(conn)
    except BaseException as error:  # noqa: BLE001 - its caller raises it
        ticket.error = error
        # A full disk ends the whole transaction: the savepoint is gone, and this raises for the batch.
        savepoints.execute("ROLLBACK TO operation")
    savepoints.execute("RELEASE operation")


def _resume(batch: list[_Ticket]) -> None:
    by_loop: dict[EventLoopToken, list[_Ticket]] = {}
    for ticket in batch:
        by_loop.setdefault(ticket.token, []).append(ticket)
    for token, tickets in by_loop.items():
        try:
            anyio.from_thread.run_sync(_set_all, tickets, token=token)
        except RuntimeError:
            # RunFinishedError, or asyncio's own error for it: that loop has ended, and nobody waits there.
            continue


def _set_all(tickets: list[_Ticket]) -> None:
    for ticket in tickets:
        ticket.done.set()
