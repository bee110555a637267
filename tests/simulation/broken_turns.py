"""Builds whose turns are broken, each in one way, for the simulation to catch."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from actors.adapters.store import SqlStore
from actors.adapters.store.engine.executor import Executor
from actors.ports import NextMessages, SessionMove, Work
from actors.roleplay.model import Claim, Reading, RecentHistory, SessionId, Turn


class ReadsAhead(SqlStore):
    """A store that gives a prompt what came after its turn's messages."""

    async def recent_history(
        self,
        session_id: SessionId,
        *,
        entries_max: int,
        characters_max: int | None = None,
        reading: Reading | None = None,
    ) -> RecentHistory:
        return await super().recent_history(session_id, entries_max=entries_max, characters_max=characters_max)


class AnswersEachMessage(SqlStore):
    """A store with a turn for each of the messages that were gathered."""

    async def take_turn(self, claim: Claim, turn: Turn, *, move: SessionMove | None = None) -> Work:
        work = await self.next_work(claim)
        cause_id = work.messages[0].message_id if isinstance(work, NextMessages) else turn.cause_id
        return await super().take_turn(claim, replace(turn, cause_id=cause_id), move=move)


class DrawsAnew(SqlStore):
    """A store of a process that draws other speakers than the one before it."""

    _processes = count()

    def __init__(self, executor: Executor) -> None:
        super().__init__(executor)
        self._process = next(self._processes)

    async def take_turn(self, claim: Claim, turn: Turn, *, move: SessionMove | None = None) -> Work:
        speakers = turn.speakers[::-1] if self._process % 2 else turn.speakers
        return await super().take_turn(claim, replace(turn, speakers=speakers), move=move)
