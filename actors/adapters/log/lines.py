"""Turn trace events into the seed's log lines, to the letter."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, assert_never

from actors.adapters.log.errors import DETAIL
from actors.adapters.log.private import LEFT_OUT, traceback_of
from actors.ports import (
    CANCELLED,
    AttemptBegan,
    BreakerMoved,
    ConnectionMoved,
    Context,
    Diverged,
    GenerationBegan,
    GenerationEnded,
    GenerationErred,
    HistoryRead,
    Limited,
    LineDelivered,
    MissingReported,
    Moved,
    MoveRefused,
    Noted,
    OutboxSettled,
    TraceEvent,
)
from actors.roleplay.model import OutboxKind
from actors.roleplay.model_reasons import MEANINGS
from machines.breaker import CLOSED, HALF_OPEN
from machines.facts import (
    Announce,
    Cancelled,
    Effect,
    FoundInChannel,
    Generated,
    Held,
    Notify,
    NotInChannel,
    ReadBackFailed,
    ReadBackImpossible,
    SendRefused,
    SendUnconfirmed,
    SentElsewhere,
    Started,
    TakeBack,
)
from machines.response import DELIVERED, FAILED, SENDING

RATE_EVERY: Final = 100
"""Send attempts between two lines about the success rate (the seed document, "Add Metrics Tracking")."""

SHOWN: Final = 50
"""Number of characters of a generated line in the log (the seed document)."""

NETWORK: Final = frozenset({"connection", "timeout"})
"""Causes of a failed send to which a traceback adds nothing."""

DISCORD: Final = "discord"
"""Name of Discord's breaker; the others have the names of models."""

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

_memory = logging.getLogger("ensemble.memory")
_responses = logging.getLogger("ensemble.responses")
_breakers = logging.getLogger("ensemble.breakers")
_actors = logging.getLogger("ensemble.actors")


class LogTrace:
    """The `Trace` port: turns events into the seed's lines, and keeps the seed's three counters.

    An *attempt* is one try to send one part, counted when its outcome is durable; a *retry* is an attempt after the
    part's first; a *failure* is a written line that was given up. The success rate counts lines, not attempts: a line
    that arrives at the third attempt is a success. Without `texts` no line holds texts of people or characters.
    """

    def __init__(self, *, texts: bool = True) -> None:
        self._texts = texts
        self.message_send_attempts = 0
        self.message_send_failures = 0
        self.message_send_retries = 0
        self._delivered = 0
        self._opened_at: dict[str, float] = {}  # by breaker that is not closed

    def publish(self, event: TraceEvent) -> None:
        match event:
            case HistoryRead(context=context, total=total, kept=kept, attempt=attempt):
                _say(_memory, context, f"🎭 MEMORY: Processing {total} messages for {context.name}", attempt)
                _say(_memory, context, f"🎭 MEMORY: Filtered history for {context.name}: {kept} messages", attempt)
            case GenerationBegan(context=context, attempt=attempt, history_length=length):
                _multi(context, f"Generating response for {context.name}", attempt)
                _multi(context, f"Current conversation history length: {length}", attempt)
            case GenerationErred():
                _generation_erred(event, texts=self._texts)
            case AttemptBegan():
                _attempt_began(event)
            case Moved():
                self._moved(event)
            case LineDelivered(context=context, attempt=attempt, history_length=length):
                _multi(context, f"✅ Successfully sent response from {context.name}", attempt)
                _multi(context, f"Added {context.name}'s response to history. New length: {length}", attempt)
            case MoveRefused(context=context, state=state, fact=fact, reason=reason, attempt=attempt):
                words = f"❌ The response machine refused {fact} in {state} ({reason})"
                _say(_actors, context, words, attempt, logging.ERROR)
            case OutboxSettled():
                _outbox_settled(event if self._texts else replace(event, reason=event.reason.partition(",")[0]))
            case Diverged(session_id=session_id, kind=kind, count=count, channel_id=channel_id):
                where = "" if channel_id is None else f" {channel_id}"
                words = f"Channel{where} and history differ: {count} {kind}; `audit` names what."
                _actors.warning(words, extra={"session": session_id})
            case MissingReported(finding=finding, channel_id=channel_id, session_id=session_id):
                words = f"A line is reported missing in channel {channel_id}; the journal says: {finding}."
                _actors.warning(words, extra={"session": session_id})
            case Limited(excess=excess, channel_id=channel_id):
                _actors.info(f"Channel {channel_id}: a limit is reached ({excess}).")
            case BreakerMoved():
                self._breaker_moved(event)
            case Noted():
                _noted(event)
            case GenerationEnded() | ConnectionMoved():
                pass  # other events report these, or only the metrics use them
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
            _breakers.warning(f"{name} does not answer or refuses every request; next try in {wait_s:.0f} s.")

    def _moved(self, event: Moved) -> None:
        context, move, name = event.context, event.move, event.context.name
        if isinstance(move.fact, Generated):
            shown = " ".join(event.text[:SHOWN].splitlines()) if self._texts else f"({len(event.text)} characters)"
            _multi(context, f"Generated response for {name}: {shown}...", move.attempt)
        _happened(event)
        for effect in move.effects:
            _asked_for(context, effect, move.attempt)
        if move.dest == FAILED:
            _failed(event)
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
    fields |= {"said": event.said}
    _actors.log(level, words, extra=fields, exc_info=event.error)


def _happened(event: Moved) -> None:
    """Log the fact of a move."""
    context, fact, attempt, name = event.context, event.move.fact, event.move.attempt, event.context.name
    match fact:
        case Started():
            _multi(context, f"{name}'s response begins in session {context.session_id}", attempt)
        case SendRefused(reason=reason) if reason == CANCELLED:
            return  # no attempt was made
        case SendRefused() | SendUnconfirmed():
            _send_failed(event, fact)
        case SentElsewhere(channel_id=channel_id):
            words = f"❌ {name}'s message went to channel {channel_id}, where its webhook was moved to"
            _multi(context, f"{words}; it is taken back there", attempt, logging.ERROR, event.error)
        case Held(until=until, cause=cause, status=status):
            why = f" ({cause})" if cause else ""
            met = "nothing was sent" if status is None else f"Discord answered {status}"
            waits = "would have to wait" if event.move.dest is FAILED else "waits"
            _multi(context, f"{name}'s response {waits} for {until - fact.at:.0f} s{why}; {met}", attempt)
        case ReadBackFailed(cause=cause):
            words = f"The channel could not be read for {name}'s message ({cause}); it is read again"
            _multi(context, words, attempt, logging.WARNING, event.error, is_expected=True)
        case ReadBackImpossible(reason=reason):
            words = f"❌ The channel cannot be read, so {name}'s message cannot be confirmed: {reason}"
            _multi(context, words, attempt, logging.ERROR, event.error)
        case FoundInChannel():
            _multi(context, f"The channel shows {name}'s message: it was stored", attempt)
        case NotInChannel():
            _multi(context, f"The channel does not show {name}'s message: it was not stored", attempt)
        case Cancelled(by=by):
            _multi(context, f"{name}'s response was cancelled ({by})", attempt)


def _failed(event: Moved) -> None:
    """Log the end of a line that was not delivered. A cancelled line did not fail."""
    context, attempt, name = event.context, event.move.attempt, event.context.name
    if event.is_cancelled:
        _multi(context, f"{name}'s cancelled response ends here; it is not added to history", attempt)
        return
    did = "send" if event.text or event.move.source == SENDING else "generate"
    _multi(context, f"❌ FAILED to {did} {name}'s message after {attempt} attempts", attempt, logging.ERROR)
    kept_out = f"❌ NOT adding {name}'s response to history because message send failed"
    _multi(context, kept_out, attempt, logging.ERROR, is_detail=True)


def _asked_for(context: Context, effect: Effect, attempt: int) -> None:
    """Log what a move wrote into the outbox."""
    match effect:
        case Notify(reason=reason):
            _multi(context, f"A notice is written: {context.name}'s message failed ({reason})", attempt)
        case Announce(cause=cause):
            words = f"A notice is written, once for the channel: {context.name}'s message waits ({cause})"
            _multi(context, words, attempt)
        case TakeBack(message_ids=message_ids):
            words = f"Taking back what had arrived of {context.name}'s message (parts: {len(message_ids)})"
            _multi(context, words, attempt)


def _outbox_settled(event: OutboxSettled) -> None:
    where = f"outbox row {event.row_id} of channel {event.channel_id}"
    fields = {"response": event.response_id, "session": event.session_id, "attempt": event.attempt}
    match event.outcome:
        case "refused" | "unconfirmed":
            why = f": {event.reason}" if event.reason else ""
            words = f"A {event.kind} did not go out (attempt {event.attempt}, {event.outcome}{why}; {where}); "
            _actors.warning(f"{words}it is tried again.", extra=fields)
        case "sent" | "deleted" if event.kind is not OutboxKind.ANSWER:
            _actors.info(f"A {event.kind} was delivered (attempt {event.attempt}; {where}).", extra=fields)
        case _:
            return  # dropped: the outbox logs the reason; held: it tries this row again


def _send_failed(event: Moved, fact: SendRefused | SendUnconfirmed) -> None:
    context, attempt, error = event.context, event.move.attempt, event.error
    of = f"(attempt {attempt}/{context.limits.send_attempts})"
    if fact.status is not None:
        words = f"❌ Discord HTTP error sending {context.name}'s message {of}: HTTPException[{fact.status}]"
        _multi(context, words, attempt, logging.ERROR, error, code=fact.code, said=fact.words)
        return
    cause = fact.cause if isinstance(fact, SendUnconfirmed) else fact.reason
    kind = type(error).__name__ if error is not None else cause
    words = f"❌ Unexpected error sending {context.name}'s message {of}: {kind}"
    _multi(context, words, attempt, logging.ERROR, error, is_expected=cause in NETWORK)


def _generation_erred(event: GenerationErred, *, texts: bool) -> None:
    context, error = event.context, event.error
    # A server's error may repeat the prompt or the model's text.
    words = event.words if texts or not event.words else LEFT_OUT.strip("()")
    cause = MEANINGS[event.reason].name if event.reason in MEANINGS else ""
    why = ": ".join(filter(None, (f"{cause} ({event.reason})" if cause else event.reason, words)))
    whole = "".join(traceback.format_exception(error)) if error is not None and texts else ""
    first = f"❌ Error generating response for character {context.name}: {why}"
    details = (
        f"❌ Exception type: {type(error).__name__ if error is not None else 'none'}",
        f"❌ Traceback: {whole or ('none' if error is None else traceback_of(error))}",
    )
    _multi(context, first, event.attempt, logging.ERROR, error, is_expected=True)
    for line in details:
        _multi(context, line, event.attempt, logging.ERROR, error, is_expected=True, is_detail=True)


def _multi(
    context: Context,
    words: str,
    attempt: int,
    level: int = logging.INFO,
    error: BaseException | None = None,
    *,
    is_expected: bool = False,
    is_detail: bool = False,
    code: int | None = None,
    said: str = "",
) -> None:
    _say(
        _responses,
        context,
        f"🎭 MULTI-CHAR: {words}",
        attempt,
        level,
        error,
        {"is_expected": is_expected, DETAIL: is_detail, "code": code, "words": said},
    )


def _say(
    logger: logging.Logger,
    context: Context,
    words: str,
    attempt: int | None = None,
    level: int = logging.INFO,
    error: BaseException | None = None,
    more: Mapping[str, Any] = NOTHING,
) -> None:
    fields = {"response": context.response_id, "session": context.session_id, "attempt": attempt, **more}
    logger.log(level, words, extra=fields, exc_info=error)
