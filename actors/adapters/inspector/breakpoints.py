"""Stop responses before chosen edges; breakpoints exist only in this process's memory.

    the response actor ─► before ─► stopped ─► step / let go / remove / timeout / cancel ─► the move is made

A forgotten breakpoint must do no harm. So the number of stopped responses and the time of each stop are limited, and a
breakpoint whose stop times out is removed automatically.

Failure modes: breakpoints are lost when the process ends; the next process finds each response before its move.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

import anyio

from actors.ports import Context, Noted, Trace
from actors.roleplay.model import ResponseId, SessionId
from machines.binding import START, IllegalMove
from machines.diagrams.layout import edges_of
from machines.diagrams.svg import edge_key
from machines.facts import Fact
from machines.response import FINAL, MACHINE, Move, Response, advance

BREAKPOINTS_MAX: Final = 20
STOPPED_MAX: Final = 50
"""Responses stopped at once; further ones are not stopped. One breakpoint may stop a character in every channel."""

STOP_MAX_S: Final = 600.0
"""How long one response may be stopped, from its first stop. The reaper recognises a line's second copy for 900 s
after its last attempt (`actors.reaper.WATCH_S`): a later copy would stay."""

REMEMBERED_MAX: Final = 200
"""Responses whose first stop is remembered."""

LAPSED_MAX: Final = 5
"""Automatically removed breakpoints that are still reported."""

EDGES: Final = tuple(edge_key(*edge) for edge in edges_of(MACHINE) if edge[0] != START)
"""Edges before which a response can be stopped. The first move is not among them: it is written with the turn."""


class CannotSet(Exception):
    """The breakpoint cannot be set: there are too many, or it exists; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """Stops the responses of a character, a session, or a character in a session, before one edge or every edge."""

    id: str
    character: str | None
    session_id: SessionId | None
    edge: str | None
    set_at: float

    @property
    def place(self) -> tuple[str | None, SessionId | None, str | None]:
        """The key that must be unique among breakpoints."""
        return (self.character and self.character.casefold()), self.session_id, self.edge

    def holds(self, context: Context, edge: str) -> bool:
        """Return whether this breakpoint stops a response of `context` before `edge`."""
        wanted = (context.name.casefold(), context.session_id, edge)
        return all(own in (None, given) for own, given in zip(self.place, wanted, strict=True))


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A breakpoint that was removed automatically: a response that it stopped timed out."""

    breakpoint: Breakpoint
    at: float


@dataclass(slots=True, eq=False)
class StoppedResponse:
    """One response stopped before one move: the `Stop` port."""

    breakpoint: Breakpoint
    context: Context
    move: Move
    """The move that will be made after the stop: the response does not change meanwhile. One exception: if a part that
    was not in the channel arrives during the stop, the move is that of a part that was found."""
    since: float
    until: float
    owner: Breakpoints
    go_on: anyio.Event = field(default_factory=anyio.Event)

    async def wait(self) -> None:
        """Wait until it is let go, at most until `until`."""
        self.owner.begin(self)
        try:
            with anyio.move_on_after(self.until - self.since) as time:
                await self.go_on.wait()
            if time.cancelled_caught:
                self.owner.lapse(self.breakpoint)
        finally:
            self.owner.end(self)


class Breakpoints:
    """The `Stops` port. `on_change` is called with each response that is stopped or let go."""

    def __init__(
        self, log: Trace | None, *, now: Callable[[], float], on_change: Callable[[ResponseId], None] = lambda _: None
    ) -> None:
        self._log = log
        self._now = now
        self._on_change = on_change
        self._set: dict[str, Breakpoint] = {}
        self._number = 0
        self._stopped: dict[StoppedResponse, None] = {}  # oldest first
        self._stepping: dict[ResponseId, Breakpoint] = {}  # to be stopped before their next move, whichever it is
        self._first_stopped: dict[ResponseId, float] = {}
        self._lapsed: deque[Lapsed] = deque(maxlen=LAPSED_MAX)

    # ── for the routes ──────────────────────────────────────────────────────────────────────────────

    @property
    def all(self) -> list[Breakpoint]:
        """Oldest first."""
        return list(self._set.values())

    @property
    def lapsed(self) -> list[Lapsed]:
        """Oldest first."""
        return list(self._lapsed)

    def get(self, breakpoint_id: str) -> Breakpoint | None:
        return self._set.get(breakpoint_id)

    def stopped_by(self, breakpoint: Breakpoint) -> list[StoppedResponse]:
        """Return the responses that it stops, the longest first."""
        return [paused for paused in self._stopped if paused.breakpoint == breakpoint]

    def stop_of(self, response_id: ResponseId) -> StoppedResponse | None:
        """Return the response's current stop, if any."""
        return next((paused for paused in self._stopped if paused.context.response_id == response_id), None)

    def add(self, character: str | None, session_id: SessionId | None, edge: str | None) -> Breakpoint:
        """Set a breakpoint. Raises CannotSet."""
        if len(self._set) >= BREAKPOINTS_MAX:
            raise CannotSet(f"There are {BREAKPOINTS_MAX} breakpoints already; remove one first.")
        new = Breakpoint(f"b{self._number + 1}", character, session_id, edge, self._now())
        if any(each.place == new.place for each in self._set.values()):
            raise CannotSet("This breakpoint already exists.")
        self._number += 1
        self._set[new.id] = new
        self._note(f"Breakpoint {new.id} is set.", session_id)
        return new

    def remove(self, breakpoint: Breakpoint) -> int:
        """Remove it and let its responses go on; return how many there were."""
        self._set.pop(breakpoint.id, None)
        self._stepping = {each: by for each, by in self._stepping.items() if by != breakpoint}
        self._note(f"Breakpoint {breakpoint.id} is removed.", breakpoint.session_id)
        return self.let_go(self.stopped_by(breakpoint))

    def step(self, paused: list[StoppedResponse]) -> int:
        """Let each make its move, and stop it again before the next one, whichever that is. Returns how many."""
        for each in paused:
            if each.move.dest not in FINAL:
                self._stepping[each.context.response_id] = each.breakpoint
        return self.let_go(paused)

    def let_go(self, paused: list[StoppedResponse]) -> int:
        """Let each go on until it meets a breakpoint. Returns how many."""
        for each in paused:
            each.go_on.set()
            self.end(each)  # at once, not when its actor runs, so that the next request sees it
        return len(paused)

    # ── for the response actor ──────────────────────────────────────────────────────────────────────

    def before(self, context: Context, response: Response, fact: Fact) -> StoppedResponse | None:
        if not self._set:
            return None
        stepped = self._stepping.pop(context.response_id, None)
        move = None if response.cancel_by is not None else _ahead(response, fact)
        if move is None or len(self._stopped) >= STOPPED_MAX:
            return None
        edge = edge_key(move.source, move.dest)
        found = stepped or next((each for each in self._set.values() if each.holds(context, edge)), None)
        now = self._now()
        until = self._first_stopped.get(context.response_id, now) + STOP_MAX_S
        if found is None or now >= until:
            return None
        return StoppedResponse(found, context, move, now, until, self)

    def begin(self, paused: StoppedResponse) -> None:
        """Record that `paused` begins to wait."""
        context, move = paused.context, paused.move
        self._stopped[paused] = None
        self._first_stopped.setdefault(context.response_id, paused.since)
        if len(self._first_stopped) > REMEMBERED_MAX:
            del self._first_stopped[next(iter(self._first_stopped))]
        words = f"Stopped before {move.source} ─► {move.dest} by breakpoint {paused.breakpoint.id}."
        self._note(words, context.session_id, context.response_id)
        self._on_change(context.response_id)

    def end(self, paused: StoppedResponse) -> None:
        """Record that `paused` no longer waits."""
        if paused in self._stopped:
            del self._stopped[paused]
            self._on_change(paused.context.response_id)

    def lapse(self, breakpoint: Breakpoint) -> None:
        """Remove a breakpoint whose stop timed out, and report it."""
        if breakpoint.id in self._set:
            self._lapsed.append(Lapsed(breakpoint, self._now()))
            self.remove(breakpoint)

    def _note(self, words: str, session_id: SessionId | None, response_id: ResponseId | None = None) -> None:
        # People search the log first if a line is missing.
        if self._log is not None:
            self._log.publish(Noted("warning", words, session_id, response_id=response_id))


def _ahead(response: Response, fact: Fact) -> Move | None:
    """The move that `fact` would make now, tried on a copy; None if the table allows none."""
    try:
        return advance(replace(response), fact)
    except IllegalMove:
        return None
