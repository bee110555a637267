"""A fact on its way from the world to the machine."""

from __future__ import annotations

from dataclasses import dataclass

from actors.ports import Exchange
from machines.facts import Fact


@dataclass(frozen=True, slots=True)
class Told:
    """A fact and, for the operator's log alone, the error behind it; `exchange` is what went over the wire."""

    fact: Fact
    error: BaseException | None = None
    exchange: Exchange | None = None
