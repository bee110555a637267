"""Slow down whoever tries tokens: after a few wrong ones, an address waits longer and longer before the next is read.

Failure modes: behind a proxy all people have one address, so a person may have to wait for a stranger's guesses; those
who are logged in do not notice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

FREE: Final = 10
"""Wrong tokens without a pause: a person mistypes, or pastes the wrong one."""

PAUSE_MAX_S: Final = 60.0
FORGOTTEN_S: Final = 600.0
ADDRESSES_MAX: Final = 1000
"""Remembered addresses; the one that failed longest ago is forgotten first."""


class Guesses:
    """Wrong tokens by address."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._wrong: dict[str, tuple[int, float]] = {}  # (how many, time of the last), oldest first

    def wait_s(self, address: str) -> float:
        """Return how long this address must wait before another token of it is read; 0 if it need not."""
        count, at = self._wrong.get(address, (0, 0.0))
        pause = min(2.0 ** (count - FREE), PAUSE_MAX_S) if count >= FREE else 0.0
        return max(0.0, at + pause - self._now())

    def note(self, address: str) -> None:
        """Record a wrong token."""
        count, at = self._wrong.pop(address, (0, 0.0))
        if self._now() > at + FORGOTTEN_S:
            count = 0
        self._wrong[address] = count + 1, self._now()
        if len(self._wrong) > ADDRESSES_MAX:
            del self._wrong[next(iter(self._wrong))]
