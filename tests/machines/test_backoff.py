"""The one backoff: doubles, ends at its maximum, and spreads those who failed together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machines.backoff import JITTER_SHARE, backoff_s

attempts = st.integers(-3, 10_000)
bases = st.floats(0.001, 100.0)
ceilings = st.floats(0.001, 10_000.0)


@pytest.mark.parametrize(("attempt", "wait_s"), [(1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (7, 60.0), (5_000, 60.0)])
def test_the_wait_doubles_up_to_its_maximum(attempt: int, wait_s: float) -> None:
    assert backoff_s(attempt, base_s=1.0, max_s=60.0) == wait_s


@given(attempts, bases, ceilings, st.text(max_size=20))
def test_no_wait_is_shorter_than_the_base_allows_or_longer_than_its_maximum(
    attempt: int, base_s: float, max_s: float, seed: str
) -> None:
    plain = backoff_s(attempt, base_s=base_s, max_s=max_s)
    spread = backoff_s(attempt, base_s=base_s, max_s=max_s, seed=seed)
    assert min(base_s, max_s) <= plain <= spread <= min(max_s, plain * (1 + JITTER_SHARE))


@given(attempts, st.text(min_size=1, max_size=20))
def test_a_seed_always_gives_the_same_wait(attempt: int, seed: str) -> None:
    assert backoff_s(attempt, base_s=1.0, seed=seed) == backoff_s(attempt, base_s=1.0, seed=seed)


def test_those_who_failed_together_do_not_come_back_together() -> None:
    assert len({backoff_s(1, base_s=1.0, seed=str(channel)) for channel in range(100)}) == 100
