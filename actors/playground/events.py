"""Defines the events that the world sends to the gateway and to pages."""

from dataclasses import dataclass

from .interactions import Interaction, Whisper
from .records import Channel, Guild, Json, Message, Webhook


@dataclass(frozen=True, slots=True)
class Reacted:
    message: Message
    user_id: int
    emoji: str


@dataclass(frozen=True, slots=True)
class Typed:
    channel: Channel
    user_id: int
    at: float


@dataclass(frozen=True, slots=True)
class Purged:
    """Several messages of a channel, deleted at once."""

    channel: Channel
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Registered:
    """The bot has replaced its commands with these."""

    commands: tuple[Json, ...]


Subject = Guild | Channel | Webhook | Message | Reacted | Typed | Purged | Interaction | Whisper | Registered


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, with the name of its gateway dispatch; empty if it is sent to pages only."""

    name: str
    subject: Subject
