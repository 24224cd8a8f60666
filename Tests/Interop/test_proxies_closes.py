# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Why streams through real intermediaries end, as the origin tells it: each end is brought about, none is staged.

The rows are those of the table of intermediaries in docs/close-reasons.md; the timers are shortened to a few seconds.
"""

import time

import pytest

from edges_harness import ALL, Edge, Envoy, HAProxy, TrafficServer, Varnish
from edges_harness.fixtures import StartEdge, Subscriber, start_edge, through_every_edge
from harness.origin import Origin
from harness.waiting import wait_until

NO_HEARTBEATS = ("--heartbeat", "0")


def how(record: dict) -> str:
    """How the connection ended, from the evidence `rule=… seen=… …`: "fin" or "rst"."""
    seen = dict(part.partition("=")[::2] for part in record["evidence"].split())["seen"]
    # A write that fails has met the peer's RST.
    return {"fin": "fin", "reset": "rst", "write_failed": "rst"}[seen]


def silenced_one_by_one(edge: Edge, origin: Origin, count: int, apart: float) -> list[Subscriber]:
    """Streams on channels of their own, opened together, that get events until one after the other falls silent.

    So no two share a last write, and when an idle timer ends them no two have the same age. The pauses are stimulus.
    """
    subscribers = [Subscriber.on(edge, f"channel-{number}") for number in range(count)]
    for silent in range(count):
        time.sleep(apart)
        for number in range(silent, count):
            origin.publish(f"channel-{number}", f"event {silent}")
            assert subscribers[number].wire.next_events(1)[0].data == f"event {silent}"
    return subscribers


def records(origin: Origin, subscribers: list[Subscriber], timeout: float) -> list[dict]:
    """The close records of the subscribers' streams, in the order in which they ended."""
    for subscriber in subscribers:
        origin.wait_closed(subscriber.stream, timeout)
    wanted = {str(subscriber.stream) for subscriber in subscribers}
    return [record for record in origin.closed_streams() if str(record["stream"]) in wanted]


@through_every_edge
def test_idle_timer(edge, start_origin, start_edge) -> None:
    seconds = edge.idle_seconds
    origin = start_origin(*NO_HEARTBEATS)
    running = start_edge(edge, origin, edge.idle(seconds))
    subscribers = silenced_one_by_one(running, origin, count=edge.idle_proof + 1, apart=edge.idle_apart)
    closed = records(origin, subscribers, seconds + edge.idle_slack + 1)
    for record in closed:
        assert seconds - 0.1 <= float(record["idle_seconds"]) <= seconds + edge.idle_slack, record
        assert how(record) == edge.idle_end, record
    # Two ends at one idle time prove nothing. Later there is a pattern.
    assert [record["reason"] for record in closed[:2]] == ["client_closed"] * 2, closed
    assert {record["confidence"] for record in closed[:2]} == {"low"}, closed
    assert {record["reason"] for record in closed[2:]} <= {"client_closed", "idle_timeout"}, closed
    assert {record["reason"] for record in closed[edge.idle_proof - 1 :]} == {"idle_timeout"}, closed


@through_every_edge
def test_client_of_a_quiet_stream_leaves(edge, start_origin, start_edge) -> None:
    origin = start_origin(*NO_HEARTBEATS)
    [subscriber] = silenced_one_by_one(start_edge(edge, origin), origin, count=1, apart=0)
    subscriber.leave()
    if edge.leave_seen_at_once:
        record = origin.wait_closed(subscriber.stream, 1)
        assert (record["reason"], how(record)) == ("client_closed", edge.leave_end_quiet), record
    else:
        found_by_a_write(origin, subscriber, edge.leave_end)


def test_haproxy_without_abortonclose_keeps_the_stream_of_a_client_that_left(start_origin, start_edge) -> None:
    origin = start_origin(*NO_HEARTBEATS)
    [subscriber] = silenced_one_by_one(start_edge(HAProxy, origin, HAProxy.leave_unseen), origin, count=1, apart=0)
    subscriber.leave()
    found_by_a_write(origin, subscriber, "rst")


def test_varnish_in_pipe_mode_shows_at_once_that_a_client_left(start_origin, start_edge) -> None:
    origin = start_origin(*NO_HEARTBEATS)
    [subscriber] = silenced_one_by_one(start_edge(Varnish, origin, Varnish.piped), origin, count=1, apart=0)
    subscriber.leave()
    assert origin.wait_closed(subscriber.stream, 1)["reason"] == "client_closed"


def found_by_a_write(origin: Origin, subscriber: Subscriber, end: str) -> None:
    """The origin does not learn that the client left until it writes, and then says so."""
    # Nothing must happen in this time; there is no condition to wait for.
    time.sleep(1)
    assert origin.debug_streams()["active"] == 1
    channel = "channel-0"

    def closed() -> bool:
        origin.publish(channel, "is anybody there?")
        return origin.debug_streams()["active"] == 0

    # The intermediary notices when it cannot pass on an event, the origin at the one after.
    wait_until(closed, "the origin notices the leave", 5, interval=0.1)
    record = origin.wait_closed(subscriber.stream)
    assert (record["reason"], how(record)) == ("client_closed", end), record


@through_every_edge
def test_client_leaves_with_heartbeats_on(edge, start_origin, start_edge) -> None:
    heartbeat = 0.4
    origin = start_origin("--heartbeat", str(heartbeat))
    subscribers = silenced_one_by_one(start_edge(edge, origin), origin, count=3, apart=0.1)
    for subscriber in subscribers:
        subscriber.leave()
        record = origin.wait_closed(subscriber.stream, 5 * heartbeat + 1)
        assert (record["reason"], how(record)) == ("client_closed", edge.leave_end), record
        assert float(record["idle_seconds"]) <= heartbeat + 0.1, record


@through_every_edge
def test_proxy_shut_down_under_streams(edge, start_origin, start_edge) -> None:
    origin = start_origin("--heartbeat", "10")
    running = start_edge(edge, origin, edge.quick_shutdown)
    subscribers = []
    for number in range(3):
        # Ages 0.3 s apart, and the newest stream has waited longest for an event.
        subscribers.append(Subscriber.on(running, f"channel-{number}"))
        time.sleep(0.3)
    for number in (2, 0):
        origin.publish(f"channel-{number}", "the last one")
        time.sleep(0.2)
    running.shut_down()
    for record in records(origin, subscribers, 2):
        assert record["reason"] == "intermediary_shutdown", record


def test_envoy_announces_its_maximum_life(start_origin, start_edge) -> None:
    origin = start_origin("--heartbeat", "0.5")
    [subscriber] = silenced_one_by_one(start_edge(Envoy, origin, Envoy.maximum_life(2)), origin, count=1, apart=0)
    record = origin.wait_closed(subscriber.stream, 4)
    assert record["reason"] == "intermediary_max_lifetime", record
    assert "announced=2.000s" in record["evidence"], record
    assert 1.9 <= float(record["age_seconds"]) <= 2.5, record


def scattered_streams(edge: Edge, origin: Origin, count: int, apart: float) -> list[Subscriber]:
    """Streams opened one after the other, with events and heartbeats at other points in the life of each."""
    subscribers = []
    for number in range(count):
        subscribers.append(Subscriber.on(edge, f"channel-{number}"))
        time.sleep(apart)
        origin.publish(f"channel-{number // 2}", "an event")
    return subscribers


def test_maximum_life_shows_in_the_third_stream(start_origin, start_edge) -> None:
    origin = start_origin("--heartbeat", "0.7")
    running = start_edge(Envoy, origin, [*Envoy.maximum_life(2), *Envoy.unannounced])
    closed = records(origin, scattered_streams(running, origin, count=5, apart=0.31), 5)
    assert {record["reason"] for record in closed[2:]} == {"intermediary_max_lifetime"}, closed


def test_maximum_life_with_a_coarse_timer_shows_in_the_eighth_stream(start_origin, start_edge) -> None:
    origin = start_origin("--heartbeat", "0.7")
    running = start_edge(TrafficServer, origin, TrafficServer.maximum_life(5))
    closed = records(origin, scattered_streams(running, origin, count=9, apart=1.1), 8)
    assert {record["reason"] for record in closed[7:]} == {"intermediary_max_lifetime"}, closed


def test_maximum_life_that_a_write_brings_to_light_shows_in_busy_streams(start_origin, start_edge) -> None:
    origin = start_origin()
    running = start_edge(Varnish, origin, Varnish.maximum_life(5))
    subscribers = []
    for number in range(7):
        # Varnish looks at the time when it sends, and the origin learns of the end with the write after that.
        subscribers.append(Subscriber(running, f"/events?interval=40&seed={number + 1}"))
        time.sleep(0.73)
    closed = records(origin, subscribers, 6)
    assert all(4.9 <= float(record["age_seconds"]) <= 5.6 for record in closed), closed
    assert {record["reason"] for record in closed[4:]} == {"intermediary_max_lifetime"}, closed


@through_every_edge
def test_slow_client(edge, start_origin, start_edge) -> None:
    origin = start_origin("--slow-seconds", "1.5")
    subscriber = Subscriber(start_edge(edge, origin), "/events?interval=10&size=65536", receive_buffer=4096)
    if edge.absorbs_slow_clients:
        wait_until(lambda: origin.debug_streams()["streams"][0]["bytes"] > 24_000_000, "24 MB absorbed", 20)
        assert origin.debug_streams()["streams"][0]["backlog_bytes"] == 0
    else:
        assert origin.wait_closed(subscriber.stream, 20)["reason"] == "slow_consumer"
    subscriber.leave()


def test_varnish_in_pipe_mode_shows_a_slow_client(start_origin, start_edge) -> None:
    origin = start_origin("--slow-seconds", "1.5")
    edge = start_edge(Varnish, origin, Varnish.piped)
    subscriber = Subscriber(edge, "/events?interval=10&size=65536", receive_buffer=4096)
    assert origin.wait_closed(subscriber.stream, 20)["reason"] == "slow_consumer"
    subscriber.leave()


@pytest.mark.parametrize("edge", [edge for edge in ALL if not edge.absorbs_slow_clients], ids=lambda edge: edge.name)
def test_slow_client_leaves(edge, start_origin, start_edge) -> None:
    # Bounds out of reach: it is the client that ends the stream, while the origin cannot write.
    origin = start_origin("--slow-seconds", "60", "--slow-bytes", "1000000000", "--channel-bytes", "1000000000")
    subscriber = Subscriber(start_edge(edge, origin), "/events?interval=10&size=65536", receive_buffer=4096)

    def stalled() -> bool:
        [stream] = origin.debug_streams()["streams"]
        # It counts from one second on. Shorter ones come and go while the kernel's buffers grow.
        return stream["backlog_bytes"] > 0 and float(stream["idle_seconds"]) > 1.3

    wait_until(stalled, "the stream stalls", 20)
    subscriber.leave()
    record = origin.wait_closed(subscriber.stream, 3)
    # It leaves bytes unread in its own receive buffer, and the kernel answers that with an RST.
    assert (record["reason"], how(record)) == ("slow_consumer", "rst"), record
