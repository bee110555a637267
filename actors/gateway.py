"""The gateway actor: Discord's events become inbox rows, commands and amendments, in the order of each channel.

    offer (synchronous) ─► one mailbox a channel ─► accept ─► ring the session
                                                 ├► a command ─► its answer in the outbox
                                                 ├► a line of ours ─► the reaper
                                                 ├► an edit or a deletion ─► an amendment
                                                 └► a press of a button ─► its answer in the outbox

After each READY every open session's channel is read again from the last id that was handled: a new connection
replays nothing. The same read tells what was edited and deleted meanwhile among the newest lines, and shows second
copies: for those channels without a session are read, too. It is read twice, since Discord's reads lag behind
what it stored. Until the channels to read are known, later events wait.

Failure modes: a full mailbox drops messages, all of them from the first one on, and edits and deletions, and
reads the channel again from there; a channel that cannot be read, or an event that cannot be handled, is tried
again, later events of the channel waiting behind; where that takes minutes they go on, and the channel is read
again later. Presses of buttons that a full mailbox drops are told as an error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Final, assert_never

import anyio
from anyio.abc import TaskGroup, TaskStatus

from actors.commands import Commands
from actors.delivery import CHANNEL_GONE
from actors.dropped import LOOK_AGAIN_S, CatchUp, ChannelEvent, Dropped, event_channel, gap_of
from actors.mailbox import Mailbox
from actors.ports import (
    ButtonPressed,
    ChannelGone,
    Engine,
    GatewayEvent,
    HeldBack,
    MessageDeleted,
    MessageEdited,
    MessageSeen,
    Noted,
    Page,
    Refused,
    ShardEvent,
    ShardReady,
    Unconfirmed,
)
from actors.reaper import WATCH_S, Reaper
from actors.retries import Retries
from actors.roleplay import notices
from actors.roleplay.audit import amendments
from actors.roleplay.history import as_played, belongs, is_command
from actors.roleplay.model import ChannelMessage, KnownMessage, OutboxDraft, OutboxKind, SessionId
from actors.shards import Shards
from actors.supervisor import Supervisor
from actors.world import World
from machines.backoff import backoff_s

CHANNEL_EVENTS_MAX: Final = 500
"""Events of one channel that wait to be handled."""

TOO_MANY_MESSAGES: Final = "too_many_messages"
"""The reason with which a Channel refuses to read on and on."""
READS_AT_ONCE: Final = 50
"""Channels that are read at the same moment: all that Discord allows in a second (its reference, "Global Rate
Limit"); after a READY every open session's channel is to be read."""

RE_READ_WAIT_S: Final = 1.0
RE_READ_WAIT_MAX_S: Final = 60.0
"""A channel that cannot be read is tried again after 1, 2, 4 … 60 s."""

HANDLE_TRIES_MAX: Final = 10
"""Tries at one event whose handling crashes, over some five minutes: a full disk may be over by then, and a
message that nobody can handle must not silence its channel for ever."""

AMEND_LOOKBACK: Final = 80
"""Newest messages of a history that a catch-up compares with the channel. With what else stands between them
they are one page of Discord's 100: no request more than hearing what was missed."""


Nudge = Callable[[SessionId], Awaitable[None]]


class Gateway:
    """Takes Discord's events. `offer` never waits; `run` does the work."""

    def __init__(
        self, world: World, *, engine: Engine, reaper: Reaper, commands: Commands, supervisor: Supervisor, nudge: Nudge
    ) -> None:
        self._world = world
        self._engine = engine
        self._reaper = reaper
        self._commands = commands
        self._retries = Retries(world)
        self._supervisor = supervisor
        self._nudge = nudge
        self._mailboxes: dict[int, Mailbox[ChannelEvent]] = {}
        self._dropped = Dropped()
        self._to_catch_up: set[int] = set()  # channels without which we are not ready
        self._reading = anyio.Semaphore(READS_AT_ONCE)
        self._shards = Shards(world)
        self._group: TaskGroup | None = None
        self._is_over = False
        self._listed = anyio.Event()  # the channels to catch up on are known
        self.reached = anyio.Event()  # some shard was ready: from now on there is somebody to speak to
        self.ready = anyio.Event()
        self.identity = ""
        self.channel_count = 0

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Handle events until cancelled; `offer` may be called from `started` on."""
        try:
            async with anyio.create_task_group() as self._group:
                task_status.started()
                await anyio.sleep_forever()
        finally:
            self._is_over = True

    def offer(self, event: GatewayEvent) -> None:
        """Take one event, in its order. Raises RuntimeError before `run` has started."""
        if self._group is None:
            raise RuntimeError("the gateway actor does not run yet")
        if self._is_over:
            return  # the client lives on for the sends in flight; the next process reads what came meanwhile
        if not isinstance(event, ShardEvent):
            self._put(event)
            return
        if self._shards.heard(event):
            self._catch_up_all(self._group)
        if isinstance(event, ShardReady):
            self.identity, self.channel_count = event.user_name, event.channel_count
            self.reached.set()

    def _catch_up_all(self, group: TaskGroup) -> None:
        if self._listed.is_set():  # else events wait for it already, some came before READY
            self._listed = anyio.Event()
        group.start_soon(self._list_channels, self._listed)

    # ── mailboxes ───────────────────────────────────────────────────────────────────────────────────

    def _put(self, event: ChannelEvent, *, first: bool = False) -> None:
        channel_id = event_channel(event)
        mailbox = self._mailbox(channel_id)
        if first:
            mailbox.offer_first_nowait(event)
        elif isinstance(event, MessageSeen) and self._dropped.is_deaf_to(channel_id):
            self._dropped.message(channel_id, event.message.id)  # room or not: it must not overtake those before it
        elif not mailbox.offer_nowait(event):
            self._drop(event, mailbox)

    def _drop(self, event: ChannelEvent, mailbox: Mailbox[ChannelEvent]) -> None:
        is_first = event_channel(event) not in self._dropped
        match event:
            case MessageSeen(message=message):
                self._dropped.message(message.channel_id, message.id)
            case MessageEdited() | MessageDeleted():
                newest = max((each.message.id for each in mailbox if isinstance(each, MessageSeen)), default=0)
                self._dropped.amendment(event.channel_id, event.message_id, newest=newest)
            case _:
                words = "A channel's mailbox is full: the press of a button, or that the channel is gone, is lost."
                self._world.trace.publish(Noted("error", words))
                return
        if is_first:
            self._world.trace.publish(Noted("warning", "A channel's mailbox is full; the channel is read again."))

    def _mailbox(self, channel_id: int) -> Mailbox[ChannelEvent]:
        if channel_id not in self._mailboxes:
            self._mailboxes[channel_id] = Mailbox(CHANNEL_EVENTS_MAX)
            if self._group is not None:
                self._group.start_soon(self._work, channel_id)
        return self._mailboxes[channel_id]

    async def _work(self, channel_id: int) -> None:
        """Handle a channel's events one by one; ends, and costs nothing, when there are none."""
        mailbox = self._mailboxes[channel_id]
        while len(mailbox):
            await self._listed.wait()
            event = mailbox.take_nowait()
            is_handled = await self._insist(event)
            if isinstance(event, CatchUp):
                self._to_catch_up.discard(channel_id)
                self._note_ready()
                if is_handled and not event.is_second and self._group is not None:
                    self._group.start_soon(self._catch_up_again, event)
            if not len(mailbox) and channel_id in self._dropped:
                mailbox.offer_first_nowait(self._dropped.take(channel_id))
        del self._mailboxes[channel_id]

    async def _insist(self, event: ChannelEvent) -> bool:
        """Handle an event, again while that crashes: what comes after it would hide that it is missing."""
        for wait_s in _waits(HANDLE_TRIES_MAX):
            if await self._supervisor.contain("The gateway", partial(self._handle, event)):
                return True
            await anyio.sleep(wait_s)
        self._give_up(event)
        return False

    def _give_up(self, event: ChannelEvent) -> None:
        gap = gap_of(event)
        if gap is None or self._group is None:
            self._world.trace.publish(Noted("error", "An event could not be handled and is given up."))
            return
        words = f"An event could not be handled; its channel is read again in {LOOK_AGAIN_S / 60:.0f} minutes."
        self._world.trace.publish(Noted("error", words))
        self._group.start_soon(self._look_again, gap)

    async def _look_again(self, gap: CatchUp) -> None:
        await anyio.sleep(LOOK_AGAIN_S)
        self._put(gap, first=True)

    async def _handle(self, event: ChannelEvent) -> None:
        match event:
            case MessageSeen(message=message):
                await self._saw(message)
            case MessageEdited():
                await self._edited(event)
            case MessageDeleted():
                await self._amended(event, None)
            case ButtonPressed():
                session_id = await self._retries.pressed(event)
                if session_id is not None:
                    await self._engine.ring(session_id)
            case ChannelGone(channel_id=channel_id):
                await self._end(channel_id)
            case CatchUp():
                await self._catch_up(event)
            case _:
                assert_never(event)

    async def _saw(self, message: ChannelMessage) -> None:
        prefix = self._world.rules.command_prefix
        if message.is_ours:
            await self._reaper.saw(message)
        elif is_command(message.text, prefix) and not message.is_bot and message.webhook_id is None:
            session_id = await self._commands.handle(message)
            if session_id is not None:
                await self._nudge(session_id)
                await self._engine.ring(session_id)
        elif belongs(message, prefix):
            await self._accept(message)

    async def _edited(self, event: MessageEdited) -> None:
        """Amend a line; what was none, as an aside, and is one now is heard, as the next catch-up would hear it."""
        text = as_played(event.message, self._world.rules.command_prefix)
        session_id = await self._amended(event, text)
        is_unread = self._dropped.is_deaf_to(event.channel_id)  # then it has its turn with those before it
        if session_id is None and not is_unread and text:
            await self._accept(event.message)

    async def _amended(self, event: MessageEdited | MessageDeleted, text: str | None) -> SessionId | None:
        """Note what became of a line: the response on its way may have lost its reason by it."""
        at = self._world.clock.now()
        session_id = await self._world.store.amend(event.channel_id, event.message_id, text=text, at=at)
        if session_id is not None:
            await self._nudge(session_id)
        return session_id

    async def _accept(self, message: ChannelMessage) -> None:
        waiting_max = self._world.rules.waiting_max
        text = notices.overflow(waiting_max)
        overflow = OutboxDraft(f"overflow:{message.id}", OutboxKind.NOTICE, message.channel_id, text)
        accepted = await self._world.store.accept(message, waiting_max=waiting_max, overflow=overflow)
        if accepted is not None and accepted.is_overflow:
            self._world.outbox_bell.ring()
        if accepted is not None and accepted.is_new:
            await self._engine.ring(accepted.session_id)

    async def _end(self, channel_id: int) -> None:
        session_id = await self._commands.end_lost(channel_id)
        if session_id is not None:
            await self._nudge(session_id)

    # ── catching up ─────────────────────────────────────────────────────────────────────────────────

    async def _list_channels(self, listed: anyio.Event) -> None:
        """Put the catch-up of each open session's channel before everything that came since READY."""
        for wait_s in _waits():
            if await self._supervisor.contain("The gateway", self._put_catch_ups):
                break
            await anyio.sleep(wait_s)
        listed.set()
        self._note_ready()

    async def _put_catch_ups(self) -> None:
        since = self._world.clock.now() - WATCH_S
        gaps: dict[int, CatchUp] = {}
        for each in await self._world.store.open_sessions(since=since, lookback=AMEND_LOOKBACK):
            gap = CatchUp(each.channel_id, each.after, each.known_after, only_ours=each.session_id is None)
            gaps[each.channel_id] = gaps.get(each.channel_id, gap).widened(gap)
        for gap in gaps.values():
            self._to_catch_up.add(gap.channel_id)
            self._put(gap, first=True)

    def _note_ready(self) -> None:
        if not self._to_catch_up:
            self.ready.set()

    async def _catch_up(self, gap: CatchUp) -> None:
        """Handle what the channel shows since the gap, trying until it can be read or never will be."""
        world = self._world
        for wait_s in _waits():
            async with self._reading:
                began = world.clock.now()
                known = await world.store.known_messages(gap.channel_id, after=gap.known_after)
                seen = await world.channel.messages(gap.channel_id, after=gap.known_after)
            if isinstance(seen, tuple):
                await self._amend(gap, known, seen, began)
                # Older than the last one heard as well: a process before us may have died between its two reads.
                handled = await world.store.handled_messages(gap.channel_id, after=gap.known_after)
                for message in self._with_waiting(gap, seen):
                    if message.id not in handled:
                        await self._saw(message)
                return
            if isinstance(seen, Refused) and seen.final:
                await self._cannot_read(gap, seen)
                return
            await self._wait(seen, wait_s)

    async def _catch_up_by_pages(self, gap: CatchUp) -> None:
        """Hear what was missed, however much it is; too much to be held at once and compared."""
        unread: int | None = gap.after
        while unread is not None:
            page = await self._page(gap, unread)
            for message in self._with_waiting(gap, page.messages):
                await self._saw(message)
            unread = page.newest

    def _with_waiting(self, gap: CatchUp, seen: tuple[ChannelMessage, ...]) -> list[ChannelMessage]:
        """What was read, oldest first, and between it what we were told of and the read does not show yet.

        Else an `!end` that was read would overtake a line written before it. What waits is handled again in its
        turn, which is harmless.
        """
        newest = max((message.id for message in seen), default=0)
        told = (event.message for event in self._mailbox(gap.channel_id) if isinstance(event, MessageSeen))
        found = {message.id: message for message in told if message.id < newest}
        found |= {message.id: message for message in seen}
        wanted = (message for message in found.values() if message.is_ours or not gap.only_ours)
        return sorted(wanted, key=lambda message: message.id)

    async def _page(self, gap: CatchUp, after: int) -> Page:
        """Read on, trying until the channel can be read; an empty page where it never will be."""
        for wait_s in _waits():
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

    async def _catch_up_again(self, gap: CatchUp) -> None:
        """A message stored a moment before a read may not be in it, and nobody else tells us of it."""
        await anyio.sleep(self._world.rules.limits.settle_s)
        self._put(replace(gap, is_second=True), first=True)

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
            words = "Too much was said in a channel since to look for edits and deletions: `audit` names them."
            self._world.trace.publish(Noted("warning", words))
            await self._catch_up(replace(gap, known_after=gap.after))
        elif refused.reason == TOO_MANY_MESSAGES:
            await self._catch_up_by_pages(gap)
        else:
            words = f"A session's channel cannot be read ({refused.reason}): messages sent meanwhile are unknown."
            self._world.trace.publish(Noted("error", words, error=refused.error))


def _waits(tries_max: int | None = None) -> Iterator[float]:
    """The wait after each try: 1, 2, 4 … 60 s."""
    tries = count() if tries_max is None else range(tries_max)
    return (backoff_s(number + 1, base_s=RE_READ_WAIT_S, max_s=RE_READ_WAIT_MAX_S) for number in tries)
