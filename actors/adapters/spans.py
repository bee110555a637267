"""Export each response as an OpenTelemetry trace, built from its moves. Needs the extra `trace`.

    invoke_agent Ada                  from Started to the end; a failed response has an error with its reason
    ├─ Generating                     one span for each stay in a state, with the facts as events
    │  └─ chat llama                  one for each request to a model, in the conventions for generative AI
    ├─ Sending
    ├─ Retrying
    └─ Sending

Spans use the times of the facts, so a trace is right even if its events are published late. It holds no text of users,
characters or prompts.

A trace's id is derived from the response's id. So the spans of a killed process and those of the next one form one
trace, and the log can print the id (`ids_of`).

Failure modes: a state that an earlier process entered has no span, because only that process knew when it began. If the
collector does not answer, spans are lost but no lines: spans wait in a bounded queue, in a thread of their own.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context

from actors.ports import GenerationEnded, Moved, TraceEvent
from actors.roleplay.model import ResponseId
from machines.facts import GenerationFailed, Notify, SendRefused, SendUnconfirmed, SentElsewhere
from machines.response import DELIVERED, FAILED, FINAL, Move

RESPONSES_MAX: Final = 10_000
"""Responses with open spans. More are hardly unfinished at once; beyond it the oldest is dropped."""

CLOSING_S: Final = 5.0
"""How long shutdown waits for the collector: less than a service manager waits before it kills the process."""

FACT_FIELDS: Final = (
    *("reason", "cause", "status", "retry_after_s", "final", "model", "until", "since"),
    *("has_nonce", "channel_id", "message_id", "by", "code", "words", "on_wire", "next_speaker"),
)
"""Fields of a fact that are copied to its event: all but the time (an event has its own) and the text of a line."""

FAILURES: Final = (GenerationFailed, SendRefused, SendUnconfirmed, SentElsewhere)
"""Facts that mean that the state's work failed."""


@dataclass(slots=True)
class _Spans:
    """The open spans of an unfinished response. `state`: None if an earlier process entered it."""

    root: Span
    state: Span | None = None
    request: GenerationEnded | None = None
    """The ended request to a model. Its span is made with the fact that follows, which has the end time."""


class Spans:
    """The `Trace` port; ended spans go to `processor`. `provider` is OpenTelemetry's name of the models' server.

    The resource, the sampler and the limits of a span are read from `OTEL_*` variables.
    """

    def __init__(self, processor: SpanProcessor, *, provider: str) -> None:
        self._ids = _Ids()
        self._owner = TracerProvider(resource=_resource(), id_generator=self._ids, shutdown_on_exit=False)
        self._owner.add_span_processor(processor)
        self._tracer = self._owner.get_tracer("ensemble")
        self._provider = provider
        self._spans: dict[ResponseId, _Spans] = {}

    def publish(self, event: TraceEvent) -> None:
        match event:
            case Moved():
                self._moved(event)
            case GenerationEnded(context=context) if context.response_id in self._spans:
                self._spans[context.response_id].request = event
            case _:
                return  # these have no time of their own, or belong to no response

    @staticmethod
    def ids_of(response_id: ResponseId) -> tuple[str, str]:
        """Return the ids of a response's trace and of its root span, in hex."""
        trace_id, span_id = _ids(response_id)
        return f"{trace_id:032x}", f"{span_id:016x}"

    def close(self) -> None:
        """Send the ended spans, for `CLOSING_S` at most. Open spans are left to the next process."""
        # The library itself waits 30 s and offers no shorter limit.
        closing = threading.Thread(target=self._owner.shutdown, name="spans", daemon=True)
        closing.start()
        closing.join(CLOSING_S)

    def _moved(self, event: Moved) -> None:
        move, at_ns = event.move, _ns(event.move.at)
        spans = self._spans.get(move.response_id) or self._begun(event)
        (spans.state or spans.root).add_event(type(move.fact).__name__, _told(move), at_ns)
        if move.source == move.dest:
            return
        self._end_request(spans, event)
        if spans.state is not None:
            if _is_failure(event):
                _fail(spans.state, _why(move))
            spans.state.end(at_ns)
        if move.dest in FINAL:
            self._end(spans, event)
        else:
            spans.state = self._child(spans.root, move.dest.value, at_ns, attributes={})

    def _begun(self, event: Moved) -> _Spans:
        context, move = event.context, event.move
        attributes: dict[str, str | bool] = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.provider.name": self._provider,
            "gen_ai.agent.name": context.name,
            "gen_ai.conversation.id": context.session_id,
            "ensemble.response.id": context.response_id,
            "ensemble.resumed": move.seq > 1,
        }
        self._ids.next_root = context.response_id
        root = self._tracer.start_span(f"invoke_agent {context.name}", start_time=_ns(move.at), attributes=attributes)
        spans = self._spans[context.response_id] = _Spans(root)
        if len(self._spans) > RESPONSES_MAX:
            # The span is not ended: if the response moves again, a span with the same id begins.
            del self._spans[next(iter(self._spans))]
        return spans

    def _end_request(self, spans: _Spans, event: Moved) -> None:
        request, spans.request = spans.request, None
        if request is None:
            return
        attributes: dict[str, str | int] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": self._provider,
            "gen_ai.request.model": request.model,
            "gen_ai.conversation.id": event.context.session_id,
            "ensemble.attempt": request.attempt,
        }
        if request.outcome == "ok":
            attributes["gen_ai.usage.input_tokens"] = request.prompt_tokens
            attributes["gen_ai.usage.output_tokens"] = request.completion_tokens
        began_ns, ended_ns = _ns(event.move.at - request.duration_s), _ns(event.move.at)
        parent = spans.state or spans.root
        span = self._child(parent, f"chat {request.model}", began_ns, kind=SpanKind.CLIENT, attributes=attributes)
        if request.outcome != "ok":
            _fail(span, request.outcome)
        span.end(ended_ns)

    def _end(self, spans: _Spans, event: Moved) -> None:
        move = event.move
        del self._spans[move.response_id]
        outcome = "delivered" if move.dest is DELIVERED else "cancelled" if event.is_cancelled else "failed"
        spans.root.set_attribute("ensemble.outcome", outcome)
        if outcome == "failed":
            _fail(spans.root, _why(move))
        spans.root.end(_ns(move.at))

    def _child(
        self,
        parent: Span,
        name: str,
        at_ns: int,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: dict[str, str | int],
    ) -> Span:
        context = set_span_in_context(parent)
        return self._tracer.start_span(name, context, kind=kind, attributes=attributes, start_time=at_ns)


class _Ids(RandomIdGenerator):
    """Random ids, except for a root span: its ids are derived from the response in `next_root`."""

    next_root: ResponseId | None = None

    def generate_trace_id(self) -> int:
        return _ids(self.next_root)[0] if self.next_root is not None else int(super().generate_trace_id())

    def generate_span_id(self) -> int:
        # The library calls this last for every span, sampled or not.
        root, self.next_root = self.next_root, None
        return _ids(root)[1] if root is not None else int(super().generate_span_id())


def _ids(response_id: ResponseId) -> tuple[int, int]:
    """16 bytes for the trace, 8 for the root; evenly distributed, because samplers decide by the id."""
    digest = blake2b(response_id.encode(), digest_size=24).digest()
    return int.from_bytes(digest[:16]), int.from_bytes(digest[16:])


def _resource() -> Resource:
    """The resource of the `OTEL_*` variables; the service's name is `ensemble` unless they set one."""
    found = Resource.create()
    is_named = not str(found.attributes[SERVICE_NAME]).startswith("unknown_service")
    return found if is_named else found.merge(Resource({SERVICE_NAME: "ensemble"}))


def _told(move: Move) -> dict[str, str | bool | int | float]:
    known = {name: getattr(move.fact, name, None) for name in FACT_FIELDS}
    told = {f"ensemble.{name}": value for name, value in known.items() if value not in (None, "")}
    return {"ensemble.part": move.part, "ensemble.attempt": move.attempt, **told}


def _is_failure(event: Moved) -> bool:
    """Whether the work of the state that this move leaves failed."""
    if event.is_cancelled:
        return False
    return event.move.dest is FAILED or isinstance(event.move.fact, FAILURES)


def _why(move: Move) -> str:
    """The reason in one word: that of the notice if there is one, else that of the fact."""
    told = next((effect.reason for effect in move.effects if isinstance(effect, Notify)), None)
    return told or getattr(move.fact, "reason", None) or getattr(move.fact, "cause", None) or type(move.fact).__name__


def _fail(span: Span, reason: str) -> None:
    span.set_attribute("error.type", reason)
    span.set_status(Status(StatusCode.ERROR, reason))


def _ns(at: float) -> int:
    """Nanoseconds, rounded to the microsecond: a float of seconds since 1970 holds no more."""
    return round(at * 1e6) * 1000
