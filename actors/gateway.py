"""The gateway actor: turns Discord's events into inbox rows, commands and amendments, in the order of each channel.

    offer (synchronous) ─► one mailbox a channel ─► accept ─► ring the session
                                                 ├► a command ─► its answer in the outbox
                                                 ├► a line of ours ─► the reaper
                                                 ├► an edit or a deletion ─► an amendment
                                                 └► a press of a button ─► its answer in the outbox

A new connection replays nothing. So after each READY the channel of every open session is read again from the last
handled id (`catch_up`). The same read finds edits and deletions among the newest lines, and second copies; for the
copies, channels without a session are read too. Each channel is read twice, since Discord's reads lag behind its
writes. Until the list of channels to read is known, later events wait.

Failure modes: a full mailbox drops edits, deletions and messages (from the first dropped one on, all messages), and the
channel is read again from there. An event that cannot be handled is tried again while later events of the channel wait;
after some minutes it is given up, and the channel is read again later. A button press dropped by a full mailbox is
logged as an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final, assert_never

import anyio
from anyio.abc import TaskGroup, TaskStatus

from actors.backoff import waits
from actors.catch_up import CatchUps, Nudge
from actors.commands import Commands
from actors.gaps import LOOK_AGAIN_S, CatchUp, ChannelEvent, Dropped, event_channel, gap_of
from actors.gathering import Gatherings
from actors.lost_channels import LOST
from actors.mailbox import Mailbox
from actors.missing_reports import Missing
from actors.outbox import hurry
from actors.ports import (
    ButtonPressed,
    ChannelGone,
    ChannelOpened,
    Engine,
    GatewayEvent,
    Level,
    Limited,
    MessageDeleted,
    MessageEdited,
    MessageSeen,
    MissingAsked,
    Noted,
    PersonTyping,
    ShardEvent,
    ShardReady,
)
from actors.reaper import Reaper
from actors.roleplay.history import as_played, belongs, command_in
from actors.roleplay.model import ChannelMessage, OutboxDraft, OutboxKind, SessionId
from actors.roleplay.quotas import Excess, minute_of
from actors.roleplay.quotas import words as excess_words
from actors.services import Services
from actors.shards import Shards
from actors.supervisor import Supervisor

CHANNEL_EVENTS_MAX: Final = 500
"""Events of one channel that wait to be handled."""

HANDLE_TRIES_MAX: Final = 10
"""Tries to handle one event whose handler crashes, over some five minutes: a full disk may be fixed by then, and an
event that always crashes must not block its channel for ever."""


class Gateway:
    """Takes Discord's events. `offer` never waits; `run` does the work."""

    def __init__(
        self,
        services: Services,
        *,
        engine: Engine,
        reaper: Reaper,
        commands: Commands,
        supervisor: Supervisor,
        nudge: Nudge,
    ) -> None:
        self._services = services
        self._engine = engine
        self._reaper = reaper
        self._commands = commands
        self._missing = Missing(services)
        self._gatherings = Gatherings(services, engine)
        self._supervisor = supervisor
        self._nudge = nudge
        self._catch_ups = CatchUps(services, hear=self._saw, waiting=self._waiting, end=self._end, nudge=nudge)
        self._readiness = services.readiness
        self._mailboxes: dict[int, Mailbox[ChannelEvent]] = {}
        self._dropped = Dropped()
        self._shards = Shards(services)
        self._group: TaskGroup | None = None
        self._is_over = False
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
            return  # the client stays open only for sends in flight; the next process catches up on these events
        if not isinstance(event, ShardEvent):
            self._put(event)
            return
        if self._shards.heard(event):
            self._catch_up_all(self._group)
        if isinstance(event, ShardReady):
            self.identity, self.channel_count = event.user_name, event.channel_count
            self.reached.set()

    @property
    def reached(self) -> anyio.Event:
        return self._readiness.reached

    @property
    def ready(self) -> anyio.Event:
        return self._readiness.ready

    def _catch_up_all(self, group: TaskGroup) -> None:
        self._readiness.begin_listing()
        group.start_soon(self._list_channels)

    # ── mailboxes ───────────────────────────────────────────────────────────────────────────────────

    def _put(self, event: ChannelEvent, *, first: bool = False) -> None:
        channel_id = event_channel(event)
        mailbox = self._mailbox(channel_id)
        if first:
            mailbox.offer_first_nowait(event)
        elif isinstance(event, MessageSeen) and self._dropped.is_deaf_to(channel_id):
            self._dropped.message(channel_id, event.message.id)  # even if there is room: it must not overtake
        elif not mailbox.offer_nowait(event):
            self._drop(event, mailbox)

    def _drop(self, event: ChannelEvent, mailbox: Mailbox[ChannelEvent]) -> None:
        channel_id = event_channel(event)
        is_first = channel_id not in self._dropped
        match event:
            case MessageSeen(message=message):
                self._dropped.message(message.channel_id, message.id)
            case MessageEdited() | MessageDeleted():
                newest = max((each.message.id for each in mailbox if isinstance(each, MessageSeen)), default=0)
                self._dropped.amendment(event.channel_id, event.message_id, newest=newest)
            case PersonTyping():
                return
            case _:
                self._note("error", channel_id, "its mailbox is full; a press, menu choice or channel event was lost.")
                return
        if is_first:
            self._note("warning", channel_id, "its mailbox is full; the channel will be read again.")

    def _mailbox(self, channel_id: int) -> Mailbox[ChannelEvent]:
        if channel_id not in self._mailboxes:
            self._mailboxes[channel_id] = Mailbox(CHANNEL_EVENTS_MAX)
            if self._group is not None:
                self._group.start_soon(self._work, channel_id)
        return self._mailboxes[channel_id]

    async def _work(self, channel_id: int) -> None:
        """Handle a channel's events one by one; end when there are none, so that an idle channel costs nothing."""
        mailbox = self._mailboxes[channel_id]
        while len(mailbox):
            await self._readiness.wait_listed()
            event = mailbox.take_nowait()
            is_handled = await self._insist(event)
            if isinstance(event, CatchUp):
                self._readiness.done(event)
                if is_handled and not event.is_second and self._group is not None:
                    self._group.start_soon(self._catch_up_again, event)
            if not len(mailbox) and channel_id in self._dropped:
                mailbox.offer_first_nowait(self._dropped.take(channel_id))
        del self._mailboxes[channel_id]

    async def _insist(self, event: ChannelEvent) -> bool:
        """Handle an event; retry if the handler crashes. Later events wait: handled first, they would hide the gap."""
        name = f"The gateway (channel {event_channel(event)})"
        for wait_s in waits(HANDLE_TRIES_MAX):
            if await self._supervisor.contain(name, partial(self._handle, event)):
                return True
            await anyio.sleep(wait_s)
        self._give_up(event)
        return False

    def _give_up(self, event: ChannelEvent) -> None:
        gap = gap_of(event)
        if gap is None or self._group is None:
            self._note("error", event_channel(event), "an event could not be handled and was given up.")
            return
        wait = f"{LOOK_AGAIN_S / 60:.0f} minutes"
        self._note("error", gap.channel_id, f"an event could not be handled; the channel is read again in {wait}.")
        self._group.start_soon(self._look_again, gap)

    def _note(self, level: Level, channel_id: int, words: str, error: BaseException | None = None) -> None:
        self._services.trace.publish(Noted(level, f"Channel {channel_id}: {words}", error=error))

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
                await self._follow(await self._commands.pressed(event))
            case MissingAsked():
                await self._missing.chosen(event)
            case PersonTyping():
                await self._gatherings.typed(event)
            case ChannelGone(channel_id=channel_id):
                await self._end(channel_id)
            case ChannelOpened(channel_id=channel_id):
                await hurry(self._services, channel_id)
            case CatchUp():
                await self._catch_ups.run(event)
            case _:
                assert_never(event)

    async def _saw(self, message: ChannelMessage) -> None:
        prefix = self._services.rules.command_prefix
        if message.is_ours:
            await self._reaper.saw(message)
        elif command := command_in(message, prefix):
            await self._follow(await self._commands.handle(message, command))
        elif belongs(message, prefix):
            await self._accept(message)

    async def _follow(self, session_id: SessionId | None) -> None:
        """Let a session that a person ended or gave work to act on it."""
        if session_id is not None:
            await self._nudge(session_id)
            await self._engine.ring(session_id)

    async def _edited(self, event: MessageEdited) -> None:
        """Amend a line. If the message was no line (an aside) and is one now, accept it, as a catch-up would."""
        text = as_played(event.message, self._services.rules.command_prefix)
        session_id = await self._amended(event, text)
        is_unread = self._dropped.is_deaf_to(event.channel_id)  # the catch-up will accept it in its order
        if session_id is None and not is_unread and text:
            await self._accept(event.message)

    async def _amended(self, event: MessageEdited | MessageDeleted, text: str | None) -> SessionId | None:
        """Store an edit or deletion, and nudge the session: the running response may have lost its trigger."""
        at = self._services.clock.now()
        session_id = await self._services.store.amend(event.channel_id, event.message_id, text=text, at=at)
        if session_id is not None:
            await self._nudge(session_id)
        return session_id

    async def _accept(self, message: ChannelMessage) -> None:
        named = await self._services.channel.named(message)
        turns_max = self._services.rules.quotas.turns_per_person_minute
        limited = self._limited(message) if turns_max else None
        accepted = await self._gatherings.accept(named, turns_max=turns_max, limited=limited)
        if accepted is not None and accepted.is_limited:
            self._services.outbox_bell.ring()
            self._services.trace.publish(Limited(Excess.TURNS, message.channel_id))

    def _limited(self, message: ChannelMessage) -> OutboxDraft:
        """What a person who began too many turns is answered, once a minute."""
        rules, key = self._services.rules, f"turns:{message.author_id}:{minute_of(message.at)}"
        words = excess_words(Excess.TURNS, rules.quotas, rules.command_prefix)
        return OutboxDraft(key, OutboxKind.ANSWER, message.channel_id, words)

    async def _end(self, channel_id: int) -> None:
        session_id = await self._commands.end_lost(channel_id)
        if session_id is not None:
            self._services.trace.publish(Noted("error", LOST, session_id))  # the channel can get no notice
            await self._nudge(session_id)

    # ── catching up ─────────────────────────────────────────────────────────────────────────────────

    async def _list_channels(self) -> None:
        """Queue the catch-up of each channel before all events that came since READY."""
        for wait_s in waits():
            if await self._supervisor.contain("The gateway", self._put_catch_ups):
                break
            await anyio.sleep(wait_s)
        self._readiness.end_listing()

    async def _put_catch_ups(self) -> None:
        await hurry(self._services, None)  # permissions may have been given and threads opened meanwhile
        gaps = await self._catch_ups.gaps()
        self._readiness.wanted(gaps)
        for gap in gaps:
            self._put(gap, first=True)

    def _waiting(self, channel_id: int) -> Iterator[ChannelMessage]:
        """The messages in a channel's mailbox."""
        events = self._mailboxes.get(channel_id, ())
        return (event.message for event in events if isinstance(event, MessageSeen))

    async def _catch_up_again(self, gap: CatchUp) -> None:
        """Read once more after the settle time: the first read may miss a message stored just before it."""
        await anyio.sleep(self._services.rules.limits.settle_s)
        self._put(replace(gap, is_second=True), first=True)
