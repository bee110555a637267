"""Keeps views of the newest responses in memory: bounded in number, complete, and equal to the journal.

If a move does not follow the last known one (the response began before this process, or its view was dropped), the
response is read again from the journal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import anyio

from actors.observation import Journal, Recorded
from actors.observation.response_view import ResponseView, Step
from actors.ports import GenerationEnded, Moved, MoveRefused
from actors.roleplay.model import ResponseId
from machines.response import FINAL, MACHINE

RESPONSES_MAX: Final = 1000
LIVES_AT_START: Final = 200
"""Responses read at the start: so many of the newest, and as many again in each state that is not final."""

OnStep = Callable[[ResponseView, Step], None]


class ResponseViews:
    """The source of the event stream. `saw` never waits; `keep_up` reads the responses that `saw` could not update."""

    def __init__(self, journal: Journal, on_step: OnStep, *, lives_max: int = RESPONSES_MAX) -> None:
        self._journal = journal
        self._on_step = on_step
        self._lives_max = lives_max
        self._views: dict[ResponseId, ResponseView] = {}
        self._unread: dict[ResponseId, None] = {}
        self._rung = anyio.Event()

    def get(self, response_id: ResponseId) -> ResponseView | None:
        return self._views.get(response_id)

    def newest_first(self, limit: int) -> list[ResponseView]:
        """The newest `limit` views, and all unfinished ones."""
        ordered = sorted(self._views.values(), key=lambda line: line.id, reverse=True)
        return [line for rank, line in enumerate(ordered) if rank < limit or not line.response.is_final]

    def saw(self, event: Moved) -> None:
        """Apply a move that has just been stored."""
        context, move = event.context, event.move
        line = self._views.get(context.response_id)
        if line is None and move.seq == 1:
            line = ResponseView.new(context.response_id, context.session_id, context.name, context.limits)
            self._keep(line)
        if line is not None and move.seq == line.seq + 1:
            self._on_step(line, line.take(move.source, move.dest.value, move.fact))
        elif line is None or move.seq > line.seq:
            self._unread[context.response_id] = None
            self._rung.set()

    def note(self, event: GenerationEnded | MoveRefused, at: float) -> None:
        """Keep an event that is no move, if its response is known."""
        line = self._views.get(event.context.response_id)
        if line is not None:
            line.note(event, at)

    async def read_newest(self) -> None:
        """Read the newest responses from the journal: those of earlier processes, and moves missed since."""
        for recorded in await newest_and_unfinished(self._journal, limit=LIVES_AT_START):
            if recorded.response_id in self._views:
                self._catch_up(recorded)
            else:
                self._keep(ResponseView.of(recorded))

    async def keep_up(self) -> None:
        """Read again the responses that `saw` could not update, until cancelled."""
        while True:
            await self._rung.wait()
            self._rung = anyio.Event()
            while self._unread:
                # Removed before the read, so that a move seen during the read adds it again.
                response_id, _ = self._unread.popitem()
                recorded = await self._journal.recorded(response_id)
                if recorded is not None:
                    self._catch_up(recorded)

    def _catch_up(self, recorded: Recorded) -> None:
        """Apply the unknown moves; for a response without a view, announce only its last move."""
        line = self._views.get(recorded.response_id)
        if line is None:
            line = ResponseView.of(replace(recorded, moves=recorded.moves[:-1]))
            self._keep(line)
        for source, dest, fact in recorded.moves[line.seq :]:
            self._on_step(line, line.take(source, dest, fact))

    def _keep(self, line: ResponseView) -> None:
        self._views[line.id] = line
        if len(self._views) > self._lives_max:
            ended = (known.id for known in self._views.values() if known.response.is_final)
            del self._views[next(ended, next(iter(self._views)))]


async def newest_and_unfinished(journal: Journal, *, limit: int) -> list[Recorded]:
    """The newest responses, and unfinished ones of any age, oldest first; at most `limit` of each kind and state."""
    found = {each.response_id: each for each in await journal.recently_recorded(limit=limit)}
    for state in MACHINE.states:
        if state not in FINAL:
            unfinished = await journal.recently_recorded(limit=limit, state=state)
            found |= {each.response_id: each for each in unfinished}
    return [found[response_id] for response_id in sorted(found)]
