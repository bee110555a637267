"""Ports for channels: how actors send lines, read a channel and delete messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from actors.roleplay.model import ChannelMessage, Character, Outbound, OutboundKind, ReplyAddress
from machines.facts import RATE_LIMIT as RATE_LIMIT  # a cause of HeldBack, for adapters
from machines.reasons import HeldReason, SendReason


@dataclass(frozen=True, slots=True)
class Posted:
    """Discord confirmed the message; `text` is what it returned."""

    message_id: int
    text: str


@dataclass(frozen=True, slots=True)
class PostedElsewhere:
    """Discord stored the message in another channel, because the webhook was moved there. The webhook is forgotten."""

    channel_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Certainly nothing was stored or done. `final`: the same request cannot succeed.

    `reason` is a word for the journal and for notices, such as `rate_limit`, `forbidden`, `channel_gone`,
    `thread_closed`, `webhook_gone`, `webhook_moved`, `removed`, `too_long`, `blocked`, `outage`. `error` is for the
    operator's log alone. `code` and `words` are Discord's own (its JSON error code; 0 or None without one):
    for operators, never for a channel.
    `since` is the time at which a rate limit closed its bucket; 0 without a limit.
    """

    reason: SendReason
    status: int | None = None
    retry_after_s: float = 0.0
    final: bool = False
    error: BaseException | None = None
    code: int | None = None
    words: str = ""
    needs: str = ""
    """If it is forbidden: the permissions that the bot needs, as Discord's settings name them."""
    since: float = 0.0

    @property
    def summary(self) -> str:
        """For the operator's log: `forbidden 403, Missing Permissions (code 50013)`."""
        return _summary(self.reason, self.status, self.code, self.words)


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """The request was sent, but no usable answer came back: it may have been carried out."""

    cause: SendReason
    status: int | None = None
    retry_after_s: float = 0.0
    error: BaseException | None = None
    code: int | None = None
    words: str = ""

    @property
    def summary(self) -> str:
        """For the operator's log, as in Refused."""
        return _summary(self.cause, self.status, self.code, self.words)


def _summary(reason: str, status: int | None, code: int | None, words: str) -> str:
    answered = reason if status is None else f"{reason} {status}"
    said = " ".join(filter(None, (words, f"(code {code})" if code else "")))
    return f"{answered}, {said}" if said else answered


@dataclass(frozen=True, slots=True)
class HeldBack:
    """No request may be sent before `until`: since `since` a breaker is open, or a limit holds (RATE_LIMIT).

    Times are seconds since 1970. The cause is empty if there is only no connection yet.
    """

    until: float
    cause: HeldReason = ""
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Deleted:
    """The message is not, or no longer, in the channel."""


@dataclass(frozen=True, slots=True)
class Page:
    """Consecutive messages, oldest first; the next page begins after `newest`, None on the last page."""

    messages: tuple[ChannelMessage, ...]
    newest: int | None


PrepareOutcome = tuple[OutboundKind, int | None] | Refused | HeldBack
SendOutcome = Posted | PostedElsewhere | Refused | Unconfirmed | HeldBack
ReplyOutcome = Posted | Refused | Unconfirmed | HeldBack
ElsewhereOutcome = int | None | Refused | Unconfirmed | HeldBack
DeleteOutcome = Deleted | Refused | Unconfirmed | HeldBack
ReadOutcome = tuple[ChannelMessage, ...] | Refused | Unconfirmed | HeldBack
PageOutcome = Page | Refused | Unconfirmed | HeldBack


class Voice(Protocol):
    """How lines reach a channel. One call of `send` is one attempt on the wire."""

    async def prepare(
        self, channel_id: int, character: Character
    ) -> tuple[OutboundKind, int | None] | Refused | HeldBack:
        """Choose how `character` speaks here: the kind and the webhook, which is created if there is none.

        An existing webhook of ours is adopted. Falls back to EMBED if webhooks are not allowed.
        """
        ...

    async def prepare_text(self, channel_id: int) -> PrepareOutcome:
        """Choose how a notice or an answer is sent: as the bot's own message, or by a webhook if the bot may not write.

        Discord checks no nonce of a webhook's message.
        """
        ...

    async def send(self, outbound: Outbound) -> SendOutcome:
        """Send once, with the nonce of `outbound`. Mentions never ping."""
        ...

    async def elsewhere(self, outbound: Outbound) -> ElsewhereOutcome:
        """Return another channel in which an attempt at `outbound` may be: its webhook was moved there and forgotten.

        None if the webhook is in its channel, or Discord no longer knows it.
        """
        ...


class Replies(Protocol):
    """Replaces the acknowledgement of an interaction (a button, a menu) by its answer."""

    async def answer(self, reply: ReplyAddress, text: str) -> ReplyOutcome:
        """Replace the acknowledgement by `text`. The last text stays, so a call may be repeated."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a person asks, and what the server lets the person do there.

    `server_id` is None in direct messages, where a person `moderates`, and in a place that Discord does not explain at
    the moment. `home_id` is the channel, or the one that a thread belongs to.
    """

    server_id: int | None
    home_id: int
    moderates: bool
    is_private: bool = False


class Channel(Protocol):
    """What actors do in a channel besides sending lines."""

    async def messages(self, channel_id: int, *, after: int) -> ReadOutcome:
        """Every message newer than `after`, oldest first. A read of more than 2,000 fails."""
        ...

    async def page(self, channel_id: int, *, after: int) -> PageOutcome:
        """Return the first page of messages newer than `after`."""
        ...

    async def delete(self, channel_id: int, message_id: int, webhook_id: int | None) -> DeleteOutcome:
        """Delete a message of ours; an absent one counts as deleted."""
        ...

    async def named(self, message: ChannelMessage) -> ChannelMessage:
        """Return the message with its author's name in the server, if a read gave the account's name. Never fails."""
        ...

    async def standing(self, channel_id: int, user_id: int, *, moderates: bool | None) -> Standing:
        """Return a person's standing; `moderates` as the event said it, else it is requested. Never fails: what cannot
        be found out is not allowed."""
        ...

    async def typing(self, channel_id: int) -> None:
        """Show *is typing…* for about ten seconds. Never fails: a line does not depend on it."""
        ...


@dataclass(frozen=True, slots=True)
class RefusedName:
    """A name that Discord refused: as a webhook's own (`is_of_webhook`), or as that of one message.

    `word` is the part that Discord objected to, if it said which.
    """

    name: str
    is_of_webhook: bool
    word: str | None
    at: float


class Webhooks(Protocol):
    """Keeps the webhooks that the Discord adapter made; implemented by the store."""

    async def webhook(self, channel_id: int, character_key: str) -> tuple[int, str] | None:
        """(webhook id, token) under which this character speaks in this (parent) channel."""
        ...

    async def any_webhook(self, channel_id: int, preferred_key: str) -> int | None:
        """A webhook of ours in this (parent) channel that is not forgotten, that of `preferred_key` first."""
        ...

    async def keep_webhook(
        self, channel_id: int, character_key: str, webhook_id: int, token: str, *, picture: str | None = None
    ) -> None: ...

    async def webhook_picture(self, webhook_id: int, character_key: str) -> str | None:
        """What was recorded about the picture that it shows; None if nothing was."""
        ...

    async def note_picture(self, webhook_id: int, character_key: str, picture: str) -> None: ...

    async def forget_webhook(self, webhook_id: int) -> None: ...

    async def webhook_token(self, webhook_id: int, *, with_forgotten: bool = False) -> str | None:
        """None for an unknown webhook, and for a forgotten one unless asked for: its messages may need deleting."""
        ...

    async def webhook_home(self, webhook_id: int) -> int | None:
        """The channel for which it was made or adopted, also if forgotten; None if it was never ours."""
        ...

    async def known_webhooks(self, channel_id: int) -> frozenset[int]:
        """Ids of all webhooks ever ours in this channel, forgotten ones included."""
        ...


class Learnt(Protocol):
    """Keeps across restarts what the Discord adapter learnt; implemented by the store."""

    async def place(self, channel_id: int) -> tuple[int | None, int | None] | None:
        """(parent id, server id) of a channel that was seen before; a private channel has no server."""
        ...

    async def keep_place(self, channel_id: int, parent_id: int | None, guild_id: int | None) -> None: ...

    async def refused_names(self, *, since: float) -> tuple[RefusedName, ...]:
        """Every name that Discord refused for a webhook at `since` or later."""
        ...

    async def keep_refused_name(self, refused: RefusedName) -> None: ...


class AdapterTables(Webhooks, Learnt, Protocol):
    """Everything that the Discord adapter keeps."""
