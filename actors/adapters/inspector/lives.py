"""The newest responses in memory: bounded, whole, and always on the journal's state.

A move that does not follow on what is known (it began before this process, or was put away since) is not
guessed at: its response is read again from the journal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import anyio

from actors.adapters.inspector.life import Life, Step
from actors.ports import GenerationEnded, Journal, Moved, MoveRefused, Recorded
from actors.roleplay.model import ResponseId
from machines.response import FINAL, MACHINE

LIVES_MAX: Final = 1000
LIVES_AT_START: Final = 200
"""The newest, and besides them as many in each state that is not final."""

OnStep = Callable[[Life, Step], None]


class Lives:
    """What the stream is fed from. `saw` never waits; `keep_up` reads what it could not place."""

    def __init__(self, journal: Journal, on_step: OnStep, *, lives_max: int = LIVES_MAX) -> None:
        self._journal = journal
        self._on_step = on_step
        self._lives_max = lives_max
        self._lives: dict[ResponseId, Life] = {}
        self._unread: dict[ResponseId, None] = {}
        self._rung = anyio.Event()

    def get(self, response_id: ResponseId) -> Life | None:
        return self._lives.get(response_id)

    def newest_first(self, limit: int) -> list[Life]:
        """At most `limit`, but every one that is on its way."""
        ordered = sorted(self._lives.values(), key=lambda life: life.id, reverse=True)
        return [life for rank, life in enumerate(ordered) if rank < limit or not life.response.is_final]

    def saw(self, event: Moved) -> None:
        """Take a move that has just become durable."""
        context, move = event.context, event.move
        life = self._lives.get(context.response_id)
        if life is None and move.seq == 1:
            life = Life.new(context.response_id, context.session_id, context.name, context.limits)
            self._keep(life)
        if life is not None and move.seq == life.seq + 1:
            self._on_step(life, life.take(move.source, move.dest.value, move.fact))
        elif life is None or move.seq > life.seq:
            self._unread[context.response_id] = None
            self._rung.set()

    def note(self, event: GenerationEnded | MoveRefused, at: float) -> None:
        """Keep what happened beside the moves of a response that is known."""
        life = self._lives.get(event.context.response_id)
        if life is not None:
            life.note(event, at)

    async def read_newest(self) -> None:
        """Fill up from the journal: what earlier processes left, and what came while nobody listened."""
        for recorded in await newest_and_unfinished(self._journal, limit=LIVES_AT_START):
            if recorded.response_id in self._lives:
                self._catch_up(recorded)
            else:
                self._keep(Life.of(recorded))

    async def keep_up(self) -> None:
        """Read again what `saw` could not place, for ever."""
        while True:
            await self._rung.wait()
            self._rung = anyio.Event()
            while self._unread:
                # Out of the list before it is read: what is seen while we read is put on it again.
                response_id, _ = self._unread.popitem()
                recorded = await self._journal.recorded(response_id)
                if recorded is not None:
                    self._catch_up(recorded)

    def _catch_up(self, recorded: Recorded) -> None:
        """Take the moves that are not known; of a response that is new to us, only the last one is news."""
        life = self._lives.get(recorded.response_id)
        if life is None:
            life = Life.of(replace(recorded, moves=recorded.moves[:-1]))
            self._keep(life)
        for source, dest, fact in recorded.moves[life.seq :]:
            self._on_step(life, life.take(source, dest, fact))

    def _keep(self, life: Life) -> None:
        self._lives[life.id] = life
        if len(self._lives) > self._lives_max:
            ended = (known.id for known in self._lives.values() if known.response.is_final)
            del self._lives[next(ended, next(iter(self._lives)))]


async def newest_and_unfinished(journal: Journal, *, limit: int) -> list[Recorded]:
    """The newest responses, and those on their way however old they are, oldest first; `limit` for each state."""
    found = {each.response_id: each for each in await journal.recently_recorded(limit=limit)}
    for state in MACHINE.states:
        if state not in FINAL:
            unfinished = await journal.recently_recorded(limit=limit, state=state)
            found |= {each.response_id: each for each in unfinished}
    return [found[response_id] for response_id in sorted(found)]
