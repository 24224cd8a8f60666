# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""The canary: its metrics by the Prometheus project's parser, its spans in one trace with the origin's, its beacons."""

import re
import subprocess
import urllib.request

import pytest
from prometheus_client.openmetrics import parser as openmetrics

from harness.collector import Collector
from harness.origin import headwater_binary
from harness.probe import RunningProbe
from harness.scrape import Scrape
from harness.waiting import wait_until


@pytest.fixture
def start_canary(tmp_path):
    """Starts canaries; each is interrupted at the end of the test if the test has not done it."""
    started = []

    def start(*arguments, **options):
        canary = RunningProbe(
            tmp_path, "watch", "--listen", "127.0.0.1:0", "--beacon-interval", "1", *arguments,
            name=f"canary-{len(started)}", **options,
        )  # fmt: skip
        started.append(canary)
        return canary

    yield start
    for canary in started:
        if canary.process.running:
            assert canary.interrupt().exit_code == 0


def metrics_url(canary) -> str:
    found = wait_until(
        lambda: re.search(r'"metrics":"(http://[^"]+)"', canary.process.stderr()), "the line that says where"
    )
    return found[1]


def scrape(canary) -> dict:
    request = urllib.request.Request(metrics_url(canary), headers={"Accept": "application/openmetrics-text"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read().decode()
    families = openmetrics.text_string_to_metric_families(text)
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def value(canary, name: str, **labels: str) -> float:
    return scrape(canary)[(name, tuple(sorted(labels.items())))]


def test_its_metrics_count_what_came(origin, start_canary):
    canary = start_canary(f"here={origin.url}/events?interval=50", "--session", "2")
    wait_until(lambda: value(canary, "sse_probe_events_total", path="here") >= 40, "40 events", timeout=20)
    wait_until(
        lambda: value(canary, "sse_probe_streams_ended_total", path="here", outcome="session") >= 1,
        "a session's end", timeout=20,
    )  # fmt: skip
    wait_until(lambda: value(canary, "sse_probe_up", path="here") == 1, "the next stream", timeout=20)
    series = scrape(canary)
    lag = series[("sse_probe_delivery_lag_seconds_count", (("path", "here"),))]
    assert 0 < lag <= series[("sse_probe_events_total", (("path", "here"),))]
    for defect in ["lost", "duplicated", "reordered"]:
        assert series[("sse_probe_event_defects_total", (("defect", defect), ("path", "here")))] == 0
    assert series[("sse_probe_phase_seconds_count", (("path", "here"), ("phase", "head")))] >= 1
    assert 0 < series[("sse_probe_clock_error_seconds", (("path", "here"),))] < 0.5


def test_promtool_finds_nothing_in_its_metrics(origin, start_canary):
    canary = start_canary(f"{origin.url}/events?interval=100")
    wait_until(lambda: any("sse_probe_delivery" in name for name, _ in scrape(canary)), "a lag", timeout=20)
    with urllib.request.urlopen(metrics_url(canary), timeout=10) as answer:
        text = answer.read()
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr.decode()


def test_the_origins_spans_of_the_stream_are_in_the_canarys_trace(start_origin, start_canary):
    with Collector() as collector:
        exporting = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        origin = start_origin(environment=exporting)
        canary = start_canary(
            f"here={origin.url}/events?interval=100", "--session", "2", environment=exporting
        )  # fmt: skip
        (root, *_) = collector.wait_spans(lambda one: one.name == "sse.probe.stream", "the canary's stream", timeout=20)
        names = lambda: {one.name for one in collector.trace(root.trace_id)}  # noqa: E731
        wait_until(lambda: {"GET /events", "sse.stream"} <= names(), "the origin's spans in that trace", timeout=20)
        trace = collector.trace(root.trace_id)
        server = next(one for one in trace if one.name == "GET /events")
        assert server.parent_id == root.span_id and not root.parent_id
        received = [one for one in trace if one.name == "sse.probe.receive"]
        sent = {one["sse.event.id"]: one for one in trace if one.name == "sse.event"}
        assert received and all(one.parent_id == root.span_id for one in received)
        joined = [one for one in received if one["sse.event.id"] in sent]
        assert joined, (len(received), len(sent))
        # One machine, one clock: no event arrives before the origin has begun to send it.
        assert all(one.end >= sent[one["sse.event.id"]].start for one in joined)
        assert canary.process.running


def test_the_origin_hears_of_lags_by_beacons(origin, start_canary):
    canary = start_canary(f"edge-7={origin.url}/events?interval=50")
    wait_until(lambda: value(canary, "sse_probe_beacons_total", path="edge-7", outcome="taken") >= 2, "beacons", 20)
    reported = Scrape.of(origin).total("sse_client_delivery_lag_seconds_count", path="edge-7")
    assert reported > 0


def test_a_server_that_is_not_headwater_gets_neither_time_nor_beacon_requests(tmp_path, start_canary):
    import http.server
    import threading

    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            try:
                for number in range(10_000):
                    self.wfile.write(f"id: {number}\ndata: x\n\n".encode())
                    if stop.wait(0.05):
                        break
            except OSError:
                pass

        def do_POST(self):
            asked.append(self.path)
            self.send_error(405)

        def log_message(self, *_):
            pass

    stop = threading.Event()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        canary = start_canary(f"other=http://127.0.0.1:{server.server_port}/sse")
        wait_until(lambda: value(canary, "sse_probe_events_total", path="other") >= 30, "events", timeout=20)
        assert set(asked) == {"/sse"}
        assert ("sse_probe_clock_error_seconds", (("path", "other"),)) not in scrape(canary)
    finally:
        stop.set()
        server.shutdown()
        server.server_close()


def test_an_origin_that_goes_and_comes_back_loses_no_place(start_origin, start_canary):
    origin = start_origin()
    port = origin.port
    canary = start_canary(f"here={origin.url}/channels/news/events")
    wait_until(lambda: value(canary, "sse_probe_up", path="here") == 1, "the stream", timeout=20)
    origin.publish("news", '{"seq":1}')
    wait_until(lambda: value(canary, "sse_probe_events_total", path="here") >= 1, "the event", timeout=20)
    origin.kill()
    wait_until(lambda: value(canary, "sse_probe_up", path="here") == 0, "that it noticed", timeout=20)
    start_origin(port=port)
    wait_until(lambda: value(canary, "sse_probe_up", path="here") == 1, "that it is back", timeout=40)
    series = scrape(canary)
    assert series[("sse_probe_streams_opened_total", (("path", "here"),))] == 2


def test_ctrl_c_prints_what_was_seen(origin, start_canary):
    canary = start_canary("--json", "--fail-if", "lost>0", f"here={origin.url}/events?interval=50")
    wait_until(lambda: value(canary, "sse_probe_events_total", path="here") >= 10, "events", timeout=20)
    run = canary.interrupt()
    assert run.exit_code == 0, run.stderr
    assert run.report["interrupted"] and run.report["command"] == "watch"
    assert run.path("here")["events"] >= 10 and run.path("here")["failures"] == 0
    assert [verdict["passed"] for verdict in run.report["thresholds"]] == [True]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["http://127.0.0.1:1/", "--listen", "nowhere"], "--listen"),
        (["http://127.0.0.1:1/", "--session", "0"], "--session must be 1 to 86400 seconds"),
        (["ftp://127.0.0.1/"], "ftp"),
        ([], "urls"),
    ],
)
def test_bad_arguments_are_told(arguments, says):
    command = [headwater_binary(), "probe", "watch", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 64 and says in done.stderr, done.stderr


def test_a_taken_port_is_told(origin):
    command = [headwater_binary(), "probe", "watch", "--listen", origin.address, f"{origin.url}/events"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 69 and f"cannot listen on {origin.address}" in done.stderr, done.stderr
