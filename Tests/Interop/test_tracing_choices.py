# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""What of traces an operator chooses, and what can be seen of them without a collector."""

import pytest

from harness.http2_wire import Http2Connection
from harness.scrape import Scrape
from harness.spans import named
from harness.tracing import (
    SpanCounts, collector, debug_trace, debug_traces, start_traced, traceparent,
)  # fmt: skip
from harness.waiting import wait_until
from harness.wire import WireConnection

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SERVER = "GET /channels/{channel}/events"


def sampled_flag(origin, **fields: str) -> bool:
    """Whether a stream that comes with these fields is sampled, as its own response says."""
    with WireConnection.to(origin.url) as client:
        return bool(traceparent(client.open_stream("/channels/a/events", fields))[2] & 1)


# The traces that the origin itself shows


def test_the_origin_shows_what_it_exported(start_traced, collector):
    origin = start_traced("--segment-interval", "1")
    with WireConnection.to(origin.url) as client:
        trace_id, *_ = traceparent(client.open_stream("/channels/shown/events", {"User-Agent": 'quotes " and \\'}))
        shown = origin.wait_active(1)["streams"]
        assert [stream["trace_id"] for stream in shown] == [trace_id]
        origin.publish("shown", "x")
        client.next_events(1)
        collector.wait_spans(named("sse.stream.segment"), "a segment")
    collector.wait_spans(named("sse.stream"), "the last span of the stream")
    exported = sorted(collector.trace(trace_id), key=lambda span: span.span_id)
    assert sorted(debug_trace(origin, trace_id), key=lambda span: span.span_id) == exported and len(exported) >= 4
    (listed,) = [one for one in debug_traces(origin) if one["traceId"] == trace_id]
    assert (listed["rootName"], listed["spans"], listed["hasError"]) == (SERVER, len(exported), False)
    assert int(listed["startTimeUnixNano"]) == min(span.start for span in exported)
    (closed,) = origin.debug_streams()["recently_closed"]
    assert closed["trace_id"] == trace_id


def test_traces_are_shown_without_any_collector(start_origin):
    origin = start_origin()
    with WireConnection.to(origin.url) as client:
        trace_id, span_id, _ = traceparent(client.open_stream("/channels/a/events"))
        (server,) = wait_until(lambda: debug_trace(origin, trace_id), "the root is shown", timeout=3)
        assert (server.name, server.span_id) == (SERVER, span_id)
    wait_until(
        lambda: "sse.stream" in [span.name for span in debug_trace(origin, trace_id)], "the stream is shown", timeout=3
    )
    # Nothing was to be exported, so nothing was lost either.
    counts = Scrape.of(origin).by("otel_sdk_exporter_span_exported_total", "error_type")
    assert counts == {} and Scrape.of(origin).total("otel_sdk_span_unaccounted") == 0


def test_the_latest_traces_come_first_and_their_number_is_bounded(start_origin):
    origin = start_origin("--event-span-rate", "0")
    ids = []
    with Http2Connection(origin.address) as peer:
        for stream in range(1, 2 * 300, 2):
            peer.request(stream, "/channels/a/events", more=[("accept", "text/event-stream")])
            ids.append(peer.wait_head(stream).get("traceparent").split("-")[1])
        wait_until(lambda: debug_trace(origin, ids[-1]), "the last trace is shown", timeout=3)
        listed = [one["traceId"] for one in debug_traces(origin)]
        assert len(listed) == 256 and set(listed) <= set(ids)
        starts = [int(one["startTimeUnixNano"]) for one in debug_traces(origin)]
        assert starts == sorted(starts, reverse=True)


@pytest.mark.parametrize(
    ("trace_id", "code"),
    [(TRACE, 404), ("0" * 32, 400), (TRACE.upper(), 400), ("abc", 400), ("", 400), (f"{TRACE}/x", 400), ("%00", 400)],
)
def test_an_id_that_is_none_or_unknown_is_told_apart(shared_origin, trace_id, code):
    got, fields, body = shared_origin.request("GET", f"/debug/traces/{trace_id}")
    assert (got, fields["content-type"]) == (code, "application/problem+json"), body


def test_traces_are_for_the_operator_alone(shared_origin):
    for target in ("/debug/traces", f"/debug/traces/{TRACE}"):
        assert shared_origin.request("GET", target, admin=False)[0] == 404
        assert shared_origin.request("GET", target, headers={"Origin": "https://pages.example"})[0] == 403
        assert shared_origin.request("POST", target)[0] == 405


# Samplers

PARENT_SAMPLED, PARENT_NOT = {"Traceparent": f"00-{TRACE}-{PARENT}-01"}, {"Traceparent": f"00-{TRACE}-{PARENT}-00"}


@pytest.mark.parametrize(
    ("sampler", "argument", "root", "under_sampled", "under_not"),
    [
        ("always_on", "", True, True, True),
        ("always_off", "", False, False, False),
        ("traceidratio", "1", True, True, True),
        ("traceidratio", "0", False, False, False),
        ("parentbased_always_on", "", True, True, False),
        ("parentbased_always_off", "", False, True, False),
        ("parentbased_traceidratio", "1", True, True, False),
        ("parentbased_traceidratio", "0", False, True, False),
        # What cannot be understood is said and ignored.
        ("", "", True, True, False),
        ("sometimes", "", True, True, False),
        ("traceidratio", "2", True, True, True),
    ],
)
def test_a_sampler_of_the_environment_decides(start_origin, sampler, argument, root, under_sampled, under_not):
    origin = start_origin(environment={"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": argument})
    assert sampled_flag(origin) == root
    assert sampled_flag(origin, **PARENT_SAMPLED) == under_sampled
    assert sampled_flag(origin, **PARENT_NOT) == under_not
    warned = [record["reason"] for record in origin.log_records() if record["message"] == "setting ignored"]
    assert bool(warned) == (sampler == "sometimes" or argument == "2"), warned


def test_a_ratio_samples_about_its_share_and_by_the_trace_id(start_origin):
    environment = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}
    first, second = (start_origin("--event-span-rate", "0", environment=environment) for _ in range(2))
    decided = {}
    for origin in (first, second):
        with Http2Connection(origin.address) as peer:
            for number in range(400):
                stream = 2 * number + 1
                # Trace ids as they would be by chance, the same for both.
                trace_id = f"{(number + 1) * 0x9E3779B97F4A7C15 % 2**64:016x}" * 2
                more = [("traceparent", f"00-{trace_id}-{PARENT}-00")]
                peer.request(stream, "/channels/a/events", more=more)
                told = peer.wait_head(stream).get("traceparent").split("-")
                assert told[1] == trace_id
                sampled = bool(int(told[3], 16) & 1)
                # Every process decides the same for one trace, or traces would have holes.
                assert decided.setdefault(trace_id, sampled) == sampled
    # 100 expected, with a standard deviation below 9.
    assert 55 <= sum(decided.values()) <= 145


def test_what_is_not_sampled_is_counted_and_costs_no_span(start_origin):
    origin = start_origin(environment={"OTEL_TRACES_SAMPLER": "always_off"})
    with WireConnection.to(origin.url) as client:
        trace_id, *_ = traceparent(client.open_stream("/channels/a/events"))
        origin.publish("a", "x")
        client.next_events(1)
        started = "otel_sdk_span_started_total"
        dropped = {"otel_span_parent_origin": "none", "otel_span_sampling_result": "DROP"}
        wait_until(lambda: Scrape.of(origin).total(started, **dropped) >= 2, "the stream and the publish are counted")
    assert SpanCounts(Scrape.of(origin)).started == 0 and debug_trace(origin, trace_id) == []


def test_a_disabled_sdk_makes_no_spans_and_passes_the_context_on(start_origin):
    origin = start_origin(environment={"OTEL_SDK_DISABLED": "true"})
    with WireConnection.to(origin.url) as client:
        trace_id, *_ = traceparent(client.open_stream("/channels/a/events", PARENT_SAMPLED))
        assert trace_id == TRACE
    origin.wait_active(0)
    assert debug_trace(origin, TRACE) == [] and SpanCounts(Scrape.of(origin)).started == 0


def test_without_the_propagator_no_context_comes_in_or_goes_out(start_origin):
    origin = start_origin(environment={"OTEL_PROPAGATORS": "none"})
    with WireConnection.to(origin.url) as client:
        head = client.open_stream("/channels/a/events", PARENT_SAMPLED)
        assert head.get("traceparent") is None and "traceparent" not in (head.get("server-timing") or "")
        (stream,) = origin.wait_active(1)["streams"]
        assert stream["trace_id"] != TRACE


# Lines, budgets, comments


def test_the_trace_log_has_a_line_for_each_span(start_origin):
    origin = start_origin("--trace-log", "true")
    with WireConnection.to(origin.url) as client:
        # U+009B in UTF-8, which begins a command to the terminal as ESC [ does; fields may have such bytes.
        agent = 'one "two"\xc2\x9b31m'
        trace_id, span_id, _ = traceparent(client.open_stream("/channels/a/events", {"User-Agent": agent}))
        origin.publish("a", "x")
        client.next_events(1)

    def lines() -> list[str]:
        return [line for line in origin.process.stderr().splitlines() if f"trace={trace_id}" in line]

    wait_until(lambda: any(' "sse.stream" ' in line for line in lines()), "a line for the stream", timeout=5)
    server, event, stream = lines()
    assert f' server "{SERVER}" trace={trace_id} span={span_id} ' in server and " parent=" not in server
    assert ' producer "sse.event" ' in event and " link=" in event
    assert ' internal "sse.stream" ' in stream and "sse.close.reason=client_closed" in stream
    # What a client sends must not reach the operator's terminal as it is.
    assert r'"one \"two\"\u{9b}31m"' in server and "\x9b" not in server


def test_a_budget_of_nothing_keeps_all_but_event_spans(start_traced, collector):
    origin = start_traced("--event-span-rate", "0", "--segment-interval", "1")
    with WireConnection.to(origin.url) as client:
        client.open_stream("/channels/a/events")
        for number in range(20):
            origin.publish("a", str(number))
        client.next_events(20)
        collector.wait_spans(named("sse.stream.segment"), "a segment")
    (stream,) = collector.wait_spans(named("sse.stream"), "the span of the stream")
    assert stream["sse.events"] == 20
    assert not [span for span in collector.spans() if span.name == "sse.event"]
    collector.wait_spans(named("publish a"), "the publishes", 20)
    scrape = Scrape.of(origin)
    assert scrape.total("sse_event_spans_dropped_total") == 20
    assert scrape.total("otel_sdk_processor_span_processed_total", error_type="budget") == 20


def test_an_event_that_is_slow_is_kept_whatever_the_budget_says(start_traced, collector):
    origin = start_traced(
        "--event-span-rate", "0", "--slow-event", "0.2", "--slow-seconds", "60", "--slow-bytes", "100000000",
        "--channel-bytes", "100000000",
    )  # fmt: skip
    with WireConnection.to(origin.url, receive_buffer=4096) as client:
        client.open_stream("/channels/a/events")
        # More than the sockets hold, read only when the last of it is late.
        for number in range(400):
            origin.publish("a", f"{number:06d}" + "x" * 20_000)
        (blocked,) = wait_until(
            lambda: [one for one in origin.debug_streams()["streams"] if one["idle_seconds"] > 0.3], "it is blocked"
        )
        assert blocked["backlog_bytes"] > 0
        client.next_events(400, timeout=30)
        kept = collector.wait_spans(named("sse.event"), "the spans of slow events")
        origin.publish("a", "prompt")
        client.next_events(1)
    (stream,) = collector.wait_spans(named("sse.stream"), "the span of the stream")
    kept = [span for span in collector.spans() if span.name == "sse.event"]
    assert kept and min(span["sse.event.lag"] for span in kept) >= 0.2
    assert stream["sse.lag.max"] == pytest.approx(max(span["sse.event.lag"] for span in kept))
    assert Scrape.of(origin).total("sse_event_spans_dropped_total") == 401 - len(kept)


def test_events_of_sampled_publishes_carry_their_context_when_asked_to(start_origin):
    origin = start_origin("--trace-comments", "true")
    with WireConnection.to(origin.url) as client:
        client.open_stream("/channels/a/events")
        for parent in (PARENT_SAMPLED, PARENT_NOT):
            fields = {"Content-Type": "text/plain", **parent}
            assert origin.request("POST", "/channels/a/events", b"x", fields)[0] == 201
        client.next_events(2)
        told = [comment for comment in client.reader.comments if "traceparent" in comment]
    (comment,) = told
    assert comment.startswith(f"traceparent=00-{TRACE}-") and comment[53:] != PARENT and comment.count("-") == 3
