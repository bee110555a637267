"""Log once a minute that no connection can be accepted: asyncio logs each attempt, thousands in a second."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

EVERY_S: Final = 60.0
REFUSED: Final = "socket.accept() out of system resource"


class FullFiles(logging.Filter):
    """Leaves out asyncio's line where it was written less than a minute ago."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._logged_at: float | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        if not str(record.msg).startswith(REFUSED):
            return True
        now = self._now()
        if self._logged_at is not None and now < self._logged_at + EVERY_S:
            return False
        self._logged_at = now
        return True
