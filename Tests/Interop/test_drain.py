# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""SIGTERM: ready goes false, streams are told when to come back and end spread over the window, nothing is lost."""

import itertools
import signal
import time
from concurrent.futures import ThreadPoolExecutor

from harness.waiting import wait_until
from harness.wire import WireConnection


def ready_status(origin) -> int:
    try:
        return origin.request("GET", "/readyz")[0]
    except OSError:
        return 0


def start_drain(origin) -> float:
    """Sends SIGTERM; when it did."""
    origin.ended_by_test = True
    started = time.monotonic()
    origin.process.send_signal(signal.SIGTERM)
    return started


def test_a_drain_spreads_the_ends_and_loses_nothing_published_before(start_origin):
    origin = start_origin(drain_window=3)
    clients = [WireConnection.to(origin.url) for _ in range(24)]
    streams = [client.open_stream("/channels/a/events").get("x-sse-stream") for client in clients]
    assert ready_status(origin) == 200
    for number in range(1, 201):
        origin.publish("a", str(number))
    started = start_drain(origin)

    wait_until(lambda: ready_status(origin) == 503, "not ready any more", timeout=2)
    assert origin.request("GET", "/healthz")[0] == 200  # Alive all the same: nobody should restart it now.

    def read_to_the_end(client: WireConnection) -> tuple[list[str], float]:
        events = client.events_until_end(timeout=8)
        client.close()
        return [one.data for one in events if one.event == "message"], client.received_at - started

    # All at once: the moment at which each ends is what is measured.
    with ThreadPoolExecutor(len(clients)) as readers:
        results = list(readers.map(read_to_the_end, clients))
    assert origin.process.wait_exit(8) == 0
    took = time.monotonic() - started
    assert [data for data, _ in results] == [[str(number) for number in range(1, 201)]] * len(clients)
    ends = sorted(end for _, end in results)
    retries = {client.reader.retry for client in clients}

    # Spread over the window, not at its beginning or its end alone; and no longer than it.
    assert ends[-1] - ends[0] >= 1.0, ends
    assert max(later - earlier for earlier, later in itertools.pairwise(ends)) <= 2.0, ends
    assert ends[-1] <= 3.7 and took <= 5, (ends[-1], took)
    # A jittered retry: were it one value, all clients would come back together.
    assert len(retries) >= 8 and None not in retries and min(retries) >= 1, retries
    records = origin.closed_streams()
    assert {str(one["stream"]) for one in records} == set(streams)
    assert {one["reason"] for one in records} == {"drain"}


def test_an_event_published_while_draining_reaches_the_streams_that_are_left(start_origin):
    origin = start_origin(drain_window=4)
    clients = [WireConnection.to(origin.url) for _ in range(12)]
    for client in clients:
        client.open_stream("/channels/a/events")
    start_drain(origin)
    wait_until(lambda: ready_status(origin) == 503, "the drain has begun", timeout=2)
    headers = {"Content-Type": "text/plain"}
    status, _, _ = origin.request("POST", "/channels/a/events", b"late", headers)
    left = origin.debug_streams()["active"]
    received = [[one.data for one in client.events_until_end(timeout=8)] for client in clients]
    if status == 201:
        assert sum(data == ["late"] for data in received) >= left - 1 and left > 0
    else:
        assert status == 503  # Refused is honest as well: the publisher goes elsewhere.
    assert origin.process.wait_exit(8) == 0


def test_no_new_stream_is_accepted_while_draining(start_origin):
    origin = start_origin(drain_window=3)
    with WireConnection.to(origin.url) as first, WireConnection.to(origin.url) as waiting:
        first.open_stream("/channels/a/events")
        waiting.request("HEAD", "/channels/a/events")
        waiting.read_response(head_only=True)
        start_drain(origin)
        wait_until(lambda: ready_status(origin) == 503, "the drain has begun", timeout=2)
        # On a connection from before, and on a new one: 503 and when to come back, or no connection at all.
        for client in (waiting, None):
            try:
                client = client or WireConnection.to(origin.url)
                client.request("GET", "/channels/a/events")
                response = client.read_response(timeout=3)
                assert response.status == 503 and int(response.head.get("retry-after")) >= 1
            except (OSError, AssertionError) as problem:
                assert type(problem).__name__ in ("ConnectionEnded", "ConnectionRefusedError", "BrokenPipeError"), (
                    problem
                )
    assert origin.process.wait_exit(8) == 0


def test_a_drain_without_streams_does_not_wait(start_origin):
    origin = start_origin(drain_window=20)
    started = start_drain(origin)
    assert origin.process.wait_exit(5) == 0
    assert time.monotonic() - started < 3


def test_a_drain_ends_early_when_the_last_stream_has_left(start_origin):
    origin = start_origin(drain_window=20)
    with WireConnection.to(origin.url) as client:
        client.open_stream("/channels/a/events")
        start_drain(origin)
        wait_until(lambda: ready_status(origin) == 503, "the drain has begun", timeout=2)
    assert origin.process.wait_exit(5) == 0


def test_a_second_sigterm_ends_at_once(start_origin):
    origin = start_origin(drain_window=60)
    clients = [WireConnection.to(origin.url) for _ in range(10)]
    for client in clients:
        client.open_stream("/channels/a/events")
    start_drain(origin)
    wait_until(lambda: ready_status(origin) == 503, "the drain has begun", timeout=2)
    started = time.monotonic()
    origin.process.send_signal(signal.SIGTERM)
    code = origin.process.wait_exit(5)
    assert time.monotonic() - started < 2
    assert code >= 0, f"ended by signal {-code} instead of ending itself"
    # Also these streams have their record.
    assert len(origin.closed_streams()) == 10
    assert {one["reason"] for one in origin.closed_streams()} <= {"shutdown", "drain"}
    for client in clients:
        client.close()


def test_a_reader_that_takes_nothing_does_not_hold_up_the_end(start_origin):
    origin = start_origin("--slow-seconds", "30", drain_window=1)
    with WireConnection.to(origin.url, receive_buffer=4096) as stuck:
        stuck.open_stream("/events?interval=10&size=65536")
        wait_until(
            lambda: any(one["backlog_bytes"] > 0 for one in origin.debug_streams()["streams"]), "a backlog", timeout=10
        )
        started = start_drain(origin)
        assert origin.process.wait_exit(10) == 0
        assert time.monotonic() - started < 6


def test_sigint_drains_as_well(start_origin):
    origin = start_origin(drain_window=1)
    with WireConnection.to(origin.url) as client:
        client.open_stream("/channels/a/events")
        origin.ended_by_test = True
        origin.process.send_signal(signal.SIGINT)
        client.events_until_end(timeout=5)
        assert client.reader.retry
    assert origin.process.wait_exit(5) == 0
