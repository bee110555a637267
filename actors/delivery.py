"""Delivers the parts of a line: stores each attempt before it is sent, and settles unconfirmed ones.

send ─► in doubt ─┬─► read the channel at once, and again after the settle time ─┐
                  └─► the gateway shows the part: before, during or after that ──┴─► the first answer counts
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, assert_never

import anyio

from actors.copies import Copies
from actors.observed import Observed
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
from actors.services import Services
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
"""The Discord adapter's reason for 404/10003; the machine sends no notice for it."""


class Delivery:
    """The attempts at one response's parts. `outbound` is the last stored intent of the current part."""

    def __init__(
        self, services: Services, claim: Claim, record: ResponseRecord, context: Context, copies: Copies
    ) -> None:
        self._services = services
        self._copies = copies
        self._claim = claim
        self._record = record
        self._response: Response = record.response
        self._context = context
        self._channel_id = record.channel_id
        self.outbound = record.outbound

    @property
    def has_nonce(self) -> bool:
        """Whether a second request for the current part returns the first one's message (webhooks have no nonce)."""
        return self.outbound is not None and self.outbound.kind is not OutboundKind.WEBHOOK

    async def send(self, part: int) -> Observed:
        """Make one attempt; its intent is stored before the request."""
        services, response = self._services, self._response
        if response.cancel_by is not None:
            return Observed(SendRefused(services.clock.now(), CANCELLED, final=True, on_wire=False))
        began = AttemptBegan(self._context, part, response.attempt)
        match await services.voice.prepare(self._channel_id, self._record.character):
            case HeldBack() as held:
                return self._told_of(held, OutboundKind.TEXT)
            case Refused() as refused:
                services.trace.publish(began)  # it counts as an attempt, but the part itself is not sent
                return self._told_of(refused, OutboundKind.TEXT, on_wire=False)
            case (kind, webhook_id):
                self.outbound = await services.store.keep_intent(
                    self._claim, response, self._intent(part, kind, webhook_id)
                )
        services.trace.publish(began)
        return self._told_of(await services.voice.send(self.outbound), self.outbound.kind)

    def _intent(self, part: int, kind: OutboundKind, webhook_id: int | None) -> Outbound:
        character = self._record.character
        return Outbound(
            kind=kind,
            channel_id=self._channel_id,
            name=character.name,
            text=self._response.texts[part - 1],
            nonce=nonce_of(self._response.id, self._response.dropped_parts + part),
            watermark=self._record.trigger_id,
            webhook_id=webhook_id,
            character_id=character.id,
        )

    def _told_of(self, outcome: SendOutcome, kind: OutboundKind, *, on_wire: bool = True) -> Observed:
        at = self._services.clock.now()
        match outcome:
            case Posted(message_id=message_id, text=text):
                return Observed(Sent(at, message_id, text))
            case PostedElsewhere(channel_id=channel_id, message_id=message_id):
                return Observed(SentElsewhere(at, channel_id, message_id))
            case Refused(reason="rate_limit", retry_after_s=wait_s) if wait_s > WAITED_OUT_S:
                return Observed(_limited(at, outcome), outcome.error)
            case Refused(reason=reason, status=status, retry_after_s=wait_s, final=final):
                left = on_wire and status is not None  # without a status, the refusal is our own or the network's
                refused = SendRefused(at, reason, status, wait_s, final, outcome.code, outcome.words, left)
                return Observed(refused, outcome.error)
            case Unconfirmed(cause=cause, status=status, retry_after_s=wait_s):
                has_nonce = kind is not OutboundKind.WEBHOOK
                unconfirmed = SendUnconfirmed(at, cause, status, wait_s, has_nonce, outcome.code, outcome.words)
                return Observed(unconfirmed, outcome.error)
            case HeldBack(until=until, cause=cause, since=since):
                return Observed(Held(at, until, cause, since))
            case _:
                assert_never(outcome)

    async def read_back(self, first_at: float, settled_at: float) -> Observed:
        """Settle a part in doubt: found by the gateway or in the channel, or absent after the settle time."""
        told: list[Observed] = []

        async def first(answer: Callable[[], Awaitable[Observed]]) -> None:
            told.append(await answer())
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(first, self._until_shown)
            group.start_soon(first, partial(self._look_until, first_at, settled_at))
        return told[0]

    async def shown_meanwhile(self, fact: Fact) -> Observed | None:
        """Found after all: `fact` says that the part is absent, but the gateway showed it since; else None."""
        is_absent = isinstance(fact, NotInChannel | ReadBackImpossible)
        return await self._pick(self._copies.of(self._channel_id)) if is_absent else None

    async def _until_shown(self) -> Observed:
        """Wait until the gateway shows the part; a copy that came before the doubt counts too."""
        while True:
            arrival = self._copies.arrival(self._channel_id)
            told = await self._pick(self._copies.of(self._channel_id))
            if told is not None:
                return told
            await arrival.wait()

    async def _look_until(self, first_at: float, settled_at: float) -> Observed:
        """Read the channel at `first_at` and, if the part is absent, at `settled_at`; then look in other channels."""
        clock = self._services.clock
        await clock.sleep_until(first_at)
        while True:
            began = clock.now()
            told = await self._look()
            if told is None and began >= settled_at:
                told = await self._look_elsewhere() or Observed(NotInChannel(clock.now()))
            if told is not None:
                return told
            await clock.sleep_until(settled_at)

    async def _look(self) -> Observed | None:
        """Read the channel once, after the watermark; None if the part is not in it."""
        if self.outbound is None:
            return None  # nothing was ever sent
        seen = await self._services.channel.messages(self._channel_id, after=self.outbound.watermark)
        return await self._pick(seen) if isinstance(seen, tuple) else self._unread(seen)

    async def _look_elsewhere(self) -> Observed | None:
        """Look in the channel to which the part's webhook was moved; None if not moved, or the part is absent."""
        if self.outbound is None or self.outbound.kind is not OutboundKind.WEBHOOK:
            return None
        channel_id = await self._services.voice.elsewhere(self.outbound)
        if channel_id is None:
            return None
        if not isinstance(channel_id, int):
            return self._unread(channel_id)
        seen = await self._services.channel.messages(channel_id, after=self.outbound.watermark)
        if isinstance(seen, Refused) and seen.reason == CHANNEL_GONE:
            return None  # the part, if it was there, is gone with the channel
        return await self._pick_stray(seen, self.outbound) if isinstance(seen, tuple) else self._unread(seen)

    def _unread(self, unread: Refused | Unconfirmed | HeldBack) -> Observed:
        at = self._services.clock.now()
        match unread:
            case Refused(final=True, reason=reason, error=error):
                gone = reason if reason == CHANNEL_GONE else "unconfirmed"
                return Observed(ReadBackImpossible(at, gone), error)
            case Refused(reason="rate_limit", error=error):
                return Observed(_limited(at, unread), error)  # however short: the wait costs the line no attempt
            case Refused(reason=cause, retry_after_s=wait_s, error=error):
                return Observed(ReadBackFailed(at, cause, wait_s), error)
            case Unconfirmed(cause=cause, retry_after_s=wait_s, error=error):
                return Observed(ReadBackFailed(at, cause, wait_s), error)
            case HeldBack(until=until, cause=cause, since=since):
                return Observed(Held(at, until, cause, since))
            case _:
                assert_never(unread)

    async def _pick(self, seen: tuple[ChannelMessage, ...]) -> Observed | None:
        """The oldest message that shows the part and belongs to no other part; the reaper judges the rest."""
        outbound = self.outbound
        alike = [] if outbound is None else [message for message in seen if shows(message, outbound)]
        if outbound is None or not alike:
            return None
        known = await self._services.store.own_messages(self._channel_id, after=outbound.watermark)
        for message in sorted(alike, key=lambda message: message.id):
            if message.id not in known and not await self._is_anothers_stray(message, outbound):
                self._services.breakers.note_arrival()
                return Observed(FoundInChannel(self._services.clock.now(), message.id, message.text))
        return None

    async def _pick_stray(self, seen: tuple[ChannelMessage, ...], outbound: Outbound) -> Observed | None:
        """The oldest message of another channel that shows the part and is no known message of that channel."""
        for message in seen:
            if message.webhook_id == outbound.webhook_id and is_strayed(message, outbound):
                known = await self._services.store.own_messages(
                    message.channel_id, after=message.id - 1, with_takedowns=False
                )
                if message.id not in known:
                    self._services.breakers.note_arrival()
                    return Observed(SentElsewhere(self._services.clock.now(), message.channel_id, message.id))
        return None

    async def _is_anothers_stray(self, message: ChannelMessage, outbound: Outbound) -> bool:
        """Whether the message reads like the part, but is another scene's line by a webhook moved to this channel."""
        if message.webhook_id in (None, outbound.webhook_id):
            return False
        since = self._services.clock.now() - WATCH_S
        strays = await self._services.store.watched_elsewhere(self._channel_id, message.webhook_id, since=since)
        return any(is_strayed(message, one.outbound) for one in strays)


def _limited(at: float, refused: Refused) -> Held:
    """Hold the caller that met a 429, as later callers of the same bucket are held."""
    since = refused.since or at
    return Held(at, at + refused.retry_after_s, RATE_LIMIT, since, refused.status, refused.code, refused.words)
