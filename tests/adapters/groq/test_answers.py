"""The body of a 200, read leniently: whatever is beside the text never costs the text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.adapters.groq.answers import Answer, count, read
from actors.ports.language_model import Completion, ModelFailed

LAMP = "The lamp turns."


def answer(body: object) -> Answer:
    return read(json.dumps(body).encode(), "m")


def choice(content: object = LAMP, finish_reason: object = "stop", **message: object) -> Answer:
    return answer({"choices": [{"message": {"content": content, **message}, "finish_reason": finish_reason}]})


@pytest.mark.parametrize(
    "finish_reason",
    ["stop", "eos", "end_turn", "STOP", "", None, 0, 2, 1.5, True, [], {"type": "stop"}, "something new"],
)
def test_b07_a_finish_reason_that_says_nothing_bad_costs_nothing(finish_reason: object) -> None:
    assert choice(finish_reason=finish_reason).outcome == Completion(LAMP, model="m")


@pytest.mark.parametrize("finish_reason", ["length", "LENGTH", "max_tokens", "MAX_TOKENS", "model_length"])
def test_b06_a_cut_text_is_cut_by_whatever_name(finish_reason: str) -> None:
    assert choice(finish_reason=finish_reason).outcome == Completion(LAMP, cut_by_length=True, model="m")
    assert choice("", finish_reason).outcome == ModelFailed("length", words=f"finish_reason: {finish_reason.lower()}")


@pytest.mark.parametrize(
    "finish_reason",
    [
        *("content_filter", "SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "sensitive", "refusal"),
        *("content_filter: SAFETY", "guardrail_intervened"),
    ],
)
def test_b06_a_filter_is_a_refusal_by_whatever_name(finish_reason: str) -> None:
    silent, half = choice(None, finish_reason).outcome, choice("She opened", finish_reason).outcome
    assert isinstance(silent, ModelFailed)
    assert silent.reason == "filtered"
    assert isinstance(half, Completion)
    assert half.trouble == "filtered"


@pytest.mark.parametrize("finish_reason", ["error", "ERROR", "abort", "network_error", "insufficient_system_resource"])
def test_b06_an_answer_that_broke_off_is_no_whole_one(finish_reason: str) -> None:
    silent, half = choice(None, finish_reason).outcome, choice("She opened", finish_reason).outcome
    assert isinstance(silent, ModelFailed)
    assert silent.reason == "broken_off"
    assert isinstance(half, Completion)
    assert half.trouble == "broken_off"


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": LAMP}],
        [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": LAMP}],
        [
            {"type": "reasoning", "text": "hm"},
            {"type": "output_text", "text": "The lamp "},
            {"type": "text", "text": "turns."},
        ],
        ["The lamp ", {"text": "turns."}],
        [{"type": "text", "text": {"value": LAMP, "annotations": []}}],
        {"type": "text", "text": LAMP},
        [{"type": "reference", "reference_ids": [1]}, {"type": "text", "text": LAMP}, {"type": "image_url"}],
    ],
)
def test_b03_the_text_parts_are_the_text(content: object) -> None:
    assert choice(content).outcome == Completion(LAMP, model="m")


@pytest.mark.parametrize(
    "field", [{"reasoning_content": LAMP}, {"reasoning": LAMP}, {"reasoning_details": [{"type": "x", "text": LAMP}]}]
)
def test_b10_what_stands_in_the_reasoning_field_alone_is_named(field: dict[str, object]) -> None:
    [name] = field
    found = choice(None, **field)
    assert found == Answer(
        ModelFailed("reasoning_only", words=f"The answer is in `{name}`, and `content` is empty."), name
    )
    assert choice("", "length", **field).outcome == ModelFailed("length", words="finish_reason: length")
    assert choice(LAMP, **field) == Answer(Completion(LAMP, model="m"), name)


@pytest.mark.parametrize("message", [{"tool_calls": [{"id": "1"}]}, {"function_call": {"name": "look"}}])
def test_b01_a_tool_that_is_called_and_nothing_said_is_the_answers_fault(message: dict[str, object]) -> None:
    outcome = choice(None, "tool_calls", **message).outcome
    assert isinstance(outcome, ModelFailed)
    assert outcome.reason == "broken_answer"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"message": "limited", "code": 429}, "rate_limit"),
        ({"message": "limited", "type": "rate_limit_error"}, "rate_limit"),
        ({"message": "no", "code": "insufficient_quota"}, "quota"),
        ({"message": "no", "code": 402}, "quota"),
        ({"message": "no", "code": 401}, "credentials"),
        ({"message": "no", "type": "authentication_error"}, "credentials"),
        ({"message": "no", "code": 502}, "overloaded"),
        ({"message": "no", "type": "overloaded_error"}, "overloaded"),
        ({"message": "upstream failed"}, "overloaded"),
        ({"message": "too long", "code": "context_length_exceeded"}, "too_large"),
        ({"message": "no", "code": "tool_use_failed"}, "broken_answer"),
        ({"message": "no such", "code": 404}, "model_missing"),
        ({"message": "flagged", "code": "content_filter"}, "filtered"),
        ({"message": "no", "type": "invalid_request_error"}, "bad_request"),
        ("it failed", "overloaded"),
    ],
)
@pytest.mark.parametrize("place", ["answer", "choice", "vllm"])
def test_b05_an_error_inside_a_200_is_that_error(error: object, reason: str, place: str) -> None:
    fields = error if isinstance(error, dict) else {"message": error}
    body: object = {
        "answer": {"id": "x", "choices": None, "error": error},
        "choice": {"choices": [{"message": {"content": "half a"}, "finish_reason": "error", "error": error}]},
        "vllm": {"object": "error", **fields},
    }[place]
    outcome = answer(body).outcome
    assert isinstance(outcome, ModelFailed)
    assert outcome.reason == reason
    assert outcome.words


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"error": True, "message": "rate limit exceeded"}, "rate_limit"),
        ({"errors": [{"message": "no", "code": 429}]}, "rate_limit"),
        ({"status": "error", "message": "no", "code": 503}, "overloaded"),
        ([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "no"}}], "rate_limit"),
        ({"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}, "rate_limit"),
        ({"detail": "Not authenticated", "code": 401}, "credentials"),
        ({"choices": [], "message": "odd"}, "malformed"),
    ],
)
def test_b05_an_error_is_found_by_whatever_name(body: object, reason: str) -> None:
    outcome = answer(body).outcome
    assert isinstance(outcome, ModelFailed)
    assert outcome.reason == reason
    assert outcome.words


@pytest.mark.parametrize("nothing", [None, {}, "", []])
def test_b05_an_empty_error_beside_a_text_is_none(nothing: object) -> None:
    body = {
        "choices": [{"message": {"content": LAMP}, "error": nothing}],
        "error": nothing,
        "object": "chat.completion",
    }
    assert answer(body).outcome == Completion(LAMP, model="m")


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (None, (0, 0)),
        ({}, (0, 0)),
        ("many", (0, 0)),
        ({"prompt_tokens": None, "completion_tokens": None}, (0, 0)),
        ({"prompt_tokens": 1.5, "completion_tokens": 5}, (0, 5)),
        ({"prompt_tokens": 12.0, "completion_tokens": "7"}, (12, 7)),
        ({"prompt_tokens": -3, "completion_tokens": True}, (0, 0)),
        ({"prompt_tokens": 40, "prompt_tokens_details": {"cached_tokens": 30}}, (40, 0)),
        ({"prompt_tokens": 40, "prompt_tokens_details": {"cached_tokens": 3000}}, (3040, 0)),
    ],
)
def test_b07_figures_are_taken_where_they_are_some(usage: object, counts: tuple[int, int]) -> None:
    outcome = answer({"choices": [{"message": {"content": LAMP}}], "usage": usage}).outcome
    assert isinstance(outcome, Completion)
    assert (outcome.prompt_tokens, outcome.completion_tokens) == counts


@pytest.mark.parametrize("body", [{"choices": [{"delta": {"content": LAMP}}]}, {"choices": [{"text": LAMP}]}])
def test_the_forms_of_streams_and_of_older_completions_are_read(body: object) -> None:
    assert answer(body).outcome == Completion(LAMP, model="m")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda each: (
            st.lists(each, max_size=3)
            | st.dictionaries(
                st.sampled_from(["choices", "message", "content", "error", "usage", "text", "type"]), each, max_size=3
            )
        ),
    )
)
def test_any_json_is_an_answer_or_a_value_error(body: object) -> None:
    try:
        found = answer(body)
    except ValueError:
        return
    assert isinstance(found.outcome, ModelFailed) or found.outcome.text.strip()


@given(st.integers() | st.floats() | st.text() | st.none() | st.booleans())
def test_a_count_is_never_negative(value: object) -> None:
    assert count(value) >= 0
