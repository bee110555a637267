"""Catching up: what a channel shows since we heard it last is heard, and what people changed meanwhile is noted.

    gap ─► known (store) ─► read ─┬► amendments of what was known
                                  └► what is new, oldest first ─► the gateway's own handling of a message

Failure modes: a channel that cannot be read is tried again after 1, 2, 4 … 60 s, for ever; one that never can be is
reported. Where too much was said to be held at once, it is heard page by page, and nothing is amended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Final

import anyio

from actors.backoff import waits
from actors.delivery import CHANNEL_GONE
from actors.dropped import CatchUp
from actors.lost_channels import LostChannels
from actors.ports import HeldBack, Level, Noted, Page, Refused, Unconfirmed
from actors.reaper import WATCH_S
from actors.roleplay.audit import amendments
from actors.roleplay.model import ChannelMessage, KnownMessage, SessionId
from actors.world import World

TOO_MANY_MESSAGES: Final = "too_many_messages"
"""The reason with which a Channel refuses to read on and on."""

READS_AT_ONCE: Final = 50
"""Channels that are read at the same moment: all that Discord allows in a second (its reference, "Global Rate
Limit"); after a READY every open session's channel is to be read."""

AMEND_LOOKBACK: Final = 80
"""Newest messages of a history that a catch-up compares with the channel. With what else stands between them
they are one page of Discord's 100: no request more than hearing what was missed."""

Nudge = Callable[[SessionId], Awaitable[None]]
Hear = Callable[[ChannelMessage], Awaitable[None]]


class CatchUps:
    """Reads channels for their gaps. `waiting` names the messages of a channel that were seen and not heard yet."""

    def __init__(
        self,
        world: World,
        *,
        hear: Hear,
        waiting: Callable[[int], Iterable[ChannelMessage]],
        end: Callable[[int], Awaitable[None]],
        nudge: Nudge,
    ) -> None:
        self._world = world
        self._hear = hear
        self._waiting = waiting
        self._end = end
        self._nudge = nudge
        self._lost = LostChannels(world)
        self._reading = anyio.Semaphore(READS_AT_ONCE)

    async def gaps(self) -> tuple[CatchUp, ...]:
        """What is to be read after a READY: the channel of each open session, and those where copies may turn up."""
        since = self._world.clock.now() - WATCH_S
        gaps: dict[int, CatchUp] = {}
        for each in await self._world.store.open_sessions(since=since, lookback=AMEND_LOOKBACK):
            gap = CatchUp(each.channel_id, each.after, each.known_after, only_ours=each.session_id is None)
            gaps[each.channel_id] = gaps.get(each.channel_id, gap).widened(gap)
        return tuple(gaps.values())

    async def run(self, gap: CatchUp) -> None:
        """Handle what the channel shows since the gap, trying until it can be read or never will be."""
        world = self._world
        for wait_s in waits():
            async with self._reading:
                began = world.clock.now()
                known = await world.store.known_messages(gap.channel_id, after=gap.known_after)
                seen = await world.channel.messages(gap.channel_id, after=gap.known_after)
            if isinstance(seen, tuple):
                self._lost.readable(gap.channel_id)
                await self._amend(gap, known, seen, began)
                # Older than the last one heard as well: a process before us may have died between its two reads.
                handled = await world.store.handled_messages(gap.channel_id, after=gap.known_after)
                for message in self._with_waiting(gap, seen):
                    if message.id not in handled:
                        await self._hear(message)
                return
            if isinstance(seen, Refused) and seen.final:
                await self._cannot_read(gap, seen)
                return
            await self._wait(seen, wait_s)

    async def _run_by_pages(self, gap: CatchUp) -> None:
        """Hear what was missed, however much it is; too much to be held at once and compared."""
        unread: int | None = gap.after
        while unread is not None:
            page = await self._page(gap, unread)
            for message in self._with_waiting(gap, page.messages):
                await self._hear(message)
            unread = page.newest

    def _with_waiting(self, gap: CatchUp, seen: tuple[ChannelMessage, ...]) -> list[ChannelMessage]:
        """What was read, oldest first, and between it what we were told of and the read does not show yet.

        Else an `!end` that was read would overtake a line written before it. What waits is handled again in its
        turn, which is harmless.
        """
        newest = max((message.id for message in seen), default=0)
        found = {message.id: message for message in self._waiting(gap.channel_id) if message.id < newest}
        found |= {message.id: message for message in seen}
        wanted = (message for message in found.values() if message.is_ours or not gap.only_ours)
        return sorted(wanted, key=lambda message: message.id)

    async def _page(self, gap: CatchUp, after: int) -> Page:
        """Read on, trying until the channel can be read; an empty page where it never will be."""
        for wait_s in waits():
            async with self._reading:
                page = await self._world.channel.page(gap.channel_id, after=after)
            if isinstance(page, Page):
                return page
            if isinstance(page, Refused) and page.final:
                await self._cannot_read(gap, page)
                break
            await self._wait(page, wait_s)
        return Page((), newest=None)

    async def _wait(self, unread: Refused | Unconfirmed | HeldBack, wait_s: float) -> None:
        if isinstance(unread, HeldBack):
            await self._world.clock.sleep_until(unread.until)
        else:
            await anyio.sleep(max(wait_s, unread.retry_after_s))

    async def _amend(
        self, gap: CatchUp, known: tuple[KnownMessage, ...], seen: tuple[ChannelMessage, ...], began: float
    ) -> None:
        """Note what people changed during the gap: a response may have lost its reason by it.

        A read may not show yet what has just been written; what was learnt too shortly before is left to the
        second read.
        """
        world = self._world
        settled = [each for each in known if each.at < began - world.rules.limits.settle_s]
        learnt = amendments(settled, seen, prefix=world.rules.command_prefix)
        if learnt:
            for session_id in await world.store.amend_all(gap.channel_id, learnt, at=world.clock.now()):
                await self._nudge(session_id)

    async def _cannot_read(self, gap: CatchUp, refused: Refused) -> None:
        if refused.reason == CHANNEL_GONE:
            await self._end(gap.channel_id)
        elif refused.reason == TOO_MANY_MESSAGES and gap.known_after < gap.after:
            # Much was said there that is no part of the play; hearing what was missed goes before.
            self._note("warning", gap.channel_id, "too much was said to look for edits and deletions: see `audit`.")
            await self.run(replace(gap, known_after=gap.after))
        elif refused.reason == TOO_MANY_MESSAGES:
            await self._run_by_pages(gap)
        else:
            self._lost.unreadable(gap.channel_id, refused)

    def _note(self, level: Level, channel_id: int, words: str, error: BaseException | None = None) -> None:
        self._world.trace.publish(Noted(level, f"Channel {channel_id}: {words}", error=error))
