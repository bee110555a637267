"""The Discord in memory keeps Discord's rules, under the simulation's faults as under a test's script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import anyio
import pytest

from actors.ports import Deleted, GatewayEvent, MessageDeleted, MessageSeen, Posted, PostedElsewhere, Refused
from actors.roleplay.model import Outbound, OutboundKind
from actors.simulation.discord import Discord
from actors.simulation.faults import Cut, Faults
from actors.simulation.faulty_discord import FaultyDiscord
from tests.fakes.discord import NONCE_WINDOW_S, FakeDiscord
from tests.fakes.virtual_time import VirtualClock, run_virtually

HOME, ELSEWHERE = 7, 8
TEXT = Outbound(OutboundKind.TEXT, HOME, "", "It failed.", "n1")

Play = Callable[[Discord], Awaitable[None]]


def simulated() -> Discord:
    return FaultyDiscord(Faults("a seed", 0.0, Cut()), VirtualClock().now, nonce_window_s=NONCE_WINDOW_S)


def scripted() -> Discord:
    return FakeDiscord(VirtualClock().now)


@pytest.fixture(params=[simulated, scripted])
def on_discord(request: pytest.FixtureRequest) -> Callable[[Play], None]:
    """Runs a play on a Discord with two channels."""

    async def played(play: Play) -> None:
        discord = request.param()
        discord.open_channel(HOME)
        discord.open_channel(ELSEWHERE)
        await play(discord)

    return lambda play: run_virtually("asyncio", lambda: played(play))


def shown(discord: Discord, channel_id: int = HOME) -> list[int]:
    """The ids that reads show when everything is readable, oldest first."""
    return sorted(message.id for message in discord.listed(discord.channels[channel_id], 0))


def test_one_nonce_posts_one_message_until_discord_forgets_it(on_discord: Callable[[Play], None]) -> None:
    async def play(discord: Discord) -> None:
        first = discord.take(TEXT)
        assert isinstance(first, Posted)
        assert discord.take(replace(TEXT, text="Another text.")) == first
        await anyio.sleep(NONCE_WINDOW_S)
        second = discord.take(TEXT)
        assert isinstance(second, Posted)
        await anyio.sleep(5)
        assert shown(discord) == [first.message_id, second.message_id]

    on_discord(play)


def test_what_a_nonce_posted_does_not_come_back_when_it_was_deleted(on_discord: Callable[[Play], None]) -> None:
    async def play(discord: Discord) -> None:
        posted = discord.take(TEXT)
        assert isinstance(posted, Posted)
        assert discord.take_away(HOME, posted.message_id) == Deleted()
        assert discord.take(TEXT) == Refused("removed", 404, final=True)
        assert shown(discord) == []

    on_discord(play)


def test_a_webhook_knows_no_nonce_and_posts_where_it_stands(on_discord: Callable[[Play], None]) -> None:
    async def play(discord: Discord) -> None:
        webhook_id = discord.make_webhook(discord.channels[HOME], "Ada")
        line = Outbound(OutboundKind.WEBHOOK, HOME, "Ada", "Hello!", "n1", webhook_id=webhook_id)
        own = [discord.take(line), discord.take(line)]
        discord.move_webhook(webhook_id, ELSEWHERE)
        stray = discord.take(line)
        await anyio.sleep(5)
        assert own == [Posted(message_id, "Hello!") for message_id in shown(discord)]
        assert [stray] == [PostedElsewhere(ELSEWHERE, message_id) for message_id in shown(discord, ELSEWHERE)]
        assert (len(own), discord.home_of(webhook_id)) == (2, ELSEWHERE)

    on_discord(play)


def test_the_gateway_and_reads_show_the_same_messages(on_discord: Callable[[Play], None]) -> None:
    async def play(discord: Discord) -> None:
        told: list[GatewayEvent] = []
        discord.sink = told.append
        channel = discord.channels[HOME]
        said = [discord.say(channel, 5, "Robin", text) for text in ("One.", "Two.", "Three.")]
        discord.edit(channel, said[1].id, "Two, edited.")
        discord.remove(channel, said[2].id, "people")
        await anyio.sleep(60)
        assert [event.message.id for event in told if isinstance(event, MessageSeen)] == [each.id for each in said]
        assert told[-1] == MessageDeleted(HOME, said[2].id)
        read = discord.listed(channel, 0)
        assert sorted((each.id, each.text) for each in read) == [(said[0].id, "One."), (said[1].id, "Two, edited.")]

    on_discord(play)


def test_a_channel_that_is_gone_or_closed_takes_and_shows_nothing(on_discord: Callable[[Play], None]) -> None:
    async def play(discord: Discord) -> None:
        channel = discord.channels[HOME]
        posted = discord.take(TEXT)
        assert isinstance(posted, Posted)
        closed, gone = Refused("thread_closed", 400, final=True), Refused("channel_gone", 404, final=True)
        discord.close_thread(channel, is_closed=True)
        assert [discord.take(TEXT), discord.take_away(HOME, posted.message_id)] == [closed] * 2
        assert discord.refuses_read(channel) is None
        discord.delete_channel(channel)
        refusals = [discord.take(TEXT), discord.take_away(HOME, posted.message_id), discord.refuses_read(channel)]
        assert refusals == [gone] * 3

    on_discord(play)
