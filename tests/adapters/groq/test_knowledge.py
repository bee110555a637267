"""What is learnt of a model from what it answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actors.adapters.groq.failures import said_in
from actors.adapters.groq.knowledge import (
    WINDOW_KEPT_S,
    Known,
    Lesson,
    of_count,
    of_listing,
    of_refusal,
    of_size,
)
from actors.adapters.groq.servers import Dialect, System
from actors.adapters.groq.wire import request_of
from actors.roleplay.model import ChatMessage, Prompt, Purpose

NOW = 1000.0
NEW = Known()
DIALECT = Dialect(switches={"reasoning_effort": "low", "include_reasoning": False})
ENGLISH = "The lamp turns and the sea is dark, and nobody comes up the stairs tonight. "
JAPANESE = "灯りは回り、海は暗く、今夜は誰も階段を上がってこない。"


def prompt(text: str = ENGLISH, times: int = 1) -> Prompt:
    return Prompt("Maren", "m", (ChatMessage("user", text * times, Purpose.HISTORY),), ("\nRobin:",), 700, "r1")


def refused(body: object, known: Known = NEW, used: Dialect = DIALECT) -> Lesson | None:
    used = known.applied_to(used)
    return of_refusal(known, used, request_of(prompt(), used), said_in(body))


def error(message: str, **more: object) -> object:
    return {"error": {"message": message, **more}}


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (error("Unsupported parameter: 'max_tokens' is not supported with this model."), {"max_tokens"}),
        (error("No.", param="stop", code="unsupported_parameter"), {"stop"}),
        (error("property 'reasoning_effort' is unsupported, did you mean 'reasoning_format'?"), {"reasoning_effort"}),
        (error("`reasoning_effort` must be one of `none` or `default`"), {"reasoning_effort"}),
        (error("Unrecognized request argument supplied: include_reasoning"), {"include_reasoning"}),
        (error('Unknown name "stop": Cannot find field.'), {"stop"}),
        (error("Argument not supported: stop sequences"), {"stop"}),
        (error("Unrecognized request argument supplied: stop"), {"stop"}),
        (error("body -> stop: extra fields not permitted"), {"stop"}),
        (error("[{'type': 'extra_forbidden', 'loc': ('body', 'stop'), 'msg': 'No', 'input': 1}]"), {"stop"}),
        (
            {"detail": [{"loc": ["body", name], "msg": "Extra inputs"} for name in ("max_tokens", "stop")]},
            {"max_tokens", "stop"},
        ),
        ({"message": '{"detail": [{"loc": ["body", "max_tokens"], "msg": "Extra"}]}'}, {"max_tokens"}),
    ],
)
def test_b02_a_parameter_that_is_blamed_is_left_out_from_then_on(body: object, names: set[str]) -> None:
    lesson = refused(body)
    assert lesson is not None
    assert lesson.known.refused == names
    assert lesson.is_request_at_fault
    assert all(name in lesson.words for name in names)
    assert not names & request_of(prompt(), lesson.known.applied_to(DIALECT)).keys()


def test_b02_the_other_name_of_the_budget_is_tried_and_then_none() -> None:
    once = refused(error("'max_tokens' is not supported. Use 'max_completion_tokens' instead."))
    assert once is not None
    assert request_of(prompt(), once.known.applied_to(DIALECT))["max_completion_tokens"] == 700
    twice = refused(error("'max_completion_tokens' is not supported."), once.known)
    assert twice is not None
    assert not {"max_tokens", "max_completion_tokens"} & request_of(prompt(), twice.known.applied_to(DIALECT)).keys()


@pytest.mark.parametrize(
    "message",
    [
        "`max_tokens` must be less than or equal to `512`, the maximum value for this model",
        "max_tokens is too large: 700. This model supports at most 512 completion tokens",
        "max_tokens: 700 > 512, which is the maximum allowed number of output tokens",
    ],
)
def test_b02_a_budget_that_is_too_large_is_kept_below_what_the_model_writes(message: str) -> None:
    lesson = refused(error(message))
    assert lesson is not None
    assert (lesson.known.answer_tokens_max, lesson.known.refused) == (512, frozenset())
    assert request_of(prompt(), lesson.known.applied_to(DIALECT))["max_tokens"] == 512


@pytest.mark.parametrize(
    "message",
    [
        "Conversation roles must alternate user/assistant/user/assistant/...",
        "System role not supported",
        "Only user, assistant and tool roles are supported, got system.",
        "After the optional system message, conversation roles must alternate user and assistant roles",
        "Developer instruction is not enabled for models/gemma-3-27b-it",
        "Unexpected role 'system' after role 'user'",
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        "messages.0.role: Input should be 'user' or 'assistant'",
    ],
)
def test_b08_a_template_that_refuses_roles_is_asked_more_strictly_step_by_step(message: str) -> None:
    anywhere = replace(DIALECT, system=System.ANYWHERE)
    once = refused(error(message), used=anywhere)
    assert once is not None
    assert once.known.system is System.FIRST
    twice = refused(error(message), once.known, anywhere)
    assert twice is not None
    assert twice.known.system is System.NOWHERE
    assert refused(error(message), twice.known, anywhere) is None


@pytest.mark.parametrize(
    "body",
    [
        error("Invalid request."),
        error("The model could not stop in time."),
        error("Use max_completion_tokens instead."),
        error("messages: field required", param="messages"),
        "Bad Request",
        None,
    ],
)
def test_a_refusal_that_blames_nothing_optional_teaches_nothing(body: object) -> None:
    assert refused(body) is None


def test_b02_what_another_response_learnt_meanwhile_is_no_news_but_worth_another_try() -> None:
    known = Known(refused=frozenset({"max_tokens"}))
    request = request_of(prompt(), DIALECT)
    lesson = of_refusal(known, DIALECT, request, said_in(error("'max_tokens' is not supported.")))
    assert lesson == Lesson(known, "", is_request_at_fault=True)


# ── how much of a prompt is read ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("text", "times"), [(ENGLISH, 220), (JAPANESE, 220), ("word " * 10, 330)])
def test_b09_fewer_tokens_than_the_words_of_the_prompt_were_not_read_whole(text: str, times: int) -> None:
    lesson = of_count(NEW, prompt(text, times), 2050, NOW)
    assert lesson.known.window_now(NOW) == 2050
    assert "counts 2,050 tokens of a prompt of about 5," in lesson.words
    assert of_count(lesson.known, prompt(text, times), 2050, NOW + 1).words == "", "it is told once"


@pytest.mark.parametrize(
    ("text", "times", "counted"),
    [
        (ENGLISH, 220, 3600),  # what a tokenizer makes of it
        (JAPANESE, 220, 3900),
        ("Лампа вертится, и море темно. " * 5, 60, 2400),
        (ENGLISH, 220, 0),
        (ENGLISH, 20, 100),
    ],
)
def test_b09_a_plausible_count_and_one_that_says_nothing_teach_nothing(text: str, times: int, counted: int) -> None:
    assert of_count(NEW, prompt(text, times), counted, NOW) == Lesson(NEW)


def test_b09_a_window_is_believed_for_a_while_and_then_found_out_anew_and_told_where_it_changed() -> None:
    known = Known(window_tokens=2050, window_at=NOW)
    later = NOW + WINDOW_KEPT_S
    assert (known.window_now(later - 1), known.window_now(later)) == (2050, None)
    same, smaller = (of_count(known, prompt(ENGLISH, 220), counted, later) for counted in (2052, 1026))
    assert (same.known.window_now(later), same.words) == (2052, "")
    assert smaller.known.window_now(later) == 1026
    assert "counts 1,026 tokens" in smaller.words


def test_b09_a_server_that_counts_only_what_is_new_to_it_is_found_out() -> None:
    fooled = of_count(NEW, prompt(ENGLISH, 220), 300, NOW)
    assert fooled.known.window_now(NOW) == 300
    whole = of_count(fooled.known, prompt(ENGLISH, 40), 640, NOW + 1)
    assert whole.known.window_now(NOW + 1) is None
    assert of_count(whole.known, prompt(ENGLISH, 220), 300, NOW + 2) == Lesson(whole.known)


@pytest.mark.parametrize(
    ("body", "room"),
    [
        (error("too long", type="exceed_context_size_error", n_prompt_tokens=5407, n_ctx=2048), 1348),
        (error("This model's maximum context length is 4096 tokens. However, you requested 6700 tokens"), 3396),
        ({"error": "The model is loaded with context length of only 4096 tokens, which is not enough"}, 3396),
        (error("Requested tokens (6285) exceed context window of 2048"), 1348),
        (error("Request length 7159 + 700 is greater than max_seq_len 4096"), 3396),
        (error("This model's maximum context length is 1024 tokens."), 512),
    ],
)
def test_b09_a_prompt_that_does_not_fit_tells_the_window(body: object, room: int) -> None:
    lesson = of_size(NEW, prompt(ENGLISH, 220), said_in(body).window_tokens, NOW)
    assert lesson.known.window_now(NOW) == room
    assert lesson.words


def test_b09_a_size_that_is_not_told_teaches_nothing() -> None:
    assert of_size(NEW, prompt(), said_in(error("Request too large")).window_tokens, NOW) == Lesson(NEW)


def test_b09_a_list_of_models_tells_the_window_without_a_word() -> None:
    assert of_listing(NEW, 4096, NOW) == Lesson(Known(window_tokens=3096, window_at=NOW))


# ── kept ────────────────────────────────────────────────────────────────────────────────────────────

FULL = Known(frozenset({"stop"}), System.FIRST, 512, 2050, NOW, True, "reasoning")


@pytest.mark.parametrize("known", [NEW, FULL])
def test_what_is_known_is_read_as_it_was_written(known: Known) -> None:
    assert Known.read(known.written()) == known


@pytest.mark.parametrize(
    "written",
    ["", "[]", "null", '{"refused": "stop", "system": 7, "window_tokens": -1, "window_at": "x", "thoughts_in": []}'],
)
def test_what_cannot_be_read_is_not_known(written: str) -> None:
    assert Known.read(written) == NEW


def test_a_parameter_that_is_none_of_ours_is_never_left_out() -> None:
    assert Known.read('{"refused": ["messages", "stop"]}').refused == {"stop"}


def test_what_is_known_is_told_in_words_with_a_warning_where_less_is_read_than_sent() -> None:
    assert FULL.in_words(NOW) == (
        "refuses stop",
        "takes system messages at the beginning only",
        "writes 512 tokens at most",
        "reads 2,050 tokens of a prompt",
        "counts only part of a prompt",
        "puts its thoughts into `reasoning`",
    )
    assert FULL.warning(6000, NOW).startswith("It reads 2,050 tokens of a prompt, and CONTEXT_TOKENS is 6,000.")
    assert FULL.warning(2050, NOW) == NEW.warning(6000, NOW) == ""
