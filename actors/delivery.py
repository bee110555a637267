"""Delivering a line: each try durable before the wire, and what is in doubt read back from the channel."""

from __future__ import annotations

from typing import Final, assert_never

from actors.ports import CANCELLED, AttemptBegan, Context, HeldBack, Posted, Refused, ResponseRecord, Unconfirmed
from actors.roleplay.history import shows
from actors.roleplay.model import ChannelMessage, Claim, Outbound, OutboundKind, nonce_of
from actors.told import Told
from actors.world import World
from machines.facts import (
    FoundInChannel,
    Held,
    NotInChannel,
    ReadBackFailed,
    ReadBackImpossible,
    SendRefused,
    SendUnconfirmed,
    Sent,
)
from machines.response import Response

CHANNEL_GONE: Final = "channel_gone"
"""The reason with which the Discord adapter says 404/10003; the machine tells nobody of it."""


class Delivery:
    """The tries at one response's parts. `outbound` is what the current part last sent, or meant to."""

    def __init__(self, world: World, claim: Claim, record: ResponseRecord, context: Context) -> None:
        self._world = world
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
            nonce=nonce_of(self._response.id, part),
            fence=self._record.trigger_id,
            webhook_id=webhook_id,
            character_id=character.id,
        )

    def _told_of(
        self, outcome: Posted | Refused | Unconfirmed | HeldBack, kind: OutboundKind, *, on_wire: bool = True
    ) -> Told:
        at = self._world.clock.now()
        match outcome:
            case Posted(message_id=message_id, text=text):
                return Told(Sent(at, message_id, text))
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
        """Look at once and, while absent, once more when the part had its time to land."""
        clock = self._world.clock
        await clock.sleep_until(first_at)
        while True:
            began = clock.now()
            told = await self._look()
            if told is not None:
                return told
            if began >= settled_at:
                return Told(NotInChannel(clock.now()))
            await clock.sleep_until(settled_at)

    async def _look(self) -> Told | None:
        """One read of the channel since the fence; None when the part is not in it."""
        if self.outbound is None:
            return None  # it never came near the wire
        now = self._world.clock.now
        seen = await self._world.channel.messages(self._channel_id, after=self.outbound.fence)
        match seen:
            case Refused(final=True, reason=reason, error=error):
                gone = reason if reason == CHANNEL_GONE else "unconfirmed"
                return Told(ReadBackImpossible(now(), gone), error)
            case Refused(reason=cause, retry_after_s=wait_s, error=error):
                return Told(ReadBackFailed(now(), cause, wait_s), error)
            case Unconfirmed(cause=cause, retry_after_s=wait_s, error=error):
                return Told(ReadBackFailed(now(), cause, wait_s), error)
            case HeldBack(until=until, cause=cause, since=since):
                return Told(Held(now(), until, cause, since))
            case tuple():
                return await self._pick(seen, self.outbound)
            case _:
                assert_never(seen)

    async def _pick(self, seen: tuple[ChannelMessage, ...], outbound: Outbound) -> Told | None:
        """The oldest message that shows the part and belongs to no other one; the reaper sees to further ones."""
        store, channel_id = self._world.store, self._channel_id
        known = await store.own_messages(channel_id, after=outbound.fence)
        for message in seen:
            if message.id not in known and shows(message, outbound):
                self._world.breakers.note_arrival()
                return Told(FoundInChannel(self._world.clock.now(), message.id, message.text))
        return None
