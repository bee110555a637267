"""What the processes must know: what the gateway told one that lived to handle it, and what its catch-ups read.

    told, or read by a catch-up ─► pending ─► the channel's mailbox is empty, its process alive ─► known
                                      └─► the process died first ─► nobody knows

The invariants ask it before they excuse a difference: only what is not known may be missing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from actors.gateway import Gateway
from actors.ports import ButtonPressed, GatewayEvent, MessageDeleted, MessageEdited, MessageSeen, ShardReady
from actors.readiness import CAUGHT_UP_WAIT_S
from actors.roleplay.history import belongs
from actors.simulation.channels import Shown
from actors.simulation.discord import Discord

Key = tuple[str, int, str]
"""What is known: a message, a press, or what became of a message (its new text)."""

PREFIX: Final = "!"
"""Of the commands in every simulated world."""

ROUNDING_S: Final = 0.001
"""Times since 1970 are not exact; and what happens at one moment has no order."""

SEEN: Final = "seen"
PRESSED: Final = "pressed"
_EDITED: Final = "edited"
_DELETED: Final = "deleted"


class Hearing:
    """Follows one process after the other. `known` is when each thing was told first, of what was handled."""

    def __init__(self, discord: Discord, now: Callable[[], float], settle_s: float) -> None:
        self._discord = discord
        self._now = now
        self._settle_s = settle_s
        self._gateway: Gateway | None = None
        self._pending: dict[int, list[tuple[Key, float]]] = defaultdict(list)
        self._began: dict[int, float] = {}  # when the catch-up of a channel began
        self._learnt: dict[int, float] = {}  # when the store last learnt something of a message
        self._known: dict[Key, float] = {}
        self._ready_at = -math.inf  # of this process, the last time
        self._unread: set[int] | None = None  # channels that are to be read since then; None: not listed yet
        self._shown: dict[tuple[str, int], float] = {}  # (nonce, channel) ─► when this process was shown its message

    def listens(self, gateway: Gateway | None) -> None:
        """A new process; what the one before had not handled is known to nobody."""
        for channel_id in list(self._pending):
            self._settle(channel_id)
        self._pending.clear()
        self._gateway = gateway
        self._ready_at = -math.inf
        self._shown.clear()

    def told(self, event: GatewayEvent) -> None:
        if isinstance(event, ShardReady):
            self._ready_at, self._unread = self._now(), None
        if isinstance(event, MessageSeen):
            channel_id = event.message.channel_id
            nonce = self._discord.channels[channel_id].shown[event.message.id].nonce
            self._shown.setdefault((nonce, channel_id), self._now())
        heard = _heard(event)
        if heard is not None:
            channel_id, key = heard
            self._settle(channel_id)
            self._pending[channel_id].append((key, self._now()))

    def learnt(self, message_id: int) -> None:
        """A message was written to the store, or amended there."""
        self._learnt[message_id] = self._now()

    def is_to_read(self, channel_ids: Iterable[int]) -> None:
        """The channels that the process has to catch up on were listed."""
        self._unread = set(channel_ids)

    def is_behind(self, channel_id: int, *, since: float) -> bool:
        """Whether who waits since then should still wait for what was said there before the last READY."""
        if self._now() >= min(self._ready_at, since) + CAUGHT_UP_WAIT_S - ROUNDING_S:
            return False
        channel = self._discord.channels[channel_id]
        can_be_read = not channel.is_gone and not any(at >= self._ready_at for at in channel.forbidden_at)
        return self._unread is None or (channel_id in self._unread and can_be_read)

    def was_shown(self, nonce: str, channel_id: int, *, before: float) -> bool:
        """Whether this process was shown what was stored under a nonce in this channel, and has handled that."""
        at = self._shown.get((nonce, channel_id), math.inf)
        is_handled = self._gateway is not None and channel_id not in self._gateway._mailboxes
        return at < before - ROUNDING_S and is_handled

    def begins_to_look(self, channel_id: int) -> None:
        self._began[channel_id] = self._now()

    def looked(self, channel_id: int, after: int) -> None:
        """A catch-up has read a channel, and noted what was amended; it has still to hear what is new."""
        now, settled = self._now(), self._began[channel_id] - self._settle_s
        if self._unread is not None and self._began[channel_id] >= self._ready_at:
            self._unread.discard(channel_id)
        for shown in self._discord.channels[channel_id].shown.values():
            message = shown.message
            if message.id <= after:
                continue
            if shown.deleted_by is None and shown.readable_at <= now and belongs(message, PREFIX):
                self._pending[channel_id].append(((SEEN, message.id, ""), now))
            if shown.amended_at is not None and self._learnt.get(message.id, now) < settled:
                self._known.setdefault(amendment(shown), now)

    def knows(self, key: Key, *, by: float | None = None) -> bool:
        """Whether it was told, and handled, until `by`."""
        at = self._known.get(key)
        return at is not None and (by is None or at <= by)

    def _settle(self, channel_id: int) -> None:
        gateway = self._gateway
        if gateway is not None and channel_id not in gateway._mailboxes:
            for key, at in self._pending.pop(channel_id, ()):
                self._known.setdefault(key, at)


def amendment(shown: Shown) -> Key:
    """What became of a message that was edited or deleted."""
    message = shown.message
    return (_EDITED, message.id, message.text) if shown.deleted_by is None else (_DELETED, message.id, "")


def _heard(event: GatewayEvent) -> tuple[int, Key] | None:
    """In which channel an event tells of what; None where it is no message, nor a press."""
    match event:
        case MessageSeen(message=message):
            return message.channel_id, (SEEN, message.id, "")
        case MessageEdited(channel_id=channel_id, message_id=message_id, text=text):
            return channel_id, (_EDITED, message_id, text)
        case MessageDeleted(channel_id=channel_id, message_id=message_id):
            return channel_id, (_DELETED, message_id, "")
        case ButtonPressed(channel_id=channel_id, interaction_id=interaction_id):
            return channel_id, (PRESSED, interaction_id, "")
        case _:
            return None
