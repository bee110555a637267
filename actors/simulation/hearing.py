"""What the processes must know: what the gateway told one that lived to handle it, and what its catch-ups read.

    told, or read by a catch-up ─► pending ─► the channel's mailbox is empty, its process alive ─► known
                                      └─► the process died first ─► nobody knows

The invariants ask it before they excuse a difference: only what is not known may be missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Final

from actors.gateway import Gateway
from actors.ports import ButtonPressed, GatewayEvent, MessageDeleted, MessageEdited, MessageSeen
from actors.roleplay.history import belongs
from actors.simulation.discord import Discord, Shown

Key = tuple[str, int, str]
"""What is known: a message, a press, or what became of a message (its new text)."""

PREFIX: Final = "!"
"""Of the commands in every simulated world."""

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

    def listens(self, gateway: Gateway | None) -> None:
        """A new process; what the one before had not handled is known to nobody."""
        for channel_id in list(self._pending):
            self._settle(channel_id)
        self._pending.clear()
        self._gateway = gateway

    def told(self, event: GatewayEvent) -> None:
        heard = _heard(event)
        if heard is not None:
            channel_id, key = heard
            self._settle(channel_id)
            self._pending[channel_id].append((key, self._now()))

    def learnt(self, message_id: int) -> None:
        """A message was written to the store, or amended there."""
        self._learnt[message_id] = self._now()

    def begins_to_look(self, channel_id: int) -> None:
        self._began[channel_id] = self._now()

    def looked(self, channel_id: int, after: int) -> None:
        """A catch-up has read a channel, and noted what was amended; it has still to hear what is new."""
        now, settled = self._now(), self._began[channel_id] - self._settle_s
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
