"""Traces for OpenTelemetry: each response is one, made of its moves. It needs the extra `trace`.

    invoke_agent Ada                  from Started to the end; failed: an error with its reason
    ├─ Generating                     one for each time that it was in a state, the facts as events
    │  └─ chat llama                  one for each request to a model, in the conventions for generative AI
    ├─ Sending
    ├─ Retrying
    └─ Sending

Times are those of the facts, so that a trace is right however late it is told. No text is in it: neither what
users and characters said nor what a model was asked.

A trace's id comes from the response's. What a killed process has sent of it and what the next one sends are one
trace, and the log knows the id as well (`ids_of`).

Failure modes: of a state that an earlier process entered there is no span, since only that one knew when. A
collector that does not answer costs spans, never a line: they wait in a bounded queue, in a thread of their own.
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

LIVES_MAX: Final = 10_000
"""Responses whose spans are open; more are hardly on their way at once, and the oldest is given up."""

CLOSING_S: Final = 5.0
"""How long the end of the program waits for a collector: less than who asked it to end will wait."""

FACT_FIELDS: Final = (
    *("reason", "cause", "status", "retry_after_s", "final", "model", "until", "since"),
    *("has_nonce", "channel_id", "message_id", "by", "code", "words", "on_wire"),
)
"""What events say of facts: all but when (they have a time of their own) and any text of a line."""

FAILURES: Final = (GenerationFailed, SendRefused, SendUnconfirmed, SentElsewhere)
"""The facts after which the state that is left did not bring about what it is for."""


@dataclass(slots=True)
class _Life:
    """The open spans of a response on its way. `state`: None for one that an earlier process entered."""

    root: Span
    state: Span | None = None
    request: GenerationEnded | None = None
    """To a model: told when it ended, but the fact that comes of it says at what time that was."""


class Spans:
    """The `Trace` port; ended spans go to `processor`. `provider` is OpenTelemetry's name of who serves the models.

    Whose spans they are, which traces are kept and how large a span may be is read from `OTEL_*` variables.
    """

    def __init__(self, processor: SpanProcessor, *, provider: str) -> None:
        self._ids = _Ids()
        self._owner = TracerProvider(resource=_resource(), id_generator=self._ids, shutdown_on_exit=False)
        self._owner.add_span_processor(processor)
        self._tracer = self._owner.get_tracer("ensemble")
        self._provider = provider
        self._lives: dict[ResponseId, _Life] = {}

    def publish(self, event: TraceEvent) -> None:
        match event:
            case Moved():
                self._moved(event)
            case GenerationEnded(context=context) if context.response_id in self._lives:
                self._lives[context.response_id].request = event
            case _:
                return  # without a time of its own, or no part of a response

    @staticmethod
    def ids_of(response_id: ResponseId) -> tuple[str, str]:
        """The ids, in hex, of a response's trace and of its root span."""
        trace_id, span_id = _ids(response_id)
        return f"{trace_id:032x}", f"{span_id:016x}"

    def close(self) -> None:
        """Send what has ended, for `CLOSING_S` at most. Open spans are left to the next process."""
        # The library itself would wait for half a minute, with nothing to cut it short.
        closing = threading.Thread(target=self._owner.shutdown, name="spans", daemon=True)
        closing.start()
        closing.join(CLOSING_S)

    def _moved(self, event: Moved) -> None:
        move, at_ns = event.move, _ns(event.move.at)
        life = self._lives.get(move.response_id) or self._begun(event)
        (life.state or life.root).add_event(type(move.fact).__name__, _told(move), at_ns)
        if move.source == move.dest:
            return
        self._end_request(life, event)
        if life.state is not None:
            if _is_failure(event):
                _fail(life.state, _why(move))
            life.state.end(at_ns)
        if move.dest in FINAL:
            self._end(life, event)
        else:
            life.state = self._child(life.root, move.dest.value, at_ns, attributes={})

    def _begun(self, event: Moved) -> _Life:
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
        life = self._lives[context.response_id] = _Life(root)
        if len(self._lives) > LIVES_MAX:
            # Not ended: should it move again, that will be the same span once more.
            del self._lives[next(iter(self._lives))]
        return life

    def _end_request(self, life: _Life, event: Moved) -> None:
        request, life.request = life.request, None
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
        parent = life.state or life.root
        span = self._child(parent, f"chat {request.model}", began_ns, kind=SpanKind.CLIENT, attributes=attributes)
        if request.outcome != "ok":
            _fail(span, request.outcome)
        span.end(ended_ns)

    def _end(self, life: _Life, event: Moved) -> None:
        move = event.move
        del self._lives[move.response_id]
        outcome = "delivered" if move.dest is DELIVERED else "cancelled" if event.is_cancelled else "failed"
        life.root.set_attribute("ensemble.outcome", outcome)
        if outcome == "failed":
            _fail(life.root, _why(move))
        life.root.end(_ns(move.at))

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
    """The library's, but for a root: that of the response in `next_root`."""

    next_root: ResponseId | None = None

    def generate_trace_id(self) -> int:
        return _ids(self.next_root)[0] if self.next_root is not None else int(super().generate_trace_id())

    def generate_span_id(self) -> int:
        # Called last for every span, whether it is kept or not.
        root, self.next_root = self.next_root, None
        return _ids(root)[1] if root is not None else int(super().generate_span_id())


def _ids(response_id: ResponseId) -> tuple[int, int]:
    """16 bytes for the trace, 8 for the root; as good as drawn by lot, which samplers go by."""
    digest = blake2b(response_id.encode(), digest_size=24).digest()
    return int.from_bytes(digest[:16]), int.from_bytes(digest[16:])


def _resource() -> Resource:
    """What the variables say of this process; its name is `ensemble` unless they name it."""
    found = Resource.create()
    is_named = not str(found.attributes[SERVICE_NAME]).startswith("unknown_service")
    return found if is_named else found.merge(Resource({SERVICE_NAME: "ensemble"}))


def _told(move: Move) -> dict[str, str | bool | int | float]:
    known = {name: getattr(move.fact, name, None) for name in FACT_FIELDS}
    told = {f"ensemble.{name}": value for name, value in known.items() if value not in (None, "")}
    return {"ensemble.part": move.part, "ensemble.attempt": move.attempt, **told}


def _is_failure(event: Moved) -> bool:
    """Whether the state that is left did not bring about what it is for."""
    if event.is_cancelled:
        return False
    return event.move.dest is FAILED or isinstance(event.move.fact, FAILURES)


def _why(move: Move) -> str:
    """In one word: as the channel is told, else as the fact says."""
    told = next((effect.reason for effect in move.effects if isinstance(effect, Notify)), None)
    return told or getattr(move.fact, "reason", None) or getattr(move.fact, "cause", None) or type(move.fact).__name__


def _fail(span: Span, reason: str) -> None:
    span.set_attribute("error.type", reason)
    span.set_status(Status(StatusCode.ERROR, reason))


def _ns(at: float) -> int:
    """To the microsecond, which is all that a float since 1970 holds."""
    return round(at * 1e6) * 1000
