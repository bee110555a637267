"""What Discord's gateway says: the events that actors take, in the order in which they came."""

from __future__ import annotations

from dataclasses import dataclass

from actors.roleplay.model import ChannelMessage


@dataclass(frozen=True, slots=True)
class MessageSeen:
    message: ChannelMessage


@dataclass(frozen=True, slots=True)
class MessageEdited:
    channel_id: int
    message_id: int
    text: str


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    channel_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class ChannelGone:
    """A channel or thread was deleted, or its server has put us out."""

    channel_id: int


@dataclass(frozen=True, slots=True)
class ShardReady:
    """A new connection begins; it replays nothing (READY, not RESUMED)."""

    shard_id: int
    user_name: str
    channel_count: int


@dataclass(frozen=True, slots=True)
class ShardDown:
    shard_id: int


GatewayEvent = MessageSeen | MessageEdited | MessageDeleted | ChannelGone | ShardReady | ShardDown
