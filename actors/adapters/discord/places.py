"""What kind of place a channel id names: webhooks belong to channels, threads borrow their parent's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import discord

from actors.adapters.discord.outcomes import Refusal
from actors.adapters.discord.wire import Wire

PLACES_MAX: Final = 50_000
"""About 5 MB; beyond it, what was learnt is learnt again."""
CHANNELS: Final = (discord.abc.GuildChannel, discord.Thread, discord.abc.PrivateChannel)


@dataclass(frozen=True, slots=True)
class Place:
    """`parent_id` is that of a thread; a private place has no webhooks and no server."""

    channel_id: int
    parent_id: int | None = None
    is_private: bool = False
    guild_id: int | None = None

    @property
    def home_id(self) -> int:
        """The channel that has the webhooks."""
        return self.channel_id if self.parent_id is None else self.parent_id


class Places:
    """Learns places from the clients' caches, and where these know nothing, with one GET."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._known: dict[int, Place] = {}

    async def find(self, channel_id: int) -> Place | Refusal:
        """The place; a refusal is that of its GET."""
        place = self._known.get(channel_id) or self._cached(channel_id)
        if place is not None:
            return self._keep(place)
        fetched = await self._wire.attempt(f"channel:{channel_id}", lambda client: _fetch(client, channel_id))
        return self._keep(fetched) if isinstance(fetched, Place) else fetched

    def may_read_history(self, place: Place) -> bool | None:
        """Whether a read there shows what there is; None where no cache knows the channel, nor a thread's parent."""
        if place.is_private:
            return True
        held = self._permissions(place)
        return None if held is None else held.view_channel and held.read_message_history

    def may_make_webhooks(self, place: Place) -> bool | None:
        """Whether we may have webhooks there; None where no cache knows the channel, nor a thread's parent."""
        held = self._permissions(place)
        return None if held is None else held.manage_webhooks

    def _permissions(self, place: Place) -> discord.Permissions | None:
        for client in self._wire.clients:
            channel = client.get_channel(place.channel_id) or client.get_channel(place.home_id)
            if isinstance(channel, discord.abc.GuildChannel | discord.Thread):
                return channel.permissions_for(channel.guild.me)
        return None

    def name(self, channel_id: int) -> str | None:
        """As a cache knows it now; nobody is asked."""
        for client in self._wire.clients:
            channel = client.get_channel(channel_id)
            if isinstance(channel, discord.abc.GuildChannel | discord.Thread):
                return channel.name
        return None

    def forget(self, channel_id: int) -> None:
        self._known.pop(channel_id, None)

    def _cached(self, channel_id: int) -> Place | None:
        for client in self._wire.clients:
            channel = client.get_channel(channel_id)
            if isinstance(channel, CHANNELS):
                return _place(channel)
        return None

    def _keep(self, place: Place) -> Place:
        if len(self._known) >= PLACES_MAX:
            self._known.clear()
        self._known[place.channel_id] = place
        return place


async def _fetch(client: discord.Client, channel_id: int) -> Place:
    return _place(await client.fetch_channel(channel_id))


def _place(channel: discord.abc.GuildChannel | discord.Thread | discord.abc.PrivateChannel) -> Place:
    if isinstance(channel, discord.abc.PrivateChannel):
        return Place(channel.id, is_private=True)
    parent_id = channel.parent_id if isinstance(channel, discord.Thread) else None
    return Place(channel.id, parent_id=parent_id, guild_id=channel.guild.id)
