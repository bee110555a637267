"""Tracks dropped and given-up events, and from where their channels must be read again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, assert_never

from actors.ports import (
    ButtonPressed,
    ChannelGone,
    ChannelOpened,
    MessageDeleted,
    MessageEdited,
    MessageSeen,
    MissingAsked,
    PersonTyping,
)

LOOK_AGAIN_S: Final = 600.0
LOOKS_MAX: Final = 12
"""After an event is given up, its channel is read again ten minutes later, at most `LOOKS_MAX` times. Each read is
tried for about five minutes, so a disk that is full for three hours loses nothing."""


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Read this channel again. Messages after `after` may be unprocessed; those after `known_after`, edited or deleted.

    `is_second`: the second read, a while later, for messages that reads lagged behind. `given_up`: how often it, or the
    event that it is for, could not be handled so far. `only_ours`: handle our own messages only, since no scene is open
    there and an old command must not be carried out.
    """

    channel_id: int
    after: int
    known_after: int
    is_second: bool = False
    given_up: int = 0
    only_ours: bool = False

    def widened(self, other: CatchUp) -> CatchUp:
        """Merge two reads of this channel into one."""
        after, known_after = min(self.after, other.after), min(self.known_after, other.known_after)
        return replace(self, after=after, known_after=known_after, only_ours=self.only_ours and other.only_ours)


ChannelEvent = (
    MessageSeen
    | MessageEdited
    | MessageDeleted
    | ButtonPressed
    | MissingAsked
    | PersonTyping
    | ChannelGone
    | ChannelOpened
    | CatchUp
)


def event_channel(event: ChannelEvent) -> int:
    """The channel whose order `event` belongs to."""
    return event.message.channel_id if isinstance(event, MessageSeen) else event.channel_id


def gap_of(event: ChannelEvent) -> CatchUp | None:
    """The read that can recover a given-up `event`; None if a read cannot recover it, or `LOOKS_MAX` is reached."""
    match event:
        case CatchUp(given_up=given_up) if given_up >= LOOKS_MAX:
            return None
        case CatchUp():
            return replace(event, is_second=False, given_up=event.given_up + 1)
        case MessageSeen(message=message) | MessageEdited(message=message):
            return CatchUp(message.channel_id, message.id - 1, message.id - 1, given_up=1)
        case MessageDeleted(channel_id=channel_id, message_id=message_id):
            return CatchUp(channel_id, message_id - 1, message_id - 1, given_up=1)
        case ButtonPressed() | MissingAsked() | PersonTyping() | ChannelGone() | ChannelOpened():
            return None
        case _:
            assert_never(event)


class Dropped:
    """The gaps of dropped events, one per channel; a channel's gap is taken when its mailbox is empty."""

    def __init__(self) -> None:
        self._gaps: dict[int, CatchUp] = {}
        self._deaf_to: set[int] = set()

    def __contains__(self, channel_id: int) -> bool:
        return channel_id in self._gaps

    def is_deaf_to(self, channel_id: int) -> bool:
        """Whether a message of this channel was dropped: a later one must not overtake it."""
        return channel_id in self._deaf_to

    def message(self, channel_id: int, message_id: int) -> None:
        self._deaf_to.add(channel_id)
        self._widen(CatchUp(channel_id, message_id - 1, message_id - 1))

    def amendment(self, channel_id: int, message_id: int, *, newest: int) -> None:
        """Note a dropped edit or deletion. Messages up to `newest` wait in the mailbox and need no read."""
        before = message_id - 1
        self._widen(CatchUp(channel_id, max(newest, before), before))

    def take(self, channel_id: int) -> CatchUp:
        """Remove and return the channel's gap. Raises KeyError if nothing was dropped."""
        self._deaf_to.discard(channel_id)
        return self._gaps.pop(channel_id)

    def _widen(self, gap: CatchUp) -> None:
        self._gaps[gap.channel_id] = self._gaps.get(gap.channel_id, gap).widened(gap)
