"""Describe responses in words, and filter and sort them. Pure; the inspector's page uses the same words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from actors.adapters.terminal.facts import ResponseView
from machines.response import FAILED, FINAL, MACHINE

STUCK: Final = "stuck"
"""A choice beside the states, though it is not a state."""

CHOICES: Final = ("", STUCK, *(str(state) for state in MACHINE.states))
"""Filters of the table; "" shows every response."""

ORDER: Final = (*(state for state in MACHINE.states if state not in FINAL), FAILED)
"""Sort order of states: unfinished ones, then Failed; Delivered last."""

UNSEEN: Final = "no bot answers"
"""Words for an unfinished response if no bot answers: its process may be dead."""


def in_seconds(seconds: float) -> str:
    """Format a duration briefly: "350 ms", "12.3 s", "3 min 5 s", "2 h 10 min", "4 days"."""
    left = max(0.0, seconds)
    if left < 1:
        return f"{left * 1000:.0f} ms"
    if left < 90:
        return f"{left:.1f} s"
    if left < 5400:
        return f"{int(left // 60)} min {int(left % 60)} s"
    if left < 172_800:
        return f"{int(left // 3600)} h {int(left % 3600 // 60)} min"
    return f"{int(left // 86_400)} days"


def clock(at: float) -> str:
    """Format the time of day in UTC, as `replay` and a server's log do."""
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"


def stuck(seen: ResponseView, now: float | None) -> str | None:
    """Return why the response counts as stuck; None if it does not, or if the bot's time is unknown (`now` is None)."""
    if seen.is_final or seen.held or now is None:
        return None
    if seen.due_at is not None and now > seen.due_at + seen.late_s:
        return f"it was due {in_seconds(now - seen.due_at)} ago"
    if seen.due_at is None and now > seen.entered_at + seen.silent_s:
        return f"it has had no result for {in_seconds(now - seen.entered_at)}"
    if now > seen.started_at + seen.overdue_s:
        on_its_way, most = in_seconds(now - seen.started_at), in_seconds(seen.deadline_s)
        return f"it has been on its way for {on_its_way}, and should take {most} at most"
    return None


def why(seen: ResponseView, now: float | None) -> str:
    """Return why it waits and when it continues; with `now` None, as it was last known."""
    if seen.is_final:
        return ""
    if now is None:
        return f"{UNSEEN}; last known: {seen.waits or 'in progress'}"
    if seen.held or seen.due_at is None:
        return seen.held or seen.waits or ""
    left = seen.due_at - now
    return f"{seen.waits}; {f'next try in {in_seconds(left)}' if left > 0 else 'continues now'}"


def when_and_why(seen: ResponseView, now: float | None) -> str:
    """Return the same for a narrow column, which cuts off the end: the time comes first."""
    if now is None or seen.is_final or seen.held or seen.due_at is None:
        return why(seen, now)
    left = seen.due_at - now
    return f"{f'in {in_seconds(left)}' if left > 0 else 'now'}: {seen.waits}"


def stay(seen: ResponseView, now: float | None) -> str:
    """Return how long it has been in its state, or took in all; a fixed time if no bot answers."""
    if seen.is_final:
        return f"took {in_seconds(seen.entered_at - seen.started_at)}"
    return f"@ {clock(seen.entered_at)}" if now is None else in_seconds(now - seen.entered_at)


def tries(seen: ResponseView) -> str:
    part = f" p{seen.part}/{seen.parts}" if seen.parts > 1 else ""
    return f"{seen.attempt}/{seen.attempts_max}{part}"


Key = Callable[[ResponseView, float], Any]

SORTS: Final[dict[str, Key]] = {
    "started": lambda seen, now: seen.started_at,
    "state": lambda seen, now: ORDER.index(seen.state) if seen.state in ORDER else len(ORDER),
    "stay": lambda seen, now: (seen.entered_at - seen.started_at) if seen.is_final else now - seen.entered_at,
    "why": lambda seen, now: (seen.is_final, seen.due_at or 0.0),
    "attempt": lambda seen, now: seen.attempt,
    "name": lambda seen, now: seen.name.casefold(),
    "error": lambda seen, now: seen.last_error or "",
    "session": lambda seen, now: seen.session,
    "id": lambda seen, now: seen.id,
}
"""Sort keys by column, in the order in which the key `s` cycles through them."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filter and the order of the table."""

    words: str = ""
    choice: str = ""
    sort: str = "started"
    is_descending: bool = True

    @property
    def is_narrowed(self) -> bool:
        return bool(self.words.strip() or self.choice)

    def chosen(self, responses: Iterable[ResponseView], now: float | None) -> list[ResponseView]:
        """Return the responses that match, in order."""
        found = [seen for seen in responses if self._fits(seen, now)]
        key, at = SORTS[self.sort], now or 0.0
        return sorted(found, key=lambda seen: (key(seen, at), seen.id), reverse=self.is_descending)

    def _fits(self, seen: ResponseView, now: float | None) -> bool:
        if self.choice == STUCK and stuck(seen, now) is None:
            return False
        if self.choice not in ("", STUCK, seen.state):
            return False
        words = self.words.casefold().split()
        if not words:
            return True
        told = (seen.id, seen.session, seen.name, seen.state, why(seen, now), seen.last_error or "")
        searched = " ".join(told).casefold()
        return all(word in searched for word in words)
