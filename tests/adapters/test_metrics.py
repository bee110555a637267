"""The metrics, driven by whole runs on virtual time, and read back by Prometheus's own parser."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import anyio
import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from actors.adapters.metrics import LIMITED, OTHER, RESPONSES_MAX, Metrics
from actors.adapters.store import SqlStore, memory_store
from actors.observation import AllowanceView, LinesInState
from actors.ports import (
    BreakerMoved,
    Completion,
    Context,
    Diverged,
    GenerationEnded,
    HeldBack,
    Limited,
    MissingReported,
    ModelFailed,
    Moved,
    MoveRefused,
    Noted,
    OutboxSettled,
    Refused,
    TraceEvent,
)
from actors.roleplay.missing_reports import Finding
from actors.roleplay.model import OutboxKind
from actors.roleplay.quotas import Excess
from machines.facts import Fact, FoundInChannel, Generated, GenerationFailed, SendUnconfirmed, Sent, Started
from machines.reasons import GenerationReason
from machines.response import MACHINE, TABLE, Limits, Response, State, advance
from tests.contracts.scene import open_scene
from tests.fakes.discord import Fault
from tests.fakes.play import playing
from tests.fakes.virtual_time import run_virtually

HTTP_500 = Refused("outage", status=500)
RATE_LIMIT = Refused("rate_limit", status=429, retry_after_s=3.0)
LABELS = {
    "ensemble_build_info": {"version", "python"},
    "ensemble_response_transitions": {"source", "event", "dest"},
    "ensemble_response_refused": {"state", "event", "reason"},
    "ensemble_responses": {"state"},
    "ensemble_response_oldest_seconds": {"state"},
    "ensemble_response_state_duration_seconds": {"state"},
    "ensemble_response_duration_seconds": {"outcome"},
    "ensemble_response_attempts": {"outcome"},
    "ensemble_wire_attempts": {"stage", "outcome"},
    "ensemble_retries": {"stage", "reason"},
    "ensemble_message_send_failures": set[str](),
    "ensemble_failure_notices": {"outcome"},
    "ensemble_failure_notice_oldest_seconds": set[str](),
    "ensemble_breaker_state": {"dependency"},
    "ensemble_rate_limits_closed": {"of"},
    "ensemble_allowance_lines_left": {"model", "span"},
    "ensemble_history_divergence": set[str](),
    "ensemble_errors": set[str](),
    "ensemble_error_lines": set[str](),
    "ensemble_missing_reports": {"finding"},
    "ensemble_limited": {"limit"},
    "gen_ai_client_operation_duration_seconds": {
        *("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "error_type")
    },
    "gen_ai_client_token_usage": {
        *("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_token_type")
    },
    "event_loop_lag_seconds": set[str](),
}
"""The names of the documentation, without the `_total` that the parser takes off, and what may be told apart."""


async def nothing() -> Sequence[LinesInState]:
    return ()


async def all_told() -> None:
    return None


def make(
    lines: Callable[[], Awaitable[Sequence[LinesInState]]] = nothing,
    now: Callable[[], float] = lambda: 1000.0,
    errors: Callable[[], tuple[int, int]] = lambda: (0, 0),
    untold_since: Callable[[], Awaitable[float | None]] = all_told,
    closed: Callable[[], Iterable[str]] = tuple,
    allowances: Callable[[], Awaitable[Iterable[AllowanceView]]] | None = None,
) -> Metrics:
    models = ("first", "second")
    return Metrics(
        lines=lines,
        untold_since=untold_since,
        now=now,
        errors=errors,
        models=models,
        provider="groq",
        dependencies=("discord", *models),
        closed=closed,
        allowances=allowances,
    )


@dataclass
class Read:
    """What was scraped."""

    text: str

    @cached_property
    def families(self) -> dict[str, Metric]:
        return {family.name: family for family in text_string_to_metric_families(self.text)}

    @property
    def series(self) -> set[tuple[object, ...]]:
        return {(s.name, *s.labels.items()) for family in self.families.values() for s in family.samples}

    def value(self, name: str, **labels: str) -> float:
        """Of the one series with these labels among its own."""
        found = [
            sample.value
            for family in self.families.values()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        assert len(found) == 1, (name, labels, found)
        return found[0]

    def total(self, name: str, **labels: str) -> float:
        samples = [sample for family in self.families.values() for sample in family.samples if sample.name == name]
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


def scraped(metrics: Metrics) -> Read:
    return Read(anyio.run(metrics.text).decode())


def fed(*events: TraceEvent) -> Read:
    metrics = make()
    for event in events:
        metrics.publish(event)
    return scraped(metrics)


def played(faults: Sequence[Fault] = (), answers: Sequence[object] = ()) -> Read:
    """One message to Ada, and whatever comes of it, told to the metrics."""

    async def main() -> Metrics:
        async with playing(faults=faults, answers=answers, cast=("Ada",)) as play:
            await play.start("Ada")
            play.say("Hello!")
            await play.quiet()
            assert play.trace.crashes == []
            found, now = await play.store.lines_by_state(), play.clock.now()

            async def lines() -> Sequence[LinesInState]:
                return found

            metrics = make(lines, lambda: now)
            for event in play.trace.events:
                metrics.publish(event)
            return metrics

    return scraped(run_virtually("asyncio", main))


CONTEXT = Context("r1", "s1", "Ada", Limits())


def moves(*facts: Fact, response: Response | None = None) -> list[Moved]:
    """The events of a response that is told these facts."""
    response = response or Response("r1", Limits())
    told = []
    for fact in facts:
        move = advance(response, fact)
        told.append(Moved(CONTEXT, move, "\n".join(response.texts), response.cancel_by is not None))
    return told


class TestNames:
    def test_they_are_those_of_the_documentation_and_no_others(self) -> None:
        assert set(fed().families) == set(LABELS)

    def test_each_is_explained_with_its_labels(self) -> None:
        page = (Path(__file__).parent.parent.parent / "docs" / "operations.md").read_text(encoding="utf-8")
        for name, labels in LABELS.items():
            found = re.search(rf"^\| `{name}(?:_total)?(?:\{{([\w,]+)\}})?` \|", page, re.MULTILINE)
            assert found is not None, name
            assert name.startswith("gen_ai_") or set((found[1] or "").split(",")) - {""} == labels, name

    def test_no_id_is_a_label(self) -> None:
        read = fed(*moves(Started(1.0), Generated(2.0, ("Hi",)), Sent(3.0, 77, "Hi")))
        for name, family in read.families.items():
            for sample in family.samples:
                assert set(sample.labels) - {"le"} <= LABELS[name]
        assert not {"r1", "s1", "77", "Ada"} & set(read.text.replace('"', " ").split())

    def test_every_row_of_the_table_has_its_series_before_it_is_taken(self) -> None:
        family = fed().families["ensemble_response_transitions"]
        rows = {(str(row.source), row.fact.__name__, str(row.dest)) for row in TABLE}
        assert {(s.labels["source"], s.labels["event"], s.labels["dest"]) for s in family.samples} == rows
        assert {sample.value for sample in family.samples} == {0}

    def test_no_series_appears_later(self) -> None:
        before = fed()
        after = played([HTTP_500, RATE_LIMIT, "lost"], [ModelFailed("overloaded"), "", "Hello."])
        assert after.series == before.series

    def test_every_histogram_ends_in_infinity_and_agrees_with_its_count(self) -> None:
        read = played([HTTP_500])
        histograms = [family for family in read.families.values() if family.type == "histogram"]
        assert len(histograms) == 6
        for family in histograms:
            ends = sum(s.value for s in family.samples if s.labels.get("le") == "+Inf")
            assert ends == read.total(f"{family.name}_count")

    def test_promtool_finds_no_fault(self) -> None:
        promtool = shutil.which("promtool")
        if promtool is None:
            pytest.skip("promtool is not installed (it comes with Prometheus)")
        text = played([HTTP_500]).text
        done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


class TestResponses:
    def test_a_line_that_arrives_at_the_second_try(self) -> None:
        read = played([RATE_LIMIT])
        wire, retries = "ensemble_wire_attempts_total", "ensemble_retries_total"
        assert read.value(wire, stage="send", outcome="refused") == 1
        assert read.value(wire, stage="send", outcome="ok") == 1
        assert read.value(wire, stage="generate", outcome="ok") == 1
        assert read.value(retries, stage="send", reason="rate_limit") == read.total(retries) == 1
        assert read.value("ensemble_response_attempts_sum", outcome="delivered") == 2
        assert read.value("ensemble_response_duration_seconds_count", outcome="delivered") == 1
        assert read.value("ensemble_response_state_duration_seconds_sum", state="Retrying") == pytest.approx(3, abs=0.1)
        assert read.value("ensemble_responses", state="Delivered") == 1
        assert read.total("ensemble_responses") == 1
        assert read.total("ensemble_message_send_failures_total") == 0

    def test_a_line_that_fails_is_counted_with_its_notice(self) -> None:
        read = played([HTTP_500] * 3)
        assert read.value("ensemble_message_send_failures_total") == 1
        assert read.value("ensemble_failure_notices_total", outcome="sent") == 1
        assert read.value("ensemble_wire_attempts_total", stage="notice", outcome="ok") == 1
        assert read.value("ensemble_response_attempts_sum", outcome="failed") == 3
        assert read.value("ensemble_response_transitions_total", event="SendRefused", dest="Failed") == 1
        assert read.value("ensemble_retries_total", stage="send", reason="outage") == 2

    def test_a_line_that_is_never_written_counts_its_tries_at_the_model(self) -> None:
        read = played(answers=[ModelFailed("overloaded"), ModelFailed("timeout"), "<think>hm</think>"])
        assert read.total("ensemble_wire_attempts_total", stage="generate") == 3
        assert read.value("ensemble_retries_total", stage="generate", reason="overloaded") == 1
        assert read.value("ensemble_retries_total", stage="generate", reason="timeout") == 1
        assert read.total("ensemble_wire_attempts_total", stage="send") == 0
        assert read.value("ensemble_message_send_failures_total") == 0, "nothing was written that could be sent"
        assert read.value("ensemble_response_duration_seconds_count", outcome="failed") == 1

    def test_a_try_that_was_held_back_is_none(self) -> None:
        held: list[Fault] = [HeldBack(0.0)]
        read = played(held)
        assert read.total("ensemble_wire_attempts_total", stage="send") == 1
        assert read.total("ensemble_retries_total") == 0

    def test_a_line_of_an_earlier_process_is_counted_and_not_timed(self) -> None:
        told = moves(
            Started(1.0), Generated(2.0, ("Hi",)), SendUnconfirmed(9.0, "restart"), FoundInChannel(9.5, 7, "Hi")
        )
        read = fed(*told[2:])
        assert read.value("ensemble_wire_attempts_total", stage="send", outcome="unconfirmed") == 1
        assert read.value("ensemble_response_transitions_total", event="FoundInChannel", dest="Delivered") == 1
        assert read.value("ensemble_response_state_duration_seconds_count", state="Sending") == 0
        assert read.total("ensemble_response_duration_seconds_count") == 0

    def test_responses_that_never_end_here_are_not_kept_for_ever(self) -> None:
        metrics = make()
        for number in range(RESPONSES_MAX + 10):
            (first,) = moves(Started(1.0), response=Response(f"r{number}", Limits()))
            metrics.publish(first)
        assert len(metrics._progress) == RESPONSES_MAX

    def test_what_the_database_holds_is_read_at_each_scrape(self) -> None:
        async def main() -> tuple[Read, Read]:
            store: SqlStore = memory_store()
            scene = await open_scene(store)
            metrics = make(store.lines_by_state, now=lambda: 500.0)
            before = Read((await metrics.text()).decode())
            await scene.hear(11)
            await (await scene.line()).start(at=440.0)
            return before, Read((await metrics.text()).decode())

        before, after = anyio.run(main)
        assert before.total("ensemble_responses") == 0
        assert after.value("ensemble_responses", state="Generating") == 1
        assert after.value("ensemble_response_oldest_seconds", state="Generating") == 60
        assert after.value("ensemble_response_oldest_seconds", state="Retrying") == 0

    def test_a_notice_that_is_forbidden_grows_old_until_it_is_told(self) -> None:
        forbidden = Refused("forbidden", 403, final=True)

        async def main() -> list[float]:
            # The store alone is asked here: the text is made in a thread, and virtual time does not wait for threads.
            async with playing(faults=[forbidden], cast=("Ada",)) as play:
                ages = []
                await play.start("Ada")
                play.discord.text_faults.extend([forbidden] * 3)
                play.say("Hello!")
                for wait_s in (0.0, 300.0, 300.0):  # it is tried again after 1, 2 and 4 minutes
                    await anyio.sleep(wait_s)
                    since = await play.store.untold_since()
                    ages.append(0.0 if since is None else play.clock.now() - since)
                return ages

        before, waiting, told = run_virtually("asyncio", main)
        assert (before, told) == (0, 0)
        assert waiting == pytest.approx(300, abs=5)

    @pytest.mark.parametrize(("since", "age_s"), [(None, 0), (200.0, 300), (600.0, 0)])  # the last by another clock
    def test_the_age_of_the_oldest_notice_is_read_at_each_scrape(self, since: float | None, age_s: float) -> None:
        async def untold_since() -> float | None:
            return since

        read = Read(anyio.run(make(now=lambda: 500.0, untold_since=untold_since).text).decode())
        assert read.value("ensemble_failure_notice_oldest_seconds") == age_s


class TestOtherEvents:
    def test_a_refused_fact_is_counted_where_it_was_refused(self) -> None:
        read = fed(MoveRefused(CONTEXT, "Delivered", "Sent", "no_row"))
        name = "ensemble_response_refused_total"
        assert read.value(name, state="Delivered", event="Sent", reason="no_row") == read.total(name) == 1
        assert len(read.families["ensemble_response_refused"].samples) == (len(State) + 1) * len(MACHINE.facts)

    def test_a_request_to_a_model_is_timed_and_its_tokens_counted(self) -> None:
        read = fed(
            GenerationEnded(CONTEXT, 1, "first", 0.7, 120, 30, "ok"),
            GenerationEnded(CONTEXT, 2, "second", 60.0, 0, 0, "timeout"),
        )
        name = "gen_ai_client_operation_duration_seconds"
        assert read.value(f"{name}_sum", gen_ai_request_model="first", error_type="") == 0.7
        assert read.value(f"{name}_count", gen_ai_request_model="second", error_type="timeout") == 1
        assert (
            read.value("gen_ai_client_token_usage_sum", gen_ai_request_model="first", gen_ai_token_type="input") == 120
        )
        assert read.total("gen_ai_client_token_usage_count") == 2

    def test_a_breaker_s_state_is_shown(self) -> None:
        opened = BreakerMoved("discord", "Closed", "Open", 1.0, 61.0)
        assert fed().value("ensemble_breaker_state", dependency="discord") == 0
        assert fed(opened).value("ensemble_breaker_state", dependency="discord") == 2
        probing = BreakerMoved("discord", "Open", "HalfOpen", 61.0, 61.0)
        assert fed(opened, probing).value("ensemble_breaker_state", dependency="discord") == 1

    def test_m1_what_rate_limits_hold_is_counted_by_what_it_is_for(self) -> None:
        names = ["everything", "webhook:31", "webhook:32", "read:21", "new-route:5"]
        read = scraped(make(closed=lambda: names))
        counted = {name: read.value("ensemble_rate_limits_closed", of=name) for name in LIMITED}
        assert {name: count for name, count in counted.items() if count} == {
            "everything": 1,
            "webhook": 2,
            "read": 1,
            OTHER: 1,
        }

    def test_allowance_the_lines_that_an_account_leaves_are_shown_by_model_and_span(self) -> None:
        async def left() -> list[AllowanceView]:
            return [AllowanceView("first", 2, None)]

        read = scraped(make(allowances=left))
        found = {
            (model, span): read.value("ensemble_allowance_lines_left", model=model, span=span)
            for model in ("first", "second")
            for span in ("minute", "day")
        }
        no_limit = float("inf")
        assert found == {
            ("first", "minute"): 2,
            ("first", "day"): no_limit,
            ("second", "minute"): no_limit,
            ("second", "day"): no_limit,
        }

    def test_differences_between_channel_and_history_add_up(self) -> None:
        read = fed(Diverged("s1", "missing", 2), Diverged("s2", "altered", 1))
        assert read.value("ensemble_history_divergence_total") == 3

    def test_m4_errors_and_their_lines_are_those_that_the_log_has_by_then(self) -> None:
        counted = [(0, 0), (1, 3), (1, 3), (4, 8)]
        metrics = make(errors=iter(counted).__next__)
        read = [scraped(metrics) for _ in counted]
        names = ("ensemble_errors_total", "ensemble_error_lines_total")
        assert [tuple(each.value(name) for name in names) for each in read] == counted

    def test_f4_what_a_limit_keeps_from_being_done_is_counted(self) -> None:
        read = fed(Limited(Excess.COMMANDS, 42), Limited(Excess.COMMANDS, 43), Limited(Excess.TURNS, 42))
        assert read.value("ensemble_limited_total", limit="commands") == 2
        assert read.value("ensemble_limited_total", limit="turns") == 1
        assert read.total("ensemble_limited_total") == 3

    def test_m4_a_line_that_is_reported_missing_is_counted_by_what_the_journal_says(self) -> None:
        name = "ensemble_missing_reports_total"
        read = fed(MissingReported(Finding.FAILED, 42, "s1"), MissingReported(Finding.UNKNOWN, 42, None))
        assert read.value(name, finding="failed") == read.value(name, finding="unknown") == 1
        assert read.total(name) == 2
        assert fed().total(name) == 0

    def test_a_dropped_notice_is_told_apart(self) -> None:
        read = fed(
            OutboxSettled(OutboxKind.NOTICE, "unconfirmed", 1),
            OutboxSettled(OutboxKind.NOTICE, "dropped", 2),
            OutboxSettled(OutboxKind.ANSWER, "sent", 1),
            OutboxSettled(OutboxKind.ANSWER, "held", 1),
        )
        assert read.value("ensemble_failure_notices_total", outcome="dropped") == 1
        assert read.value("ensemble_failure_notices_total", outcome="sent") == 0
        assert read.value("ensemble_wire_attempts_total", stage="notice", outcome="unconfirmed") == 1
        assert read.total("ensemble_wire_attempts_total") == 3

    def test_what_is_for_the_log_alone_changes_nothing(self) -> None:
        assert fed(Noted("info", "words")).text == fed().text

    def test_a_reason_that_nobody_foresaw_is_other(self) -> None:
        facts = (Started(1.0), GenerationFailed(2.0, cast("GenerationReason", "s3cr3t")))
        read = fed(*moves(*facts))
        assert "s3cr3t" not in read.text

    def test_the_loop_s_lag_is_a_histogram(self) -> None:
        metrics = make()
        metrics.observe_loop_lag(0.003)
        read = scraped(metrics)
        assert read.value("event_loop_lag_seconds_bucket", le="0.005") == 1
        assert read.value("event_loop_lag_seconds_bucket", le="0.0025") == 0


def test_two_processes_in_one_interpreter_share_nothing() -> None:
    first, second = make(), make()
    first.publish(Diverged("s1", "missing", 1))
    assert scraped(second).value("ensemble_history_divergence_total") == 0


def test_a_completion_s_tokens_reach_the_metrics() -> None:
    read = played(answers=[Completion("Hello.", prompt_tokens=50, completion_tokens=7)])
    assert read.value("gen_ai_client_token_usage_sum", gen_ai_request_model="first", gen_ai_token_type="output") == 7
