"""Count the errors in the log as they are written.

An error is one failure: of an attempt or a message, a crash, a dropped notice. Its first line has ❌. Further lines
with ❌ that only describe it (`is_detail`) are not counted as errors.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from typing import Final

MARK: Final = "❌"
DETAIL: Final = "is_detail"
"""A record's field: true if the record describes the error of the line before it."""

MINUTE_S: Final = 60


class ErrorCounter(logging.Handler):
    """Counts errors by minute since 1970. Thread-safe: any thread may log while another one takes the counts."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.total = 0
        """Errors since the process began."""
        self.lines = 0
        """Lines with ❌ since the process began."""
        self._by_minute: Counter[int] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        # Only our own templates hold the mark at this level: texts of people and models are logged at lower levels.
        if MARK not in str(record.msg):
            return
        self.lines += 1
        if not getattr(record, DETAIL, False):
            self.total += 1
            self._by_minute[int(record.created // MINUTE_S)] += 1

    def take(self) -> dict[int, int]:
        """Return the errors counted since the last call, by minute since 1970."""
        self.acquire()
        try:
            counted, self._by_minute = self._by_minute, Counter()
            return dict(counted)
        finally:
            self.release()

    def give_back(self, counted: Mapping[int, int]) -> None:
        """Add back counts from `take` that could not be stored; the next `take` returns them again."""
        self.acquire()
        try:
            self._by_minute.update(counted)
        finally:
            self.release()
