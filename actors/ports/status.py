"""What Discord's own status page says: for the log, `!status`, a clause of the notices, and the breaker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol

Indicator = Literal["none", "maintenance", "minor", "major", "critical"]
"""From all is well to the worst; a page of Statuspage's kind knows no other word."""

INDICATORS: Final[tuple[Indicator, ...]] = ("none", "maintenance", "minor", "major", "critical")
SERIOUS: Final = frozenset[Indicator]({"major", "critical"})


@dataclass(frozen=True, slots=True)
class Status:
    """The page's verdict, and the names of what it reports: one line each, few, for logs only.

    `unread`: parts of the page that could not be read this time, each with its reason.
    """

    indicator: Indicator
    incidents: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def is_serious(self) -> bool:
        return self.indicator in SERIOUS


@dataclass(frozen=True, slots=True)
class StatusUnknown:
    """The page said nothing usable: `timeout`, `connection`, `http`, `too_large` or `malformed`."""

    reason: str


def worst(*indicators: Indicator) -> Indicator:
    """The worst of them; `none` without any."""
    return max(indicators, key=INDICATORS.index, default="none")


class StatusPage(Protocol):
    """A page of Statuspage's kind."""

    async def read(self) -> Status | StatusUnknown:
        """Ask once, under the adapter's own time limit. Never raises what a server or a network can cause."""
        ...
