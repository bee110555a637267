"""Where Discord is: its own addresses, or another compatible server's.

discord.py keeps both addresses process-wide, and never asks a server for its gateway by itself; only
its AutoShardedClient does, which we do not use.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

API_PATH: Final = "/api/v10"
DISCORD_HOST: Final = "discord.com"


def _is_no_false_alarm(record: logging.LogRecord) -> bool:
    # A server on this machine acknowledges a heartbeat before discord.py has noted when it was sent, and the
    # library then counts from the one before: "Can't keep up … 41.3s behind", one whole interval.
    return not str(record.msg).startswith("Can't keep up")


def _check(url: str | None, schemes: tuple[str, str], example: str) -> None:
    if url is None:
        return
    address = yarl.URL(url)
    if address.scheme not in schemes or not address.host:
        raise ValueError(f"{url!r} is no {schemes[0]} address; write it like {example}")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """`api_url` and `gateway_url` as people write them; None means Discord's own.

    Raises ValueError, with the mend, for what is no such address.
    """

    api_url: str | None = None
    gateway_url: str | None = None

    def __post_init__(self) -> None:
        _check(self.api_url, ("http", "https"), "http://localhost:8080/api/v10")
        _check(self.gateway_url, ("ws", "wss"), "ws://localhost:8080/gateway")

    @property
    def asks_for_gateway(self) -> bool:
        """Whether only the server knows its gateway's address."""
        return self.api_url is not None and self.gateway_url is None

    @property
    def is_discord(self) -> bool:
        """Whether it is Discord itself, and no other server, nor a proxy that may be before one."""
        return self.api_url is None or yarl.URL(self.api_url).host == DISCORD_HOST

    def apply(self) -> None:
        """Point every client of this process there; done once, before the first."""
        if self.api_url is not None:
            Route.BASE = rest_base(self.api_url)
            logging.getLogger("discord.gateway").addFilter(_is_no_false_alarm)
        if self.gateway_url is not None:
            DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(self.gateway_url)


DISCORD: Final = Endpoints()
"""Discord's own addresses."""


def place_of(error: Exception) -> tuple[str, str]:
    """Where this process looked for Discord when `error` came (host, with the port if it is unusual), and the mend."""
    rest = yarl.URL(Route.BASE)
    # Who could not be connected to is in the error: the REST, or the gateway that it named.
    host, port = getattr(error, "host", None) or rest.host, getattr(error, "port", None) or rest.explicit_port
    mend = "look at the network" if rest.host == DISCORD_HOST else "look at DISCORD_API_URL"
    return f"{host}:{port}" if port not in (None, 443) else str(host), mend


def rest_base(url: str) -> str:
    """The address that paths are appended to: `/api/v10` where `url` has no path of its own."""
    address = yarl.URL(url)
    return str(address.with_path(API_PATH) if address.path in ("", "/") else address).rstrip("/")


async def find_gateway(client: discord.Client) -> None:
    """Ask the server where its gateway is. Raises discord.GatewayNotFound where it does not know."""
    _, url, _ = await client.http.get_bot_gateway()
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
