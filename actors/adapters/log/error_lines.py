"""The ❌ lines of the log, counted where they are written."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from typing import Final

MARK: Final = "❌"
MINUTE_S: Final = 60


class ErrorLines(logging.Handler):
    """Counts them by the minute, in minutes since 1970. Any thread may log while another one takes the counts."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.total = 0
        """Since the process began."""
        self._by_minute: Counter[int] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        # The mark is ours, so it stands in the template: what people and models wrote comes at lower levels.
        if MARK in str(record.msg):
            self.total += 1
            self._by_minute[int(record.created // MINUTE_S)] += 1

    def take(self) -> dict[int, int]:
        """What was counted since the last time, by the minute."""
        self.acquire()
        try:
            counted, self._by_minute = self._by_minute, Counter()
            return dict(counted)
        finally:
            self.release()

    def give_back(self, counted: Mapping[int, int]) -> None:
        """What was taken could not be kept: the next `take` has it again."""
        self.acquire()
        try:
            self._by_minute.update(counted)
        finally:
            self.release()
