"""M3: when too many writes fail, and when no longer: against a count of its own, for any run of writes."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.roleplay.error_rate import HIGH, LOW, WINDOW_S, WRITES_MIN, ErrorRate

T0 = 1_000.0


@dataclass
class Counted:
    """The same, told from all writes that there ever were."""

    writes: list[tuple[float, bool]] = field(default_factory=list)
    was_high: bool = False

    def is_high(self, at: float) -> bool:
        lately = [is_failure for when, is_failure in self.writes if int(at) - int(when) < WINDOW_S]
        share = sum(lately) / len(lately) if lately else 0.0
        self.was_high = share >= LOW if self.was_high else len(lately) >= WRITES_MIN and share >= HIGH
        return self.was_high


def rate_of(*outcomes: bool, every_s: float = 1.0) -> tuple[ErrorRate, float]:
    """A rate after writes one after the other, True for a failure; and when the last of them was."""
    rate, at = ErrorRate(), T0
    for number, is_failure in enumerate(outcomes):
        at = T0 + number * every_s
        rate.note(at, is_failure=is_failure)
    return rate, at


@given(st.lists(st.tuples(st.floats(0, 90), st.booleans()), max_size=200), st.floats(0, 300))
def test_m3_any_run_of_writes_is_judged_as_a_count_of_all_of_them_judges_it(
    writes: list[tuple[float, bool]], rest_s: float
) -> None:
    rate, counted, at = ErrorRate(), Counted(), T0
    for after_s, is_failure in writes:
        at += after_s
        rate.note(at, is_failure=is_failure)
        counted.writes.append((at, is_failure))
        assert rate.is_high(at) == counted.is_high(at)
    assert rate.is_high(at + rest_s) == counted.is_high(at + rest_s)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.booleans()), max_size=300))
def test_m3_no_clock_makes_it_count_wrongly_or_keep_more_than_its_window(writes: list[tuple[float, bool]]) -> None:
    rate, at = ErrorRate(), 1e9
    for step_s, is_failure in writes:
        at += step_s
        rate.note(at, is_failure=is_failure)
        assert len(rate._counts) <= WINDOW_S
        assert 0 <= rate._failures <= rate._writes
        assert rate._writes == sum(writes for _, writes, _ in rate._counts)


@pytest.mark.parametrize(
    ("outcomes", "is_high"),
    [
        ([True] * 4, False),  # too few to be a share
        ([True] * 5, True),
        ([False, False, True] * 2, True),  # every third
        ([False] * 7 + [True] * 3, True),  # 30 %
        ([False] * 71 + [True] * 29, False),
    ],
)
def test_m3_three_in_ten_of_at_least_five_are_too_many(outcomes: list[bool], is_high: bool) -> None:
    rate, at = rate_of(*outcomes, every_s=0.5)
    assert rate.is_high(at) is is_high


def test_m3_what_was_high_stays_high_until_it_is_below_one_in_ten() -> None:
    rate, at = rate_of(*[True] * 3, *[False] * 4)
    assert rate.is_high(at)
    seen = []
    for number in range(1, 25):
        rate.note(at + number, is_failure=False)
        seen.append(rate.is_high(at + number))
    assert seen == [True] * 23 + [False]  # 3 of 30 are one in ten, 3 of 31 are not


def test_m3_what_failed_more_than_two_minutes_ago_is_forgotten_though_nothing_was_written_since() -> None:
    rate, at = rate_of(*[True] * 9)
    assert rate.is_high(at + WINDOW_S - 1)
    assert not rate.is_high(at + WINDOW_S)
    rate.note(at + WINDOW_S + 1, is_failure=True)
    assert not rate.is_high(at + WINDOW_S + 1)
