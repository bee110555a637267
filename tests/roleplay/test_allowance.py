"""The account's allowance: what it counts, what it believes, and that no server has to refuse what it grants."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.roleplay.allowance import (
    DAY_S,
    EXAMPLE,
    KINDS,
    MINUTE_S,
    OF_TOKENS,
    WINDOW_TOKENS_MIN,
    Allowance,
    ModelLimits,
    Opening,
    Report,
    Use,
    answer_tokens,
    parsed,
    window_tokens,
)
from tests.fakes.free_account import LIMITS, Form, Meter

T0 = 1_760_000_000.0
FREE = ModelLimits(30, 8000, 1000, 200_000)
FORMS: tuple[Form, ...] = ("bucket", "sliding", "clock")
forms = st.sampled_from(FORMS)
asks = st.lists(st.tuples(st.floats(0, 90), st.integers(50, 8000)), min_size=1, max_size=25)
"""(seconds since the one before, tokens) of requests."""


def used(*costs: int, at: float = T0, limits: ModelLimits = FREE) -> Allowance:
    """An allowance of which so much was used a second apart, the last at `at`."""
    allowance = Allowance(limits)
    for number, cost in enumerate(reversed(costs)):
        allowance.add(Use(f"u{number}", at - number, cost))
    return allowance


@dataclass
class Server:
    """All four limits of one model, counted as a server does."""

    form: Form
    meters: list[Meter] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.meters = [Meter(name, limit, span_s, self.form) for name, (limit, span_s) in LIMITS.items()]

    def ask(self, tokens: int, at: float) -> float:
        """How long the request would have to wait; 0: it is granted."""
        costs = (1, tokens, 1, tokens)
        wait_s = max(meter.wait_s(cost, at) for meter, cost in zip(self.meters, costs, strict=True))
        if not wait_s:
            for meter, cost in zip(self.meters, costs, strict=True):
                meter.take(cost, at)
        return wait_s

    def reports(self, at: float) -> list[Report]:
        told = (("tokens_per_minute", self.meters[1]), ("requests_per_day", self.meters[2]))
        return [Report(kind, m.limit, int(m.limit - m.used(at)), m.reset_s(at)) for kind, m in told]  # type: ignore[arg-type]


# ── what is counted ─────────────────────────────────────────────────────────────────────────────────


def test_what_was_used_a_minute_ago_is_there_again() -> None:
    allowance = used(5000)
    assert allowance.left("tokens_per_minute", T0) == 3000
    assert allowance.left("tokens_per_minute", T0 + 59.9) == 3000
    assert allowance.left("tokens_per_minute", T0 + 60) == 8000
    assert allowance.left("tokens_per_day", T0 + 60) == 195_000
    assert allowance.left("tokens_per_day", T0 + DAY_S) == 200_000


def test_a_request_goes_out_when_enough_has_come_back_and_the_limit_that_decides_is_named() -> None:
    allowance = used(3000, 4000)
    assert allowance.opens_at(1000, T0) == Opening(T0)
    assert allowance.opens_at(1001, T0) == Opening(T0 - 1 + MINUTE_S, "tokens_per_minute")
    assert allowance.opens_at(4001, T0) == Opening(T0 + MINUTE_S, "tokens_per_minute")
    assert allowance.opens_at(1000, T0, ahead=(1, 1000)) == Opening(T0 - 1 + MINUTE_S, "tokens_per_minute")
    assert allowance.opens_at(1000, T0, ahead=(2, 7500)) == Opening(T0 + 2 * MINUTE_S, "tokens_per_minute")


def test_requests_count_as_tokens_do() -> None:
    allowance = used(*[10] * 30)
    assert allowance.opens_at(10, T0) == Opening(T0 - 29 + MINUTE_S, "requests_per_minute")
    a_day = used(*[1] * 1000, limits=ModelLimits(requests_per_day=1000))
    assert a_day.opens_at(1, T0) == Opening(T0 - 999 + DAY_S, "requests_per_day")


def test_a_request_larger_than_a_limit_goes_out_when_all_of_it_is_there() -> None:
    assert used(limits=FREE).opens_at(9000, T0) == Opening(T0)
    assert used(10).opens_at(9000, T0) == Opening(T0 + MINUTE_S, "tokens_per_minute")


def test_the_figures_of_an_answer_replace_what_was_reserved() -> None:
    allowance = used(3000, 4000)
    allowance.add(Use("u0", T0, 1000))
    assert allowance.left("tokens_per_minute", T0) == 4000


def test_without_limits_everything_goes_out() -> None:
    allowance = used(10**9, limits=ModelLimits())
    assert allowance.opens_at(10**9, T0) == Opening(T0)
    assert [allowance.left(kind, T0) for kind in KINDS] == [None] * 4
    assert allowance.fitting_window(6000, 700, T0) == 6000
    assert (allowance.lines_left("minute", 100, T0), allowance.lines_left("day", 100, T0)) == (None, None)


# ── what a server says ──────────────────────────────────────────────────────────────────────────────


def test_what_others_use_of_the_account_is_believed_until_it_is_full_again() -> None:
    allowance = used(2000)
    allowance.note(Report("tokens_per_minute", 8000, 1500, 40.0), asked_at=T0, at=T0)
    assert allowance.left("tokens_per_minute", T0 + 1) == 1500
    assert allowance.left("tokens_per_minute", T0 + 41) == 6000
    assert allowance.left("tokens_per_minute", T0 + 60) == 8000


def test_a_bucket_is_known_by_two_reports_and_refills_bit_by_bit() -> None:
    allowance = used(4000, 2000)
    allowance.note(Report("tokens_per_minute", 8000, 4000, 30.0), asked_at=T0 - 1, at=T0 - 0.5)
    assert allowance.left("tokens_per_minute", T0 + 15) == 2000
    allowance.note(Report("tokens_per_minute", 8000, 2000, 45.0), asked_at=T0, at=T0)
    assert allowance.left("tokens_per_minute", T0 + 15) == 4000
    assert allowance.opens_at(5000, T0).at == pytest.approx(T0 + 22.5, abs=0.01)
    allowance.add(Use("next", T0 + 20, 4000))
    assert allowance.left("tokens_per_minute", T0 + 30) == 2000


@pytest.mark.parametrize(("left", "reset_s"), [(200, 60.0), (7900, 1.0), (4000, 60.0), (4000, 12.0)])
def test_a_reset_that_every_server_might_name_or_none_of_a_bucket_shows_none(left: int, reset_s: float) -> None:
    allowance = used(8000 - left)
    for _ in range(3):
        allowance.note(Report("tokens_per_minute", 8000, left, reset_s), asked_at=T0, at=T0)
    assert allowance.left("tokens_per_minute", T0 + 5) == left


def test_a_429_closes_for_as_long_as_it_says_and_longer_when_more_come_in_a_row() -> None:
    allowance = used(limits=ModelLimits())
    waits = []
    for _ in range(8):
        allowance.note_refusal(3.0, at=T0)
        waits.append(allowance.opens_at(1, T0).at - T0)
    assert waits == [3, 3, 4, 8, 16, 32, 60, 60]
    assert allowance.opens_at(1, T0).cause == "account_limit"
    allowance.note_success(estimated=100, counted=100)
    assert allowance.opens_at(1, T0 + 60) == Opening(T0 + 60)


def test_a_429_s_own_words_name_the_limit_and_what_is_left_of_the_day() -> None:
    allowance = used(1000)
    allowance.note(Report("tokens_per_day", 200_000, 500, 432.0, 1500), asked_at=T0, at=T0)
    allowance.note_refusal(432.0, at=T0, kind="tokens_per_day")
    assert allowance.opens_at(1500, T0) == Opening(T0 + 432, "tokens_per_day")
    assert allowance.day_share(T0) == pytest.approx(0.9975)


# ── windows ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("cap", "share", "window"),
    [
        (6000, 0.0, 2666),
        (2000, 0.0, 2000),
        (1000, 0.9, 1000),
        (6000, 0.60, 2666),
        (6000, 0.61, 1500),
        (6000, 0.86, 1500),
        (6000, 1.0, 1500),
    ],
)
def test_a_window_is_a_third_of_a_minute_half_of_it_late_in_the_day_and_1500_at_its_end(
    cap: int, share: float, window: int
) -> None:
    assert window_tokens(cap, FREE, day_share=share) == window


def test_a_large_account_has_windows_to_halve() -> None:
    large = ModelLimits(tokens_per_minute=60_000, tokens_per_day=10**6)
    assert [window_tokens(6000, large, day_share=share) for share in (0.5, 0.7, 0.9)] == [6000, 3000, 1500]


def test_a_prompt_gets_what_is_left_and_no_useless_rest_stays() -> None:
    windows = [used(*costs).fitting_window(6000, 700, T0) for costs in ([], [3366], [3366, 2434], [7000])]
    assert windows == [2666, 1734, 1500, 1500]


def test_an_answer_leaves_room_for_a_prompt() -> None:
    assert [answer_tokens(wanted, FREE) for wanted in (700, 6500, 9000)] == [700, 6500, 6500]
    assert answer_tokens(9000, ModelLimits()) == 9000


def test_prompts_are_as_large_as_the_server_counts_them() -> None:
    allowance = used()
    for _ in range(40):
        allowance.note_success(estimated=4000, counted=3000)
    assert allowance.window_tokens(6000, T0) == pytest.approx(2666 * 4 / 3, abs=5)
    assert allowance.counted(4000) == pytest.approx(3000, abs=5)
    assert allowance.window_tokens(2000, T0) == 2000


def test_lines_left_are_those_of_the_scarcer_limit() -> None:
    allowance = used(3000)
    assert allowance.lines_left("minute", 2500, T0) == 2
    assert allowance.lines_left("day", 2500, T0) == 78
    assert used(*[1] * 29).lines_left("minute", 100, T0) == 1
    allowance.note_refusal(9.0, at=T0)
    assert allowance.lines_left("minute", 2500, T0) == 0


# ── properties ──────────────────────────────────────────────────────────────────────────────────────


@given(forms, asks)
def test_no_server_refuses_what_our_own_count_grants(form: Form, requests: list[tuple[float, int]]) -> None:
    server, allowance, now = Server(form), Allowance(FREE), T0
    for number, (pause_s, tokens) in enumerate(requests):
        now = allowance.opens_at(tokens, now + pause_s).at
        assert server.ask(tokens, now) == 0
        allowance.add(Use(str(number), now, tokens))


@given(asks)
def test_a_bucket_s_own_reports_never_grant_what_it_refuses(requests: list[tuple[float, int]]) -> None:
    server, allowance, now = Server("bucket"), Allowance(FREE), T0
    for number, (pause_s, tokens) in enumerate(requests):
        now = allowance.opens_at(tokens, now + pause_s).at
        assert server.ask(tokens, now + 0.01) == 0
        allowance.add(Use(str(number), now, tokens))
        for report in server.reports(now + 0.01):
            allowance.note(report, asked_at=now, at=now + 0.01)
        now += 0.01


@given(forms, asks, st.integers(0, 7000))
def test_whatever_a_server_reports_and_others_use_each_request_is_granted_after_a_few_tries(
    form: Form, requests: list[tuple[float, int]], foreign: int
) -> None:
    server, allowance, now = Server(form), Allowance(FREE), T0
    server.ask(foreign, now)
    for number, (pause_s, tokens) in enumerate(requests):
        now += pause_s
        for _ in range(12):
            now = allowance.opens_at(tokens, now).at
            wait_s = server.ask(tokens, now)
            for report in server.reports(now):
                allowance.note(report, asked_at=now, at=now)
            if not wait_s:
                allowance.add(Use(str(number), now, tokens))
                allowance.note_success(estimated=0, counted=0)
                break
            allowance.note_refusal(wait_s, at=now)
        else:
            raise AssertionError("refused twelve times")


@given(
    st.lists(st.tuples(st.floats(0, 200), st.integers(1, 8000)), max_size=20),
    st.integers(1, 9000),
    st.integers(1, 9000),
    st.floats(0, 200),
)
def test_an_opening_is_the_earliest_and_a_larger_request_never_goes_sooner(
    uses: list[tuple[float, int]], tokens: int, more: int, later_s: float
) -> None:
    allowance = Allowance(FREE)
    for number, (at_s, cost) in enumerate(uses):
        allowance.add(Use(str(number), T0 + at_s, cost))
    now = T0 + 200
    opening = allowance.opens_at(tokens, now)
    assert now <= opening.at <= now + MINUTE_S
    assert allowance.opens_at(tokens, opening.at).at == opening.at
    if opening.at > now:
        assert allowance.opens_at(tokens, max(now, opening.at - 0.01)).at >= opening.at - 0.001
    assert allowance.opens_at(tokens + more, now).at >= opening.at
    lefts = [allowance.left("tokens_per_minute", at) for at in (now, now + later_s)]
    assert lefts == sorted(lefts, key=lambda left: left or 0)


@given(st.permutations(range(8)), st.lists(st.integers(1, 3000), min_size=8, max_size=8))
def test_uses_count_the_same_in_whatever_order_they_are_read(order: list[int], costs: list[int]) -> None:
    read, written = Allowance(FREE), Allowance(FREE)
    for number in range(8):
        written.add(Use(str(number), T0 + 9 * number, costs[number]))
    for number in order:
        read.add(Use(str(number), T0 + 9 * number, costs[number]))
    for at in range(0, 130, 7):
        assert read.left("tokens_per_minute", T0 + 63 + at) == written.left("tokens_per_minute", T0 + 63 + at)


@given(
    st.lists(st.integers(1, 8000), max_size=9), st.integers(1000, 20_000), st.integers(16, 3000), st.integers(0, 9000)
)
def test_a_window_is_never_above_its_cap_nor_below_the_least(
    costs: list[int], cap: int, answer: int, ahead: int
) -> None:
    window = used(*costs).fitting_window(cap, answer, T0, ahead_tokens=ahead)
    assert min(cap, WINDOW_TOKENS_MIN) <= window <= cap


# ── MODEL_LIMITS ────────────────────────────────────────────────────────────────────────────────────


def test_limits_are_read_as_they_are_written() -> None:
    assert parsed(EXAMPLE) == FREE
    assert parsed("tpm=6000") == ModelLimits(tokens_per_minute=6000)
    assert parsed("rpm=0,tpm=0") == ModelLimits()


@pytest.mark.parametrize("written", ["8000", "tpm", "tpm=", "tpm=8k", "tpm=-1", "tps=1", "rpm=1;rpd=3", "rpm=1,rpm=1"])
def test_what_is_no_limit_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(ValueError, match="write it like rpm=30,tpm=8000"):
        parsed(written)


def test_every_kind_has_a_unit_and_a_span() -> None:
    assert set(OF_TOKENS) < set(KINDS)
