"""The arithmetic of limits, and their words."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.roleplay import quotas
from actors.roleplay.quotas import DAY_S, MINUTE_S, NO_QUOTAS, Excess, Quotas

COUNTS: Final = st.integers(0, 10**6)
TIMES: Final = st.floats(0, 4e9)
LIMITED: Final = Quotas(20, 3, 12, 1000, 10, allows_dms=False)


@given(COUNTS)
def test_f4_no_limit_is_never_reached(count: int) -> None:
    assert not quotas.is_reached(0, count)
    assert quotas.scenes_exceeded(NO_QUOTAS, of_server=count, of_person=count) is None


@given(st.integers(1, 10**6), COUNTS)
def test_f4_a_limit_lets_exactly_so_many_begin(limit: int, others: int) -> None:
    begun = 0
    while begun < min(limit, 50) + 2 and not quotas.is_reached(min(limit, 50), begun):
        begun += 1
    assert begun == min(limit, 50)
    assert quotas.is_reached(limit, limit + others)


@given(of_server=COUNTS, of_person=COUNTS, server_max=COUNTS, person_max=COUNTS)
def test_f4_a_scene_is_refused_exactly_where_a_limit_is_reached(
    of_server: int, of_person: int, server_max: int, person_max: int
) -> None:
    limits = Quotas(scenes_per_server=server_max, scenes_per_person=person_max)
    excess = quotas.scenes_exceeded(limits, of_server=of_server, of_person=of_person)
    by_person, by_server = 0 < person_max <= of_person, 0 < server_max <= of_server
    wanted = {True: Excess.SCENES_OF_PERSON, False: Excess.SCENES_OF_SERVER if by_server else None}[by_person]
    assert excess is wanted


@given(TIMES)
def test_f4_minutes_and_days_follow_each_other(at: float) -> None:
    assert quotas.minute_of(at) <= at / MINUTE_S < quotas.minute_of(at) + 1
    assert quotas.day_of(at) <= at / DAY_S < quotas.day_of(at) + 1


@given(COUNTS, COUNTS, COUNTS)
def test_f4_what_a_server_does_not_report_counts_as_reserved(reserved: int, read: int, written: int) -> None:
    used = quotas.tokens_used(reserved, prompt_tokens=read, completion_tokens=written)
    assert used == (read + written if read + written else reserved)


@pytest.mark.parametrize("excess", Excess)
def test_f4_each_limit_has_its_words(excess: Excess) -> None:
    words = quotas.words(excess, LIMITED, "!", at=86_400.0 * 3.5)
    assert words[0] in "🔒⏳"
    assert len(words) < 300
    assert excess is not Excess.TOKENS or "<t:345600:t>" in words


def test_f4_one_scene_is_one_scene() -> None:
    words = quotas.words(Excess.SCENES_OF_PERSON, replace(LIMITED, scenes_per_person=1), "!")
    assert "You opened 1 scene " in words


def test_f4_scenes_are_opened_where_they_may_be() -> None:
    listed = replace(LIMITED, channels=frozenset({5}))
    assert quotas.place_refusal(LIMITED, "!", is_private=False, places=(1, 1)) is None
    assert quotas.place_refusal(listed, "!", is_private=False, places=(9, 5)) is None, "a thread of it"
    assert "<#5>" in (quotas.place_refusal(listed, "!", is_private=False, places=(9, 9)) or "")
    assert "ALLOW_DMS=true" in (quotas.place_refusal(listed, "!", is_private=True, places=(5, 5)) or "")
    assert quotas.place_refusal(replace(listed, allows_dms=True), "!", is_private=True, places=(1, 1)) is None
