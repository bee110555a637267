"""What people are called in a server: learnt from the gateway's messages, asked for where only REST was read.

    gateway message (with `member`) ─► learnt ─┐
    message read over REST (without) ──────────┴─► known? ─► its name
                                                     └ no ─► GET …/members/{id}, once ─► its name, or the account's

Failure modes: none that is the message's. A request that fails leaves the last name known, else the account's, and for
PAUSE_S nobody is asked for; a person who has left has the account's name.
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
"""About 2 MB; beyond it, the one that was learnt longest ago is forgotten."""

AGE_MAX_S: Final = 600.0
"""Nobody tells us of a new nickname before its owner writes again: for so long the last one is taken for it."""

WAIT_S: Final = 3.0
PAUSE_S: Final = 60.0
"""A catch-up waits so long for a name, and after one in vain for none in so long."""

NOT_FOUND: Final = 404
"""The person has left the server (10007)."""


@dataclass(frozen=True, slots=True)
class _Learnt:
    """None: the account's own name."""

    name: str | None
    at: float


class Nicknames:
    """The names of (server, person), those learnt last at the end."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._learnt: dict[tuple[int, int], _Learnt] = {}
        self._paused_until = 0.0

    def learn_from(self, message: discord.Message) -> None:
        """Take the author's name from a message of the gateway, if it says it."""
        author, guild = message.author, message.guild  # none of which the gateway has not told yet
        if isinstance(author, discord.Member) and guild is not None and not author.bot and message.webhook_id is None:
            self._learn(guild.id, author.id, author.display_name)

    async def find(self, guild_id: int, user_id: int) -> str | None:
        """The person's name in this server; None where that is the account's own, or nobody knows."""
        now = self._wire.now()
        known = self._learnt.get((guild_id, user_id))
        if known is not None and known.at + AGE_MAX_S > now:
            return known.name
        if self._paused_until <= now:
            asked = await self._ask(guild_id, user_id)
            match asked:
                case _Learnt(name=name):
                    self._learn(guild_id, user_id, name)
                    return name
                case HeldBack(until=until):
                    self._paused_until = until
                case _:
                    self._paused_until = now + max(PAUSE_S, asked.retry_after_s)
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
