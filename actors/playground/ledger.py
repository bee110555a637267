"""Records every request in the order of arrival: one attempt is one entry, whatever its outcome.

Rehearsals and tests take their numbers from here, because the server counts and not the bot.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

ENTRIES_MAX = 100_000
"""Beyond this the oldest are dropped: about 30 MB."""


@dataclass(frozen=True, slots=True)
class Line:
    """A character's line as it arrived, stored or not."""

    speaker: str
    text: str
    nonce: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    order: int
    method: str
    path: str
    channel_id: int | None = None
    line: Line | None = None
    fault: str | None = None
    status: int | None = None
    """None while unanswered; stays None if the connection was cut."""
    message_id: int | None = None
    """The message that was stored, edited or deleted, or the earlier one with the same nonce."""
    on_closed: bool = False
    """Whether an earlier 429 had closed its bucket: a client that obeys 429s sends no such request."""


class Ledger:
    """Keeps the entries; an entry is completed under its order number."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=ENTRIES_MAX)
        self._next = 1

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def open(self, method: str, path: str) -> int:
        """Adds a request that has just arrived; returns its order number."""
        entry = Entry(self._next, method, path)
        self._next += 1
        self._entries.append(entry)
        return entry.order

    def complete(self, order: int, **known: object) -> None:
        """Sets fields of an entry, unless it was dropped already."""
        at = order - self._entries[0].order
        if at >= 0:
            self._entries[at] = replace(self._entries[at], **known)  # type: ignore[arg-type]

    def since(self, order: int = 0, *, only_lines: bool = False) -> list[Entry]:
        """The entries above an order number, oldest first."""
        return [each for each in self._entries if each.order > order and (each.line or not only_lines)]
