# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""A hundred EventSources of one page: what a browser cannot do over HTTP/1.1, where it stops at six."""

import json
from pathlib import Path
from typing import Iterator

import pytest

from harness.browser import Browser, Page, PageServer
from harness.http2_fixtures import tls_flags
from harness.origin import Origin
from harness.waiting import wait_until

COUNT = 100


@pytest.fixture
def page(tmp_path) -> Iterator[Page]:
    """A page on a web origin of its own, whose browser takes the development certificate for good."""
    server, browser = PageServer(), Browser(tmp_path)
    opened = browser.open(server.origin)
    browser.call("Security.setIgnoreCertificateErrors", opened._session, ignore=True)
    yield opened
    browser.close()
    server.close()


@pytest.fixture
def origin(start_origin, tmp_path: Path) -> Origin:
    return start_origin(*tls_flags(tmp_path), "--cors-origins", "*", drain_window=2)


def subscribe_all(page: Page, origin: Origin, path: str) -> None:
    """COUNT EventSources, each of which keeps the data of its events and counts its opens and errors."""
    url = f"https://{origin.ready['https']}{path}"
    page.evaluate(f"""
        globalThis.all = Array.from({{length: {COUNT}}}, (_, number) => {{
            const source = new EventSource({json.dumps(url)}.replace("NUMBER", number));
            const one = {{source, opens: 0, errors: 0, data: []}};
            source.onopen = () => one.opens += 1;
            source.onerror = () => one.errors += 1;
            source.onmessage = (event) => one.data.push(event.data);
            return one;
        }}); 0""")


def told(page: Page, name: str) -> list:
    return page.evaluate(f"all.map((one) => one.{name})")


def test_a_hundred_eventsources_share_one_connection(page, origin) -> None:
    subscribe_all(page, origin, "/channels/channel-NUMBER/events")
    wait_until(lambda: told(page, "opens") == [1] * COUNT, "a hundred opens", 20, interval=0.1)
    streams = origin.wait_active(COUNT)["streams"]
    [shared] = {one["connection"] for one in streams}
    assert {one["protocol"] for one in streams} == {"h2"}
    assert sorted(one["request"] for one in streams) == list(range(1, COUNT + 1))
    # Chromium may have opened another in advance, which stays empty.
    [connection] = [one for one in origin.debug_connections()["connections"] if one["id"] == shared]
    assert (connection["streams"], connection["peak_streams"], connection["alpn"]) == (COUNT, COUNT, "h2")

    for step in range(3):
        for number in range(COUNT):
            origin.publish(f"channel-{number}", f"{number}/{step}")
    expected = [[f"{number}/{step}" for step in range(3)] for number in range(COUNT)]
    wait_until(lambda: told(page, "data") == expected, "three events for each", 20, interval=0.1)
    assert told(page, "errors") == [0] * COUNT


def test_a_page_that_closes_half_of_them_keeps_the_others(page, origin) -> None:
    subscribe_all(page, origin, "/channels/shared/events")
    wait_until(lambda: told(page, "opens") == [1] * COUNT, "a hundred opens", 20, interval=0.1)
    page.evaluate("all.forEach((one, number) => number % 2 && one.source.close()); 0")
    origin.wait_active(COUNT // 2)
    wait_until(lambda: len(origin.closed_streams()) == COUNT // 2, "fifty close records")
    assert {record["reason"] for record in origin.closed_streams()} == {"client_closed"}
    origin.publish("shared", "to those who stayed")
    expected = [[] if number % 2 else ["to those who stayed"] for number in range(COUNT)]
    wait_until(lambda: told(page, "data") == expected, "an event for the others", 20, interval=0.1)


def test_a_page_that_is_left_ends_them_all_as_client_closed(page, origin) -> None:
    subscribe_all(page, origin, "/channels/shared/events")
    wait_until(lambda: told(page, "opens") == [1] * COUNT, "a hundred opens", 20, interval=0.1)
    page.close()
    wait_until(lambda: len(origin.closed_streams()) == COUNT, "a hundred close records")
    assert {record["reason"] for record in origin.closed_streams()} == {"client_closed"}


def test_they_come_back_after_a_restart_and_miss_nothing(page, start_origin, tmp_path) -> None:
    flags = [*tls_flags(tmp_path), "--cors-origins", "*", "--retry", "300"]
    old = start_origin(*flags, drain_window=0.5)
    subscribe_all(page, old, "/channels/shared/events")
    wait_until(lambda: told(page, "opens") == [1] * COUNT, "a hundred opens", 20, interval=0.1)
    old.publish("shared", "before")
    wait_until(lambda: told(page, "data") == [["before"]] * COUNT, "the event before", 20, interval=0.1)
    tls_port = old.ready["https"].rpartition(":")[2]
    old.terminate()
    new = start_origin(*flags[2:], "--tls-port", tls_port)
    # Each comes back on its own after the retry that it was told, but all of them on few connections.
    wait_until(lambda: new.debug_streams()["active"] == COUNT, "a hundred streams again", 30, interval=0.2)
    new.publish("shared", "after")
    expected = [["before", "after"]] * COUNT
    wait_until(lambda: told(page, "data") == expected, "the event after", 20, interval=0.1)
    connections = [one for one in new.debug_connections()["connections"] if one["protocol"] == "h2"]
    assert len(connections) == 1, connections
