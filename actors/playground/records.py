"""Defines the objects of a Discord as frozen records, each written to the world's file as one row.

A deleted channel, webhook or message stays as a record with `deleted` set: a check of a run must see what was
deleted, and the nonce of a deleted message stays known.
"""

from dataclasses import asdict, dataclass
from typing import Any

Json = dict[str, Any]

TEXT_CHANNEL, DM_CHANNEL, PUBLIC_THREAD = 0, 1, 11
"""https://discord.com/developers/docs/resources/channel#channel-object-channel-types"""


@dataclass(frozen=True, slots=True)
class Guild:
    id: int
    name: str
    owner_id: int
    denied: int = 0
    """Permission bits that the bot lacks everywhere."""
    without_bot: bool = False
    """The bot was removed from it."""
    is_out: bool = False
    """Discord cannot serve it during an outage: "unavailable"."""


@dataclass(frozen=True, slots=True)
class User:
    """A person or the bot, with its nickname in the guild and whether it has left."""

    id: int
    name: str
    bot: bool = False
    global_name: str | None = None
    nick: str | None = None
    has_left: bool = False
    moderates: bool = False
    """Has the guild's role *Moderators*, which may manage messages."""

    @property
    def shown_name(self) -> str:
        """The name that the guild's channels show."""
        return self.nick or self.global_name or self.name


@dataclass(frozen=True, slots=True)
class Channel:
    """A text channel, a thread (with `parent_id`) or a DM (with `recipient_id`)."""

    id: int
    name: str
    kind: int
    ordinal: int
    """Its position in the order of creation: the same in every run, unlike the id."""
    owner_id: int
    parent_id: int | None = None
    recipient_id: int | None = None
    denied: int = 0
    deleted: bool = False
    archived: bool = False
    locked: bool = False
    """For threads: only moderators may write there, and unarchive it."""


@dataclass(frozen=True, slots=True)
class Webhook:
    id: int
    channel_id: int
    name: str
    token: str
    avatar: str | None = None
    """A data URI, as it was uploaded."""
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    id: int
    filename: str
    content_type: str
    content: str
    """Base64."""
    size: int
    description: str | None = None
    """Alt text."""


@dataclass(frozen=True, slots=True)
class Message:
    id: int
    channel_id: int
    author_id: int
    """A user's id, or the webhook's."""
    author_name: str
    content: str
    embeds: tuple[Json, ...] = ()
    components: tuple[Json, ...] = ()
    attachment_ids: tuple[int, ...] = ()
    mention_ids: tuple[int, ...] = ()
    reactions: tuple[tuple[str, int], ...] = ()
    """(emoji, user id), oldest first."""
    webhook_id: int | None = None
    avatar_url: str | None = None
    nonce: str | None = None
    reply_to: int | None = None
    flags: int = 0
    edited_at: float | None = None
    """Seconds since 1970."""
    deleted: bool = False


Record = Guild | User | Channel | Webhook | Attachment | Message
KINDS: dict[str, type[Record]] = {
    kind.__name__.lower(): kind for kind in (Guild, User, Channel, Webhook, Attachment, Message)
}


def kind_of(record: Record) -> str:
    """The name under which a record of this type is kept."""
    return type(record).__name__.lower()


def to_json(record: Record) -> Json:
    """The record's fields, ready for `json.dumps`."""
    return asdict(record)


def from_json(kind: str, fields: Json) -> Record:
    """The record from the fields of `to_json`; lists become tuples again."""
    return KINDS[kind](**{name: _frozen(value) for name, value in fields.items()})


def _frozen(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if not isinstance(value, list):
        return value
    return tuple(tuple(item) if isinstance(item, list) else item for item in value)
