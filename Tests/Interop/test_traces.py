# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""One stream followed by its trace id, from the response's head to its end, as a collector sees it."""

import re
import time

import pytest

from harness.http2_fixtures import tls_flags
from harness.http2_wire import CANCEL, Http2Connection
from harness.spans import KNOWS_REMOTE, RANDOM, SAMPLED, Span, named, only
from harness.tracing import collector, start_traced, traceparent
from harness.wire import WireConnection

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SCHEMA = "https://opentelemetry.io/schemas/1.44.0"
SERVER = "GET /channels/{channel}/events"


def inside(inner: Span, outer: Span) -> bool:
    """Within a millisecond: the wall clock of a machine is corrected in small steps while a stream lives."""
    return outer.start - 1_000_000 <= inner.start <= inner.end <= outer.end + 1_000_000


# The story of a stream


def test_a_stream_reads_as_one_story(start_traced, collector):
    origin = start_traced("--segment-interval", "1")
    with WireConnection.to(origin.url) as client:
        asked = time.time_ns()
        head = client.open_stream("/channels/story/events", {"User-Agent": "story/1"})
        trace_id, span_id, flags = traceparent(head)
        assert flags & SAMPLED
        stream_id = head.get("x-sse-stream")
        # The root comes at once, while the stream lives.
        (server,) = collector.wait_spans(named(SERVER), "the server span", timeout=5)
        assert (server.trace_id, server.span_id, server.parent_id) == (trace_id, span_id, "")
        for number in range(3):
            origin.publish("story", f"event {number}")
        events = client.next_events(3)
        delivered = collector.wait_spans(named("sse.event"), "event spans", 3)
        (segment, *_) = collector.wait_spans(named("sse.stream.segment"), "a segment", timeout=10)
        assert not [span for span in collector.spans() if span.name in ("sse.stream", "sse.connection")]
        local = client.socket.getsockname()[0]
    (stream,) = collector.wait_spans(named("sse.stream"), "the span of the stream")
    (connection,) = collector.wait_spans(named("sse.connection"), "the span of the connection")
    publishes = [span for span in collector.spans() if span.name == "publish story"]

    # Who is whose child.
    assert stream.parent_id == server.span_id
    assert {span.parent_id for span in [*delivered, segment]} == {stream.span_id}
    assert {span.trace_id for span in [stream, server, segment, *delivered]} == {trace_id}
    assert connection.trace_id != trace_id and connection.parent_id == ""
    assert [(link.trace_id, link.span_id) for link in connection.links] == [(trace_id, stream.span_id)]
    assert len({span.span_id for span in collector.spans()}) == len(collector.spans())

    # Each event's span links to the publish that brought it, which is a trace of its own.
    assert len(publishes) == 3 and len({span.trace_id for span in publishes} | {trace_id}) == 4
    by_id = {span["sse.event.id"]: span for span in publishes}
    for span, event in zip(sorted(delivered, key=lambda one: one.start), events, strict=True):
        assert span["sse.event.id"] == event.id
        assert [(link.trace_id, link.span_id) for link in span.links] == [
            (by_id[event.id].trace_id, by_id[event.id].span_id)
        ]

    # In order, and within one another.
    assert asked - 1_000_000 <= server.start <= server.end <= stream.end
    assert all(inside(span, stream) for span in [segment, *delivered])
    assert inside(server, connection) and inside(stream, connection)

    kinds = {server: "server", stream: "internal", segment: "internal", connection: "internal"}
    assert [span.kind for span in kinds] == list(kinds.values())
    assert {span.kind for span in [*delivered, *publishes]} == {"producer"}
    assert {span.status for span in collector.spans()} == {"unset"}
    assert {span.dropped for span in collector.spans()} == {(0, 0, 0)}
    for span in collector.spans():
        assert span.own_flags == SAMPLED | RANDOM and span.flags & KNOWS_REMOTE and not span.has_remote_parent, span

    # What they say.
    assert {span["sse.stream.id"] for span in [server, stream, segment, *delivered]} == {stream_id}
    said = {
        "http.request.method": "GET", "http.route": "/channels/{channel}/events", "http.response.status_code": 200,
        "url.path": "/channels/story/events", "url.scheme": "http", "network.protocol.name": "http",
        "network.protocol.version": "1.1", "network.peer.address": local, "client.address": local,
        "server.address": "127.0.0.1", "user_agent.original": "story/1", "sse.connection.request_number": 1,
        "sse.connection.id": int(head.get("x-sse-connection")),
    }  # fmt: skip
    assert {key: server[key] for key in said} == said
    assert (stream["sse.events"], stream["sse.close.reason"]) == (3, "client_closed")
    assert stream["sse.close.confidence"] and stream["sse.close.evidence"]
    assert stream["sse.stream.age"] == pytest.approx((stream.end - stream.start) / 1e9, abs=0.2)
    lags = [span["sse.event.lag"] for span in delivered]
    assert stream["sse.lag.max"] == pytest.approx(max(lags)) and min(lags) > 0
    for span in delivered:
        parts = span["sse.event.queue_wait"] + span["sse.event.write_time"]
        assert span["sse.event.lag"] == pytest.approx(parts, abs=1e-6)
        assert span["sse.channel"] == "story" and span["sse.event.bytes"] >= len("event 0")
    assert connection["sse.connection.requests"] == 1 and connection["sse.connection.end"] == "peer"
    assert connection["sse.bytes"] >= stream["sse.bytes"] > 0
    for span in publishes:
        assert (span["messaging.system"], span["messaging.destination.name"]) == ("headwater", "story")
        assert (span["messaging.batch.message_count"], span["sse.publish.streams"]) == (1, 1)
        assert span["messaging.message.body.size"] == len("event 0")


def test_every_span_comes_from_the_same_resource_and_scope(start_traced, collector):
    attributes = "deployment.environment.name=test,service.name=overridden,key=a%2Cb"
    environment = {"OTEL_SERVICE_NAME": "edge-origin", "OTEL_RESOURCE_ATTRIBUTES": attributes, "POD_NAME": "pod-7"}
    origin = start_traced(environment=environment)
    with WireConnection.to(origin.url) as client:
        client.open_stream("/channels/a/events")
        origin.publish("a", "x")
        client.next_events(1)
    collector.wait_spans(named("sse.connection"), "the last span")
    (resource,) = [dict(one) for one in {tuple(sorted(span.resource.items())) for span in collector.spans()}]
    expected = {"service.name": "edge-origin", "deployment.environment.name": "test", "key": "a,b",
                "k8s.pod.name": "pod-7", "process.pid": origin.pid, "telemetry.sdk.language": "swift"}  # fmt: skip
    assert {key: resource.get(key) for key in expected} == expected
    # The specification keeps the name for OpenTelemetry's own.
    assert resource["telemetry.sdk.name"] == "headwater"
    version = resource["service.version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", version) and resource["telemetry.sdk.version"] == version
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", resource["service.instance.id"])
    assert resource["host.name"]
    assert {(span.scope, span.schemas) for span in collector.spans()} == {(("headwater", version), (SCHEMA, SCHEMA))}


def test_streams_of_one_http2_connection_are_its_links(start_traced, collector, tmp_path):
    origin = start_traced(*tls_flags(tmp_path))
    streams = (1, 3, 5)
    with Http2Connection(origin.ready["https"], tls=True) as peer:
        for stream in streams:
            peer.request(stream, "/channels/a/events", more=[("accept", "text/event-stream")])
            assert peer.wait_head(stream).status == 200
        origin.publish("a", "x")
        collector.wait_spans(named("sse.event"), "event spans", 3)
        peer.reset_stream(3, CANCEL)
        (cancelled,) = collector.wait_spans(named("sse.stream"), "the span of the stream that was reset")
        assert cancelled["http2.error_code"] == "CANCEL" and cancelled["sse.close.reason"] == "client_closed"
    lives = collector.wait_spans(named("sse.stream"), "the spans of all streams", 3)
    (connection,) = collector.wait_spans(named("sse.connection"), "the span of the connection")
    servers = [span for span in collector.spans() if span.name == SERVER]
    assert sorted(span["http2.stream.id"] for span in servers) == list(streams)
    assert {(span["network.protocol.version"], span["url.scheme"]) for span in servers} == {("2", "https")}
    assert {link.span_id for link in connection.links} == {span.span_id for span in lives}
    assert (connection["sse.connection.requests"], connection["sse.connection.peak_streams"]) == (3, 3)
    assert connection["tls.protocol.version"] and connection["tls.cipher"] and connection["tls.next_protocol"] == "h2"
    # The three were given the same event, each with a span of its own.
    assert len({span.trace_id for span in collector.spans() if span.name == "sse.event"}) == 3


def test_a_connection_links_to_128_streams_and_counts_the_rest(start_traced, collector):
    origin = start_traced()
    with Http2Connection(origin.address) as peer:
        for stream in range(1, 2 * 131, 2):
            peer.request(stream, "/channels/a/events", more=[("accept", "text/event-stream")])
            assert peer.wait_head(stream).status == 200
    (connection,) = collector.wait_spans(named("sse.connection"), "the span of the connection", timeout=20)
    assert (len(connection.links), connection.dropped) == (128, (0, 0, 3))


def test_a_slow_consumer_is_an_error_and_says_so(start_traced, collector):
    origin = start_traced("--slow-bytes", "100000", "--channel-bytes", "4194304")
    with WireConnection.to(origin.url, receive_buffer=4096) as slow:
        slow.open_stream("/channels/a/events")
        for _ in range(300):
            origin.publish("a", "x" * 20_000)
        (stream,) = collector.wait_spans(named("sse.stream"), "the span of the stream")
    assert (stream["sse.close.reason"], stream.status, stream.message) == ("slow_consumer", "error", "slow_consumer")


def test_a_resume_is_told_in_the_root_and_replayed_events_are_no_late_ones(start_traced, collector):
    origin = start_traced("--event-span-rate", "1000")
    first, second = origin.publish("a", "1") + origin.publish("a", "2")
    with WireConnection.to(origin.url) as client:
        client.open_stream("/channels/a/events", {"Last-Event-ID": first})
        client.next_events(1)
        third = origin.publish("a", "3")[0]
        client.next_events(1)
        collector.wait_spans(named("sse.event"), "event spans", 2)
    (stream,) = collector.wait_spans(named("sse.stream"), "the span of the stream")
    assert only(collector.spans(), SERVER)["sse.resume.outcome"] == "replayed"
    events = {span["sse.event.id"]: span for span in collector.spans() if span.name == "sse.event"}
    assert {event: span["sse.event.replay"] for event, span in events.items()} == {second: True, third: False}
    # Lag is what the origin added, and a replay waited for its client.
    assert stream["sse.lag.max"] == pytest.approx(events[third]["sse.event.lag"])


def test_a_refused_stream_has_a_root_and_only_ours_is_an_error(start_traced, collector):
    origin = start_traced("--max-streams", "1")
    with WireConnection.to(origin.url) as first:
        first.open_stream("/channels/a/events")
        assert origin.request("GET", "/channels/a/events", admin=False)[0] == 503
        assert origin.request("GET", "/channels/%00/events", admin=False)[0] == 400
        refused = collector.wait_spans(
            lambda span: span.kind == "server" and span["http.response.status_code"] >= 400, "two refusals", 2
        )
    assert sorted((span["http.response.status_code"], span.status) for span in refused) == [
        (400, "unset"), (503, "error"),
    ]  # fmt: skip


def test_nothing_but_streams_and_publishes_is_traced(start_traced, collector):
    origin = start_traced()
    for target in ("/metrics", "/healthz", "/debug/streams"):
        origin.request("GET", target)
    for target in ("/time", "/healthz"):
        origin.request("GET", target, admin=False)
    origin.publish("a", "last")
    collector.wait_spans(named("publish a"), "the publish")
    # The exporter's own requests were made by now, and are no spans either.
    origin.publish("b", "later")
    collector.wait_spans(named("publish b"), "the next publish")
    assert {span.name for span in collector.spans()} == {"publish a", "publish b"}


# Where a trace comes from


def test_a_sampled_parent_is_continued(start_traced, collector):
    origin = start_traced()
    with WireConnection.to(origin.url) as client:
        parent = {"Traceparent": f"00-{TRACE}-{PARENT}-01", "Tracestate": "vendor=a:b,other=1"}
        head = client.open_stream("/channels/a/events", parent)
        trace_id, span_id, flags = traceparent(head)
        assert trace_id == TRACE and flags & SAMPLED
        (server,) = collector.wait_spans(named(SERVER), "the server span")
    assert (server.trace_id, server.span_id, server.parent_id) == (TRACE, span_id, PARENT)
    assert server.has_remote_parent and server.state == "vendor=a:b,other=1"
    (stream,) = collector.wait_spans(named("sse.stream"), "the stream")
    # Only the root's parent is elsewhere.
    assert stream.trace_id == TRACE and not stream.has_remote_parent


def test_a_parent_that_is_not_sampled_leaves_no_span_but_its_trace_goes_on(start_traced, collector):
    origin = start_traced()
    with WireConnection.to(origin.url) as client:
        head = client.open_stream("/channels/a/events", {"Traceparent": f"00-{TRACE}-{PARENT}-00"})
        trace_id, span_id, flags = traceparent(head)
        assert trace_id == TRACE and span_id != PARENT and not flags & SAMPLED
        origin.publish("a", "x")
        client.next_events(1)
    origin.wait_active(0)
    collector.wait_spans(named("publish a"), "the publish")
    origin.publish("b", "later than all else")
    collector.wait_spans(named("publish b"), "the last publish")
    assert {span.name for span in collector.spans()} == {"publish a", "publish b"}


@pytest.mark.parametrize(
    "fields",
    [
        f"Traceparent: 00-{TRACE.upper()}-{PARENT}-01", f"Traceparent: 00-{'0' * 32}-{PARENT}-01",
        f"Traceparent: 00-{TRACE}-{'0' * 16}-01", f"Traceparent: ff-{TRACE}-{PARENT}-01",
        f"Traceparent: 00-{TRACE}-{PARENT}-01-more", f"Traceparent: 00-{TRACE}-{PARENT}-1", "Traceparent: ",
        f"Traceparent: 00-{TRACE}-{PARENT}", f"Traceparent: 00-{TRACE}{PARENT}-01", "Traceparent: \xff\xfe",
        f"Traceparent: 00-{TRACE}-{PARENT}-01\r\nTraceparent: 00-{TRACE}-{PARENT}-01",
        f"Traceparent: 00-{TRACE}-{PARENT}-01, 00-{TRACE}-{PARENT}-01",
    ],
)  # fmt: skip
def test_an_invalid_or_repeated_parent_starts_a_new_trace(start_traced, collector, fields):
    origin = start_traced()
    with WireConnection.to(origin.url) as client:
        head = f"GET /channels/a/events HTTP/1.1\r\nHost: a\r\n{fields}\r\nTracestate: vendor=1\r\n\r\n"
        client.send(head.encode("latin-1"))
        trace_id, span_id, flags = traceparent(client.read_head())
        assert trace_id != TRACE and flags & SAMPLED
        (server,) = collector.wait_spans(named(SERVER), "the server span")
    # Without a valid parent the state that came with it means nothing (W3C Trace Context, section 3.3).
    assert (server.trace_id, server.span_id, server.parent_id, server.state) == (trace_id, span_id, "", "")


def test_a_publish_continues_its_publisher_s_trace_and_events_link_to_it(start_traced, collector):
    origin = start_traced()
    with WireConnection.to(origin.url) as client:
        head = client.open_stream("/channels/a/events")
        parent = {"Content-Type": "text/plain", "Traceparent": f"00-{TRACE}-{PARENT}-01"}
        assert origin.request("POST", "/channels/a/events", b"x", parent)[0] == 201
        client.next_events(1)
        (event,) = collector.wait_spans(named("sse.event"), "the event's span")
    publish = only(collector.spans(), "publish a")
    assert (publish.trace_id, publish.parent_id) == (TRACE, PARENT) and publish.has_remote_parent
    assert event.trace_id == traceparent(head)[0] != TRACE
    assert [(link.trace_id, link.span_id) for link in event.links] == [(TRACE, publish.span_id)]
