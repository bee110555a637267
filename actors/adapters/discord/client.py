"""Runs one shard's connection: a discord.py client that passes events to a sink at once and in order.

    login ─► (REST works) ─► connect ─► READY ─► events … ─► lost ─► resumed / given up

discord.py runs `on_x` coroutines as tasks, which may overtake each other. `dispatch` is called in the order
of arrival, so the events are read there.

Failure modes of `run_once`, each of which ends this client (a supervisor makes a new one): `WrongToken` and
`IntentsMissing` need a person; `GatewayLost` follows a failed login, a failed first connection, a close
code that allows no reconnection, or a reconnection that does not succeed in time. A dispatch that is not as Discord
documents it is logged and skipped.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import aiohttp
import anyio
import discord

from actors.adapters.discord.debugging import Debugging
from actors.adapters.discord.endpoints import find_gateway, place_of
from actors.adapters.discord.heartbeats import measure_heartbeats
from actors.adapters.discord.incoming import Ourselves, channel_message
from actors.adapters.discord.interactions import Interactions, missing_asked, pressed
from actors.adapters.discord.needs import intents
from actors.adapters.discord.nicknames import Nicknames
from actors.adapters.discord.nulls import accept_nulls, dispatched
from actors.adapters.discord.one_attempt import Stopped, one_attempt, unpaced
from actors.adapters.discord.outcomes import MALFORMED
from actors.adapters.discord.standby import Standby
from actors.ports import (
    ButtonPressed,
    ChannelGone,
    ChannelOpened,
    ConnectionLost,
    GatewayEvent,
    MessageDeleted,
    MessageEdited,
    MessageSeen,
    MissingAsked,
    PersonTyping,
    ShardConnecting,
    ShardDown,
    ShardEnded,
    ShardReady,
    ShardResumed,
    Sink,
)

LOGIN_TIMEOUT_S: Final = 30.0
RECONNECT_MAX_S: Final = 180.0
"""discord.py's own back-off grows to 17 minutes; by then Discord has dropped the session."""
IDENTIFY_INTERVAL_S: Final = 5.0
"""https://discord.com/developers/docs/events/gateway#rate-limiting (max_concurrency 1)"""
CLOSE_TIMEOUT_S: Final = 5.0
AUTHENTICATION_FAILED: Final = 4004
"""https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes"""

log: Final = logging.getLogger("ensemble.discord")

# The bot uses no voice channels, so discord.py's warnings about missing voice libraries are turned off.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False


class WrongToken(Exception):
    """Discord refused the token."""

    def __init__(self) -> None:
        super().__init__("Discord refuses DISCORD_TOKEN: copy it again from the Developer Portal, Bot, Reset Token")


class IntentsMissing(Exception):
    """The application lacks the Message Content intent."""

    def __init__(self) -> None:
        super().__init__(
            "Discord refuses the Message Content intent: turn it on in the Developer Portal, Bot, Privileged Intents"
        )


class GatewayLost(ConnectionLost):
    """Discord cannot be reached: its gateway or, at the login, its REST API."""


def out_of_reach(error: Exception) -> GatewayLost:
    """Translate one of OUT_OF_REACH into a GatewayLost that names the cause and the address."""
    status = getattr(error, "status", None)
    why = f"HTTP {status}" if status else type(error).__name__
    where, mend = place_of(error)
    return GatewayLost(f"Discord is out of reach at {where} ({why}): {mend}")


OUT_OF_REACH: Final = (Stopped, discord.HTTPException, discord.GatewayNotFound, aiohttp.ClientError, OSError)


class IdentifyTurns:
    """Makes the shards of one token identify one after the other."""

    def __init__(self, interval_s: float = IDENTIFY_INTERVAL_S) -> None:
        self._interval_s = interval_s
        self._lock = anyio.Lock()
        self._next_at = 0.0

    async def wait_turn(self) -> None:
        """Wait until `interval_s` has passed since the last IDENTIFY."""
        async with self._lock:
            await anyio.sleep_until(self._next_at)
            self._next_at = anyio.current_time() + self._interval_s


class GatewayClient(discord.Client):
    """One connection, from `run_once` to its end; the next connection needs a new client."""

    def __init__(
        self,
        *,
        shard_id: int,
        shard_count: int,
        sink: Sink,
        ourselves: Ourselves,
        on_login: Callable[[GatewayClient], None],
        turns: IdentifyTurns,
        interactions: Interactions | None = None,
        debugging: Debugging | None = None,
        nicknames: Nicknames | None = None,
        on_webhooks_changed: Callable[[int], None] = lambda channel_id: None,
        asks_for_gateway: bool = False,
        guild_ready_timeout_s: float = 2.0,
        reconnect_max_s: float = RECONNECT_MAX_S,
        standby: Standby | None = None,
    ) -> None:
        super().__init__(
            intents=intents(),
            shard_id=shard_id,
            shard_count=shard_count,
            http_trace=one_attempt(),
            guild_ready_timeout=guild_ready_timeout_s,
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
        )
        self._shard = shard_id
        self._sink = sink
        self._ourselves = ourselves
        self._interactions = interactions
        self._debugging = debugging
        self._nicknames = nicknames
        self._tree = None if debugging is None else debugging.tree_for(self)
        self._asks_for_gateway = asks_for_gateway
        self._on_login = on_login
        self._on_webhooks_changed = on_webhooks_changed
        self._turns = turns
        self._reconnect_max_s = reconnect_max_s
        self._standby = standby
        self._patience = anyio.CancelScope()
        self._was_connected = False
        self._was_ready = False  # ShardReady was sent
        self._is_up = False  # and the connection has not broken since
        self._queued: list[GatewayEvent] | None = None
        self.http.get_ratelimit = unpaced  # type: ignore[method-assign]
        accept_nulls(self)
        measure_heartbeats()
        parsers = self._connection.parsers
        parsers.update({name: self._contained(name, parse) for name, parse in parsers.items()})

    async def run_once(self, token: str) -> None:
        """Log in, connect, and serve until the connection is finally lost or the task is cancelled."""
        self._sink(ShardConnecting(self._shard))
        try:
            with anyio.fail_after(LOGIN_TIMEOUT_S):
                await self.login(token)
            await self._stay_connected()
        except discord.LoginFailure as error:
            raise WrongToken from error
        except discord.PrivilegedIntentsRequired as error:
            raise IntentsMissing from error
        except discord.ConnectionClosed as error:
            if error.code == AUTHENTICATION_FAILED:
                raise WrongToken from error
            raise GatewayLost(f"the gateway closed with {error.code}") from error
        except OUT_OF_REACH as error:
            raise out_of_reach(error) from error
        finally:
            self._wait_for_no_guilds()
            self._note_down()
            self._sink(ShardEnded(self._shard))
            with anyio.move_on_after(CLOSE_TIMEOUT_S, shield=True):
                await self.close()

    def heartbeat(self) -> tuple[float, float] | None:
        """Return (latency of the last answered heartbeat, time since its answer) in seconds; None before the first.

        The time of the answer is private in discord.py, by the clock `time.perf_counter`.
        """
        socket: discord.gateway.DiscordWebSocket | None = self.ws
        keeper = None if socket is None else socket._keep_alive
        if keeper is None or not math.isfinite(keeper.latency):
            return None
        return keeper.latency, time.perf_counter() - keeper._last_ack

    async def setup_hook(self) -> None:
        """Called by discord.py after the login."""
        self._ourselves.learn(self)
        if self._asks_for_gateway:
            await find_gateway(self)
        self._on_login(self)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Called by discord.py before each IDENTIFY; the default does not coordinate shards."""
        await self._turns.wait_turn()

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Called by discord.py in its own task: Discord's limit of three seconds allows no wait in a mailbox."""
        # Without `Interactions` (`doctor`), the running bot answers: Discord sends it the same event.
        if self._interactions is not None and _to_answer(interaction, self._ourselves) is not None:
            await self._interactions.defer(interaction)

    async def on_ready(self) -> None:
        """Called by discord.py in its own task, concurrently with everything else that follows READY."""
        if self._debugging is not None and self._tree is not None:
            await self._debugging.register(self._tree)

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - discord.py's own
        """Pass on the event in the order of arrival, before discord.py makes a task for it."""
        for happened in self._events(event, args):
            if self._queued is None:
                self._sink(happened)
            else:
                self._queued.append(happened)
        super().dispatch(event, *args, **kwargs)

    async def _stay_connected(self) -> None:
        with self._patience:
            await self.connect()
            return
        raise GatewayLost("no connection to the gateway")

    def _contained(self, name: str, parse: Callable[[Any], None]) -> Callable[[Any], None]:
        """Wrap `parse` so that a malformed payload is logged and skipped; its events are sent after `parse` returns.

        They are queued so that an exception of the sink is never mistaken for a malformed payload.
        """

        def parse_contained(payload: Any) -> None:  # noqa: ANN401 - Discord's JSON
            if name == "INTERACTION_CREATE" and self._standby is not None and not self._standby.is_over:
                self._standby.keep_interaction(payload, parse_contained)
                return
            self._queued = []
            try:
                parse(dispatched(name, payload))
            except MALFORMED:
                log.exception("❌ shard %s: skipped an unreadable %s", self._shard, name)
            queued, self._queued = self._queued, None
            for event in queued:
                self._sink(event)

        return parse_contained

    def _events(self, event: str, args: tuple[Any, ...]) -> Iterable[GatewayEvent]:
        match event, args:
            case "message", (discord.Message() as message,):
                self._learn_name(message)
                seen = channel_message(message, self._ourselves)
                return () if seen is None else (MessageSeen(seen),)
            case "raw_message_edit", (discord.RawMessageUpdateEvent() as raw,):
                self._learn_name(raw.message)
                return _edited(raw, self._ourselves)
            case "raw_message_delete", (discord.RawMessageDeleteEvent() as raw,):
                return (MessageDeleted(raw.channel_id, raw.message_id),)
            case "raw_typing", (discord.RawTypingEvent() as raw,):
                is_own = self.user is not None and raw.user_id == self.user.id
                return () if is_own else (PersonTyping(raw.channel_id, raw.user_id),)
            case "raw_bulk_message_delete", (discord.RawBulkMessageDeleteEvent() as raw,):
                return [MessageDeleted(raw.channel_id, message_id) for message_id in sorted(raw.message_ids)]
            case "interaction", (discord.Interaction() as interaction,):
                asked = _to_answer(interaction, self._ourselves)
                return () if asked is None else (asked,)
            case "webhooks_update", (discord.abc.GuildChannel() as channel,):
                self._on_webhooks_changed(channel.id)
                return ()
            case "guild_channel_delete", (discord.abc.GuildChannel() as channel,):
                return (ChannelGone(channel.id),)
            case "raw_thread_delete", (discord.RawThreadDeleteEvent() as raw,):
                return (ChannelGone(raw.thread_id),)
            case "raw_thread_update", (discord.RawThreadUpdateEvent() as raw,):
                return _opened(raw)
            case "guild_remove", (discord.Guild() as guild,):
                return [ChannelGone(place.id) for place in (*guild.channels, *guild.threads)]
            case _:
                return self._connection_events(event)

    def _connection_events(self, event: str) -> Iterable[GatewayEvent]:
        match event:
            case "connect":  # READY has arrived; its guilds have not
                self._note_connected()
            case "ready":
                self._is_up = self._was_ready = True
                return (ShardReady(self._shard, str(self.user), _channel_count(self)),)
            case "resumed":
                self._note_connected()
                # A connection that broke before its guilds arrived was never up: discord.py dispatches "ready" when
                # they have arrived, even while the connection is broken.
                if self._was_ready and not self._is_up:
                    self._is_up = True
                    return (ShardResumed(self._shard),)
            case "disconnect":
                self._patience.deadline = anyio.current_time() + (self._reconnect_max_s if self._was_connected else 0.0)
                self._note_down()
        return ()

    def _learn_name(self, message: discord.Message) -> None:
        if self._nicknames is not None:
            self._nicknames.learn_from(message)

    def _note_connected(self) -> None:
        self._patience.deadline = float("inf")
        self._was_connected = True

    def _wait_for_no_guilds(self) -> None:
        # discord.py's own task dispatches "ready" even if the client was closed meanwhile.
        waiting = self._connection._ready_task
        if waiting is not None:
            waiting.cancel()

    def _note_down(self) -> None:
        if self._is_up:
            self._is_up = False
            self._sink(ShardDown(self._shard))


def _to_answer(interaction: discord.Interaction, ourselves: Ourselves) -> ButtonPressed | MissingAsked | None:
    """Read an interaction that is deferred at once and answered from the outbox; commands answer the others."""
    return pressed(interaction, ourselves) or missing_asked(interaction, ourselves)


def _edited(raw: discord.RawMessageUpdateEvent, ourselves: Ourselves) -> Iterable[GatewayEvent]:
    # Discord also sends an update when it adds a link's preview; the message was not edited then.
    if raw.message.edited_at is None:
        return ()
    seen = channel_message(raw.message, ourselves)
    return () if seen is None else (MessageEdited(seen),)


def _opened(raw: discord.RawThreadUpdateEvent) -> Iterable[GatewayEvent]:
    # Discord does not say which property was changed.
    state = raw.data["thread_metadata"]
    is_closed = state.get("archived", False) or state.get("locked", False)
    return () if is_closed else (ChannelOpened(raw.thread_id),)


def _channel_count(client: discord.Client) -> int:
    return sum(len(guild.text_channels) for guild in client.guilds)
