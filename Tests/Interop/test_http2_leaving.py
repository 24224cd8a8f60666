# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Peers that go away in the middle of everything. Whatever they leave behind, the origin must serve the next one."""

import os
import socket
import struct
import time
from pathlib import Path

import pytest

from harness.http2_fixtures import AUTHORIZED, PUBLISHERS, tls_flags
from harness.http2_wire import DATA, HEADERS, PING, Http2Connection, frame_bytes
from harness.origin import Origin

PEERS = 8


def streams_that_are_not_read(peer: Http2Connection) -> None:
    peer.update_window(0, 2**30)
    for stream in range(1, 11, 2):
        peer.request(stream, "/events?interval=10&size=4096")
    for _ in range(10):
        peer.read_frame()


def bodies_whose_windows_are_to_be_opened(peer: Http2Connection) -> None:
    for stream in range(1, 11, 2):
        peer.request(stream, "/channels/a/events", "POST", AUTHORIZED, end_stream=False)
        peer.send(frame_bytes(DATA, 0, stream, bytes(16_384)) * 15)


def pings_that_are_to_be_answered(peer: Http2Connection) -> None:
    peer.send(frame_bytes(PING, 0, 0, bytes(8)) * 200)


def a_field_block_cut_short(peer: Http2Connection) -> None:
    peer.send_frame(HEADERS, 0, 1, peer.block(peer.fields()))


def a_connection_error(peer: Http2Connection) -> None:
    peer.request(1, "/events?interval=10&size=4096")
    peer.wait_head(1)
    peer.send_frame(PING, 0, 1, bytes(8))


def cpu_seconds(origin: Origin) -> float:
    fields = Path(f"/proc/{origin.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("reset", [True, False], ids=["rst", "fin"])
@pytest.mark.parametrize("tls", [False, True], ids=["h2c", "tls"])
@pytest.mark.parametrize(
    "left_behind",
    [
        streams_that_are_not_read, bodies_whose_windows_are_to_be_opened, pings_that_are_to_be_answered,
        a_field_block_cut_short, a_connection_error,
    ],
)  # fmt: skip
def test_peers_that_leave_in_the_middle(left_behind, tls, reset, start_origin, tmp_path) -> None:
    origin = start_origin(*tls_flags(tmp_path), environment=PUBLISHERS)
    for _ in range(PEERS):
        # Each also finds that the origin answers after the one before.
        peer = Http2Connection(origin.ready["https" if tls else "http"], tls, settings={4: 2**31 - 1}, timeout=3)
        left_behind(peer)
        if reset:
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
    origin.wait_active(0)
    before = cpu_seconds(origin)
    time.sleep(0.5)
    assert cpu_seconds(origin) - before < 0.2, "it is busy, though nobody is there"
    assert [one for one in origin.debug_connections()["connections"] if one["listener"] == "public"] == []
