# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Thousands of streams on a few connections: every event once and in order, and slow streams that delay nobody.

The client is that of the benchmarks; it looks at every event of every stream, and this test at its verdict.
"""

import json
import os
import struct
import subprocess
import time
from pathlib import Path

import pytest

from harness.http2_wire import (
    DATA, ENHANCE_YOUR_CALM, INITIAL_WINDOW_SIZE, WINDOW_UPDATE, Http2Connection, frame_bytes,
)  # fmt: skip
from harness.origin import Origin
from harness.process import ManagedProcess
from harness.waiting import wait_until

BENCHMARKS = Path(__file__).resolve().parents[2] / "Benchmarks"


@pytest.fixture(scope="module")
def fanout(tmp_path_factory) -> Path:
    """The client, built."""
    folder = tmp_path_factory.mktemp("fanout")
    subprocess.run(["make", "-s", "-C", str(BENCHMARKS), f"OUT={folder}", f"{folder}/fanout-h2"], check=True)
    return folder / "fanout-h2"


def run(fanout: Path, directory: Path, origin: Origin, path: str, *flags: str, seconds: float = 4) -> dict:
    """The client's result; its other lines are phases."""
    command = [str(fanout), "--port", str(origin.port), "--path", path, "--duration", str(seconds), *flags]
    with ManagedProcess(command, directory, name="fanout") as client:
        code = client.wait_exit(seconds + 70)
        result = json.loads(client.stdout().splitlines()[-1])
        assert result["good"] == (code == 0), client.describe(f"ended with {code}")
    return result


def test_ten_thousand_streams_over_three_connections(fanout, start_origin, tmp_path) -> None:
    origin = start_origin()
    flags = ["--streams", "10000", "--connections", "3", "--data-size", "256"]
    result = run(fanout, tmp_path, origin, "/events?interval=100&size=256", *flags, seconds=10)
    assert result["good"], result
    # 10 events a second for each; less would mean that some burst had been left out of the count.
    assert result["window_events"] >= 0.97 * 10_000 * 10 * result["window_seconds"], result
    assert origin.debug_streams()["opened"] == 10_000
    origin.wait_active(0)


@pytest.mark.parametrize("window", [100, 1_000, 65_535])
def test_windows_that_are_opened_again_and_again(fanout, start_origin, tmp_path, window: int) -> None:
    flags = ["--streams", "100", "--connections", "2", "--window", str(window)]
    result = run(fanout, tmp_path, start_origin(), "/events?interval=100&size=256", *flags, seconds=2)
    assert result["good"], result


def test_slow_streams_beside_fast_ones_on_one_connection(fanout, start_origin, tmp_path) -> None:
    origin = start_origin("--slow-seconds", "2")
    # 80 kB/s for each: a window of 64 KiB that is never opened again is full within a second.
    flags = ["--streams", "200", "--slow", "5", "--data-size", "4096"]
    result = run(fanout, tmp_path, origin, "/events?interval=50&size=4096", *flags, seconds=5)
    assert result["good"], result
    assert result["slow_closed"] == 5, result
    slow = [record for record in origin.closed_streams() if record["reason"] == "slow_consumer"]
    assert sorted(record["request"] for record in slow) == [1, 2, 3, 4, 5], slow
    assert {record["protocol"] for record in slow} == {"h2"}


def test_clients_that_vanish_in_the_midst_of_a_burst(fanout, start_origin, tmp_path) -> None:
    origin = start_origin("--slow-seconds", "60")
    # Bursts of more than a connection holds back: the origin learns of the loss while it sends, not while it reads.
    path = "/events?interval=20&size=4096"
    for round in range(24):
        command = [str(fanout), "--port", str(origin.port), "--path", path, "--duration", "60"]
        flags = ["--streams", "1000", "--connections", "2", "--data-size", "4096"]
        with ManagedProcess([*command, *flags], tmp_path, name=f"fanout-{round}") as client:
            origin.wait_active(1_000, 20)
            time.sleep(0.05 + 0.007 * round)
            client.kill()
        origin.wait_active(0, 20)
    assert origin.debug_streams()["opened"] == 24_000
    # Streams that took half a second to open, as on a busy machine, and end at once are as those of a hop that dies.
    assert {record["reason"] for record in origin.closed_streams()} <= {"client_closed", "intermediary_shutdown"}


def test_a_stream_that_never_opens_its_window_waits_alone(start_origin) -> None:
    origin = start_origin("--slow-seconds", "60")
    with Http2Connection(origin.address, settings={INITIAL_WINDOW_SIZE: 0}) as peer:
        for stream in (1, 3):
            peer.request(stream, "/channels/both/events")
            assert peer.wait_head(stream).status == 200
        peer.update_window(3, 1_000_000)
        origin.wait_active(2)
        for number in range(50):
            origin.publish("both", f"number {number}")
        while b"number 49" not in peer.answers[3].body:
            peer.read_frame()
        assert peer.answers[1].body == b""
        # Its cursor has waited; nothing is lost once it reads.
        peer.update_window(1, 1_000_000)
        while b"number 49" not in peer.answers[1].body:
            peer.read_frame()
        assert peer.answers[1].body.count(b"data: number") == 50 or peer.answers[1].body.count(b"data:number") == 50


def test_a_stream_of_one_byte_windows_gets_its_bytes_in_order(start_origin) -> None:
    origin = start_origin()
    origin.publish("drip", "drop by drop")
    with Http2Connection(origin.address, settings={INITIAL_WINDOW_SIZE: 1}) as peer:
        peer.request(1, "/channels/drip/events?last_event_id=0.0")
        while b"drop by drop" not in peer.answers.get(1, peer.wait_head(1)).body:
            frame = peer.read_frame()
            if frame.type == DATA:
                assert len(frame.payload) == 1, str(frame)
                peer.update_window(1, 1)


def test_a_peer_that_opens_windows_byte_by_byte_for_ever_is_told_to_calm_down(start_origin) -> None:
    origin = start_origin()
    with Http2Connection(origin.address, settings={INITIAL_WINDOW_SIZE: 0}) as peer:
        peer.request(1, "/events?interval=10&size=4096")
        stream = peer.wait_head(1).get("x-sse-stream")
        update = frame_bytes(WINDOW_UPDATE, 0, 1, struct.pack(">I", 1))
        peer.send(update * 6_000)
        peer.expect_connection_error(ENHANCE_YOUR_CALM)
        assert "ENHANCE_YOUR_CALM" in origin.wait_closed(stream)["evidence"]


def test_slow_connection_is_bounded_and_told_from_a_slow_stream(start_origin) -> None:
    # Nothing is read from the socket at all: not the streams' windows are full, but the kernel's buffers.
    origin = start_origin("--slow-seconds", "2")
    before = resident(origin)
    with Http2Connection(origin.address, settings={INITIAL_WINDOW_SIZE: 2**31 - 1}, receive_buffer=4_096) as peer:
        peer.update_window(0, 2**30)
        for stream in range(1, 21, 2):
            peer.request(stream, "/events?interval=10&size=16384")
        opened = wait_until(lambda: origin.debug_streams()["opened"] == 10, "ten streams")
        assert opened
        wait_until(lambda: len(origin.closed_streams()) == 10, "ten streams closed", 20)
        assert {record["reason"] for record in origin.closed_streams()} == {"slow_consumer"}
        # One ring of events, and a bounded buffer for the connection: no copy for each stream.
        assert resident(origin) - before < 32 * 1024 * 1024


def resident(origin: Origin) -> int:
    """The memory that the origin holds, in bytes."""
    pages = Path(f"/proc/{origin.pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
