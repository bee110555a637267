"""Finds the type of a channel by its id, and the bot's permissions there, from caches where possible.

Webhooks belong to channels; threads use their parent's. The server of a place is stored permanently: if a later READY
does not list that server, the bot was removed from it, and all places in it are gone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import discord

from actors.adapters.discord.needs import Act, lacking, needed_for
from actors.adapters.discord.outcomes import Refusal
from actors.adapters.discord.wire import Wire
from actors.ports import Learnt, Refused

PLACES_MAX: Final = 50_000
"""About 5 MB; above it, all places are forgotten and found again."""
CHANNELS: Final = (discord.abc.GuildChannel, discord.Thread, discord.abc.PrivateChannel)
EXPLAINED: Final = ("forbidden", "channel_gone")
"""Reasons that may have another cause than Discord's code says."""
LEFT: Final = Refused("channel_gone", final=True, words="the bot is no longer in this server")


@dataclass(frozen=True, slots=True)
class Place:
    """A channel, thread or DM. Only threads have a `parent_id`; a private place has no webhooks and no server."""

    channel_id: int
    parent_id: int | None = None
    is_private: bool = False
    guild_id: int | None = None

    @property
    def home_id(self) -> int:
        """The channel that owns the webhooks used here."""
        return self.channel_id if self.parent_id is None else self.parent_id

    @property
    def is_thread(self) -> bool:
        return self.parent_id is not None


class Places:
    """Finds places in memory, in the store, in the clients' caches, and only then with one GET."""

    def __init__(self, wire: Wire, table: Learnt | None = None) -> None:
        """Without a `table`, nothing is stored."""
        self._wire = wire
        self._table = table
        self._known: dict[int, Place] = {}

    async def find(self, channel_id: int) -> Place | Refusal:
        """Find the place. A refusal is that of the GET, or LEFT if the bot was removed from the server."""
        place = await self.met(channel_id)
        if place is not None:
            return LEFT if self._is_left(place) else place
        fetched = await self._wire.attempt(f"channel:{channel_id}", lambda client: _fetch(client, channel_id))
        if not isinstance(fetched, Place):
            return await self.explained(fetched, channel_id, Act.READ)
        return await self._met_first(fetched)

    async def met(self, channel_id: int) -> Place | None:
        """Find the place without a request; None if it is unknown."""
        place = self._known.get(channel_id) or await self._kept(channel_id)
        if place is None:
            place = self._cached(channel_id)
            return place and await self._met_first(place)
        self._remember(place)
        return place

    async def _kept(self, channel_id: int) -> Place | None:
        kept = None if self._table is None else await self._table.place(channel_id)
        return kept and Place(channel_id, kept[0], is_private=kept[1] is None, guild_id=kept[1])

    async def _met_first(self, place: Place) -> Place:
        if self._table is not None:
            await self._table.keep_place(place.channel_id, place.parent_id, place.guild_id)
        self._remember(place)
        return place

    async def explained(self, outcome: Refusal, channel_id: int, act: Act) -> Refusal:
        """Explain a refusal of `act`: the bot was removed, the server is unavailable, or a permission is missing."""
        if not isinstance(outcome, Refused) or outcome.reason not in EXPLAINED:
            return outcome
        place = await self.met(channel_id)
        if place is not None and self._is_left(place):
            return replace(LEFT, status=outcome.status, error=outcome.error, code=outcome.code)
        if place is not None and self._is_out(place):
            return replace(outcome, reason="outage", final=False)
        if outcome.reason == "channel_gone":
            return outcome
        return self._forbidden(outcome, place or Place(channel_id), act)

    def _forbidden(self, outcome: Refused, place: Place, act: Act) -> Refused:
        needs = lacking(act, self._permissions(place), outcome.code, in_thread=place.is_thread)
        return replace(outcome, needs=needs, words=f"{outcome.words or outcome.reason} (the bot lacks {needs})")

    def may(self, act: Act, place: Place) -> bool | None:
        """Whether the bot may do `act` there; None if no cache has the channel or the thread's parent."""
        if place.is_private:
            return True
        held = self._permissions(place)
        needed = needed_for(act, in_thread=place.is_thread)
        return None if held is None else all(getattr(held, name) for name in needed)

    def name(self, channel_id: int) -> str | None:
        """The channel's cached name; None if no cache has it."""
        for client in self._wire.clients:
            channel = client.get_channel(channel_id)
            if isinstance(channel, discord.abc.GuildChannel | discord.Thread):
                return channel.name
        return None

    def forget(self, channel_id: int) -> None:
        self._known.pop(channel_id, None)

    def _permissions(self, place: Place) -> discord.Permissions | None:
        """The cached permissions; in a thread, those of its parent apply."""
        for client in self._wire.clients:
            channel = client.get_channel(place.home_id)
            if isinstance(channel, discord.abc.GuildChannel):
                return permissions_in(channel, in_thread=place.is_thread)
        return None

    def _is_left(self, place: Place) -> bool:
        """Whether the server's shard is ready without listing the server: the bot was removed from it."""
        guild_id = place.guild_id
        if guild_id is None:
            return False
        ready = [client for client in self._wire.clients if client.is_ready() and _serves(client, guild_id)]
        return bool(ready) and all(client.get_guild(guild_id) is None for client in ready)

    def _is_out(self, place: Place) -> bool:
        """Whether Discord reported the place's server as temporarily unavailable."""
        guilds = (client.get_guild(place.guild_id or 0) for client in self._wire.clients)
        return any(guild is not None and guild.unavailable for guild in guilds)

    def _cached(self, channel_id: int) -> Place | None:
        for client in self._wire.clients:
            channel = client.get_channel(channel_id)
            if isinstance(channel, CHANNELS):
                return _place(channel)
        return None

    def _remember(self, place: Place) -> None:
        if len(self._known) >= PLACES_MAX:
            self._known.clear()
        self._known[place.channel_id] = place


def permissions_in(channel: discord.abc.GuildChannel, *, in_thread: bool = False) -> discord.Permissions:
    """The bot's permissions in a channel, or in its threads: there, *Send Messages* does not affect the others."""
    me = channel.guild.me
    return discord.abc.GuildChannel.permissions_for(channel, me) if in_thread else channel.permissions_for(me)


def _serves(client: discord.Client, guild_id: int) -> bool:
    """Whether this client's shard serves the server (https://discord.com/developers/docs/events/gateway#sharding).

    A client without a shard is not connected to a gateway and has no cached servers.
    """
    count = client.shard_count or 1
    return client.shard_id is not None and (guild_id >> 22) % count == client.shard_id


async def _fetch(client: discord.Client, channel_id: int) -> Place:
    return _place(await client.fetch_channel(channel_id))


def _place(channel: discord.abc.GuildChannel | discord.Thread | discord.abc.PrivateChannel) -> Place:
    if isinstance(channel, discord.abc.PrivateChannel):
        return Place(channel.id, is_private=True)
    parent_id = channel.parent_id if isinstance(channel, discord.Thread) else None
    return Place(channel.id, parent_id=parent_id, guild_id=channel.guild.id)
