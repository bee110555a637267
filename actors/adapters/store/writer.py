"""One thread writes for everybody, and many callers share one fsync.

    run() ─► queue ─► [ BEGIN · SAVEPOINT op RELEASE · SAVEPOINT op ROLLBACK TO · … · COMMIT ] ─► callers go on

While one COMMIT waits for the disk, the next batch gathers. A caller goes on only after the COMMIT, so what
it was told is durable. Works under asyncio and trio: the thread only ever asks a loop to set events.

Failure modes: an operation that raises is undone alone, and its caller gets the error; a COMMIT that fails is
CommitFailed for the whole batch; a caller that is cancelled leaves, and its operation is carried out.
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

from actors.adapters.store.errors import CommitFailed, StoreClosed

P = ParamSpec("P")
T = TypeVar("T")

BATCH_MAX: Final = 256
"""Operations per COMMIT: enough to share an fsync among all, little enough that the first waits a few ms."""


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
    """The thread, its connection and its queue; the queue is bounded by its callers, who each wait."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: SimpleQueue[_Ticket | None] = SimpleQueue()
        self._is_closing = False
        self._door = threading.Lock()  # nothing is queued behind the end
        # A daemon: a loop that died without aclose() must not keep the process alive.
        self._thread = threading.Thread(target=self._work, name="ensemble-store", daemon=True)
        self._thread.start()

    async def run(self, operation: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry `operation` out on the writer's connection; durable when it returns, undone when it raises."""
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
        """Take no more, write what is queued, end the thread."""
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
        """Everything that waits, at least one; empty when the store is closed and all is written."""
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
            self._queue.put(None)  # the end was seen too early: write first
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
    """Carry a batch out and commit it; afterwards each ticket has its result or its error."""
    try:
        with conn.begin():
            # Savepoints by hand: begin_nested() costs as much as the rest of a move.
            savepoints = conn.connection.cursor()
            for ticket in batch:
                _carry_out(conn, savepoints, ticket)
    except BaseException as error:
        for ticket in batch:
            ticket.error = ticket.error or _commit_failed(error)
        if not isinstance(error, DBAPIError | sqlite3.Error):
            raise
        # A COMMIT that fails leaves the transaction open, and no later batch could begin.
        conn.connection.rollback()


def _commit_failed(error: BaseException) -> CommitFailed:
    # One error each: an exception raised in several tasks would gather all their tracebacks.
    why = error.orig if isinstance(error, DBAPIError) else error
    failed = CommitFailed(f"the database did not take the batch: {why}")
    failed.__cause__ = error
    return failed


def _carry_out(conn: Connection, savepoints: DBAPICursor, ticket: _Ticket) -> None:
    """Run one operation in a savepoint. Raises only when the transaction itself is lost."""
    savepoints.execute("SAVEPOINT operation")
    try:
        ticket.result = ticket.operation(conn)
    except BaseException as error:  # noqa: BLE001 - it is its caller's, who raises it
        ticket.error = error
        # A full disk ends the whole transaction: there is no savepoint left, and this raises for the batch.
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
            # RunFinishedError, or asyncio's own word for it: that loop is over, and nobody waits there.
            continue


def _set_all(tickets: list[_Ticket]) -> None:
    for ticket in tickets:
        ticket.done.set()
