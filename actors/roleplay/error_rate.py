"""The share of writes that failed lately: high from three in ten of at least five on, until it is below one in ten.

The two bounds keep a share that moves around one of them from being called high and not high in turn.
"""

from __future__ import annotations

from collections import deque
from typing import Final

WINDOW_S: Final = 120
"""Whole seconds that are looked back on."""

WRITES_MIN: Final = 5
"""With fewer writes, a share means nothing."""

HIGH: Final = 0.30
LOW: Final = 0.10


class ErrorRate:
    """Counts writes by whole seconds, so that it holds no more than WINDOW_S counts, however many there are."""

    def __init__(self) -> None:
        self._counts: deque[tuple[int, int, int]] = deque()  # second, writes, failures
        self._writes = 0
        self._failures = 0
        self._is_high = False

    def note(self, at: float, *, is_failure: bool) -> None:
        """Record the end of a write."""
        self._look_at(at)
        second, writes, failures = self._counts.pop() if self._is_known(at) else (int(at), 0, 0)
        self._counts.append((second, writes + 1, failures + is_failure))
        self._writes += 1
        self._failures += is_failure
        self._decide()

    def is_high(self, at: float) -> bool:
        """Return whether too many writes fail; `at` does not decrease, unless the clock was set back."""
        self._look_at(at)
        self._decide()
        return self._is_high

    def _look_at(self, at: float) -> None:
        """Forget counts older than the window, and later ones: the clock was set back."""
        if self._counts and self._counts[-1][0] > int(at):
            self._counts.clear()
            self._writes = self._failures = 0
        while self._counts and self._counts[0][0] <= int(at) - WINDOW_S:
            _, writes, failures = self._counts.popleft()
            self._writes -= writes
            self._failures -= failures

    def _is_known(self, at: float) -> bool:
        return bool(self._counts) and self._counts[-1][0] == int(at)

    def _decide(self) -> None:
        share = self._failures / self._writes if self._writes else 0.0
        if self._is_high:
            self._is_high = share >= LOW
        else:
            self._is_high = self._writes >= WRITES_MIN and share >= HIGH
