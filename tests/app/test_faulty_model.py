"""The playground's faults of a model: each is what the real client reads, in front of whichever model speaks."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from actors.adapters.understudy import Understudy
from actors.app.faulty_model import behind_faults
from actors.playground import ModelFaultPlan, PlaygroundServer
from actors.playground.model_faults import DECLINED, KINDS, LONG_S, SHORT_S
from actors.ports import Completion, Model, ModelFailed
from actors.roleplay.model import ChatMessage, Prompt, Purpose
from tests.patience import PATIENCE_S

PROMPT = Prompt("Maren", "understudy", (ChatMessage("user", "Robin: Hello?", Purpose.HISTORY),), (), 100, seed="r1")
REASONS = {
    "broken_off": "broken_off",
    "credentials": "credentials",
    "drop": "connection",
    "empty": "empty",
    "error_in_200": "overloaded",
    "filtered": "filtered",
    "http_500": "overloaded",
    "http_503": "overloaded",
    "length": "length",
    "model_missing": "model_missing",
    "no_completion": "malformed",
    "quota": "quota",
    "rate_limit": "rate_limit",
    "rate_limit_long": "rate_limit",
    "silence": "timeout",
    "too_large": "too_large",
    "web_page": "malformed",
}
PAGE = Path(__file__).parents[2] / "actors/playground/page/faults.js"


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[PlaygroundServer]:
    async with PlaygroundServer() as server:
        yield server


async def asked(server: PlaygroundServer, *, timeout_s: float = PATIENCE_S) -> Completion | ModelFailed:
    model: Model = Understudy()
    async with behind_faults(model, server.model_url, timeout_s=timeout_s) as faulty:
        assert (faulty.label, faulty.models) == (model.label, model.models)
        answer = await faulty.complete(PROMPT)
    assert isinstance(answer, Completion | ModelFailed)
    return answer


@pytest.mark.parametrize(("kind", "reason"), REASONS.items())
async def test_a_fault_of_the_model_is_what_the_real_client_reads(
    server: PlaygroundServer, kind: str, reason: str
) -> None:
    server.model_faults = ModelFaultPlan.parse([f"{kind}=1"])
    answer = await asked(server, timeout_s=0.2 if kind == "silence" else PATIENCE_S)
    found = answer.trouble if isinstance(answer, Completion) else answer.reason
    assert found == reason


@pytest.mark.parametrize(("kind", "wait_s"), [("rate_limit", SHORT_S), ("rate_limit_long", LONG_S)])
async def test_a_limit_says_how_long_to_wait(server: PlaygroundServer, kind: str, wait_s: int) -> None:
    server.model_faults = ModelFaultPlan.parse([f"{kind}=1"])
    answer = await asked(server)
    assert isinstance(answer, ModelFailed)
    assert answer.retry_after_s == wait_s


async def test_a_model_that_declines_says_so_in_its_text(server: PlaygroundServer) -> None:
    server.model_faults = ModelFaultPlan.parse(["declined=1"])
    assert (await asked(server)) == Completion(DECLINED, model="playground")


def test_every_fault_is_tried_here_and_every_one_of_the_page_exists() -> None:
    assert {*REASONS, "declined"} == {*KINDS}
    listed = PAGE.read_text(encoding="utf-8").partition("MODEL_KINDS = [")[2].partition("];")[0]
    on_page = {*re.findall(r'^  \["(\w+)"', listed, re.MULTILINE)}
    assert on_page <= {*KINDS}
    assert len(on_page) >= 12


async def test_without_a_fault_the_model_itself_speaks_and_without_a_playground_it_is_not_even_asked(
    server: PlaygroundServer,
) -> None:
    model = Understudy()
    spoken = await model.complete(PROMPT)
    assert isinstance(spoken, Completion)
    assert await asked(server) == spoken
    async with behind_faults(model, None, timeout_s=1) as itself:
        assert itself is model


async def test_a_playground_that_is_gone_is_a_model_out_of_reach() -> None:
    async with PlaygroundServer() as server:
        pass
    answer = await asked(server)
    assert isinstance(answer, ModelFailed)
    assert answer.reason == "connection"


async def test_the_same_seed_means_the_same_trouble_again(server: PlaygroundServer) -> None:
    runs = []
    for seed in (7, 7, 8):
        server.model_faults = ModelFaultPlan.parse(["http_503=0.3", "empty=0.3"], seed=seed)
        answers = [await asked(server) for _ in range(12)]
        runs.append([each.reason if isinstance(each, ModelFailed) else "ok" for each in answers])
    assert runs[0] == runs[1] != runs[2]
    assert {*runs[0]} == {"ok", "overloaded", "empty"}


async def test_the_server_ends_while_a_try_is_never_answered() -> None:
    async with PlaygroundServer() as server, asyncio.TaskGroup() as tasks:
        server.model_faults = ModelFaultPlan.parse(["silence=1"])
        waiting = tasks.create_task(asked(server))
        with anyio.fail_after(PATIENCE_S):
            while not server._model._tries:  # noqa: ASYNC110 - a server tells nobody of its requests
                await anyio.sleep(0.005)
            await server.stop()
            await waiting


@pytest.mark.parametrize("wrong", ["nope=1", "http_503", "http_503=2", "http_418=0.5"])
def test_a_wrong_fault_is_refused_with_what_there_is(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"known: |needs a probability|between 0 and 1"):
        ModelFaultPlan.parse([wrong])
    with pytest.raises(ValueError, match="add up to"):
        ModelFaultPlan.parse(["http_503=0.6", "empty=0.6"])
