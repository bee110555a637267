"""A fact as an actor observed it, before the machine judges it."""

from __future__ import annotations

from dataclasses import dataclass

from actors.ports import Exchange, LoreWrites
from machines.facts import Fact


@dataclass(frozen=True, slots=True)
class Observed:
    """A fact, with the error behind it (for the log only), the recorded `exchange`, and what is written of the lore.

    `is_shortened`: the model wrote more than one line may hold.
    """

    fact: Fact
    error: BaseException | None = None
    exchange: Exchange | None = None
    is_shortened: bool = False
    lore: LoreWrites | None = None
