"""Keeps our own messages as the gateway shows them, until the response or the reaper has judged them.

gateway, catch-up ─► keep ─► a line in doubt finds its own message at once
                             the reaper judges the others when no response is running in the channel
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final
from weakref import WeakValueDictionary

import anyio

from actors.roleplay.model import ChannelMessage

UNDECIDED_MAX: Final = 200
"""Copies kept for one channel. Further ones push out the oldest; catch-up finds those again."""


class Copies:
    """The unjudged copies of all channels; those of one channel in order of arrival."""

    def __init__(self) -> None:
        self._kept: dict[int, deque[ChannelMessage]] = {}
        self._arrivals: WeakValueDictionary[int, anyio.Event] = WeakValueDictionary()  # kept only while a task waits

    def __contains__(self, channel_id: int) -> bool:
        return channel_id in self._kept

    @property
    def channels(self) -> tuple[int, ...]:
        """The channels with kept messages."""
        return tuple(self._kept)

    def of(self, channel_id: int) -> tuple[ChannelMessage, ...]:
        return tuple(self._kept.get(channel_id, ()))

    def keep(
        self, channel_id: int, *, older: Iterable[ChannelMessage] = (), newer: Iterable[ChannelMessage] = ()
    ) -> None:
        """Add messages around those kept already, keep the newest `UNDECIDED_MAX`, and wake the tasks that wait."""
        kept = (*older, *self.of(channel_id), *newer)
        if not kept:
            return
        self._kept[channel_id] = deque(kept, maxlen=UNDECIDED_MAX)
        arrival = self._arrivals.pop(channel_id, None)
        if arrival is not None:
            arrival.set()

    def take(self, channel_id: int) -> tuple[ChannelMessage, ...]:
        """Remove and return all kept messages of a channel."""
        return tuple(self._kept.pop(channel_id, ()))

    def arrival(self, channel_id: int) -> anyio.Event:
        """An event that is set when the next message is kept for this channel."""
        return self._arrivals.setdefault(channel_id, anyio.Event())
