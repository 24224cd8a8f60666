# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Exemplars, which lead from a slow bucket to a trace; and scrapes while thousands of streams are open."""

import statistics
import subprocess
import time
from pathlib import Path

import pytest

from harness.process import ManagedProcess
from harness.prometheus import Prometheus
from harness.scrape import Scrape, quantile
from harness.spans import named
from harness.tracing import collector, start_traced, traceparent
from harness.waiting import wait_until
from harness.wire import WireConnection

BENCHMARKS = Path(__file__).resolve().parents[2] / "Benchmarks"
LAG = "sse_event_delivery_lag_seconds"


def exemplars(scrape: Scrape) -> list:
    """Bucket samples that have one, with their exemplars."""
    return [sample for sample in scrape.matching(f"{LAG}_bucket") if sample.exemplar]


# Exemplars


def test_an_exemplar_names_the_span_that_its_value_came_from(start_traced, collector):
    origin = start_traced()
    with WireConnection.to(origin.url) as client:
        trace_id, *_ = traceparent(client.open_stream("/channels/a/events"))
        origin.publish("a", "x")
        client.next_events(1)
        (event,) = collector.wait_spans(named("sse.event"), "the span of the event")
        scrape = Scrape.of(origin)
    (sample,) = exemplars(scrape)
    # The span of the stream that the event was delivered on.
    assert sample.exemplar.labels == {"trace_id": trace_id, "span_id": event.parent_id}
    assert sample.exemplar.value == pytest.approx(event["sse.event.lag"])
    assert float(sample.exemplar.timestamp) == pytest.approx(event.end / 1e9, abs=0.01)
    # It is in the bucket that it belongs to, and OpenMetrics alone has it.
    bounds = [bound for bound in scrape.buckets(LAG) if bound >= sample.exemplar.value]
    assert float(sample.labels["le"]) == bounds[0] and sample.labels["protocol"] == "http/1.1"
    assert trace_id not in Scrape.of(origin, "text/plain").body


def test_what_is_not_sampled_leaves_no_exemplar(start_origin):
    origin = start_origin(environment={"OTEL_TRACES_SAMPLER": "always_off"})
    with WireConnection.to(origin.url) as client:
        client.open_stream("/channels/a/events")
        origin.publish("a", "x")
        client.next_events(1)
        wait_until(lambda: Scrape.of(origin).total(f"{LAG}_count") == 1, "the event is counted")
        assert exemplars(Scrape.of(origin)) == []


def test_every_exemplar_leads_to_a_trace_that_the_origin_shows(start_origin):
    origin = start_origin()
    with WireConnection.to(origin.url) as client:
        client.open_stream("/channels/a/events")
        for number in range(50):
            origin.publish("a", str(number))
        client.next_events(50)
        wait_until(lambda: Scrape.of(origin).total(f"{LAG}_count") == 50, "the events are counted")
        found = exemplars(Scrape.of(origin))
        assert found
        for sample in found:
            trace_id = sample.exemplar.labels["trace_id"]
            # A loop hands its spans over ten times a second; its exemplars are there at once.
            path = f"/debug/traces/{trace_id}"
            wait_until(lambda path=path: origin.request("GET", path)[0] == 200, f"the trace behind {path}")


def test_prometheus_keeps_the_exemplars(start_origin, tmp_path):
    origin = start_origin()
    with WireConnection.to(origin.url) as client:
        trace_id, *_ = traceparent(client.open_stream("/channels/a/events"))
        origin.publish("a", "x")
        client.next_events(1)
        with Prometheus(origin, tmp_path) as prometheus:
            bounds = {"start": str(time.time() - 300), "end": str(time.time() + 300)}
            kept = prometheus.wait("/api/v1/query_exemplars", query=f"{LAG}_bucket", **bounds)
    assert {one["labels"]["trace_id"] for series in kept for one in series["exemplars"]} == {trace_id}


# Scrapes under load


@pytest.fixture(scope="module")
def fanout(tmp_path_factory) -> Path:
    """The client of the benchmarks, built: many streams over few connections."""
    folder = tmp_path_factory.mktemp("fanout")
    subprocess.run(["make", "-s", "-C", str(BENCHMARKS), f"OUT={folder}", f"{folder}/fanout-h2"], check=True)
    return folder / "fanout-h2"


@pytest.mark.parametrize("sampler", ["always_off", "parentbased_always_on"])
def test_scrapes_while_3000_streams_are_open_are_prompt_and_delay_no_event(fanout, start_origin, tmp_path, sampler):
    origin = start_origin("--event-span-rate", "100", environment={"OTEL_TRACES_SAMPLER": sampler})
    command = [str(fanout), "--port", str(origin.port), "--path", "/events?interval=200&size=128", "--duration", "14",
               "--streams", "3000", "--connections", "3"]  # fmt: skip
    with ManagedProcess(command, tmp_path, name="fanout") as client:
        client.wait_for(lambda: origin.debug_streams()["active"] == 3000, "3000 streams", 40)

        def lags(during) -> tuple[dict, dict]:
            """The lag's buckets before and after some 30,000 events, while something is done."""
            before = Scrape.of(origin)
            enough = before.total("sse_events_sent_total") + 30_000
            while True:
                during()
                after = Scrape.of(origin)
                if after.total("sse_events_sent_total") >= enough:
                    return before.buckets(LAG), after.buckets(LAG)

        def timed_scrape() -> None:
            started = time.monotonic()
            Scrape.of(origin, coding="gzip")
            times.append(time.monotonic() - started)

        times: list[float] = []
        # The pace of the quiet phase: what is compared to is an origin that is hardly scraped.
        quiet = lags(lambda: time.sleep(1))
        busy = lags(timed_scrape)
        scrape = Scrape.of(origin)
        assert scrape.total("sse_streams_active", protocol="h2") == 3000
        assert scrape.by("sse_self_check_failures_total", "invariant") == {}
        result_code = client.wait_exit(60)
        assert result_code == 0, client.describe("the streams did not get every event")
    for share in (0.5, 0.99):
        calm, scraped = (quantile(share, after, before) for before, after in (quiet, busy))
        # Three of the buckets' steps, each two or two and a half times the one before; machines under test are busy.
        assert scraped <= max(0.1, 16 * calm), (share, calm, scraped)
    assert len(times) >= 3 and statistics.median(times) < 2, times
    handled = scrape.total("headwater_scrape_duration_seconds_sum") / scrape.total(
        "headwater_scrape_duration_seconds_count"
    )
    assert handled < 1, handled
    origin.wait_active(0, timeout=20)
