"""The log: the seed's lines to the letter, as text or JSON, without a secret in either.

Failure modes: none of its own. What it is given is durable already; a line that cannot be written is the
logging library's to report.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Sequence
from typing import Final, assert_never

from actors.ports import (
    AttemptBegan,
    BreakerMoved,
    Context,
    GenerationBegan,
    GenerationErred,
    HistoryRead,
    Moved,
    Noted,
    TraceEvent,
)
from machines.breaker import CLOSED, HALF_OPEN
from machines.facts import Generated, SendRefused, SendUnconfirmed
from machines.response import DELIVERED, FAILED

TEXT_FORMAT: Final = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"
RATE_EVERY: Final = 100
"""Send attempts between two lines about the success rate (the seed document, "Add Metrics Tracking")."""

SHOWN: Final = 50
"""Characters of a generated line that the log shows (the seed document)."""

SECRET_MIN: Final = 8
"""Characters below which a secret is none, and blotting it out would only blot out words."""

NETWORK: Final = frozenset({"connection", "timeout"})
"""Causes of a failed send that a traceback says nothing more about."""

DISCORD: Final = "discord"
"""How Discord's breaker is named; the others bear the names of models."""

_FIELDS: Final = ("response", "session", "attempt")

INDENT: Final = "    "

_CONTROLS: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
"""What could move a terminal's cursor, or be taken for the end of a line."""

_memory = logging.getLogger("ensemble.memory")
_responses = logging.getLogger("ensemble.responses")
_breakers = logging.getLogger("ensemble.breakers")
_actors = logging.getLogger("ensemble.actors")


class LogTrace:
    """The `Trace` port: turns events into the seed's lines."""

    def __init__(self) -> None:
        self._send_attempts = 0
        self._delivered = 0
        self._failed = 0
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
                self._attempt_began(event)
            case Moved():
                self._moved(event)
            case BreakerMoved():
                self._breaker_moved(event)
            case Noted(level=level, words=words, session_id=session_id, error=error):
                _actors.log(logging.getLevelNamesMapping()[level.upper()], words,
                            extra={"session": session_id}, exc_info=error)  # fmt: skip
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

    def _attempt_began(self, event: AttemptBegan) -> None:
        context, attempt = event.context, event.attempt
        if attempt > 1:
            of = f" (attempt {attempt}/{context.limits.send_attempts})"
            _multi(context, f"Attempting to send response from {context.name}{of}", attempt)
        elif event.part == 1:
            _multi(context, f"Attempting to send response from {context.name}", attempt)
        self._send_attempts += 1
        if self._send_attempts % RATE_EVERY == 0:
            # Of messages, not of tries: one that came at the third try did come.
            ended = self._delivered + self._failed
            rate = 100 * self._delivered / ended if ended else 100.0
            _say(_responses, context, f"📊 Message success rate: {rate:.2f}%", attempt)

    def _moved(self, event: Moved) -> None:
        context, move, name = event.context, event.move, event.context.name
        if isinstance(move.fact, Generated):
            shown = " ".join(event.text[:SHOWN].splitlines())
            _multi(context, f"Generated response for {name}: {shown}...", move.attempt)
        if isinstance(move.fact, SendRefused | SendUnconfirmed):
            _send_failed(event, move.fact)
        if move.dest == DELIVERED:
            self._delivered += 1
            _multi(context, f"✅ Successfully sent response from {name}", move.attempt)
            added = f"Added {name}'s response to history. New length: {event.history_length}"
            _multi(context, added, move.attempt)
        if move.dest == FAILED and event.text and not event.is_cancelled:
            self._failed += 1
            tried = f"❌ FAILED to send {name}'s message after {move.attempt} attempts"
            _multi(context, tried, move.attempt, logging.ERROR)
            kept_out = f"❌ NOT adding {name}'s response to history because message send failed"
            _multi(context, kept_out, move.attempt, logging.ERROR)


def _send_failed(event: Moved, fact: SendRefused | SendUnconfirmed) -> None:
    context, attempt = event.context, event.move.attempt
    if event.is_cancelled and fact.status is None:
        return
    of = f"(attempt {attempt}/{context.limits.send_attempts})"
    if fact.status is not None:
        words = f"❌ Discord HTTP error sending {context.name}'s message {of}: HTTPException[{fact.status}]"
        _multi(context, words, attempt, logging.ERROR)
        return
    cause = fact.cause if isinstance(fact, SendUnconfirmed) else fact.reason
    kind = type(event.error).__name__ if event.error is not None else cause
    words = f"❌ Unexpected error sending {context.name}'s message {of}: {kind}"
    # A network that fails is no fault of the code's: what failed is told, and where it was found is noise.
    _multi(context, words, attempt, logging.ERROR, None if cause in NETWORK else event.error)


def _generation_erred(event: GenerationErred) -> None:
    context, error = event.context, event.error
    lines = (
        f"❌ Error generating response for character {context.name}: {event.reason}",
        f"❌ Exception type: {type(error).__name__ if error is not None else 'none'}",
        f"❌ Traceback: {''.join(traceback.format_exception(error)) if error is not None else 'none'}",
    )
    for line in lines:
        _multi(context, line, event.attempt, logging.ERROR)


def _multi(
    context: Context, words: str, attempt: int, level: int = logging.INFO, error: BaseException | None = None
) -> None:
    _say(_responses, context, f"🎭 MULTI-CHAR: {words}", attempt, level, error)


def _say(
    logger: logging.Logger,
    context: Context,
    words: str,
    attempt: int | None = None,
    level: int = logging.INFO,
    error: BaseException | None = None,
) -> None:
    fields = {"response": context.response_id, "session": context.session_id, "attempt": attempt}
    logger.log(level, words, extra=fields, exc_info=error)


class TextFormatter(logging.Formatter):
    """A line a record, without a secret; the further lines of a traceback are indented.

    What a model or a user wrote can therefore not pass for a line of the log, nor steer a terminal.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__(TEXT_FORMAT)
        self._secrets = _longest_first(secrets)

    def format(self, record: logging.LogRecord) -> str:
        text = _scrubbed(super().format(record), self._secrets).replace("\r\n", "\n")
        return _escaped(text).replace("\n", f"\n{INDENT}")


class JsonFormatter(logging.Formatter):
    """One JSON object a line, without a secret: time, level, logger, message, response, session, attempt, error."""

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__()
        self._secrets = _longest_first(secrets)

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **{field: getattr(record, field, None) for field in _FIELDS},
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        # Before they are quoted: a secret with a quote in it would look different afterwards.
        clean = {
            key: _scrubbed(value, self._secrets) if isinstance(value, str) else value for key, value in line.items()
        }
        return _escaped(json.dumps(clean, ensure_ascii=False))


def _longest_first(secrets: Sequence[str]) -> tuple[str, ...]:
    # One secret may begin with another: blotting the shorter first would leave the rest of the longer.
    return tuple(sorted((secret for secret in secrets if len(secret) >= SECRET_MIN), key=len, reverse=True))


def _scrubbed(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "[secret]")
    return text


def _escaped(text: str) -> str:
    """`text` with every control character but the newline written as JSON writes it."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def set_up(*, level: str, json_lines: bool, secrets: Sequence[str]) -> None:
    """Send every logger to standard error; libraries speak only of warnings."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(secrets) if json_lines else TextFormatter(secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # at INFO, `transitions` alone prints two lines a move and triples its cost
    logging.getLogger("ensemble").setLevel(level)
