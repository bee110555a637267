"""Extends the Discord in memory with a gateway that delays, repeats and loses events, and with reads that lag.

stored ─► gateway ─► in transit, in the channel's order ─► the process, if it is still connected
            │                                    └─► lost, or sent late by a connection that resumes
            └─► read: what was stored a moment ago is not in it yet
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final, Literal

from actors.ports import GatewayEvent, ShardDown, ShardReady, ShardResumed, Sink
from actors.roleplay.model import ChannelMessage
from actors.simulation.channels import ChannelState, Interaction
from actors.simulation.discord import PAGE_MAX, Discord
from actors.simulation.faults import DEFERRAL, GATEWAY, Faults
from actors.simulation.rate_limits import RateLimits
from actors.simulation.virtual_time import call_at

READABLE_AFTER_S: Final = 2.0
"""The longest time for which a stored message is missing from reads; a line has SETTLE_S to appear."""

EVENT_DELAY_S: Final = 20.0
"""The longest delay of an event."""

TICK_S: Final = 0.001
"""Between two events of a channel, because the loop does not keep the order of timers with equal times."""

DEFERRAL_S: Final = 3.0
"""How long Discord waits for the first answer to an interaction."""

ServerOrder = Literal["newest_first", "oldest_first", "shuffled"]


class FaultyDiscord(Discord):
    """`sink` is the connection of the living process, if it has one."""

    def __init__(
        self,
        faults: Faults,
        now: Callable[[], float],
        *,
        nonce_window_s: float,
        order: ServerOrder = "newest_first",
        page_max: int = PAGE_MAX,
        muted_share: float = 0.0,
    ) -> None:
        """`muted_share`: share of channels that are threads in which the bot may not write."""
        super().__init__(now, nonce_window_s=nonce_window_s, page_max=page_max)
        self._muted_share = muted_share
        self._faults = faults
        self._order = order
        self._shuffle = faults.stream("order").shuffle
        self._random = faults.stream("discord")
        self._connection = 0
        self._under_way: list[GatewayEvent] = []  # sent to this connection, and not received yet
        self._gap: list[GatewayEvent] | None = None  # what a resumed connection receives later
        self.out_until = 0.0
        self.writing_out_until = 0.0
        self.landing = 0  # requests in transit to this Discord
        self.limits = RateLimits(now)

    def open_channel(self, channel_id: int) -> ChannelState:
        channel = super().open_channel(channel_id)
        if self._muted_share and self._faults.stream("muted").random() < self._muted_share:
            self.mute(channel)
        return channel

    @property
    def is_out(self) -> bool:
        return self._now() < self.out_until

    @property
    def is_writing_out(self) -> bool:
        """Whether nothing can be posted; reads may still work."""
        return self._now() < max(self.out_until, self.writing_out_until)

    # ── the gateway ─────────────────────────────────────────────────────────────────────────────────

    def connect(self, sink: Sink) -> None:
        """Connect a process; events in transit to the one before are lost."""
        self.disconnect()
        self.sink = sink
        sink(ShardReady(0, "Ensemble", len(self.channels)))

    def disconnect(self) -> None:
        self._connection += 1
        self.sink = None
        self._under_way = []
        self._gap = None

    def lose_gateway(self, for_s: float, *, resumes: bool) -> None:
        """Break the connection; events are lost until READY, or sent late if it resumes."""
        sink = self.sink
        if sink is None or self._gap is not None:
            return
        self._connection += 1
        connection = self._connection
        # Events in transit count as not received: a resumed connection continues after the last received event.
        self._gap, self._under_way = self._under_way, []
        sink(ShardDown(0))

        def back() -> None:
            if self._connection != connection:
                return  # the process is gone
            gap, self._gap = self._gap or [], None
            if resumes:
                for event in gap:
                    self._arrive(event, sink)
                sink(ShardResumed(0))
            else:
                sink(ShardReady(0, "Ensemble", len(self.channels)))

        call_at(self._now() + for_s, back)

    def tell(self, channel: ChannelState, event: GatewayEvent) -> None:
        """Send an event to the process in the channel's order, a moment later or much later."""
        if self._gap is not None:
            self._gap.append(event)
        if self.sink is None or self._gap is not None:
            return
        fault = self._faults.pick("gateway", GATEWAY, share=0.1)
        delay_s = self._random.random() * (EVENT_DELAY_S if fault == "event_delayed" else 0.1)
        channel.told_at = max(channel.told_at + TICK_S, self._now() + delay_s)
        connection = self._connection
        self._under_way.append(event)

        def arrive() -> None:
            if connection == self._connection and self.sink is not None:
                self._under_way.remove(event)
                self._arrive(event, self.sink)
                if fault == "event_twice":
                    self.sink(event)

        call_at(channel.told_at, arrive)

    def _defer(self, interaction: Interaction) -> None:
        """The process that received the event defers its answer, unless the deferral is lost or late."""

        def arrive() -> None:
            if self._now() <= interaction.pressed_at + DEFERRAL_S:
                interaction.is_deferred = True

        if not self.is_out and self._faults.pick("deferral", DEFERRAL, share=0.3) is None:
            call_at(self._now() + 0.4 * self._faults.stream("deferral time").random(), arrive)

    # ── reads and webhooks ──────────────────────────────────────────────────────────────────────────

    def listed(self, channel: ChannelState, after: int) -> list[ChannelMessage]:
        """The page of one GET now, in this server's order."""
        page = super().listed(channel, after)
        if self._order == "oldest_first":
            page.reverse()
        if self._order == "shuffled":
            self._shuffle(page)
        return page

    def _hidden_s(self) -> float:
        return READABLE_AFTER_S * self._random.random() if self._random.random() < 0.2 else 0.0

    def move_anywhere(self, webhook_id: int, random: Random) -> None:
        """A moderator moves a webhook, if it still exists."""
        others = [channel.id for channel in self.channels.values() if not channel.is_gone]
        if webhook_id in self._hooks and others:
            self.move_webhook(webhook_id, random.choice(others))

    def move_any_webhook(self, random: Random) -> None:
        if self._hooks:
            self.move_anywhere(random.choice(list(self._hooks)), random)
