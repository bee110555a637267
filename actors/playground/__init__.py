"""Runs a local Discord: REST, gateway, injected faults, and a model of what every channel really shows.

It imports nothing from the bot, so that it can judge the bot independently.
"""

from .dialect import COMPATIBLE, DISCORD, Dialect
from .faults import FaultPlan
from .hooks import CARD_BYTES_MAX, CARD_FIELDS, BotControl, BotState, CardRefused, CardShelf, ShownCard
from .ledger import Entry, Line
from .model_faults import PASSED, ModelFaultPlan
from .ratelimit import DISCORD_LIMITS, WIDE_LIMITS
from .screen import ShownMessage, Voice
from .script import READS
from .server import PlaygroundServer

__all__ = [
    "CARD_BYTES_MAX",
    "CARD_FIELDS",
    "COMPATIBLE",
    "DISCORD",
    "DISCORD_LIMITS",
    "PASSED",
    "READS",
    "WIDE_LIMITS",
    "BotControl",
    "BotState",
    "CardRefused",
    "CardShelf",
    "Dialect",
    "Entry",
    "FaultPlan",
    "Line",
    "ModelFaultPlan",
    "PlaygroundServer",
    "ShownCard",
    "ShownMessage",
    "Voice",
]
