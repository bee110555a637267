"""The clocks of the view: whose time it is, and that nobody's goes on where no bot answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from actors.adapters.terminal.facts import Known

PAINT_S: Final = 0.25
"""Moves come by the thousand a second: what is painted oftener cannot be read."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds since 1970, seconds that only go on, and how often the screen that is looked at is painted."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    paint_s: float = PAINT_S

    def at(self, known: Known) -> float | None:
        """The bot's time; None where no bot answers, so that nothing is shown as being alive."""
        return self.now() + known.link.ahead_s if known.is_live else None
