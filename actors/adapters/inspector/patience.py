"""After how long a response is called stuck: longer than any try may take with the settings of this bot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from machines.response import Limits, State

LATE_S: Final = 15.0
"""A machine under load may be late by that; a read of the channel takes one request's time."""

SPARE_S: Final = 30.0
SEND_REQUESTS: Final = 4
"""Of one send at most: the place, the channel's webhooks, a new one, the line."""


@dataclass(frozen=True, slots=True)
class Patience:
    """The time limits of one try, SEND_TIMEOUT_S and GENERATE_TIMEOUT_S."""

    send_timeout_s: float = 15.0
    generate_timeout_s: float = 60.0

    @property
    def late_s(self) -> float:
        """After the moment at which it was to go on."""
        return max(LATE_S, self.send_timeout_s)

    def silent_s(self, state: str) -> float:
        """After it began to be written, or to be sent."""
        try_s = self.generate_timeout_s if state == State.GENERATING else SEND_REQUESTS * self.send_timeout_s
        return try_s + SPARE_S

    def overdue_s(self, limits: Limits) -> float:
        """After its start: what is in doubt at the deadline has its time to land."""
        return limits.deadline_s + limits.settle_s


USUAL: Final = Patience()
"""That of the settings' defaults."""
