"""Finds out whether a person has *Manage Messages*, where no event said it: for commands that were read after a gap.

    GET …/members/{id} ─► the member's roles ─► the cached channel's permissions

Failure modes: if the request fails, or no cache has the channel, the person counts as no moderator.
"""

from __future__ import annotations

from typing import Any, Final

import anyio
import discord

from actors.adapters.discord.outcomes import Refusal
from actors.adapters.discord.places import Place
from actors.adapters.discord.wire import Wire
from actors.ports import HeldBack, Refused, Unconfirmed

WAIT_S: Final = 3.0
"""How long a command waits for the answer."""

AGE_MAX_S: Final = 10.0
KNOWN_MAX: Final = 1_000
"""How long an answer is used, and how many are kept: a gap may hold many commands of one person."""


class Members:
    """Asks for members of servers."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._known: dict[tuple[int, int], tuple[bool, float]] = {}  # by (channel, person): the answer, and its time

    async def moderates(self, place: Place, user_id: int) -> bool:
        """Return whether the person has *Manage Messages* in this place."""
        key, now = (place.home_id, user_id), self._wire.now()
        known = self._known.get(key)
        if known is None or known[1] + AGE_MAX_S < now:
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            known = self._known[key] = await self._ask(place, user_id), now
        return known[0]

    async def _ask(self, place: Place, user_id: int) -> bool:
        channel = self._channel(place)
        if channel is None:
            return False
        asked: Any | Refusal = Unconfirmed("timeout")
        with anyio.move_on_after(WAIT_S):
            asked = await self._wire.attempt(
                f"member:{channel.guild.id}", lambda client: client.http.get_member(channel.guild.id, user_id)
            )
        if isinstance(asked, Refused | Unconfirmed | HeldBack):
            return False
        member = discord.Member(data=asked, guild=channel.guild, state=channel.guild._state)
        return channel.permissions_for(member).manage_messages

    def _channel(self, place: Place) -> discord.abc.GuildChannel | None:
        """The place's channel, or that of its thread, from a cache."""
        for client in self._wire.clients:
            channel = client.get_channel(place.home_id)
            if isinstance(channel, discord.abc.GuildChannel):
                return channel
        return None
