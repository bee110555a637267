"""Delivering a line: each try durable before the wire; what is in doubt is read back, or seen by the gateway.

send ─► in doubt ─┬─► the channel is read at once, and when the part had its time to land ─┐
                  └─► the gateway shows the part: before, while or after that ─────────────┴─► whichever is first
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, assert_never

import anyio

from actors.copies import Copies
from actors.ports import (
    CANCELLED,
    AttemptBegan,
    Context,
    HeldBack,
    Posted,
    PostedElsewhere,
    Refused,
    ResponseRecord,
    SendOutcome,
    Unconfirmed,
)
from actors.reaper import WATCH_S
from actors.roleplay.history import is_strayed, shows
from actors.roleplay.model import ChannelMessage, Claim, Outbound, OutboundKind, nonce_of
from actors.told import Told
from actors.world import World
from machines.facts import (
    RATE_LIMIT,
    Fact,
    FoundInChannel,
    Held,
    NotInChannel,
    ReadBackFailed,
    ReadBackImpossible,
    SendRefused,
    SendUnconfirmed,
    Sent,
    SentElsewhere,
)
from machines.response import Response
from machines.waits import WAITED_OUT_S

CHANNEL_GONE: Final = "channel_gone"
"""The reason with which the Discord adapter says 404/10003; the machine tells nobody of it."""


class Delivery:
    """The tries at one response's parts. `outbound` is what the current part last sent, or meant to."""

    def __init__(self, world: World, claim: Claim, record: ResponseRecord, context: Context, copies: Copies) -> None:
        self._world = world
        self._copies = copies
        self._claim = claim
        self._record = record
        self._response: Response = record.response
        self._context = context
        self._channel_id = record.channel_id
        self.outbound = record.outbound

    @property
    def has_nonce(self) -> bool:
        """Whether Discord answers a second request for the current part with the message of the first."""
        return self.outbound is not None and self.outbound.kind is not OutboundKind.WEBHOOK

    async def send(self, part: int) -> Told:
        """One try on the wire, its intent durable before it."""
        world, response = self._world, self._response
        if response.cancel_by is not None:
            return Told(SendRefused(world.clock.now(), CANCELLED, final=True, on_wire=False))
        began = AttemptBegan(self._context, part, response.attempt)
        match await world.voice.prepare(self._channel_id, self._record.character):
            case HeldBack() as held:
                return self._told_of(held, OutboundKind.TEXT)
            case Refused() as refused:
                world.trace.publish(began)  # a try as any other, but nothing of the part goes on the wire
                return self._told_of(refused, OutboundKind.TEXT, on_wire=False)
            case (kind, webhook_id):
                self.outbound = await world.store.keep_intent(
                    self._claim, response, self._intent(part, kind, webhook_id)
                )
        world.trace.publish(began)
        return self._told_of(await world.voice.send(self.outbound), self.outbound.kind)

    def _intent(self, part: int, kind: OutboundKind, webhook_id: int | None) -> Outbound:
        character = self._record.character
        return Outbound(
            kind=kind,
            channel_id=self._channel_id,
            name=character.name,
            text=self._response.texts[part - 1],
            nonce=nonce_of(self._response.id, self._response.dropped_parts + part),
            fence=self._record.trigger_id,
            webhook_id=webhook_id,
            character_id=character.id,
        )

    def _told_of(self, outcome: SendOutcome, kind: OutboundKind, *, on_wire: bool = True) -> Told:
        at = self._world.clock.now()
        match outcome:
            case Posted(message_id=message_id, text=text):
                return Told(Sent(at, message_id, text))
            case PostedElsewhere(channel_id=channel_id, message_id=message_id):
                return Told(SentElsewhere(at, channel_id, message_id))
            case Refused(reason="rate_limit", retry_after_s=wait_s) if wait_s > WAITED_OUT_S:
                return Told(_limited(at, outcome), outcome.error)
            case Refused(reason=reason, status=status, retry_after_s=wait_s, final=final):
                left = on_wire and status is not None  # a refusal that nobody answered is our own, or the network's
                refused = SendRefused(at, reason, status, wait_s, final, outcome.code, outcome.words, left)
                return Told(refused, outcome.error)
            case Unconfirmed(cause=cause, status=status, retry_after_s=wait_s):
                has_nonce = kind is not OutboundKind.WEBHOOK
                unconfirmed = SendUnconfirmed(at, cause, status, wait_s, has_nonce, outcome.code, outcome.words)
                return Told(unconfirmed, outcome.error)
            case HeldBack(until=until, cause=cause, since=since):
                return Told(Held(at, until, cause, since))
            case _:
                assert_never(outcome)

    async def read_back(self, first_at: float, settled_at: float) -> Told:
        """What becomes of a part in doubt: the gateway shows it, or the channel does, or it had its time to land."""
        told: list[Told] = []

        async def first(answer: Callable[[], Awaitable[Told]]) -> None:
            told.append(await answer())
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(first, self._until_shown)
            group.start_soon(first, partial(self._look_until, first_at, settled_at))
        return told[0]

    async def shown_meanwhile(self, fact: Fact) -> Told | None:
        """What became of a part that is absent, by `fact`, and was shown by the gateway after that was found."""
        is_absent = isinstance(fact, NotInChannel | ReadBackImpossible)
        return await self._pick(self._copies.of(self._channel_id)) if is_absent else None

    async def _until_shown(self) -> Told:
        """Wait for the gateway's own copy of the part; one that came before the doubt is kept."""
        while True:
            arrival = self._copies.arrival(self._channel_id)
            told = await self._pick(self._copies.of(self._channel_id))
            if told is not None:
                return told
            await arrival.wait()

    async def _look_until(self, first_at: float, settled_at: float) -> Told:
        """Look at once and, while absent, once more when the part had its time to land; then where else it may be."""
        clock = self._world.clock
        await clock.sleep_until(first_at)
        while True:
            began = clock.now()
            told = await self._look()
            if told is None and began >= settled_at:
                told = await self._look_elsewhere() or Told(NotInChannel(clock.now()))
            if told is not None:
                return told
            await clock.sleep_until(settled_at)

    async def _look(self) -> Told | None:
        """One read of the channel since the fence; None when the part is not in it."""
        if self.outbound is None:
            return None  # it never came near the wire
        seen = await self._world.channel.messages(self._channel_id, after=self.outbound.fence)
        return await self._pick(seen) if isinstance(seen, tuple) else self._unread(seen)

    async def _look_elsewhere(self) -> Told | None:
        """Where its webhook was moved, the part may stand in another channel; None when it does not."""
        if self.outbound is None or self.outbound.kind is not OutboundKind.WEBHOOK:
            return None
        channel_id = await self._world.voice.elsewhere(self.outbound)
        if channel_id is None:
            return None
        if not isinstance(channel_id, int):
            return self._unread(channel_id)
        seen = await self._world.channel.messages(channel_id, after=self.outbound.fence)
        if isinstance(seen, Refused) and seen.reason == CHANNEL_GONE:
            return None  # and whatever stood there went with it
        return await self._pick_stray(seen, self.outbound) if isinstance(seen, tuple) else self._unread(seen)

    def _unread(self, unread: Refused | Unconfirmed | HeldBack) -> Told:
        at = self._world.clock.now()
        match unread:
            case Refused(final=True, reason=reason, error=error):
                gone = reason if reason == CHANNEL_GONE else "unconfirmed"
                return Told(ReadBackImpossible(at, gone), error)
            case Refused(reason="rate_limit", error=error):
                return Told(_limited(at, unread), error)  # however short: its time is not the line's
            case Refused(reason=cause, retry_after_s=wait_s, error=error):
                return Told(ReadBackFailed(at, cause, wait_s), error)
            case Unconfirmed(cause=cause, retry_after_s=wait_s, error=error):
                return Told(ReadBackFailed(at, cause, wait_s), error)
            case HeldBack(until=until, cause=cause, since=since):
                return Told(Held(at, until, cause, since))
            case _:
                assert_never(unread)

    async def _pick(self, seen: tuple[ChannelMessage, ...]) -> Told | None:
        """The oldest message that shows the part and belongs to no other one; the reaper sees to further ones."""
        outbound = self.outbound
        alike = [] if outbound is None else [message for message in seen if shows(message, outbound)]
        if outbound is None or not alike:
            return None
        known = await self._world.store.own_messages(self._channel_id, after=outbound.fence)
        for message in sorted(alike, key=lambda message: message.id):
            if message.id not in known and not await self._is_anothers_stray(message, outbound):
                self._world.breakers.note_arrival()
                return Told(FoundInChannel(self._world.clock.now(), message.id, message.text))
        return None

    async def _pick_stray(self, seen: tuple[ChannelMessage, ...], outbound: Outbound) -> Told | None:
        """The oldest message of another channel that is the part, and nothing of that channel's own."""
        for message in seen:
            if message.webhook_id == outbound.webhook_id and is_strayed(message, outbound):
                known = await self._world.store.own_messages(
                    message.channel_id, after=message.id - 1, with_takedowns=False
                )
                if message.id not in known:
                    self._world.breakers.note_arrival()
                    return Told(SentElsewhere(self._world.clock.now(), message.channel_id, message.id))
        return None

    async def _is_anothers_stray(self, message: ChannelMessage, outbound: Outbound) -> bool:
        """Whether it reads like the part, but is a line of another scene whose webhook was moved into this channel."""
        if message.webhook_id in (None, outbound.webhook_id):
            return False
        since = self._world.clock.now() - WATCH_S
        strays = await self._world.store.watched_elsewhere(self._channel_id, message.webhook_id, since=since)
        return any(is_strayed(message, one.outbound) for one in strays)


def _limited(at: float, refused: Refused) -> Held:
    """Discord said that nothing is taken for a while: what asked is held, as all that would have asked after it."""
    since = refused.since or at
    return Held(at, at + refused.retry_after_s, RATE_LIMIT, since, refused.status, refused.code, refused.words)
