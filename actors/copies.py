"""Copies: the gateway's own showing of our messages, kept until somebody has judged them.

gateway, catch-up ─► keep ─► a line that is in doubt finds itself, at once
                             the reaper takes the others, when nothing is on its way there
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final
from weakref import WeakValueDictionary

import anyio

from actors.roleplay.model import ChannelMessage

UNDECIDED_MAX: Final = 200
"""Copies kept for one channel; further ones push out the oldest, which catch-up finds again."""


class Copies:
    """Of all channels; each one's in the order in which they came."""

    def __init__(self) -> None:
        self._kept: dict[int, deque[ChannelMessage]] = {}
        self._arrivals: WeakValueDictionary[int, anyio.Event] = WeakValueDictionary()  # as long as somebody waits

    def __contains__(self, channel_id: int) -> bool:
        return channel_id in self._kept

    @property
    def channels(self) -> tuple[int, ...]:
        """Those of which something is kept."""
        return tuple(self._kept)

    def of(self, channel_id: int) -> tuple[ChannelMessage, ...]:
        return tuple(self._kept.get(channel_id, ()))

    def keep(
        self, channel_id: int, *, older: Iterable[ChannelMessage] = (), newer: Iterable[ChannelMessage] = ()
    ) -> None:
        """Keep messages around those that are kept already, the newest of all, and wake whoever waits for one."""
        kept = (*older, *self.of(channel_id), *newer)
        if not kept:
            return
        self._kept[channel_id] = deque(kept, maxlen=UNDECIDED_MAX)
        arrival = self._arrivals.pop(channel_id, None)
        if arrival is not None:
            arrival.set()

    def take(self, channel_id: int) -> tuple[ChannelMessage, ...]:
        """All that is kept; nothing is, afterwards."""
        return tuple(self._kept.pop(channel_id, ()))

    def arrival(self, channel_id: int) -> anyio.Event:
        """Set as soon as something else is kept there."""
        return self._arrivals.setdefault(channel_id, anyio.Event())
