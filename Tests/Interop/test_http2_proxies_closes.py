# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Why streams end that come through intermediaries over HTTP/2: the same ends as in test_proxies_closes.py.

There a stream is a connection; here RST_STREAM, GOAWAY and the end of the connection under open streams tell.
"""

import json
import time

import pytest

from edges_harness import Edge
from edges_harness.fixtures import Subscriber, start_edge
from edges_harness.h2_edges import ALL_H2, EnvoyH2, H2Edge, HAProxyH2, HttpdH2
from harness.origin import Origin
from harness.waiting import DeadlinePassed, wait_until
from test_proxies_closes import NO_HEARTBEATS, records, silenced_one_by_one

through_every_h2_edge = pytest.mark.parametrize("edge", ALL_H2, ids=lambda edge: edge.name)
CODES = {
    "0": "NO_ERROR", "1": "PROTOCOL_ERROR", "2": "INTERNAL_ERROR", "5": "STREAM_CLOSED", "7": "REFUSED_STREAM",
    "8": "CANCEL",
}  # fmt: skip


def how(record: dict) -> str:
    """How the stream ended, from the evidence `rule=… seen=… code=… …`."""
    parts = dict(part.partition("=")[::2] for part in record["evidence"].split())
    code = parts.get("code")
    return f"{parts['seen']} {CODES.get(code, code)}" if code else parts["seen"]


def begin(edge: type[H2Edge], start_edge, origin: Origin, *swaps) -> Edge:
    return start_edge(edge, origin, [*edge.always, *swaps])


@pytest.mark.parametrize("edge", [one for one in ALL_H2 if not one.idle_ends_connection], ids=lambda edge: edge.name)
def test_idle_timer_of_a_stream(edge, start_origin, start_edge) -> None:
    origin = start_origin(*NO_HEARTBEATS)
    running = begin(edge, start_edge, origin, *edge.idle(2))
    closed = records(origin, silenced_one_by_one(running, origin, count=4, apart=0.35), 4)
    for record in closed:
        assert 1.9 <= float(record["idle_seconds"]) <= 2.6, record
        assert how(record) in edge.idle_seen and record["protocol"] == "h2", record
    reasons = [(record["reason"], record["confidence"]) for record in closed]
    if edge is HttpdH2:
        # It says what it did: no pattern is needed to know.
        assert reasons == [("idle_timeout", "certain")] * 4, closed
    else:
        assert reasons[:2] == [("client_closed", "low")] * 2, closed
        assert {reason for reason, _ in reasons[2:]} == {"idle_timeout"}, closed


@through_every_h2_edge
def test_idle_timer_of_streams_that_fall_silent_together(edge, start_origin, start_edge) -> None:
    origin = start_origin(*NO_HEARTBEATS)
    running = begin(edge, start_edge, origin, *edge.idle(2))
    subscribers = []
    for _ in range(4):
        subscribers.append(Subscriber.on(running, "shared"))
        time.sleep(0.3)
    origin.publish("shared", "the last one")
    closed = records(origin, subscribers, 4)
    # Ages differ and the idle time is one: it fits a shutdown as well, but less.
    assert {record["reason"] for record in closed} == {"idle_timeout"}, closed
    assert {how(record) for record in closed} <= edge.idle_seen, closed


@through_every_h2_edge
def test_client_of_a_quiet_stream_leaves(edge, start_origin, start_edge) -> None:
    origin = start_origin(*NO_HEARTBEATS)
    [stays, leaves] = silenced_one_by_one(begin(edge, start_edge, origin), origin, count=2, apart=0.1)
    leaves.leave()
    if edge.leave_seen is None:
        found_by_a_write(origin, leaves, edge)
    else:
        record = origin.wait_closed(leaves.stream, 1)
        assert (record["reason"], how(record)) == ("client_closed", edge.leave_seen), record
    # The other stream of the connection goes on.
    origin.publish("channel-0", "still here")
    assert stays.wire.next_events(1)[0].data == "still here"
    stays.leave()


def test_haproxy_without_abortonclose_keeps_the_stream_of_a_client_that_left(start_origin, start_edge) -> None:
    origin = start_origin(*NO_HEARTBEATS)
    running = begin(HAProxyH2, start_edge, origin, *HAProxyH2.leave_unseen)
    [_, leaves] = silenced_one_by_one(running, origin, count=2, apart=0.1)
    leaves.leave()
    found_by_a_write(origin, leaves, HAProxyH2)


def found_by_a_write(origin: Origin, subscriber: Subscriber, edge: type[H2Edge]) -> None:
    """The origin does not learn that the client of the second channel left until it writes."""
    # Nothing must happen in this time; there is no condition to wait for.
    time.sleep(1)
    assert origin.debug_streams()["active"] == 2

    def closed() -> bool:
        origin.publish("channel-1", "is anybody there?")
        return origin.debug_streams()["active"] == 1

    wait_until(closed, "the origin notices the leave", 5, interval=0.1)
    record = origin.wait_closed(subscriber.stream)
    assert (record["reason"], how(record)) == ("client_closed", edge.leave_seen_by_write), record


@through_every_h2_edge
def test_client_leaves_with_heartbeats_on(edge, start_origin, start_edge) -> None:
    heartbeat = 0.4
    origin = start_origin("--heartbeat", str(heartbeat))
    subscribers = silenced_one_by_one(begin(edge, start_edge, origin), origin, count=3, apart=0.1)
    for subscriber in subscribers:
        subscriber.leave()
        record = origin.wait_closed(subscriber.stream, 5 * heartbeat + 1)
        assert (record["reason"], how(record)) == ("client_closed", edge.leave_seen_by_write), record
        assert float(record["idle_seconds"]) <= heartbeat + 0.1, record


@through_every_h2_edge
def test_proxy_shut_down_under_streams(edge, start_origin, start_edge) -> None:
    origin = start_origin("--heartbeat", "10")
    running = begin(edge, start_edge, origin, *edge.quick_shutdown)
    subscribers = []
    for number in range(3):
        subscribers.append(Subscriber.on(running, f"channel-{number}"))
        time.sleep(0.3)
    for number in (2, 0):
        origin.publish(f"channel-{number}", "the last one")
        time.sleep(0.2)
    running.shut_down()
    # Envoy resets one stream after the other before it ends the connection, with the code that it also uses for a
    # client that left; the end of the connection tells the two apart.
    for record in records(origin, subscribers, 2):
        assert record["reason"] == "intermediary_shutdown", record
        assert record["protocol"] == "h2", record


def test_envoy_announces_its_maximum_life(start_origin, start_edge) -> None:
    origin = start_origin("--heartbeat", "0.5")
    running = begin(EnvoyH2, start_edge, origin, *EnvoyH2.maximum_life(2))
    [subscriber] = silenced_one_by_one(running, origin, count=1, apart=0)
    record = origin.wait_closed(subscriber.stream, 4)
    assert (record["reason"], how(record)) == ("intermediary_max_lifetime", "rst_stream INTERNAL_ERROR"), record
    assert "announced=2.000s" in record["evidence"], record


@through_every_h2_edge
def test_slow_client(edge, start_origin, start_edge) -> None:
    origin = start_origin("--slow-seconds", "1.5")
    running = begin(edge, start_edge, origin)
    fast = Subscriber(running, "/events?interval=100&size=64")
    slow = Subscriber(running, "/events?interval=10&size=65536", receive_buffer=4096)
    record = origin.wait_closed(slow.stream, 20)
    assert (record["reason"], record["protocol"]) == ("slow_consumer", "h2"), record
    assert record["bytes"] >= edge.absorbs, record
    assert [one["id"] for one in origin.debug_streams()["streams"]] == [fast.stream]
    if edge.slow_client_stops_others:
        with pytest.raises(DeadlinePassed):
            fast.wire.next_events(100, timeout=2)
        slow.leave()
    # More than were on their way when the other stopped: this stream goes on, and has lost nothing.
    sequence = [json.loads(event.data)["seq"] for event in fast.wire.next_events(40)]
    assert sequence == list(range(sequence[0], sequence[0] + 40))
    slow.leave()
    fast.leave()


@through_every_h2_edge
def test_slow_client_leaves(edge, start_origin, start_edge) -> None:
    # Bounds out of reach: it is the client that ends the stream, while the origin cannot write.
    origin = start_origin("--slow-seconds", "60", "--slow-bytes", "1000000000", "--channel-bytes", "1000000000")
    subscriber = Subscriber(
        begin(edge, start_edge, origin), "/events?interval=10&size=65536", receive_buffer=4096
    )

    def stalled() -> bool:
        [stream] = origin.debug_streams()["streams"]
        return stream["backlog_bytes"] > 0 and float(stream["idle_seconds"]) > 1.3

    wait_until(stalled, "the stream stalls", 20)
    subscriber.leave()
    record = origin.wait_closed(subscriber.stream, 3)
    assert record["reason"] == "slow_consumer", record
    assert how(record).startswith(("rst_stream", "goaway", "connection")), record
