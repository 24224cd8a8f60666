# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""No dashboard, rule or page names a metric, label, value, span or attribute that Headwater does not have."""

import re
from typing import Iterator

import pytest

from operations import catalogue
from operations.promql import named
from operations.tree import DASHBOARDS, PAGES, ROOT, code_blocks, dashboard, document, inline_code, panels, rules

_METRIC = re.compile(r"\b(?:sse|headwater|otel_sdk|process|http_server)_[a-z0-9_]+")
_TRACEQL_ATTRIBUTE = re.compile(r"\b(?:span|resource)\.([a-z][a-z0-9_.]*)")
_TRACEQL_NAME = re.compile(r'name = "([^"]+)"')


def _dashboard_targets(kind: str) -> Iterator[tuple[str, str]]:
    for path in DASHBOARDS:
        board = dashboard(path)
        for panel in panels(board):
            for target in panel["targets"]:
                if target["datasource"]["type"] == kind:
                    yield f"{path.stem}: {panel['title']}", target["expr" if kind == "prometheus" else "query"]
        if kind == "prometheus":
            for annotation in board["annotations"]["list"]:
                yield f"{path.stem}: {annotation['name']}", annotation["expr"]
            for variable in board["templating"]["list"]:
                if variable["type"] == "query":
                    # label_values(series, label)
                    yield f"{path.stem}: ${variable['name']}", variable["query"]["query"].replace("label_values", "max")


def _provisioned_queries() -> Iterator[tuple[str, str]]:
    for source in document(ROOT / "grafana/provisioning/datasources/headwater.yml")["datasources"]:
        for query in source["jsonData"].get("tracesToMetrics", {}).get("queries", []):
            # Grafana fills in matchers of the tags that are mapped above it.
            filled = query["query"].replace("$$__tags", 'job="headwater"')
            yield f"data source {source['name']}: {query['name']}", filled


def _promql() -> list[tuple[str, str]]:
    found = [(rule.get("record") or rule["alert"], rule["expr"]) for rule in rules()]
    found += _dashboard_targets("prometheus")
    found += _provisioned_queries()
    for path in PAGES:
        found += [(path.name, block) for block in code_blocks(path, "promql")]
        found += [(path.name, text) for text in inline_code(path) if _METRIC.search(text) and "(" in text]
    return found


def _traceql() -> list[tuple[str, str]]:
    found = list(_dashboard_targets("tempo"))
    for path in PAGES:
        found += [(path.name, block) for block in code_blocks(path, "traceql")]
    return found


@pytest.mark.parametrize("where, expr", _promql(), ids=lambda text: text[:60])
def test_query_names_what_there_is(where: str, expr: str) -> None:
    known = catalogue.known_series()
    names = named(expr)
    # In label_values(series, label) the label stands where a metric would.
    metrics = {name for name in names.metrics if name not in ("job", "instance") or not where.endswith(name)}
    unknown = metrics - set(known)
    assert not unknown, f"{where} asks for {', '.join(sorted(unknown))}, which nothing exposes"
    allowed = frozenset().union(*(known[name] for name in metrics))
    assert names.labels <= allowed, f"{where}: {', '.join(sorted(names.labels - allowed))} is no label of {metrics}"
    for metric, label, operator, value in names.matchers:
        assert label in known[metric], f"{where}: {metric} has no label {label}"
        closed = catalogue.allowed_values(metric, label)
        if closed is not None and "$" not in value:
            values = value.split("|") if "~" in operator else [value]
            assert set(values) <= closed, f"{where}: {metric}{{{label}}} is never {value}"


def test_pages_name_only_metrics_that_exist() -> None:
    known = set(catalogue.known_series()) | set(catalogue.families())
    for path in PAGES:
        for text in inline_code(path):
            for name in _METRIC.findall(text):
                assert name in known, f"{path.name} names {name}"


def test_every_metric_is_used_somewhere() -> None:
    """A metric that no dashboard and no alert looks at is one nobody will find when it matters."""
    used = set()
    for _, expr in _promql():
        used |= named(expr).metrics
    # Seen by hand only: when the process began is in "reconnect storm", what it maps says nothing.
    unused = {
        one.name for one in catalogue.families().values() if not set(one.series()) & used and one.name[:8] != "process_"
    }
    assert not unused, f"on no dashboard and in no rule: {', '.join(sorted(unused))}"


@pytest.mark.parametrize("where, query", _traceql(), ids=lambda text: text[:60])
def test_traceql_names_spans_and_attributes_that_exist(where: str, query: str) -> None:
    words = catalogue.span_words()
    asked = set(_TRACEQL_ATTRIBUTE.findall(query)) | set(_TRACEQL_NAME.findall(query))
    assert asked or query.startswith("$"), f"{where}: nothing is asked for in {query}"
    assert asked <= words, f"{where}: there is no {', '.join(sorted(asked - words))}"


def test_collector_selects_by_spans_and_attributes_that_exist() -> None:
    config = (ROOT / "otel/collector.yaml").read_text(encoding="utf-8")
    asked = set(re.findall(r'name == "([^"]+)"', config)) | set(re.findall(r"key: (sse\.[a-z._]+)", config))
    asked |= set(re.findall(r'attributes\["([^"]+)"\]', config))
    assert len(asked) >= 5, asked
    words = catalogue.span_words()
    assert asked <= words, f"there is no {', '.join(sorted(asked - words))}"
    [policy] = [one for one in _policies() if one["name"] == "streams-that-ended-badly"]
    assert set(policy["string_attribute"]["values"]) <= catalogue.close_reasons()


def _policies() -> list[dict]:
    return document(ROOT / "otel/collector.yaml")["processors"]["tail_sampling"]["policies"]


def test_promql_reader_sees_metrics_labels_and_matchers() -> None:
    found = named('sum by (a) (rate(m{b="x"}[5m])) / on (c) group_left () max(n) > 1 unless o offset 5m')
    assert found.metrics == {"m", "n", "o"}
    assert found.labels == {"a", "b", "c"}
    assert found.matchers == [("m", "b", "=", "x")]
