"""When a gathered turn begins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.roleplay.gathering import AT_ONCE, Gathering

TIMES = st.floats(0, 1e6)


@pytest.mark.parametrize(
    ("newest_at", "first_at", "held_until", "begins_at"),
    [
        (10.0, 10.0, 0.0, 11.2),
        (12.0, 10.0, 0.0, 13.2),
        (15.5, 10.0, 0.0, 16.0),  # at most GATHER_MAX_S after the first one
        (10.0, 10.0, 14.0, 14.0),  # somebody types
        (10.0, 10.0, 18.0, 16.0),
        (10.0, 10.0, 10.5, 11.2),
    ],
)
def test_a_turn_begins_when_nothing_more_is_to_come(
    newest_at: float, first_at: float, held_until: float, begins_at: float
) -> None:
    assert Gathering().until(newest_at, first_at=first_at, held_until=held_until) == pytest.approx(begins_at)
    assert AT_ONCE.until(newest_at, first_at=first_at, held_until=held_until) == newest_at


@given(TIMES, st.floats(0, 60), TIMES)
def test_no_turn_waits_longer_than_the_most_after_its_first_message(
    first_at: float, later_s: float, held_until: float
) -> None:
    gathering = Gathering()
    begins_at = gathering.until(first_at + later_s, first_at=first_at, held_until=held_until)
    assert begins_at <= first_at + gathering.gather_max_s
