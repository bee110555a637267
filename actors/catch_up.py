"""Catches up on a channel: handles the messages missed since the last one, and records edits and deletions.

    gap ─► known (store) ─► read ─┬► amendments of known messages
                                  └► new messages, oldest first ─► the gateway's own handling of a message

Failure modes: a channel that cannot be read is tried again after 1, 2, 4 … 60 s, without end; one that Discord refuses
for good is reported. If there are too many messages to hold at once, they are handled page by page, without amendments.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Final

import anyio

from actors.backoff import waits
from actors.delivery import CHANNEL_GONE
from actors.gaps import CatchUp
from actors.lost_channels import LostChannels
from actors.ports import HeldBack, Level, Noted, Page, Refused, Unconfirmed
from actors.reaper import WATCH_S
from actors.roleplay.audit import amendments
from actors.roleplay.model import ChannelMessage, KnownMessage, SessionId
from actors.services import Services

TOO_MANY_MESSAGES: Final = "too_many_messages"
"""The reason of a Channel's refusal when a read would take too many pages."""

READS_AT_ONCE: Final = 50
"""Channels read concurrently: as many requests as Discord allows in a second (its reference, "Global Rate Limit").
After a READY the channel of every open session is read."""

AMEND_LOOKBACK: Final = 80
"""Newest messages of a history that a catch-up compares with the channel. With the other messages between them they fit
into one page of Discord's 100, so the comparison needs no extra request."""

Nudge = Callable[[SessionId], Awaitable[None]]
Hear = Callable[[ChannelMessage], Awaitable[None]]


class CatchUps:
    """Reads the gaps of channels. `waiting` lists the messages of a channel that were received and not handled yet."""

    def __init__(
        self,
        services: Services,
        *,
        hear: Hear,
        waiting: Callable[[int], Iterable[ChannelMessage]],
        end: Callable[[int], Awaitable[None]],
        nudge: Nudge,
    ) -> None:
        self._services = services
        self._hear = hear
        self._waiting = waiting
        self._end = end
        self._nudge = nudge
        self._lost = LostChannels(services)
        self._reading = anyio.Semaphore(READS_AT_ONCE)

    async def gaps(self) -> tuple[CatchUp, ...]:
        """The channels to read after a READY: those of open sessions, and those in which copies may appear."""
        since = self._services.clock.now() - WATCH_S
        gaps: dict[int, CatchUp] = {}
        for each in await self._services.store.open_sessions(since=since, lookback=AMEND_LOOKBACK):
            gap = CatchUp(each.channel_id, each.after, each.known_after, only_ours=each.session_id is None)
            gaps[each.channel_id] = gaps.get(each.channel_id, gap).widened(gap)
        return tuple(gaps.values())

    async def run(self, gap: CatchUp) -> None:
        """Handle the channel's messages since the gap; retry the read until it succeeds or is refused for good."""
        services = self._services
        for wait_s in waits():
            async with self._reading:
                began = services.clock.now()
                known = await services.store.known_messages(gap.channel_id, after=gap.known_after)
                seen = await services.channel.messages(gap.channel_id, after=gap.known_after)
            if isinstance(seen, tuple):
                self._lost.readable(gap.channel_id)
                await self._amend(gap, known, seen, began)
                # Also messages before `gap.after`: an earlier process may have died between its two reads.
                handled = await services.store.handled_messages(gap.channel_id, after=gap.known_after)
                for message in self._with_waiting(gap, seen):
                    if message.id not in handled:
                        await self._hear(message)
                return
            if isinstance(seen, Refused) and seen.final:
                await self._cannot_read(gap, seen)
                return
            await self._wait(seen, wait_s)

    async def _run_by_pages(self, gap: CatchUp) -> None:
        """Handle the missed messages page by page, without amendments: for gaps too large to hold at once."""
        unread: int | None = gap.after
        while unread is not None:
            page = await self._page(gap, unread)
            for message in self._with_waiting(gap, page.messages):
                await self._hear(message)
            unread = page.newest

    def _with_waiting(self, gap: CatchUp, seen: tuple[ChannelMessage, ...]) -> list[ChannelMessage]:
        """The messages read, merged with those that wait in the mailbox and the read does not show yet; oldest first.

        Without the merge, an `!end` that was read would overtake a message written before it. A waiting message is
        handled again later, which is harmless.
        """
        newest = max((message.id for message in seen), default=0)
        found = {message.id: message for message in self._waiting(gap.channel_id) if message.id < newest}
        found |= {message.id: message for message in seen}
        wanted = (message for message in found.values() if message.is_ours or not gap.only_ours)
        return sorted(wanted, key=lambda message: message.id)

    async def _page(self, gap: CatchUp, after: int) -> Page:
        """Read the next page; retry until it succeeds. An empty page if Discord refuses for good."""
        for wait_s in waits():
            async with self._reading:
                page = await self._services.channel.page(gap.channel_id, after=after)
            if isinstance(page, Page):
                return page
            if isinstance(page, Refused) and page.final:
                await self._cannot_read(gap, page)
                break
            await self._wait(page, wait_s)
        return Page((), newest=None)

    async def _wait(self, unread: Refused | Unconfirmed | HeldBack, wait_s: float) -> None:
        if isinstance(unread, HeldBack):
            await self._services.clock.sleep_until(unread.until)
        else:
            await anyio.sleep(max(wait_s, unread.retry_after_s))

    async def _amend(
        self, gap: CatchUp, known: tuple[KnownMessage, ...], seen: tuple[ChannelMessage, ...], began: float
    ) -> None:
        """Record edits and deletions made during the gap, and nudge the sessions: a response may have lost its trigger.

        A read may lag behind recent writes, so messages that became known shortly before are left to the second read.
        """
        services = self._services
        settled = [each for each in known if each.at < began - services.rules.limits.settle_s]
        learnt = amendments(settled, seen, prefix=services.rules.command_prefix)
        if learnt:
            for session_id in await services.store.amend_all(gap.channel_id, learnt, at=services.clock.now()):
                await self._nudge(session_id)

    async def _cannot_read(self, gap: CatchUp, refused: Refused) -> None:
        if refused.reason == CHANNEL_GONE:
            await self._end(gap.channel_id)
        elif refused.reason == TOO_MANY_MESSAGES and gap.known_after < gap.after:
            # The channel has many messages outside the scene; handling the missed ones is more important.
            self._note(
                "warning", gap.channel_id, "too many messages to look for edits and deletions; run `audit` to compare."
            )
            await self.run(replace(gap, known_after=gap.after))
        elif refused.reason == TOO_MANY_MESSAGES:
            await self._run_by_pages(gap)
        else:
            self._lost.unreadable(gap.channel_id, refused)

    def _note(self, level: Level, channel_id: int, words: str, error: BaseException | None = None) -> None:
        self._services.trace.publish(Noted(level, f"Channel {channel_id}: {words}", error=error))
