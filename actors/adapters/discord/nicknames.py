"""Finds people's names in a server: learnt from the gateway's messages, requested for messages read over REST.

    gateway message (with `member`) ─► learnt ─┐
    message read over REST (without) ──────────┴─► known? ─► its name
                                                     └ no ─► GET …/members/{id}, once ─► its name, or the account's

Failure modes: none affects the message. If a request fails, the last known name is used, else the account's, and no
name is requested for HOLD_S; a person who has left the server has the account's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import anyio
import discord

from actors.adapters.discord.outcomes import Refusal
from actors.adapters.discord.wire import Wire
from actors.ports import HeldBack, Refused, Unconfirmed

NAMES_MAX: Final = 10_000
"""About 2 MB; above it, the name learnt longest ago is dropped."""

AGE_MAX_S: Final = 600.0
"""How long a name is valid: a new nickname is not reported until its owner writes again."""

WAIT_S: Final = 3.0
HOLD_S: Final = 60.0
"""A catch-up waits WAIT_S for a name; after a failed request, no name is requested for HOLD_S."""

NOT_FOUND: Final = 404
"""The person has left the server (10007)."""


@dataclass(frozen=True, slots=True)
class _Learnt:
    """A learnt name; None: the person has no nickname, so the account's name applies."""

    name: str | None
    at: float


class Nicknames:
    """The names by (server, person), most recently learnt last."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._learnt: dict[tuple[int, int], _Learnt] = {}
        self._held_until = 0.0

    def learn_from(self, message: discord.Message) -> None:
        """Learn the author's name from a message of the gateway, if it has one."""
        author, guild = message.author, message.guild  # no guild: the gateway has not sent it yet
        if isinstance(author, discord.Member) and guild is not None and not author.bot and message.webhook_id is None:
            self._learn(guild.id, author.id, author.display_name)

    async def find(self, guild_id: int, user_id: int) -> str | None:
        """Return the person's name in this server; None if it is the account's own, or unknown."""
        now = self._wire.now()
        known = self._learnt.get((guild_id, user_id))
        if known is not None and known.at + AGE_MAX_S > now:
            return known.name
        if self._held_until <= now:
            asked = await self._ask(guild_id, user_id)
            match asked:
                case _Learnt(name=name):
                    self._learn(guild_id, user_id, name)
                    return name
                case HeldBack(until=until):
                    self._held_until = until
                case _:
                    self._held_until = now + max(HOLD_S, asked.retry_after_s)
        return None if known is None else known.name

    async def _ask(self, guild_id: int, user_id: int) -> _Learnt | Refusal:
        member: Any | Refusal = Unconfirmed("timeout")
        with anyio.move_on_after(WAIT_S):
            member = await self._wire.attempt(
                f"member:{guild_id}", lambda client: client.http.get_member(guild_id, user_id)
            )
        match member:
            case Refused(status=status) if status == NOT_FOUND:
                return _Learnt(None, self._wire.now())
            case Refused() | Unconfirmed() | HeldBack():
                return member
            case _:
                return _Learnt(member.get("nick") or None, self._wire.now())

    def _learn(self, guild_id: int, user_id: int, name: str | None) -> None:
        key = (guild_id, user_id)
        if self._learnt.pop(key, None) is None and len(self._learnt) >= NAMES_MAX:
            del self._learnt[next(iter(self._learnt))]
        self._learnt[key] = _Learnt(name, self._wire.now())
