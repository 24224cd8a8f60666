# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""The form of `/metrics`, by the judgement of others: promtool, Prometheus' parsers, and Prometheus itself.

What the numbers are is the subject of test_metrics_counts.py.
"""

import gzip
import re
import subprocess
from typing import Iterator

import pytest

from harness.origin import Origin
from harness.prometheus import Prometheus
from harness.scrape import OPEN_METRICS, TEXT, Scrape
from harness.wire import WireConnection

# Every family that the process has once a request, a stream, an event and a report were there.
CATALOGUE = {
    "counter": """
        sse_streams_opened_total sse_streams_closed_total sse_stream_idle_closes_total sse_stream_resets_total
        sse_stream_heartbeat_swallowed_closes_total sse_events_published_total sse_events_sent_total
        sse_event_bytes_sent_total sse_events_dropped_total sse_gaps_total sse_heartbeats_sent_total sse_resumes_total
        sse_connections_accepted_total sse_connections_closed_total sse_connections_rejected_total
        sse_connection_requests_total sse_h2_goaways_total sse_self_check_failures_total sse_beacons_rejected_total
        sse_event_spans_dropped_total otel_sdk_span_started_total otel_sdk_processor_span_processed_total
        otel_sdk_exporter_span_exported_total process_cpu_seconds_total
    """.split(),
    "gauge": """
        sse_streams_active sse_stream_backlog_bytes sse_slow_streams sse_streams_limit sse_connections_active
        sse_connections_limit sse_h2_flow_control_stalled_streams sse_connection_unsent_bytes
        sse_heartbeat_interval_seconds headwater_draining headwater_build_info otel_sdk_span_live
        otel_sdk_processor_span_queue_size otel_sdk_processor_span_queue_capacity otel_sdk_exporter_span_inflight
        otel_sdk_span_unaccounted process_resident_memory_bytes process_virtual_memory_bytes process_open_fds
        process_max_fds process_start_time_seconds process_threads
    """.split(),
    "histogram": """
        sse_event_delivery_lag_seconds sse_time_to_first_event_seconds sse_inter_event_gap_seconds
        http_server_request_duration_seconds sse_stream_duration_seconds sse_heartbeat_delay_seconds
        sse_connection_requests sse_connection_peak_streams sse_h2_flow_control_stall_seconds
        sse_connection_rtt_seconds sse_client_delivery_lag_seconds headwater_scrape_duration_seconds
        otel_sdk_exporter_operation_duration_seconds
    """.split(),
}
TYPES = {name: kind for kind, names in CATALOGUE.items() for name in names}

# These two share the family `sse_connection_requests` in OpenMetrics, so that the counter has no type there.
UNTYPED = "sse_connection_requests_total"

SECONDS_BUCKETS = {
    "sse_event_delivery_lag_seconds":
        "1e-4 2.5e-4 5e-4 1e-3 2.5e-3 5e-3 .01 .025 .05 .1 .25 .5 1 2.5 5 10",
    "sse_inter_event_gap_seconds":
        "1e-4 2.5e-4 5e-4 1e-3 2.5e-3 5e-3 .01 .025 .05 .1 .25 .5 1 2.5 5 10 15 30 60 120",
    "sse_time_to_first_event_seconds": ".001 .005 .01 .02 .04 .06 .08 .1 .25 .5 .75 1 2.5 5 7.5 10",
    "sse_stream_duration_seconds":
        "1 5 15 28 32 53 57 58 62 98 102 118 122 123 127 298 304 348 352 598 604 3600 14400",
    "sse_connection_requests": "1 2 4 8 16 32 64 128 256 512 1024",
    "sse_connection_peak_streams": "1 2 4 8 16 32 64 128 256 512 1024",
}  # fmt: skip


@pytest.fixture(scope="module")
def used(tmp_path_factory) -> Iterator[Origin]:
    """An origin that has answered, delivered and been reported to, and then is left alone."""
    running = Origin(tmp_path_factory.mktemp("used"), environment={"OTEL_TRACES_SAMPLER": "always_on"})
    with WireConnection.to(running.url) as client:
        stream = client.open_stream("/channels/a/events").get("x-sse-stream")
        for number in range(3):
            running.publish("a", str(number))
        client.next_events(3)
        report = b'{"path": "loop", "lags_ms": [0.5, 12.5]}'
        assert running.request("POST", "/beacon", report, admin=False)[0] == 204
    running.wait_active(0)
    # The verdict over a stream comes a moment after its end, and with it the close is counted.
    running.wait_closed(stream)
    yield running
    running.terminate()


def promtool(body: str) -> subprocess.CompletedProcess:
    return subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, text=True, timeout=30)


# The names and their types


def test_promtool_finds_nothing(used):
    done = promtool(Scrape.of(used, "text/plain").body)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done


def test_promtool_would_find_something():
    # A check that finds nothing in anything would prove nothing.
    done = promtool("# TYPE a_total gauge\na_total 1\n")
    assert done.returncode != 0 and "a_total" in done.stdout + done.stderr


@pytest.mark.parametrize("accept", ["text/plain", OPEN_METRICS])
def test_every_family_of_the_catalogue_has_its_type(used, accept):
    expected = dict(TYPES)
    if accept == OPEN_METRICS:
        expected[UNTYPED] = "unknown"
    assert Scrape.of(used, accept).types() == expected


def test_the_buckets_are_those_of_the_catalogue(used):
    scrape = Scrape.of(used)
    for name, bounds in SECONDS_BUCKETS.items():
        assert list(scrape.buckets(name)) == [float(bound) for bound in bounds.split()] + [float("inf")], name


def test_every_family_has_help_and_every_measured_one_its_unit(used):
    for family in Scrape.of(used).families:
        assert family.documentation.endswith("."), family.name
        for unit in ("seconds", "bytes"):
            assert (family.unit == unit) == family.name.endswith(f"_{unit}"), (family.name, family.unit)


def test_every_count_of_a_histogram_agrees_with_its_buckets(used):
    for accept in ("text/plain", OPEN_METRICS):
        scrape = Scrape.of(used, accept)
        for family in (one for one in scrape.families if one.type == "histogram"):
            counts: dict[tuple, list[float]] = {}
            totals: dict[tuple, float] = {}
            for one in family.samples:
                labels = tuple(sorted((name, value) for name, value in one.labels.items() if name != "le"))
                if one.name.endswith("_bucket"):
                    counts.setdefault(labels, []).append(one.value)
                elif one.name.endswith("_count"):
                    totals[labels] = one.value
            assert counts.keys() == totals.keys() and counts, family.name
            for labels, cumulative in counts.items():
                assert cumulative == sorted(cumulative) and cumulative[-1] == totals[labels], (family.name, labels)


# The two formats


def test_both_formats_say_the_same(used):
    text, opened = Scrape.of(used, "text/plain"), Scrape.of(used)
    assert (text.content_type, opened.content_type) == (TEXT, OPEN_METRICS)

    def steady(scrape: Scrape) -> dict:
        # What the scrapes themselves change, and what the kernel says of the process, is never the same twice.
        moving = ("process_", "headwater_scrape_", "http_server_request_", "sse_connection_rtt_")
        return {series: value for series, value in scrape.series().items() if not series[0].startswith(moving)}

    assert steady(text) == steady(opened)
    # Of those that move, the same series are there.
    assert text.series().keys() == opened.series().keys()


def test_the_order_is_stable_and_families_are_sorted(used):
    def shape() -> list[str]:
        return [re.sub(r" [^ ]+( # .*)?$", "", line) for line in Scrape.of(used).body.splitlines()]

    first = shape()
    assert shape() == first
    families = [line.split(" ")[2] for line in Scrape.of(used, "text/plain").body.splitlines() if line[:7] == "# TYPE "]
    assert families == sorted(families) and len(families) == len(set(families))


def test_openmetrics_ends_in_eof_and_text_does_not(used):
    assert Scrape.of(used).body.endswith("\n# EOF\n")
    assert "# EOF" not in Scrape.of(used, "text/plain").body


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, TEXT),
        ("", TEXT),
        ("*/*", TEXT),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT),
        ("application/openmetrics-text", OPEN_METRICS),
        ("application/openmetrics-text;version=1.0.0;q=0.4,text/plain;q=0.5", TEXT),
        ("application/openmetrics-text; version=\"1.0.0\" ; q=0.500, text/plain;q=.4", OPEN_METRICS),
        ("application/openmetrics-text;version=0.0.1", TEXT),
        ("application/openmetrics-text;version=1.0.0;q=0", TEXT),
        # Prometheus 2 and 3.
        ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
         "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", OPEN_METRICS),
        ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;"
         "version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,"
         "*/*;q=0.2", OPEN_METRICS),
        # What no scraper sends gets the format that anything reads, and never an error.
        ("image/png", TEXT),
        (";;;,,,;q=,/", TEXT),
        ("application/openmetrics-text;q=-1", TEXT),
        ("application/openmetrics-text;q=99999999999999999999", TEXT),
        ('text/plain;version="', TEXT),
        ("\xff\xfe/*", TEXT),
        (",".join(f"a{number}/b;q=0.{number}" for number in range(500)), TEXT),
    ],
    ids=lambda value: None if value is None else re.sub(r"[^\x20-\x7e]", "?", value)[:40],
)  # fmt: skip
def test_the_format_is_negotiated(used, accept, chosen):
    assert Scrape.of(used, accept).content_type == chosen


@pytest.mark.parametrize(
    ("coding", "compressed"),
    [
        (None, False), ("gzip", True), ("x-gzip", True), ("*", True), ("gzip;q=0", False), ("br, deflate", False),
        ("identity, gzip;q=0.5", False), ("GZIP;q=0.001", True), (";;gzip;;", False), ("gzip;q=nonsense", False),
    ],
)  # fmt: skip
def test_the_body_is_compressed_when_that_is_asked_for(used, coding, compressed):
    headers = {"Accept-Encoding": coding} if coding else {}
    with WireConnection(*used.ready["admin"].split(":")[:1], used.admin_port) as client:
        client.request("GET", "/metrics", headers)
        answer = client.read_response()
    assert answer.status == 200 and (answer.head.get("content-encoding") == "gzip") == compressed
    assert {"accept", "accept-encoding"} <= {word.strip().lower() for word in answer.head.get("vary").split(",")}
    body = gzip.decompress(answer.body) if compressed else answer.body
    assert body.startswith(b"# HELP ") and (not compressed or len(answer.body) < len(body) / 4)


def test_head_has_the_fields_and_no_body_and_other_methods_are_refused(used):
    status, fields, body = used.request("HEAD", "/metrics")
    assert (status, body) == (200, b"") and fields["content-type"] == TEXT
    for method in ("POST", "PUT", "DELETE"):
        status, fields, _ = used.request(method, "/metrics")
        assert status == 405 and fields["allow"] == "GET, HEAD"


def test_metrics_are_not_for_the_public(used):
    assert used.request("GET", "/metrics", admin=False)[0] == 404
    # Nor for a page in the operator's browser.
    assert used.request("GET", "/metrics", headers={"Origin": "https://pages.example"})[0] == 403


# Prometheus itself


def test_prometheus_scrapes_it_and_knows_every_name(used, tmp_path):
    with Prometheus(used, tmp_path) as prometheus:
        known = set(prometheus.ask("/api/v1/label/__name__/values"))
        for name, kind in TYPES.items():
            parts = {f"{name}_bucket", f"{name}_sum", f"{name}_count"} if kind == "histogram" else {name}
            assert parts <= known, name
        metadata = prometheus.wait("/api/v1/metadata")
    for name, kind in TYPES.items():
        # Prometheus keeps OpenMetrics' families under their own names, counters without `_total`.
        entries = metadata.get(name) or metadata.get(name.removesuffix("_total"))
        assert entries and {one["type"] for one in entries} == {"unknown" if name == UNTYPED else kind}, name
