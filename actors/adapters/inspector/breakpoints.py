"""Breakpoints: whose responses wait before which edge, in this process's memory alone.

    the response actor ─► before ─► Paused ─► step / let go / remove / too long / cancelled ─► the move is made

A breakpoint is a debugger's: it must harm nobody who has forgotten it. So all that is held is bounded, in
number and in time, and when nobody came for a response in time, its breakpoint goes as well.

Failure modes: the process dies, and with it every breakpoint; the next one finds each response before its move.
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
from machines.facts import Fact
from machines.layout import edges_of
from machines.response import FINAL, MACHINE, Move, Response, advance
from machines.svg import edge_key

BREAKPOINTS_MAX: Final = 20
PAUSED_MAX: Final = 50
"""Responses held at once; further ones pass. One breakpoint may stand before a character in every channel."""

PAUSE_MAX_S: Final = 600.0
"""For which one response may be held, counted from its first pause. The reaper knows a line's second copy for
900 s after its last try (`actors.reaper.WATCH_S`): beyond that a copy would stay."""

REMEMBERED_MAX: Final = 200
"""Responses of which it is known when they were first held."""

LAPSED_MAX: Final = 5
"""Breakpoints that are told of after they went by themselves."""

EDGES: Final = tuple(edge_key(*edge) for edge in edges_of(MACHINE) if edge[0] != START)
"""Before which it can be paused. The first move is none of them: it is written together with the turn."""


class CannotSet(Exception):
    """There is no room for the breakpoint, or it is set already; the words are for the reader."""


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """Holds the responses of a character, of a session, or of a character in a session, before an edge, or each."""

    id: str
    character: str | None
    session_id: SessionId | None
    edge: str | None
    set_at: float

    @property
    def place(self) -> tuple[str | None, SessionId | None, str | None]:
        """What two breakpoints may not have in common."""
        return (self.character and self.character.casefold()), self.session_id, self.edge

    def holds(self, context: Context, edge: str) -> bool:
        """Whether a response of `context` waits before `edge`."""
        wanted = (context.name.casefold(), context.session_id, edge)
        return all(own in (None, given) for own, given in zip(self.place, wanted, strict=True))


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A breakpoint that went by itself, since nobody came for what it held."""

    breakpoint: Breakpoint
    at: float


@dataclass(slots=True, eq=False)
class Paused:
    """One response held before one move: the `Pause` port."""

    breakpoint: Breakpoint
    context: Context
    move: Move
    """The move as it will be made when it goes on: the response does not change meanwhile. Only a part that is held as
    absent, and lands then, is found instead."""
    since: float
    until: float
    owner: Breakpoints
    go_on: anyio.Event = field(default_factory=anyio.Event)

    async def wait(self) -> None:
        """Until somebody lets it go, but not beyond `until`."""
        self.owner.begin(self)
        try:
            with anyio.move_on_after(self.until - self.since) as time:
                await self.go_on.wait()
            if time.cancelled_caught:
                self.owner.lapse(self.breakpoint)
        finally:
            self.owner.end(self)


class Breakpoints:
    """The `Pausing` port. `on_change` is told of each response that is held from now on, or not any more."""

    def __init__(
        self, log: Trace | None, *, now: Callable[[], float], on_change: Callable[[ResponseId], None] = lambda _: None
    ) -> None:
        self._log = log
        self._now = now
        self._on_change = on_change
        self._set: dict[str, Breakpoint] = {}
        self._number = 0
        self._paused: dict[Paused, None] = {}  # oldest first
        self._stepping: dict[ResponseId, Breakpoint] = {}  # held before their next move, whichever it is
        self._first_held: dict[ResponseId, float] = {}
        self._lapsed: deque[Lapsed] = deque(maxlen=LAPSED_MAX)

    # ── for those who set them ──────────────────────────────────────────────────────────────────────

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

    def held_by(self, breakpoint: Breakpoint) -> list[Paused]:
        """The responses that wait because of it, the longest first."""
        return [paused for paused in self._paused if paused.breakpoint == breakpoint]

    def pause_of(self, response_id: ResponseId) -> Paused | None:
        """The pause in which a response is."""
        return next((paused for paused in self._paused if paused.context.response_id == response_id), None)

    def add(self, character: str | None, session_id: SessionId | None, edge: str | None) -> Breakpoint:
        """Set one. Raises CannotSet."""
        if len(self._set) >= BREAKPOINTS_MAX:
            raise CannotSet(f"There are {BREAKPOINTS_MAX} breakpoints already; remove one first.")
        new = Breakpoint(f"b{self._number + 1}", character, session_id, edge, self._now())
        if any(each.place == new.place for each in self._set.values()):
            raise CannotSet("This breakpoint is set already.")
        self._number += 1
        self._set[new.id] = new
        self._note(f"Breakpoint {new.id} is set.", session_id)
        return new

    def remove(self, breakpoint: Breakpoint) -> int:
        """Take it away and let go what it holds; how many that were."""
        self._set.pop(breakpoint.id, None)
        self._stepping = {each: by for each, by in self._stepping.items() if by != breakpoint}
        self._note(f"Breakpoint {breakpoint.id} is taken away.", breakpoint.session_id)
        return self.let_go(self.held_by(breakpoint))

    def step(self, paused: list[Paused]) -> int:
        """Let each make its move, and hold it again before the next one, whichever that is."""
        for each in paused:
            if each.move.dest not in FINAL:
                self._stepping[each.context.response_id] = each.breakpoint
        return self.let_go(paused)

    def let_go(self, paused: list[Paused]) -> int:
        """Let each go on to the next breakpoint, if there is one on its way."""
        for each in paused:
            each.go_on.set()
            self.end(each)  # now, not when its actor has run: who asks next sees it
        return len(paused)

    # ── for the response actor ──────────────────────────────────────────────────────────────────────

    def before(self, context: Context, response: Response, fact: Fact) -> Paused | None:
        if not self._set:
            return None
        stepped = self._stepping.pop(context.response_id, None)
        move = None if response.cancel_by is not None else _ahead(response, fact)
        if move is None or len(self._paused) >= PAUSED_MAX:
            return None
        edge = edge_key(move.source, move.dest)
        found = stepped or next((each for each in self._set.values() if each.holds(context, edge)), None)
        now = self._now()
        until = self._first_held.get(context.response_id, now) + PAUSE_MAX_S
        if found is None or now >= until:
            return None
        return Paused(found, context, move, now, until, self)

    def begin(self, paused: Paused) -> None:
        """`paused` waits from now on."""
        context, move = paused.context, paused.move
        self._paused[paused] = None
        self._first_held.setdefault(context.response_id, paused.since)
        if len(self._first_held) > REMEMBERED_MAX:
            del self._first_held[next(iter(self._first_held))]
        words = f"Paused before {move.source} ─► {move.dest} by breakpoint {paused.breakpoint.id}."
        self._note(words, context.session_id, context.response_id)
        self._on_change(context.response_id)

    def end(self, paused: Paused) -> None:
        """`paused` waits no more."""
        if paused in self._paused:
            del self._paused[paused]
            self._on_change(paused.context.response_id)

    def lapse(self, breakpoint: Breakpoint) -> None:
        """Nobody came in time for what it held."""
        if breakpoint.id in self._set:
            self._lapsed.append(Lapsed(breakpoint, self._now()))
            self.remove(breakpoint)

    def _note(self, words: str, session_id: SessionId | None, response_id: ResponseId | None = None) -> None:
        # A line that does not come is looked for in the log first.
        if self._log is not None:
            self._log.publish(Noted("warning", words, session_id, response_id=response_id))


def _ahead(response: Response, fact: Fact) -> Move | None:
    """The move that `fact` would make now, tried on a copy; None where the table allows none."""
    try:
        return advance(replace(response), fact)
    except IllegalMove:
        return None
