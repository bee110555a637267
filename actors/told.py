"""A fact on its way from the world to the machine."""

from __future__ import annotations

from dataclasses import dataclass

from machines.facts import Fact


@dataclass(frozen=True, slots=True)
class Told:
    """A fact and, for the operator's log alone, the error behind it."""

    fact: Fact
    error: BaseException | None = None
