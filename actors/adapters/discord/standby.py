"""What the gateway tells a process that may not act yet: kept, and given when its turn has come.

    gateway ─► Standby ─► kept … end ─► given in order ─► the sink         (from then on everything goes straight there)

The process before it acts on all of this as well, but for the last moment. So nothing here is answered, acknowledged or
written; and what is given twice does no harm, since every message and press is handled once by its id.

Failure modes: more than EVENTS_MAX are not kept; catch-up reads those that belong to a scene.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import anyio
import discord

from actors.ports import GatewayEvent, ShardEvent, ShardReady

EVENTS_MAX: Final = 10_000
SHARD_EVENTS_MAX: Final = 1_000

KEPT: Final = frozenset(each.value for each in discord.InteractionType if each.name not in ("ping", "autocomplete"))
"""Suggestions while somebody types are asked for again with the next letter."""

PRESS_S: Final = 2.5
"""How old a press may be to be acknowledged still: Discord waits three seconds, and tells us of it a moment late."""


class Standby:
    """One process's wait, from its start to `end`."""

    def __init__(self, shard_ids: tuple[int, ...]) -> None:
        self.is_over = False
        self.connected = anyio.Event()  # every shard was ready
        self._to_connect = set(shard_ids)
        self._shard_events: deque[GatewayEvent] = deque(maxlen=SHARD_EVENTS_MAX)
        self._events: deque[GatewayEvent] = deque(maxlen=EVENTS_MAX)
        self._presses: deque[tuple[float, Callable[[], None]]] = deque(maxlen=EVENTS_MAX)

    def keep(self, event: GatewayEvent) -> None:
        """Keep one event; those of the connection are apart, so that a flood does not push them out."""
        if isinstance(event, ShardEvent):
            self._shard_events.append(event)
        else:
            self._events.append(event)
        if isinstance(event, ShardReady):
            self._to_connect.discard(event.shard_id)
            if not self._to_connect:
                self.connected.set()

    def keep_interaction(self, payload: Any, hear: Callable[[Any], None]) -> None:  # noqa: ANN401 - Discord's JSON
        """Keep a press or a command as it came, not acknowledged: only who acts on it may say that it is heard.

        What the process that still runs has acknowledged, Discord refuses to have acknowledged again.
        """
        kind = payload.get("type") if isinstance(payload, dict) else None
        if isinstance(kind, int) and kind in KEPT:
            self._presses.append((anyio.current_time(), partial(hear, payload)))

    def end(self, sink: Callable[[GatewayEvent], None]) -> None:
        """Give everything that was kept, and keep nothing any more."""
        self.is_over = True
        for event in (*self._shard_events, *self._events):
            sink(event)
        for at, hear in self._presses:
            if anyio.current_time() - at <= PRESS_S:
                hear()
        for kept in (self._shard_events, self._events, self._presses):
            kept.clear()
