"""Gives the actors their ports to Discord: a voice, the channels, and one connection per shard.

    gateway ─► GatewayClient ─► sink            voice, channel ─► Wire ─► any client that is logged in

The voice and the channels outlive the clients: after a crash they use the next client. While none is logged in,
every request is held for a few seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final

from actors.adapters.discord.budgets import channel_of
from actors.adapters.discord.channel import DiscordChannel
from actors.adapters.discord.client import (
    IDENTIFY_INTERVAL_S,
    RECONNECT_MAX_S,
    GatewayClient,
    GatewayLost,
    IdentifyTurns,
)
from actors.adapters.discord.debugging import Debugging
from actors.adapters.discord.endpoints import DISCORD, Endpoints
from actors.adapters.discord.incoming import Ourselves
from actors.adapters.discord.interactions import Interactions
from actors.adapters.discord.nicknames import Nicknames
from actors.adapters.discord.one_attempt import Stopped
from actors.adapters.discord.places import Places
from actors.adapters.discord.standby import Standby
from actors.adapters.discord.voice import DiscordVoice, Preference
from actors.adapters.discord.wire import Wire
from actors.observation import Budget, Debugger, ShardView
from actors.ports import (
    AdapterTables,
    Channel,
    ChannelGone,
    GatewayEvent,
    Replies,
    ShardDown,
    ShardReady,
    ShardResumed,
    Sink,
    Voice,
)

SEND_TIMEOUT_S: Final = 15.0
LOGIN: Final = "login"
"""The bucket of a client's requests during its login."""


class DiscordAdapter:
    """One per process; `run` is called once per shard and connection."""

    voice: Voice
    channel: Channel
    replies: Replies

    def __init__(
        self,
        *,
        token: str,
        webhooks: AdapterTables,
        sink: Sink,
        now: Callable[[], float],
        shard_ids: tuple[int, ...] = (0,),
        shard_count: int = 1,
        send_timeout_s: float = SEND_TIMEOUT_S,
        preference: Preference = "webhook",
        debugger: Debugger | None = None,
        developers: Collection[int] = (),
        endpoints: Endpoints = DISCORD,
        guild_ready_timeout_s: float = 2.0,
        identify_interval_s: float = IDENTIFY_INTERVAL_S,
        reconnect_max_s: float = RECONNECT_MAX_S,
        is_standby: bool = False,
    ) -> None:
        """Direct the process to `endpoints`. `now` returns seconds since 1970.

        On standby, it connects and keeps all events until `go_live`.

        With a `debugger`, its commands are registered with Discord; owners and `developers` may use them.

        A server of our own needs no wait for its guilds (`guild_ready_timeout_s`) and none between connections
        (`identify_interval_s`).
        """
        endpoints.apply()
        self.shard_ids = shard_ids
        self._token = token
        self._sink = sink
        self._shard_count = shard_count
        self._endpoints = endpoints
        self._guild_ready_timeout_s = guild_ready_timeout_s
        self._reconnect_max_s = reconnect_max_s
        self._turns = IdentifyTurns(identify_interval_s)
        self._ourselves = Ourselves()
        self._now = now
        self._shards = {shard_id: ShardView(shard_id) for shard_id in shard_ids}
        self._clients: dict[int, GatewayClient] = {}
        self._wire = Wire(now=now, try_timeout_s=send_timeout_s)
        self._places = Places(self._wire, webhooks)
        self.replies = self._interactions = Interactions(self._wire)
        self._nicknames = Nicknames(self._wire)
        self._standby = Standby(shard_ids) if is_standby else None
        self._debugging: Debugging | None = None
        if debugger is not None:
            self._debugging = Debugging(
                self._wire, self._places, self._interactions, self._ourselves, debugger=debugger, developers=developers
            )
        self.voice = voice = DiscordVoice(self._wire, self._places, webhooks, self._ourselves, preference=preference)
        self._homes = voice.homes
        self.channel = DiscordChannel(
            self._wire,
            self._places,
            webhooks,
            self._ourselves,
            nicknames=self._nicknames,
            fills_pages=endpoints.is_discord,
        )

    async def run(self, shard_id: int = 0) -> None:
        """Run one connection of one shard, from login to its end; each call makes a new connection.

        Raises WrongToken or IntentsMissing if a person must act; after any other exception, retry with a pause. A 429
        at the login closes its bucket, and the next login waits until it opens: further ones would prolong a ban.
        """
        await self._wire.wait_until_open(LOGIN)
        client = GatewayClient(
            shard_id=shard_id,
            shard_count=self._shard_count,
            sink=self._take,
            ourselves=self._ourselves,
            interactions=self._interactions,
            debugging=self._debugging,
            nicknames=self._nicknames,
            on_login=self._wire.add,
            on_webhooks_changed=self._homes.note_change,
            turns=self._turns,
            asks_for_gateway=self._endpoints.asks_for_gateway,
            guild_ready_timeout_s=self._guild_ready_timeout_s,
            reconnect_max_s=self._reconnect_max_s,
            standby=self._standby,
        )
        self._clients[shard_id] = client
        try:
            await client.run_once(self._token)
        except GatewayLost as error:
            if isinstance(error.__cause__, Stopped):
                self._wire.note_limit(error.__cause__, LOGIN)
            raise
        finally:
            del self._clients[shard_id]
            self._wire.remove(client)

    async def wait_connected(self) -> None:
        """Wait until every shard was ready. Returns at once if it is not on standby."""
        if self._standby is not None:
            await self._standby.connected.wait()

    def go_live(self) -> None:
        """Pass the events kept on standby to the sink, in order; later events go there directly."""
        if self._standby is not None:
            self._standby.end(self._sink)

    def budgets(self) -> tuple[Budget, ...]:
        """Discord's rate limits as last reported."""
        return tuple(replace(each, channel=self._name_of(channel_of(each.name))) for each in self._wire.budgets())

    def channel_name(self, channel_id: int) -> str | None:
        """The name of a channel or thread, if the gateway reported it; DMs have none."""
        return self._places.name(channel_id)

    def _name_of(self, channel_id: int | None) -> str | None:
        return None if channel_id is None else self._places.name(channel_id)

    def shards(self) -> tuple[ShardView, ...]:
        """The status of each shard's connection."""
        return tuple(self._seen(shard) for shard in self._shards.values())

    def _seen(self, shard: ShardView) -> ShardView:
        heartbeat = self._clients[shard.shard_id].heartbeat() if shard.shard_id in self._clients else None
        if heartbeat is None:
            return shard
        latency_s, ago_s = heartbeat
        return replace(shard, latency_s=latency_s, acked_at=self._now() - ago_s)

    def _count(self, event: GatewayEvent) -> None:
        match event:
            case ShardReady(shard_id=shard_id):
                self._shards[shard_id] = replace(self._shards[shard_id], sessions=self._shards[shard_id].sessions + 1)
            case ShardResumed(shard_id=shard_id):
                self._shards[shard_id] = replace(self._shards[shard_id], resumes=self._shards[shard_id].resumes + 1)
            case ShardDown(shard_id=shard_id):
                self._shards[shard_id] = replace(self._shards[shard_id], losses=self._shards[shard_id].losses + 1)
            case _:
                return

    def _take(self, event: GatewayEvent) -> None:
        self._count(event)
        if isinstance(event, ChannelGone):
            self._places.forget(event.channel_id)
        if isinstance(event, ShardReady):
            self._homes.note_gap()
        if self._standby is None or self._standby.is_over:
            self._sink(event)
        else:
            self._standby.keep(event)
