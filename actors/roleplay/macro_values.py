"""The values of a prompt's macros, beside the names: the card's texts, the scene, the time, the last lines."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MacroValues:
    """`at` is the time of the newest line, in seconds since 1970; texts are safe to stand in any part of a prompt."""

    scenario: str = ""
    description: str = ""
    personality: str = ""
    examples: str = ""
    first_message: str = ""
    persona: str = ""
    others: tuple[str, ...] = ()
    at: float | None = None
    idle: str = ""
    last_message: str = ""
    last_user_message: str = ""
    last_character_message: str = ""
    outlets: Mapping[str, str] = field(default_factory=dict)
