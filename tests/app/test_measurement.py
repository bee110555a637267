"""What is measured in a process: how late the loop is, and the labels that the settings lead to."""

from __future__ import annotations

import anyio
import pytest
from prometheus_client.parser import text_string_to_metric_families
from trio.testing import MockClock

from actors.adapters.groq import GroqModel
from actors.adapters.store import memory_store
from actors.adapters.understudy import Understudy
from actors.app.measurement import metrics_of, watch_loop
from actors.app.settings import load
from tests.fakes.virtual_time import virtually


@virtually
async def test_a_loop_that_is_not_held_up_is_never_late() -> None:
    lags: list[float] = []
    with anyio.move_on_after(10.1):
        await watch_loop(lags.append, every_s=0.5)
    assert lags == pytest.approx([0.0] * 20)


def test_work_that_holds_the_loop_up_is_seen() -> None:
    lags: list[float] = []
    clock = MockClock(autojump_threshold=0)

    async def work() -> None:
        await anyio.sleep(0.4)
        clock.jump(0.4)  # nothing else can run meanwhile

    async def main() -> None:
        with anyio.move_on_after(1.4):
            async with anyio.create_task_group() as group:
                group.start_soon(work)
                await watch_loop(lags.append, every_s=0.5)

    anyio.run(main, backend="trio", backend_options={"clock": clock})
    assert lags == pytest.approx([0.3, 0.0])


@pytest.mark.parametrize(
    ("base_url", "provider"),
    [("", "groq"), ("http://localhost:11434/v1", "other")],
    ids=["Groq", "a server of one's own"],
)
def test_each_model_and_dependency_has_its_series_from_the_start(base_url: str, provider: str) -> None:
    settings = load(_env_file=None, groq_base_url=base_url)
    model = GroqModel(api_key="key-of-tests", base_url=base_url or None, models=("a", "b"), timeout_s=1)
    metrics = metrics_of(settings, memory_store(), model, now=lambda: 0.0)
    families = {each.name: each for each in text_string_to_metric_families(anyio.run(metrics.text).decode())}
    assert [s.labels["dependency"] for s in families["ensemble_breaker_state"].samples] == ["discord", "a", "b"]
    tokens = families["gen_ai_client_token_usage"].samples
    assert {sample.labels["gen_ai_request_model"] for sample in tokens} == {"a", "b"}
    assert {sample.labels["gen_ai_provider_name"] for sample in tokens} == {provider}


def test_the_understudy_is_measured_under_its_own_name() -> None:
    metrics = metrics_of(load(_env_file=None), memory_store(), Understudy(), now=lambda: 0.0)
    assert 'gen_ai_provider_name="understudy"' in anyio.run(metrics.text).decode()
