"""GroqModel against a scripted server over real sockets: one test for each row of what a server can do."""

import logging
from typing import Any

import pytest

from actors.adapters.groq import GroqModel, RateLimits
from actors.ports import Budget, listening
from actors.ports.model import Completion, ModelFailed
from actors.roleplay.model import ChatMessage, Prompt, Purpose
from tests.fakes.model_server import CUTS, DROPS, HANGS, Answer, gives, gives_raw, model_server, refuses, says
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio

PROMPT = Prompt(
    character="Alex",
    model="test-model",
    messages=(
        ChatMessage("system", "You are Alex.", Purpose.CARD),
        ChatMessage("user", "Robin: Hello?", Purpose.HISTORY),
        ChatMessage("system", "[Write Alex's next line only.]", Purpose.INSTRUCTION),
    ),
    stop=("\nRobin:",),
    completion_tokens_max=700,
    seed="r1",
)
TPM = "Request too large for model `x` on tokens per minute (TPM): Limit 8000, Requested 9100"
TRY_TIMEOUT_S = 0.5
"""Long enough for a request to reach its server on a busy machine."""
CLOCK_S = 0.001
"""The loop may wake by so much before its time, and far less: it counts in ticks of its clock."""
HTML = b"<!DOCTYPE html><html><body>Bad gateway</body></html>"


def model_at(url: str, *, timeout_s: float = PATIENCE_S, key: str | None = None) -> GroqModel:
    return GroqModel(api_key=key, base_url=url, models=["test-model"], timeout_s=timeout_s)


async def outcome(answer: Answer, *, timeout_s: float = PATIENCE_S) -> Completion | ModelFailed:
    """What complete() makes of `answer`, which it must ask for exactly once."""
    async with model_server(answer) as server:
        model = model_at(server.url, timeout_s=timeout_s)
        result = await model.complete(PROMPT)
        await model.aclose()
        assert len(server.requests) == 1
    return result


async def reason(answer: Answer, *, timeout_s: float = PATIENCE_S) -> tuple[str, float]:
    result = await outcome(answer, timeout_s=timeout_s)
    assert isinstance(result, ModelFailed)
    return result.reason, result.retry_after_s


async def test_an_answer_is_a_completion_with_its_figures() -> None:
    answer = says("*nods* Hello.", prompt_tokens=12, completion_tokens=5)
    assert await outcome(answer) == Completion("*nods* Hello.", False, "test-model", 12, 5)


async def test_an_answer_that_ran_into_the_limit_says_so() -> None:
    assert await outcome(says("Hello, I was", finish_reason="length")) == Completion(
        "Hello, I was", cut_by_length=True, model="test-model"
    )


@pytest.mark.parametrize("status", [408, 409, 424, 498, 500, 502, 503, 504, 520, 529])
async def test_a_server_in_trouble_is_overloaded(status: int) -> None:
    assert await reason(refuses(status)) == ("overloaded", 0)


async def test_an_overloaded_server_may_say_when_to_come_back() -> None:
    assert await reason(refuses(503, headers={"retry-after": "11"})) == ("overloaded", 11)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "540"}, 540),
        ({"retry-after": "2m59.5s"}, 179.5),
        ({"retry-after": "0.25", "x-ratelimit-reset-requests": "2m"}, 0.25),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2m59.5s"}, 179.5),
        ({"x-ratelimit-remaining-requests": "9", "x-ratelimit-reset-tokens": "7.5s"}, 7.5),
        ({"retry-after": "soon"}, 0),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "inf"}, 0),
        ({}, 0),
    ],
)
async def test_a_rate_limit_waits_as_the_headers_say(headers: dict[str, str], wait_s: float) -> None:
    answer = refuses(429, "Rate limit reached", code="rate_limit_exceeded", headers=headers)
    assert await reason(answer) == ("rate_limit", wait_s)


@pytest.mark.parametrize(
    "answer",
    [
        refuses(413),
        refuses(413, TPM, code="rate_limit_exceeded", headers={"retry-after": "9"}),
        refuses(429, TPM, code="rate_limit_exceeded", headers={"retry-after": "9"}),
        refuses(400, "Please reduce the length of the messages or completion.", code="context_length_exceeded"),
        refuses(400, "This model's maximum context length is 4096 tokens."),
        gives({"error": {"code": 400, "message": "too long", "type": "exceed_context_size_error"}}, status=400),
    ],
)
async def test_a_prompt_that_does_not_fit_is_too_large_and_no_wait_helps(answer: Answer) -> None:
    assert await reason(answer) == ("too_large", 0)


@pytest.mark.parametrize(
    "answer",
    [
        refuses(404, "The model `x` does not exist", code="model_not_found"),
        refuses(404, "model 'x' not found, try pulling it first"),
        refuses(400, "The model `x` has been decommissioned", code="model_decommissioned"),
        refuses(403, "The model `x` is blocked", code="model_permission_blocked_org"),
    ],
)
async def test_a_model_that_is_not_there_is_missing(answer: Answer) -> None:
    assert await reason(answer) == ("model_missing", 0)


@pytest.mark.parametrize("status", [401, 402, 403])
async def test_a_refused_key_is_a_matter_of_credentials(status: int) -> None:
    assert await reason(refuses(status, "Invalid API Key", code="invalid_api_key")) == ("credentials", 0)


@pytest.mark.parametrize("status", [301, 307, 400, 405, 422])
async def test_any_other_refusal_is_a_bad_request(status: int) -> None:
    assert await reason(refuses(status, headers={"location": "http://127.0.0.1:9/"})) == ("bad_request", 0)


@pytest.mark.parametrize(
    "answer",
    [
        gives_raw(HTML, "text/html"),
        gives_raw(HTML),
        gives_raw(b'{"choices": [{"mess'),
        gives_raw(b'{"choices": "\xff\xfe"}'),
        gives_raw(b"[" * 100_000),
        gives_raw(b""),
        gives({}),
        gives(None),
        gives("Hello."),
        gives([1]),
        gives({"choices": None}),
        gives({"choices": []}),
        gives({"choices": [{}]}),
        gives({"choices": ["Hello."]}),
        gives({"choices": [{"message": None}]}),
        gives({"choices": [{"message": {"content": [1]}}]}),
        gives({"error": {"message": "upstream failed"}}),
    ],
)
async def test_a_200_without_a_completion_is_malformed(answer: Answer) -> None:
    assert await reason(answer) == ("malformed", 0)


@pytest.mark.parametrize("text", [None, "", " \n\t"])
async def test_nothing_said_is_empty_or_a_matter_of_length(text: str | None) -> None:
    assert await reason(says(text)) == ("empty", 0)
    assert await reason(says(text, finish_reason="length")) == ("length", 0)


@pytest.mark.parametrize("answer", [DROPS, CUTS])
async def test_a_connection_lost_before_or_in_the_answer_is_a_lost_connection(answer: Answer) -> None:
    assert await reason(answer) == ("connection", 0)


async def test_a_server_that_is_not_there_is_a_lost_connection() -> None:
    async with model_server() as server:
        url = server.url
    model = model_at(url)
    result = await model.complete(PROMPT)
    await model.aclose()
    assert isinstance(result, ModelFailed)
    assert (result.reason, result.retry_after_s) == ("connection", 0)


async def test_an_answer_that_never_comes_is_a_timeout() -> None:
    assert await reason(HANGS, timeout_s=TRY_TIMEOUT_S) == ("timeout", 0)


async def test_a_failure_keeps_its_error_for_the_operator() -> None:
    result = await outcome(refuses(401, "Invalid API Key org_123"))
    assert isinstance(result, ModelFailed)
    assert "org_123" in str(result.error)


async def test_the_request_speaks_the_common_dialect_to_other_servers() -> None:
    async with model_server() as server:
        model = model_at(server.url, key="sk-1")
        await model.complete(PROMPT)
        await model.aclose()
    [request] = server.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == "Bearer sk-1"
    assert request.json == {
        "model": "test-model",
        "messages": [
            {"role": "system", "content": "You are Alex."},
            {"role": "user", "content": "Robin: Hello?\n\n[Write Alex's next line only.]"},
        ],
        "max_tokens": 700,
        "stop": ["\nRobin:"],
    }


async def test_no_proxy_stands_between_us_and_a_local_server(monkeypatch: pytest.MonkeyPatch) -> None:
    async with model_server() as server, model_server() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        model = model_at(server.url)
        result = await model.complete(PROMPT)
        await model.aclose()
    assert isinstance(result, Completion)
    assert (len(server.requests), len(proxy.requests)) == (1, 0)


async def test_the_address_given_wins_over_the_sdks_own_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_BASE_URL", "http://127.0.0.1:9/v1")
    assert isinstance(await outcome(says("Here.")), Completion)


async def test_the_newest_limits_of_each_model_are_kept_from_answers_and_refusals() -> None:
    def headers(left: int) -> dict[str, str]:
        return {"x-ratelimit-remaining-requests": str(left), "x-ratelimit-reset-tokens": "7.5s"}

    async with model_server(says("One.", headers=headers(9)), refuses(429, headers=headers(0)), says("No.")) as server:
        model = model_at(server.url)
        seen = []
        for _ in range(3):
            await model.complete(PROMPT)
            seen.append(model.rate_limits("test-model"))
        await model.aclose()
    assert seen == [RateLimits(9, None, None, 7.5), *[RateLimits(0, None, None, 7.5)] * 2]
    assert model.rate_limits("another") is None


async def test_a_budget_says_what_is_left_of_which_limit_and_until_when() -> None:
    headers = {
        "x-ratelimit-limit-requests": "1000",
        "x-ratelimit-remaining-requests": "999",
        "x-ratelimit-reset-requests": "1m30s",
        "x-ratelimit-limit-tokens": "8000",
        "x-ratelimit-remaining-tokens": "6200",
    }
    async with model_server(says("One.", headers=headers)) as server:
        model = GroqModel(api_key=None, base_url=server.url, models=["m"], timeout_s=PATIENCE_S, now=lambda: 500.0)
        assert model.budgets() == ()
        await model.complete(PROMPT)
        await model.aclose()
    assert model.budgets() == (
        Budget("test-model", "requests", 500.0, limit=1000, left=999, resets_at=590.0),
        Budget("test-model", "tokens", 500.0, limit=8000, left=6200),
    )


async def test_each_request_is_told_with_its_status_and_the_headers_that_matter() -> None:
    headers = {"x-request-id": "req_1", "via": "1.1 edge", "retry-after": "3", "x-organization": "org_123"}
    async with model_server(says("One.", headers={"cf-ray": "8a"}), refuses(429, headers=headers), HANGS) as server:
        patient, hasty = (
            model_at(server.url, timeout_s=timeout_s, key="sk-secret") for timeout_s in (PATIENCE_S, TRY_TIMEOUT_S)
        )
        with listening() as requests:
            for model in (patient, patient, hasty):
                await model.complete(PROMPT)
        await patient.aclose()
        await hasty.aclose()
    assert [(each.method, each.route, each.status) for each in requests] == [
        ("POST", "/v1/chat/completions", 200),
        ("POST", "/v1/chat/completions", 429),
        ("POST", "/v1/chat/completions", None),
    ]
    assert requests[0].headers["cf-ray"] == "8a"
    kept = {name: value for name, value in requests[1].headers.items() if name != "content-type"}
    assert kept == {"x-request-id": "req_1", "via": "1.1 edge", "retry-after": "3"}
    assert requests[2].duration_s > TRY_TIMEOUT_S - CLOCK_S
    assert "sk-secret" not in repr(requests)


async def test_the_key_is_in_no_log_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with model_server(refuses(401)) as server:
        model = model_at(server.url, key="sk-secret")
        await model.complete(PROMPT)
        await model.aclose()
    assert "sk-secret" not in caplog.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"models": []}, "GROQ_MODEL is empty"),
        ({"api_key": "sk-\n1"}, "GROQ_API_KEY has characters"),
        ({"api_key": "“sk-1”"}, "GROQ_API_KEY has characters"),
        ({"base_url": "localhost:11434"}, "must begin with http"),
        ({"base_url": "http://"}, "must begin with http"),
        ({"base_url": "http://[::1"}, "is not an address"),
    ],
)
async def test_settings_that_cannot_work_are_refused_with_the_mend(arguments: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"api_key": None, "base_url": None, "models": ["m"], "timeout_s": 1}
    with pytest.raises(ValueError, match=words):
        GroqModel(**{**given, **arguments})
