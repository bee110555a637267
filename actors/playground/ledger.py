"""Every request that arrived, in the order of arrival: one try is one entry, whatever became of it.

The server counts, not the bot: a rehearsal and the tests take their numbers from here.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

ENTRIES_MAX = 100_000
"""The oldest are forgotten beyond this: about 30 MB."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a character's line said when it arrived, stored or not."""

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
    """None while unanswered, and for ever if the connection was cut."""
    message_id: int | None = None
    """The message that was stored, edited or deleted, or that its nonce had made before."""
    on_closed: bool = False
    """Whether a 429 before it had closed its bucket: no client that reads 429s sends such a request."""


class Ledger:
    """Keeps the entries; an entry is completed under its order number."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=ENTRIES_MAX)
        self._next = 1

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def open(self, method: str, path: str) -> int:
        """Enters a request that has just arrived; returns its order number."""
        entry = Entry(self._next, method, path)
        self._next += 1
        self._entries.append(entry)
        return entry.order

    def complete(self, order: int, **known: object) -> None:
        """Adds to an entry what is known by now, unless it is forgotten already."""
        at = order - self._entries[0].order
        if at >= 0:
            self._entries[at] = replace(self._entries[at], **known)  # type: ignore[arg-type]

    def since(self, order: int = 0, *, only_lines: bool = False) -> list[Entry]:
        """The entries above an order number, oldest first."""
        return [each for each in self._entries if each.order > order and (each.line or not only_lines)]
