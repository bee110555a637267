"""The doctor's question to a model server: each outcome with its mend."""

import pytest

from actors.adapters.groq import Check, GroqModel
from tests.fakes.model_server import DROPS, HANGS, Answer, gives, gives_raw, lists, model_server, refuses
from tests.patience import PATIENCE_S

TRY_TIMEOUT_S = 0.5
"""Long enough for a request to reach its server on a busy machine."""


async def finding(answer: Answer, *models: str) -> Check:
    timeout_s = TRY_TIMEOUT_S if answer is HANGS else PATIENCE_S
    async with model_server(answer) as server:
        model = GroqModel(api_key=None, base_url=server.url, models=models or ["a"], timeout_s=timeout_s)
        found = await model.check()
        await model.aclose()
        assert [(request.method, request.path) for request in server.requests] == [("GET", "/v1/models")]
    return found


async def test_a_server_that_lists_every_model_is_well_and_was_not_asked_to_speak() -> None:
    assert await finding(lists("a", "b:latest", "c"), "a", "b") == Check(
        "ok", "a, b: listed by 127.0.0.1; not tested with a prompt."
    )


async def test_a_missing_model_is_named_and_others_are_offered() -> None:
    found = await finding(lists("c", "b"), "a", "b")
    assert (found.outcome, found.words) == ("model_missing", "a: not in the server's list of models.")
    assert "such as: b, c." in found.mend


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_told_with_where_to_put_a_new_one(status: int) -> None:
    found = await finding(refuses(status))
    assert found.outcome == "credentials"
    assert "GROQ_API_KEY" in found.mend


@pytest.mark.parametrize(
    "answer",
    [DROPS, HANGS, refuses(500), refuses(429)],
)
async def test_a_server_that_gives_no_answer_is_unreachable_with_a_hint(answer: Answer) -> None:
    found = await finding(answer)
    assert found.outcome == "unreachable"
    assert found.mend


@pytest.mark.parametrize("answer", [refuses(404), gives({}), gives_raw(b"<html></html>", "text/html")])
async def test_whatever_is_no_list_of_models_lists_nothing_with_a_hint(answer: Answer) -> None:
    found = await finding(answer)
    assert found.outcome == "not_listed"
    assert "GROQ_BASE_URL" in found.mend


@pytest.mark.parametrize("owner", ["llamacpp", "koboldcpp", "tabbyAPI"])
async def test_a_server_of_one_model_answers_to_any_name(owner: str) -> None:
    one = {"id": "/models/a.gguf", "object": "model", "owned_by": owner, "meta": {"n_ctx": 4096}}
    found = await finding(gives({"data": [one]}), "any")
    assert (found.outcome, found.windows) == ("ok", {"any": 4096})
    assert (await finding(gives({"data": [one, {"id": "b", "owned_by": owner}]}), "any")).outcome == "model_missing"


async def test_a_name_is_known_as_each_server_lists_it() -> None:
    assert (
        await finding(lists("models/gemini-2.5-flash", "llama3.2:latest"), "gemini-2.5-flash", "llama3.2")
    ).outcome == "ok"
