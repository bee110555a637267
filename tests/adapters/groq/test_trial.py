"""The doctor's line: asked as a scene asks, and told in the words of the reasons."""

from __future__ import annotations

import re

import pytest

from actors.adapters.groq import Check, GroqModel
from tests.fakes.model_server import HANGS, Answer, Request, Script, gives, lists, model_server, refuses, says
from tests.patience import PATIENCE_S


def listing(speaks: Script, *listed: str) -> Script:
    return lambda request: lists(*listed) if request.method == "GET" else speaks(request)


async def tried(
    speaks: Script, *models: str, listed: Answer | None = None, timeout_s: float = PATIENCE_S
) -> tuple[Check, ...]:
    models = models or ("m",)
    script = listing(speaks, *models) if listed is None else lambda r: listed if r.method == "GET" else speaks(r)
    async with model_server(otherwise=script) as server:
        model = GroqModel(api_key=None, base_url=server.url, models=models, timeout_s=timeout_s)
        found = await model.try_out(700)
        await model.aclose()
    return found


async def test_b02_each_model_is_asked_for_one_short_line() -> None:
    found = await tried(lambda request: says(f"Aye from {request.json['model']}."), "a", "b")
    assert [each.outcome for each in found] == ["ok", "ok"]
    assert [re.sub(r"in [0-9.]+ s", "in T", each.words) for each in found] == [
        "a said “Aye from a.” in T.",
        "b said “Aye from b.” in T.",
    ]


def strict(request: Request) -> Answer:
    """Takes no max_tokens, no stop, and no system message."""
    for name in ("max_tokens", "stop"):
        if name in request.json:
            return refuses(400, f"Unsupported parameter: '{name}'", code="unsupported_parameter")
    if request.json["messages"][0]["role"] == "system":
        return refuses(400, "System role not supported")
    return says("Aye.")


async def test_b02_what_a_model_refuses_is_found_out_and_told() -> None:
    [found] = await tried(strict)
    assert found.outcome == "ok"
    assert "; it refuses max_tokens, stop; it takes system messages nowhere" in found.words


@pytest.mark.parametrize(
    ("answer", "words", "hint"),
    [
        (
            refuses(500, "CUDA out of memory"),
            "model overloaded (overloaded), in the server's",
            "status",
        ),
        (refuses(401, "Invalid API Key gsk_abcd1234efgh5678"), "model not set up (credentials)", "GROQ_API_KEY"),
        (says(None), "model had nothing to say (empty)", "RESPONSE_TOKENS"),
        (says("<think>hm", finish_reason="length"), "model had nothing to say (empty)", "RESPONSE_TOKENS"),
        (says("I'm sorry, but I can't help with that."), "model declined (refusal)", "GROQ_MODEL"),
        (
            gives({"choices": [{"message": {"content": None, "reasoning_content": "Aye."}}]}),
            "the server put the answer into its reasoning field (reasoning_only)",
            "--reasoning-parser",
        ),
    ],
)
async def test_what_keeps_a_line_from_coming_is_told_with_a_hint(answer: Answer, words: str, hint: str) -> None:
    [found] = await tried(lambda _: answer)
    assert found.outcome == "no_line"
    assert words in found.words
    assert hint in found.mend
    assert "gsk_" not in found.words


async def test_b11_a_server_that_is_too_slow_is_told_with_the_setting() -> None:
    [found] = await tried(lambda _: HANGS, timeout_s=0.5)
    assert "No answer within 0.5 s (GENERATE_TIMEOUT_S)." in found.words
    assert "GENERATE_TIMEOUT_S" in found.mend


async def test_a_server_that_lists_nothing_and_speaks_is_well() -> None:
    [found] = await tried(lambda _: says("Aye."), listed=refuses(404))
    assert found.outcome == "ok"


async def test_a_model_that_is_not_there_is_told_with_those_that_are() -> None:
    found = await tried(lambda _: refuses(404, "no such model"), listed=lists("other"))
    assert [each.outcome for each in found] == ["model_missing", "no_line"]
    assert "such as: other." in found[0].mend


@pytest.mark.parametrize(("listed", "outcome"), [(refuses(401), "credentials"), (refuses(503), "unreachable")])
async def test_a_server_that_refuses_everything_is_not_asked_for_a_line(listed: Answer, outcome: str) -> None:
    async with model_server(otherwise=lambda _: listed) as server:
        model = GroqModel(api_key=None, base_url=server.url, models=["a", "b"], timeout_s=PATIENCE_S)
        [found] = await model.try_out(700)
        await model.aclose()
        assert found.outcome == outcome
        assert len(server.requests) == 1
