"""Tracks what the processes must know: events that a process received and handled, and messages that catch-ups read.

    received, or read by a catch-up ─► pending ─► the channel's mailbox is empty, its process alive ─► known
                                          └─► the process died first ─► not known

The invariants allow a difference only for what is not known.
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
"""What is known: a message, a press, an edit (with the new text) or a deletion."""

PREFIX: Final = "!"
"""The command prefix in every simulated world."""

ROUNDING_S: Final = 0.001
"""Times since 1970 are not exact as floats, and events at one moment have no order."""

SEEN: Final = "seen"
PRESSED: Final = "pressed"
_EDITED: Final = "edited"
_DELETED: Final = "deleted"


class Hearing:
    """Follows one process after the other. `_known` is when each handled item was first received or read."""

    def __init__(self, discord: Discord, now: Callable[[], float], settle_s: float) -> None:
        self._discord = discord
        self._now = now
        self._settle_s = settle_s
        self._gateway: Gateway | None = None
        self._pending: dict[int, list[tuple[Key, float]]] = defaultdict(list)
        self._began: dict[int, float] = {}  # when the catch-up of a channel began, by channel
        self._learnt: dict[int, float] = {}  # when the store last wrote a message, by message
        self._known: dict[Key, float] = {}
        self._ready_at = -math.inf  # the last READY of this process
        self._unread: set[int] | None = None  # channels still to be read since then; None: not listed yet
        self._shown: dict[tuple[str, int], float] = {}  # (nonce, channel) ─► when this process received its message

    def listens(self, gateway: Gateway | None) -> None:
        """Follow a new process; what the one before had not handled is not known."""
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
        """A message was stored, or amended in the store."""
        self._learnt[message_id] = self._now()

    def is_to_read(self, channel_ids: Iterable[int]) -> None:
        """The process listed the channels that it must catch up on."""
        self._unread = set(channel_ids)

    def is_behind(self, channel_id: int, *, since: float) -> bool:
        """Whether a response that waits since then must still wait for messages from before the last READY."""
        if self._now() >= min(self._ready_at, since) + CAUGHT_UP_WAIT_S - ROUNDING_S:
            return False
        channel = self._discord.channels[channel_id]
        can_be_read = not channel.is_gone and not any(at >= self._ready_at for at in channel.forbidden_at)
        return self._unread is None or (channel_id in self._unread and can_be_read)

    def was_shown(self, nonce: str, channel_id: int, *, before: float) -> bool:
        """Whether this process received, and handled, the message stored under a nonce in this channel."""
        at = self._shown.get((nonce, channel_id), math.inf)
        is_handled = self._gateway is not None and channel_id not in self._gateway._mailboxes
        return at < before - ROUNDING_S and is_handled

    def begins_to_look(self, channel_id: int) -> None:
        self._began[channel_id] = self._now()

    def looked(self, channel_id: int, after: int) -> None:
        """A catch-up has read a channel and stored the amendments; it has not handled the new messages yet."""
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
        """Whether it was handled, and received not later than `by`."""
        at = self._known.get(key)
        return at is not None and (by is None or at <= by)

    def _settle(self, channel_id: int) -> None:
        gateway = self._gateway
        if gateway is not None and channel_id not in gateway._mailboxes:
            for key, at in self._pending.pop(channel_id, ()):
                self._known.setdefault(key, at)


def amendment(shown: Shown) -> Key:
    """The key of a message's edit or deletion."""
    message = shown.message
    return (_EDITED, message.id, message.text) if shown.deleted_by is None else (_DELETED, message.id, "")


def _heard(event: GatewayEvent) -> tuple[int, Key] | None:
    """An event's channel and key; None if it concerns neither a message nor a press."""
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
