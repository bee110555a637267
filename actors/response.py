"""The response actor: carries out what the machine asks for and tells it what came of it.

    next_task(response) ─► perform ─► fact ─► advance ─► record (durable) ─► publish ─┐
            ▲──────────────────────────▲───────────────────────────────────────────────┘
                                       └ a breakpoint may hold it here

Failure modes: a store error or Fenced ends the actor, and the next drain reads the response anew from the
journal. Killed anywhere, it goes on from there: nothing is on the wire that is not in the database.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Literal, TypeVar, assert_never

import anyio
import anyio.lowlevel

from actors.copies import Copies
from actors.delivery import CHANNEL_GONE, Delivery
from actors.generation import Generation
from actors.ports import (
    Context,
    Exchange,
    Moved,
    MoveRefused,
    ResponseRecord,
    listening,
)
from actors.roleplay import notices
from actors.roleplay.model import (
    Claim,
    Entry,
    OutboxDraft,
    OutboxKind,
    SessionRecord,
)
from actors.told import Told
from actors.typing_indicator import LONG_WAIT_S, SEND_LEAD_S, Sign
from actors.world import World
from machines.binding import IllegalMove
from machines.facts import (
    BLOCKED,
    Announce,
    ArmReaper,
    Cancelled,
    CommitLine,
    Fact,
    Generate,
    Notify,
    ReadBack,
    Send,
    SendRefused,
    TakeBack,
    Task,
    Wait,
    WaitElapsed,
)
from machines.response import Move, Response, advance, next_task, restart_fact

T = TypeVar("T")


class ResponseActor:
    """One character's line. `run` is its whole life; `cancel` takes its reason away."""

    def __init__(
        self, world: World, claim: Claim, session: SessionRecord, record: ResponseRecord, copies: Copies | None = None
    ) -> None:
        self._world = world
        self._claim = claim
        self._session = session
        self._record = record
        self._response: Response = record.response
        self._last_reason: str | None = None
        self._cancel_by: str | None = None
        self._is_announced = False  # that it comes late; by this process
        self._interruption: anyio.CancelScope | None = None
        self._context = Context(record.response.id, record.session_id, record.character.name, record.response.limits)
        self._generation = Generation(world, session, record, self._context)
        self._delivery = Delivery(world, claim, record, self._context, copies or Copies())
        self._sign = Sign(world.typing, record.channel_id)

    @property
    def response(self) -> Response:
        return self._response

    @property
    def channel_is_gone(self) -> bool:
        """Whether this response failed because there is no channel any more."""
        return self._response.is_final and self._last_reason == CHANNEL_GONE

    def cancel(self, by: str) -> None:
        """Interrupt generating, waiting and pauses; a send in flight is never interrupted, only noted."""
        self._cancel_by = by
        if self._interruption is not None:
            self._interruption.cancel()

    async def take_up(self) -> None:
        """Tell a response that another process left behind what that means for it."""
        fact = restart_fact(self._response, self._world.clock.now(), has_nonce=self._delivery.has_nonce)
        if fact is not None:
            await self._pause_before(fact)
            await self._apply(Told(fact))

    async def run(self) -> None:
        """Go on until the response is final.

        A cancellation is told before the fact of the task that it met: so a part that was on the wire
        is known to be unwanted when its confirmation is judged.
        """
        try:
            while next_task(self._response) is not None:
                await anyio.lowlevel.checkpoint_if_cancelled()
                await self._go_on()
        finally:
            self._sign.off()

    async def _go_on(self) -> None:
        """Carry out the next task, and apply what came of it."""
        told = None if self._is_cancel_due else await self._perform()
        if told is not None:
            await self._pause_before(told.fact)
            told = await self._unless_shown(told)
        if self._is_cancel_due and self._cancel_by is not None:
            await self._apply(Told(Cancelled(self._world.clock.now(), self._cancel_by)))
        if told is not None and not self._response.is_final:
            await self._apply(told)

    @property
    def _is_cancel_due(self) -> bool:
        return self._cancel_by is not None and self._response.cancel_by is None

    async def _perform(self) -> Told | None:
        """Carry out the next task, and listen to its requests where they are recorded."""
        if not self._world.rules.records_exchanges:
            return await self._carry_out()
        with listening() as requests:
            told = await self._carry_out()
        if told is None or not requests:
            return told
        return replace(told, exchange=replace(told.exchange or Exchange(), requests=tuple(requests)))

    async def _carry_out(self) -> Told | None:
        """Carry out the next task; None when a cancellation interrupted it."""
        task = next_task(self._response)
        self._show_typing(task)
        match task:
            case Generate(attempt=attempt):
                return await self._interruptible(partial(self._generate, attempt))
            case Send(part=part):
                return await self._finish_even_at_shutdown(partial(self._delivery.send, part))
            case Wait(until=until):
                return await self._interruptible(partial(self._wait, until))
            case ReadBack(first_at=first_at, settled_at=settled_at):
                return await self._delivery.read_back(first_at, settled_at)
            case None:
                return None
            case _:
                assert_never(task)

    async def _generate(self, attempt: int) -> Told:
        # Else the prompt would lack what was said while nobody listened.
        await self._world.readiness.wait_caught_up(self._session.channel_id)
        return await self._generation.generate(attempt)

    def _show_typing(self, task: Task | None) -> None:
        """Show that somebody writes while anything is tried: not in long waits, and not for what nobody wants."""
        now = self._world.clock.now()
        match task:
            case Wait(until=due_at) | ReadBack(first_at=due_at):
                is_tried = due_at - now <= LONG_WAIT_S
            case _:
                is_tried = task is not None
        if is_tried and self._response.cancel_by is None:
            self._sign.on(after_s=SEND_LEAD_S if isinstance(task, Send) else 0.0)
        else:
            self._sign.off()

    async def _pause_before(self, fact: Fact) -> None:
        """Wait here if a breakpoint is set before the move; a response that is not wanted any more is not held."""
        pause = None if self._is_cancel_due else self._world.pausing.before(self._context, self._response, fact)
        if pause is not None:
            self._sign.off()
            await self._interruptible(pause.wait)

    async def _unless_shown(self, told: Told) -> Told:
        """`told`, unless the gateway has shown the part that it calls absent: a breakpoint may have held it."""
        shown = await self._delivery.shown_meanwhile(told.fact)
        if shown is None:
            return told
        await self._pause_before(shown.fact)
        return replace(shown, exchange=told.exchange)

    async def _interruptible(self, work: Callable[[], Awaitable[T]]) -> T | None:
        with anyio.CancelScope() as self._interruption:
            return await work()
        self._interruption = None
        return None

    async def _finish_even_at_shutdown(self, work: Callable[[], Awaitable[Told]]) -> Told | None:
        # What is on the wire is answered and journalled before we go, within the world's time.
        with self._world.shutdown.grace():
            return await work()
        await anyio.lowlevel.checkpoint()  # the grace is over: the journal says the rest to the next process
        return None

    async def _wait(self, until: float) -> Told:
        await self._world.clock.sleep_until(until)
        return Told(WaitElapsed(self._world.clock.now()))

    # ── applying facts ──────────────────────────────────────────────────────────────────────────────

    async def _apply(self, told: Told) -> None:
        move = self._advance(told.fact)
        self._last_reason = getattr(told.fact, "reason", None)
        with anyio.CancelScope(shield=True):
            length = await self._world.store.record(
                self._claim,
                self._response,
                move,
                commit=self._entry_of(move),
                outbox=self._outbox_of(move),
                watch=any(isinstance(effect, ArmReaper) for effect in move.effects),
                exchange=told.exchange,
            )
        if isinstance(move.fact, SendRefused) and move.fact.reason == BLOCKED:
            self._generation.note_blocked()
        text = "\n".join(self._response.texts)
        is_cancelled = self._response.cancel_by is not None
        self._world.trace.publish(Moved(self._context, move, text, length, is_cancelled, told.error))
        self._is_announced |= any(isinstance(effect, Announce) for effect in move.effects)
        is_withdrawn = self._is_announced and self._response.is_final
        if is_withdrawn or any(isinstance(effect, TakeBack | Notify | Announce) for effect in move.effects):
            self._world.outbox_bell.ring()

    def _advance(self, fact: Fact) -> Move:
        try:
            return advance(self._response, fact)
        except IllegalMove as error:
            why: Literal["no_row", "guard"] = "guard" if error.refused else "no_row"
            refused = MoveRefused(self._context, error.step.source, type(fact).__name__, why, self._response.attempt)
            self._world.trace.publish(refused)
            raise

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
                drafts += [self._takedown(message_id, effect.channel_id) for message_id in effect.message_ids]
            if isinstance(effect, Notify):
                drafts.append(self._notice(effect.reason))
            if isinstance(effect, Announce):
                drafts.append(self._delay(effect))
        return drafts

    def _takedown(self, message_id: int, elsewhere: int | None) -> OutboxDraft:
        """Of a shown part, the store knows who sent it; a stray one is the current try's."""
        sender = self._delivery.outbound
        return OutboxDraft(
            key=f"takedown:{message_id}",
            kind=OutboxKind.TAKEDOWN,
            channel_id=self._session.channel_id if elsewhere is None else elsewhere,
            message_id=message_id,
            webhook_id=None if elsewhere is None or sender is None else sender.webhook_id,
            response_id=self._response.id,
        )

    def _notice(self, reason: str) -> OutboxDraft:
        name, prefix = self._record.character.name, self._world.rules.command_prefix
        return OutboxDraft(
            key=f"notice:{self._response.id}",
            kind=OutboxKind.NOTICE,
            channel_id=self._session.channel_id,
            text=notices.failure(name, reason, prefix, is_written=bool(self._response.texts)),
            response_id=self._response.id,
            buttons=notices.buttons(self._response.id, reason),
        )

    def _delay(self, effect: Announce) -> OutboxDraft:
        # One key for the channel and the opening (or closing): the second response that waits there says nothing new.
        channel_id = self._session.channel_id
        indicator = self._world.breakers.indicator
        return OutboxDraft(
            key=f"held:{channel_id}:{effect.cause}:{effect.since:.0f}",
            kind=OutboxKind.NOTICE,
            channel_id=channel_id,
            text=notices.held(self._record.character.name, effect.cause, indicator, until=effect.until),
            response_id=self._response.id,
        )
