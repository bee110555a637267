"""The session actor: answers each user message by one turn, one speaker after the other.

    drain ─► claim (epoch, work) ─► take a turn, run a speaker, retry or take up a response ─► its next work … None

It holds nothing that the database does not: a drain that is lost, repeated or killed does no harm.

Failure modes: Fenced (another worker took over, or a command moved the session) ends the drain; the engine
rings again while work is pending.
"""

from __future__ import annotations

from copy import copy
from typing import assert_never

import anyio.lowlevel

from actors.lost_channels import LOST
from actors.ports import (
    Context,
    MoveByWork,
    Moved,
    NextMessage,
    NextRetry,
    NextSpeaker,
    Noted,
    ResponseRecord,
    SessionMove,
    Work,
)
from actors.reaper import Reaper
from actors.response import ResponseActor
from actors.roleplay.model import Claim, SessionId, SessionRecord, Turn
from actors.roleplay.turns import speakers
from actors.supervisor import concerning
from actors.world import World
from machines import session as machine
from machines.facts import Started
from machines.response import Response, advance


class Sessions:
    """All sessions of this process: `drain` is one session's work, `nudge` tells it to look up."""

    def __init__(self, world: World, reaper: Reaper) -> None:
        self._world = world
        self._reaper = reaper
        self._running: dict[SessionId, ResponseActor] = {}

    async def drain(self, session_id: SessionId) -> None:
        """Do all the work that the session has. Raises Fenced when somebody else does it."""
        claim, record, work = await self._world.store.claim(session_id)
        session = machine.Session(record.id, record.state, record.version)
        if work is None and session.state is machine.State.RESPONDING:
            await self._move(session, machine.SpeakerFinished(self._world.clock.now(), work_left=False))
        while work is not None:
            await anyio.lowlevel.checkpoint_if_cancelled()  # a process that ends begins nothing new
            match work:
                case NextMessage():
                    work = await self._take_turn(claim, record, session, work)
                case NextSpeaker() | NextRetry() | ResponseRecord():
                    if session.state is machine.State.IDLE:
                        await self._move(session, machine.TurnAccepted(self._world.clock.now()))
                    channel_is_gone = await self._respond(claim, record, work)
                    work = await self._after_response(claim, session, channel_is_gone=channel_is_gone)
                case _:
                    assert_never(work)

    async def nudge(self, session_id: SessionId) -> None:
        """Something about the session changed: the response on its way may have lost its reason."""
        actor = self._running.get(session_id)
        if actor is not None:
            await self._look_up(actor)

    async def _look_up(self, actor: ResponseActor) -> None:
        by = await self._world.store.cancel_reason(actor.response.id)
        if by is not None:
            actor.cancel(by)

    async def _take_turn(
        self, claim: Claim, record: SessionRecord, session: machine.Session, message: NextMessage
    ) -> Work:
        clock = self._world.clock
        cast = speakers(record.order, record.cast, turns=message.turns)
        turn = Turn(clock.new_id(), record.id, message.message_id, cast)
        is_idle = session.state is machine.State.IDLE
        move = _advance(session, machine.TurnAccepted(clock.now())) if is_idle else None
        return await self._world.store.take_turn(claim, turn, move=move)

    async def _respond(
        self, claim: Claim, session: SessionRecord, work: NextSpeaker | NextRetry | ResponseRecord
    ) -> bool:
        """Run a response to its end; whether it found the channel gone."""
        record = work if isinstance(work, ResponseRecord) else self._new_record(session, work)
        actor = ResponseActor(self._world, claim, session, record, self._reaper.copies)
        self._running[session.id] = actor  # before its start is durable: no nudge comes while nobody listens
        try:
            with concerning(f"response {record.response.id}"):
                if not isinstance(work, ResponseRecord):
                    await self._start(claim, work, actor, record)
                with self._reaper.undecided(session.channel_id):
                    if isinstance(work, ResponseRecord):
                        await actor.take_up()
                        await self._look_up(actor)  # an end that came before anybody listened
                    await actor.run()
        finally:
            del self._running[session.id]
        # Most of what was kept meanwhile is this very line, as the gateway shows it.
        shown = {message_id for message_id, _ in actor.response.shown}
        await self._reaper.judge(session.channel_id, shown=shown)
        return actor.channel_is_gone

    async def _start(
        self, claim: Claim, work: NextSpeaker | NextRetry, actor: ResponseActor, record: ResponseRecord
    ) -> None:
        world, response = self._world, record.response
        texts, replaces = (work.texts, work.replaces) if isinstance(work, NextRetry) else ((), None)
        if isinstance(work, NextRetry) and work.look_after is not None:
            await self._reaper.look(record.channel_id, after=work.look_after)
        move = advance(response, Started(world.clock.now(), texts))
        by = await world.store.start(claim, record, work.ordinal, move, replaces=replaces)
        context = Context(response.id, record.session_id, record.character.name, response.limits)
        world.trace.publish(Moved(context, move, "\n".join(texts)))
        if by is not None:
            actor.cancel(by)

    async def _after_response(self, claim: Claim, session: machine.Session, *, channel_is_gone: bool) -> Work:
        at, store = self._world.clock.now(), self._world.store
        if channel_is_gone:
            if not session.is_final:
                await self._move(session, machine.ChannelLost(at), ended_by="channel_gone")
                self._world.trace.publish(Noted("error", LOST, session.id))
            return None
        if session.is_final:
            return await store.next_work(claim)
        with_work, without_work = (machine.SpeakerFinished(at, work_left=is_left) for is_left in (True, False))
        moves = MoveByWork(_advance(copy(session), with_work), _advance(copy(session), without_work))
        work = await store.next_work(claim, move=moves)
        machine.advance(session, without_work if work is None else with_work)
        return work

    async def _move(self, session: machine.Session, fact: machine.Fact, *, ended_by: str | None = None) -> None:
        await self._world.store.move_session(SessionId(session.id), _advance(session, fact, ended_by=ended_by))

    def _new_record(self, session: SessionRecord, work: NextSpeaker | NextRetry) -> ResponseRecord:
        """A response before its first move; a retry answers the same message in the same turn."""
        of_turn, trigger_id = (
            (work.turn_id, work.trigger_id) if isinstance(work, NextRetry) else (work.turn.id, work.turn.trigger_id)
        )
        return ResponseRecord(
            response=Response(self._world.clock.new_id(), self._world.rules.limits),
            session_id=session.id,
            channel_id=session.channel_id,
            turn_id=of_turn,
            trigger_id=trigger_id,
            character=work.character,
            outbound=None,
            reasons=(),
        )


def _advance(session: machine.Session, fact: machine.Fact, *, ended_by: str | None = None) -> SessionMove:
    machine.advance(session, fact)
    return SessionMove(session.state, session.version, fact.at, ended_by)
