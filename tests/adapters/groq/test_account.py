"""The account's limits: what a new account has, what is set, and what a server says, over real sockets."""

from __future__ import annotations

import httpx
import pytest

from actors.adapters.groq import GroqModel, headers
from actors.adapters.groq.account import FREE, limits_of, usual_limits
from actors.ports.language_model import Completion, ModelFailed
from actors.roleplay.allowance import ModelLimits, Report
from tests.adapters.groq.test_completions import PROMPT, Shelf
from tests.fakes.model_server import model_server, refuses, says
from tests.patience import PATIENCE_S

GROQ = "https://api.groq.com/openai/v1"
NONE = ModelLimits()
TPD = (
    "Rate limit reached for model `x` in organization `org_1` service tier `on_demand` on tokens per day (TPD): "
    "Limit 200000, Used 199500, Requested 2200. Please try again in 12m14.4s."
)
OF_GROQ = {
    "x-ratelimit-limit-requests": "14400",
    "x-ratelimit-remaining-requests": "14370",
    "x-ratelimit-reset-requests": "2m59.56s",
    "x-ratelimit-limit-tokens": "18000",
    "x-ratelimit-remaining-tokens": "17997",
    "x-ratelimit-reset-tokens": "7.66s",
}


@pytest.mark.parametrize(
    ("url", "model", "limits"),
    [
        (GROQ, "openai/gpt-oss-120b", ModelLimits(30, 8000, 1000, 200_000)),
        (GROQ, "llama-3.1-8b-instant", ModelLimits(30, 6000, 14_400, 500_000)),
        (GROQ, "of-tomorrow", FREE),
        ("http://localhost:11434/v1", "openai/gpt-oss-120b", NONE),
        ("https://groq.com.example/v1", "openai/gpt-oss-120b", NONE),
    ],
)
def test_only_groq_s_free_account_is_known_by_host_and_model(url: str, model: str, limits: ModelLimits) -> None:
    assert usual_limits(httpx.URL(url), model) == limits


def test_a_server_that_names_a_higher_limit_has_another_account_of_which_nothing_is_supposed() -> None:
    assert limits_of(FREE, None, NONE) == FREE
    assert limits_of(FREE, None, ModelLimits(tokens_per_minute=6000)) == ModelLimits(30, 6000, 1000, 200_000)
    paid = ModelLimits(tokens_per_minute=250_000, requests_per_day=500_000)
    assert limits_of(FREE, None, paid) == paid
    assert limits_of(NONE, None, paid) == paid


def test_what_is_set_holds_but_for_what_the_server_names() -> None:
    given = ModelLimits(10, 5000, 100)
    assert limits_of(FREE, given, NONE) == given
    assert limits_of(FREE, given, ModelLimits(tokens_per_minute=8000)) == ModelLimits(10, 8000, 100)


def test_groq_reports_the_day_s_requests_and_the_minute_s_tokens() -> None:
    assert headers.reports(OF_GROQ, FREE, is_groq=True) == (
        Report("requests_per_day", 14_400, 14_370, 179.56),
        Report("tokens_per_minute", 18_000, 17_997, 7.66),
    )


@pytest.mark.parametrize(
    ("said", "limits", "kind"),
    [
        ({"limit-requests": "500", "reset-requests": "120ms"}, NONE, "requests_per_minute"),
        ({"limit-requests": "1000", "reset-requests": "1m26.4s"}, NONE, "requests_per_day"),
        ({"limit-requests": "1000", "reset-requests": "0s"}, FREE, "requests_per_day"),
        ({"limit-requests-day": "1000"}, NONE, "requests_per_day"),
        ({"limit-requests-minute": "30"}, FREE, "requests_per_minute"),
        ({"limit-tokens-day": "1000"}, NONE, "tokens_per_day"),
        ({"remaining-tokens-minute": "10"}, NONE, "tokens_per_minute"),
    ],
)
def test_other_servers_name_the_span_or_show_it(said: dict[str, str], limits: ModelLimits, kind: str) -> None:
    written = {f"x-ratelimit-{name}": value for name, value in said.items()}
    assert [each.kind for each in headers.reports(written, limits, is_groq=False)] == [kind]


def test_headers_that_say_nothing_usable_are_no_reports() -> None:
    assert headers.reports({}, NONE, is_groq=True) == ()
    odd = {"x-ratelimit-limit-tokens": "many", "x-ratelimit-remaining-tokens": "-3", "x-ratelimit-limit-requests": "0"}
    assert headers.reports(odd, NONE, is_groq=True) == ()


@pytest.mark.parametrize(
    ("words", "report"),
    [
        (TPD, Report("tokens_per_day", 200_000, 500, 734.4, 2200)),
        (
            "on requests per minute (RPM): Limit 30, Used 30, Requested 1.",
            Report("requests_per_minute", 30, 0, 734.4, 1),
        ),
        ("Rate limit on Tokens per Minute: limit: 8,000", Report("tokens_per_minute", 8000, None, 734.4)),
        ("requests per day (RPD): Limit 1000, Used 1002, Requested 1", Report("requests_per_day", 1000, 0, 734.4, 1)),
        ("tokens per minute: Limit 0, Used 0", None),
        ("Rate limit reached, please slow down.", None),
    ],
)
def test_a_429_says_in_words_which_limit_it_is(words: str, report: Report | None) -> None:
    assert headers.report_in(words, 734.4) == report


async def test_allowance_an_account_s_limits_are_learnt_from_headers_and_kept_over_a_restart() -> None:
    shelf = Shelf()
    async with model_server(says("Aye.", headers=OF_GROQ)) as server:
        seen = []
        for _ in range(2):
            model = GroqModel(api_key=None, base_url=server.url, models=["m"], timeout_s=PATIENCE_S, shelf=shelf)
            await model.recall()
            seen.append(model.limits("test-model"))
            answer = await model.complete(PROMPT)
            seen.append(model.limits("test-model"))
            await model.aclose()
    learnt = ModelLimits(tokens_per_minute=18_000, requests_per_day=14_400)
    assert seen == [NONE, learnt, learnt, learnt]
    assert isinstance(answer, Completion)
    assert answer.learnt == ""  # nothing that the operator must know


async def test_allowance_a_429_s_own_words_reach_the_allowance_with_its_wait() -> None:
    async with model_server(refuses(429, TPD, headers={"retry-after": "735"})) as server:
        given = ModelLimits(30, 8000, 1000, 500_000)
        model = GroqModel(api_key=None, base_url=server.url, models=["m"], timeout_s=PATIENCE_S, limits=given)
        failed = await model.complete(PROMPT)
        await model.aclose()
    assert isinstance(failed, ModelFailed)
    assert (failed.reason, failed.retry_after_s, failed.limited) == ("rate_limit", 735, "tokens_per_day")
    assert failed.reports == (Report("tokens_per_day", 200_000, 500, 734.4, 2200),)
    assert model.limits("test-model") == ModelLimits(30, 8000, 1000, 200_000)
