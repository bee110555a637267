"""Events of the gateway: of channels, and of each shard's connection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from actors.roleplay.model import ChannelMessage


@dataclass(frozen=True, slots=True)
class MessageSeen:
    """A message of a person, or the gateway's copy of one of ours."""

    message: ChannelMessage


@dataclass(frozen=True, slots=True)
class MessageEdited:
    """The author edited a message; `message` is the new version."""

    message: ChannelMessage

    @property
    def channel_id(self) -> int:
        return self.message.channel_id

    @property
    def message_id(self) -> int:
        return self.message.id

    @property
    def text(self) -> str:
        return self.message.text


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    channel_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """A person pressed a button of ours, which is acknowledged; `token` addresses the answer.

    `moderates`: whether the person has *Manage Messages* in the channel; None if the event did not say.
    Other interactions get their own events with the same id and token, because all are answered in one way.
    """

    interaction_id: int
    token: str = field(repr=False)
    channel_id: int
    user_id: int
    message_id: int
    custom_id: str
    moderates: bool | None = None


@dataclass(frozen=True, slots=True)
class MissingAsked:
    """A person chose *Did not come* in a message's menu; the other fields are as in ButtonPressed."""

    interaction_id: int
    token: str = field(repr=False)
    channel_id: int
    user_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class PersonTyping:
    """A person began to type, or goes on: Discord repeats it every few seconds, and does not say when it ends."""

    channel_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class ChannelGone:
    """The channel or thread was deleted, or the bot has left its server."""

    channel_id: int


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """A thread was opened: requests that it refused while closed may be tried again."""

    channel_id: int


@dataclass(frozen=True, slots=True)
class ShardConnecting:
    """A client for this shard is logging in."""

    shard_id: int


@dataclass(frozen=True, slots=True)
class ShardReady:
    """A new connection. Discord does not replay the events of the gap, so the channels must be read again.

    Messages may arrive between the connection and this event.
    """

    shard_id: int
    user_name: str
    channel_count: int


@dataclass(frozen=True, slots=True)
class ShardResumed:
    """The connection was resumed, and Discord replayed the events of the gap."""

    shard_id: int


@dataclass(frozen=True, slots=True)
class ShardDown:
    """The connection broke; the client tries to resume it."""

    shard_id: int


@dataclass(frozen=True, slots=True)
class ShardEnded:
    """The client gave up and must be replaced."""

    shard_id: int


class ConnectionLost(Exception):
    """The connection ended, as networks do, and must be made again. The message holds no secret."""


ShardEvent = ShardConnecting | ShardReady | ShardResumed | ShardDown | ShardEnded
GatewayEvent = (
    MessageSeen
    | MessageEdited
    | MessageDeleted
    | ButtonPressed
    | MissingAsked
    | PersonTyping
    | ChannelGone
    | ChannelOpened
    | ShardEvent
)

Sink = Callable[[GatewayEvent], None]
"""Takes events in the order of the gateway. It must not wait or raise."""
