# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""The clients that people really use read every event, in order, once; resume without loss; and see the end."""

import json
import time

import pytest

from harness.subscriber import SUBSCRIBERS, Subscriber
from harness.waiting import wait_until

every_client = pytest.mark.parametrize("kind", SUBSCRIBERS)


@pytest.fixture
def opened(shared_origin):
    """Waits until a subscriber that was just started has its stream."""
    before = shared_origin.debug_streams()["opened"]
    return lambda: wait_until(lambda: shared_origin.debug_streams()["opened"] > before, "a stream is opened")


def named(event: str) -> bool:
    return event in ("end", "gap", "heartbeat")


@every_client
def test_events_arrive_one_by_one_in_order_and_unchanged(kind, shared_origin, tmp_path, opened):
    channel = f"order-{kind}"
    sent = [
        "plain",
        "two\nlines",
        "ünïcödé ✓ 🌊",
        "  two spaces in front",
        "",
        "\n",
        ": not a comment",
        "data: no field",
    ]
    with Subscriber(kind, f"{shared_origin.url}/channels/{channel}/events", tmp_path) as client:
        opened()
        ids = []
        for number, data in enumerate(sent, start=1):
            ids += shared_origin.publish(channel, data)
            # An event must not wait for the next one to push it out.
            received = client.wait_events(number, timeout=3)
        assert [one.data for one in received] == sent
        assert [one.id for one in received] == ids
        assert {one.event for one in received} == {"message"}


@every_client
def test_a_named_event_keeps_its_name(kind, shared_origin, tmp_path, opened):
    channel = f"named-{kind}"
    url = f"{shared_origin.url}/channels/{channel}/events"
    with Subscriber(kind, url, tmp_path, types=("order placed",)) as client:
        opened()
        shared_origin.publish(channel, "1", event="order placed")
        shared_origin.publish(channel, "2")
        assert [(one.event, one.data) for one in client.wait_events(2)] == [("order placed", "1"), ("message", "2")]


@every_client
def test_a_resume_gets_exactly_what_was_missed(kind, shared_origin, tmp_path, opened):
    channel = f"resume-{kind}"
    url = f"{shared_origin.url}/channels/{channel}/events"
    with Subscriber(kind, url, tmp_path, name="first") as client:
        opened()
        for number in range(1, 6):
            shared_origin.publish(channel, str(number))
        last = client.wait_events(5)[2].id
    for number in range(6, 9):
        shared_origin.publish(channel, str(number))
    before = shared_origin.debug_streams()["opened"]
    with Subscriber(kind, url, tmp_path, last_event_id=last, name="second", types=("gap",)) as client:
        wait_until(lambda: shared_origin.debug_streams()["opened"] > before, "the second stream is opened")
        client.wait_events(5)
        shared_origin.publish(channel, "9")
        received = client.wait_events(6)
        assert [(one.event, one.data) for one in received] == [("message", str(number)) for number in range(4, 10)]


@every_client
def test_a_synthetic_stream_ends_and_its_end_is_final(kind, shared_origin, tmp_path):
    url = f"{shared_origin.url}/events?interval=50&size=128&duration=1"
    with Subscriber(kind, url, tmp_path, name="whole", types=("end",)) as client:
        if kind == "node-eventsource":
            # It reconnects by itself with the id of the end and must then meet a 204, which closes it for good.
            client.wait_end()
        else:
            assert client.wait_end() == 200
        received = client.events()
    *measured, end = received
    assert end.event == "end" and end.id.endswith(".end"), end
    samples = [json.loads(one.data) for one in measured]
    assert [one["seq"] for one in samples] == list(range(samples[0]["seq"], samples[0]["seq"] + len(samples)))
    assert [int(one.id.rpartition(".")[2]) for one in measured] == [one["seq"] for one in samples]
    assert {len(one.data.encode()) for one in measured} == {128}
    # 20 in one second; the end is looked for ten times a second, and a busy machine may be late by a little more.
    assert 18 <= len(measured) <= 24, f"{len(measured)} events in 1 s at 50 ms"
    assert all(abs(time.time_ns() - one["ts"]) < 60e9 for one in samples)
    if kind not in ("node-eventsource",):
        with Subscriber(kind, url, tmp_path, last_event_id=end.id, name="again") as client:
            assert client.wait_end() == 204
            assert client.events() == []


def test_two_streams_with_the_same_parameters_get_the_same_events(shared_origin, tmp_path):
    url = f"{shared_origin.url}/events?interval=40&size=200&duration=2&profile=llm"
    with (
        Subscriber("curl", url, tmp_path, name="a") as first,
        Subscriber("httpx-sse", url, tmp_path, name="b") as second,
    ):
        first.wait_end()
        second.wait_end()
        by_id = {one.id: one.data for one in first.events() if not named(one.event)}
        also = {one.id: one.data for one in second.events() if not named(one.event)}
    shared = by_id.keys() & also.keys()
    assert len(shared) >= 5, (len(by_id), len(also))
    assert all(by_id[one] == also[one] for one in shared)
    # The later one may have missed the beginning, never something in the middle.
    order = list(by_id)
    assert order[order.index(min(shared, key=order.index)) :] == [one for one in order if one in shared]


def test_node_eventsource_survives_the_end_of_its_stream_without_loss(start_origin, tmp_path):
    origin = start_origin("--max-stream-lifetime", "1", "--retry", "100")
    with Subscriber("node-eventsource", f"{origin.url}/channels/n/events", tmp_path, types=("gap",)) as client:
        origin.wait_active(1)
        sent = 0
        while origin.debug_streams()["closed"] < 2:
            sent += 1
            assert sent < 400, "the second stream was never closed"
            origin.publish("n", str(sent))
            time.sleep(0.05)  # The pace of the publisher, not a wait for anything.
        received = client.wait_events(sent, timeout=8)
        assert [(one.event, one.data) for one in received] == [("message", str(one)) for one in range(1, sent + 1)]


@pytest.mark.parametrize("kind", ["httpx-sse", "sseclient-py"])
def test_heartbeats_are_no_events_to_libraries(kind, start_origin, tmp_path):
    # httpx-sse hands out an empty event for every blank line once it has an id: a heartbeat must not end in one.
    origin = start_origin("--heartbeat", "0.1")
    with Subscriber(kind, f"{origin.url}/channels/a/events", tmp_path) as client:
        origin.wait_active(1)
        origin.publish("a", "first")
        client.wait_events(1)
        started = time.monotonic()
        wait_until(lambda: origin.debug_streams() and time.monotonic() - started > 1, "ten heartbeats", timeout=3)
        origin.publish("a", "second")
        assert [one.data for one in client.wait_events(2)] == ["first", "second"]
