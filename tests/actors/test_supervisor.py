"""One crash touches one actor, is told with its error, and the actor starts again."""

from __future__ import annotations

from itertools import pairwise

import anyio
import anyio.lowlevel
import pytest

from actors.ports import Fenced, Noted
from actors.supervisor import RESTART_WAIT_MAX_S, STEADY_S, Supervisor
from tests.fakes.play import Recorder


class TokenIsWrong(Exception):
    """What no restart mends."""


class Crashing:
    """An actor that lives for `lives_s` and then crashes."""

    def __init__(self, *lives_s: float) -> None:
        self.lives_s = list(lives_s)
        self.began: list[float] = []

    async def run(self) -> None:
        self.began.append(anyio.current_time())
        await anyio.sleep(self.lives_s.pop(0) if self.lives_s else 0.0)
        raise KeyError("a programmer's error")

    @property
    def pauses(self) -> list[float]:
        return [later - sooner for sooner, later in pairwise(self.began)]


async def test_a_crash_is_told_with_its_error_and_its_actor() -> None:
    trace = Recorder()
    assert not await Supervisor(trace).contain("The outbox", Crashing().run)
    (told,) = trace.crashes
    assert told.level == "error"
    assert told.words.startswith("The outbox")
    assert isinstance(told.error, KeyError)


async def test_what_ends_well_is_not_told() -> None:
    trace = Recorder()
    assert await Supervisor(trace).contain("The outbox", anyio.lowlevel.checkpoint)
    assert trace.events == []


async def test_fenced_is_no_crash_even_out_of_a_task_group() -> None:
    async def fenced() -> None:
        raise Fenced("session s is at epoch 2, not 1")

    async def fenced_in_a_group() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(fenced)

    trace = Recorder()
    supervisor = Supervisor(trace)
    assert not await supervisor.contain("session", fenced)
    assert not await supervisor.contain("session", fenced_in_a_group)
    assert [event.level for event in trace.events if isinstance(event, Noted)] == ["info", "info"]


async def test_a_crash_in_a_task_group_is_contained_as_any_other() -> None:
    async def crash_in_a_group() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(Crashing().run)

    trace = Recorder()
    assert not await Supervisor(trace).contain("session", crash_in_a_group)
    assert len(trace.crashes) == 1


async def test_the_waits_between_restarts_double_up_to_a_minute() -> None:
    actor = Crashing()
    with anyio.move_on_after(300):
        await Supervisor(Recorder()).keep_running("session", actor.run)
    assert actor.pauses[:8] == pytest.approx([1, 2, 4, 8, 16, 32, RESTART_WAIT_MAX_S, RESTART_WAIT_MAX_S])


async def test_an_actor_that_lived_long_starts_again_as_after_its_first_crash() -> None:
    actor = Crashing(0.0, 0.0, STEADY_S, 0.0)
    with anyio.move_on_after(120):
        await Supervisor(Recorder()).keep_running("session", actor.run)
    assert actor.pauses[:4] == pytest.approx([1, 2, STEADY_S + 1, 2])


async def test_an_end_that_nobody_asked_for_is_followed_by_a_start() -> None:
    ends: list[float] = []

    async def end() -> None:
        ends.append(anyio.current_time())

    with anyio.move_on_after(4):
        await Supervisor(Recorder()).keep_running("The gateway", end)
    assert len(ends) == 3


async def test_what_no_restart_mends_ends_the_process() -> None:
    async def refuse() -> None:
        raise TokenIsWrong

    async def refuse_in_a_group() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(refuse)

    trace = Recorder()
    supervisor = Supervisor(trace, fatal=(TokenIsWrong,))
    with pytest.raises(TokenIsWrong):
        await supervisor.keep_running("The client", refuse)
    with pytest.raises(ExceptionGroup):
        await supervisor.keep_running("The client", refuse_in_a_group)
    assert trace.events == []


async def test_cancellation_passes_through_and_is_no_crash() -> None:
    trace = Recorder()
    with anyio.move_on_after(1) as scope:
        await Supervisor(trace).keep_running("session", anyio.sleep_forever)
    assert scope.cancelled_caught
    assert trace.events == []
