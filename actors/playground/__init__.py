"""A local Discord: REST, gateway, faults on request, and a model of what every channel really shows.

It imports nothing of the bot, so that it can judge it.
"""

from .faults import FaultPlan
from .ledger import Entry, Line
from .ratelimit import DISCORD_LIMITS, WIDE_LIMITS
from .server import PlaygroundServer
from .shown import ShownMessage, Voice

__all__ = [
    "DISCORD_LIMITS",
    "WIDE_LIMITS",
    "Entry",
    "FaultPlan",
    "Line",
    "PlaygroundServer",
    "ShownMessage",
    "Voice",
]
