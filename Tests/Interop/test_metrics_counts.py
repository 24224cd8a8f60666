# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""The numbers of `/metrics`: after a known story they are exactly what its clients have seen."""

import json
import struct

import pytest

from harness.http2_wire import (
    CANCEL, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, NO_ERROR, Http2Connection, frame_bytes,
)  # fmt: skip
from harness.origin import Origin
from harness.scrape import Scrape, wait_metrics
from harness.waiting import wait_until
from harness.wire import ConnectionEnded, WireConnection

ACCEPT = [("accept", "text/event-stream")]


def wait_scrape(origin: Origin, condition, what: str, timeout: float = 10, replayed: int = 0) -> Scrape:
    """Scrapes until the condition holds for it; what must add up in every scrape is checked in each."""

    def holds():
        scrape = Scrape.of(origin)
        expect_sums(scrape, replayed)
        return scrape if condition(scrape) else None

    return wait_until(holds, what, timeout, interval=0.05)


def expect_sums(scrape: Scrape, replayed: int = 0) -> None:
    """What holds at any moment, whatever happens."""
    for protocol in ("http/1.0", "http/1.1", "h2"):
        one = {"protocol": protocol}
        accepted, ended = (scrape.total(f"sse_connections_{name}_total", **one) for name in ("accepted", "closed"))
        assert accepted - ended == scrape.total("sse_connections_active", **one), protocol
        # An event that was published before the stream opened has no lag; whoever replays says how many there were.
        live = scrape.total("sse_event_delivery_lag_seconds_count", **one)
        assert 0 <= scrape.total("sse_events_sent_total", **one) - live <= replayed, protocol
        # A close is counted with its verdict, a moment after the stream has left.
        left = scrape.total("sse_streams_opened_total", **one) - scrape.total("sse_streams_closed_total", **one)
        assert left >= scrape.total("sse_streams_active", **one), protocol
    assert scrape.by("sse_self_check_failures_total", "invariant") == {}
    assert scrape.total("otel_sdk_span_unaccounted") == 0


@pytest.fixture
def counted(start_origin):
    """Starts origins whose books must agree at the end: streams opened and closed, and the checks of their own."""
    started: list[Origin] = []

    def start(*flags: str) -> Origin:
        started.append(start_origin(*flags))
        return started[-1]

    def settled(scrape: Scrape) -> bool:
        return scrape.total("sse_streams_opened_total") == scrape.total("sse_streams_closed_total")

    yield start
    for origin in started:
        origin.wait_active(0)
        scrape = wait_scrape(origin, settled, "as many closes as opens", replayed=7)
        assert scrape.total("sse_streams_active") == scrape.total("sse_stream_backlog_bytes") == 0
        assert scrape.total("sse_stream_duration_seconds_count") == scrape.total("sse_streams_closed_total")


# Delivery


def test_events_are_counted_as_their_clients_received_them(counted):
    origin = counted("--heartbeat", "0")
    clients = [WireConnection.to(origin.url) for _ in range(3)]
    for client in clients:
        client.open_stream("/channels/a/events")
    with Http2Connection(origin.address) as peer:
        for stream in (1, 3):
            peer.request(stream, "/channels/a/events", more=ACCEPT)
            assert peer.wait_head(stream).status == 200
        for number in range(7):
            origin.publish("a", f"event {number}")
        received = sum(len(client.next_events(7)) for client in clients)
        for stream in (1, 3):
            wait_until(lambda: peer.read_frame() and peer.answers[stream].body.count(b"data: ") >= 7, "seven events")
        assert received == 21
        scrape = wait_scrape(origin, lambda one: one.total("sse_events_sent_total") == 35, "35 events")
        assert scrape.total("sse_events_published_total") == 7
        assert scrape.by("sse_events_sent_total", "protocol") == {"http/1.1": 21, "h2": 14}
        assert scrape.by("sse_streams_active", "protocol") == {"http/1.1": 3, "h2": 2}
        assert scrape.by("sse_streams_opened_total", "protocol") == {"http/1.1": 3, "h2": 2}
        assert scrape.by("sse_connections_accepted_total", "protocol") == {"http/1.1": 3, "h2": 1}
        assert scrape.by("sse_connection_requests_total", "protocol") == {"http/1.1": 3, "h2": 2}
        assert scrape.total("sse_time_to_first_event_seconds_count") == 5
        assert scrape.total("sse_inter_event_gap_seconds_count") == 5 * 6
        route = {"http_route": "/channels/{channel}/events", "http_response_status_code": "200"}
        established = "http_server_request_duration_seconds_count"
        assert scrape.total(established, network_protocol_version="1.1", **route) == 3
        assert scrape.total(established, network_protocol_version="2", **route) == 2

        # Each end has its cause.
        peer.reset_stream(1, CANCEL)
        clients[0].close()
        clients[1].reset()
        scrape = wait_scrape(origin, lambda one: one.total("sse_streams_closed_total") == 3, "three closes")
        assert scrape.by("sse_streams_closed_total", "protocol") == {"http/1.1": 2, "h2": 1}
        assert scrape.by("sse_streams_closed_total", "reason", protocol="h2") == {"client_closed": 1}
        assert scrape.by("sse_stream_resets_total", "direction", code="CANCEL") == {"received": 1}
        assert scrape.total("sse_stream_resets_total") == 1
        assert scrape.by("sse_connections_closed_total", "cause") == {"peer": 2}
        assert scrape.by("sse_streams_active", "protocol") == {"http/1.1": 1, "h2": 1}
        assert scrape.total("sse_connection_requests_count") == scrape.total("sse_connection_requests_sum") == 2
    scrape = wait_scrape(origin, lambda one: one.total("sse_connections_closed_total", protocol="h2") == 1, "its end")
    assert (scrape.total("sse_connection_requests_sum"), scrape.total("sse_connection_peak_streams_sum")) == (4, 4)
    clients[2].close()


def test_the_bytes_of_events_are_those_of_the_wire_and_no_others(counted):
    origin = counted("--heartbeat", "0")
    with WireConnection.to(origin.url) as client:
        client.open_stream("/channels/a/events")
        client.read_chunk()
        origin.publish("a", "x" * 1000)
        payload = client.read_chunk()
        # The chunk's own framing is a size in hexadecimal and two line ends.
        bytes_sent = wait_scrape(origin, lambda one: one.total("sse_events_sent_total") == 1, "one event").total(
            "sse_event_bytes_sent_total", protocol="http/1.1"
        )
        assert len(payload) + 5 <= bytes_sent <= len(payload) + 20


def test_heartbeats_are_counted_as_their_clients_received_them(counted):
    origin = counted("--heartbeat", "0.2", "--max-stream-lifetime", "2")
    received = 0
    with WireConnection.to(origin.url) as one, WireConnection.to(origin.url) as other:
        for client in (one, other):
            client.open_stream("/channels/a/events")
        for client in (one, other):
            client.events_until_end()
            received += sum(comment != "connected" for comment in client.reader.comments)
    assert received >= 10
    scrape = wait_metrics(origin, {"sse_heartbeats_sent_total": received, "sse_streams_closed_total": 2})
    assert scrape.total("sse_heartbeat_delay_seconds_count") == received
    assert scrape.by("sse_streams_closed_total", "reason") == {"max_lifetime": 2}
    assert scrape.total("sse_heartbeat_interval_seconds") == 0.2


# Resumes, gaps, slow consumers


def test_each_resume_is_counted_by_what_came_of_it_and_each_gap_by_why(counted):
    origin = counted("--channel-events", "3")
    first, second, third, fourth, fifth = (origin.publish("a", str(number))[0] for number in range(5))
    unknown = first[:-1].replace(first[0], "0" if first[0] != "0" else "1", 1) + first[-1]
    received = {"": 0, "gap": 0}
    for last_id, events in ((fourth, 1), (fifth, 0), (first, 3), (unknown, 3)):
        with WireConnection.to(origin.url) as client:
            client.open_stream("/channels/a/events", {"Last-Event-ID": last_id})
            gaps = 1 if last_id in (first, unknown) else 0
            for event in client.next_events(events + gaps):
                received["gap" if event.event == "gap" else ""] += 1
    assert received == {"": 7, "gap": 2}
    scrape = wait_scrape(origin, lambda one: one.total("sse_streams_closed_total") == 4, "four closes", replayed=7)
    outcomes = {"replayed": 1, "current": 1, "gap": 1, "unknown_epoch": 1}
    assert scrape.by("sse_resumes_total", "outcome") == outcomes
    assert scrape.by("sse_gaps_total", "reason") == {"expired": 1, "unknown_epoch": 1}
    # Event two alone was lost for whoever had the first.
    assert scrape.by("sse_events_dropped_total", "reason") == {"expired": 1}
    # A gap is told as an event, and is none that anyone published.
    assert scrape.total("sse_events_sent_total") == 7
    # All of them were there before: that they came late is the client's doing.
    assert scrape.total("sse_event_delivery_lag_seconds_count") == 0


@pytest.mark.parametrize("policy", ["close", "skip"])
def test_what_a_slow_consumer_misses_is_counted_as_it_was_told(counted, policy):
    origin = counted("--slow-consumer", policy, "--slow-bytes", "100000", "--channel-bytes", "4194304")
    with WireConnection.to(origin.url, receive_buffer=4096) as slow:
        slow.open_stream("/channels/a/events")
        for number in range(400):
            origin.publish("a", f"{number:06d}" + "x" * 20_000)
        seen, missed, gaps = 0, 0, 0
        if policy == "close":
            scrape = wait_scrape(origin, lambda one: one.total("sse_streams_closed_total") == 1, "its close")
            assert scrape.by("sse_streams_closed_total", "reason") == {"slow_consumer": 1}
            assert scrape.by("sse_connections_closed_total", "cause") == {"complete": 1}
            return
        origin.publish("a", "last")
        last = ""
        while last != "last":
            (event,) = slow.next_events(1)
            last = event.data
            if event.event == "gap":
                gaps, missed = gaps + 1, missed + json.loads(event.data)["missed"]
            else:
                seen += 1
        assert gaps and seen + missed == 401
        expected = {"sse_events_sent_total": seen, "sse_events_dropped_total": missed, "sse_gaps_total": gaps}
        scrape = wait_metrics(origin, expected)
        assert set(scrape.by("sse_gaps_total", "reason")) == {"slow"}


def test_a_blocked_stream_is_a_slow_one_with_a_backlog_until_it_reads(counted):
    origin = counted("--slow-seconds", "60", "--slow-bytes", "100000000", "--channel-bytes", "100000000")
    with WireConnection.to(origin.url, receive_buffer=4096) as slow:
        slow.open_stream("/channels/a/events")
        for _ in range(300):
            origin.publish("a", "x" * 20_000)
        scrape = wait_scrape(origin, lambda one: one.total("sse_slow_streams") == 1, "a slow stream")
        assert scrape.total("sse_stream_backlog_bytes") > 100_000
        slow.next_events(300, timeout=30)
        scrape = wait_scrape(origin, lambda one: one.total("sse_stream_backlog_bytes") == 0, "no backlog")
        assert scrape.total("sse_slow_streams") == 0 and scrape.total("sse_events_sent_total") == 300


def test_a_stream_that_waits_for_its_window_is_stalled_until_it_opens(counted):
    origin = counted("--heartbeat", "0")
    with Http2Connection(origin.address, settings={INITIAL_WINDOW_SIZE: 500}) as peer:
        peer.request(1, "/channels/a/events", more=ACCEPT)
        peer.wait_head(1)
        origin.publish("a", "x" * 5000)
        wait_scrape(origin, lambda one: one.total("sse_h2_flow_control_stalled_streams") == 1, "a stalled stream")
        peer.update_window(1, 1_000_000)
        ended = "sse_h2_flow_control_stall_seconds_count"
        scrape = wait_scrape(origin, lambda one: one.total(ended) == 1, "the end of the stall")
        wait_scrape(origin, lambda one: one.total("sse_h2_flow_control_stalled_streams") == 0, "no stalled stream")
        assert scrape.total("sse_h2_flow_control_stall_seconds_sum") > 0


# Connections and refusals


def test_connections_beyond_the_limit_are_rejected_and_counted(counted):
    origin = counted("--max-connections", "2")
    with WireConnection.to(origin.url) as one, WireConnection.to(origin.url) as other:
        for client in (one, other):
            client.open_stream("/channels/a/events")
        for _ in range(3):
            with WireConnection.to(origin.url) as beyond:
                beyond.request("GET", "/channels/a/events")
                refused = beyond.read_response()
                # Or they would go on to use what the limit is there to save.
                assert (refused.status, refused.head.get("connection"), beyond.read_to_end()) == (503, "close", b"")
        scrape = wait_scrape(origin, lambda one: one.total("sse_connections_rejected_total") == 3, "three rejections")
        assert scrape.by("sse_connections_rejected_total", "cause") == {"limit": 3}
        assert scrape.by("sse_connections_closed_total", "cause") == {"limit": 3}
        assert scrape.total("sse_connections_limit") == 2 and scrape.total("sse_streams_opened_total") == 2


def test_a_stream_beyond_the_limit_is_an_answer_and_no_stream(counted):
    origin = counted("--max-streams", "1")
    with WireConnection.to(origin.url) as one, WireConnection.to(origin.url) as other:
        one.open_stream("/channels/a/events")
        other.request("GET", "/channels/a/events")
        assert other.read_response().status == 503
        scrape = wait_scrape(origin, lambda now: now.total("sse_streams_active") == 1, "one stream")
        labels = {"http_response_status_code": "503", "http_route": "/channels/{channel}/events"}
        assert scrape.total("http_server_request_duration_seconds_count", **labels) == 1
        assert scrape.total("sse_streams_opened_total") == scrape.total("sse_streams_limit") == 1


@pytest.mark.parametrize(
    ("sent", "protocol", "cause"),
    [
        (b"", "unknown", "peer"),
        (b"\x00\x01\x02\x03 nonsense\r\n\r\n", "unknown", "violation"),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "http/1.1", "complete"),
        (b"GET /healthz HTTP/1.0\r\n\r\n", "http/1.0", "complete"),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "http/1.1", "timeout"),
        (b"GET /healthz HTTP/1.1\r\nHo", None, "timeout"),
    ],
    ids=["nothing", "nonsense", "close", "1.0", "idle", "half a head"],
)
def test_the_end_of_a_connection_is_counted_by_whose_doing_it_was(counted, sent, protocol, cause):
    origin = counted("--header-timeout", "0.5", "--keep-alive-timeout", "0.5")
    with WireConnection.to(origin.url) as client:
        client.send(sent)
        if sent:
            client.read_to_end()
    scrape = wait_scrape(origin, lambda one: one.total("sse_connections_closed_total") == 1, "one end")
    assert scrape.by("sse_connections_closed_total", "cause") == {cause: 1}
    if protocol is not None:
        assert scrape.by("sse_connections_closed_total", "protocol") == {protocol: 1}
        assert scrape.by("sse_connections_accepted_total", "protocol") == {protocol: 1}


def test_goaways_are_counted_by_who_sent_them_and_their_code(counted):
    origin = counted()
    with Http2Connection(origin.address) as leaving:
        leaving.send_frame(GOAWAY, 0, 0, struct.pack(">II", 0, NO_ERROR))
    with Http2Connection(origin.address) as wrong:
        # A frame that only a stream has (RFC 9113, section 6.2).
        wrong.send(frame_bytes(HEADERS, 0x4, 0, b""))
        with pytest.raises(ConnectionEnded):
            while True:
                wrong.read_frame()
    scrape = wait_scrape(origin, lambda one: one.total("sse_connections_closed_total", protocol="h2") == 2, "two ends")
    assert scrape.by("sse_h2_goaways_total", "code", direction="received") == {"NO_ERROR": 1}
    assert scrape.by("sse_h2_goaways_total", "code", direction="sent").get("PROTOCOL_ERROR") == 1
    assert scrape.by("sse_connections_closed_total", "cause", protocol="h2") == {"peer": 1, "violation": 1}
