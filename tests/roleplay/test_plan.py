"""The generation plan: what follows from each journalled reason, and what each failure means."""

from collections.abc import Collection, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.roleplay.model_reasons import MEANINGS, Then, that
from actors.roleplay.plan import (
    ROOM_FACTOR_MAX,
    TRIES_OF_ONE_MODEL,
    TRIMMED_SHARE,
    TRIMS_MAX,
    Failure,
    Plan,
    Verdict,
    judge,
    next_requests,
)
from machines.reasons import GenerationReason


def next_request(
    failures: Sequence[Failure], models: Sequence[str], response_tokens: int, *, avoid: Collection[str] = ()
) -> Plan:
    return next_requests(failures, models, response_tokens, avoid=avoid)[0]


TOO_LARGE = Failure("too_large", "large")
MODELS = ("large", "small")
ONCE_MORE = sorted(that(Then.AGAIN_ONCE))
DECLINED = sorted(that(Then.NEXT))
LOST = sorted(that(Then.NEXT_OR_END))
FINAL = sorted(that(Then.END))
KEPT: tuple[GenerationReason, ...] = ("rate_limit", "empty", "length", "repeat", "unsupported", "restart")
RETRIED = (*KEPT, *ONCE_MORE, *DECLINED)
REASONS = (*RETRIED, *FINAL, *LOST, "too_large")

any_failures = st.lists(
    st.builds(Failure, st.sampled_from(REASONS), st.sampled_from(["", "a", "b", "c", "d"])), max_size=8
)
any_models = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=4)


def test_every_reason_is_tried_here() -> None:
    assert set(REASONS) == {*MEANINGS, "restart"}


def of_large(*reasons: GenerationReason) -> list[Failure]:
    """These failures, each of the first model."""
    return [Failure(reason, "large") for reason in reasons]


def judged(failures: Sequence[Failure], reason: GenerationReason, *, retry_after_s: float = 0.0) -> Verdict:
    """What the same model's next failure means."""
    return judge(failures, Failure(reason, "large"), MODELS, retry_after_s=retry_after_s)


def test_the_first_request_goes_to_the_first_model_with_the_whole_budget() -> None:
    assert next_request([], MODELS, 700) == Plan("large", 700)


@pytest.mark.parametrize("reason", ["length", "empty"])
def test_a_budget_eaten_by_reasoning_is_doubled_each_time_up_to_a_bound(reason: GenerationReason) -> None:
    rooms = [next_request(of_large(*[reason] * tries), MODELS, 700).completion_tokens_max for tries in range(5)]
    assert rooms == [700, 1400, 2800, 2800, 2800]


def test_a_prompt_that_was_too_large_stays_trimmed() -> None:
    assert next_request(of_large("too_large", "timeout"), MODELS, 700) == Plan("large", 700, TRIMMED_SHARE)


@pytest.mark.parametrize("reason", [*LOST, *DECLINED])
def test_a_lost_model_is_followed_by_the_next(reason: GenerationReason) -> None:
    assert next_request([*of_large(reason), Failure("timeout", "small")], MODELS, 700).model == "small"


@pytest.mark.parametrize("reason", [*LOST, *DECLINED])
def test_the_model_that_is_lost_is_the_one_that_was_asked(reason: GenerationReason) -> None:
    """The first may have been passed over: its breaker was open then."""
    assert next_request([Failure(reason, "small")], MODELS, 700).model == "large"


def test_a_journal_that_names_no_model_loses_none() -> None:
    assert next_request([Failure("model_missing")], MODELS, 700).model == "large"


@pytest.mark.parametrize("reason", ["repeat", "refusal"])
def test_a_repeat_and_a_refusal_are_answered_with_a_note_that_stays(reason: GenerationReason) -> None:
    note = next_request(of_large(reason), MODELS, 700).note
    assert note.startswith("[")
    assert next_request(of_large(reason, "timeout"), MODELS, 700).note == note


def test_a_repeat_and_a_refusal_together_are_answered_with_both_notes() -> None:
    both = next_request(of_large("refusal", "repeat"), MODELS, 700).note
    assert all(next_request(of_large(reason), MODELS, 700).note in both for reason in ("repeat", "refusal"))


@pytest.mark.parametrize("reason", ["rate_limit", *ONCE_MORE, "unsupported", "restart"])
def test_what_lies_with_the_server_changes_nothing_of_the_request(reason: GenerationReason) -> None:
    assert next_request(of_large(reason), MODELS, 700) == next_request([], MODELS, 700)


@pytest.mark.parametrize("reason", ONCE_MORE)
def test_a_model_that_was_not_available_twice_leaves_the_next_try_to_another(reason: GenerationReason) -> None:
    failures = of_large(reason, "timeout")
    assert next_request(failures, MODELS, 700).model == "small"
    assert next_request([*failures, Failure(reason, "small")], MODELS, 700).model == "small"
    assert next_request(failures, ("large",), 700).model == "large"
    assert next_request(failures, MODELS, 700, avoid={"small"}).model == "large"


@pytest.mark.parametrize("reason", KEPT)
def test_a_model_that_answers_is_kept(reason: GenerationReason) -> None:
    assert next_request(of_large(*[reason] * TRIES_OF_ONE_MODEL), MODELS, 700).model == "large"


@pytest.mark.parametrize("reason", DECLINED)
def test_b06_a_model_that_declines_is_asked_again_only_where_there_is_no_other(reason: GenerationReason) -> None:
    assert next_request(of_large(reason), MODELS, 700).model == "small"
    assert next_request([*of_large(reason), Failure(reason, "small")], MODELS, 700).model == "large"
    assert next_request(of_large(reason), ("large",), 700).model == "large"


def test_where_no_model_was_available_the_first_is_asked_again() -> None:
    failures = [Failure("overloaded", model) for model in MODELS for _ in range(TRIES_OF_ONE_MODEL)]
    assert next_request(failures, MODELS, 700).model == "large"


def test_a_model_behind_an_open_breaker_is_passed_over_while_another_is_left() -> None:
    assert next_request([], MODELS, 700, avoid={"large"}).model == "small"
    assert next_request([], MODELS, 700, avoid={"large", "small"}).model == "large"
    assert next_request(of_large("model_missing"), MODELS, 700, avoid={"small"}).model == "small"


@pytest.mark.parametrize("reason", FINAL)
def test_what_only_the_operator_can_mend_is_final_at_once(reason: GenerationReason) -> None:
    assert judged([], reason) == Verdict(reason, final=True)


@pytest.mark.parametrize("reason", RETRIED)
def test_what_may_pass_is_tried_again_after_the_wait_that_was_told(reason: GenerationReason) -> None:
    assert judged(of_large("timeout"), reason, retry_after_s=7) == Verdict(reason, 7)


@pytest.mark.parametrize("reason", LOST)
def test_a_model_is_lost_for_good_only_when_none_is_left(reason: GenerationReason) -> None:
    assert judged([], reason) == Verdict(reason)
    assert judged([Failure("model_missing", "small")], reason) == Verdict(reason, final=True)


def test_a_prompt_that_is_too_large_is_halved_and_halved_again_and_then_final() -> None:
    shares = [next_request([TOO_LARGE] * count, MODELS, 700).context_share for count in range(4)]
    assert shares == [1.0, TRIMMED_SHARE, TRIMMED_SHARE**2, TRIMMED_SHARE**2]
    verdicts = [judged([TOO_LARGE] * count, "too_large").final for count in range(TRIMS_MAX + 1)]
    assert verdicts == [False, False, True]


def test_each_model_that_is_as_good_as_the_first_may_be_asked_in_its_place() -> None:
    assert [each.model for each in next_requests([], MODELS, 700)] == ["large", "small"]
    assert [each.model for each in next_requests([], MODELS, 700, avoid={"large"})] == ["small"]
    assert [each.model for each in next_requests(of_large("refusal"), MODELS, 700)] == ["small"]
    assert [each.model for each in next_requests(of_large("length"), MODELS, 700)] == ["large", "small"]


@given(any_failures, any_models, st.sets(st.sampled_from(["a", "b", "c", "d"])))
def test_every_plan_is_one_that_can_be_asked(failures: list[Failure], models: list[str], avoid: set[str]) -> None:
    plan = next_request(failures, models, 700, avoid=avoid)
    assert plan.model in models
    assert 700 <= plan.completion_tokens_max <= 700 * ROOM_FACTOR_MAX
    assert plan.context_share in [TRIMMED_SHARE**trims for trims in range(TRIMS_MAX + 1)]
    assert plan == next_request(failures, models, 700, avoid=avoid)


@given(any_models, st.data())
def test_models_that_go_missing_one_after_the_other_are_each_asked_once(models: list[str], data: st.DataObject) -> None:
    failures: list[Failure] = []
    asked: list[str] = []
    final = False
    while not final:
        avoid = data.draw(st.sets(st.sampled_from(models)))  # breakers come and go meanwhile
        model = next_request(failures, models, 700, avoid=avoid).model
        asked.append(model)
        failures += [Failure(reason, model) for reason in data.draw(st.lists(st.sampled_from(RETRIED), max_size=2))]
        verdict = judge(failures, Failure("model_missing", model), models)
        failures.append(Failure(verdict.reason, model))
        final = verdict.final
    assert sorted(asked) == sorted(set(models))


@given(any_failures, st.sampled_from(REASONS), any_models, st.floats(0, 1e6))
def test_a_verdict_never_waits_longer_than_told_nor_renames_another_reason(
    failures: list[Failure], reason: GenerationReason, models: list[str], told: float
) -> None:
    verdict = judge(failures, Failure(reason, models[0]), models, retry_after_s=told)
    assert 0 <= verdict.retry_after_s <= told
    assert verdict.reason == reason
