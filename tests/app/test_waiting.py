"""What a rehearsal waits for is said, and it does not wait for ever; on virtual time."""

from __future__ import annotations

import anyio
import pytest

from actors.app.waiting import STEP_S_MAX, STILL_S, Waiting
from tests.fakes.virtual_time import run_virtually

BACKENDS = ["asyncio", "trio"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_step_that_takes_long_is_told_once_and_given_up_at_its_limit(backend: str) -> None:
    async def main() -> tuple[list[str], str, float]:
        told: list[str] = []
        began, waiting = anyio.current_time(), Waiting(told.append)
        await waiting.until(anyio.Event())
        return told, waiting.given_up, anyio.current_time() - began

    told, given_up, took_s = run_virtually(backend, main)
    assert told == ["Still waiting for the bot to be ready …"]
    assert given_up == f"waited {STEP_S_MAX:g} s for the bot to be ready, and gave up"
    assert STEP_S_MAX <= took_s < STEP_S_MAX + 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_step_has_its_time_and_the_end_is_the_end(backend: str) -> None:
    async def main() -> tuple[list[str], str, float]:
        told: list[str] = []
        began, waiting, over = anyio.current_time(), Waiting(told.append), anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(waiting.until, over)
            await anyio.sleep(STILL_S - 1)
            waiting.step("an answer", s_max=1000)
            await anyio.sleep(999)
            waiting.step("the rest")
            over.set()
        return told, waiting.given_up, anyio.current_time() - began

    assert run_virtually(backend, main) == (["Still waiting for an answer …"], "", STILL_S - 1 + 999)
