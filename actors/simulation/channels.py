"""What a simulated Discord holds: its channels, the messages ever stored in them, webhooks and presses of buttons."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from actors.roleplay.model import Button, ChannelMessage
from actors.world import Bell

Remover = Literal["us", "people"]


@dataclass(slots=True)
class Shown:
    """One message that was ever stored; `nonce` is empty for people's."""

    message: ChannelMessage
    nonce: str
    readable_at: float
    said: str = ""  # its first text
    deleted_by: Remover | None = None
    amended_at: float | None = None
    edits: list[tuple[float, str]] = field(default_factory=list)  # when, and the text since then
    told_at: float = math.inf  # when the gateway told a process of it first
    buttons: tuple[Button, ...] = ()
    is_belated: bool = False  # stored when its sender had given up for long

    def text_at(self, at: float) -> str:
        """What it showed then."""
        return next((text for since, text in reversed(self.edits) if since <= at), self.said)


@dataclass(slots=True)
class Interaction:
    """A press of a button, and what took the place of its deferral, oldest first."""

    id: int
    channel_id: int
    pressed_at: float
    is_deferred: bool = False
    answers: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Hook:
    """A webhook of ours, and the channel that it posts into now."""

    id: int
    name: str
    channel_id: int


@dataclass(slots=True)
class ChannelState:
    """A channel, and what we may do in it."""

    id: int
    shown: dict[int, Shown] = field(default_factory=dict)
    nonces: dict[str, int] = field(default_factory=dict)
    is_gone: bool = False
    may_send: bool = True
    may_read: bool = True
    may_use_webhooks: bool = True
    is_muted: bool = False  # a thread in which the bot may not write for good, and webhooks may
    is_closed: bool = False  # a thread that is archived and locked
    read_at: float = 0.0  # when it was last read with success
    forbidden_at: list[float] = field(default_factory=list)  # when a read was forbidden
    ours: int = 0  # messages of ours that were ever stored
    bell: Bell = field(default_factory=Bell)  # rung with each of them, and at the channel's end
    told_at: float = 0.0  # when the gateway tells the newest event: they keep their order

    @property
    def newest_id(self) -> int:
        return next(reversed(self.shown), 0)
