"""The session actor: answers people's messages with turns, one speaker after the other.

    drain ─► claim (epoch, work) ─► take a turn, run a speaker, redeliver or continue a response ─► next work … None

All its state is in the database: a drain that is lost, repeated or killed does no harm.

Failure modes: Fenced (another worker took over, or a command moved the session) ends the drain; the engine rings again
while work is pending.
"""

from __future__ import annotations

from copy import copy
from typing import assert_never

import anyio.lowlevel

from actors.cast import member_of
from actors.day_tokens import DayTokens
from actors.lost_channels import LOST
from actors.ports import (
    Context,
    Engine,
    MoveByWork,
    Moved,
    NextMessages,
    NextRedelivery,
    NextSpeaker,
    Noted,
    ResponseRecord,
    SessionMove,
    Work,
    can_begin,
)
from actors.reaper import Reaper
from actors.response import ResponseActor
from actors.roleplay.model import Claim, SessionId, SessionRecord, Turn
from actors.roleplay.turns import draw
from actors.services import Services
from actors.supervisor import concerning
from machines import session as machine
from machines.facts import Started
from machines.response import Response, advance


class Sessions:
    """All sessions of this process: `drain` does one session's work, `nudge` makes it check for a cancellation."""

    def __init__(self, services: Services, reaper: Reaper, engine: Engine) -> None:
        self._services = services
        self._engine = engine
        self._reaper = reaper
        self._day_tokens = DayTokens(services)
        self._running: dict[SessionId, ResponseActor] = {}

    async def drain(self, session_id: SessionId) -> None:
        """Do all the work of a session. Raises Fenced if another worker has taken over."""
        claim, record, work = await self._services.store.claim(session_id)
        session = machine.Session(record.id, record.state, record.version)
        while self._can_begin(work):
            await anyio.lowlevel.checkpoint_if_cancelled()  # a process that is ending starts nothing new
            match work:
                case NextMessages():
                    work = await self._take_turn(claim, record, session, work)
                case NextSpeaker() | NextRedelivery() | ResponseRecord():
                    if session.state is machine.State.IDLE:
                        await self._move(session, machine.TurnAccepted(self._services.clock.now()))
                    channel_is_gone = await self._respond(claim, record, work)
                    work = await self._after_response(claim, session, channel_is_gone=channel_is_gone)
                case None:
                    return
                case _:
                    assert_never(work)
        if session.state is machine.State.RESPONDING:  # nothing was left to do, or nobody answers what waited
            await self._move(session, machine.SpeakerFinished(self._services.clock.now(), work_left=False))
        if isinstance(work, NextMessages):
            await self._engine.ring(session_id, work.begins_at)

    def _can_begin(self, work: Work) -> bool:
        return can_begin(work, self._services.clock.now())

    async def nudge(self, session_id: SessionId) -> None:
        """Cancel the session's running response if a change of the session took away its reason."""
        actor = self._running.get(session_id)
        if actor is not None:
            await self._look_up(actor)

    async def _look_up(self, actor: ResponseActor) -> None:
        by = await self._services.store.cancel_reason(actor.response.id)
        if by is not None:
            actor.cancel(by)

    async def _take_turn(
        self, claim: Claim, record: SessionRecord, session: machine.Session, waiting: NextMessages
    ) -> Work:
        """Draw who answers, and open the turn; one that nobody answers moves no session."""
        clock, cause_id = self._services.clock, waiting.messages[-1].message_id
        notice = await self._day_tokens.notice_if_used_up(record, clock.now())
        if notice is not None:
            self._services.outbox_bell.ring()
            return await self._services.store.pass_over(claim, cause_id, notice, at=clock.now())
        drawn = draw(
            record.order,
            tuple(map(member_of, record.cast)),
            waiting.messages,
            waiting.before,
            seed=f"{record.id}/{cause_id}",
            speakers_max=self._services.rules.speakers_max,
        )
        turn = Turn(clock.new_id(), record.id, cause_id, drawn.speakers, drawn.round)
        begins = drawn.speakers and session.state is machine.State.IDLE
        move = _advance(session, machine.TurnAccepted(clock.now())) if begins else None
        return await self._services.store.take_turn(claim, turn, move=move)

    async def _respond(
        self, claim: Claim, session: SessionRecord, work: NextSpeaker | NextRedelivery | ResponseRecord
    ) -> bool:
        """Run a response to its end; True if its channel is gone."""
        record = work if isinstance(work, ResponseRecord) else self._new_record(session, work)
        actor = ResponseActor(self._services, claim, session, record, self._reaper.copies)
        self._running[session.id] = actor  # before its start is durable, so that no nudge is missed
        try:
            with concerning(f"response {record.response.id}"):
                if not isinstance(work, ResponseRecord):
                    await self._start(claim, work, actor, record)
                with self._reaper.undecided(session.channel_id):
                    if isinstance(work, ResponseRecord):
                        await actor.take_up()
                        await self._look_up(actor)  # it may have been cancelled before the actor was registered
                    await actor.run()
        finally:
            del self._running[session.id]
        # Most of the messages kept meanwhile are this line's own, as the gateway shows them.
        shown = {message_id for message_id, _ in actor.response.shown}
        await self._reaper.judge(session.channel_id, shown=shown)
        return actor.channel_is_gone

    async def _start(
        self, claim: Claim, work: NextSpeaker | NextRedelivery, actor: ResponseActor, record: ResponseRecord
    ) -> None:
        services, response = self._services, record.response
        texts, replaces = (work.texts, work.replaces) if isinstance(work, NextRedelivery) else ((), None)
        if isinstance(work, NextRedelivery) and work.look_after is not None:
            await self._reaper.look(record.channel_id, after=work.look_after)
        move = advance(response, Started(services.clock.now(), texts))
        by = await services.store.start(claim, record, work.ordinal, move, replaces=replaces)
        context = Context(response.id, record.session_id, record.character.name, response.limits)
        services.trace.publish(Moved(context, move, "\n".join(texts)))
        if by is not None:
            actor.cancel(by)

    async def _after_response(self, claim: Claim, session: machine.Session, *, channel_is_gone: bool) -> Work:
        at, store = self._services.clock.now(), self._services.store
        if channel_is_gone:
            if not session.is_final:
                await self._move(session, machine.ChannelLost(at), ended_by="channel_gone")
                self._services.trace.publish(Noted("error", LOST, session.id))
            return None
        if session.is_final:
            return await store.next_work(claim)
        with_work, without_work = (machine.SpeakerFinished(at, work_left=is_left) for is_left in (True, False))
        moves = MoveByWork(_advance(copy(session), with_work), _advance(copy(session), without_work))
        work = await store.next_work(claim, move=moves)
        machine.advance(session, with_work if can_begin(work, at) else without_work)
        return work

    async def _move(self, session: machine.Session, fact: machine.Fact, *, ended_by: str | None = None) -> None:
        await self._services.store.move_session(SessionId(session.id), _advance(session, fact, ended_by=ended_by))

    def _new_record(self, session: SessionRecord, work: NextSpeaker | NextRedelivery) -> ResponseRecord:
        """A response before its first move; a redelivery answers the same message in the same turn."""
        of_turn, trigger_id = (
            (work.turn_id, work.trigger_id) if isinstance(work, NextRedelivery) else (work.turn.id, work.turn.cause_id)
        )
        return ResponseRecord(
            response=Response(self._services.clock.new_id(), self._services.rules.limits),
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
