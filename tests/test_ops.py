"""The dashboard and the alert rules speak only of what the metrics have, and docs/operations.md shows the rules.

To bring the page up to date: python -m tests.test_ops
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from ops.dashboard import DASHBOARD, BadPanel, written
from tests.adapters.test_metrics import played

ROOT = Path(__file__).parent.parent
RULES = ROOT / "ops" / "alerts.yml"
PAGE = ROOT / "docs" / "operations.md"
BLOCK = re.compile(r"<!-- table: alerts -->\n(.*?)<!-- end -->", re.DOTALL)

OF_SCRAPING = {"instance", "job"}
"""Labels that Prometheus itself puts on what it scrapes."""

GRAFANAS = {"$__rate_interval": "5m", "$__range": "6h", "$instance": ".*"}
"""What Grafana puts into an expression before it asks."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One expression, and where it stands."""

    place: str
    expr: str
    legend: str = ""

    @property
    def parsed(self) -> promql_parser.Expr:
        expr = self.expr
        for name, value in GRAFANAS.items():
            expr = expr.replace(name, value)
        return promql_parser.parse(expr)


@cache
def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


@cache
def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return found


def panels() -> list[dict[str, Any]]:
    """Those that show something."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def asked() -> list[Asked]:
    of_rules = [Asked(rule["alert"], rule["expr"]) for rule in rules()]
    return of_rules + [
        Asked(f"{panel['title']} {target['refId']}", target["expr"], target["legendFormat"])
        for panel in panels()
        for target in panel["targets"]
    ]


@cache
def series() -> dict[str, list[dict[str, str]]]:
    """By name, the labels of every series that a bot shows."""
    found: dict[str, list[dict[str, str]]] = {}
    for family in played().families.values():
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


def nodes(expr: promql_parser.Expr) -> list[promql_parser.Expr]:
    found: list[promql_parser.Expr] = []
    promql_parser.walk(expr, pre_visit=lambda node: found.append(node))
    return found


def selectors(expr: promql_parser.Expr) -> Iterator[promql_parser.VectorSelector]:
    for node in nodes(expr):
        if isinstance(node, promql_parser.MatrixSelector):
            yield node.vector_selector
        elif isinstance(node, promql_parser.VectorSelector):
            yield node


def grouped_by(expr: promql_parser.Expr) -> set[str]:
    """The labels that it sums or matches by."""
    labels: set[str] = set()
    for node in nodes(expr):
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            labels |= set(node.modifier.labels)
        if isinstance(node, promql_parser.BinaryExpr) and node.modifier is not None and node.modifier.matching:
            labels |= set(node.modifier.matching.labels)
    return labels


def labels_of(name: str) -> set[str]:
    return {label for labels in series()[name] for label in labels} | OF_SCRAPING


every_expression = pytest.mark.parametrize("each", asked(), ids=lambda each: each.place)


class TestExpressions:
    @every_expression
    def test_each_selects_series_that_there_are(self, each: Asked) -> None:
        found = list(selectors(each.parsed))
        assert found, "it selects nothing"
        for selector in found:
            assert selector.name in series()
            for matcher in selector.matchers.matchers:
                assert matcher.name in labels_of(selector.name)
                values = {labels.get(matcher.name) for labels in series()[selector.name]}
                if matcher.name not in OF_SCRAPING and matcher.op == promql_parser.MatchOp.Equal:
                    assert matcher.value in values, f"{matcher.name} is never {matcher.value!r}"

    @every_expression
    def test_each_groups_and_names_by_labels_that_there_are(self, each: Asked) -> None:
        known = set().union(*(labels_of(str(selector.name)) for selector in selectors(each.parsed)))
        grouped = grouped_by(each.parsed)
        assert grouped <= known
        assert set(re.findall(r"{{(\w+)}}", each.legend)) <= (grouped or known)

    def test_every_metric_is_on_the_dashboard(self) -> None:
        on_dashboard = {
            str(selector.name)
            for panel in panels()
            for target in panel["targets"]
            for selector in selectors(Asked(panel["title"], target["expr"]).parsed)
        }
        families = played().families
        unseen = {name for name in families if not any(each.startswith(name) for each in on_dashboard)}
        assert unseen == set()


class TestDashboard:
    def test_it_asks_the_chosen_prometheus_about_the_chosen_bots(self) -> None:
        variables = {each["name"]: each for each in dashboard()["templating"]["list"]}
        assert variables.keys() == {"datasource", "instance"}
        assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
        chosen = {"type": "prometheus", "uid": "${datasource}"}
        assert variables["instance"]["datasource"] == chosen
        for panel in panels():
            assert [panel["datasource"], *(target["datasource"] for target in panel["targets"])] == [
                chosen for _ in range(len(panel["targets"]) + 1)
            ]
            for target in panel["targets"]:
                for selector in selectors(Asked(panel["title"], target["expr"]).parsed):
                    assert "instance" in {matcher.name for matcher in selector.matchers.matchers}, panel["title"]

    def test_panels_fill_their_lines_and_do_not_overlap(self) -> None:
        taken: set[tuple[int, int]] = set()
        for panel in dashboard()["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert not cells & taken, panel["title"]
            taken |= cells
        width, height = 24, max(y for _, y in taken) + 1
        assert taken == {(x, y) for x in range(width) for y in range(height)}

    def test_each_panel_says_what_it_shows_in_which_unit(self) -> None:
        for panel in panels():
            assert panel["description"], panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        ids = [panel["id"] for panel in dashboard()["panels"]]
        assert len(ids) == len(set(ids))


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (it comes with Prometheus)")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


SENT = 'ensemble_response_transitions_total{dest="Delivered"}'
GIVEN_UP = "ensemble_message_send_failures_total"
ENDED = "ensemble_response_duration_seconds_count"
OLDEST = 'ensemble_response_oldest_seconds{state="Retrying"}'
BREAKER = 'ensemble_breaker_state{dependency="discord"}'
UNTOLD = "ensemble_failure_notice_oldest_seconds"
RETRIES = 'ensemble_retries_total{stage="send", reason="other"}'
ERRORS = "ensemble_errors_total"
MISSED = 'ensemble_missing_reports_total{finding="failed"}'
LAG = "event_loop_lag_seconds_bucket"
ONCE = "0x60 1x60"

PLAYED: list[tuple[str, dict[str, str], bool]] = [
    ("EnsembleGone", {BREAKER: "0x20"}, True),
    ("EnsembleGone", {"event_loop_lag_seconds_count": "0+240x120"}, False),
    ("EnsembleLinesLost", {GIVEN_UP: "0+1x120", SENT: "0+10x120"}, True),
    ("EnsembleLinesLost", {GIVEN_UP: "0x90 1x30", SENT: "0x120"}, True),
    ("EnsembleLinesLost", {GIVEN_UP: "0x90 1x30", SENT: "0+10x120"}, False),
    ("EnsembleResponsesFail", {f'{ENDED}{{outcome="{how}"}}': "0+1x120" for how in ("failed", "delivered")}, True),
    ("EnsembleResponsesFail", {f'{ENDED}{{outcome="{how}"}}': "0+1x120" for how in ("cancelled", "delivered")}, False),
    ("EnsembleNoticeDropped", {'ensemble_failure_notices_total{outcome="dropped"}': "0x90 1x30"}, True),
    ("EnsembleNoticeDropped", {'ensemble_failure_notices_total{outcome="sent"}': "0x90 1x30"}, False),
    ("EnsembleNoticeWaits", {UNTOLD: "0+60x120", BREAKER: "0x120"}, True),
    ("EnsembleNoticeWaits", {UNTOLD: "0+60x120", BREAKER: "2x60 1x60"}, False),
    ("EnsembleNoticeWaits", {UNTOLD: "0+60x15 0x105", BREAKER: "0x120"}, False),
    ("EnsembleStuck", {OLDEST: "0+10x120", BREAKER: "0x120"}, True),
    ("EnsembleStuck", {OLDEST: "0+10x120", BREAKER: "2x60 1x60"}, False),
    ("EnsembleStuck", {OLDEST: "0+4x120", BREAKER: "0x120"}, False),
    ("EnsembleRetryStorm", {RETRIES: "0+2x120", SENT: "0+10x120"}, True),
    ("EnsembleRetryStorm", {RETRIES: "0+1x120", SENT: "0+20x120"}, False),
    ("EnsembleBreakerOpen", {BREAKER: "2x120"}, True),
    ("EnsembleBreakerOpen", {BREAKER: "0x100 2x7 1x12"}, True),
    ("EnsembleBreakerOpen", {BREAKER: "0x116 2x3"}, False),
    ("EnsembleBreakerOpen", {BREAKER: "2x100 1x10 0x10"}, False),
    ("EnsembleErrors", {ERRORS: "0x100 13x20", SENT: "0x120"}, True),
    ("EnsembleErrors", {ERRORS: "0x100 11x20", SENT: "0x120"}, False),
    ("EnsembleErrors", {ERRORS: "0x100 20x20", SENT: "0+10x120"}, False),
    ("EnsembleLineMissed", {MISSED: "0x90 1x30"}, True),
    ("EnsembleLineMissed", {MISSED: "0x120"}, False),
    ("EnsembleHistoryDiverges", {"ensemble_history_divergence_total": "0x30 2x90"}, True),
    ("EnsembleHistoryDiverges", {"ensemble_history_divergence_total": "2x120"}, False),
    ("EnsembleMoveRefused", {'ensemble_response_refused_total{state="Sending"}': "0x90 1x30"}, True),
    ("EnsembleMoveRefused", {'ensemble_response_refused_total{state="Sending"}': "0x120"}, False),
    (
        "EnsembleLoopLags",
        {f'{LAG}{{le="{le}"}}': f"0+{n}x120" for le, n in (("0.1", 50), ("0.5", 99), ("+Inf", 99))},
        True,
    ),
    (
        "EnsembleLoopLags",
        {f'{LAG}{{le="{le}"}}': f"0+{n}x120" for le, n in (("0.1", 99), ("0.5", 99), ("+Inf", 99))},
        False,
    ),
]
"""An alert, two hours of series minute by minute (`0+2x120`: from 0 up by 2), and whether it fires at their end."""


class TestRules:
    def test_each_has_a_severity_and_says_where_to_look(self) -> None:
        for rule in rules():
            assert rule["labels"]["severity"] in ("critical", "warning")
            assert rule["annotations"].keys() == {"summary", "look_at"}

    def test_promtool_finds_no_fault(self) -> None:
        done = promtool("check", "rules", str(RULES))
        assert done.returncode == 0, done.stdout + done.stderr

    def test_every_rule_is_seen_to_fire_and_to_keep_quiet(self) -> None:
        assert {(name, fires) for name, _, fires in PLAYED} == {
            (rule["alert"], fires) for rule in rules() for fires in (True, False)
        }

    @pytest.mark.parametrize(("name", "given", "fires"), PLAYED)
    def test_it_fires_when_it_should(self, name: str, given: dict[str, str], fires: bool, tmp_path: Path) -> None:
        firing = f'count(ALERTS{{alertname="{name}", alertstate="firing"}}) or vector(0)'
        expected = {"expr": firing, "eval_time": "2h", "exp_samples": [{"labels": "{}", "value": int(fires)}]}
        scraped = [{"series": _of_instance(each), "values": values} for each, values in given.items()]
        test = {"interval": "1m", "input_series": scraped, "promql_expr_test": [expected]}
        file = tmp_path / "test.yml"
        file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
        done = promtool("test", "rules", str(file))
        assert done.returncode == 0, done.stdout + done.stderr


def _of_instance(series: str) -> str:
    """As it is when it was scraped."""
    name, _, labels = series.rstrip("}").partition("{")
    return f'{name}{{instance="127.0.0.1:8420"{", " if labels else ""}{labels}}}'


def table() -> str:
    """The rules for the page."""
    rows = [f"| {_when(rule)} | `{' '.join(rule['expr'].split())}` | {_look_at(rule)} |" for rule in rules()]
    return "\n".join(["| when | expression | first look at |", "|---|---|---|", *rows, ""])


def _when(rule: dict[str, Any]) -> str:
    lasting = f", for {rule['for']}" if "for" in rule else ""
    return f"{rule['annotations']['summary']}{lasting} (`{rule['alert']}`)"


def _look_at(rule: dict[str, Any]) -> str:
    return str(rule["annotations"]["look_at"])


class TestDescription:
    def test_the_dashboard_is_what_it_gives(self) -> None:
        assert DASHBOARD.read_text(encoding="utf-8") == written(), "run: python -m ops.dashboard"

    @pytest.mark.parametrize(
        ("panel", "says"),
        [
            ({"lines": "No metric"}, "what it `shows`"),
            ({"gauge": "Of no kind", "shows": {"": "up"}}, "give it one of stat, lines, timeline"),
            ({"stat": "Two", "lines": "kinds", "shows": {"": "up"}}, "give it one of stat, lines, timeline"),
            ({"stat": "No sentence", "shows": {"": "up"}}, "`says`"),
            ({"stat": "A slip", "says": "One.", "shows": {"": "up"}, "colours": {}}, "colours"),
            ({"stat": "Too wide", "says": "One.", "shows": {"": "up"}, "width": 25}, "width"),
        ],
    )
    def test_a_panel_that_cannot_be_drawn_is_refused_by_name(self, panel: dict[str, Any], says: str) -> None:
        with pytest.raises(BadPanel, match=says):
            written([{"row": "Row", "panels": [panel]}])


def test_the_page_shows_the_rules() -> None:
    found = BLOCK.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    assert found[1] == table()


def main() -> None:
    """Write the table into the page."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(BLOCK.sub(lambda _: f"<!-- table: alerts -->\n{table()}<!-- end -->", text), encoding="utf-8")


if __name__ == "__main__":
    main()
