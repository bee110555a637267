"""The response actor: carries out what the machine asks for and tells it what came of it.

    next_task(response) ─► perform ─► fact ─► advance ─► record (durable) ─► publish ─┐
            ▲──────────────────────────────────────────────────────────────────────────┘

Failure modes: a store error or Fenced ends the actor, and the next drain reads the response anew from the
journal. Killed anywhere, it goes on from there: nothing is on the wire that is not in the database.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar, assert_never

import anyio
import anyio.lowlevel

from actors.ports import (
    AttemptBegan,
    Completion,
    Context,
    GenerationBegan,
    GenerationErred,
    HeldBack,
    HistoryRead,
    ModelFailed,
    Moved,
    Posted,
    Refused,
    ResponseRecord,
    Unconfirmed,
)
from actors.roleplay import notices, plan, prompt, speech
from actors.roleplay.history import shows
from actors.roleplay.model import (
    ChannelMessage,
    Character,
    Claim,
    Entry,
    Outbound,
    OutboundKind,
    OutboxDraft,
    OutboxKind,
    SessionRecord,
    nonce_of,
)
from actors.roleplay.parts import split
from actors.world import World
from machines.facts import (
    ArmReaper,
    Cancelled,
    CommitLine,
    Fact,
    FoundInChannel,
    Generate,
    Generated,
    GenerationFailed,
    Held,
    Notify,
    NotInChannel,
    ReadBack,
    ReadBackFailed,
    ReadBackImpossible,
    Send,
    SendRefused,
    SendUnconfirmed,
    Sent,
    TakeBack,
    Wait,
    WaitElapsed,
)
from machines.response import Move, Response, advance, next_task, restart_fact

CHANNEL_GONE: Final = "channel_gone"
"""The reason with which the Discord adapter says 404/10003; the machine tells nobody of it."""

TYPING_EVERY_S: Final = 8.0
"""Discord shows "is typing" for about ten seconds (Discord's reference, "Trigger Typing Indicator")."""

OWN_LAST_LINES: Final = 5
"""How many of its own lines a character may not nearly repeat."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Told:
    """A fact and, for the operator's log alone, the error behind it."""

    fact: Fact
    error: BaseException | None = None


class ResponseActor:
    """One character's line. `run` is its whole life; `cancel` takes its reason away."""

    def __init__(self, world: World, claim: Claim, session: SessionRecord, record: ResponseRecord) -> None:
        self._world = world
        self._claim = claim
        self._session = session
        self._record = record
        self._response: Response = record.response
        self._outbound = record.outbound
        self._reasons = list(record.reasons)
        self._last_reason: str | None = None
        self._cancel_by: str | None = None
        self._pause: anyio.CancelScope | None = None
        self._context = Context(record.response.id, record.session_id, record.character.name, record.response.limits)

    @property
    def response(self) -> Response:
        return self._response

    @property
    def channel_is_gone(self) -> bool:
        """Whether this response failed because there is no channel any more."""
        return self._response.is_final and self._last_reason == CHANNEL_GONE

    def cancel(self, by: str) -> None:
        """Interrupt generating and waiting; a send in flight is never interrupted, only noted."""
        self._cancel_by = by
        if self._pause is not None:
            self._pause.cancel()

    async def take_up(self) -> None:
        """Tell a response that another process left behind what that means for it."""
        has_nonce = self._outbound is not None and self._outbound.kind is not OutboundKind.WEBHOOK
        fact = restart_fact(self._response, self._world.clock.now(), has_nonce=has_nonce)
        if fact is not None:
            await self._apply(_Told(fact))

    async def run(self) -> None:
        """Go on until the response is final.

        A cancellation is told before the fact of the task that it met: so a part that was on the wire
        is known to be unwanted when its confirmation is judged.
        """
        while next_task(self._response) is not None:
            await anyio.lowlevel.checkpoint_if_cancelled()
            told = None if self._is_cancel_due else await self._perform()
            if self._is_cancel_due and self._cancel_by is not None:
                await self._apply(_Told(Cancelled(self._world.clock.now(), self._cancel_by)))
            if told is not None and not self._response.is_final:
                await self._apply(told)

    @property
    def _is_cancel_due(self) -> bool:
        return self._cancel_by is not None and self._response.cancel_by is None

    async def _perform(self) -> _Told | None:
        """Carry out the next task; None when a cancellation interrupted it."""
        match next_task(self._response):
            case Generate():
                return await self._interruptible(self._generate)
            case Send(part=part):
                return await self._finish_even_at_shutdown(lambda: self._send(part))
            case Wait(until=until):
                return await self._interruptible(lambda: self._wait(until))
            case ReadBack(first_at=first_at, settled_at=settled_at):
                return await self._read_back(first_at, settled_at)
            case None:
                return None
            case task:
                assert_never(task)

    async def _interruptible(self, work: Callable[[], Awaitable[_Told]]) -> _Told | None:
        with anyio.CancelScope() as self._pause:
            return await work()
        self._pause = None
        return None

    async def _finish_even_at_shutdown(self, work: Callable[[], Awaitable[_Told]]) -> _Told | None:
        # What is on the wire is answered and journalled before we go, within the world's time.
        with self._world.shutdown.grace():
            return await work()
        await anyio.lowlevel.checkpoint()  # the grace is over: the journal says the rest to the next process
        return None

    # ── applying facts ──────────────────────────────────────────────────────────────────────────────

    async def _apply(self, told: _Told) -> None:
        move = advance(self._response, told.fact)
        self._last_reason = getattr(told.fact, "reason", None)
        with anyio.CancelScope(shield=True):
            length = await self._world.store.record(
                self._claim,
                self._response,
                move,
                commit=self._entry_of(move),
                outbox=self._outbox_of(move),
                watch=any(isinstance(effect, ArmReaper) for effect in move.effects),
            )
        text = "\n".join(self._response.texts)
        is_cancelled = self._response.cancel_by is not None
        self._world.trace.publish(Moved(self._context, move, text, length, is_cancelled, told.error))
        if any(isinstance(effect, TakeBack | Notify) for effect in move.effects):
            self._world.outbox_bell.ring()

    def _entry_of(self, move: Move) -> Entry | None:
        for effect in move.effects:
            if isinstance(effect, CommitLine):
                return Entry(
                    kind="character",
                    name=self._record.character.name,
                    text=effect.text,
                    message_ids=effect.message_ids,
                    at=move.at,
                    session_id=self._session.id,
                    character_id=self._record.character.id,
                    response_id=self._response.id,
                )
        return None

    def _outbox_of(self, move: Move) -> list[OutboxDraft]:
        drafts: list[OutboxDraft] = []
        for effect in move.effects:
            if isinstance(effect, TakeBack):
                drafts += [self._takedown(message_id) for message_id in effect.message_ids]
            if isinstance(effect, Notify):
                drafts.append(self._notice(effect.reason))
        return drafts

    def _takedown(self, message_id: int) -> OutboxDraft:
        return OutboxDraft(
            key=f"takedown:{message_id}",
            kind=OutboxKind.TAKEDOWN,
            channel_id=self._session.channel_id,
            message_id=message_id,
            response_id=self._response.id,
        )

    def _notice(self, reason: str) -> OutboxDraft:
        name = self._record.character.name
        return OutboxDraft(
            key=f"notice:{self._response.id}",
            kind=OutboxKind.NOTICE,
            channel_id=self._session.channel_id,
            text=notices.failure(name, reason, self._world.rules.command_prefix),
            response_id=self._response.id,
        )

    # ── generating ──────────────────────────────────────────────────────────────────────────────────

    async def _generate(self) -> _Told:
        world, attempt = self._world, self._response.attempt
        entries = await world.store.history(self._session.id)
        request = plan.next_request(self._reasons, world.model.models, response_tokens=world.rules.response_tokens)
        asked = prompt.build(
            self._record.character,
            others=self._others(),
            scenario=self._session.scenario,
            entries=entries,
            context_tokens=world.rules.context_tokens,
            plan=request,
            seed=f"{self._session.id}/{self._record.trigger_id}/{attempt}",
        )
        world.trace.publish(HistoryRead(self._context, len(entries), asked.entries_kept))
        world.trace.publish(GenerationBegan(self._context, attempt, len(entries)))
        outcome = await self._while_typing(lambda: world.model.complete(asked.prompt))
        match outcome:
            case Completion():
                return self._judge_text(outcome, entries)
            case ModelFailed():
                verdict = plan.judge(self._reasons, outcome.reason, outcome.retry_after_s, world.model.models)
                return self._generation_failed(verdict, outcome.error)
            case _:
                assert_never(outcome)

    def _judge_text(self, completion: Completion, entries: tuple[Entry, ...]) -> _Told:
        character = self._record.character
        own = [entry.text for entry in entries if entry.character_id == character.id]
        speakers = {entry.name for entry in entries} | set(self._others())
        cleaned = speech.clean(
            completion.text,
            name=character.name,
            others=sorted(speakers - {character.name}),
            own_last_lines=own[-OWN_LAST_LINES:],
            cut_by_length=completion.cut_by_length,
        )
        match cleaned:
            case speech.Line(text=text):
                return _Told(Generated(self._world.clock.now(), split(text)))
            case speech.Refused(reason=reason):
                verdict = plan.judge(self._reasons, reason, 0.0, self._world.model.models)
                return self._generation_failed(verdict, None)
            case _:
                assert_never(cleaned)

    def _generation_failed(self, verdict: plan.Verdict, error: BaseException | None) -> _Told:
        self._reasons.append(verdict.reason)
        erred = GenerationErred(self._context, self._response.attempt, verdict.reason, error)
        self._world.trace.publish(erred)
        fact = GenerationFailed(
            self._world.clock.now(), verdict.reason, retry_after_s=verdict.retry_after_s, final=verdict.final
        )
        return _Told(fact, error)

    def _others(self) -> list[str]:
        return [other.name for other in self._session.cast if other.id != self._record.character.id]

    async def _while_typing(self, work: Callable[[], Awaitable[T]]) -> T:
        async with anyio.create_task_group() as group:
            group.start_soon(self._show_typing)
            outcome = await work()
            group.cancel_scope.cancel()
        return outcome

    async def _show_typing(self) -> None:
        while True:
            await self._world.channel.typing(self._session.channel_id)
            await anyio.sleep(TYPING_EVERY_S)

    # ── sending ─────────────────────────────────────────────────────────────────────────────────────

    async def _send(self, part: int) -> _Told:
        world, response = self._world, self._response
        if response.cancel_by is not None:
            return _Told(SendRefused(world.clock.now(), "cancelled", final=True))  # nothing left the process
        prepared = await world.voice.prepare(self._session.channel_id, self._record.character)
        if not isinstance(prepared, tuple):
            return self._told_of(prepared, OutboundKind.TEXT)
        self._outbound = await world.store.keep_intent(self._claim, response, self._intent(part, *prepared))
        world.trace.publish(AttemptBegan(self._context, part, response.attempt))
        return self._told_of(await world.voice.send(self._outbound), self._outbound.kind)

    def _intent(self, part: int, kind: OutboundKind, webhook_id: int | None) -> Outbound:
        character: Character = self._record.character
        return Outbound(
            kind=kind,
            channel_id=self._session.channel_id,
            name=character.name,
            text=self._response.texts[part - 1],
            nonce=nonce_of(self._response.id, part),
            fence=self._record.trigger_id,
            webhook_id=webhook_id,
            character_id=character.id,
        )

    def _told_of(self, outcome: Posted | Refused | Unconfirmed | HeldBack, kind: OutboundKind) -> _Told:
        at = self._world.clock.now()
        match outcome:
            case Posted(message_id=message_id, text=text):
                return _Told(Sent(at, message_id, text))
            case Refused(reason=reason, status=status, retry_after_s=wait_s, final=final, error=error):
                return _Told(SendRefused(at, reason, status, wait_s, final), error)
            case Unconfirmed(cause=cause, status=status, retry_after_s=wait_s, error=error):
                has_nonce = kind is not OutboundKind.WEBHOOK
                return _Told(SendUnconfirmed(at, cause, status, wait_s, has_nonce), error)
            case HeldBack(until=until):
                return _Told(Held(at, until))
            case _:
                assert_never(outcome)

    # ── waiting and reading back ────────────────────────────────────────────────────────────────────

    async def _wait(self, until: float) -> _Told:
        await self._world.clock.sleep_until(until)
        return _Told(WaitElapsed(self._world.clock.now()))

    async def _read_back(self, first_at: float, settled_at: float) -> _Told:
        """Look at once and, while absent, once more when the part had its time to land."""
        clock = self._world.clock
        await clock.sleep_until(first_at)
        while True:
            began = clock.now()
            told = await self._look()
            if told is not None:
                return told
            if began >= settled_at:
                return _Told(NotInChannel(clock.now()))
            await clock.sleep_until(settled_at)

    async def _look(self) -> _Told | None:
        """One read of the channel since the fence; None when the part is not in it."""
        if self._outbound is None:
            return None  # it never came near the wire
        now = self._world.clock.now
        seen = await self._world.channel.messages(self._session.channel_id, after=self._outbound.fence)
        match seen:
            case Refused(final=True, reason=reason, error=error):
                gone = reason if reason == CHANNEL_GONE else "unconfirmed"
                return _Told(ReadBackImpossible(now(), gone), error)
            case Refused(reason=cause, retry_after_s=wait_s, error=error):
                return _Told(ReadBackFailed(now(), cause, wait_s), error)
            case Unconfirmed(cause=cause, retry_after_s=wait_s, error=error):
                return _Told(ReadBackFailed(now(), cause, wait_s), error)
            case HeldBack(until=until):
                return _Told(ReadBackFailed(now(), "held", max(0.0, until - now())))
            case tuple():
                return await self._pick(seen, self._outbound)
            case _:
                assert_never(seen)

    async def _pick(self, seen: tuple[ChannelMessage, ...], outbound: Outbound) -> _Told | None:
        """The oldest message that shows the part and belongs to no other one; the reaper sees to further ones."""
        store, channel_id = self._world.store, self._session.channel_id
        known = await store.own_messages(channel_id, after=outbound.fence)
        for message in seen:
            if message.id not in known and shows(message, outbound):
                return _Told(FoundInChannel(self._world.clock.now(), message.id, message.text))
        return None
