"""Prometheus metrics: counts trace events, and reads the journal when the metrics are scraped.

    trace ─► publish ─► registry ─► text ─► /metrics        the journal ─► lines by state ─┘

No label holds an id. All label values are known at the start, from the machine's table and the closed lists below;
any other value is reported as `other`.

Failure modes: for a line that an earlier process began, moves are counted but durations are not, because only that
process knew when they began.
"""

from __future__ import annotations

import math
from collections import Counter as Counts
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Final, Literal, get_args

import anyio.to_thread
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from actors.observation import AllowanceView, LinesInState
from actors.ports import (
    BreakerMoved,
    Diverged,
    GenerationEnded,
    Limited,
    MissingReported,
    Moved,
    MoveRefused,
    OutboxSettled,
    TraceEvent,
)
from actors.roleplay.allowance import SPANS
from actors.roleplay.missing_reports import Finding
from actors.roleplay.model import OutboxKind, ResponseId
from actors.roleplay.model_reasons import MEANINGS, MODEL_REASONS
from actors.roleplay.quotas import Excess
from machines.breaker import State as BreakerState
from machines.facts import RESTART, Generated, GenerationFailed, SendRefused, SendUnconfirmed, Sent, SentElsewhere
from machines.response import DELIVERED, FINAL, GENERATING, MACHINE, SENDING, State

OTHER: Final = "other"
REASONS: Final = {
    "generate": (*MEANINGS, RESTART, OTHER),
    "send": (
        *("rate_limit", "outage", "connection", "timeout", "malformed", "not_connected", "not_found", "unauthorized"),
        *(
            "forbidden",
            "webhooks_forbidden",
            "webhook_gone",
            "webhooks_full",
            "webhook_moved",
            "thread_closed",
            "blocked",
            "message_refused",
            "too_long",
            RESTART,
            OTHER,
        ),
    ),
}
"""Reasons for a failed attempt, by stage."""

LIMITED: Final = (
    *("everything", "send", "webhook", "webhook-get", "webhook-edit", "webhooks-in", "read", "delete", "typing"),
    *("channel", "webhooks", "member", "commands", "login", OTHER),
)
"""What a Discord rate limit applies to: a bucket's name without its id."""

BREAKER_VALUES: Final = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}
UNFINISHED: Final = tuple(state for state in State if state not in FINAL)

LINE_S: Final = (0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600)
"""Seconds, from an instant model to the default deadline and twice that."""
TRIES: Final = (1, 2, 3, 4, 6, 10, 20)
LAG_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
MODEL_S: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS: Final = tuple(4**power for power in range(14))
"""MODEL_S and TOKENS are those of OpenTelemetry's conventions for generative AI, "Generative AI client metrics"."""

NO_BUILD: Final[Mapping[str, str]] = MappingProxyType({"version": "", "python": ""})

RESPONSES_MAX: Final = 10_000
"""Responses whose times are kept. More are hardly unfinished at once; beyond it the oldest is dropped."""

# Otherwise each series has a second one with its creation time, which nothing uses.
disable_created_metrics()  # type: ignore[no-untyped-call] # the library does not annotate it


@dataclass(slots=True)
class _Progress:
    """Progress of an unfinished response. `started_at`: None if an earlier process began it."""

    started_at: float | None
    entered_at: float | None
    reason: str  # of its newest failed attempt
    tries: int = 0


class Metrics:
    """The `Trace` port. `text` is the answer of `/metrics`.

    `models` and `dependencies` are label values; `provider` is OpenTelemetry's name of the models' server.
    `errors` counts the log since the process began: errors, and lines with ❌ (an error has one or more).
    `closed` returns the names of the closed buckets, `allowances` the models' allowances; `build` holds the versions.
    """

    def __init__(
        self,
        *,
        lines: Callable[[], Awaitable[Sequence[LinesInState]]],
        untold_since: Callable[[], Awaitable[float | None]],
        now: Callable[[], float],
        errors: Callable[[], tuple[int, int]] = lambda: (0, 0),
        models: Sequence[str] = (),
        provider: str = "",
        dependencies: Iterable[str] = (),
        closed: Callable[[], Iterable[str]] = tuple,
        build: Mapping[str, str] = NO_BUILD,
        allowances: Callable[[], Awaitable[Iterable[AllowanceView]]] | None = None,
    ) -> None:
        self._lines = lines
        self._closed = closed
        self._allowances = allowances
        self._untold_since = untold_since
        self._count_errors = errors
        self._errors_seen = (0, 0)
        self._now = now
        self._models = frozenset(models)
        self._provider = provider
        self._progress: dict[ResponseId, _Progress] = {}
        self._registry = CollectorRegistry()
        self._make_responses()
        self._make_tries()
        self._make_model(models)
        self._make_surroundings(dependencies)
        self._gauge("ensemble_build_info", "What runs; always 1.", *build).labels(**build).set(1)
        for model, span in product(models, SPANS):
            self._lines_left.labels(model, span).set(math.inf)

    async def text(self) -> bytes:
        """Return all metrics in Prometheus's text format; reads the journal."""
        found = {each.state: each for each in await self._lines()}
        for state in State:
            self._responses.labels(state).set(found[state].count if state in found else 0)
        for state in UNFINISHED:
            self._oldest_s.labels(state).set(self._age_s(found[state].oldest_at if state in found else None))
        self._untold_s.set(self._age_s(await self._untold_since()))
        now, before = self._count_errors(), self._errors_seen
        self._errors.inc(now[0] - before[0])
        self._error_lines.inc(now[1] - before[1])
        self._errors_seen = now
        limited = Counts(_limited(name) for name in self._closed())
        for what in LIMITED:
            self._limits.labels(what).set(limited[what])
        for each in await self._allowances() if self._allowances is not None else ():
            for span, lines in (("minute", each.lines_minute), ("day", each.lines_day)):
                self._lines_left.labels(each.model, span).set(math.inf if lines is None else lines)
        # A thousand lines take some milliseconds: in a thread they do not block the event loop.
        return await anyio.to_thread.run_sync(generate_latest, self._registry)

    def _age_s(self, since: float | None) -> float:
        return 0.0 if since is None else max(0.0, self._now() - since)

    def observe_loop_lag(self, lag_s: float) -> None:
        """Record how late the event loop woke up."""
        self._lag_s.observe(lag_s)

    def publish(self, event: TraceEvent) -> None:
        match event:
            case Moved():
                self._moved(event)
            case MoveRefused(state=state, fact=fact, reason=reason):
                self._refused.labels(state, fact, reason).inc()
            case GenerationEnded():
                self._generation_ended(event)
            case OutboxSettled():
                self._outbox_settled(event)
            case BreakerMoved(dependency=dependency, dest=dest):
                self._breaker.labels(dependency).set(BREAKER_VALUES[BreakerState(dest)])
            case Diverged(count=count):
                self._divergence.inc(count)
            case MissingReported(finding=finding):
                self._missing.labels(finding).inc()
            case Limited(excess=excess):
                self._not_done.labels(excess).inc()
            case _:
                return  # the other events are only logged

    # ── events ──────────────────────────────────────────────────────────────────────────────────────

    def _moved(self, event: Moved) -> None:
        move, fact = event.move, event.move.fact
        self._transitions.labels(move.source, type(fact).__name__, move.dest).inc()
        progress = self._progress_of(event)
        if event.is_send_attempt:
            self._wire.labels("send", _outcome(fact)).inc()
            progress.tries += 1
        if event.is_send_retry:
            self._retries.labels("send", progress.reason).inc()
        elif move.source == GENERATING and isinstance(fact, Generated | GenerationFailed) and move.attempt > 1:
            self._retries.labels("generate", progress.reason).inc()
        if isinstance(fact, GenerationFailed | SendRefused | SendUnconfirmed | SentElsewhere):
            progress.reason = _known_reason(move.source, fact)
        if event.is_send_failure:
            self._send_failures.inc()
        self._time(progress, event)

    def _progress_of(self, event: Moved) -> _Progress:
        move = event.move
        if (progress := self._progress.get(move.response_id)) is None:
            began_at = move.at if move.seq == 1 else None
            reason = RESTART if began_at is None else OTHER
            progress = self._progress[move.response_id] = _Progress(began_at, began_at, reason)
            if len(self._progress) > RESPONSES_MAX:
                del self._progress[next(iter(self._progress))]
        return progress

    def _time(self, progress: _Progress, event: Moved) -> None:
        move = event.move
        if move.source != move.dest:
            if progress.entered_at is not None and move.source != MACHINE.initial:
                self._state_s.labels(move.source).observe(move.at - progress.entered_at)
            progress.entered_at = move.at
        if move.dest not in FINAL:
            return
        del self._progress[move.response_id]
        if progress.started_at is not None:
            outcome = _ending(event)
            self._duration_s.labels(outcome).observe(move.at - progress.started_at)
            self._attempts.labels(outcome).observe(progress.tries)

    def _generation_ended(self, event: GenerationEnded) -> None:
        outcome = event.outcome if event.outcome in ("ok", *MODEL_REASONS) else OTHER
        self._wire.labels("generate", outcome).inc()
        model = event.model if event.model in self._models else OTHER
        error = "" if outcome == "ok" else outcome
        self._model_s.labels("chat", self._provider, model, error).observe(event.duration_s)
        if outcome == "ok":
            self._tokens.labels("chat", self._provider, model, "input").observe(event.prompt_tokens)
            self._tokens.labels("chat", self._provider, model, "output").observe(event.completion_tokens)

    def _outbox_settled(self, event: OutboxSettled) -> None:
        if event.kind is OutboxKind.NOTICE and event.outcome in ("sent", "dropped"):
            self._notices.labels(event.outcome).inc()
        if event.outcome != "held":
            outcome = {"sent": "ok", "deleted": "ok", "dropped": "refused"}.get(event.outcome, event.outcome)
            self._wire.labels(event.kind, outcome).inc()

    # ── metric definitions ──────────────────────────────────────────────────────────────────────────

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(name, words, labels, registry=self._registry)

    def _gauge(self, name: str, words: str, *labels: str) -> Gauge:
        return Gauge(name, words, labels, registry=self._registry)

    def _histogram(self, name: str, words: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(name, words, labels, buckets=buckets, registry=self._registry)

    def _make_responses(self) -> None:
        self._transitions = self._counter(
            "ensemble_response_transitions_total", "Moves of responses.", "source", "event", "dest"
        )
        self._refused = self._counter(
            "ensemble_response_refused_total", "Facts that the table refused: always a bug.", "state", "event", "reason"
        )
        self._responses = self._gauge("ensemble_responses", "Responses in each state, read from the journal.", "state")
        self._oldest_s = self._gauge(
            "ensemble_response_oldest_seconds", "Age of the oldest response in each state; 0 for none.", "state"
        )
        self._state_s = self._histogram(
            "ensemble_response_state_duration_seconds", "Time that a response spent in a state.", LINE_S, "state"
        )
        self._duration_s = self._histogram(
            "ensemble_response_duration_seconds", "Time from a response's start to its end.", LINE_S, "outcome"
        )
        self._attempts = self._histogram(
            "ensemble_response_attempts", "Attempts to send a response, all its parts together.", TRIES, "outcome"
        )
        _with_children(self._transitions, {(row.source, row.fact.__name__, row.dest) for row in MACHINE.table})
        _with_children(self._refused, _refusals())
        _with_children(self._state_s, [(state,) for state in UNFINISHED])
        for each in (self._duration_s, self._attempts):
            _with_children(each, [(outcome,) for outcome in get_args(Ending)])

    def _make_tries(self) -> None:
        self._wire = self._counter("ensemble_wire_attempts_total", "Attempts, by outcome.", "stage", "outcome")
        self._retries = self._counter(
            "ensemble_retries_total", "Retries, by why the attempt before failed.", "stage", "reason"
        )
        self._send_failures = self._counter("ensemble_message_send_failures_total", "Written lines that were given up.")
        self._notices = self._counter(
            "ensemble_failure_notices_total", "Notices of failures, sent or dropped for good.", "outcome"
        )
        self._untold_s = self._gauge(
            "ensemble_failure_notice_oldest_seconds",
            "Age of the oldest notice of a failure that is not sent; 0 for none. Read from the journal.",
        )
        outcomes = {
            "generate": ("ok", *MODEL_REASONS, OTHER),
            **dict.fromkeys(("send", *OutboxKind), ("ok", "refused", "unconfirmed")),
        }
        for stage, ends in outcomes.items():
            _with_children(self._wire, product([stage], ends))
        for stage, reasons in REASONS.items():
            _with_children(self._retries, product([stage], reasons))
        _with_children(self._notices, [("sent",), ("dropped",)])

    def _make_model(self, models: Sequence[str]) -> None:
        labels = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")
        self._model_s = self._histogram(
            "gen_ai_client_operation_duration_seconds",
            "Time of one request to a model.",
            MODEL_S,
            *labels,
            "error_type",
        )
        self._tokens = self._histogram(
            "gen_ai_client_token_usage", "Tokens of one request to a model.", TOKENS, *labels, "gen_ai_token_type"
        )
        _with_children(self._model_s, product(["chat"], [self._provider], models, ["", *MODEL_REASONS]))
        _with_children(self._tokens, product(["chat"], [self._provider], models, ["input", "output"]))

    def _make_surroundings(self, dependencies: Iterable[str]) -> None:
        self._breaker = self._gauge(
            "ensemble_breaker_state", "0 closed, 1 half open (one probe goes out), 2 open.", "dependency"
        )
        self._limits = self._gauge(
            "ensemble_rate_limits_closed",
            "Discord rate limits that hold requests back, by what they apply to.",
            "of",
        )
        self._lines_left = self._gauge(
            "ensemble_allowance_lines_left",
            "Lines that the account's limits still allow; +Inf without a limit.",
            *("model", "span"),
        )
        self._divergence = self._counter(
            "ensemble_history_divergence_total", "Differences found between a channel and its history."
        )
        self._errors = self._counter("ensemble_errors_total", "Errors in the log; one may take several lines.")
        self._error_lines = self._counter("ensemble_error_lines_total", "Lines with ❌ in the log.")
        self._missing = self._counter(
            "ensemble_missing_reports_total", "Lines that people reported missing, by what the journal says.", "finding"
        )
        _with_children(self._missing, [(finding,) for finding in Finding])
        self._not_done = self._counter("ensemble_limited_total", "What people asked for beyond a limit.", "limit")
        _with_children(self._not_done, [(excess,) for excess in Excess])
        self._lag_s = self._histogram("event_loop_lag_seconds", "How late the event loop woke up.", LAG_S)
        _with_children(self._breaker, [(dependency,) for dependency in dependencies])
        _with_children(self._limits, [(what,) for what in LIMITED])


Ending = Literal["delivered", "failed", "cancelled"]


def _ending(event: Moved) -> Ending:
    if event.move.dest is DELIVERED:
        return "delivered"
    return "cancelled" if event.is_cancelled else "failed"


def _outcome(fact: object) -> str:
    match fact:
        case Sent():
            return "ok"
        case SendRefused() | SentElsewhere():
            return "refused"
        case _:
            return "unconfirmed"


def _known_reason(source: str, fact: GenerationFailed | SendRefused | SendUnconfirmed | SentElsewhere) -> str:
    reason = fact.cause if isinstance(fact, SendUnconfirmed) else fact.reason
    return reason if reason in REASONS["send" if source == SENDING else "generate"] else OTHER


def _limited(name: str) -> str:
    """The bucket's name without its id, or `other`."""
    what = name.partition(":")[0]
    return what if what in LIMITED else OTHER


def _refusals() -> Iterable[tuple[str, str, str]]:
    """All label values of a refusal: the guards of a row do not hold, or there is no row."""
    known = {(row.source, row.fact.__name__) for row in MACHINE.table}
    for state, fact in product((MACHINE.initial, *MACHINE.states), sorted(MACHINE.facts)):
        yield (state, fact, "guard" if (state, fact) in known else "no_row")


def _with_children(metric: Counter | Gauge | Histogram, values: Iterable[Sequence[str]]) -> None:
    for each in values:
        metric.labels(*each)
