"""Sets the addresses of Discord, or of another compatible server.

discord.py keeps both addresses process-wide. It does not request the gateway's address from the server; only
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
    # A server on this machine acknowledges a heartbeat before discord.py has recorded its time of sending. The
    # library then counts from the previous heartbeat, a whole interval: "Can't keep up … 41.3s behind".
    return not str(record.msg).startswith("Can't keep up")


def _check(url: str | None, schemes: tuple[str, str], example: str) -> None:
    if url is None:
        return
    address = yarl.URL(url)
    if address.scheme not in schemes or not address.host:
        raise ValueError(f"{url!r} is no {schemes[0]} address; write it like {example}")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """`api_url` and `gateway_url` as in the settings; None means Discord's own.

    Raises ValueError for an invalid address, with an example of a valid one.
    """

    api_url: str | None = None
    gateway_url: str | None = None

    def __post_init__(self) -> None:
        _check(self.api_url, ("http", "https"), "http://localhost:8080/api/v10")
        _check(self.gateway_url, ("ws", "wss"), "ws://localhost:8080/gateway")

    @property
    def asks_for_gateway(self) -> bool:
        """Whether the server must be asked for its gateway's address."""
        return self.api_url is not None and self.gateway_url is None

    @property
    def is_discord(self) -> bool:
        """Whether it is Discord itself, not another server or a proxy, which may stand before one."""
        return self.api_url is None or yarl.URL(self.api_url).host == DISCORD_HOST

    def apply(self) -> None:
        """Direct every client of this process there; call once, before the first client."""
        if self.api_url is not None:
            Route.BASE = rest_base(self.api_url)
            logging.getLogger("discord.gateway").addFilter(_is_no_false_alarm)
        if self.gateway_url is not None:
            DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(self.gateway_url)


DISCORD: Final = Endpoints()
"""Discord's own addresses."""


def place_of(error: Exception) -> tuple[str, str]:
    """Return the address at which `error` occurred (host, and any port but 443) and a hint what to check."""
    rest = yarl.URL(Route.BASE)
    # The error names the host of the failed connection: REST, or the gateway that REST returned.
    host, port = getattr(error, "host", None) or rest.host, getattr(error, "port", None) or rest.explicit_port
    mend = "check the network" if rest.host == DISCORD_HOST else "check DISCORD_API_URL"
    return f"{host}:{port}" if port not in (None, 443) else str(host), mend


def rest_base(url: str) -> str:
    """The base address of REST; `/api/v10` is added if `url` has no path."""
    address = yarl.URL(url)
    return str(address.with_path(API_PATH) if address.path in ("", "/") else address).rstrip("/")


async def find_gateway(client: discord.Client) -> None:
    """Request the gateway's address from the server. Raises discord.GatewayNotFound if the server does not know it."""
    _, url, _ = await client.http.get_bot_gateway()
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
