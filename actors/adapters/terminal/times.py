"""The clocks of the view: whose time it is, and that nobody's goes on where no bot answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from actors.adapters.terminal.facts import Known


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds since 1970, and seconds that only go on."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic

    def at(self, known: Known) -> float | None:
        """The bot's time; None where no bot answers, so that nothing is shown as being alive."""
        return self.now() + known.link.ahead_s if known.is_live else None
