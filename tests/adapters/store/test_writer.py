"""The writer thread: batches, savepoints, errors that stay where they belong, and an end that loses nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from threading import Event

import anyio
import anyio.to_thread
import pytest
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import IntegrityError

from actors.adapters.store.engine.errors import CommitFailed, StoreClosed
from actors.adapters.store.engine.writer import BATCH_MAX, WriterThread


class Refused(Exception):
    """What an operation of a test raises."""


def add(conn: Connection, number: int) -> int:
    conn.exec_driver_sql("INSERT INTO numbers VALUES (?)", (number,))
    return number


def add_and_raise(conn: Connection, number: int) -> None:
    add(conn, number)
    raise Refused(number)


def numbers(conn: Connection) -> list[int]:
    return sorted(conn.exec_driver_sql("SELECT number FROM numbers").scalars())


@pytest.fixture
async def writer(engine: Engine) -> AsyncIterator[WriterThread]:
    with engine.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
    thread = WriterThread(engine)
    yield thread
    await thread.aclose()


@pytest.fixture
def commits(engine: Engine) -> list[int]:
    """How many rows each COMMIT made durable, as it happens."""
    seen: list[int] = []

    @event.listens_for(engine, "commit")
    def on_commit(conn: Connection) -> None:
        seen.append(len(numbers(conn)))

    return seen


class Gate:
    """Holds the writer inside an operation until it is opened."""

    def __init__(self) -> None:
        self._entered = Event()
        self._open = Event()

    def hold(self, conn: Connection) -> None:
        self._entered.set()
        self._open.wait()

    def open(self) -> None:
        self._open.set()

    async def entered(self) -> None:
        await anyio.to_thread.run_sync(self._entered.wait)


async def gather(writer: WriterThread, *operations: Callable[[Connection], object]) -> None:
    """Queue `operations` in order behind a held writer, so that they are one batch; then let it go on."""
    gate = Gate()
    async with anyio.create_task_group() as group:
        group.start_soon(writer.run, gate.hold)
        await gate.entered()
        for operation in operations:
            group.start_soon(writer.run, operation)
        await anyio.wait_all_tasks_blocked()
        gate.open()


async def test_what_an_operation_returns_is_its_callers(writer: WriterThread) -> None:
    assert await writer.run(add, 7) == 7
    assert await writer.run(numbers) == [7]


async def test_callers_that_wait_together_share_one_commit(writer: WriterThread, commits: list[int]) -> None:
    await gather(writer, *((lambda conn, n=n: add(conn, n)) for n in range(50)))
    assert commits == [0, 50]


async def test_a_batch_is_bounded(writer: WriterThread, commits: list[int]) -> None:
    await gather(writer, *((lambda conn, n=n: add(conn, n)) for n in range(BATCH_MAX + 1)))
    assert commits == [0, BATCH_MAX, BATCH_MAX + 1]


async def test_nobody_goes_on_before_the_commit(writer: WriterThread, engine: Engine) -> None:
    gone_on: list[int] = []
    before: list[list[int]] = []
    event.listen(engine, "commit", lambda conn: before.append(list(gone_on)))

    async def caller(number: int) -> None:
        gone_on.append(await writer.run(add, number))

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(caller, number)
    assert sorted(gone_on) == list(range(20))
    assert all(len(set(seen)) == len(seen) for seen in before)
    assert before[0] == []


async def test_an_error_undoes_its_own_operation_and_no_neighbour(writer: WriterThread, commits: list[int]) -> None:
    async def fails(number: int) -> None:
        with pytest.raises(Refused):
            await writer.run(add_and_raise, number)

    gate = Gate()
    async with anyio.create_task_group() as group:
        group.start_soon(writer.run, gate.hold)
        await gate.entered()
        for number in (1, 3):
            group.start_soon(writer.run, add, number)
            group.start_soon(fails, number + 1)
        await anyio.wait_all_tasks_blocked()
        gate.open()
    assert commits[:2] == [0, 2]
    assert await writer.run(numbers) == [1, 3]


async def test_a_refusal_of_the_database_undoes_its_own_operation(writer: WriterThread) -> None:
    await writer.run(add, 1)
    with pytest.raises(IntegrityError):
        await writer.run(add, 1)
    await writer.run(add, 2)
    assert await writer.run(numbers) == [1, 2]


async def test_a_commit_that_fails_fails_all_its_batch_and_leaves_nothing(writer: WriterThread, engine: Engine) -> None:
    # A deferred key is checked by COMMIT alone: the plainest way to have one refused.
    with engine.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE child (number REFERENCES numbers(number) DEFERRABLE INITIALLY DEFERRED)")

    def add_orphan(conn: Connection) -> None:
        conn.exec_driver_sql("INSERT INTO child VALUES (99)")

    failed: list[BaseException] = []

    async def fails(operation: Callable[[Connection], object]) -> None:
        with pytest.raises(CommitFailed) as caught:
            await writer.run(operation)
        failed.append(caught.value)

    gate = Gate()
    async with anyio.create_task_group() as group:
        group.start_soon(writer.run, gate.hold)
        await gate.entered()
        for operation in (lambda conn: add(conn, 1), add_orphan, lambda conn: add(conn, 2)):
            group.start_soon(fails, operation)
        await anyio.wait_all_tasks_blocked()
        gate.open()

    assert len(set(map(id, failed))) == 3
    assert await writer.run(numbers) == []
    assert await writer.run(add, 3) == 3


async def test_a_lost_transaction_fails_its_batch_and_the_writer_goes_on(writer: WriterThread) -> None:
    def lose(conn: Connection) -> None:
        conn.exec_driver_sql("ROLLBACK")  # what SQLite does by itself when the disk is full
        raise Refused

    gate = Gate()
    failed: list[type[BaseException]] = []

    async def fails(operation: Callable[[Connection], object]) -> None:
        with pytest.raises((CommitFailed, Refused)) as caught:
            await writer.run(operation)
        failed.append(caught.type)

    async with anyio.create_task_group() as group:
        group.start_soon(writer.run, gate.hold)
        await gate.entered()
        for operation in (lambda conn: add(conn, 1), lose):
            group.start_soon(fails, operation)
        await anyio.wait_all_tasks_blocked()
        gate.open()
    assert sorted(kind.__name__ for kind in failed) == ["CommitFailed", "Refused"]
    assert await writer.run(numbers) == []
    assert await writer.run(add, 5) == 5


async def test_a_cancelled_caller_leaves_and_its_operation_is_carried_out(writer: WriterThread) -> None:
    gate = Gate()
    async with anyio.create_task_group() as group:
        group.start_soon(writer.run, gate.hold)
        await gate.entered()
        async with anyio.create_task_group() as cancelled:
            cancelled.start_soon(writer.run, add, 1)
            group.start_soon(writer.run, add, 2)
            await anyio.wait_all_tasks_blocked()
            cancelled.cancel_scope.cancel()
        gate.open()
    assert await writer.run(numbers) == [1, 2]


async def test_closing_writes_what_is_queued(writer: WriterThread, engine: Engine) -> None:
    gate = Gate()
    async with anyio.create_task_group() as group:
        group.start_soon(writer.run, gate.hold)
        await gate.entered()
        for number in range(10):
            group.start_soon(writer.run, add, number)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(writer.aclose)
        await anyio.wait_all_tasks_blocked()
        gate.open()
    with engine.begin() as conn:
        assert numbers(conn) == list(range(10))


async def test_a_closed_writer_takes_nothing_more(writer: WriterThread) -> None:
    await writer.aclose()
    await writer.aclose()
    with pytest.raises(StoreClosed):
        await writer.run(add, 1)
