"""What happens in the world, as it is told to the gateway and to pages."""

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
    """The bot's commands are these now."""

    commands: tuple[Json, ...]


Subject = Guild | Channel | Webhook | Message | Reacted | Typed | Purged | Interaction | Whisper | Registered


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, under the name of its gateway dispatch; none where only pages are told."""

    name: str
    subject: Subject
