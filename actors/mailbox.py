"""A bounded mailbox: what is offered is kept in order, and a full one says so at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """FIFO of at most `size_max` items; nothing is dropped without the sender's knowing."""

    def __init__(self, size_max: int) -> None:
        self._items: deque[T] = deque()
        self._size_max = size_max

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        """What waits, oldest first."""
        return iter(self._items)

    def offer_nowait(self, item: T) -> bool:
        """Add `item`; False, and nothing added, when the mailbox is full."""
        if len(self._items) >= self._size_max:
            return False
        self._items.append(item)
        return True

    def offer_first_nowait(self, item: T) -> None:
        """Put `item` before all others, whatever the bound: it is what must happen before they make sense."""
        self._items.appendleft(item)

    def take_nowait(self) -> T:
        """The oldest item. Raises IndexError when there is none."""
        return self._items.popleft()
