"""The session actor: answers each user message by one turn, one speaker after the other.

    drain ─► claim (epoch) ─► next_work ─► take a turn, run a speaker, retry or take up a response ─► next_work … None

It holds nothing that the database does not: a drain that is lost, repeated or killed does no harm.

Failure modes: Fenced (another worker took over, or a command moved the session) ends the drain; the engine
rings again while work is pending.
"""

from __future__ import annotations

from typing import assert_never

from actors.ports import Context, Moved, NextMessage, NextRetry, NextSpeaker, Noted, ResponseRecord, Work
from actors.reaper import Reaper
from actors.response import ResponseActor
from actors.roleplay.model import Claim, SessionId, SessionRecord, Turn
from actors.roleplay.turns import speakers
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
        store, now = self._world.store, self._world.clock.now
        claim, record = await store.claim(session_id)
        session = machine.Session(record.id, record.state, record.version)
        work = await store.next_work(claim)
        if work is None and session.state is machine.State.RESPONDING:
            await self._move(session, machine.SpeakerFinished(now(), work_left=False))
        while work is not None:
            match work:
                case NextMessage():
                    await self._take_turn(claim, record, session, work)
                    work = await store.next_work(claim)
                case NextSpeaker() | NextRetry() | ResponseRecord():
                    await self._note_work(session)
                    channel_is_gone = await self._respond(claim, record, work)
                    work = None if channel_is_gone else await store.next_work(claim)
                    await self._note_end_of_response(session, work, channel_is_gone=channel_is_gone)
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
    ) -> None:
        await self._note_work(session)
        cast = speakers(record.order, record.cast, turns=message.turns)
        turn = Turn(self._world.clock.new_id(), record.id, message.message_id, cast)
        await self._world.store.take_turn(claim, turn)

    async def _note_work(self, session: machine.Session) -> None:
        """An idle session has work: a message to answer, or a line to deliver again."""
        if session.state is machine.State.IDLE:
            await self._move(session, machine.TurnAccepted(self._world.clock.now()))

    async def _respond(
        self, claim: Claim, session: SessionRecord, work: NextSpeaker | NextRetry | ResponseRecord
    ) -> bool:
        """Run a response to its end; whether it found the channel gone."""
        is_new = not isinstance(work, ResponseRecord)
        record = work if isinstance(work, ResponseRecord) else await self._start(claim, session, work)
        actor = ResponseActor(self._world, claim, session, record)
        self._running[session.id] = actor
        try:
            with self._reaper.undecided(session.channel_id):
                if not is_new:
                    await actor.take_up()
                await self._look_up(actor)  # an end that came before anybody listened
                await actor.run()
        finally:
            del self._running[session.id]
        await self._reaper.judge(session.channel_id)
        return actor.channel_is_gone

    async def _start(self, claim: Claim, session: SessionRecord, work: NextSpeaker | NextRetry) -> ResponseRecord:
        world = self._world
        texts, replaces = (work.texts, work.replaces) if isinstance(work, NextRetry) else ((), None)
        if isinstance(work, NextRetry) and work.look_after is not None:
            await self._reaper.look(session.channel_id, after=work.look_after)
        response = Response(world.clock.new_id(), world.rules.limits)
        move = advance(response, Started(world.clock.now(), texts))
        record = _new_record(response, session, work)
        await world.store.start(claim, record, work.ordinal, move, replaces=replaces)
        context = Context(response.id, session.id, work.character.name, response.limits)
        world.trace.publish(Moved(context, move, "\n".join(texts), history_length=0))
        return record

    async def _note_end_of_response(self, session: machine.Session, work: Work, *, channel_is_gone: bool) -> None:
        at = self._world.clock.now()
        if channel_is_gone and not session.is_final:
            await self._move(session, machine.ChannelLost(at), ended_by="channel_gone")
            words = "The channel is gone, so its session has ended."
            self._world.trace.publish(Noted("error", words, session.id))
        elif session.state is machine.State.RESPONDING:
            await self._move(session, machine.SpeakerFinished(at, work_left=work is not None))

    async def _move(self, session: machine.Session, fact: machine.Fact, *, ended_by: str | None = None) -> None:
        machine.advance(session, fact)
        await self._world.store.move_session(
            session.id, version=session.version, state=session.state, at=fact.at, ended_by=ended_by
        )


def _new_record(response: Response, session: SessionRecord, work: NextSpeaker | NextRetry) -> ResponseRecord:
    """A response before its first try; a retry answers the same message in the same turn."""
    of_turn, trigger_id = (
        (work.turn_id, work.trigger_id) if isinstance(work, NextRetry) else (work.turn.id, work.turn.trigger_id)
    )
    return ResponseRecord(
        response=response,
        session_id=session.id,
        channel_id=session.channel_id,
        turn_id=of_turn,
        trigger_id=trigger_id,
        character=work.character,
        outbound=None,
        reasons=(),
    )
