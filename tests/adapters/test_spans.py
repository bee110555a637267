"""Spans, driven by whole runs on virtual time, and read back from OpenTelemetry's own exporter in memory."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import fields

import anyio
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id

from actors.adapters.log import JsonFormatter, LogTrace
from actors.adapters.spans import FACT_FIELDS, RESPONSES_MAX, Spans
from actors.ports import Completion, Context, GenerationEnded, ModelFailed, Moved, Refused, TraceEvent
from machines.facts import FACTS, Fact, FoundInChannel, Generated, GenerationFailed, SendUnconfirmed, Sent, Started
from machines.response import Limits, Response, advance
from tests.fakes.discord import Fault
from tests.fakes.play import playing
from tests.fakes.virtual_time import BACKENDS, run_virtually

HTTP_500 = Refused("outage", status=500)
RATE_LIMIT = Refused("rate_limit", status=429, retry_after_s=3.0)
LINE = "The storm took the lantern."
CONTEXT = Context("r1", "s1", "Ada", Limits())


class Told:
    """Spans that were told something, and what has come out of them."""

    def __init__(self, *events: TraceEvent) -> None:
        self._exporter = InMemorySpanExporter()
        self.sink = Spans(SimpleSpanProcessor(self._exporter), provider="groq")
        self.tell(*events)

    def tell(self, *events: TraceEvent) -> None:
        for event in events:
            self.sink.publish(event)

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        """Those that have ended, by their start; a parent before its children."""
        parents_first = self._exporter.get_finished_spans()[::-1]  # for those with the same times
        return sorted(parents_first, key=_extent)

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.spans]

    def one(self, name: str) -> ReadableSpan:
        (found,) = [span for span in self.spans if span.name == name]
        return found


def _extent(span: ReadableSpan) -> tuple[int, int]:
    return span.start_time or 0, -(span.end_time or 0)


def events_of(
    faults: Sequence[Fault] = (),
    answers: Sequence[object] = (LINE,),
    backend: str = "asyncio",
    end_s: float | None = None,
) -> list[TraceEvent]:
    """What is traced of one message to Ada; with `end_s`, whose scene ends so long after it."""

    async def main() -> list[TraceEvent]:
        async with playing(faults=faults, answers=answers, cast=("Ada",)) as play:
            await play.start("Ada")
            play.say("Hello!")
            if end_s is not None:
                await anyio.sleep(end_s)
                play.say("!end")
            await play.quiet()
            assert play.trace.crashes == []
            return play.trace.events

    found: list[TraceEvent] = run_virtually(backend, main)
    return found


def moves(*facts: Fact, response: Response | None = None) -> list[Moved]:
    """The events of a response that is told these facts."""
    response = response or Response("r1", Limits())
    context = Context(response.id, "s1", "Ada", response.limits)
    return [Moved(context, advance(response, fact), "\n".join(response.texts)) for fact in facts]


def facts_of(span: ReadableSpan) -> list[str]:
    return [event.name for event in span.events]


def parent_of(told: Told, span: ReadableSpan) -> str | None:
    """The name of its parent, if that has been sent."""
    parent_id = span.parent.span_id if span.parent is not None else None
    return next((each.name for each in told.spans if each.context and each.context.span_id == parent_id), None)


def trace_id(span: ReadableSpan) -> str:
    assert span.context is not None
    return str(format_trace_id(span.context.trace_id))


def seconds(span: ReadableSpan) -> float:
    assert span.start_time is not None
    assert span.end_time is not None
    return float(span.end_time - span.start_time) / 1e9


class TestShape:
    @pytest.mark.parametrize("backend", BACKENDS)
    def test_a_line_that_arrives_at_the_second_try(self, backend: str) -> None:
        told = Told(*events_of([RATE_LIMIT], backend=backend))
        assert [(span.name, parent_of(told, span)) for span in told.spans] == [
            ("invoke_agent Ada", None),
            ("Generating", "invoke_agent Ada"),
            ("chat first", "Generating"),
            ("Sending", "invoke_agent Ada"),
            ("Retrying", "invoke_agent Ada"),
            ("Sending", "invoke_agent Ada"),
        ]
        assert len({trace_id(span) for span in told.spans}) == 1
        _, generating, _, refused, retrying, sent = told.spans
        assert [facts_of(span) for span in (generating, refused, retrying, sent)] == [
            ["Generated"],
            ["SendRefused"],
            ["WaitElapsed"],
            ["Sent"],
        ]
        assert seconds(retrying) == pytest.approx(3.0, abs=0.1)

    def test_the_root_and_the_request_carry_the_conventions_attributes(self) -> None:
        told = Told(*events_of(answers=[Completion(LINE, prompt_tokens=812, completion_tokens=9)]))
        root, chat = told.one("invoke_agent Ada"), told.one("chat first")
        assert root.attributes is not None
        assert root.attributes["gen_ai.operation.name"] == "invoke_agent"
        assert root.attributes["gen_ai.agent.name"] == "Ada"
        assert root.attributes["ensemble.outcome"] == "delivered"
        assert chat.kind is SpanKind.CLIENT
        assert chat.attributes == {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "groq",
            "gen_ai.request.model": "first",
            "gen_ai.conversation.id": root.attributes["gen_ai.conversation.id"],
            "gen_ai.usage.input_tokens": 812,
            "gen_ai.usage.output_tokens": 9,
            "ensemble.attempt": 1,
        }

    def test_every_request_to_a_model_has_a_span_of_its_own(self) -> None:
        told = Told(*events_of(answers=[ModelFailed("timeout"), LINE]))
        first, second = [span for span in told.spans if span.name.startswith("chat ")]
        assert (first.status.status_code, first.status.description) == (StatusCode.ERROR, "timeout")
        assert first.attributes is not None
        assert first.attributes["error.type"] == "timeout"
        assert "gen_ai.usage.input_tokens" not in first.attributes
        assert second.status.status_code is StatusCode.UNSET
        assert [seconds(first), seconds(second)] == pytest.approx([0.5, 0.5], abs=0.01)

    def test_parts_are_events_of_one_state(self) -> None:
        parts = moves(Started(1.0), Generated(2.0, ("One.", "Two.")), Sent(3.0, 7, "One."), Sent(4.0, 8, "Two."))
        sending = Told(*parts).one("Sending")
        assert facts_of(sending) == ["Sent", "Sent"]
        assert [dict(event.attributes or {}) for event in sending.events] == [
            {"ensemble.part": 1, "ensemble.attempt": 1, "ensemble.message_id": 7},
            {"ensemble.part": 2, "ensemble.attempt": 1, "ensemble.message_id": 8},
        ]

    def test_responses_do_not_mix(self) -> None:
        first = moves(Started(1.0), Generated(3.0, ("Hi",)))
        other = moves(Started(2.0), Generated(4.0, ("Ho",)), response=Response("r2", Limits()))
        told = Told(first[0], other[0], first[1], other[1])
        assert [span.parent.trace_id for span in told.spans if span.parent] == [
            int(told.sink.ids_of(each)[0], 16) for each in ("r1", "r2")
        ]


class TestEndings:
    def test_a_failed_line_is_an_error_with_its_reason(self) -> None:
        told = Told(*events_of([HTTP_500] * 3))
        root = told.one("invoke_agent Ada")
        assert (root.status.status_code, root.status.description) == (StatusCode.ERROR, "outage")
        assert root.attributes is not None
        assert (root.attributes["ensemble.outcome"], root.attributes["error.type"]) == ("failed", "outage")
        tries = [span for span in told.spans if span.name == "Sending"]
        assert [span.status.status_code for span in tries] == [StatusCode.ERROR] * 3

    def test_a_line_that_arrived_after_all_is_none(self) -> None:
        told = Told(*events_of([HTTP_500]))
        assert told.one("invoke_agent Ada").status.status_code is StatusCode.UNSET

    def test_what_somebody_cancelled_is_no_error(self) -> None:
        told = Told(*events_of([Refused("rate_limit", status=429, retry_after_s=60.0)], end_s=5.0))
        root = told.one("invoke_agent Ada")
        assert root.attributes is not None
        assert root.attributes["ensemble.outcome"] == "cancelled"
        assert root.status.status_code is StatusCode.UNSET
        assert told.one("Retrying").status.status_code is StatusCode.UNSET


class TestTimes:
    def test_they_are_those_of_the_facts_however_late_they_are_told(self) -> None:
        told = Told(*moves(Started(1000.0), Generated(1002.5, ("Hi",)), Sent(1003.0, 7, "Hi")))
        spans = [(span.name, span.start_time, span.end_time) for span in told.spans]
        assert spans == [
            ("invoke_agent Ada", 1_000_000_000_000, 1_003_000_000_000),
            ("Generating", 1_000_000_000_000, 1_002_500_000_000),
            ("Sending", 1_002_500_000_000, 1_003_000_000_000),
        ]
        times = [event.timestamp for span in told.spans for event in span.events]
        assert times == [1_000_000_000_000, 1_002_500_000_000, 1_003_000_000_000]

    def test_a_request_ends_with_the_fact_that_came_of_it(self) -> None:
        began, failed = moves(Started(1000.0), GenerationFailed(1007.0, "timeout"))
        told = Told(began, GenerationEnded(CONTEXT, 1, "first", 4.0, 0, 0, "timeout"), failed)
        chat = told.one("chat first")
        assert (chat.start_time, chat.end_time) == (1_003_000_000_000, 1_007_000_000_000)


class TestProcesses:
    FACTS = (
        *(Started(1.0), Generated(2.0, ("Hi",))),
        *(SendUnconfirmed(9.0, "restart"), FoundInChannel(9.5, 7, "Hi")),
    )

    def test_two_processes_write_one_trace(self) -> None:
        told = moves(*self.FACTS)
        killed, next_one = Told(*told[:2]), Told(*told[2:])
        assert killed.names == ["Generating"], "the root is sent by the process that ends it"
        assert next_one.names == ["invoke_agent Ada", "Retrying"], "when Sending began, only the first one knew"
        (generating,), (root, retrying) = killed.spans, next_one.spans
        assert root.context is not None
        assert generating.parent is not None
        assert retrying.parent is not None
        assert generating.parent.span_id == retrying.parent.span_id == root.context.span_id
        assert {trace_id(span) for span in (generating, root, retrying)} == {killed.sink.ids_of("r1")[0]}
        assert root.attributes is not None
        assert root.attributes["ensemble.resumed"] is True
        assert facts_of(root) == ["SendUnconfirmed"]

    @pytest.mark.slow
    def test_responses_that_never_end_here_are_not_kept_for_ever(self) -> None:
        told = Told()
        for number in range(RESPONSES_MAX + 10):
            told.tell(*moves(Started(1.0), response=Response(f"r{number}", Limits())))
        assert len(told.sink._spans) == RESPONSES_MAX
        given_up = Response("r0", Limits())
        told.tell(*moves(*self.FACTS, response=given_up)[1:])
        assert [span.name for span in told.spans if span.parent is None] == ["invoke_agent Ada"]

    def test_what_ended_is_forgotten(self) -> None:
        told = Told(*events_of([HTTP_500] * 3), *events_of())
        assert told.sink._spans == {}

    def test_a_request_of_an_unknown_response_is_no_span(self) -> None:
        assert Told(GenerationEnded(CONTEXT, 1, "first", 4.0, 0, 0, "ok")).names == []


class TestContent:
    def test_no_text_is_in_any_span(self) -> None:
        told = Told(*events_of([HTTP_500, "lost"], [Completion(LINE, prompt_tokens=5)]))
        written = "".join(span.to_json() for span in told.spans)
        assert "message_id" in written
        assert "lantern" not in written
        assert "Hello!" not in written

    def test_every_field_of_a_fact_is_told_or_is_left_out_on_purpose(self) -> None:
        named = {field.name for kind in FACTS.values() for field in fields(kind)}
        assert named - set(FACT_FIELDS) == {"at", "text", "texts"}
        assert set(FACT_FIELDS) <= named


class TestSurroundings:
    def test_it_is_named_ensemble_unless_the_variables_name_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def name() -> object:
            return Told(*moves(Started(1.0), Generated(2.0, ("Hi",)))).spans[0].resource.attributes["service.name"]

        assert name() == "ensemble"
        monkeypatch.setenv("OTEL_SERVICE_NAME", "the-blue-bot")
        assert name() == "the-blue-bot"

    def test_a_sampler_keeps_or_drops_whole_traces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
        monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
        told = Told()
        for number in range(200):
            facts = (Started(1.0), Generated(2.0, ("Hi",)), Sent(3.0, 7, "Hi"))
            told.tell(*moves(*facts, response=Response(f"r{number}", Limits())))
        kept = {trace_id(span) for span in told.spans}
        assert 60 < len(kept) < 140
        assert len(told.spans) == 3 * len(kept)


class TestLog:
    @pytest.fixture
    def lines(self) -> Iterator[list[str]]:
        """The log as JSON, with the ids of spans."""
        kept: list[str] = []

        class Keep(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                kept.append(self.format(record))

        handler, logger = Keep(), logging.getLogger("ensemble")
        handler.setFormatter(JsonFormatter((), Spans.ids_of))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        yield kept
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)

    def test_every_line_of_a_response_leads_to_its_trace(self, lines: list[str]) -> None:
        events = events_of([HTTP_500] * 3)
        told, log = Told(*events), LogTrace()
        for event in events:
            log.publish(event)
        root = told.one("invoke_agent Ada")
        assert root.context is not None
        assert root.attributes is not None
        ids = (trace_id(root), format_span_id(root.context.span_id))
        of_response = [line for line in map(json.loads, lines) if line["response"] is not None]
        assert {(line["trace_id"], line["span_id"]) for line in of_response} == {ids}
        assert {line["response"] for line in of_response} == {root.attributes["ensemble.response.id"]}
        assert {line["session"] for line in of_response} == {root.attributes["gen_ai.conversation.id"]}
        assert {1, 2, 3} <= {line["attempt"] for line in of_response}

    def test_a_line_of_no_response_has_none(self, lines: list[str]) -> None:
        logging.getLogger("ensemble.actors").info("The bot is here.")
        (line,) = map(json.loads, lines)
        assert (line["trace_id"], line["span_id"]) == (None, None)

    def test_without_spans_there_are_no_such_fields(self) -> None:
        record = logging.makeLogRecord({"msg": "The bot is here.", "response": "r1"})
        assert not {"trace_id", "span_id"} & json.loads(JsonFormatter(()).format(record)).keys()
