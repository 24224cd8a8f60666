# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""A real browser's EventSource against the origin: connecting, reconnecting, resuming, giving up.

The cases follow the web platform tests' eventsource/ folder, seen from the server: what a page's script observes.
"""

import json
import time

import pytest

from harness.browser import Browser, PageServer
from harness.waiting import wait_until


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    running = Browser(tmp_path_factory.mktemp("chromium"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def site():
    server = PageServer()
    yield server
    server.close()


@pytest.fixture
def page(browser, site):
    """A tab on the web origin that the tests allow."""
    tab = browser.open(site.origin)
    yield tab
    tab.close()


@pytest.fixture
def start(start_origin, site):
    """Starts an origin whose allow list has the tests' site, and that reconnects fast."""
    return lambda *flags, **options: start_origin("--cors-origins", site.origin, "--retry", "200", *flags, **options)


def kinds(log: list[dict]) -> list[str]:
    return [one["kind"] for one in log]


# Across web origins


def test_an_allowed_site_reads_the_stream(start, page):
    origin = start()
    page.subscribe(f"{origin.url}/channels/a/events")
    page.wait_open()
    (new_id,) = origin.publish("a", "hello")
    (event,) = page.wait_events(1)
    assert (event["data"], event["id"], event["origin"]) == ("hello", new_id, origin.url)


def test_a_site_that_is_not_allowed_fails_without_reconnecting(start, browser):
    origin = start()
    stranger = PageServer()
    tab = browser.open(stranger.origin)
    try:
        tab.subscribe(f"{origin.url}/channels/a/events")
        log = tab.wait_closed()
        assert kinds(log) == ["error"]
        origin.wait_active(0)
    finally:
        tab.close()
        stranger.close()


def test_credentials_are_for_allowed_sites(start, page):
    origin = start()
    page.subscribe(f"{origin.url}/channels/a/events", credentials=True)
    page.wait_open()


def test_a_star_allows_every_site_but_no_credentials(start_origin, page):
    origin = start_origin("--cors-origins", "*")
    page.subscribe(f"{origin.url}/channels/a/events", name="plain")
    page.wait_open(name="plain")
    page.subscribe(f"{origin.url}/channels/a/events", name="credentials", credentials=True)
    assert kinds(page.wait_closed(name="credentials")) == ["error"]


def test_an_allowed_page_can_read_which_connection_it_came_by(start, page):
    origin = start()
    head = page.evaluate(
        f"fetch('{origin.url}/channels/a/events', {{headers: {{'Last-Event-ID': 'x.1'}}}}).then((answer) => "
        "{ const names = ['X-SSE-Path', 'X-SSE-Connection', 'X-SSE-Connection-Request', 'X-SSE-Stream'];"
        " const found = names.map((name) => answer.headers.get(name)); answer.body.cancel(); return found; })"
    )
    assert all(head), head


# Reconnecting


def test_a_reconnect_resumes_where_the_stream_ended(start, page):
    origin = start("--max-stream-lifetime", "2")
    page.subscribe(f"{origin.url}/channels/a/events", "gap")
    page.wait_open()
    sent = 0
    while origin.debug_streams()["closed"] < 2:
        sent += 1
        assert sent < 1_000, "the second stream was never closed"
        origin.publish("a", str(sent))
        time.sleep(0.03)  # The publisher's pace; some events fall between two streams.
    received = page.wait_events(sent)
    assert [(one["type"], one["data"]) for one in received] == [("message", str(one)) for one in range(1, sent + 1)]
    log = page.log()
    # Each end is an error in state CONNECTING, followed by an open.
    assert {one["state"] for one in log if one["kind"] == "error"} == {0}
    assert sum(one["kind"] == "open" for one in log) >= 2
    assert {one["reason"] for one in origin.closed_streams()} == {"max_lifetime"}


def test_a_stream_without_any_event_resumes_at_its_first_id(start, page):
    # The id that opens every stream is what makes this work: nothing was dispatched before the stream ended.
    origin = start("--max-stream-lifetime", "1", "--retry", "1500")
    page.subscribe(f"{origin.url}/channels/quiet/events", "gap")
    page.wait_open()
    wait_until(lambda: origin.debug_streams()["closed"] >= 1, "the stream has ended", timeout=5)
    origin.publish("quiet", "while away")
    (event,) = page.wait_events(1)
    assert (event["type"], event["data"]) == ("message", "while away")


def test_the_configured_retry_is_the_time_between_end_and_reconnect(start, page):
    origin = start("--max-stream-lifetime", "1", "--retry", "1200")
    page.subscribe(f"{origin.url}/channels/a/events")
    log = page.wait(lambda log: kinds(log)[:3] == ["open", "error", "open"], "a reconnect")
    waited = log[2]["at"] - log[1]["at"]
    assert 1150 <= waited <= 3500, waited


def test_a_published_retry_changes_the_time(start, page):
    # The stream must end by a crash: an orderly end brings a retry of its own.
    first = start("--retry", "30000", name="first")
    page.subscribe(f"{first.url}/channels/a/events")
    page.wait_open()
    first.publish("a", "faster, please", retry=100)
    page.wait_events(1)
    port = first.port
    first.kill()
    start("--retry", "30000", name="second", port=port)
    page.wait_open(times=2, timeout=10)


def test_the_end_of_a_synthetic_stream_stops_it_for_good(start, page):
    origin = start()
    page.subscribe(f"{origin.url}/events?interval=100&size=128&duration=1", "end", "gap")
    log = page.wait_closed()
    *measured, end = [one for one in log if one["kind"] == "event"]
    assert end["type"] == "end" and end["id"].endswith(".end") and "reason" in json.loads(end["data"])
    assert {one["type"] for one in measured} == {"message"} and 8 <= len(measured) <= 11
    # The stream ended (CONNECTING), then the reconnect was answered 204 (CLOSED).
    assert [one["state"] for one in log if one["kind"] == "error"] == [0, 2]
    assert origin.debug_streams()["opened"] == 1


@pytest.mark.parametrize(
    "target", ["/events?interval=1", "/events?profile=none", "/nothing-here", "/channels/a%20b/events"]
)
def test_a_refused_request_fails_without_reconnecting(start, page, target):
    origin = start()
    page.subscribe(origin.url + target)
    assert kinds(page.wait_closed()) == ["error"]
    assert origin.debug_streams()["opened"] == 0


def test_a_crash_of_the_origin_is_a_reconnect_and_a_gap(start, page):
    first = start(name="first")
    url, port = f"{first.url}/channels/a/events", first.port
    page.subscribe(url, "gap")
    page.wait_open()
    first.publish("a", "before")
    page.wait_events(1)
    first.kill()
    page.wait(lambda log: kinds(log)[-1] == "error", "the loss is noticed")
    second = start(name="second", port=port)
    page.wait_open(times=2, timeout=20)
    gap = page.wait_events(2)[1]
    assert gap["type"] == "gap"
    assert json.loads(gap["data"]) == {"missed": None, "reason": "unknown_epoch"}
    second.publish("a", "after")
    assert page.wait_events(3)[2]["data"] == "after"
    # The gap moved the browser to the new epoch: the next reconnect is an ordinary one.
    assert gap["id"] and gap["id"].rpartition(".")[0] == page.wait_events(3)[2]["id"].rpartition(".")[0]


def test_what_has_left_the_ring_is_a_gap_with_its_number(start, page):
    origin = start("--channel-events", "16", "--max-stream-lifetime", "1", "--retry", "1500")
    page.subscribe(f"{origin.url}/channels/a/events", "gap")
    page.wait_open()
    origin.publish("a", "seen")
    page.wait_events(1)
    wait_until(lambda: origin.debug_streams()["closed"] >= 1, "the stream has ended", timeout=5)
    for number in range(100):
        origin.publish("a", str(number))
    _, gap, *rest = page.wait_events(18)
    assert gap["type"] == "gap" and json.loads(gap["data"]) == {"missed": 84, "reason": "expired"}
    assert [one["data"] for one in rest] == [str(number) for number in range(84, 100)]


# Several at once


def test_several_channels_in_one_stream_resume_each_at_its_own_place(start, page):
    origin = start("--max-stream-lifetime", "2")
    page.subscribe(f"{origin.url}/channels/events?channel=a&channel=b", "gap")
    page.wait_open()
    sent = {"a": 0, "b": 0}
    while origin.debug_streams()["closed"] < 1 or sent["b"] < 20:
        assert sent["a"] < 1_000, "the first stream was never closed"
        for channel, every in (("a", 1), ("b", 3)):
            if sent["a"] % every == 0:
                sent[channel] += 1
                origin.publish(channel, f"{channel}{sent[channel]}")
        time.sleep(0.02)
    received = page.wait_events(sent["a"] + sent["b"])
    for channel, count in sent.items():
        of_it = [one["data"] for one in received if one["data"].startswith(channel)]
        assert of_it == [f"{channel}{number}" for number in range(1, count + 1)]
    assert {one["type"] for one in received} == {"message"}


def test_heartbeats_are_events_on_request_and_comments_otherwise(start, page):
    origin = start("--heartbeat", "0.3")
    page.subscribe(f"{origin.url}/channels/a/events?heartbeat=event", "heartbeat", name="named")
    page.subscribe(f"{origin.url}/channels/a/events", "heartbeat", name="plain")
    beats = page.wait_events(3, name="named")
    assert {one["type"] for one in beats} == {"heartbeat"}
    assert page.log("plain", kind="event") == []
    (new_id,) = origin.publish("a", "real")
    assert page.wait_events(1, name="plain")[0]["data"] == "real"
    # A heartbeat is no event of the channel: it must not move the position from which the browser would resume.
    told = page.wait(lambda log: any(one.get("data") == "real" for one in log), "the real event", name="named")
    assert next(one for one in told if one.get("data") == "real")["id"] == new_id
    after = page.wait(
        lambda log: log[-1].get("type") == "heartbeat" and log[-1]["id"] == new_id, "a beat", name="named"
    )
    assert after
