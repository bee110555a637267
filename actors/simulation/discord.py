"""A simulated Discord: what its channels hold, what it lets us do, and what its gateway tells.

    post / say / edit / delete ─► messages of a channel, ids ordered by time ─► gateway ─► the process, if it listens
                                        └─► read: what was stored a moment ago is not in it yet

It knows the truth that the invariants are held against: under which nonce each message was posted, and who
deleted it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from actors.ports import (
    ChannelGone,
    GatewayEvent,
    MessageDeleted,
    MessageEdited,
    MessageSeen,
    Refused,
    ShardDown,
    ShardReady,
    ShardResumed,
    Sink,
)
from actors.roleplay.model import ChannelMessage, Outbound, OutboundKind, snowflake_at
from actors.simulation.faults import GATEWAY, Faults
from actors.simulation.virtual_time import call_at

BOT: Final = 1
READABLE_AFTER_S: Final = 2.0
"""The longest time for which a stored message is not in reads; a line has SETTLE_S to turn up."""

EVENT_DELAY_S: Final = 20.0
"""How late the gateway may tell of something."""

TICK_S: Final = 0.001
"""Between two events of a channel: the loop keeps no order among timers of one moment."""

STRIPPED: Final = str.maketrans("", "", "\u200b\ufeff")
"""Some of what Discord takes out of a text without a word."""

Remover = Literal["us", "people"]


@dataclass(slots=True)
class Shown:
    """One message that was ever stored; `nonce` is empty for people's."""

    message: ChannelMessage
    nonce: str
    readable_at: float
    deleted_by: Remover | None = None
    amended_at: float | None = None
    is_told: bool = False  # the gateway told a process of it


@dataclass(slots=True)
class ChannelState:
    """A channel, and what we may do in it."""

    id: int
    shown: dict[int, Shown] = field(default_factory=dict)
    nonces: dict[str, int] = field(default_factory=dict)
    webhooks: dict[str, int] = field(default_factory=dict)  # by character
    is_gone: bool = False
    may_send: bool = True
    may_read: bool = True
    may_use_webhooks: bool = True
    read_at: float = 0.0  # when it was last read with success
    unreadable_ids: list[int] = field(default_factory=list)  # newest id when a read was forbidden
    ours: int = 0  # messages of ours that were ever stored
    told_at: float = 0.0  # when the gateway tells the newest event: they keep their order

    @property
    def newest_id(self) -> int:
        return next(reversed(self.shown), 0)


class Discord:
    """All channels. `gateway` is the connection of the process that lives, if it has one."""

    def __init__(self, faults: Faults, now: Callable[[], float], *, nonce_window_s: float) -> None:
        self._faults = faults
        self._now = now
        self._random = faults.stream("discord")
        self._nonce_window_s = nonce_window_s
        self._sink: Sink | None = None
        self._connection = 0
        self._gap: list[GatewayEvent] | None = None  # what a resumed connection is told afterwards
        self._webhooks_made = 0
        self._last_id = 0
        self.channels: dict[int, ChannelState] = {}
        self.out_until = 0.0
        self.landing = 0  # requests that are on their way here

    def open_channel(self, channel_id: int) -> ChannelState:
        channel = self.channels[channel_id] = ChannelState(channel_id)
        return channel

    @property
    def is_out(self) -> bool:
        return self._now() < self.out_until

    # ── the gateway ─────────────────────────────────────────────────────────────────────────────────

    def connect(self, sink: Sink) -> None:
        """A process listens; whatever was under way to another one is lost."""
        self._connection += 1
        self._gap = None
        self._sink = sink
        sink(ShardReady(0, "Ensemble", len(self.channels)))

    def disconnect(self) -> None:
        self._connection += 1
        self._sink = None
        self._gap = None

    def lose_gateway(self, for_s: float, *, resumes: bool) -> None:
        """The connection breaks; events are lost until READY, or told late where it resumes."""
        sink = self._sink
        if sink is None or self._gap is not None:
            return
        self._connection += 1
        connection = self._connection
        self._gap = []
        sink(ShardDown(0))

        def back() -> None:
            if self._connection != connection:
                return  # the process is gone
            gap, self._gap = self._gap or [], None
            if resumes:
                for event in gap:
                    sink(event)
                sink(ShardResumed(0))
            else:
                sink(ShardReady(0, "Ensemble", len(self.channels)))

        call_at(self._now() + for_s, back)

    def tell(self, channel: ChannelState, event: GatewayEvent) -> None:
        """Tell the process, in the channel's order, a moment later or much later."""
        if self._gap is not None:
            self._gap.append(event)
        if self._sink is None or self._gap is not None:
            return
        fault = self._faults.pick("gateway", GATEWAY, share=0.1)
        delay_s = self._random.random() * (EVENT_DELAY_S if fault == "event_delayed" else 0.1)
        channel.told_at = max(channel.told_at + TICK_S, self._now() + delay_s)
        connection, times = self._connection, 2 if fault == "event_twice" else 1

        def arrive() -> None:
            if connection == self._connection and self._sink is not None:
                if isinstance(event, MessageSeen):
                    channel.shown[event.message.id].is_told = True
                for _ in range(times):
                    self._sink(event)

        call_at(channel.told_at, arrive)

    # ── what people do ──────────────────────────────────────────────────────────────────────────────

    def say(self, channel: ChannelState, author_id: int, name: str, text: str) -> ChannelMessage:
        return self._store(channel, ChannelMessage(0, channel.id, author_id, name, text, self._now()), "")

    def edit(self, channel: ChannelState, message_id: int, text: str) -> None:
        shown = channel.shown[message_id]
        shown.message = replace(shown.message, text=text)
        shown.amended_at = self._now()
        self.tell(channel, MessageEdited(channel.id, message_id, text))

    def delete(self, channel: ChannelState, message_id: int, by: Remover) -> None:
        shown = channel.shown.get(message_id)
        if shown is not None and shown.deleted_by is None:
            shown.deleted_by = by
            shown.amended_at = self._now()
            self.tell(channel, MessageDeleted(channel.id, message_id))

    def delete_channel(self, channel: ChannelState) -> None:
        channel.is_gone = True
        self.tell(channel, ChannelGone(channel.id))

    # ── what we do ──────────────────────────────────────────────────────────────────────────────────

    def webhook(self, channel: ChannelState, character_id: str) -> int:
        """The character's webhook here, made where there is none."""
        if character_id not in channel.webhooks:
            self._webhooks_made += 1
            channel.webhooks[character_id] = 1_000_000 + self._webhooks_made
        return channel.webhooks[character_id]

    def refuses(self, outbound: Outbound) -> Refused | None:
        """Why this cannot be posted now, whoever asks."""
        channel = self.channels[outbound.channel_id]
        if channel.is_gone:
            return Refused("channel_gone", 404, final=True)
        if outbound.kind is OutboundKind.WEBHOOK:
            if not channel.may_use_webhooks:
                return Refused("webhooks_forbidden", 403)
            if outbound.webhook_id not in channel.webhooks.values():
                return Refused("webhook_gone", 404)
        elif not channel.may_send:
            return Refused("forbidden", 403, final=True)
        return None

    def post(self, outbound: Outbound) -> ChannelMessage | None:
        """Store it, or find what its nonce stored; None where that has been deleted since."""
        channel = self.channels[outbound.channel_id]
        if outbound.kind is not OutboundKind.WEBHOOK:
            known = channel.shown.get(channel.nonces.get(outbound.nonce, 0))
            if known is not None and known.message.at + self._nonce_window_s > self._now():
                return None if known.deleted_by else known.message
        message = ChannelMessage(
            id=0,
            channel_id=channel.id,
            author_id=BOT,
            name=outbound.name,
            text=outbound.text.translate(STRIPPED).strip(),
            at=self._now(),
            is_ours=True,
            is_bot=True,
            webhook_id=outbound.webhook_id,
            is_embed=outbound.kind is OutboundKind.EMBED,
        )
        stored = self._store(channel, message, outbound.nonce)
        if outbound.kind is not OutboundKind.WEBHOOK:
            channel.nonces[outbound.nonce] = stored.id
        return stored

    def read(self, channel: ChannelState, after: int) -> tuple[ChannelMessage, ...]:
        """What a GET shows now, oldest first."""
        now = channel.read_at = self._now()
        newer: list[ChannelMessage] = []
        for message_id in reversed(channel.shown):
            if message_id <= after:
                break
            shown = channel.shown[message_id]
            if shown.deleted_by is None and shown.readable_at <= now:
                newer.append(shown.message)
        return tuple(reversed(newer))

    def every_message(self) -> Iterator[Shown]:
        """All that was ever stored."""
        for channel in self.channels.values():
            yield from channel.shown.values()

    def _store(self, channel: ChannelState, message: ChannelMessage, nonce: str) -> ChannelMessage:
        now = self._now()
        self._last_id = max(self._last_id + 1, snowflake_at(now))
        stored = replace(message, id=self._last_id)
        hidden_s = READABLE_AFTER_S * self._random.random() if self._random.random() < 0.2 else 0.0
        channel.shown[stored.id] = Shown(stored, nonce, now + hidden_s)
        channel.ours += stored.is_ours
        self.tell(channel, MessageSeen(stored))
        return stored
