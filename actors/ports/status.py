"""What Discord's own status page says, asked while Discord does not answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Indicator = Literal["none", "minor", "major", "critical"]


@dataclass(frozen=True, slots=True)
class Status:
    """The page's verdict, and the names of the unresolved incidents: one line each, few, for logs only."""

    indicator: Indicator
    incidents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusUnknown:
    """The page said nothing usable: `timeout`, `connection`, `http`, `too_large` or `malformed`."""

    reason: str


class StatusPage(Protocol):
    """A page of Statuspage's kind."""

    async def read(self) -> Status | StatusUnknown:
        """Ask once, under the adapter's own time limit. Never raises what a server or a network can cause."""
        ...
