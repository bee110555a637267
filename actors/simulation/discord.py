"""A simulated Discord: what its channels hold, what it lets us do, and what its gateway tells.

    post / say / edit / delete ─► messages of a channel, ids ordered by time ─► gateway ─► the process, if it listens
                                        └─► read: what was stored a moment ago is not in it yet
    press ─► an interaction ─► gateway ─► its deferral, if that is in time ─► post with a `reply`: edits the deferral

It knows the truth that the invariants are held against: under which nonce each message was posted, and who
deleted it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Final, Literal

from actors.ports import (
    ButtonPressed,
    ChannelGone,
    ChannelOpened,
    GatewayEvent,
    MessageDeleted,
    MessageEdited,
    MessageSeen,
    Posted,
    PostedElsewhere,
    Refused,
    ShardDown,
    ShardReady,
    ShardResumed,
    Sink,
)
from actors.roleplay.model import Button, ChannelMessage, Outbound, OutboundKind, ReplyAddress, snowflake_at
from actors.simulation.channels import ChannelState, Hook, Interaction, Remover, Shown
from actors.simulation.faults import DEFERRAL, GATEWAY, Faults
from actors.simulation.rate_limits import RateLimits
from actors.simulation.virtual_time import call_at

BOT: Final = 1
READABLE_AFTER_S: Final = 2.0
"""The longest time for which a stored message is not in reads; a line has SETTLE_S to turn up."""

EVENT_DELAY_S: Final = 20.0
"""How late the gateway may tell of something."""

TICK_S: Final = 0.001
"""Between two events of a channel: the loop keeps no order among timers of one moment."""

DEFERRAL_S: Final = 3.0
"""How long Discord waits for the first answer to an interaction."""

TOKEN_LIFE_S: Final = 900.0
"""How long it takes the other ones."""

STRIPPED: Final = str.maketrans("", "", "\u200b\ufeff")
"""Some of what Discord takes out of a text without a word."""

PAGE_MAX: Final = 100
"""Messages that one GET shows (Discord's reference, "Get Channel Messages")."""

ServerOrder = Literal["newest_first", "oldest_first", "shuffled"]


class Discord:
    """All channels. `gateway` is the connection of the process that lives, if it has one."""

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
        """`muted_share`: of channels that are threads in which the bot may not write."""
        self._muted_share = muted_share
        self._faults = faults
        self._now = now
        self._order = order
        self._shuffle = faults.stream("order").shuffle
        self.page_max = page_max
        self._random = faults.stream("discord")
        self._nonce_window_s = nonce_window_s
        self._sink: Sink | None = None
        self._connection = 0
        self._under_way: list[GatewayEvent] = []  # told to this connection, and not there yet
        self._gap: list[GatewayEvent] | None = None  # what a resumed connection is told afterwards
        self._hooks: dict[int, Hook] = {}
        self._webhooks_made = 0
        self._last_id = 0
        self.channels: dict[int, ChannelState] = {}
        self.interactions: dict[str, Interaction] = {}  # by token
        self.out_until = 0.0
        self.writing_out_until = 0.0
        self.landing = 0  # requests that are on their way here
        self.limits = RateLimits(now)

    def open_channel(self, channel_id: int) -> ChannelState:
        channel = self.channels[channel_id] = ChannelState(channel_id)
        if self._muted_share and self._faults.stream("muted").random() < self._muted_share:
            self.mute(channel)
        return channel

    @property
    def is_out(self) -> bool:
        return self._now() < self.out_until

    @property
    def is_writing_out(self) -> bool:
        """Whether nothing can be posted, though it may be that everything can be read."""
        return self._now() < max(self.out_until, self.writing_out_until)

    # ── the gateway ─────────────────────────────────────────────────────────────────────────────────

    def connect(self, sink: Sink) -> None:
        """A process listens; whatever was under way to another one is lost."""
        self.disconnect()
        self._sink = sink
        sink(ShardReady(0, "Ensemble", len(self.channels)))

    def disconnect(self) -> None:
        self._connection += 1
        self._sink = None
        self._under_way = []
        self._gap = None

    def lose_gateway(self, for_s: float, *, resumes: bool) -> None:
        """The connection breaks; events are lost until READY, or told late where it resumes."""
        sink = self._sink
        if sink is None or self._gap is not None:
            return
        self._connection += 1
        connection = self._connection
        # What had not come through counts as untold: a resumed connection goes on behind the last that came.
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
        """Tell the process, in the channel's order, a moment later or much later."""
        if self._gap is not None:
            self._gap.append(event)
        if self._sink is None or self._gap is not None:
            return
        fault = self._faults.pick("gateway", GATEWAY, share=0.1)
        delay_s = self._random.random() * (EVENT_DELAY_S if fault == "event_delayed" else 0.1)
        channel.told_at = max(channel.told_at + TICK_S, self._now() + delay_s)
        connection, times = self._connection, 2 if fault == "event_twice" else 1
        self._under_way.append(event)

        def arrive() -> None:
            if connection == self._connection and self._sink is not None:
                self._under_way.remove(event)
                self._arrive(event, self._sink, times)

        call_at(channel.told_at, arrive)

    def _arrive(self, event: GatewayEvent, sink: Sink, times: int = 1) -> None:
        if isinstance(event, MessageSeen):
            shown = self.channels[event.message.channel_id].shown[event.message.id]
            shown.told_at = min(shown.told_at, self._now())
        if isinstance(event, ButtonPressed):
            self._defer(self.interactions[event.token])
        for _ in range(times):
            sink(event)

    # ── what people do ──────────────────────────────────────────────────────────────────────────────

    def say(self, channel: ChannelState, author_id: int, name: str, text: str) -> ChannelMessage:
        return self._store(channel, ChannelMessage(0, channel.id, author_id, name, text, self._now()), "")

    def edit(self, channel: ChannelState, message_id: int, text: str) -> None:
        shown = channel.shown[message_id]
        shown.message = replace(shown.message, text=text)
        shown.amended_at = self._now()
        shown.edits.append((self._now(), text))
        self.tell(channel, MessageEdited(shown.message))

    def delete(self, channel: ChannelState, message_id: int, by: Remover) -> None:
        shown = channel.shown.get(message_id)
        if shown is not None and shown.deleted_by is None:
            shown.deleted_by = by
            shown.amended_at = self._now()
            self.tell(channel, MessageDeleted(channel.id, message_id))

    def press(self, channel: ChannelState, shown: Shown, button: Button, user_id: int) -> None:
        """Somebody presses a button; Discord shows them an error where nobody is there to think about it."""
        interaction = Interaction(self._next_id(), channel.id, self._now())
        token = f"token of {interaction.id}"
        self.interactions[token] = interaction
        press = ButtonPressed(interaction.id, token, channel.id, user_id, shown.message.id, button.custom_id)
        self.tell(channel, press)

    def _defer(self, interaction: Interaction) -> None:
        """The process that was told says that it thinks about it."""

        def arrive() -> None:
            if self._now() <= interaction.pressed_at + DEFERRAL_S:
                interaction.is_deferred = True

        if not self.is_out and self._faults.pick("deferral", DEFERRAL, share=0.3) is None:
            call_at(self._now() + 0.4 * self._faults.stream("deferral time").random(), arrive)

    def mute(self, channel: ChannelState) -> None:
        """Somebody takes *Send Messages in Threads* from the bot, and never gives it back."""
        channel.is_muted, channel.may_send = True, False

    def close_thread(self, channel: ChannelState, *, is_closed: bool) -> None:
        """A moderator locks the thread, or opens it again."""
        was_closed, channel.is_closed = channel.is_closed, is_closed
        if was_closed and not is_closed:
            self.tell(channel, ChannelOpened(channel.id))

    def delete_channel(self, channel: ChannelState) -> None:
        channel.is_gone = True
        channel.bell.ring()
        self.tell(channel, ChannelGone(channel.id))

    # ── what we do ──────────────────────────────────────────────────────────────────────────────────

    def make_webhook(self, channel: ChannelState, name: str) -> int:
        self._webhooks_made += 1
        hook = Hook(1_000_000 + self._webhooks_made, name, channel.id)
        self._hooks[hook.id] = hook
        return hook.id

    def webhooks(self, channel: ChannelState, name: str) -> list[int]:
        """Those of this name that are in the channel now."""
        return [hook.id for hook in self._hooks.values() if (hook.channel_id, hook.name) == (channel.id, name)]

    def home_of(self, webhook_id: int | None) -> int | None:
        """The channel that a webhook posts into; None where it is gone, by itself or with its channel."""
        hook = self._hooks.get(webhook_id or 0)
        return None if hook is None or self.channels[hook.channel_id].is_gone else hook.channel_id

    def delete_webhook(self, webhook_id: int) -> None:
        self._hooks.pop(webhook_id, None)

    def move_webhook(self, webhook_id: int, random: Random) -> None:
        """A moderator moves it into another channel, and may move it back later."""
        hook = self._hooks.get(webhook_id)
        others = [channel.id for channel in self.channels.values() if not channel.is_gone]
        if hook is not None:
            hook.channel_id = random.choice(others)

    def move_any_webhook(self, random: Random) -> None:
        if self._hooks:
            self.move_webhook(random.choice(list(self._hooks)), random)

    def refuses(self, outbound: Outbound) -> Refused | None:
        """Why this cannot be posted now, whoever asks."""
        channel = self.channels[outbound.channel_id]
        if channel.is_gone:
            return Refused("channel_gone", 404, final=True)
        if channel.is_closed:
            return Refused("thread_closed", 400, final=True)
        if outbound.webhook_id is not None:
            if not channel.may_use_webhooks:
                return Refused("webhooks_forbidden", 403)
            if self.home_of(outbound.webhook_id) is None:
                return Refused("webhook_gone", 404)
        elif not channel.may_send:
            return Refused("forbidden", 403, final=True)
        return None

    def refuses_answer(self, reply: ReplyAddress) -> Refused | None:
        """Why the deferral cannot be edited now: there is none, its time is over, or its channel is gone."""
        interaction = self.interactions[reply.token]
        if self.channels[interaction.channel_id].is_gone:
            return Refused("channel_gone", 404, final=True)
        is_open = interaction.is_deferred and self._now() < interaction.pressed_at + TOKEN_LIFE_S
        return None if is_open else Refused("webhook_gone", 404)

    def answer(self, reply: ReplyAddress, text: str) -> Posted:
        """Put the text in the place of the deferral."""
        interaction = self.interactions[reply.token]
        interaction.answers.append(text)
        return Posted(interaction.id, text)

    def post(self, outbound: Outbound, *, is_belated: bool = False) -> Posted | PostedElsewhere | None:
        """Store it, or find what its nonce stored; None where that has been deleted since."""
        posted = self._post(outbound, is_belated=is_belated)
        if posted is None:
            return None
        if posted.channel_id != outbound.channel_id:
            return PostedElsewhere(posted.channel_id, posted.id)
        return Posted(posted.id, posted.text)

    def _post(self, outbound: Outbound, *, is_belated: bool) -> ChannelMessage | None:
        channel = self.channels[self.home_of(outbound.webhook_id) or outbound.channel_id]
        if outbound.webhook_id is None:
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
            # A webhook says notices in an embed, and lines as plain text.
            is_embed=outbound.kind is OutboundKind.EMBED
            or (outbound.kind is OutboundKind.TEXT and outbound.webhook_id is not None),
            button_ids=tuple(button.custom_id for button in outbound.buttons),
        )
        stored = self._store(channel, message, outbound.nonce)
        channel.shown[stored.id].buttons = outbound.buttons
        channel.shown[stored.id].is_belated = is_belated
        if outbound.webhook_id is None:
            channel.nonces[outbound.nonce] = stored.id
        return stored

    def page(self, channel: ChannelState, after: int) -> list[ChannelMessage]:
        """What one GET shows now, in this server's order."""
        now = channel.read_at = self._now()
        newer: list[ChannelMessage] = []
        for message_id in reversed(channel.shown):
            if message_id <= after:
                break
            shown = channel.shown[message_id]
            if shown.deleted_by is None and shown.readable_at <= now:
                newer.append(shown.message)
        page = newer[-self.page_max :]  # the oldest of them, newest first
        if self._order == "oldest_first":
            page.reverse()
        if self._order == "shuffled":
            self._shuffle(page)
        return page

    def every_message(self) -> Iterator[Shown]:
        """All that was ever stored."""
        for channel in self.channels.values():
            yield from channel.shown.values()

    def _store(self, channel: ChannelState, message: ChannelMessage, nonce: str) -> ChannelMessage:
        now = self._now()
        stored = replace(message, id=self._next_id())
        hidden_s = READABLE_AFTER_S * self._random.random() if self._random.random() < 0.2 else 0.0
        channel.shown[stored.id] = Shown(stored, nonce, now + hidden_s, said=stored.text)
        if stored.is_ours:
            channel.ours += 1
            channel.bell.ring()
        self.tell(channel, MessageSeen(stored))
        return stored

    def _next_id(self) -> int:
        self._last_id = max(self._last_id + 1, snowflake_at(self._now()))
        return self._last_id
