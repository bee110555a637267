"""What a gateway tells: what happened in the channels, and to the connection of each shard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from actors.roleplay.model import ChannelMessage


@dataclass(frozen=True, slots=True)
class MessageSeen:
    """Somebody's message, or the gateway's copy of one of ours."""

    message: ChannelMessage


@dataclass(frozen=True, slots=True)
class MessageEdited:
    """Its author changed it; `message` is as it is now."""

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
    """Somebody pressed a button of ours, and sees that we think about it; `token` is where the answer goes.

    Other interactions are to be events of their own with the same id and token: the way of their answers is one.
    """

    interaction_id: int
    token: str = field(repr=False)
    channel_id: int
    user_id: int
    message_id: int
    custom_id: str


@dataclass(frozen=True, slots=True)
class MissingAsked:
    """Somebody chose *Did not come* in the menu of a message; who and where as those of a pressed button."""

    interaction_id: int
    token: str = field(repr=False)
    channel_id: int
    user_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class ChannelGone:
    """The channel or thread was deleted, or we are no longer in its guild."""

    channel_id: int


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """A thread is open: what it refused while it was closed may be tried again."""

    channel_id: int


@dataclass(frozen=True, slots=True)
class ShardConnecting:
    """A client for this shard was made and logs in."""

    shard_id: int


@dataclass(frozen=True, slots=True)
class ShardReady:
    """A fresh connection: nothing of the gap before it is replayed, so channels are to be read again.

    Messages may be seen between the connection and this event.
    """

    shard_id: int
    user_name: str
    channel_count: int


@dataclass(frozen=True, slots=True)
class ShardResumed:
    """The connection goes on where it broke off; the gap has been replayed."""

    shard_id: int


@dataclass(frozen=True, slots=True)
class ShardDown:
    """The connection broke off; the client tries to go on with it."""

    shard_id: int


@dataclass(frozen=True, slots=True)
class ShardEnded:
    """The client has given up; another one is to be made."""

    shard_id: int


class ConnectionLost(Exception):
    """Expected of a network: the connection ended and is to be made anew. The words carry no secret."""


ShardEvent = ShardConnecting | ShardReady | ShardResumed | ShardDown | ShardEnded
GatewayEvent = (
    MessageSeen
    | MessageEdited
    | MessageDeleted
    | ButtonPressed
    | MissingAsked
    | ChannelGone
    | ChannelOpened
    | ShardEvent
)

Sink = Callable[[GatewayEvent], None]
"""Takes events in the order in which the gateway sent them; must neither wait nor raise."""
