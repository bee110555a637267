"""A bounded FIFO mailbox that refuses an item at once when it is full."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """FIFO of at most `size_max` items; the sender learns of each refused item."""

    def __init__(self, size_max: int) -> None:
        self._items: deque[T] = deque()
        self._size_max = size_max

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        """The waiting items, oldest first."""
        return iter(self._items)

    def offer_nowait(self, item: T) -> bool:
        """Add `item`; False, without adding it, if the mailbox is full."""
        if len(self._items) >= self._size_max:
            return False
        self._items.append(item)
        return True

    def offer_first_nowait(self, item: T) -> None:
        """Put `item` before all others, even if the mailbox is full: the others depend on it."""
        self._items.appendleft(item)

    def take_nowait(self) -> T:
        """Remove and return the oldest item. Raises IndexError if there is none."""
        return self._items.popleft()
