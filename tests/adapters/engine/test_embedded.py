"""The doorbell: nothing rung is forgotten, and nobody is drained twice at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import pytest

from actors.adapters.engine.embedded import SWEEP_S, EmbeddedEngine
from actors.roleplay.model import SessionId
from tests.fakes.virtual_time import virtually

pytestmark = virtually

DRAIN_S = 1.0


@dataclass
class Work:
    """A drain that takes a while, and a database whose sessions with work are said by the test."""

    engine: EmbeddedEngine = field(default_factory=EmbeddedEngine)
    drained: list[SessionId] = field(default_factory=list)
    lying: list[SessionId] = field(default_factory=list)
    now: Counter[SessionId] = field(default_factory=Counter)
    at_once: Counter[SessionId] = field(default_factory=Counter)
    error: Exception | None = None

    async def drain(self, session_id: SessionId) -> None:
        self.drained.append(session_id)
        self.now[session_id] += 1
        self.at_once[session_id] = max(self.at_once[session_id], self.now[session_id])
        try:
            await anyio.sleep(DRAIN_S)
            if self.error is not None:
                raise self.error
        finally:
            self.now[session_id] -= 1

    async def pending(self) -> Sequence[SessionId]:
        return list(self.lying)


@asynccontextmanager
async def running(lying: Sequence[SessionId] = ()) -> AsyncIterator[Work]:
    work = Work(lying=list(lying))
    async with anyio.create_task_group() as group:
        group.start_soon(work.engine.run, work.drain, work.pending)
        yield work
        group.cancel_scope.cancel()


async def test_rung_once_is_drained_once() -> None:
    async with running() as work:
        await work.engine.ring("a")
        await anyio.sleep(60)
        assert work.drained == ["a"]


async def test_rings_before_a_drain_begins_are_one() -> None:
    async with running() as work:
        for _ in range(5):
            await work.engine.ring("a")
        await anyio.sleep(60)
        assert work.drained == ["a"]


async def test_any_number_of_rings_during_a_drain_mean_once_more_after_it() -> None:
    async with running() as work:
        await work.engine.ring("a")
        await anyio.sleep(DRAIN_S / 2)
        for _ in range(3):
            await work.engine.ring("a")
        assert work.drained == ["a"]
        await anyio.sleep(60)
        assert work.drained == ["a", "a"]
        assert work.at_once["a"] == 1


async def test_sessions_are_drained_side_by_side_but_each_by_one_at_a_time() -> None:
    async with running() as work:
        names = [f"s{n:02}" for n in range(20)]
        for _ in range(3):
            for name in names:
                await work.engine.ring(name)
            await anyio.sleep(DRAIN_S / 4)
        await anyio.sleep(2 * DRAIN_S)
        assert Counter(work.drained) == dict.fromkeys(names, 2)
        assert set(work.at_once.values()) == {1}


async def test_the_sweep_finds_what_nobody_rang() -> None:
    async with running() as work:
        await anyio.sleep(SWEEP_S / 2)
        work.lying.append("lost")
        await anyio.sleep(SWEEP_S / 2 + 0.01)
        assert work.drained == ["lost"]


async def test_the_sweep_leaves_what_is_being_drained_alone() -> None:
    async with running() as work:
        await anyio.sleep(SWEEP_S - DRAIN_S / 2)
        await work.engine.ring("a")
        work.lying.append("a")  # as its row says until the drain has done it
        await anyio.sleep(DRAIN_S)
        work.lying.clear()
        await anyio.sleep(60)
        assert work.drained == ["a"]


async def test_what_a_drain_raises_ends_the_engine_and_the_next_run_takes_up_again() -> None:
    work = Work(error=RuntimeError("a drain that nobody contained"), lying=["a"])
    with pytest.raises(ExceptionGroup) as raised:
        await work.engine.run(work.drain, work.pending)
    assert raised.group_contains(RuntimeError, match="nobody contained")
    work.error = None
    async with anyio.create_task_group() as group:
        group.start_soon(work.engine.run, work.drain, work.pending)
        await anyio.sleep(DRAIN_S / 2)
        assert work.drained == ["a", "a"]
        group.cancel_scope.cancel()


async def test_an_engine_without_work_holds_no_task_of_a_session() -> None:
    async with running() as work:
        await anyio.sleep(0.1)
        before = len(anyio.get_running_tasks())
        for n in range(50):
            await work.engine.ring(f"s{n}")
        await anyio.sleep(DRAIN_S / 2)
        assert len(anyio.get_running_tasks()) == before + 50
        await anyio.sleep(DRAIN_S)
        assert len(anyio.get_running_tasks()) == before
