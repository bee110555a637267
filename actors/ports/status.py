"""Port for Discord's status page, which log, `!status`, notices and breaker use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol

Indicator = Literal["none", "maintenance", "minor", "major", "critical"]
"""The indicators of Statuspage, from best to worst."""

INDICATORS: Final[tuple[Indicator, ...]] = ("none", "maintenance", "minor", "major", "critical")
SERIOUS: Final = frozenset[Indicator]({"major", "critical"})


@dataclass(frozen=True, slots=True)
class Status:
    """The page's indicator, and the titles of its incidents, for logs only.

    `unread`: parts of the page that could not be read, each with its reason.
    """

    indicator: Indicator
    incidents: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def is_serious(self) -> bool:
        return self.indicator in SERIOUS


@dataclass(frozen=True, slots=True)
class StatusUnknown:
    """The page gave no usable answer: `timeout`, `connection`, `http`, `too_large` or `malformed`."""

    reason: str


def worst(*indicators: Indicator) -> Indicator:
    """Return the worst indicator; `none` if there is none."""
    return max(indicators, key=INDICATORS.index, default="none")


class StatusPage(Protocol):
    """A status page with Statuspage's API."""

    async def read(self) -> Status | StatusUnknown:
        """Send one request, under the adapter's own time limit. Failures of server and network are values."""
        ...
