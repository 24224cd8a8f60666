# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""The dashboards against the rules of Grafana's dashboard linter, which is Go and not here, and against ours.

The linter's: template-datasource, template-job, template-instance, template-label-promql, panel-datasource,
panel-title-description, panel-units, panel-no-targets, target-job, target-instance, target-rate-interval,
target-counter-agg, uneditable is not asked: people may copy. target-promql is in test_rules.py.
"""

import json
import re
import subprocess
import sys

import pytest

from operations.promql import named, tokens
from operations.tree import DASHBOARDS, ROOT, dashboard, document, panels

BOARDS = {path.stem: dashboard(path) for path in DASHBOARDS}
PANELS = [(uid, panel) for uid, board in BOARDS.items() for panel in panels(board)]

every_board = pytest.mark.parametrize("uid", BOARDS)
every_panel = pytest.mark.parametrize(
    "uid, panel", PANELS, ids=lambda one: one if isinstance(one, str) else one["title"]
)


def test_generator_changes_nothing() -> None:
    """The JSON in the repository is what the generator writes now."""
    before = {path.name: path.read_text(encoding="utf-8") for path in DASHBOARDS}
    program = "import sys; sys.path.insert(0, 'grafana'); import generate, json; print(json.dumps(generate.texts()))"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    written = json.loads(ran.stdout)
    assert set(written) == set(before), "run grafana/generate.py"
    for name, text in written.items():
        assert text == before[name], f"{name} is not what the generator writes; run grafana/generate.py"


def test_there_are_the_six_dashboards() -> None:
    names = ("overview", "mux", "closes", "paths", "telemetry", "stream")
    assert set(BOARDS) == {f"headwater-{name}" for name in names}


@every_board
def test_uid_is_fixed_and_the_file_is_called_by_it(uid: str) -> None:
    assert BOARDS[uid]["uid"] == uid
    assert BOARDS[uid]["title"].startswith("Headwater: ")
    assert BOARDS[uid]["description"]
    assert "headwater" in BOARDS[uid]["tags"]
    assert "id" not in BOARDS[uid], "an id belongs to one Grafana; another would overwrite a dashboard of that number"


@every_board
def test_variables_choose_source_job_and_instance(uid: str) -> None:
    variables = {one["name"]: one for one in BOARDS[uid]["templating"]["list"]}
    source = variables["datasource"]
    assert (source["type"], source["query"], source["label"]) == ("datasource", "prometheus", "Data source")
    for name, label in (("job", "Job"), ("instance", "Instance")):
        one = variables[name]
        assert (one["type"], one["label"], one["datasource"]["uid"]) == ("query", label, "${datasource}")
        assert one["multi"] and one["includeAll"] and one["allValue"] == ".+"
        values = rf"label_values\(headwater_build_info(\{{job=~\"\$job\"\}})?, {name}\)"
        assert re.fullmatch(values, one["query"]["query"])


@every_board
def test_nothing_overlaps_and_nothing_stands_outside(uid: str) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in BOARDS[uid]["panels"]:
        place = panel["gridPos"]
        assert 0 <= place["x"] and place["w"] > 0 and place["h"] > 0 and place["x"] + place["w"] <= 24, panel["title"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, f"{panel['title']} lies on {taken.get((x, y))}"
                taken[x, y] = panel["title"]


@every_board
def test_ids_and_titles_are_there_once(uid: str) -> None:
    ids = [panel["id"] for panel in BOARDS[uid]["panels"]]
    assert sorted(ids) == list(range(1, len(ids) + 1))
    titles = [panel["title"] for panel in BOARDS[uid]["panels"] if panel["type"] != "row"]
    assert len(titles) == len(set(titles))


@every_panel
def test_panel_says_what_it_shows(uid: str, panel: dict) -> None:
    assert panel["title"] and panel["title"][0].isupper() and not panel["title"].endswith(".")
    assert len(panel["description"]) > 15 and panel["description"].endswith("."), panel["title"]
    assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


@every_panel
def test_panel_asks_a_source_that_can_be_chosen(uid: str, panel: dict) -> None:
    assert panel["targets"], panel["title"]
    letters = [target["refId"] for target in panel["targets"]]
    assert len(letters) == len(set(letters))
    wanted = {"prometheus": "${datasource}", "tempo": "${tempo}"}
    for one in (panel, *panel["targets"]):
        assert one["datasource"]["uid"] == wanted[one["datasource"]["type"]], panel["title"]
    if panel["datasource"]["type"] == "tempo":
        assert "tempo" in {one["name"] for one in BOARDS[uid]["templating"]["list"]}


def _prometheus_targets(panel: dict) -> list[str]:
    return [target["expr"] for target in panel["targets"] if "expr" in target]


@every_panel
def test_every_selector_has_job_and_instance(uid: str, panel: dict) -> None:
    for expr in _prometheus_targets(panel):
        selectors = re.findall(r"\{([^}]*)\}", expr)
        names = [text for kind, text in tokens(expr) if kind == "name" and text in named(expr).metrics]
        assert len(selectors) == len(names), f"{panel['title']}: a metric without a selector in {expr}"
        for selector in selectors:
            assert 'job=~"$job"' in selector and 'instance=~"$instance"' in selector, f"{panel['title']}: {expr}"


@every_panel
def test_ranges_are_the_rate_interval(uid: str, panel: dict) -> None:
    """Rates over $__rate_interval. Only an instant sum over all that is shown has $__range."""
    for target in panel["targets"]:
        for window in re.findall(r"\[([^\]]*)\]", target.get("expr", "")):
            whole = target["instant"] and "increase(" in target["expr"]
            assert window == ("$__range" if whole else "$__rate_interval"), f"{panel['title']}: [{window}]"


@every_panel
def test_counters_are_read_as_rates(uid: str, panel: dict) -> None:
    """target-counter-agg: a counter summed without rate jumps at every restart; and gauges have no rate."""
    for expr in _prometheus_targets(panel):
        for name in named(expr).metrics:
            counter = name.endswith(("_total", "_bucket", "_count", "_sum"))
            rated = re.search(rf"(rate|increase)\({name}\{{", expr)
            assert bool(rated) == counter, f"{panel['title']}: {name} {'without' if counter else 'with'} a rate"


@every_panel
def test_quantiles_keep_le(uid: str, panel: dict) -> None:
    for expr in _prometheus_targets(panel):
        for labels in re.findall(r"histogram_quantile\([0-9.]+, sum by \(([^)]*)\)", expr):
            assert "le" in labels.split(", "), f"{panel['title']}: {expr}"
        assert expr.count("histogram_quantile(") == len(re.findall(r"histogram_quantile\([0-9.]+, sum by \(", expr))


def test_lag_panels_show_exemplars() -> None:
    lag = [panel for _, panel in PANELS if panel["title"].startswith("Delivery lag")]
    assert len(lag) >= 3
    for panel in lag:
        assert any(target.get("exemplar") for target in panel["targets"]), panel["title"]


def test_known_timeouts_have_their_bucket_edges() -> None:
    """The bars are the narrow buckets of sse_stream_duration_seconds around the timers of docs/close-reasons.md."""
    text = (ROOT / "docs/close-reasons.md").read_text(encoding="utf-8").partition("## Suspected timeouts")[2]
    [panel] = [panel for _, panel in PANELS if panel["title"] == "Lifetimes at known timeouts"]
    shown = {target["legendFormat"].split()[0] for target in panel["targets"]}
    assert shown == set(re.findall(r"`(\d+)`", text))
    for target in panel["targets"]:
        low, high = sorted(int(edge) for edge in re.findall(r'le=~"(\d+)', target["expr"]))
        assert low < int(target["legendFormat"].split()[0]) < high


def test_provisioning_links_metrics_and_traces_both_ways() -> None:
    sources = document(ROOT / "grafana/provisioning/datasources/headwater.yml")["datasources"]
    by_type = {one["type"]: one for one in sources}
    prometheus, tempo = by_type["prometheus"], by_type["tempo"]
    [link] = prometheus["jsonData"]["exemplarTraceIdDestinations"]
    assert link == {"name": "trace_id", "datasourceUid": tempo["uid"]}
    assert tempo["jsonData"]["tracesToMetrics"]["datasourceUid"] == prometheus["uid"]
    assert tempo["jsonData"]["serviceMap"]["datasourceUid"] == prometheus["uid"]
    scrape = document(ROOT / "prometheus/prometheus.yml")["global"]["scrape_interval"]
    assert prometheus["jsonData"]["timeInterval"] == scrape
    [provider] = document(ROOT / "grafana/provisioning/dashboards/headwater.yml")["providers"]
    assert provider["folderUid"] and provider["options"]["path"] == "/etc/grafana/dashboards"
