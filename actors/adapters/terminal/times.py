"""Provide the clocks of the live view, which stop while no bot answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from actors.adapters.terminal.facts import Known

PAINT_S: Final = 0.25
"""Seconds between two paints: there may be a thousand moves a second, and nobody can read faster updates."""


@dataclass(frozen=True, slots=True)
class Times:
    """The wall clock (seconds since 1970), a monotonic clock, and the interval between paints of the visible screen."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    paint_s: float = PAINT_S

    def at(self, known: Known) -> float | None:
        """Return the bot's time; None if no bot answers, so that nothing is shown as live."""
        return self.now() + known.link.ahead_s if known.is_live else None
