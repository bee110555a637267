"""What shows lines: how actors speak in a channel, read it and tidy it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from actors.roleplay.model import ChannelMessage, Character, Outbound, OutboundKind, ReplyAddress
from machines.facts import RATE_LIMIT as RATE_LIMIT  # a cause of HeldBack, for adapters
from machines.reasons import HeldReason, SendReason


@dataclass(frozen=True, slots=True)
class Posted:
    """Discord confirmed the message; `text` is the one that it returned."""

    message_id: int
    text: str


@dataclass(frozen=True, slots=True)
class PostedElsewhere:
    """Discord stored the message in another channel: the webhook was moved there, and is forgotten."""

    channel_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was stored or done, for certain. `final`: the same request cannot succeed.

    `reason` is a word for the journal and for notices, such as `rate_limit`, `forbidden`, `channel_gone`,
    `thread_closed`, `webhook_gone`, `webhook_moved`, `removed`, `too_long`, `blocked`, `outage`. `error` is for the
    operator's log alone. `code` and `words` are Discord's own (its JSON error code, 0 or None where it gave none): for
    operators, never for a channel.
    `since` is when the limit that it met closed its bucket, 0 where it met none.
    """

    reason: SendReason
    status: int | None = None
    retry_after_s: float = 0.0
    final: bool = False
    error: BaseException | None = None
    code: int | None = None
    words: str = ""
    needs: str = ""
    """Where it is forbidden: the permissions to give the bot, as Discord's settings name them."""
    since: float = 0.0

    @property
    def summary(self) -> str:
        """For the operator's log: `forbidden 403, Missing Permissions (code 50013)`."""
        return _summary(self.reason, self.status, self.code, self.words)


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """The request left and no usable answer came back: it may have been carried out."""

    cause: SendReason
    status: int | None = None
    retry_after_s: float = 0.0
    error: BaseException | None = None
    code: int | None = None
    words: str = ""

    @property
    def summary(self) -> str:
        """As that of Refused."""
        return _summary(self.cause, self.status, self.code, self.words)


def _summary(reason: str, status: int | None, code: int | None, words: str) -> str:
    answered = reason if status is None else f"{reason} {status}"
    said = " ".join(filter(None, (words, f"(code {code})" if code else "")))
    return f"{answered}, {said}" if said else answered


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Nothing may leave the process before `until`: a breaker is open, or a limit holds (RATE_LIMIT), since `since`.

    Times are seconds since 1970. There is no cause where there is only no connection yet.
    """

    until: float
    cause: HeldReason = ""
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Deleted:
    """The message is not in the channel (any more)."""


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a channel, oldest first; `newest` is where the next one goes on, None where there is none."""

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
    """How lines reach a channel. One call of `send` is one wire attempt, whatever the library would like."""

    async def prepare(
        self, channel_id: int, character: Character
    ) -> tuple[OutboundKind, int | None] | Refused | HeldBack:
        """Choose how `character` speaks here: the kind and the webhook, which is made when there is none.

        A webhook is adopted rather than made twice. Falls back to EMBED where webhooks are not allowed.
        """
        ...

    async def prepare_text(self, channel_id: int) -> PrepareOutcome:
        """Choose how a notice or an answer goes: as the bot's own message, or through a webhook where it may not write.

        What goes through a webhook has no nonce that Discord checks.
        """
        ...

    async def send(self, outbound: Outbound) -> SendOutcome:
        """Send once, with this very nonce. Mentions never ping."""
        ...

    async def elsewhere(self, outbound: Outbound) -> ElsewhereOutcome:
        """The other channel in which a try at `outbound` may stand: its webhook was moved there, and is forgotten.

        None where there is none: the webhook is where it should be, or Discord does not know it any more.
        """
        ...


class Replies(Protocol):
    """How what acknowledged an interaction (a press, a menu) becomes its answer."""

    async def answer(self, reply: ReplyAddress, text: str) -> ReplyOutcome:
        """Put `text` in the place of the acknowledgement. The last one stays: it may be asked for again."""
        ...


class Channel(Protocol):
    """What actors do in a channel besides speaking."""

    async def messages(self, channel_id: int, *, after: int) -> ReadOutcome:
        """Every message newer than `after`, oldest first. More than 2,000 of them is a failed read."""
        ...

    async def page(self, channel_id: int, *, after: int) -> PageOutcome:
        """The first messages newer than `after`: for who need not have all of them at once."""
        ...

    async def delete(self, channel_id: int, message_id: int, webhook_id: int | None) -> DeleteOutcome:
        """Delete a message of ours; absent is success."""
        ...

    async def named(self, message: ChannelMessage) -> ChannelMessage:
        """The message under its author's name in the server, where a read gave the account's. Never fails."""
        ...

    async def typing(self, channel_id: int) -> None:
        """Show for about ten seconds that somebody writes. Never fails: it is a courtesy."""
        ...


@dataclass(frozen=True, slots=True)
class RefusedName:
    """A name that Discord refused: as a webhook's own (`is_of_webhook`), or as that of one message.

    `word` is the part at which it took offence, where it said so.
    """

    name: str
    is_of_webhook: bool
    word: str | None
    at: float


class Webhooks(Protocol):
    """Where the Discord adapter keeps the webhooks that it made; implemented by the store."""

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
        """What was noted of the picture that it shows; None where nothing was."""
        ...

    async def note_picture(self, webhook_id: int, character_key: str, picture: str) -> None: ...

    async def forget_webhook(self, webhook_id: int) -> None: ...

    async def webhook_token(self, webhook_id: int, *, with_forgotten: bool = False) -> str | None:
        """None for a webhook that is unknown, or forgotten unless those are wanted, to delete what they posted."""
        ...

    async def webhook_home(self, webhook_id: int) -> int | None:
        """The channel for which it was made or adopted, forgotten or not; None for one that was never ours."""
        ...

    async def known_webhooks(self, channel_id: int) -> frozenset[int]:
        """Ids of all webhooks ever ours in this channel, forgotten ones included."""
        ...


class Learnt(Protocol):
    """What the Discord adapter has learnt and need not learn anew after a restart; implemented by the store."""

    async def place(self, channel_id: int) -> tuple[int | None, int | None] | None:
        """(parent's id, server's id) of a channel that was met before; without a server it is private."""
        ...

    async def keep_place(self, channel_id: int, parent_id: int | None, guild_id: int | None) -> None: ...

    async def refused_names(self, *, since: float) -> tuple[RefusedName, ...]:
        """Every name that Discord refused for a webhook at `since` or later."""
        ...

    async def keep_refused_name(self, refused: RefusedName) -> None: ...


class AdapterTables(Webhooks, Learnt, Protocol):
    """All that the Discord adapter keeps."""
