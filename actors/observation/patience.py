"""Decides after how long a response counts as stuck: longer than any attempt may take with the bot's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from machines.response import Limits, State

LATE_S: Final = 15.0
"""A computer under load may be late by this much; a read of the channel takes one request."""

SPARE_S: Final = 30.0
SEND_REQUESTS: Final = 4
"""Most requests of one send: the channel, its webhooks, a new webhook, the line."""


@dataclass(frozen=True, slots=True)
class Patience:
    """The stuck limits, from the timeouts of one attempt (SEND_TIMEOUT_S and GENERATE_TIMEOUT_S)."""

    send_timeout_s: float = 15.0
    generate_timeout_s: float = 60.0

    @property
    def late_s(self) -> float:
        """Limit after the time at which the response should have continued."""
        return max(LATE_S, self.send_timeout_s)

    def silent_s(self, state: str) -> float:
        """Limit after the response began to be generated or sent."""
        try_s = self.generate_timeout_s if state == State.GENERATING else SEND_REQUESTS * self.send_timeout_s
        return try_s + SPARE_S

    def overdue_s(self, limits: Limits) -> float:
        """Limit after the response's start: the deadline, and the settle time of a part in doubt."""
        return limits.deadline_s + limits.settle_s


USUAL: Final = Patience()
"""The limits with default settings."""
