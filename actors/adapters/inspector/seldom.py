"""Report what strangers cause, at most once a minute: otherwise they could fill the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

EVERY_S: Final = 60.0


class Seldom:
    """Passes a line to `say`, and counts those of the same kind that follow within a minute."""

    def __init__(self, say: Callable[[str], None], now: Callable[[], float]) -> None:
        self._say = say
        self._now = now
        self._said_at: float | None = None
        self._unsaid = 0

    def note(self, words: str) -> None:
        """Say `words`, with the number of lines that were left out before; or leave them out."""
        now = self._now()
        if self._said_at is not None and now < self._said_at + EVERY_S:
            self._unsaid += 1
            return
        more = f" ({self._unsaid} more since the last such line)" if self._unsaid else ""
        self._said_at, self._unsaid = now, 0
        self._say(f"{words}{more}.")
