"""What a rehearsal waits for is said, and it does not wait for ever; on virtual time."""

from __future__ import annotations

import anyio
import pytest

from actors.app.rehearsal_waits import STEP_S_MAX, STILL_S, Waiting
from tests.fakes.virtual_time import virtually


@virtually
async def test_a_step_that_takes_long_is_told_once_and_given_up_at_its_limit() -> None:
    told: list[str] = []
    began, waiting = anyio.current_time(), Waiting(told.append)
    await waiting.until(anyio.Event())
    took_s = anyio.current_time() - began
    assert told == ["Still waiting for the bot to be ready …"]
    assert waiting.given_up == f"waited {STEP_S_MAX:g} s for the bot to be ready, and gave up"
    assert STEP_S_MAX <= took_s < STEP_S_MAX + 1


@virtually
async def test_each_step_has_its_time_and_the_end_is_the_end() -> None:
    told: list[str] = []
    began, waiting, over = anyio.current_time(), Waiting(told.append), anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(waiting.until, over)
        await anyio.sleep(STILL_S - 1)
        waiting.step("an answer", s_max=1000)
        await anyio.sleep(999)
        waiting.step("the rest")
        over.set()
    assert told == ["Still waiting for an answer …"]
    assert waiting.given_up == ""
    assert anyio.current_time() - began == pytest.approx(STILL_S - 1 + 999)
