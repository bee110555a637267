"""What `!missing` answers, as a pure function of what the journal knows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.roleplay.escapes import plain_name
from actors.roleplay.missing_reports import Finding, MissingReport, SeenAnswer, SeenTurn, answer
from actors.roleplay.notices import BEYOND_RETRY, OF_DISCORD, OF_MODEL
from machines.response import SILENT, State

AT = 1_750_000_000.0
REPORT = MissingReport(500, 42, None, AT)

answers = st.builds(
    SeenAnswer,
    name=st.text(min_size=1, max_size=80),
    state=st.sampled_from(State),
    at=st.just(AT),
    reason=st.sampled_from(["", "unheard_of", "discord_down", *OF_DISCORD, *OF_MODEL, *SILENT]),
    is_written=st.booleans(),
    is_cancelled=st.booleans(),
    is_removed=st.booleans(),
    due_at=st.none() | st.just(AT),
)
turns = st.builds(
    SeenTurn,
    session_id=st.just("s"),
    message_id=st.just(7),
    at=st.just(AT),
    answers=st.lists(answers, max_size=10).map(tuple),
    to_begin=st.lists(st.just("Bo"), max_size=3).map(tuple),
    waiting=st.integers(0, 60),
    has_turn=st.booleans(),
    starts_turn=st.booleans(),
    is_withdrawn=st.booleans(),
    is_paused=st.booleans(),
    is_ended=st.booleans(),
)


def a_turn(*states: State) -> SeenTurn:
    return SeenTurn("s", 7, AT, tuple(SeenAnswer("Ada", state, AT) for state in states))


@given(turns)
def test_m4_every_turn_has_an_answer_with_a_line_for_each_character_and_the_finding_of_its_worst(
    turn: SeenTurn,
) -> None:
    text = answer(turn, REPORT, "!")
    assert all(f"**{plain_name(each.name)}**" in text for each in turn.answers)
    assert turn.finding in Finding
    if any(each.finding is Finding.FAILED for each in turn.answers):
        assert turn.finding is Finding.FAILED


@given(turns)
def test_m4_no_reason_is_shown_as_the_journal_has_it(turn: SeenTurn) -> None:
    text = answer(turn, REPORT, "!")
    for each in turn.answers:
        text = text.replace(plain_name(each.name), "")
    assert "_" not in text.replace("GENERATE_TIMEOUT_S", "")  # a setting that a clause names
    assert "unheard" not in text


@pytest.mark.parametrize(
    ("states", "finding"),
    [
        ([State.DELIVERED], Finding.DELIVERED),
        ([State.DELIVERED, State.SENDING], Finding.WAITING),
        ([State.RETRYING, State.FAILED, State.DELIVERED], Finding.FAILED),
        ([], Finding.UNKNOWN),
    ],
)
def test_m4_the_worst_of_a_turn_is_that_of_the_turn(states: list[State], finding: Finding) -> None:
    assert a_turn(*states).finding is finding


@pytest.mark.parametrize("reason", sorted(BEYOND_RETRY | SILENT))
def test_m4_what_cannot_be_had_again_is_not_offered_again(reason: str) -> None:
    failed = SeenAnswer("Ada", State.FAILED, AT, reason, is_written=True)
    assert "retry" not in answer(SeenTurn("s", 7, AT, (failed,)), REPORT, "!")


def test_m4_without_commands_no_command_is_offered() -> None:
    failed = SeenAnswer("Ada", State.FAILED, AT, "outage", is_written=True)
    assert "retry" in answer(SeenTurn("s", 7, AT, (failed,)), REPORT, "!")
    assert "retry" not in answer(SeenTurn("s", 7, AT, (failed,)), REPORT, "")
