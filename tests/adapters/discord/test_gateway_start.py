"""The start of a real connection: between READY and the last guild it may break, or the process may end."""

import asyncio
import logging
from collections.abc import Callable

import anyio
import pytest

from actors.adapters.discord import GatewayLost
from actors.adapters.log import JsonFormatter, TextFormatter
from actors.playground import PlaygroundServer
from actors.ports import MessageSeen, ShardConnecting, ShardDown, ShardEnded, ShardReady, ShardResumed
from tests.patience import PATIENCE_S

from .test_gateway import Bot, bot_for, running

POLL_S = 0.005


async def until(holds: Callable[[], object]) -> None:
    with anyio.fail_after(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - neither the server nor discord.py signals it
            await anyio.sleep(POLL_S)


async def kinds(bot: Bot, count: int) -> list[type]:
    return [type(await bot.next_of_any()) for _ in range(count)]


@pytest.mark.parametrize("guilds_after_s", [0.1, 3.0], ids=["ready while it is broken", "ready after it resumed"])
async def test_a_connection_that_breaks_before_its_guilds_have_come_is_ready_when_they_have(
    playground: PlaygroundServer, guilds_after_s: float
) -> None:
    bot = bot_for(playground, guild_ready_timeout_s=guilds_after_s)
    async with running(bot):
        await until(lambda: playground.gateway.connected)
        playground.gateway.close_all(4000)
        assert await kinds(bot, 2) == [ShardConnecting, ShardReady]
        await until(lambda: playground.gateway.connected)
        playground.say("tavern", "Robin", "Hello?")
        assert await kinds(bot, 1) == [MessageSeen]
        playground.gateway.close_all(4000)
        assert await kinds(bot, 2) == [ShardDown, ShardResumed]


async def test_a_client_that_ends_before_its_guilds_have_come_was_never_up_and_never_will_be(
    playground: PlaygroundServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "discord")
    bot = bot_for(playground, guild_ready_timeout_s=0.3, reconnect_max_s=0.05)
    waiting: list[asyncio.Task[None]] = []

    async def refuse_once_identified() -> None:
        await until(lambda: bot.adapter._clients[0]._connection._ready_task)
        task = bot.adapter._clients[0]._connection._ready_task
        assert task is not None
        waiting.append(task)
        playground.gateway.refusing = True
        playground.gateway.close_all()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(refuse_once_identified)
        with pytest.raises(GatewayLost), anyio.fail_after(PATIENCE_S):
            await bot.adapter.run()
    assert await kinds(bot, 2) == [ShardConnecting, ShardEnded]
    with anyio.fail_after(PATIENCE_S):
        await asyncio.wait(waiting)
    assert bot.events.empty()


async def test_a_lost_connection_is_a_line_of_a_text_log_and_no_screen_of_discord_py_s_own_depths(
    playground: PlaygroundServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "discord")
    bot = bot_for(playground)
    async with running(bot):
        await bot.next(ShardReady)
        playground.gateway.refusing = True
        playground.gateway.close_all()
        await until(lambda: playground.gateway.refusals)
        await until(lambda: [record for record in caplog.records if record.exc_info])
    told, *_ = [record for record in caplog.records if record.exc_info]
    assert TextFormatter(()).format(told).count("\n") == 0
    assert "Traceback" in JsonFormatter(()).format(told)
