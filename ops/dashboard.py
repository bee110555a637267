"""Write the Grafana dashboard from the short description of its panels.

    dashboard.yaml ──► python -m ops.dashboard ──► grafana-dashboard.json

Source of the format: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

import yaml

FOLDER: Final = Path(__file__).parent
DESCRIPTION: Final = FOLDER / "dashboard.yaml"
DASHBOARD: Final = FOLDER / "grafana-dashboard.json"

COLUMNS: Final = 24
"""Of Grafana's grid."""

SIZES: Final = {"stat": (4, 4), "lines": (8, 8), "timeline": (24, 6)}
"""Width and height of a panel that names none, in cells of the grid."""

KEYS: Final = ("says", "shows", "unit", "width", "height", "decimals", "empty", "text",
               "steps", "words", "bar", "stacked", "colors")  # fmt: skip

PROMETHEUS: Final = {"type": "prometheus", "uid": "${datasource}"}

Json = dict[str, Any]


class BadPanel(ValueError):
    """A panel of the description cannot be drawn; the text says which and why."""


def written(rows: list[Json] | None = None) -> str:
    """The JSON that Grafana imports; of the rows of the description where none are given. Raises BadPanel."""
    if rows is None:
        rows = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))["rows"]
    return json.dumps({**_frame(), "panels": list(_panels(rows))}, indent=2, ensure_ascii=False) + "\n"


def _panels(rows: list[Json]) -> Iterator[Json]:
    numbers, y = count(1), 0
    for row in rows:
        yield {"id": next(numbers), "type": "row", "title": row["row"], "collapsed": False,
               "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": y}, "panels": []}  # fmt: skip
        y += 1
        for line in _lines_of(row["panels"]):
            height, x = max(height for _, _, height, _ in line), 0
            for kind, width, _, panel in line:
                is_last = panel is line[-1][3]
                at = {"h": height, "w": COLUMNS - x if is_last else width, "x": x, "y": y}
                yield {"id": next(numbers), **_panel(kind, panel), "gridPos": at}
                x += width
            y += height


def _lines_of(panels: list[Json]) -> Iterator[list[tuple[str, int, int, Json]]]:
    """The panels of a row as (kind, width, height, panel), broken into lines that fit; the last of a line fills it."""
    line: list[tuple[str, int, int, Json]] = []
    for panel in panels:
        kind = _kind(panel)
        width, height = panel.get("width", SIZES[kind][0]), panel.get("height", SIZES[kind][1])
        if sum(each[1] for each in line) + width > COLUMNS:
            yield line
            line = []
        line.append((kind, width, height, panel))
    if line:
        yield line


def _kind(panel: Json) -> str:
    """What the panel is, after a check that it can be drawn. Raises BadPanel."""
    kinds = [kind for kind in SIZES if kind in panel]
    if len(kinds) != 1:
        raise BadPanel(f"{panel}: give it one of {', '.join(SIZES)}, with its title.")
    (kind,) = kinds
    if not panel.get("shows") or not panel.get("says"):
        raise BadPanel(f"{panel[kind]}: say in one sentence what it `says`, and give what it `shows`.")
    if unknown := panel.keys() - {kind, *KEYS}:
        raise BadPanel(f"{panel[kind]}: {', '.join(sorted(unknown))} is not one of {', '.join(KEYS)}.")
    if not 0 < panel.get("width", SIZES[kind][0]) <= COLUMNS:
        raise BadPanel(f"{panel[kind]}: its width is not 1 to {COLUMNS}.")
    return kind


def _panel(kind: str, panel: Json) -> Json:
    draw = {"stat": _stat, "lines": _lines, "timeline": _timeline}[kind]
    kind_of_grafana, defaults, options = draw(panel)
    return {
        "type": kind_of_grafana,
        "title": panel[kind],
        "description": panel["says"],
        "datasource": PROMETHEUS,
        "fieldConfig": {
            "defaults": {"unit": panel.get("unit", "short"), **defaults},
            "overrides": [_color(*each) for each in panel.get("colors", {}).items()],
        },
        "options": options,
        "targets": [
            _target(letter, expr, legend, is_instant=kind == "stat")
            for letter, (legend, expr) in zip(string.ascii_uppercase, panel["shows"].items(), strict=False)
        ],
    }


def _stat(panel: Json) -> tuple[str, Json, Json]:
    color = {"mode": "thresholds"} if "steps" in panel else {"mode": "fixed", "fixedColor": "text"}
    defaults: Json = {"color": color, "thresholds": _thresholds(panel.get("steps", {"text": None})), "mappings": []}
    if "decimals" in panel:
        defaults["decimals"] = panel["decimals"]
    if "empty" in panel:
        defaults["noValue"] = panel["empty"]
    options = {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": panel.get("text", "auto"),
        "wideLayout": True,
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    return "stat", defaults, options


def _lines(panel: Json) -> tuple[str, Json, Json]:
    is_stacked, bar = panel.get("stacked", False), panel.get("bar")
    defaults = {
        "min": 0,
        "color": {"mode": "palette-classic"},
        "custom": {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 30 if is_stacked else 8,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if is_stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "off" if bar is None else "line"},
        },
        "thresholds": _thresholds({"green": None} if bar is None else {"green": None, "red": bar}),
        "mappings": [],
    }
    legend = {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull", "max"]}
    return "timeseries", defaults, {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}


def _timeline(panel: Json) -> tuple[str, Json, Json]:
    colors = list(panel["steps"])
    words = {
        str(value): {"text": text, "color": colors[number], "index": number}
        for number, (value, text) in enumerate(panel["words"].items())
    }
    defaults = {
        "color": {"mode": "thresholds"},
        "custom": {"fillOpacity": 70, "lineWidth": 0},
        "thresholds": _thresholds(panel["steps"]),
        "mappings": [{"type": "value", "options": words}],
    }
    options = {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": "left",
        "rowHeight": 0.8,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return "state-timeline", defaults, options


def _thresholds(steps: Json) -> Json:
    return {"mode": "absolute", "steps": [{"color": color, "value": value} for color, value in steps.items()]}


def _color(legend: str, color: str) -> Json:
    fixed = {"id": "color", "value": {"mode": "fixed", "fixedColor": color}}
    return {"matcher": {"id": "byName", "options": legend}, "properties": [fixed]}


def _target(letter: str, expr: str, legend: str, *, is_instant: bool) -> Json:
    return {
        "refId": letter,
        "datasource": PROMETHEUS,
        "expr": expr,
        "legendFormat": legend,
        "instant": is_instant,
        "range": not is_instant,
    }


def _frame() -> Json:
    """Everything but the panels: the title, the time shown, and the choice of data source and bot."""
    return {
        "uid": "ensemble",
        "title": "Ensemble",
        "description": "Does every line arrive, and if not, why? Made for the metrics of docs/operations.md.",
        "tags": ["ensemble", "discord"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "fiscalYearStartMonth": 0,
        "weekStart": "",
        "id": None,
        "links": [],
        "annotations": {
            "list": [
                {
                    "builtIn": 1,
                    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
                    "enable": True,
                    "hide": True,
                    "iconColor": "rgba(0, 211, 255, 1)",
                    "name": "Annotations & Alerts",
                    "type": "dashboard",
                }
            ]
        },
        "templating": {
            "list": [
                {
                    "name": "datasource",
                    "label": "Prometheus",
                    "type": "datasource",
                    "query": "prometheus",
                    "refresh": 1,
                    "regex": "",
                    "multi": False,
                    "includeAll": False,
                    "hide": 0,
                    "skipUrlSync": False,
                    "options": [],
                    "current": {},
                },
                {
                    "name": "instance",
                    "label": "Bot",
                    "type": "query",
                    "datasource": {"type": "prometheus", "uid": "${datasource}"},
                    "definition": "label_values(ensemble_responses, instance)",
                    "query": {
                        "qryType": 1,
                        "query": "label_values(ensemble_responses, instance)",
                        "refId": "PrometheusVariableQueryEditor-VariableQuery",
                    },
                    "refresh": 2,
                    "sort": 1,
                    "multi": True,
                    "includeAll": True,
                    "allValue": ".*",
                    "regex": "",
                    "hide": 0,
                    "skipUrlSync": False,
                    "options": [],
                    "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
                },
            ]
        },
    }


if __name__ == "__main__":
    DASHBOARD.write_text(written(), encoding="utf-8")
