"""Defines a world's settings: cast, channels, voice and limits; drawn from its seed unless given."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Final

from actors.roleplay.gathering import AT_ONCE, Gathering
from actors.roleplay.turns import SCRIPT_ORDER, TurnOrder, speakers_min
from actors.simulation.client import Preference
from actors.simulation.discord import PAGE_MAX
from actors.simulation.faulty_discord import ServerOrder
from actors.simulation.language_model import LONG_SHARE
from actors.simulation.people import NAMES, Habits
from machines.response import Limits
from machines.waits import NONCE_WINDOW_S

CAST: Final = ("Maren", "Oriel", "Fitch", "Bo")
ANSWERED: Final = tuple(order for order in TurnOrder if speakers_min(order, 1))
"""The orders in which people get an answer whatever they say."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The settings of a world; the defaults are those of a new installation.

    Raises ValueError for a world in which no response could ever end, because it would run for hours before it fails.
    """

    habits: Habits = field(default_factory=lambda: Habits(CAST[:2], SCRIPT_ORDER, users=2, turns_max=8))
    channels: int = 10
    preference: Preference = "webhook"
    limits: Limits = field(default_factory=Limits)
    context_tokens: int = 6000
    gathering: Gathering = AT_ONCE
    models: tuple[str, ...] = ("first", "second")
    nonce_window_s: float = 180.0
    breaker_failures: int = 5
    server_order: ServerOrder = "newest_first"
    page_max: int = PAGE_MAX
    bare_posts: bool = False
    """Whether a webhook's post is answered with 204 and no body, as some servers other than Discord do."""
    muted_share: float = 0.0
    """Share of threads in which the bot may not write itself; without webhooks no character could speak there."""

    long_share: float = LONG_SHARE

    def __post_init__(self) -> None:
        if not self.models:
            raise ValueError("a world needs at least 1 model")
        for name in ("channels", "context_tokens", "page_max"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} of a world is at least 1, not {getattr(self, name)}")
        for name in ("muted_share", "long_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} of a world is from 0 to 1, not {getattr(self, name)}")
        if self.muted_share and self.preference != "webhook":
            raise ValueError("muted threads need webhooks: without them nobody could speak there")

    @classmethod
    def drawn(cls, random: Random) -> Shape:
        """Draws any world that the settings allow."""
        habits = Habits(
            cast=CAST[: random.randint(1, len(CAST))],
            order=random.choice((SCRIPT_ORDER, *ANSWERED)),
            users=random.randint(1, len(NAMES)),
            turns_max=random.randint(3, 10),
        )
        limits = Limits(
            send_attempts=random.choice((1, 2, 3, 3, 3, 5)),
            generate_attempts=random.choice((1, 2, 3, 3, 3)),
            settle_s=random.choice((5.0, 5.0, 8.0)),
            deadline_s=random.choice((300.0, 300.0, 60.0)),
            hold_max_s=random.choice((3600.0, 3600.0, 60.0)),
        )
        channels = random.randint(8, 16)
        preference: Preference = random.choice(("webhook", "webhook", "embed"))
        return cls(
            habits=habits,
            channels=channels,
            preference=preference,
            limits=limits,
            context_tokens=random.choice((6000, 6000, 1500)),
            gathering=random.choice((AT_ONCE, Gathering(), Gathering(0.5, 2.0, 4.0))),
            models=random.choice((("only",), ("first", "second"))),
            breaker_failures=random.choice((0, 5)),
            nonce_window_s=random.uniform(NONCE_WINDOW_S + 20, 300.0),
            server_order=random.choice(("newest_first", "newest_first", "oldest_first", "shuffled")),
            page_max=random.choice((PAGE_MAX, PAGE_MAX, 20)),
            bare_posts=random.random() < 0.15,
            muted_share=random.choice((0.0, 0.2)) if preference == "webhook" else 0.0,
        )
