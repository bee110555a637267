"""Discord, through discord.py: the only package that knows it.

`DiscordAdapter` is what an application needs; `Endpoints` points it elsewhere, `examine` looks whether a
bot is set up, `open_channels` reads what channels show, `name_of_webhook` reads whose line it is.
The rest is the adapter's own affair.
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
