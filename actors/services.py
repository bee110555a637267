"""The services that every actor is given: ports, rules, and the shutdown grace."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final

import anyio

from actors.allowances import Allowances
from actors.breakers import Breakers
from actors.ports import (
    Channel,
    Clock,
    Files,
    Model,
    NoFiles,
    NoPatterns,
    NoStops,
    Patterns,
    Replies,
    Stops,
    Store,
    Trace,
    Voice,
)
from actors.readiness import Readiness
from actors.roleplay.gathering import AT_ONCE, Gathering
from actors.roleplay.links import Links
from actors.roleplay.quotas import NO_QUOTAS, Quotas
from actors.roleplay.turns import SPEAKERS_MAX
from actors.typing_indicator import TypingIndicator
from machines.response import Limits

SHUTDOWN_GRACE_S: Final = 10.0
"""How long sends in flight may still take after the process is asked to end."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings of play, and whether exchanges with Discord and models are recorded."""

    limits: Limits = field(default_factory=Limits)
    command_prefix: str = "!"
    context_tokens: int = 6000
    response_tokens: int = 700
    records_exchanges: bool = False
    speakers_max: int = SPEAKERS_MAX
    gathering: Gathering = AT_ONCE
    links: Links = Links.TEXT
    quotas: Quotas = NO_QUOTAS
    exchanges_keep_s: float | None = None
    """How long prompts and raw answers of ended scenes are kept; None: for ever."""

    scenes_keep_s: float | None = None
    """How long ended scenes and their journal are kept; None: for ever."""


class Shutdown:
    """Lets sends in flight finish for a limited time after the process is asked to end."""

    def __init__(self) -> None:
        self._scopes: set[anyio.CancelScope] = set()
        self._deadline = math.inf

    def grace(self) -> Grace:
        """A context whose body is shielded from cancellation until the grace is over."""
        return Grace(self._scopes, self._deadline)

    def begin(self, grace_s: float = SHUTDOWN_GRACE_S) -> None:
        """Start the grace: the bodies of `grace()` have `grace_s` left."""
        self._deadline = anyio.current_time() + grace_s
        for scope in self._scopes:
            scope.deadline = self._deadline


class Grace:
    """A shielded scope, registered with its Shutdown while it is entered."""

    def __init__(self, scopes: set[anyio.CancelScope], deadline: float) -> None:
        self._scopes = scopes
        self._scope = anyio.CancelScope(shield=True, deadline=deadline)

    def __enter__(self) -> None:
        self._scopes.add(self._scope)
        self._scope.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        self._scopes.discard(self._scope)
        return bool(self._scope.__exit__(kind, error, at))


class Bell:
    """Signals that something was stored; a ring before the wait is not lost."""

    def __init__(self) -> None:
        self._rung = anyio.Event()

    def ring(self) -> None:
        self._rung.set()

    def silence(self) -> None:
        """Forget earlier rings; call it before looking at what they announced."""
        self._rung = anyio.Event()

    async def wait(self, timeout_s: float) -> None:
        """Wait for a ring since the last `silence`, at most `timeout_s`."""
        with anyio.move_on_after(timeout_s):
            await self._rung.wait()


@dataclass(frozen=True, slots=True)
class Services:
    """The ports and rules of one process; `outbox_bell` rings when a delivery was stored.

    `breakers` are the breakers in front of `model`, `voice`, `channel` and `replies`.
    """

    clock: Clock
    model: Model
    voice: Voice
    channel: Channel
    replies: Replies
    store: Store
    trace: Trace
    rules: Rules = field(default_factory=Rules)
    shutdown: Shutdown = field(default_factory=Shutdown)
    outbox_bell: Bell = field(default_factory=Bell)
    readiness: Readiness = field(default_factory=Readiness)
    breakers: Breakers = field(default_factory=Breakers)
    allowances: Allowances = field(default_factory=Allowances)
    stops: Stops = field(default_factory=NoStops)
    typing: TypingIndicator = field(default_factory=TypingIndicator)
    patterns: Patterns = field(default_factory=NoPatterns)
    files: Files = field(default_factory=NoFiles)
