# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Delivery with each fast path on and off: whichever way the bytes take to the socket, every event arrives once and in
order, also at a reader that lets its socket fill up."""

import http.client
import json
import socket
import ssl
import struct
import threading

import pytest

from harness.eventstream import EventStreamReader
from harness.http2_fixtures import tls_flags
from harness.probe import probe
from harness.waiting import wait_until

PATHS = {
    "as-it-is": (),
    "without-io-uring": ("--io-uring", "false"),
    "through-the-queue": ("--direct-writes", "false"),
}
# Larger than what is sent in a test: a slow reader is to catch up, not to be closed.
PATIENT = ("--channel-bytes", "67108864", "--slow-bytes", "67108864", "--slow-seconds", "60")


@pytest.fixture(params=PATHS.values(), ids=PATHS.keys())
def fast_origin(request, start_origin, tmp_path):
    return start_origin(*request.param, *PATIENT, *tls_flags(tmp_path), "--event-loops", "1")


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("protocol", ["h1", "h2"])
def test_every_event_reaches_every_stream_once_and_in_order(fast_origin, scheme, protocol) -> None:
    options = ["--streams", "200", "--streams-per-connection", "70", "--ramp", "0.5", "--duration", "3"]
    options += ["--slow", "5", "--slow-rate", "50000", "--protocol", protocol]
    options += ["--insecure"] if scheme == "https" else []
    run = probe("load", f"{scheme}://{fast_origin.ready[scheme]}/events?interval=20&size=2000", *options)
    result = run.result
    assert result["opened"] == 205, run.stderr
    assert result["open_at_end"] == 200, result["ends"]
    defects = {name: result[name] for name in ("lost", "duplicated", "reordered", "stale", "gaps", "unnumbered")}
    assert not any(defects.values()), defects
    assert result["failures"] == []
    # Fifty a second for three seconds to each; a machine that is busy brings fewer to all.
    assert result["events"] > 200 * 50, result["events"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_peers_who_reset_before_the_answer_leave_no_stream_behind(fast_origin, scheme) -> None:
    host, _, port = fast_origin.ready[scheme].rpartition(":")
    for _ in range(100):
        peer = socket.create_connection((host, int(port)), timeout=10)
        if scheme == "https":
            peer = ssl._create_unverified_context().wrap_socket(peer)
        peer.sendall(b"GET /channels/left/events HTTP/1.1\r\nHost: a\r\n\r\n")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
    wait_until(lambda: fast_origin.debug_connections()["active"] <= 1, "every connection to be gone")
    opened = fast_origin.wait_active(0)["opened"]
    wait_until(lambda: len(fast_origin.closed_streams()) == opened, f"{opened} records")


class LateReader(threading.Thread):
    """Opens a stream with a small receive buffer, looks away until it is told to read, then reads `count` events."""

    def __init__(self, address: str, target: str, count: int, is_tls: bool) -> None:
        super().__init__(daemon=True)
        host, _, port = address.rpartition(":")
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        plain.settimeout(30)
        plain.connect((host, int(port)))
        connection = http.client.HTTPConnection(host, int(port))
        connection.sock = ssl._create_unverified_context().wrap_socket(plain) if is_tls else plain
        connection.request("GET", target)
        self.response = connection.getresponse()
        self.may_read = threading.Event()
        self.reader = EventStreamReader()
        self.count = count
        self.start()

    def run(self) -> None:
        self.may_read.wait()
        while len(self.reader.events) < self.count:
            piece = self.response.read1(65536)
            if not piece:
                return
            self.reader.feed(piece)

    @property
    def numbers(self) -> list[int]:
        return [json.loads(event.data)["seq"] for event in self.reader.events if event.event == "message"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_reader_that_looked_away_gets_all_it_missed(fast_origin, scheme) -> None:
    target = "/events?interval=20&size=16000"
    readers = [LateReader(fast_origin.ready[scheme], target, 200, scheme == "https") for _ in range(8)]
    late, prompt = readers[:3], readers[3:]
    for reader in prompt:
        reader.may_read.set()

    def all_blocked() -> bool:
        open_streams = fast_origin.debug_streams()["streams"]
        return len([one for one in open_streams if (one.get("blocked_seconds") or 0) > 1]) == len(late)

    # 800 KB a second fill their sockets, and the writes to them break off somewhere.
    wait_until(all_blocked, "the sockets of those who look away to be full for a second", timeout=30)
    for reader in late:
        reader.may_read.set()
    for reader in readers:
        reader.join(timeout=40)
        first = reader.numbers[0]
        assert reader.numbers == list(range(first, first + len(reader.numbers)))
        assert len(reader.numbers) >= 200
        lengths = {len(event.data) for event in reader.reader.events if event.event == "message"}
        assert lengths == {16000}, lengths
