"""What is said about a response, what is called stuck, and which responses are wanted in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actors.adapters.terminal.cells import row, strip
from actors.adapters.terminal.facts import KEPT_MAX, Known, Link, Origin, ResponseView
from actors.adapters.terminal.words import CHOICES, SORTS, Wanted, in_seconds, stay, stuck, when_and_why, why
from machines.response import MACHINE

AT = 1_750_000_000.0
SENDING = ResponseView(
    id="a1", session="s1", name="Mira", state="Sending", part=1, parts=1, attempt=1, attempts_max=3, started_at=AT,
    entered_at=AT + 1, due_at=None, deadline_s=300.0, waits="Discord is sent the line", last_error=None, is_final=False,
    moves=2,
)  # fmt: skip
RETRYING = replace(SENDING, id="a2", state="Retrying", due_at=AT + 10, waits="Discord refused it", last_error="429")
LATE = replace(RETRYING, due_at=AT + 400)
DELIVERED = replace(SENDING, id="a3", state="Delivered", is_final=True, waits=None, entered_at=AT + 3)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0 ms"), (0.35, "350 ms"), (12.34, "12.3 s"), (185, "3 min 5 s"), (7800, "2 h 10 min"), (400_000, "4 days")],
)
def test_times_are_as_short_as_can_be_read(seconds: float, words: str) -> None:
    assert in_seconds(seconds) == words


@pytest.mark.parametrize(
    ("seen", "after_s", "words"),
    [
        (SENDING, 91.0, None),
        (SENDING, 91.1, "it has had no result for 1 min 30 s"),
        (RETRYING, 25.0, None),
        (RETRYING, 25.1, "it was due 15.1 s ago"),
        (LATE, 305.1, "it has been on its way for 5 min 5 s, and should take 5 min 0 s at most"),
        (DELIVERED, 9e6, None),
    ],
)  # fmt: skip
def test_what_is_stuck_says_why(seen: ResponseView, after_s: float, words: str | None) -> None:
    assert stuck(seen, AT + after_s) == words


def test_where_nobody_is_seen_at_work_no_clock_goes_on_and_nothing_is_stuck() -> None:
    assert stuck(RETRYING, None) is None
    assert why(RETRYING, None) == "no bot answers; last known: Discord refused it"
    assert stay(RETRYING, None) == "@ 15:06:41"
    assert row(RETRYING, None)["mark"].plain == "○"


def test_what_a_breakpoint_holds_says_so_and_is_not_stuck() -> None:
    held = replace(RETRYING, held="stopped by breakpoint b1 before Retrying ─► Sending")
    assert stuck(held, AT + 9_000) is None
    assert why(held, AT + 9_000) == when_and_why(held, AT + 9_000) == held.held


def test_what_waits_says_when_it_goes_on() -> None:
    assert why(RETRYING, AT + 8) == "Discord refused it; next try in 2.0 s"
    assert when_and_why(RETRYING, AT + 8) == "in 2.0 s: Discord refused it"
    assert when_and_why(RETRYING, AT + 11) == "now: Discord refused it"
    assert why(RETRYING, AT + 11) == "Discord refused it; continues now"
    assert (why(SENDING, AT + 8), why(DELIVERED, AT + 8)) == ("Discord is sent the line", "")


def test_every_column_that_can_be_sorted_sorts_both_ways() -> None:
    seen = (DELIVERED, RETRYING, SENDING)
    for sort in SORTS:
        wanted = Wanted(sort=sort, is_descending=False)
        assert wanted.chosen(seen, AT) == replace(wanted, is_descending=True).chosen(seen, AT)[::-1]
    by_state = Wanted(sort="state", is_descending=False)
    assert by_state.chosen(seen, AT) == [SENDING, RETRYING, DELIVERED]


def test_a_search_needs_every_word_wherever_it_stands() -> None:
    def found(words: str) -> list[str]:
        return [seen.id for seen in Wanted(words=words).chosen((SENDING, RETRYING, DELIVERED), AT)]

    assert found("mira 429") == ["a2"]
    assert found("REFUSED s1") == ["a2"]
    assert found("a3") == ["a3"]
    assert found("mira nobody") == []


def test_the_table_can_be_narrowed_to_every_state() -> None:
    assert ("", "stuck", *MACHINE.states) == CHOICES
    assert Wanted(choice="stuck").chosen((SENDING, RETRYING), AT + 26) == [RETRYING]
    assert Wanted(choice="Delivered").chosen((SENDING, DELIVERED), None) == [DELIVERED]


def test_brackets_in_a_name_are_letters_and_no_markup() -> None:
    assert row(replace(SENDING, name="[red]Mira[/]"), AT)["name"].plain == "[red]Mira[/]"


def test_the_strip_lights_the_present_state_and_counts_the_others() -> None:
    visits = {"Generating": 1, "Sending": 2}
    assert strip(("Generating", "Sending", "Failed"), visits, "Sending", is_live=True).plain == (
        "[*] ─  Generating  ─  ▶ Sending 2×  ─  Failed "
    )
    assert "○ Sending" in strip(("Sending",), visits, "Sending", is_live=False).plain


def test_what_is_kept_is_bounded_and_forgets_what_has_ended_first() -> None:
    known = Known(Link(Origin.BOT, "Live"))
    known.changed(SENDING)
    for number in range(KEPT_MAX + 5):
        known.changed(_delivered(number))
    assert len(known.responses) == KEPT_MAX
    assert SENDING.id in known.responses
    assert "d5" not in known.responses
    assert "d6" in known.responses


def _delivered(number: int) -> ResponseView:
    return replace(DELIVERED, id=f"d{number}")
