"""GroqModel against a scripted server over real sockets: one test for each row of what a server can do."""

import logging
from typing import Any

import pytest

from actors.adapters.groq import GroqModel, RateLimits
from actors.observation import Budget
from actors.ports import listening
from actors.ports.language_model import Completion, ModelFailed
from actors.roleplay.model import ChatMessage, Prompt, Purpose
from tests.fakes.model_server import CUTS, DROPS, HANGS, Answer, Request, gives, gives_raw, model_server, refuses, says
from tests.patience import PATIENCE_S

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
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7.5s"}, 7.5),
        ({"x-ratelimit-remaining-tokens": "700", "x-ratelimit-reset-tokens": "7.5s"}, 7.5),
        ({"x-ratelimit-remaining-tokens": "799000", "x-ratelimit-reset-tokens": "7.5s"}, 0),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7.5s", "retry-after": "2"}, 2),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "Mon, 30 Nov 2026 18:00:30 GMT", "date": "Mon, 30 Nov 2026 18:00:00 GMT"}, 30),
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
        gives({"error": {"code": 500, "message": "too long", "type": "exceed_context_size_error"}}, status=500),
        gives(
            {
                "error": "Trying to keep the first 6547 tokens when context the overflows. However, the model is loaded"
                " with context length of only 4096 tokens, which is not enough."
            },
            status=400,
        ),
        gives({"detail": "Request length 71599 + 2048 is greater than max_seq_len 65536"}, status=400),
        gives(
            {"object": "error", "message": "This model's maximum context length is 4096 tokens.", "code": 400},
            status=400,
        ),
        gives(
            [
                {
                    "error": {
                        "code": 400,
                        "status": "INVALID_ARGUMENT",
                        "message": "The input token count (40000) exceeds the maximum number of tokens allowed.",
                    }
                }
            ],
            status=400,
        ),
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


@pytest.mark.parametrize("status", [401, 403])
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
        ({"api_key": "sk-\n1"}, "GROQ_API_KEY contains characters"),
        ({"api_key": "“sk-1”"}, "GROQ_API_KEY contains characters"),
        ({"base_url": "localhost:11434"}, "must begin with http"),
        ({"base_url": "http://"}, "must begin with http"),
        ({"base_url": "http://[::1"}, "is not an address"),
    ],
)
async def test_settings_that_cannot_work_are_refused_with_the_mend(arguments: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"api_key": None, "base_url": None, "models": ["m"], "timeout_s": 1}
    with pytest.raises(ValueError, match=words):
        GroqModel(**{**given, **arguments})


# ── what is learnt ──────────────────────────────────────────────────────────────────────────────────


class Shelf:
    """A ServerKnowledge in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    async def server_knowledge(self, server: str) -> dict[str, str]:
        return {model: known for (of, model), known in self.kept.items() if of == server}

    async def keep_server_knowledge(self, server: str, model: str, knowledge: str, *, at: float) -> None:
        self.kept[server, model] = knowledge


def takes_no_max_tokens(request: Request) -> Answer:
    if "max_tokens" in request.json:
        return refuses(400, "Unsupported parameter: 'max_tokens'", code="unsupported_parameter")
    return says("Aye.")


async def test_b02_what_was_learnt_is_kept_over_a_restart_and_told_once() -> None:
    shelf = Shelf()
    told: list[str] = []
    async with model_server(otherwise=takes_no_max_tokens) as server:
        for _ in range(2):
            address = server.url.replace("://", "://me:pass-word@")
            model = GroqModel(api_key=None, base_url=address, models=["m"], timeout_s=PATIENCE_S, shelf=shelf)
            await model.recall()
            outcomes = [await model.complete(PROMPT) for _ in range(2)]
            told += [outcome.learnt for outcome in outcomes if outcome.learnt]
            await model.aclose()
        assert [isinstance(outcome, Completion) for outcome in outcomes] == [True, True]
        assert len(server.requests) == 4
    assert told == [
        f"The model test-model at {server.url} refuses max_tokens: max_completion_tokens is sent from now on."
    ]
    assert "pass-word" not in repr(shelf.kept)


async def test_b02_a_refusal_that_teaches_is_tried_again_and_one_that_does_not_is_a_bad_request() -> None:
    async with model_server(*[refuses(400, "'stop' is not supported")] * 2) as server:
        model = model_at(server.url)
        first, second = await model.complete(PROMPT), await model.complete(PROMPT)
        await model.aclose()
    assert isinstance(first, ModelFailed)
    assert isinstance(second, ModelFailed)
    assert (first.reason, second.reason) == ("unsupported", "bad_request")


LONG = Prompt("Alex", "test-model", (ChatMessage("user", "the lamp turns " * 1100, Purpose.HISTORY),), (), 700, "r1")


async def test_b09_a_server_that_reads_less_is_told_of_once_and_its_window_followed() -> None:
    async with model_server(otherwise=lambda _: says("Aye.", prompt_tokens=2050)) as server:
        model = model_at(server.url)
        outcomes = [await model.complete(LONG) for _ in range(2)]
        await model.aclose()
    words = [outcome.learnt for outcome in outcomes]
    assert words[0].startswith(f"The model test-model at {server.url} counts 2,050 tokens of a prompt of about 5,504:")
    assert words[1] == ""
    assert model.window_tokens("test-model") == 2050
    [seen] = model.seen_models(6000)
    assert (seen.model, seen.server, seen.known) == ("test-model", server.url, ("reads 2,050 tokens of a prompt",))
    assert "CONTEXT_TOKENS is 6,000" in seen.warning


async def test_b09_a_list_of_models_tells_how_much_one_reads() -> None:
    listed = {"data": [{"id": "test-model", "max_model_len": 4096}, {"id": "b", "meta": {"n_ctx": 2048}}, {"id": "c"}]}
    async with model_server(gives(listed)) as server:
        model = GroqModel(api_key=None, base_url=server.url, models=["test-model", "b", "c"], timeout_s=PATIENCE_S)
        await model.check()
        await model.aclose()
    assert [model.window_tokens(name) for name in ("test-model", "b", "c")] == [3096, 1536, None]


async def test_the_servers_words_reach_the_operator_without_our_key() -> None:
    async with model_server(refuses(400, "I know correct-horse-battery", code="odd_code")) as server:
        model = model_at(server.url, key="correct-horse-battery")
        result = await model.complete(PROMPT)
        await model.aclose()
    assert isinstance(result, ModelFailed)
    assert (result.status, result.code, result.words) == (400, "odd_code", "I know …")


async def test_m6_a_limit_that_is_not_used_up_holds_nobody_whatever_the_status() -> None:
    headers = {"x-ratelimit-remaining-tokens": "799000", "x-ratelimit-reset-tokens": "7.66s"}
    for status in (408, 429, 500, 503):
        assert (await reason(refuses(status, headers=headers)))[1] == 0
    used_up = headers | {"x-ratelimit-remaining-tokens": "12"}
    for status in (429, 503):
        assert (await reason(refuses(status, headers=used_up)))[1] == 7.66
