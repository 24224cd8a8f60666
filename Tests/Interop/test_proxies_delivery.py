# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""What reaches a subscriber, and the origin, through real intermediaries with the origin's default headers."""

import json
import math
import time

import pytest

from edges_harness import Edge, HAProxy, Nginx, Swap, Varnish
from edges_harness.fixtures import StartEdge, Subscriber, start_edge, through_every_edge
from harness.wire import WireConnection

INTERVAL = 0.2
COUNT = 16


def lags(edge: Edge, query: str = "") -> list[float]:
    """Seconds from publish to arrival of each event of a synthetic stream. Both ends read the clock of one machine."""
    subscriber = Subscriber(edge, f"/events?interval={INTERVAL * 1000:.0f}&size=256{query}")
    events = subscriber.wire.next_events(COUNT)
    subscriber.leave()
    wall = time.time() - time.monotonic()
    return [event.at + wall - json.loads(event.data)["ts"] / 1e9 for event in events]


def prompt_share(lags: list[float]) -> float:
    """The share that came within half an interval: a busy machine may delay some, an intermediary delays all."""
    return sum(lag < INTERVAL / 2 for lag in lags) / len(lags)


@through_every_edge
def test_events_arrive_one_by_one(edge, start_origin, start_edge) -> None:
    seen = lags(start_edge(edge, start_origin()))
    assert prompt_share(seen) >= 0.8, seen


def test_nginx_with_its_defaults_is_repaired_by_the_origins_header(start_origin, start_edge) -> None:
    seen = lags(start_edge(Nginx, start_origin(), [*Nginx.http_1_0, *Nginx.default_buffering]))
    assert prompt_share(seen) >= 0.8, seen


def test_nginx_that_ignores_the_origins_header_holds_everything_back(start_origin, start_edge) -> None:
    ignoring = [Swap("proxy_buffering off;", "proxy_ignore_headers X-Accel-Buffering;")]
    edge = start_edge(Nginx, start_origin(), [*Nginx.http_1_0, *ignoring])
    seen = lags(edge, f"&duration={math.ceil(INTERVAL * COUNT) + 1}")
    assert prompt_share(seen) <= 0.2, seen


def test_nginx_speaking_http_1_1_delivers_at_once_with_buffering_on(start_origin, start_edge) -> None:
    ignoring = [Swap("proxy_buffering off;", "proxy_ignore_headers X-Accel-Buffering;")]
    seen = lags(start_edge(Nginx, start_origin(), ignoring))
    assert prompt_share(seen) >= 0.8, seen


def test_haproxy_without_no_delay_delivers_in_pairs(start_origin, start_edge) -> None:
    seen = lags(start_edge(HAProxy, start_origin(), HAProxy.delayed))
    assert prompt_share(seen) <= 0.7, seen
    assert sum(0.15 < lag < 0.3 for lag in seen) >= len(seen) * 0.3, seen


@through_every_edge
def test_the_head_of_a_stream_survives(edge, start_origin, start_edge) -> None:
    subscriber = Subscriber(start_edge(edge, start_origin()), "/events", {"Accept-Encoding": "gzip, br"})
    assert subscriber.head.get("content-type").startswith("text/event-stream")
    assert "no-store" in subscriber.head.get("cache-control")
    assert subscriber.head.get("content-encoding") is None
    assert subscriber.head.get("transfer-encoding") == "chunked"
    if edge is Nginx:
        assert subscriber.head.get("x-accel-buffering") is None, "nginx consumes it"
    subscriber.leave()


@through_every_edge
def test_heartbeats_of_a_quiet_stream_pass(edge, start_origin, start_edge) -> None:
    subscriber = Subscriber.on(start_edge(edge, start_origin("--heartbeat", "0.3")), "quiet")
    wire = subscriber.wire
    arrivals = []
    while len(wire.reader.comments) < 7:
        before = len(wire.reader.comments)
        wire.reader.feed(wire.read_chunk(timeout=3))
        arrivals += [wire.received_at] * (len(wire.reader.comments) - before)
    # The first comment is that of the head. Held back, the others would come together.
    gaps = [later - earlier for earlier, later in zip(arrivals, arrivals[1:])]
    assert sum(gap > 0.15 for gap in gaps) >= 5, gaps
    subscriber.leave()


@through_every_edge
def test_last_event_id_passes(edge, start_origin, start_edge) -> None:
    origin = start_origin()
    ids = [origin.publish("news", f"number {number}")[0] for number in range(4)]
    subscriber = Subscriber.on(start_edge(edge, origin), "news", fields={"Last-Event-ID": ids[1]})
    assert [event.id for event in subscriber.wire.next_events(2)] == ids[2:]
    subscriber.leave()


@through_every_edge
def test_a_reconnect_after_the_end_gets_204(edge, start_origin, start_edge) -> None:
    edge = start_edge(edge, start_origin())
    subscriber = Subscriber(edge, "/events?interval=100&duration=1")
    last = subscriber.wire.events_until_end(5)[-1]
    assert (last.event, last.id.endswith(".end")) == ("end", True)
    subscriber.leave()
    with WireConnection.to(edge.url) as wire:
        wire.request("GET", "/events?interval=100&duration=1", {"Last-Event-ID": last.id})
        assert wire.read_response().status == 204


@through_every_edge
@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "untrusted"])
def test_the_peer_is_the_client_only_behind_a_trusted_proxy(edge, trusted, start_origin, start_edge) -> None:
    flags = ["--trusted-proxies", "127.0.0.1/32"] if trusted else []
    origin = start_origin(*flags)
    # The client claims to be someone else; the intermediary, on 127.0.0.1, knows that it is 127.0.0.2.
    claim = {"X-Forwarded-For": "203.0.113.9"}
    subscriber = Subscriber.on(start_edge(edge, origin), "mine", fields=claim, source="127.0.0.2")
    [shown] = origin.wait_active(1)["streams"]
    expected = "127.0.0.2" if trusted else "127.0.0.1"
    assert shown["peer"].rpartition(":")[0].strip("[]") == expected or shown["peer"] == expected
    subscriber.leave()


def test_every_subscriber_through_varnish_has_a_stream_of_its_own(start_origin, start_edge) -> None:
    origin = start_origin()
    edge = start_edge(Varnish, origin)
    subscribers = [Subscriber.on(edge, "popular") for _ in range(5)]
    assert len({subscriber.stream for subscriber in subscribers}) == 5
    origin.wait_active(5)
    [published] = origin.publish("popular", "to all")
    assert [subscriber.wire.next_events(1)[0].id for subscriber in subscribers] == [published] * 5
    for subscriber in subscribers:
        subscriber.leave()


def test_varnish_told_to_cache_streams_lets_subscribers_share_one(start_origin, start_edge) -> None:
    origin = start_origin()
    edge = start_edge(Varnish, origin, Varnish.collapsing)
    subscribers = [Subscriber.on(edge, "popular") for _ in range(3)]
    assert len({subscriber.stream for subscriber in subscribers}) == 1
    origin.wait_active(1)
    for subscriber in subscribers:
        subscriber.leave()
