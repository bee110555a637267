"""What the gateway says over real sockets takes every row of a connection's machine; what it does not has a reason."""

from __future__ import annotations

import logging

import anyio
import pytest

from actors.adapters.discord import GatewayLost
from actors.playground import PlaygroundServer
from actors.ports import ShardConnecting, ShardDown, ShardEnded, ShardEvent, ShardReady, ShardResumed
from actors.shards import Shards
from machines.connection import MACHINE, CatchUp
from tests.fakes.play import playing
from tests.fakes.virtual_time import run_virtually
from tests.machines.rows_taken import rows_taken
from tests.patience import PATIENCE_S

from .test_gateway import Bot, bot_for
from .test_gateway_start import until

UNREACHED = {
    "Ready → Ready: Readied": "discord.py says that a session is lost before it says that the next one is ready",
    "Ready → Down: GivenUp": "a client that ends says first that its connection is down",
    "Resuming → Resuming: Lost": "the adapter says once that a connection is lost, however often it is tried again",
}
"""Rows that no client takes, each with the reason: the table has them for another library. It may only shrink."""


async def test_the_gateway_takes_every_row_of_a_connection_but_those_with_a_reason(
    playground: PlaygroundServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "discord")
    bot = bot_for(playground, reconnect_max_s=0.05, guild_ready_timeout_s=0.3)
    heard = await never_up(bot, playground)
    playground.gateway.refusing = False
    heard += await lost_and_given_up(bot, playground)

    def shards_hear() -> None:
        async def play() -> None:
            async with playing() as at:
                shards = Shards(at.services)
                for event in heard:
                    shards.heard(event)

        run_virtually("trio", play)

    with rows_taken(MACHINE) as taken:
        await anyio.to_thread.run_sync(shards_hear)
    assert taken.left == {*UNREACHED}
    assert taken.effects == {CatchUp}


async def never_up(bot: Bot, server: PlaygroundServer) -> list[ShardEvent]:
    """A client that ends before it was ready."""
    async with anyio.create_task_group() as tasks:

        async def refuse_once_identified() -> None:
            await until(lambda: server.gateway.connected)
            server.gateway.refusing = True
            server.gateway.close_all()

        tasks.start_soon(refuse_once_identified)
        with pytest.raises(GatewayLost), anyio.fail_after(PATIENCE_S):
            await bot.adapter.run()
    return [await bot.next(ShardConnecting), await bot.next(ShardEnded)]


async def lost_and_given_up(bot: Bot, server: PlaygroundServer) -> list[ShardEvent]:
    """A client whose connection is resumed, begun anew, and then gone for good."""
    heard: list[ShardEvent] = []

    async def follow() -> None:
        heard.extend([await bot.next(ShardConnecting), await bot.next(ShardReady)])
        server.gateway.close_all()
        heard.extend([await bot.next(ShardDown), await bot.next(ShardResumed)])
        server.gateway.invalidate()
        heard.extend([await bot.next(ShardDown), await bot.next(ShardReady)])
        server.gateway.refusing = True
        server.gateway.close_all()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow)
        with pytest.raises(GatewayLost), anyio.fail_after(PATIENCE_S):
            await bot.adapter.run()
    return [*heard, await bot.next(ShardDown), await bot.next(ShardEnded)]
