"""Events of the real gateway, in order; connections lost, resumed and made anew."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import anyio
import pytest

from actors.adapters.discord import DiscordAdapter, Endpoints, GatewayLost, IntentsMissing, WrongToken, examine
from actors.adapters.discord.client import IdentifyTurns
from actors.playground import PlaygroundServer
from actors.ports import (
    ChannelGone,
    GatewayEvent,
    HeldBack,
    MessageDeleted,
    MessageEdited,
    MessageSeen,
    Page,
    PersonTyping,
    Posted,
    Refused,
    ShardConnecting,
    ShardDown,
    ShardEnded,
    ShardReady,
    ShardResumed,
)
from actors.roleplay.model import Attachment, Character, Outbound, OutboundKind
from tests.patience import PATIENCE_S

from .table import WebhookTable

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Bot:
    adapter: DiscordAdapter
    events: asyncio.Queue[GatewayEvent]

    async def next(self, kind: type[Kind]) -> Kind:
        """The next event, which must be of this kind; beginnings and ends of clients count only where asked for."""
        event = await self.next_of_any()
        while isinstance(event, ShardConnecting | ShardEnded) and not isinstance(event, kind):
            event = await self.next_of_any()
        assert isinstance(event, kind)
        return event

    async def next_of_any(self) -> GatewayEvent:
        with anyio.fail_after(PATIENCE_S):
            return await self.events.get()


def bot_for(
    server: PlaygroundServer,
    *,
    token: str | None = None,
    endpoints: Endpoints | None = None,
    shard_count: int = 1,
    reconnect_max_s: float = PATIENCE_S,
    identify_interval_s: float = 0.0,
    guild_ready_timeout_s: float = 0.05,
    is_standby: bool = False,
) -> Bot:
    events: asyncio.Queue[GatewayEvent] = asyncio.Queue()
    adapter = DiscordAdapter(
        token=token or server.token,
        webhooks=WebhookTable(),
        sink=events.put_nowait,
        now=server.discord.now,
        endpoints=endpoints or Endpoints(server.api_url, server.gateway_url),
        shard_ids=tuple(range(shard_count)),
        shard_count=shard_count,
        guild_ready_timeout_s=guild_ready_timeout_s,
        identify_interval_s=identify_interval_s,
        reconnect_max_s=reconnect_max_s,
        is_standby=is_standby,
    )
    return Bot(adapter, events)


@asynccontextmanager
async def running(bot: Bot) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        for shard_id in bot.adapter.shard_ids:
            tasks.start_soon(bot.adapter.run, shard_id)
        yield
        tasks.cancel_scope.cancel()


@pytest.fixture
async def bot(playground: PlaygroundServer) -> AsyncIterator[Bot]:
    bot = bot_for(playground)
    running = asyncio.create_task(bot.adapter.run())
    await bot.next(ShardReady)
    yield bot
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


# ── events ──────────────────────────────────────────────────────────────────────────────────────────


async def test_ready_names_the_bot_and_counts_its_channels(playground: PlaygroundServer) -> None:
    bot = bot_for(playground)
    async with running(bot):
        assert await bot.next(ShardReady) == ShardReady(0, "Ensemble", 3)
    assert await bot.next(ShardDown) == ShardDown(0)


async def test_a_shard_counts_its_sessions_its_losses_and_what_it_resumed(
    bot: Bot, playground: PlaygroundServer
) -> None:
    [shard] = bot.adapter.shards()
    assert (shard.shard_id, shard.sessions, shard.losses, shard.resumes) == (0, 1, 0, 0)
    playground.gateway.close_all(4000)
    await bot.next(ShardDown)
    await bot.next(ShardResumed)
    [shard] = bot.adapter.shards()
    assert (shard.sessions, shard.losses, shard.resumes) == (1, 1, 1)


async def test_a_shard_says_how_long_its_last_heartbeat_took(bot: Bot, playground: PlaygroundServer) -> None:
    with anyio.fail_after(PATIENCE_S):
        while bot.adapter.shards()[0].acked_at is None:  # noqa: ASYNC110 - discord.py tells nobody of it
            await anyio.sleep(0.005)
    [shard] = bot.adapter.shards()
    assert shard.latency_s is not None
    assert shard.acked_at is not None
    assert 0 < shard.latency_s < PATIENCE_S
    assert 0 <= playground.discord.now() - shard.acked_at < PATIENCE_S


async def test_events_of_a_channel_come_in_its_order(bot: Bot, playground: PlaygroundServer) -> None:
    tavern = playground.discord.find_channel("tavern").id
    expected: list[tuple[type, int]] = []
    for number in range(50):
        said = playground.say("tavern", "Robin", f"Line {number}")
        playground.edit(said.id, f"Edited {number}")
        playground.delete(said.id)
        expected += [(MessageSeen, said.id), (MessageEdited, said.id), (MessageDeleted, said.id)]
    seen: list[tuple[type, int]] = []
    for _ in expected:
        event = await bot.next_of_any()
        assert isinstance(event, MessageSeen | MessageEdited | MessageDeleted)
        message_id = event.message.id if isinstance(event, MessageSeen) else event.message_id
        channel_id = event.message.channel_id if isinstance(event, MessageSeen) else event.channel_id
        assert channel_id == tavern
        seen.append((type(event), message_id))
    assert seen == expected


async def test_messages_from_before_are_edited_and_deleted_too(playground: PlaygroundServer) -> None:
    said = playground.say("tavern", "Robin", "Before.")
    bot = bot_for(playground)
    async with running(bot):
        await bot.next(ShardReady)
        playground.edit(said.id, "After.")
        playground.delete(said.id)
        edited = (await bot.next(MessageEdited)).message
        assert (edited.channel_id, edited.id, edited.name, edited.text) == (said.channel_id, said.id, "Robin", "After.")
        assert await bot.next(MessageDeleted) == MessageDeleted(said.channel_id, said.id)


async def test_that_a_person_types_is_told_and_that_we_do_is_not(bot: Bot, playground: PlaygroundServer) -> None:
    channel, robin = playground.discord.find_channel("tavern"), playground.discord.find_user("Robin")
    playground.discord.type_in(channel, playground.discord.bot.id)
    playground.discord.type_in(channel, robin.id)
    assert await bot.next(PersonTyping) == PersonTyping(channel.id, robin.id)


async def test_a_moderators_purge_is_a_deletion_of_each_oldest_first(bot: Bot, playground: PlaygroundServer) -> None:
    said = [playground.say("tavern", "Robin", text) for text in ("One.", "Two.")]
    for _ in said:
        await bot.next(MessageSeen)
    playground.purge("tavern", [each.id for each in reversed(said)])
    for each in said:
        assert await bot.next(MessageDeleted) == MessageDeleted(each.channel_id, each.id)


async def test_our_own_lines_come_back_as_ours(bot: Bot, playground: PlaygroundServer) -> None:
    tavern = playground.discord.find_channel("tavern").id
    mira = Character("1", "Mira", "{}")
    prepared = await bot.adapter.voice.prepare(tavern, mira)
    assert isinstance(prepared, tuple)
    kind, webhook_id = prepared
    sent = await bot.adapter.voice.send(Outbound(kind, tavern, "Mira", "Hello.", "1.1", webhook_id=webhook_id))
    assert isinstance(sent, Posted)
    seen = (await bot.next(MessageSeen)).message
    assert (seen.id, seen.name, seen.text, seen.is_ours) == (sent.message_id, "Mira", "Hello.", True)


async def test_m4_a_reply_names_the_message_that_it_replies_to(bot: Bot, playground: PlaygroundServer) -> None:
    first = playground.say("tavern", "Robin", "Hello?")
    playground.say("tavern", "Sam", "!missing", reply_to=first.id)
    assert (await bot.next(MessageSeen)).message.replies_to is None
    assert (await bot.next(MessageSeen)).message.replies_to == first.id
    page = await bot.adapter.channel.page(first.channel_id, after=first.id)
    assert isinstance(page, Page)
    assert [message.replies_to for message in page.messages] == [first.id], "as it is read back, too"


async def test_deleted_channels_and_threads_are_gone(bot: Bot, playground: PlaygroundServer) -> None:
    thread = playground.add_thread("tavern", "cellar", "Robin")
    playground.delete_channel(thread.id)
    assert await bot.next(ChannelGone) == ChannelGone(thread.id)
    tavern = playground.discord.find_channel("tavern").id
    playground.delete_channel(tavern)
    assert await bot.next(ChannelGone) == ChannelGone(tavern)


async def test_a_direct_message_is_seen(bot: Bot, playground: PlaygroundServer) -> None:
    direct = playground.open_dm("Robin")
    playground.say(direct.id, "Robin", "Psst.")
    seen = (await bot.next(MessageSeen)).message
    assert (seen.channel_id, seen.name, seen.text) == (direct.id, "Robin", "Psst.")


async def test_a_malformed_dispatch_is_left_out_and_logged(
    bot: Bot, playground: PlaygroundServer, caplog: pytest.LogCaptureFixture
) -> None:
    (session,) = playground.gateway._sessions.values()
    session.dispatch("MESSAGE_CREATE", {"id": "1"})
    said = playground.say("tavern", "Robin", "Still there?")
    assert (await bot.next(MessageSeen)).message.id == said.id
    assert [(each.levelname, each.name) for each in caplog.records if "MESSAGE_CREATE" in each.getMessage()] == [
        ("ERROR", "ensemble.discord")
    ]


# ── connections ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["closed", "asked"])
async def test_a_lost_connection_is_resumed_and_nothing_is_lost(
    bot: Bot, playground: PlaygroundServer, how: str
) -> None:
    if how == "closed":
        playground.gateway.close_all()
    else:
        playground.gateway.ask_reconnect()
    said = [playground.say("tavern", "Robin", f"Line {number}").id for number in range(20)]
    seen: list[int] = []
    downs = 0
    while len(seen) < len(said):
        event = await bot.next_of_any()
        assert isinstance(event, MessageSeen | ShardDown | ShardResumed)
        downs += isinstance(event, ShardDown)
        seen += [event.message.id] if isinstance(event, MessageSeen) else []
    assert (seen, downs) == (said, 1)


async def test_a_gateway_that_stays_away_ends_the_client(
    playground: PlaygroundServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "discord")
    bot = bot_for(playground, reconnect_max_s=0.05)
    async with anyio.create_task_group() as tasks:

        async def refuse_once_ready() -> None:
            await bot.next(ShardReady)
            playground.gateway.refusing = True
            playground.gateway.close_all()

        tasks.start_soon(refuse_once_ready)
        with pytest.raises(GatewayLost), anyio.fail_after(PATIENCE_S):
            await bot.adapter.run()
    assert await bot.next(ShardDown) == ShardDown(0)
    assert await bot.next(ShardEnded) == ShardEnded(0)


async def test_a_resumed_connection_stays_when_its_patience_is_over(playground: PlaygroundServer) -> None:
    bot = bot_for(playground)
    async with running(bot):
        await bot.next(ShardReady)
        client = bot.adapter._clients[0]
        playground.gateway.close_all()
        assert await bot.next(ShardDown) == ShardDown(0)
        assert 0 < client._patience.deadline - anyio.current_time() <= PATIENCE_S
        assert await bot.next(ShardResumed) == ShardResumed(0)
        assert client._patience.deadline == math.inf


async def test_an_invalidated_session_is_begun_anew(bot: Bot, playground: PlaygroundServer) -> None:
    playground.gateway.invalidate()
    assert await bot.next(ShardDown) == ShardDown(0)
    assert await bot.next(ShardReady) == ShardReady(0, "Ensemble", 3)


async def test_each_shard_has_its_own_connection_and_its_turn(playground: PlaygroundServer) -> None:
    bot = bot_for(playground, shard_count=2, identify_interval_s=0.3)
    begun = anyio.current_time()
    async with running(bot):
        ready = [await bot.next(ShardReady) for _ in range(2)]
        assert anyio.current_time() - begun >= 0.3
        assert sorted((each.shard_id, each.channel_count) for each in ready) in ([(0, 3), (1, 0)], [(0, 0), (1, 3)])
        said = playground.say("tavern", "Robin", "Hello?")
        assert (await bot.next(MessageSeen)).message.id == said.id


async def test_identifying_takes_turns() -> None:
    turns = IdentifyTurns(0.05)
    begun = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(turns.wait_turn)
    assert anyio.current_time() - begun >= 0.1


async def test_the_voice_outlives_a_client(playground: PlaygroundServer) -> None:
    bot = bot_for(playground)
    notice = Outbound(OutboundKind.TEXT, playground.discord.find_channel("tavern").id, "", "Hello.", "n.1")
    assert isinstance(await bot.adapter.voice.send(notice), HeldBack)
    for _ in range(2):
        async with running(bot):
            await bot.next(ShardReady)
            assert isinstance(await bot.adapter.voice.send(notice), Posted)
        await bot.next(ShardDown)
    assert isinstance(await bot.adapter.voice.send(notice), HeldBack)
    assert len(playground.messages("tavern")) == 1


async def test_an_unreachable_gateway_ends_the_client_and_the_next_one_works(
    playground: PlaygroundServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "discord")
    bot = bot_for(playground)
    playground.gateway.refusing = True
    with pytest.raises(GatewayLost):
        await bot.adapter.run()
    playground.gateway.refusing = False
    async with running(bot):
        await bot.next(ShardReady)


async def test_the_gateway_is_asked_for_where_only_the_api_is_known(playground: PlaygroundServer) -> None:
    bot = bot_for(playground, endpoints=Endpoints(playground.url))
    async with running(bot):
        await bot.next(ShardReady)
    assert "/api/v10/gateway/bot" in [entry.path for entry in playground.ledger]


async def test_a_wrong_token_needs_a_person(playground: PlaygroundServer) -> None:
    with pytest.raises(WrongToken, match="DISCORD_TOKEN"):
        await bot_for(playground, token="wrong").adapter.run()


async def test_a_missing_intent_needs_a_person(playground: PlaygroundServer) -> None:
    playground.discord.message_content = False
    with pytest.raises(IntentsMissing, match="Message Content"):
        await bot_for(playground).adapter.run()


# ── addresses and the doctor ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("api_url", "gateway_url"),
    [("localhost:8080", None), ("ftp://localhost", None), ("http://localhost", "http://localhost"), (None, "ws:")],
)
def test_an_address_of_another_kind_is_refused_with_an_example(api_url: str | None, gateway_url: str | None) -> None:
    with pytest.raises(ValueError, match="write it like"):
        Endpoints(api_url, gateway_url)


async def test_the_doctor_finds_nothing_wrong_in_the_playground(playground: PlaygroundServer) -> None:
    findings = await examine(
        playground.token,
        endpoints=Endpoints(playground.api_url, playground.gateway_url),
        guild_ready_timeout_s=0.05,
    )
    assert [(each.subject, each.is_fine, each.mend) for each in findings] == [
        ("token", True, ""),
        ("intent", True, ""),
        ("#tavern in Playground", True, ""),
        ("#station in Playground", True, ""),
        ("#library in Playground", True, ""),
    ]


async def test_the_doctor_names_what_is_lacking_and_its_mend(playground: PlaygroundServer) -> None:
    playground.permit("SEND_MESSAGES", False, channel="tavern")
    playground.permit("MANAGE_WEBHOOKS", False, channel="station")
    endpoints = Endpoints(playground.api_url, playground.gateway_url)
    findings = {
        each.subject: each for each in await examine(playground.token, endpoints=endpoints, guild_ready_timeout_s=0.05)
    }
    tavern, station = findings["#tavern in Playground"], findings["#station in Playground"]
    assert (tavern.is_fine, "Send Messages" in tavern.words, bool(tavern.mend)) == (False, True, True)
    assert (station.is_fine, "Manage Webhooks" in station.words, bool(station.mend)) == (True, True, True)


@pytest.mark.parametrize("lack", ["token", "intent", "connection"])
async def test_the_doctor_says_why_there_is_no_connection(
    playground: PlaygroundServer, lack: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "discord")
    playground.discord.message_content = lack != "intent"
    playground.gateway.refusing = lack == "connection"
    endpoints = Endpoints(playground.api_url, playground.gateway_url)
    findings = await examine("wrong" if lack == "token" else playground.token, endpoints=endpoints)
    assert (findings[-1].subject, findings[-1].is_fine, bool(findings[-1].mend)) == (lack, False, True)


async def test_without_the_permission_to_read_the_history_a_read_fails_instead_of_finding_nothing(
    bot: Bot, playground: PlaygroundServer
) -> None:
    tavern = playground.discord.find_channel("tavern").id
    playground.say("tavern", "Robin", "Is anybody here?")
    await bot.next(MessageSeen)
    playground.permit("READ_MESSAGE_HISTORY", False)
    playground.say("tavern", "Robin", "And now?")  # comes after the change of roles
    await bot.next(MessageSeen)
    refused = await bot.adapter.channel.messages(tavern, after=0)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.final, refused.needs) == ("forbidden", True, "Read Message History")


async def test_the_files_under_a_message_are_named_with_their_address_and_size(
    bot: Bot, playground: PlaygroundServer
) -> None:
    said = playground.say("tavern", "Robin", "!lore import")
    first = (await bot.next(MessageSeen)).message
    assert first.attachments == ()
    url = "https://cdn.discordapp.com/attachments/8/9/coast.json?ex=1"
    file = {"id": "9", "filename": "coast.json", "size": 12, "url": url, "proxy_url": url}
    robin = {"id": str(first.author_id), "username": "Robin", "discriminator": "0", "avatar": None}
    message = {"id": "77", "channel_id": str(said.channel_id), "type": 0, "content": "x", "author": robin}
    rest: dict[str, object] = {"timestamp": "2025-01-01T00:00:00+00:00", "edited_timestamp": None, "embeds": []}
    lists = {"mentions": [], "mention_roles": [], "mention_everyone": False, "pinned": False, "tts": False}
    playground.gateway.dispatch("MESSAGE_CREATE", message | rest | lists | {"attachments": [file]})
    seen = (await bot.next(MessageSeen)).message
    assert seen.attachments == (Attachment("coast.json", url, 12),)
