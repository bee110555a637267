"""Reads channels over REST only, with or without a running bot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import discord

from actors.adapters.discord.channel import DiscordChannel
from actors.adapters.discord.client import LOGIN_TIMEOUT_S, OUT_OF_REACH, WrongToken, out_of_reach
from actors.adapters.discord.endpoints import DISCORD, Endpoints
from actors.adapters.discord.incoming import Ourselves
from actors.adapters.discord.nulls import accept_nulls
from actors.adapters.discord.one_attempt import one_attempt, unpaced
from actors.adapters.discord.places import Places
from actors.adapters.discord.wire import Wire
from actors.ports import Webhooks


@asynccontextmanager
async def open_channels(
    token: str,
    *,
    webhooks: Webhooks,
    now: Callable[[], float],
    endpoints: Endpoints = DISCORD,
    try_timeout_s: float = 15.0,
) -> AsyncIterator[DiscordChannel]:
    """Log in without a gateway connection, and yield the channels. Raises WrongToken, GatewayLost."""
    endpoints.apply()
    client = discord.Client(intents=discord.Intents.none(), http_trace=one_attempt(), max_messages=None)
    client.http.get_ratelimit = unpaced  # type: ignore[method-assign]
    accept_nulls(client)
    try:
        with anyio.fail_after(LOGIN_TIMEOUT_S):
            await client.login(token)
    except discord.LoginFailure as error:
        await client.close()
        raise WrongToken from error
    except OUT_OF_REACH as error:
        await client.close()
        raise out_of_reach(error) from error
    ourselves, wire = Ourselves(), Wire(now=now, try_timeout_s=try_timeout_s)
    ourselves.learn(client)
    wire.add(client)
    try:
        yield DiscordChannel(wire, Places(wire), webhooks, ourselves, fills_pages=endpoints.is_discord)
    finally:
        await client.close()
