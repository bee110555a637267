"""The seed's lines to the letter, from what the trace reports."""

from __future__ import annotations

import logging
import traceback
from typing import Final, assert_never

from actors.ports import (
    AttemptBegan,
    BreakerMoved,
    ConnectionMoved,
    Context,
    Diverged,
    GenerationBegan,
    GenerationEnded,
    GenerationErred,
    HistoryRead,
    Moved,
    MoveRefused,
    Noted,
    OutboxSettled,
    TraceEvent,
)
from machines.breaker import CLOSED, HALF_OPEN
from machines.facts import Generated, SendRefused, SendUnconfirmed
from machines.response import DELIVERED

RATE_EVERY: Final = 100
"""Send attempts between two lines about the success rate (the seed document, "Add Metrics Tracking")."""

SHOWN: Final = 50
"""Characters of a generated line that the log shows (the seed document)."""

NETWORK: Final = frozenset({"connection", "timeout"})
"""Causes of a failed send that a traceback says nothing more about."""

DISCORD: Final = "discord"
"""How Discord's breaker is named; the others bear the names of models."""

_memory = logging.getLogger("ensemble.memory")
_responses = logging.getLogger("ensemble.responses")
_breakers = logging.getLogger("ensemble.breakers")
_actors = logging.getLogger("ensemble.actors")


class LogTrace:
    """The `Trace` port: turns events into the seed's lines, and keeps the seed's three counters.

    An *attempt* is one try of one part, counted when what came of it is durable; a *retry* is an attempt after the
    part's first; a *failure* is a written line that was given up. The success rate is that of lines, not of
    attempts: one that came at the third attempt did come.
    """

    def __init__(self) -> None:
        self.message_send_attempts = 0
        self.message_send_failures = 0
        self.message_send_retries = 0
        self._delivered = 0
        self._opened_at: dict[str, float] = {}  # of each breaker that is not closed

    def publish(self, event: TraceEvent) -> None:
        match event:
            case HistoryRead(context=context, total=total, kept=kept):
                _say(_memory, context, f"🎭 MEMORY: Processing {total} messages for {context.name}")
                _say(_memory, context, f"🎭 MEMORY: Filtered history for {context.name}: {kept} messages")
            case GenerationBegan(context=context, attempt=attempt, history_length=length):
                _multi(context, f"Generating response for {context.name}", attempt)
                _multi(context, f"Current conversation history length: {length}", attempt)
            case GenerationErred():
                _generation_erred(event)
            case AttemptBegan():
                _attempt_began(event)
            case Moved():
                self._moved(event)
            case MoveRefused(context=context, state=state, fact=fact, reason=reason):
                words = f"❌ The response machine refused {fact} in {state} ({reason})"
                _say(_actors, context, words, level=logging.ERROR)
            case OutboxSettled(kind=kind, outcome="refused" | "unconfirmed" as outcome, attempt=attempt):
                words = f"A {kind} did not go out (attempt {attempt}, {outcome}); it is tried again."
                _actors.warning(words, extra={"response": event.response_id, "attempt": attempt})
            case Diverged(session_id=session_id, kind=kind, count=count):
                words = f"Channel and history differ: {count} {kind}; `audit` names what."
                _actors.warning(words, extra={"session": session_id})
            case BreakerMoved():
                self._breaker_moved(event)
            case Noted():
                _noted(event)
            case GenerationEnded() | OutboxSettled() | ConnectionMoved():
                pass  # told by other events, or of use to the metrics alone
            case _:
                assert_never(event)

    def _breaker_moved(self, event: BreakerMoved) -> None:
        name = "Discord" if event.dependency == DISCORD else f"The model {event.dependency}"
        if event.dest == CLOSED:
            lasted_s = event.at - self._opened_at.pop(event.dependency, event.at)
            _breakers.info(f"{name} answers again, after {lasted_s:.0f} s.")
            return
        if event.dest == HALF_OPEN:
            _breakers.info(f"{name} is tried again.")
            return
        wait_s = event.until - event.at
        if event.source != CLOSED:
            _breakers.warning(f"{name} still does not answer; next try in {wait_s:.0f} s.")
            return
        self._opened_at[event.dependency] = event.at
        if event.dependency == DISCORD:
            _breakers.critical("🚨 Discord API appears to be down. Entering degraded mode.")
        else:
            _breakers.warning(f"{name} does not answer or refuses all; it is left alone for {wait_s:.0f} s.")

    def _moved(self, event: Moved) -> None:
        context, move, name = event.context, event.move, event.context.name
        if isinstance(move.fact, Generated):
            shown = " ".join(event.text[:SHOWN].splitlines())
            _multi(context, f"Generated response for {name}: {shown}...", move.attempt)
        if isinstance(move.fact, SendRefused | SendUnconfirmed):
            _send_failed(event, move.fact)
        if move.dest == DELIVERED:
            _multi(context, f"✅ Successfully sent response from {name}", move.attempt)
            added = f"Added {name}'s response to history. New length: {event.history_length}"
            _multi(context, added, move.attempt)
        if event.is_send_failure:
            tried = f"❌ FAILED to send {name}'s message after {move.attempt} attempts"
            _multi(context, tried, move.attempt, logging.ERROR)
            kept_out = f"❌ NOT adding {name}'s response to history because message send failed"
            _multi(context, kept_out, move.attempt, logging.ERROR)
        self._count(event)

    def _count(self, event: Moved) -> None:
        self._delivered += event.move.dest == DELIVERED
        self.message_send_failures += event.is_send_failure
        self.message_send_retries += event.is_send_retry
        self.message_send_attempts += event.is_send_attempt
        if event.is_send_attempt and self.message_send_attempts % RATE_EVERY == 0:
            ended = self._delivered + self.message_send_failures
            rate = 100 * self._delivered / ended if ended else 100.0
            _say(_responses, event.context, f"📊 Message success rate: {rate:.2f}%", event.move.attempt)


def _attempt_began(event: AttemptBegan) -> None:
    context, attempt = event.context, event.attempt
    if attempt > 1:
        of = f" (attempt {attempt}/{context.limits.send_attempts})"
        _multi(context, f"Attempting to send response from {context.name}{of}", attempt)
    elif event.part == 1:
        _multi(context, f"Attempting to send response from {context.name}", attempt)


def _noted(event: Noted) -> None:
    level = logging.getLevelNamesMapping()[event.level.upper()]
    words = f"❌ {event.words}" if level == logging.ERROR else event.words
    fields = {"response": event.response_id, "session": event.session_id, "attempt": event.attempt}
    _actors.log(level, words, extra=fields, exc_info=event.error)


def _send_failed(event: Moved, fact: SendRefused | SendUnconfirmed) -> None:
    context, attempt = event.context, event.move.attempt
    if event.is_cancelled and fact.status is None:
        return
    of = f"(attempt {attempt}/{context.limits.send_attempts})"
    if fact.status is not None:
        words = f"❌ Discord HTTP error sending {context.name}'s message {of}: HTTPException[{fact.status}]"
        _multi(context, words, attempt, logging.ERROR, event.error, is_expected=True)
        return
    cause = fact.cause if isinstance(fact, SendUnconfirmed) else fact.reason
    kind = type(event.error).__name__ if event.error is not None else cause
    words = f"❌ Unexpected error sending {context.name}'s message {of}: {kind}"
    _multi(context, words, attempt, logging.ERROR, event.error, is_expected=cause in NETWORK)


def _generation_erred(event: GenerationErred) -> None:
    context, error = event.context, event.error
    lines = (
        f"❌ Error generating response for character {context.name}: {event.reason}",
        f"❌ Exception type: {type(error).__name__ if error is not None else 'none'}",
        f"❌ Traceback: {''.join(traceback.format_exception(error)) if error is not None else 'none'}",
    )
    for line in lines:
        _multi(context, line, event.attempt, logging.ERROR, error, is_expected=True)


def _multi(
    context: Context,
    words: str,
    attempt: int,
    level: int = logging.INFO,
    error: BaseException | None = None,
    *,
    is_expected: bool = False,
) -> None:
    _say(_responses, context, f"🎭 MULTI-CHAR: {words}", attempt, level, error, is_expected=is_expected)


def _say(
    logger: logging.Logger,
    context: Context,
    words: str,
    attempt: int | None = None,
    level: int = logging.INFO,
    error: BaseException | None = None,
    *,
    is_expected: bool = False,
) -> None:
    fields = {
        "response": context.response_id,
        "session": context.session_id,
        "attempt": attempt,
        "is_expected": is_expected,
    }
    logger.log(level, words, extra=fields, exc_info=error)
