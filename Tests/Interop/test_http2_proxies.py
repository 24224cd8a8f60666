# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Intermediaries that speak HTTP/2 to the origin: streams on one connection, excess streams, rolling restarts."""

import signal

import pytest

from edges_harness.fixtures import Subscriber, start_edge
from edges_harness.h2_edges import ALL_H2, EnvoyH2, HAProxyH2, NghttpxH2
from harness.origin import Origin
from harness.waiting import wait_until
from harness.wire import WireConnection

through_every_h2_edge = pytest.mark.parametrize("edge", ALL_H2, ids=lambda edge: edge.name)
MULTIPLEXING = [edge for edge in ALL_H2 if edge.connections_for_nine == 1]
through_every_multiplexer = pytest.mark.parametrize("edge", MULTIPLEXING, ids=lambda edge: edge.name)


def place(subscriber: Subscriber) -> tuple[int, int]:
    """The connection that the stream is on, and the number of its request there, from the response's head."""
    head = subscriber.head
    return int(head.get("x-sse-connection")), int(head.get("x-sse-connection-request"))


def nine(edge, origin: Origin) -> list[tuple[int, int]]:
    """Where nine concurrent streams are, each of which has received an event of its own."""
    subscribers = [Subscriber.on(edge, f"channel-{number}") for number in range(9)]
    for number, subscriber in enumerate(subscribers):
        origin.publish(f"channel-{number}", f"to {number}")
    assert [one.wire.next_events(1)[0].data for one in subscribers] == [f"to {number}" for number in range(9)]
    connections = [one for one in origin.debug_connections()["connections"] if one["protocol"] == "h2"]
    assert sum(one["streams"] for one in connections) == 9, connections
    places = [place(subscriber) for subscriber in subscribers]
    assert {one["id"]: one["requests"] for one in connections} == {
        connection: max(number for at, number in places if at == connection) for connection, _ in places
    }
    for subscriber in subscribers:
        subscriber.leave()
    return places


@through_every_h2_edge
def test_nine_streams(edge, start_origin, start_edge) -> None:
    origin = start_origin()
    places = nine(start_edge(edge, origin, edge.always), origin)
    if edge.connections_for_nine == 1:
        # The first connection of this origin, and its requests in order.
        assert places == [(places[0][0], number) for number in range(1, 10)]
    else:
        assert len({connection for connection, _ in places}) == edge.connections_for_nine, places
        assert {number for _, number in places} == {1}


def test_haproxy_gives_every_stream_a_connection_by_default(start_origin, start_edge) -> None:
    origin = start_origin()
    places = nine(start_edge(HAProxyH2, origin, [*HAProxyH2.always, *HAProxyH2.reuse_safe]), origin)
    assert len({connection for connection, _ in places}) == 9, places


def test_haproxy_shares_a_connection_within_a_thread(start_origin, start_edge) -> None:
    origin = start_origin()
    places = nine(start_edge(HAProxyH2, origin, HAProxyH2.two_threads), origin)
    # Which thread accepts a client is chance, but nine never went to one.
    assert len({connection for connection, _ in places}) <= 2, places


@through_every_h2_edge
def test_events_arrive_one_by_one(edge, start_origin, start_edge) -> None:
    origin = start_origin()
    subscriber = Subscriber.on(start_edge(edge, origin, edge.always), "steps")
    for number in range(20):
        # The next is published when this one is there: an edge that holds events back would stop here.
        origin.publish("steps", f"step {number}")
        assert subscriber.wire.next_events(1, timeout=2)[0].data == f"step {number}"
    subscriber.leave()


@through_every_h2_edge
def test_a_finished_stream_is_finished_for_the_client(edge, start_origin, start_edge) -> None:
    running = start_edge(edge, start_origin(), edge.always)
    subscriber = Subscriber(running, "/events?interval=100&duration=1")
    last = subscriber.wire.events_until_end(5)[-1]
    assert last.event == "end"
    subscriber.leave()
    with WireConnection.to(running.url) as wire:
        wire.request("GET", "/events?interval=100&duration=1", {"Last-Event-ID": last.id})
        assert wire.read_response().status == 204


@through_every_h2_edge
def test_the_peer_is_the_client_behind_a_trusted_proxy(edge, start_origin, start_edge) -> None:
    origin = start_origin("--trusted-proxies", "127.0.0.1/32")
    subscriber = Subscriber.on(start_edge(edge, origin, edge.always), "mine", source="127.0.0.2")
    [shown] = origin.wait_active(1)["streams"]
    assert shown["peer"] == "127.0.0.2", shown
    assert (shown["connection_peer"], shown["protocol"]) == ("127.0.0.1", "h2"), shown
    subscriber.leave()


@pytest.mark.parametrize("edge", [HAProxyH2, NghttpxH2, EnvoyH2], ids=lambda edge: edge.name)
def test_streams_above_the_limit_are_refused_and_the_others_live(edge, start_origin, start_edge) -> None:
    origin = start_origin("--max-streams-per-connection", "4")
    running = start_edge(edge, origin, edge.always)
    # At once and on a new connection: they are on their way before the origin's SETTINGS are read.
    clients = [WireConnection.to(running.url) for _ in range(20)]
    for number, client in enumerate(clients):
        client.request("GET", f"/channels/channel-{number}/events")

    def burst_is_over() -> list[dict]:
        shown = [one for one in origin.debug_connections()["connections"] if one["protocol"] == "h2"]
        return shown if sum(one["streams"] + one["http2"]["refused_streams"] for one in shown) >= 20 else []

    shown = wait_until(burst_is_over, "twenty streams opened or refused")
    assert all(one["streams"] <= 4 and one["peak_streams"] <= 4 for one in shown), shown
    if edge is HAProxyH2:
        # It never waits for SETTINGS; the others sometimes do.
        assert any(one["http2"]["refused_streams"] > 0 for one in shown), shown
    served = 0
    for number, client in enumerate(clients):
        origin.publish(f"channel-{number}", "after the burst")
    for client in clients:
        try:
            if client.read_head(5).status == 200:
                assert client.next_events(1)[0].data == "after the burst"
                served += 1
        except AssertionError:
            # nghttpx ends the connection of a client whose stream was refused.
            assert edge is NghttpxH2
    assert served >= 4
    assert origin.closed_streams() == []
    for client in clients:
        client.close()


@through_every_h2_edge
def test_a_rolling_restart_keeps_streams_and_sends_new_ones_to_the_new_origin(edge, start_origin, start_edge) -> None:
    old = start_origin(drain_window=6)
    running = start_edge(edge, old, edge.always)
    before = [Subscriber.on(running, "news") for _ in range(3)]
    old.ended_by_test = True
    old.process.send_signal(signal.SIGTERM)
    wait_until(lambda: old.request("GET", "/readyz")[0] == 503, "the drain has begun", timeout=2)
    # The port is free, though old streams go on; its next owner need not wait for them.
    new = start_origin(port=old.port)

    def served_by_the_new_one() -> Subscriber | None:
        try:
            return Subscriber.on(running, "news")
        except AssertionError:
            return None  # An edge may first have to notice that the old origin does not listen any more.

    after = wait_until(served_by_the_new_one, "a stream of the new origin", 5)
    assert [one["id"] for one in new.debug_streams()["streams"]] == [after.stream]
    assert old.debug_streams()["opened"] == 3
    for subscriber in before:
        # A clean end and when to come back, not an error in the middle.
        subscriber.wire.events_until_end(8)
        assert subscriber.wire.reader.retry >= 1
        subscriber.leave()
    assert old.process.wait_exit(8) == 0
    assert [record["reason"] for record in old.closed_streams()] == ["drain"] * 3
    new.publish("news", "from the new one")
    assert after.wire.next_events(1)[0].data == "from the new one"
    after.leave()
