"""Defines the state of a simulated Discord: channels, all messages ever stored in them, webhooks, interactions."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from actors.roleplay.model import Button, ChannelMessage
from actors.services import Bell

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
    told_at: float = math.inf  # when a process first received its event
    buttons: tuple[Button, ...] = ()
    is_belated: bool = False  # stored long after its sender gave up

    def text_at(self, at: float) -> str:
        """The text that it showed at that time."""
        return next((text for since, text in reversed(self.edits) if since <= at), self.said)


@dataclass(slots=True)
class Interaction:
    """A press of a button, and the texts that replaced its deferral, oldest first."""

    id: int
    channel_id: int
    pressed_at: float
    is_deferred: bool = False
    answers: list[str] = field(default_factory=list)

    @property
    def token(self) -> str:
        """The address of an answer."""
        return f"token of {self.id}"


@dataclass(slots=True)
class Hook:
    """A webhook of ours, and the channel that it posts into now."""

    id: int
    name: str
    channel_id: int


@dataclass(slots=True)
class ChannelState:
    """A channel and our permissions in it."""

    id: int
    shown: dict[int, Shown] = field(default_factory=dict)
    nonces: dict[str, int] = field(default_factory=dict)
    is_gone: bool = False
    may_send: bool = True
    may_read: bool = True
    may_use_webhooks: bool = True
    is_muted: bool = False  # a thread in which the bot itself may never write, but webhooks may
    is_closed: bool = False  # a thread that is archived and locked
    read_at: float = 0.0  # when it was last read successfully
    forbidden_at: list[float] = field(default_factory=list)  # the times of forbidden reads
    ours: int = 0  # number of our messages that were ever stored
    bell: Bell = field(default_factory=Bell)  # rung at each of them, and when the channel is deleted
    told_at: float = 0.0  # when the newest event arrives: events keep their order

    @property
    def newest_id(self) -> int:
        return next(reversed(self.shown), 0)
