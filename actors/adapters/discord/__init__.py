"""Connects the actors to Discord through discord.py; no other package imports that library.

`DiscordAdapter` is the entry point of an application. `Endpoints` selects another server, `examine` checks a
bot's setup, `open_channels` reads channels over REST, `name_of_webhook` returns the character of a line.
Everything else is internal.
"""

from actors.adapters.discord.adapter import DiscordAdapter
from actors.adapters.discord.channel import DiscordChannel
from actors.adapters.discord.client import GatewayLost, IntentsMissing, WrongToken
from actors.adapters.discord.doctor import Finding, examine
from actors.adapters.discord.endpoints import Endpoints
from actors.adapters.discord.names import name_of_webhook
from actors.adapters.discord.reader import open_channels
from actors.adapters.discord.voice import Preference

__all__ = [
    "DiscordAdapter",
    "DiscordChannel",
    "Endpoints",
    "Finding",
    "GatewayLost",
    "IntentsMissing",
    "Preference",
    "WrongToken",
    "examine",
    "name_of_webhook",
    "open_channels",
]
