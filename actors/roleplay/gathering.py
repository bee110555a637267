"""When a scene has gathered enough messages for its next turn.

message ─► GATHER_S ─► turn          a newer message starts GATHER_S again; a person's typing holds the turn
first waiting message ─► GATHER_MAX_S ─► turn, whatever happens meanwhile
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Gathering:
    """How long a scene gathers; all in seconds. With `gather_s` 0, each turn begins at once."""

    gather_s: float = 1.2
    gather_max_s: float = 6.0
    typing_hold_s: float = 8.0

    def until(self, newest_at: float, *, first_at: float, held_until: float = 0.0) -> float:
        """Return when the turn begins; `held_until`: how long people's typing holds it."""
        if not self.gather_s:
            return newest_at
        return min(max(newest_at + self.gather_s, held_until), first_at + self.gather_max_s)


AT_ONCE: Final = Gathering(0.0)
"""No gathering: for rehearsals, simulations and benches."""


@dataclass(frozen=True, slots=True)
class Gather:
    """How to gather at the arrival of a message: `at` is now, `held_until` as long as others type."""

    by: Gathering
    at: float
    held_until: float = 0.0
