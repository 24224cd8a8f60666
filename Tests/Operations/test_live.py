# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Debian's Prometheus with our configuration against a running origin: under ordinary load everything has data and
nothing fires, and a real idle timeout of a real proxy fires the alert that is made for it."""

import re
import time
from pathlib import Path
from typing import Iterator, NamedTuple

import pytest

from edges_harness import HAProxy
from edges_harness.fixtures import Subscriber
from harness.origin import Origin
from harness.process import ManagedProcess
from harness.waiting import wait_until
from operations import catalogue
from operations.load import Load
from operations.prometheus import Prometheus, with_short_windows
from operations.tree import DASHBOARDS, PAGES, code_blocks, dashboard, panels, rules


class Live(NamedTuple):
    origin: Origin
    prometheus: Prometheus


@pytest.fixture(scope="module")
def live(module_origin, tmp_path_factory) -> Iterator[Live]:
    """An origin under load and a Prometheus that has scraped it for a while."""
    directory: Path = tmp_path_factory.mktemp("live")
    # A short heartbeat, so that some are sent while the test runs.
    origin = module_origin("--heartbeat", "0.5")
    load = Load(origin, directory)
    prometheus = Prometheus(origin.ready["admin"], directory)
    load.settle()
    prometheus.wait_scrapes(15)
    yield Live(origin, prometheus)
    print(prometheus.process.describe("its output"))
    prometheus.stop()
    load.stop()


def filled_in(expr: str) -> str:
    """A panel's query with the variables that Grafana would fill in."""
    values = {"$__rate_interval": "8s", "$__range": "1m", "$job": "headwater|.+", "$instance": ".+"}
    for name, value in values.items():
        expr = expr.replace(name, value)
    assert "$" not in expr, f"a variable is left in {expr}"
    return expr


QUERIES = [
    (f"{path.stem}: {panel['title']}", target["expr"])
    for path in DASHBOARDS
    for panel in panels(dashboard(path))
    for target in panel["targets"]
    if "expr" in target
]


def test_page_of_metrics_lists_what_is_exposed(live: Live) -> None:
    """docs/metrics.md against the exposition: families, types, and labels. Labels that only a request sets may miss."""
    status, fields, body = live.origin.request("GET", "/metrics", headers={"Accept": "text/plain"})
    assert status == 200 and fields["content-type"].startswith("text/plain; version=0.0.4"), fields
    text = body.decode()
    exposed = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    documented = {name: family.kind for name, family in catalogue.families().items()}
    assert exposed == documented
    for name, family in catalogue.families().items():
        seen: set[str] = set()
        for labels in re.findall(rf"^{name}(?:_bucket|_count|_sum)?(?:\{{(.*)\}})? \S+$", text, re.M):
            seen |= set(re.findall(r'(\w+)="', labels))
        assert seen - {"le"} == family.labels, f"{name} has labels {sorted(seen)}"


@pytest.mark.parametrize("panel, expr", QUERIES, ids=[f"{name}-{n}" for n, (name, _) in enumerate(QUERIES)])
def test_panel_has_data(live: Live, panel: str, expr: str) -> None:
    assert live.prometheus.query(filled_in(expr)), f"{panel} shows nothing for {filled_in(expr)}"


def test_panels_show_figures_and_not_only_zeros(live: Live) -> None:
    """Under this load these move; a panel of nothing but NaN or 0 would be no better than an empty one."""
    moving = {
        "sse_streams_active": "sum(sse_streams_active)",
        "mux ratio": 'sum(sse_streams_active{protocol="h2"}) / sum(sse_connections_active{protocol="h2"})',
        "lag": "histogram_quantile(0.99, sum by (le) (rate(sse_event_delivery_lag_seconds_bucket[8s])))",
        "time to first event": "sum(sse_time_to_first_event_seconds_count)",
        "events": "sum(rate(sse_events_sent_total[8s]))",
        "published": "sum(rate(sse_events_published_total[8s]))",
        "heartbeats": "sum(sse_heartbeats_sent_total)",
        "closes": "sum(sse_streams_closed_total)",
        "replayed": 'sum(sse_resumes_total{outcome="replayed"})',
        "unknown epoch": 'sum(sse_resumes_total{outcome="unknown_epoch"})',
        "reports": 'sum(sse_client_delivery_lag_seconds_count{path="direct"})',
        "requests": "sum(rate(http_server_request_duration_seconds_count[8s]))",
        "spans": "sum(otel_sdk_span_started_total)",
        "CPU": "sum(rate(process_cpu_seconds_total[8s]))",
        "memory": "sum(process_resident_memory_bytes)",
        "limits": "sum(sse_streams_limit) + sum(sse_connections_limit)",
    }
    still = []
    for name, expr in moving.items():
        [series] = live.prometheus.query(expr) or [{"value": [0, "0"]}]
        if not float(series["value"][1]) > 0:
            still.append(f"{name}: {series['value'][1]}")
    assert not still, still


def test_one_connection_of_many_streams_shows_in_the_ratio(live: Live) -> None:
    [series] = live.prometheus.query('job_protocol:sse_mux_ratio:ratio{protocol="h2"}')
    assert float(series["value"][1]) >= 6


def test_every_rule_evaluates(live: Live) -> None:
    def evaluated() -> bool:
        return all(rule["evaluationTime"] > 0 for rule in live.prometheus.rules())

    wait_until(evaluated, "every rule has been evaluated", 20, interval=0.25)
    bad = {rule["name"]: rule.get("lastError") for rule in live.prometheus.rules() if rule["health"] != "ok"}
    assert not bad, bad
    assert len(live.prometheus.rules()) == len(list(rules()))


@pytest.mark.parametrize("name", [rule["record"] for rule in rules() if "record" in rule])
def test_recorded_series_exists(live: Live, name: str) -> None:
    wait_until(lambda: live.prometheus.query(name), f"{name} is recorded", 10, interval=0.25)


def test_all_alerts_are_silent(live: Live) -> None:
    for state in ("pending", "firing"):
        assert not live.prometheus.alerts(state), live.prometheus.alerts(state)


def test_lag_has_exemplars_that_name_a_trace(live: Live) -> None:
    now = time.time()
    found = live.prometheus.get(
        "query_exemplars", query="sse_event_delivery_lag_seconds_bucket", start=str(now - 600), end=str(now)
    )
    labels = [one["labels"] for series in found for one in series["exemplars"]]
    assert labels, "no exemplars: is the scrape OpenMetrics?"
    for one in labels:
        assert len(one["trace_id"]) == 32 and len(one["span_id"]) == 16, one


@pytest.mark.parametrize(
    "expr", sorted({block for path in PAGES for block in code_blocks(path, "promql")}), ids=lambda text: text[:50]
)
def test_query_of_a_page_evaluates(live: Live, expr: str) -> None:
    """Some answer nothing while all is well; none is refused."""
    live.prometheus.query(expr)


@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
def test_replay_is_no_lag(module_origin, protocol: str, tmp_path) -> None:
    """A client that was away for a second gets what it missed; that is a second old, and nobody served it late."""
    origin = module_origin(name=f"replay-{protocol[-1]}")
    ids = [origin.publish("news", f"event {number}")[0] for number in range(5)]
    # Being away takes time.
    time.sleep(1)
    url = f"{origin.url}/channels/news/events?last_event_id={ids[0]}"
    version = "--http2-prior-knowledge" if protocol == "h2" else "--http1.1"
    command = ["curl", "-sN", "--noproxy", "*", version, url]
    client = ManagedProcess(command, tmp_path, name="away")
    client.wait_for(lambda: "event 4" in client.stdout(), "the replay", 10)
    origin.publish("news", "while it is here")
    client.wait_for(lambda: "while it is here" in client.stdout(), "a live event", 10)

    def counted(name: str, labels: str) -> int:
        text = origin.request("GET", "/metrics")[2].decode()
        [value] = re.findall(rf"^{name}\{{{re.escape(labels)}\}} (\S+)$", text, re.M)
        return int(float(value))

    client.kill()
    assert counted("sse_events_sent_total", f'protocol="{protocol}"') == 5
    # The one that came while it was here.
    assert counted("sse_event_delivery_lag_seconds_count", f'protocol="{protocol}"') == 1
    assert counted("sse_event_delivery_lag_seconds_bucket", f'protocol="{protocol}",le="0.25"') == 1


def test_origin_that_goes_is_reported(module_origin, tmp_path) -> None:
    origin = module_origin(name="going")
    prometheus = Prometheus(origin.ready["admin"], tmp_path, with_short_windows(10))
    try:
        prometheus.wait_scrapes(2)
        assert not [one for one in prometheus.alerts() if one["alertname"] == "HeadwaterTargetDown"]
        origin.terminate()
        fires = lambda: "HeadwaterTargetDown" in [one["alertname"] for one in prometheus.alerts()]  # noqa: E731
        wait_until(fires, "HeadwaterTargetDown fires", 30, interval=0.25)
    finally:
        prometheus.stop()


def test_idle_timeout_of_haproxy_fires_its_alert(module_origin, tmp_path) -> None:
    """HAProxy with `timeout server 5s` before an origin whose heartbeats come every 60 s; minutes become 20 s."""
    origin = module_origin("--heartbeat", "60", name="idle")
    prometheus = Prometheus(origin.ready["admin"], tmp_path, with_short_windows(20))
    edge = HAProxy(origin.address, tmp_path, HAProxy.idle(5))
    try:
        prometheus.wait_scrapes(2)
        subscribers = [Subscriber.on(edge, f"channel-{number}") for number in range(12)]
        for silent in range(12):
            # One after the other falls silent, so that ages differ where idle times do not. The pauses are stimulus.
            time.sleep(0.3)
            for number in range(silent, 12):
                origin.publish(f"channel-{number}", f"event {silent}")
        for subscriber in subscribers:
            origin.wait_closed(subscriber.stream, 15)

        def firing() -> list[dict[str, str]]:
            return [one for one in prometheus.alerts() if one["alertname"] == "HeadwaterIdleTimeoutDrops"]

        wait_until(firing, "HeadwaterIdleTimeoutDrops fires", 20, interval=0.25)
        assert [one["suspected_timeout_seconds"] for one in firing()] == ["other"]
        names = {one["alertname"] for one in prometheus.alerts()}
        assert "HeadwaterHeartbeatsSwallowed" not in names, "heartbeats were not due"
        wait_until(lambda: not firing(), "it resolves once the window has passed", 60, interval=0.5)
    finally:
        prometheus.stop()
        edge.stop()
