"""The budget: a book's own, else a share of the window for all other books together; and one for all lore.

What does not fit is dropped by the lowest priority first, of this pass only: entries of passes before have fired.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from actors.roleplay.lore.model import Book, LoreEntry

SHARE: Final = 4
"""SillyTavern's budget: a quarter of the window."""

WHOLE_SHARE: Final = 2
"""All lore together has at most half of the window, whatever its books ask for."""

T = TypeVar("T")
_ALL: Final = "\0all"
_OTHERS: Final = "\0others"


class Budget:
    """What is left of each budget in a window of so many tokens."""

    def __init__(self, window_tokens: int) -> None:
        self._window = window_tokens
        self._spent: Counter[str] = Counter()

    def enter(
        self,
        new: Sequence[T],
        book_of: Callable[[T], Book],
        entry_of: Callable[[T], LoreEntry],
        cost: Callable[[T], int],
    ) -> set[int]:
        """Spend what `new` costs; return the positions of what did not fit, and costs nothing."""
        asked = self._spent.copy()
        for each in new:
            asked.update(dict.fromkeys(_pools(book_of(each)), cost(each)))
        dropped: set[int] = set()
        cheapest = sorted(
            (at for at, each in enumerate(new) if not entry_of(each).ignores_budget),
            key=lambda at: (*rank(entry_of(new[at])), -at),
        )
        for at in cheapest:
            book = book_of(new[at])
            if any(asked[pool] > self._limit(pool, book) for pool in _pools(book)):
                dropped.add(at)
                asked.subtract(dict.fromkeys(_pools(book), cost(new[at])))
        self._spent = asked
        return dropped

    def _limit(self, pool: str, book: Book) -> int:
        if pool == _ALL:
            return self._window // WHOLE_SHARE
        if pool == _OTHERS or book.token_budget is None:
            return self._window // SHARE
        return book.token_budget


def _pools(book: Book) -> Iterable[str]:
    return _ALL, _OTHERS if book.token_budget is None else book.id


def rank(entry: LoreEntry) -> tuple[bool, float, bool, int]:
    """What is dropped first has the lowest rank."""
    priority = entry.order if entry.priority is None else entry.priority
    return not entry.conditions.ignore_on_max_context, priority, entry.is_constant, entry.order
