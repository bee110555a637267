"""Implements a Discord in memory: its channels' contents, our permissions, and the events of its gateway.

    take / say / edit / remove ─► messages of a channel, ids ordered by time ─► gateway ─► the process, if it listens
                                        └─► listed: what one GET shows
    press_button ─► an interaction ─► gateway ─► its deferral ─► take_answer: edits the deferral

The invariants are checked against it: it knows under which nonce each message was posted, and who deleted it.
Nothing here is random or late. The simulation's `FaultyDiscord` delays and loses, and the fake of the actors' tests
answers by script; both are subclasses of this Discord.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from actors.ports import (
    ButtonPressed,
    ChannelGone,
    ChannelOpened,
    Deleted,
    GatewayEvent,
    MessageDeleted,
    MessageEdited,
    MessageSeen,
    MissingAsked,
    Posted,
    PostedElsewhere,
    Refused,
    Sink,
)
from actors.roleplay.model import ChannelMessage, Outbound, OutboundKind, ReplyAddress, snowflake_at
from actors.simulation.channels import ChannelState, Hook, Interaction, Remover, Shown

BOT: Final = 1

TOKEN_LIFE_S: Final = 900.0
"""How long Discord accepts answers to an interaction."""

STRIPPED: Final = str.maketrans("", "", "\u200b\ufeff")
"""Some of the characters that Discord silently strips from a text."""

PAGE_MAX: Final = 100
"""Messages in one GET (Discord's reference, "Get Channel Messages")."""

FIRST_WEBHOOK: Final = 1_000_001


class Discord:
    """All channels. `sink` is the process that receives events, if there is one."""

    def __init__(self, now: Callable[[], float], *, nonce_window_s: float, page_max: int = PAGE_MAX) -> None:
        self._now = now
        self.nonce_window_s = nonce_window_s
        self.page_max = page_max
        self.sink: Sink | None = None
        self._hooks: dict[int, Hook] = {}
        self._webhooks_made = 0
        self._last_id = 0
        self.channels: dict[int, ChannelState] = {}
        self.interactions: dict[str, Interaction] = {}  # by token

    def open_channel(self, channel_id: int) -> ChannelState:
        channel = self.channels[channel_id] = ChannelState(channel_id)
        return channel

    # ── the gateway ─────────────────────────────────────────────────────────────────────────────────

    def tell(self, channel: ChannelState, event: GatewayEvent) -> None:
        """Send an event to the process that listens."""
        if self.sink is not None:
            self._arrive(event, self.sink)

    def _arrive(self, event: GatewayEvent, sink: Sink) -> None:
        match event:
            case MessageSeen(message=message):
                shown = self.channels[message.channel_id].shown[message.id]
                shown.told_at = min(shown.told_at, self._now())
            case ButtonPressed(token=token) | MissingAsked(token=token):
                self._defer(self.interactions[token])
        sink(event)

    def _defer(self, interaction: Interaction) -> None:
        """The process that received the event defers its answer ("thinking…")."""
        interaction.is_deferred = True

    # ── what people do ──────────────────────────────────────────────────────────────────────────────

    def say(
        self, channel: ChannelState, author_id: int, name: str, text: str, *, replies_to: int | None = None
    ) -> ChannelMessage:
        message = ChannelMessage(0, channel.id, author_id, name, text, self._now(), replies_to=replies_to)
        return self._store(channel, message, "")

    def edit(self, channel: ChannelState, message_id: int, text: str) -> None:
        shown = channel.shown[message_id]
        shown.message = replace(shown.message, text=text)
        shown.amended_at = self._now()
        shown.edits.append((self._now(), text))
        self.tell(channel, MessageEdited(shown.message))

    def remove(self, channel: ChannelState, message_id: int, by: Remover) -> None:
        shown = channel.shown.get(message_id)
        if shown is not None and shown.deleted_by is None:
            shown.deleted_by = by
            shown.amended_at = self._now()
            self.tell(channel, MessageDeleted(channel.id, message_id))

    def press_button(self, channel: ChannelState, message_id: int, custom_id: str, user_id: int) -> ButtonPressed:
        """Somebody presses a button; Discord shows an error if no process defers the answer."""
        interaction = self.interact(channel)
        press = ButtonPressed(interaction.id, interaction.token, channel.id, user_id, message_id, custom_id)
        self.tell(channel, press)
        return press

    def interact(self, channel: ChannelState) -> Interaction:
        """Somebody uses a button or a menu of ours; does not send the event yet."""
        interaction = Interaction(self._next_id(), channel.id, self._now())
        self.interactions[interaction.token] = interaction
        return interaction

    def mute(self, channel: ChannelState) -> None:
        """Somebody revokes the bot's *Send Messages in Threads* permanently."""
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
        hook = Hook(FIRST_WEBHOOK + self._webhooks_made, name, channel.id)
        self._webhooks_made += 1
        self._hooks[hook.id] = hook
        return hook.id

    def webhooks_in(self, channel: ChannelState, name: str) -> list[int]:
        """Ids of the webhooks of this name that are in the channel now."""
        return [hook.id for hook in self._hooks.values() if (hook.channel_id, hook.name) == (channel.id, name)]

    def home_of(self, webhook_id: int | None) -> int | None:
        """The channel that a webhook posts into; None if the webhook or its channel is deleted."""
        hook = self._hooks.get(webhook_id or 0)
        return None if hook is None or self.channels[hook.channel_id].is_gone else hook.channel_id

    def delete_webhook(self, webhook_id: int) -> None:
        self._hooks.pop(webhook_id, None)

    def move_webhook(self, webhook_id: int, channel_id: int) -> None:
        """A moderator moves a webhook into another channel, and may move it back later."""
        self._hooks[webhook_id].channel_id = channel_id

    def refuses(self, outbound: Outbound) -> Refused | None:
        """Why Discord refuses this post now, for any sender; None if it accepts it."""
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
        """Why the deferral cannot be edited now: there is none, its token has expired, or its channel is deleted."""
        interaction = self.interactions[reply.token]
        if self.channels[interaction.channel_id].is_gone:
            return Refused("channel_gone", 404, final=True)
        is_open = interaction.is_deferred and self._now() < interaction.pressed_at + TOKEN_LIFE_S
        return None if is_open else Refused("webhook_gone", 404)

    def take_answer(self, reply: ReplyAddress, text: str) -> Posted | Refused:
        """Replace the deferral by the text."""
        refused = self.refuses_answer(reply)
        if refused is not None:
            return refused
        interaction = self.interactions[reply.token]
        interaction.answers.append(text)
        return Posted(interaction.id, text)

    def take(self, outbound: Outbound, *, is_belated: bool = False) -> Posted | PostedElsewhere | Refused:
        """Store a post, or find the message that its nonce stored before."""
        refused = self.refuses(outbound)
        if refused is not None:
            return refused
        posted = self.post(outbound, is_belated=is_belated)
        if posted is None:
            return Refused("removed", 404, final=True)
        if posted.channel_id != outbound.channel_id:
            return PostedElsewhere(posted.channel_id, posted.id)
        return Posted(posted.id, posted.text)

    def post(self, outbound: Outbound, *, is_belated: bool = False) -> ChannelMessage | None:
        """Store a post without a check of permissions; None if the message of its nonce was deleted."""
        channel = self.channels[self.home_of(outbound.webhook_id) or outbound.channel_id]
        if outbound.webhook_id is None:
            known = channel.shown.get(channel.nonces.get(outbound.nonce, 0))
            if known is not None and known.message.at + self.nonce_window_s > self._now():
                return None if known.deleted_by else known.message
        message = ChannelMessage(
            id=0,
            channel_id=channel.id,
            author_id=BOT,
            name=outbound.name,
            text=self.shown_as(outbound.text),
            at=self._now(),
            is_ours=True,
            is_bot=True,
            webhook_id=outbound.webhook_id,
            # A webhook posts notices in an embed, and lines as plain text.
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

    def shown_as(self, text: str) -> str:
        """Our text as Discord stores it."""
        return text.translate(STRIPPED).strip()

    def take_away(self, channel_id: int, message_id: int) -> Deleted | Refused:
        """Delete a message at our request."""
        channel = self.channels[channel_id]
        if channel.is_gone:
            return Refused("channel_gone", 404, final=True)
        if channel.is_closed:
            return Refused("thread_closed", 400, final=True)
        self.remove(channel, message_id, "us")
        return Deleted()

    def refuses_read(self, channel: ChannelState) -> Refused | None:
        """Why the channel cannot be read now; None if it can."""
        if channel.is_gone:
            return Refused("channel_gone", 404, final=True)
        if not channel.may_read:
            channel.forbidden_at.append(self._now())
            return Refused("forbidden", 403, final=True)
        return None

    def listed(self, channel: ChannelState, after: int) -> list[ChannelMessage]:
        """The page of one GET now: the oldest messages after `after`, newest first."""
        now = channel.read_at = self._now()
        newer: list[ChannelMessage] = []
        for message_id in reversed(channel.shown):
            if message_id <= after:
                break
            shown = channel.shown[message_id]
            if shown.deleted_by is None and shown.readable_at <= now:
                newer.append(shown.message)
        return newer[-self.page_max :]

    def every_message(self) -> Iterator[Shown]:
        """All messages that were ever stored."""
        for channel in self.channels.values():
            yield from channel.shown.values()

    def _store(self, channel: ChannelState, message: ChannelMessage, nonce: str) -> ChannelMessage:
        now = self._now()
        stored = replace(message, id=self._next_id())
        channel.shown[stored.id] = Shown(stored, nonce, now + self._hidden_s(), said=stored.text)
        if stored.is_ours:
            channel.ours += 1
            channel.bell.ring()
        self.tell(channel, MessageSeen(stored))
        return stored

    def _hidden_s(self) -> float:
        """How long a message that is stored now is missing from reads."""
        return 0.0

    def _next_id(self) -> int:
        self._last_id = max(self._last_id + 1, snowflake_at(self._now()))
        return self._last_id
