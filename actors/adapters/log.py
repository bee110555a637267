"""The log: the seed's lines to the letter, as text or JSON, without a secret in either.

Failure modes: none of its own. What it is given is durable already; a line that cannot be written is the
logging library's to report.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
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
from machines.facts import Generated, SendRefused, SendUnconfirmed, SentElsewhere
from machines.response import DELIVERED

TEXT_FORMAT: Final = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"
RATE_EVERY: Final = 100
"""Send attempts between two lines about the success rate (the seed document, "Add Metrics Tracking")."""

SHOWN: Final = 50
"""Characters of a generated line that the log shows (the seed document)."""

NETWORK: Final = frozenset({"connection", "timeout"})
"""Causes of a failed send that a traceback says nothing more about."""

DISCORD: Final = "discord"
"""How Discord's breaker is named; the others bear the names of models."""

SpanIds = Callable[[str], tuple[str, str]]
"""From a response's id to those of its trace and its root span, in hex."""

_FIELDS: Final = ("response", "session", "attempt")

RECONNECTS: Final = "Attempting a reconnect"
"""How discord.py says that a connection was lost, each time with a traceback through its own depths."""

INDENT: Final = "    "

_CONTROLS: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
"""What could move a terminal's cursor, or be taken for the end of a line."""

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
        if isinstance(move.fact, SentElsewhere):
            words = f"❌ {name}'s message went to channel {move.fact.channel_id}, where its webhook was moved to"
            _multi(context, f"{words}; it is taken back there", move.attempt, logging.ERROR)
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
    why = f"{event.reason} ({event.words})" if event.words else event.reason
    lines = (
        f"❌ Error generating response for character {context.name}: {why}",
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


class TextFormatter(logging.Formatter):
    """A line a record, without a secret; the further lines of a traceback are indented.

    What a model or a user wrote can therefore not pass for a line of the log, nor steer a terminal. An error that
    is no fault of the code's (a refusal, a lost connection) is told in words; where it was found would be noise.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__(TEXT_FORMAT)
        self._scrub = Scrubber(secrets)

    def format(self, record: logging.LogRecord) -> str:
        if getattr(record, "is_expected", False) or str(record.msg).startswith(RECONNECTS):
            record = logging.makeLogRecord(record.__dict__ | {"exc_info": None, "exc_text": None})
        text = self._scrub(super().format(record)).replace("\r\n", "\n")
        return _escaped(text).replace("\n", f"\n{INDENT}")


class JsonFormatter(logging.Formatter):
    """One JSON object a line, without a secret: time, level, logger, message, response, session, attempt.

    With an error also `error_type` and, as `error`, its whole traceback; with `span_ids` the response's `trace_id`
    and `span_id`.
    """

    def __init__(self, secrets: Sequence[str], span_ids: SpanIds | None = None) -> None:
        super().__init__()
        self._scrub = Scrubber(secrets)
        self._span_ids = span_ids

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **{field: getattr(record, field, None) for field in _FIELDS},
        }
        if self._span_ids is not None:
            response_id = line["response"]
            ids = self._span_ids(response_id) if response_id is not None else (None, None)
            line["trace_id"], line["span_id"] = ids
        if record.exc_info and record.exc_info[0] is not None:
            line["error_type"] = record.exc_info[0].__name__
            line["error"] = self.formatException(record.exc_info)
        # Before they are quoted: a secret with a quote in it would look different afterwards.
        clean = {key: self._scrub(value) if isinstance(value, str) else value for key, value in line.items()}
        return _escaped(json.dumps(clean, ensure_ascii=False))


def _escaped(text: str) -> str:
    """`text` with every control character but the newline written as JSON writes it."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def set_up(*, level: str, json_lines: bool, secrets: Sequence[str], span_ids: SpanIds | None = None) -> None:
    """Send every logger, and what ends the program, to standard error; libraries speak only of warnings."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(secrets, span_ids) if json_lines else TextFormatter(secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # at INFO, `transitions` alone prints two lines a move and triples its cost
    logging.getLogger("ensemble").setLevel(level)
    sys.excepthook = _log_end


def _log_end(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    # Python itself would print the error as it is, with whatever a server wrote into it.
    _actors.critical("The program ends: %s", kind.__name__, exc_info=(kind, error, at))


# ── secrets ─────────────────────────────────────────────────────────────────────────────────────────

BLOT: Final = "[secret]"

SECRET_MIN: Final = 8
"""Characters below which a secret is none, and blotting it out would only blot out words."""

_LOOKS_SECRET: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?i)(authorization[\"']?\s*[:=]\s*[\"']?(?:(?:bot|bearer|basic)\s+)?)[^\s\"',}]+",
        r"([Bb]earer\s+)[\w.~+/=-]{8,}",
        r"(?i)([?&](?:api_?key|key|token|access_token|password)=)[^&\s\"']+",
        r"(://)[^/\s@]+(?=@)",  # a name and a password before a host
        r"(webhooks(?:/|%2[Ff])\d+(?:/|%2[Ff]))[\w-]{20,}",
        r"(gsk_)\w{16,}",  # a key of Groq
        r"(org[_-])(?=[a-z]*\d)\w{8,}",  # an organisation, which Groq's errors name
    )
)
"""What is a secret by its looks, whoever's it is; the first group stays."""

_GAP: Final = r"(?:\s|\\[nrt])*"
"""What may stand between two characters of a secret that was split over lines, the lines' repr() included."""

_LONG: Final = re.compile(r"[\w.-]{58,}")
_LONG_SECRETS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"()\b[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}",  # a Discord bot's token
        # A webhook's token: 68 characters without a word in them.
        r"()(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{60,90}(?![\w-])",
    )
)
"""The same, of secrets that are looked for only where `_LONG` finds something: most lines are spared them."""


class Scrubber:
    """Blots secrets out: ours in whatever form, and what looks like anybody's.

    Ours are found percent-encoded (wholly or in part), as JSON writes them, in base64, and split over lines.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        # One secret may begin with another: blotting the shorter first would leave the rest of the longer.
        ours = sorted((secret for secret in set(secrets) if len(secret) >= SECRET_MIN), key=len, reverse=True)
        forms = [*map(_as_written, ours), *(form for secret in ours for form in _in_base64(secret))]
        self._ours = re.compile("|".join(forms)) if forms else None

    def __call__(self, text: str) -> str:
        if self._ours is not None:
            text = self._ours.sub(BLOT, text)
        for pattern in _LOOKS_SECRET + _LONG_SECRETS if _LONG.search(text) else _LOOKS_SECRET:
            text = pattern.sub(_blot, text)
        return text


def _blot(found: re.Match[str]) -> str:
    return f"{found[1]}{BLOT}"


def _as_written(secret: str) -> str:
    """A pattern for the secret with any of its characters encoded, and line ends between them."""
    return _GAP.join(_any_of(character) for character in secret)


def _any_of(character: str) -> str:
    escaped = json.dumps(character)[1:-1]
    in_percent = "".join(f"%(?i:{byte:02x})" for byte in character.encode())
    return f"(?:{'|'.join(dict.fromkeys((re.escape(character), re.escape(escaped), in_percent)))})"


def _in_base64(secret: str) -> Iterator[str]:
    """Patterns for the secret within a longer text in base64, wherever it begins in a group of three bytes."""
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + secret.encode()).decode().rstrip("=")
        # The characters at both ends hold bits of the neighbours as well.
        inner = coded[(0, 2, 3)[offset] : -1]
        yield _GAP.join({"+": "[+-]", "/": "[/_]"}.get(character, character) for character in inner)
