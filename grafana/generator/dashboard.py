# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""A dashboard around its panels: variables, links, and a layout of rows in which nothing overlaps."""

from typing import Any, Sequence

from .panel import PROMETHEUS, Panel

# Grafana's grid is 24 columns wide.
COLUMNS = 24


class Row:
    """A heading and what stands under it, left to right, each panel as wide as the others."""

    def __init__(self, title: str, *panels: Panel, height: int = 8, across: int = 0) -> None:
        """`across` panels stand beside each other; 0 is all of them, in one line."""
        self.title = title
        self.panels = panels
        self.height = height
        self.across = across or len(panels)


def _variable(name: str, label: str, expr: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": PROMETHEUS,
        "query": {"query": expr, "refId": name},
        "definition": expr,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def _source(name: str, label: str, kind: str) -> dict[str, Any]:
    return {"name": name, "label": label, "type": "datasource", "query": kind, "refresh": 1, "current": {}}


def text_variable(name: str, label: str, description: str) -> dict[str, Any]:
    """A box to type into."""
    empty = {"selected": True, "text": "", "value": ""}
    return {"name": name, "label": label, "type": "textbox", "query": "", "description": description, "current": empty}


def dashboard(
    uid: str,
    title: str,
    description: str,
    rows: Sequence[Row],
    variables: Sequence[dict[str, Any]] = (),
    traces: bool = False,
    since: str = "now-1h",
) -> dict[str, Any]:
    """The whole document. `traces` adds the choice of a Tempo data source."""
    template = [_source("datasource", "Data source", "prometheus")]
    if traces:
        template.append(_source("tempo", "Tempo", "tempo"))
    template.append(_variable("job", "Job", "label_values(headwater_build_info, job)"))
    template.append(_variable("instance", "Instance", 'label_values(headwater_build_info{job=~"$job"}, instance)'))
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["headwater"],
        "editable": True,
        "graphTooltip": 1,
        "schemaVersion": 39,
        "version": 1,
        "refresh": "30s",
        "time": {"from": since, "to": "now"},
        "timezone": "browser",
        "templating": {"list": [*template, *variables]},
        "annotations": {"list": [_drains()]},
        "links": [_siblings()],
        "panels": _placed(rows),
    }


def _drains() -> dict[str, Any]:
    """Marks the time in which an origin drained, on every graph: most jumps in these are one."""
    return {
        "name": "Drains",
        "enable": True,
        "iconColor": "orange",
        "datasource": PROMETHEUS,
        "expr": 'headwater_draining{job=~"$job", instance=~"$instance"} == 1',
        "titleFormat": "draining",
        "textFormat": "{{instance}}",
        "step": "30s",
    }


def _siblings() -> dict[str, Any]:
    link = {"type": "dashboards", "title": "Headwater", "tags": ["headwater"], "asDropdown": True}
    return {**link, "includeVars": True, "keepTime": True, "icon": "external link"}


def _placed(rows: Sequence[Row]) -> list[Panel]:
    placed: list[Panel] = []
    top = 0
    for row in rows:
        heading = {"type": "row", "title": row.title, "collapsed": False, "panels": []}
        placed.append({**heading, "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1}})
        top += 1
        width = COLUMNS // row.across
        for start in range(0, len(row.panels), row.across):
            for place, panel in enumerate(row.panels[start : start + row.across]):
                position = {"x": place * width, "y": top, "w": width, "h": row.height}
                placed.append({**panel, "gridPos": position})
            top += row.height
    return [{"id": number, **panel} for number, panel in enumerate(placed, 1)]
