# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Panels as Grafana's JSON wants them: each takes a title, a description, a unit and queries, and knows no layout.

A query is PromQL with `{%}` where the job and instance go, so that no panel can forget them.
"""

from typing import Any, Mapping, Optional, Sequence

PROMETHEUS = {"type": "prometheus", "uid": "${datasource}"}
TEMPO = {"type": "tempo", "uid": "${tempo}"}

# What every selector starts with.
TARGETS = 'job=~"$job", instance=~"$instance"'

Panel = dict[str, Any]


def promql(text: str) -> str:
    """`name{%}` and `name{%, reason="slow"}` with the job and the instance filled in."""
    assert "{%" in text, f"no job and instance in {text}"
    return text.replace("{%", "{" + TARGETS)


def query(expr: str, legend: str = "", exemplars: bool = False, instant: bool = False, heatmap: bool = False) -> Panel:
    """One PromQL query. `exemplars` puts dots on the graph that open the trace of one event."""
    made: Panel = {"datasource": PROMETHEUS, "editorMode": "code", "expr": promql(expr), "legendFormat": legend}
    made["range"] = not instant
    made["instant"] = instant
    if exemplars:
        made["exemplar"] = True
    if heatmap:
        made["format"] = "heatmap"
    return made


def _panel(
    kind: str,
    title: str,
    description: str,
    unit: str,
    targets: Sequence[Panel],
    defaults: Optional[Mapping[str, Any]] = None,
    options: Optional[Mapping[str, Any]] = None,
    datasource: Mapping[str, str] = PROMETHEUS,
) -> Panel:
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": dict(datasource),
        "fieldConfig": {"defaults": {"unit": unit, **(defaults or {})}, "overrides": []},
        "options": dict(options or {}),
        "targets": [{"refId": chr(ord("A") + n), **target} for n, target in enumerate(targets)],
    }


def graph(title: str, description: str, unit: str, *targets: Panel, stacked: bool = False, **defaults: Any) -> Panel:
    """Lines over time. The legend is a table with the newest value and the highest."""
    custom: dict[str, Any] = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "never"}
    custom["spanNulls"] = False
    if stacked:
        custom |= {"stacking": {"mode": "normal", "group": "A"}, "fillOpacity": 40}
    legend = {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull", "max"]}
    options = {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    return _panel("timeseries", title, description, unit, targets, {"custom": custom, "min": 0, **defaults}, options)


def stat(title: str, description: str, unit: str, target: Panel, **defaults: Any) -> Panel:
    """One figure, with its recent course behind it."""
    reduce = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    options = {"reduceOptions": reduce, "graphMode": "area", "colorMode": "value", "textMode": "auto"}
    return _panel("stat", title, description, unit, [target], defaults, options)


def heatmap(title: str, description: str, unit: str, expr: str, exemplars: bool = False) -> Panel:
    """A histogram's buckets over time; `expr` sums them by `le`."""
    options = {
        "calculate": False,
        "yAxis": {"axisPlacement": "left", "unit": unit},
        "color": {"mode": "scheme", "scheme": "Spectral", "exponent": 0.5, "steps": 64, "reverse": True},
        "cellGap": 1,
        "filterValues": {"le": 1e-9},
        "tooltip": {"mode": "single", "yHistogram": True},
        "legend": {"show": True},
        "exemplars": {"color": "rgba(255, 0, 255, 0.7)"},
    }
    targets = [query(expr, "{{le}}", heatmap=True)]
    if exemplars:
        targets[0]["exemplar"] = True
    return _panel("heatmap", title, description, unit, targets, options=options)


def bars(title: str, description: str, unit: str, *targets: Panel) -> Panel:
    """One bar for each query, over the whole range that is shown."""
    reduce = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    options = {"reduceOptions": reduce, "orientation": "horizontal", "displayMode": "gradient", "showUnfilled": True}
    return _panel("bargauge", title, description, unit, targets, {"min": 0}, options)


def table(title: str, description: str, unit: str, *targets: Panel, names: Mapping[str, str], **defaults: Any) -> Panel:
    """Instant queries merged by their labels. `names` maps columns to headings; Time is left out."""
    made = _panel("table", title, description, unit, [{**target, "format": "table"} for target in targets], defaults)
    organize = {"excludeByName": {"Time": True}, "renameByName": dict(names)}
    made["transformations"] = [{"id": "merge", "options": {}}, {"id": "organize", "options": organize}]
    return made


def search(title: str, description: str, unit: str, traceql: str, kind: str = "spans") -> Panel:
    """A table of the spans or traces that a TraceQL query finds."""
    target = {"datasource": TEMPO, "queryType": "traceql", "query": traceql, "limit": 100, "tableType": kind}
    return _panel("table", title, description, unit, [target], datasource=TEMPO)


def trace(title: str, description: str, query_text: str) -> Panel:
    """One trace as a waterfall."""
    target = {"datasource": TEMPO, "queryType": "traceql", "query": query_text, "limit": 20, "tableType": "traces"}
    return _panel("traces", title, description, "ns", [target], datasource=TEMPO)
