"""Ids and records that ports, actors and adapters share: frozen values.

Ids of ours are 13 characters of base 36, ordered by time. Ids of Discord are ints (snowflakes).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, get_args

from actors.roleplay.turns import TurnOrder

SessionId = str
TurnId = str
ResponseId = str
CharacterId = str

# ── characters and casts ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Character:
    """One version of a character; an import under the same name makes a new version with a new id.

    `card_json` is the whole Tavern card, as read; `picture` a PNG, or None.
    """

    id: CharacterId
    name: str
    card_json: str
    picture: bytes | None = None
    server_id: int | None = None  # the server that it belongs to; None: the operator's, for all servers


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session as the database holds it; `cast` in the order in which it speaks."""

    id: SessionId
    channel_id: int
    state: str
    version: int
    epoch: int
    order: TurnOrder
    scenario: str
    cast: tuple[Character, ...]
    opened_at: float
    opened_after: int  # the message that opened it; all lines of the session are newer
    server_id: int | None = None  # None in direct messages
    opener_id: int | None = None  # None if an older version opened it


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write to a session: every write carries it, and an older epoch is Fenced."""

    session_id: SessionId
    epoch: int


# ── what a channel shows ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file under a message, as Discord describes it; `size` in bytes."""

    name: str
    url: str
    size: int


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """One message as Discord shows it, read back or from the gateway.

    `name` is the webhook's name, the embed's character or the author's display name; `text` the content,
    or the embed's description. `is_ours`: sent by our bot user or by a webhook of our application.
    `is_name_shown`: False where a read gave the account's name and the server may show another one.
    `button_ids`: the custom ids of the buttons under a message of ours, in their order. `replies_to`: the message of
    the same channel to which it is a reply. A webhook of ours says lines as plain text, and in an embed a notice or an
    answer. `moderates`: whether the author has *Manage Messages* there; None if the event did not say.
    """

    id: int
    channel_id: int
    author_id: int
    name: str
    text: str
    at: float
    is_ours: bool = False
    is_bot: bool = False
    webhook_id: int | None = None
    is_embed: bool = False
    button_ids: tuple[str, ...] = ()
    replies_to: int | None = None
    is_name_shown: bool = True
    moderates: bool | None = None
    attachments: tuple[Attachment, ...] = ()


# ── a turn's work ───────────────────────────────────────────────────────────────────────────────────


TurnKind = Literal["messages", "greeting", "say", "next", "narration", "redelivery", "revision"]
"""What a turn comes of. The database keeps these words: never rename one."""

TURN_KINDS: Final[tuple[TurnKind, ...]] = get_args(TurnKind)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a cast answers together, and the characters that answer it, in order.

    `cause_id`: the newest of the messages that it answers, or else the command or the interaction. `round`:
    who had spoken before it in the round of an order that draws (`turns.Before`).
    """

    id: TurnId
    session_id: SessionId
    cause_id: int
    speakers: tuple[CharacterId, ...]
    round: tuple[CharacterId, ...] = ()
    kind: TurnKind = "messages"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a response reads: people's messages up to its turn's cause, and the lines of this turn and earlier ones."""

    cause_id: int
    turn_id: TurnId


class OutboundKind(StrEnum):
    TEXT = "text"  # a notice or an answer: from the bot itself, or through a webhook where it may not write
    EMBED = "embed"  # a line as the bot's own message
    WEBHOOK = "webhook"  # a line under the character's own name and picture


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message; `custom_id` (≤ 100 characters) says what it asks for."""

    label: str
    custom_id: str


@dataclass(frozen=True, slots=True)
class ReplyAddress:
    """Where the answer to an interaction goes, until `expires_at`; the token is a secret."""

    token: str = field(repr=False)
    expires_at: float


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message to send; durable before it is sent, so that any process can find it again.

    `watermark` is the newest message id known in the channel before the first attempt: the sent message is newer.
    `webhook_id` is None for what the bot sends itself; only such messages have a nonce that Discord checks.
    """

    kind: OutboundKind
    channel_id: int
    name: str
    text: str
    nonce: str
    watermark: int = 0
    webhook_id: int | None = None
    character_id: CharacterId | None = None
    buttons: tuple[Button, ...] = ()


# ── the history ─────────────────────────────────────────────────────────────────────────────────────


EntryKind = Literal["user", "character", "narration"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the shared history, its amendments applied; ordered by `message_ids[0]`."""

    kind: EntryKind
    name: str
    text: str
    message_ids: tuple[int, ...]
    at: float
    session_id: SessionId
    author_id: int | None = None  # of users
    character_id: CharacterId | None = None  # of characters
    response_id: ResponseId | None = None  # of characters


@dataclass(frozen=True, slots=True)
class RecentHistory:
    """The newest lines of a history, oldest first; `older` lines stand before them.

    `first_user` is the first line of a person where that is among the older ones. `first_authors` are the authors of
    newest lines who share a name, in the order in which they first spoke; empty if there are no older lines.
    """

    entries: tuple[Entry, ...]
    older: int = 0
    first_user: Entry | None = None
    first_authors: tuple[int, ...] = ()

    @property
    def length(self) -> int:
        """Lines of the whole history."""
        return self.older + len(self.entries)


@dataclass(frozen=True, slots=True)
class Line:
    """An entry message by message: (id, text) of each that is not deleted, oldest first; never empty."""

    name: str
    messages: tuple[tuple[int, str], ...]
    response_id: ResponseId | None = None  # of characters


@dataclass(frozen=True, slots=True)
class KnownMessage:
    """A message of a line with its edits, as the database has it; `at` is the time of the latest change."""

    message_id: int
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Amendment:
    """A change of a line's message: its new text, or its deletion (None)."""

    message_id: int
    text: str | None


# ── the outbox ──────────────────────────────────────────────────────────────────────────────────────


class OutboxKind(StrEnum):
    NOTICE = "notice"
    TAKEDOWN = "takedown"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class OutboxDraft:
    """A notice, answer or takedown, written in the transaction that causes it.

    `key` is unique: the same cause asks only once. A takedown names `message_id` (and the webhook that
    sent it); notices and answers carry `text`, an answer to an interaction also where it goes (`reply`).
    `repeats`: the text repeats what people and characters said.
    `asked_by` is the person whose command it answers, for the limit of answers a minute.
    """

    key: str
    kind: OutboxKind
    channel_id: int
    text: str = ""
    message_id: int | None = None
    webhook_id: int | None = None
    response_id: ResponseId | None = None
    buttons: tuple[Button, ...] = ()
    reply: ReplyAddress | None = None
    asked_by: int | None = None
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A delivery that is not done; `attempt` counts attempts on the wire, 0 before the first.

    `withdrawn_at`: it is no longer wanted, but an attempt of it may be in the channel.
    """

    id: int
    draft: OutboxDraft
    nonce: str
    watermark: int
    attempt: int
    first_try_at: float
    due_at: float
    session_id: SessionId | None = None  # the response that it is about, if any
    withdrawn_at: float | None = None

    @property
    def outbound(self) -> Outbound:
        """Return what an attempt at a notice or an answer sends."""
        draft = self.draft
        return Outbound(
            kind=OutboundKind.TEXT,
            channel_id=draft.channel_id,
            name="",
            text=draft.text,
            nonce=self.nonce,
            watermark=self.watermark,
            buttons=draft.buttons,
            webhook_id=draft.webhook_id,
        )


# ── chat with a model ───────────────────────────────────────────────────────────────────────────────


class Purpose(StrEnum):
    """The purpose of a chat message, for trimming and for the understudy."""

    CARD = "card"
    EXAMPLE = "example"
    HISTORY = "history"
    LORE = "lore"
    INSTRUCTION = "instruction"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    role: Literal["system", "user", "assistant"]
    content: str
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class Prompt:
    """A whole request to a model. `stop` has at most four strings; `seed` makes an understudy repeatable."""

    character: str
    model: str
    messages: tuple[ChatMessage, ...]
    stop: tuple[str, ...]
    completion_tokens_max: int
    seed: str


# ── ids ─────────────────────────────────────────────────────────────────────────────────────────────

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
ID_LENGTH: Final = 13  # 63 bits in base 36


def base36(number: int) -> str:
    """`number` (not negative) in base 36, padded to 13 digits so that text order is number order."""
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits.rjust(ID_LENGTH, "0")


def nonce_of(response_id: ResponseId, part: int) -> str:
    """Return the nonce of every attempt of one part: derived, so that all attempts share it (≤ 25 characters)."""
    return f"{response_id}.{part}"


DISCORD_EPOCH_MS: Final = 1_420_070_400_000
"""Discord's snowflakes count milliseconds from here (Discord's reference, "Snowflakes")."""


def snowflake_at(at: float) -> int:
    """The smallest message id that Discord can give at `at` (seconds since 1970)."""
    return max(0, int(at * 1000) - DISCORD_EPOCH_MS) << 22


def time_of(snowflake: int) -> float:
    """Return when Discord made this id, in seconds since 1970."""
    return float((snowflake >> 22) + DISCORD_EPOCH_MS) / 1000
