"""Keeps the gateway's events for a process on standby, and passes them on when it goes live.

    gateway ─► Standby ─► kept … end ─► passed on in order ─► the sink         (later events go there directly)

The previous process handles the same events, except those of the last moment. So nothing is answered, acknowledged or
written here; duplicates are harmless, since every message and press is handled once by its id.

Failure modes: above EVENTS_MAX, the oldest events are dropped; catch-up reads those that belong to a scene.
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
"""Types of interactions that are kept; autocomplete is not, since the next letter requests it again."""

PRESS_S: Final = 2.5
"""Maximum age of a press that is acknowledged: Discord allows three seconds, and its event arrives a moment late."""


class Standby:
    """The standby of one process, from its start to `end`."""

    def __init__(self, shard_ids: tuple[int, ...]) -> None:
        self.is_over = False
        self.connected = anyio.Event()  # every shard was ready
        self._to_connect = set(shard_ids)
        self._shard_events: deque[GatewayEvent] = deque(maxlen=SHARD_EVENTS_MAX)
        self._events: deque[GatewayEvent] = deque(maxlen=EVENTS_MAX)
        self._presses: deque[tuple[float, Callable[[], None]]] = deque(maxlen=EVENTS_MAX)

    def keep(self, event: GatewayEvent) -> None:
        """Keep one event; shard events have their own queue, so that many messages cannot displace them."""
        if isinstance(event, ShardEvent):
            self._shard_events.append(event)
        else:
            self._events.append(event)
        if isinstance(event, ShardReady):
            self._to_connect.discard(event.shard_id)
            if not self._to_connect:
                self.connected.set()

    def keep_interaction(self, payload: Any, hear: Callable[[Any], None]) -> None:  # noqa: ANN401 - Discord's JSON
        """Keep a press or a command without acknowledging it: only the process that acts on it may do that.

        If the previous process acknowledged it, Discord refuses a second acknowledgement.
        """
        kind = payload.get("type") if isinstance(payload, dict) else None
        if isinstance(kind, int) and kind in KEPT:
            self._presses.append((anyio.current_time(), partial(hear, payload)))

    def end(self, sink: Callable[[GatewayEvent], None]) -> None:
        """Pass on everything that was kept, and keep nothing from now on."""
        self.is_over = True
        for event in (*self._shard_events, *self._events):
            sink(event)
        for at, hear in self._presses:
            if anyio.current_time() - at <= PRESS_S:
                hear()
        for kept in (self._shard_events, self._events, self._presses):
            kept.clear()
