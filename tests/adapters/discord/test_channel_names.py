"""Channels are shown by the names that the gateway told, and by nothing where it did not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from actors.adapters.discord import DiscordAdapter, Endpoints
from actors.playground import PlaygroundServer
from actors.ports import GatewayEvent, ShardReady

from .table import WebhookTable


@asynccontextmanager
async def logged_in(server: PlaygroundServer) -> AsyncIterator[DiscordAdapter]:
    """An adapter whose one connection is ready."""
    ready = anyio.Event()

    def take(event: GatewayEvent) -> None:
        if isinstance(event, ShardReady):
            ready.set()

    adapter = DiscordAdapter(
        token=server.token,
        webhooks=WebhookTable(),
        sink=take,
        now=server.discord.now,
        endpoints=Endpoints(server.api_url, server.gateway_url),
        guild_ready_timeout_s=0.05,
        identify_interval_s=0.0,
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(adapter.run)
        with anyio.fail_after(5):
            await ready.wait()
        yield adapter
        tasks.cancel_scope.cancel()


async def test_a_channel_has_its_name_once_the_gateway_has_told_it(playground: PlaygroundServer) -> None:
    channel_id = playground.discord.find_channel("tavern").id
    async with logged_in(playground) as adapter:
        assert adapter.channel_name(channel_id) == "tavern"
        assert adapter.channel_name(1) is None
    assert adapter.channel_name(channel_id) is None  # no connection, and so nobody who knows


async def test_a_rate_limit_names_the_channel_that_it_is_for(playground: PlaygroundServer) -> None:
    channel_id = playground.discord.find_channel("tavern").id
    async with logged_in(playground) as adapter:
        assert isinstance(await adapter.channel.messages(channel_id, after=0), tuple)
        for bucket in (f"send:{channel_id}", f"webhook:{channel_id}", "commands", "send:1"):
            adapter._wire._budgets.learn(bucket, {"x-ratelimit-remaining": "4"})
        names = {each.name: each.channel for each in adapter.budgets()}
        assert names.pop(f"read:{channel_id}", "tavern") == "tavern"
        told = {f"send:{channel_id}": "tavern", f"webhook:{channel_id}": None, "commands": None, "send:1": None}
        assert names == {"everything": None, **told}
