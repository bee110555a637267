"""M9: a process that waits for its turn is connected, does nothing, and forgets nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import discord
import pytest

from actors.adapters.discord.standby import EVENTS_MAX, PRESS_S, Standby
from actors.playground import PlaygroundServer
from actors.ports import (
    ButtonPressed,
    GatewayEvent,
    MessageDeleted,
    MessageSeen,
    ShardConnecting,
    ShardDown,
    ShardReady,
)
from tests.fakes.virtual_time import virtually_on_asyncio
from tests.patience import PATIENCE_S

from .test_gateway import Bot, bot_for, running
from .test_interactions import RETRY, Heard, heard, notice, press_of

PRESS, COMMAND, LETTER = (
    discord.InteractionType[name].value for name in ("component", "application_command", "autocomplete")
)

__all__ = ["heard"]  # a fixture


def kept(bot: Bot) -> Standby:
    assert bot.adapter._standby is not None
    return bot.adapter._standby


@asynccontextmanager
async def waiting(playground: PlaygroundServer) -> AsyncIterator[Bot]:
    """A connected adapter on standby."""
    bot = bot_for(playground, is_standby=True)
    async with running(bot):
        with anyio.fail_after(PATIENCE_S):
            await bot.adapter.wait_connected()
        yield bot


async def until_kept(bot: Bot, *, events: int = 0, presses: int = 0) -> None:
    with anyio.fail_after(PATIENCE_S):
        while len(kept(bot)._events) < events or len(kept(bot)._presses) < presses:  # noqa: ASYNC110 - no event
            await anyio.sleep(0.01)


async def test_m9_on_standby_nothing_is_told_and_then_everything_is_in_its_order(playground: PlaygroundServer) -> None:
    async with waiting(playground) as bot:
        first, second = (playground.say("tavern", "Robin", text).id for text in ("One.", "Two."))
        playground.delete(first)
        await until_kept(bot, events=3)
        assert bot.events.empty()
        bot.adapter.go_live()
        told = [await bot.next_of_any() for _ in range(5)]
        assert [type(event) for event in told] == [
            ShardConnecting,
            ShardReady,
            MessageSeen,
            MessageSeen,
            MessageDeleted,
        ]
        assert [event.message.id for event in told if isinstance(event, MessageSeen)] == [first, second]
        playground.say("tavern", "Robin", "Three.")
        assert (await bot.next(MessageSeen)).message.text == "Three."


async def test_m9_a_press_is_acknowledged_when_its_process_may_act_and_not_before(
    playground: PlaygroundServer,
    heard: Heard,
) -> None:
    async with waiting(playground) as bot:
        playground.press(await notice(playground, bot), "Robin", RETRY.custom_id)
        await until_kept(bot, presses=1)
        assert not heard.acknowledged.is_set()
        bot.adapter.go_live()
        assert (await press_of(bot)).custom_id == RETRY.custom_id
        with anyio.fail_after(PATIENCE_S):
            await heard.acknowledged.wait()


async def test_m9_while_two_are_connected_only_the_one_that_may_act_is_told_and_acknowledges(
    playground: PlaygroundServer,
    heard: Heard,
) -> None:
    acting = bot_for(playground)
    async with running(acting), waiting(playground) as bot:
        await acting.next(ShardReady)
        playground.press(await notice(playground, acting), "Robin", RETRY.custom_id)
        await press_of(acting)
        with anyio.fail_after(PATIENCE_S):
            await heard.acknowledged.wait()
        await until_kept(bot, presses=1)
        assert bot.events.empty()
        assert len(heard.whispers) == 1


# ── without a Discord, on virtual time ──────────────────────────────────────────────────────────────


@virtually_on_asyncio
@pytest.mark.parametrize(("after_s", "heard_of"), [(PRESS_S - 0.1, ["press", "command"]), (PRESS_S + 0.1, [])])
async def test_m9_a_press_that_nobody_could_acknowledge_in_time_is_not_told(
    after_s: float, heard_of: list[str]
) -> None:
    presses: list[str] = []
    standby = Standby((0,))
    standby.keep_interaction({"type": PRESS}, lambda payload: presses.append("press"))
    standby.keep_interaction({"type": COMMAND}, lambda payload: presses.append("command"))
    standby.keep_interaction({"type": LETTER}, lambda payload: presses.append("a letter"))
    odd_ones: tuple[object, ...] = (None, [], {}, {"type": None}, {"type": []}, {"type": "3"})
    for odd in odd_ones:
        standby.keep_interaction(odd, lambda payload: presses.append("odd"))
    await anyio.sleep(after_s)
    standby.end(lambda event: None)
    assert presses == heard_of


@virtually_on_asyncio
async def test_m9_it_is_connected_when_every_shard_is_and_a_flood_pushes_no_connection_out() -> None:
    standby, told = Standby((0, 1)), list[GatewayEvent]()
    standby.keep(ShardReady(0, "Ensemble", 1))
    assert not standby.connected.is_set()
    for number in range(EVENTS_MAX + 5):
        standby.keep(MessageDeleted(1, number))
    standby.keep(ShardReady(1, "Ensemble", 1))
    standby.keep(ShardDown(0))
    assert standby.connected.is_set()
    standby.end(told.append)
    assert told[:3] == [ShardReady(0, "Ensemble", 1), ShardReady(1, "Ensemble", 1), ShardDown(0)]
    assert told[3:] == [MessageDeleted(1, number) for number in range(5, EVENTS_MAX + 5)]
    assert not any(isinstance(event, ButtonPressed) for event in told)
    standby.end(told.append)
    assert len(told) == EVENTS_MAX + 3  # once
