"""The response actor: carries out the machine's tasks and reports the resulting facts to it.

    next_task(response) ─► perform ─► fact ─► advance ─► record (durable) ─► publish ─┐
            ▲──────────────────────────▲───────────────────────────────────────────────┘
                                       └ a breakpoint may stop it here

Failure modes: a store error or Fenced ends the actor; the next drain reads the response again from the journal. It can
be killed at any point and continue from there: every request is in the database before it is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Literal, TypeVar, assert_never

import anyio
import anyio.lowlevel

from actors.copies import Copies
from actors.delivery import Delivery
from actors.generation import Generation
from actors.observed import Observed
from actors.ports import (
    Context,
    Exchange,
    LineDelivered,
    Moved,
    MoveRefused,
    ResponseRecord,
    Writes,
    listening,
)
from actors.roleplay.model import Claim, SessionRecord
from actors.services import Services
from actors.typing_indicator import LONG_WAIT_S, SEND_LEAD_S, Sign
from actors.writes import writes_of
from machines.binding import IllegalMove
from machines.facts import (
    Announce,
    Cancelled,
    Fact,
    Generate,
    ReadBack,
    ReadBackImpossible,
    Send,
    SendRefused,
    Task,
    Wait,
    WaitElapsed,
)
from machines.response import DELIVERED, Move, Response, advance, next_task, restart_fact

T = TypeVar("T")


class ResponseActor:
    """Runs one character's line. `run` takes it to its end; `cancel` says that it is no longer wanted."""

    def __init__(
        self,
        services: Services,
        claim: Claim,
        session: SessionRecord,
        record: ResponseRecord,
        copies: Copies | None = None,
    ) -> None:
        self._services = services
        self._claim = claim
        self._session = session
        self._record = record
        self._response: Response = record.response
        self._is_channel_gone = False
        self._cancel_by: str | None = None
        self._is_announced = False  # whether this process has announced that the line is late
        self._interruption: anyio.CancelScope | None = None
        self._context = Context(record.response.id, record.session_id, record.character.name, record.response.limits)
        self._generation = Generation(services, session, record, self._context)
        self._delivery = Delivery(services, claim, record, self._context, copies or Copies())
        self._sign = Sign(services.typing, record.channel_id)

    @property
    def response(self) -> Response:
        return self._response

    @property
    def channel_is_gone(self) -> bool:
        """Whether this response failed because its channel is gone."""
        return self._response.is_final and self._is_channel_gone

    def cancel(self, by: str) -> None:
        """Interrupt generating, waiting and breakpoint stops; a send in flight is not interrupted."""
        self._cancel_by = by
        if self._interruption is not None:
            self._interruption.cancel()

    async def take_up(self) -> None:
        """Apply the restart fact to a response that an earlier process left unfinished."""
        fact = restart_fact(self._response, self._services.clock.now(), has_nonce=self._delivery.has_nonce)
        if fact is not None:
            await self._stop_before(fact)
            await self._apply(Observed(fact))

    async def run(self) -> None:
        """Carry out tasks until the response is final.

        A cancellation is applied before the fact of the task during which it came: so when a part's confirmation is
        judged, the part is known to be unwanted.
        """
        try:
            while next_task(self._response) is not None:
                await anyio.lowlevel.checkpoint_if_cancelled()
                await self._go_on()
        finally:
            self._sign.off()

    async def _go_on(self) -> None:
        """Carry out the next task, and apply the resulting fact."""
        told = None if self._is_cancel_due else await self._perform()
        if told is not None:
            await self._stop_before(told.fact)
            told = await self._unless_shown(told)
        if self._is_cancel_due and self._cancel_by is not None:
            await self._apply(Observed(Cancelled(self._services.clock.now(), self._cancel_by)))
        if told is not None and not self._response.is_final:
            await self._apply(told)

    @property
    def _is_cancel_due(self) -> bool:
        return self._cancel_by is not None and self._response.cancel_by is None

    async def _perform(self) -> Observed | None:
        """Carry out the next task, and collect its requests if exchanges are recorded."""
        if not self._services.rules.records_exchanges:
            return await self._carry_out()
        with listening() as requests:
            told = await self._carry_out()
        if told is None or not requests:
            return told
        return replace(told, exchange=replace(told.exchange or Exchange(), requests=tuple(requests)))

    async def _carry_out(self) -> Observed | None:
        """Carry out the next task; None if a cancellation interrupted it."""
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

    async def _generate(self, attempt: int) -> Observed:
        # Otherwise the prompt would lack the messages sent while the bot was not connected.
        await self._services.readiness.wait_caught_up(self._session.channel_id)
        return await self._generation.generate(attempt)

    def _show_typing(self, task: Task | None) -> None:
        """Show the typing indicator, except during long waits and for a cancelled response."""
        now = self._services.clock.now()
        match task:
            case Wait(until=due_at) | ReadBack(first_at=due_at):
                is_tried = due_at - now <= LONG_WAIT_S
            case _:
                is_tried = task is not None
        if is_tried and self._response.cancel_by is None:
            self._sign.on(after_s=SEND_LEAD_S if isinstance(task, Send) else 0.0)
        else:
            self._sign.off()

    async def _stop_before(self, fact: Fact) -> None:
        """Wait here if a breakpoint is set before the move; a cancelled response does not stop."""
        pause = None if self._is_cancel_due else self._services.stops.before(self._context, self._response, fact)
        if pause is not None:
            self._sign.off()
            await self._interruptible(pause.wait)

    async def _unless_shown(self, told: Observed) -> Observed:
        """Return `told`, unless it says absent and the gateway showed the part since (during a breakpoint's stop)."""
        shown = await self._delivery.shown_meanwhile(told.fact)
        if shown is None:
            return told
        await self._stop_before(shown.fact)
        return replace(shown, exchange=told.exchange)

    async def _interruptible(self, work: Callable[[], Awaitable[T]]) -> T | None:
        with anyio.CancelScope() as self._interruption:
            return await work()
        self._interruption = None
        return None

    async def _finish_even_at_shutdown(self, work: Callable[[], Awaitable[Observed]]) -> Observed | None:
        # A send in flight is finished and journalled before the process ends, within the grace time.
        with self._services.shutdown.grace():
            return await work()
        await anyio.lowlevel.checkpoint()  # the grace is over: the next process continues from the journal
        return None

    async def _wait(self, until: float) -> Observed:
        await self._services.clock.sleep_until(until)
        return Observed(WaitElapsed(self._services.clock.now()))

    # ── applying facts ──────────────────────────────────────────────────────────────────────────────

    async def _apply(self, told: Observed) -> None:
        move = self._advance(told.fact)
        writes = replace(self._writes_of(move), lore=told.lore)
        with anyio.CancelScope(shield=True):
            length = await self._services.store.record(
                self._claim, self._response, move, writes, exchange=told.exchange
            )
        self._note(move.fact)
        self._publish(move, length, told.error)
        self._is_announced |= any(isinstance(effect, Announce) for effect in move.effects)
        is_withdrawn = self._is_announced and self._response.is_final
        if is_withdrawn or writes.outbox:
            self._services.outbox_bell.ring()

    def _note(self, fact: Fact) -> None:
        """Note a fact's consequences beyond its move."""
        match fact:
            case SendRefused(reason="channel_gone") | ReadBackImpossible(reason="channel_gone"):
                self._is_channel_gone = True
            case SendRefused(reason="blocked"):
                self._generation.note_blocked()
            case _:
                return

    def _writes_of(self, move: Move) -> Writes:
        services, sender = self._services, self._delivery.outbound
        return writes_of(
            move,
            self._record,
            stray_sender=None if sender is None else sender.webhook_id,
            prefix=services.rules.command_prefix,
            indicator=services.breakers.indicator,
        )

    def _publish(self, move: Move, history_length: int, error: BaseException | None) -> None:
        response, trace = self._response, self._services.trace
        is_cancelled = response.cancel_by is not None
        trace.publish(Moved(self._context, move, "\n".join(response.texts), is_cancelled, error))
        if move.dest is DELIVERED and self._delivery.outbound is not None:
            voice, attempt = self._delivery.outbound.kind, move.attempt
            line = LineDelivered(self._context, response.text_shown, voice, response.shown, attempt, history_length)
            trace.publish(line)

    def _advance(self, fact: Fact) -> Move:
        try:
            return advance(self._response, fact)
        except IllegalMove as error:
            why: Literal["no_row", "guard"] = "guard" if error.refused else "no_row"
            refused = MoveRefused(self._context, error.step.source, type(fact).__name__, why, self._response.attempt)
            self._services.trace.publish(refused)
            raise
