# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""RFC 9113 section 6.9, flow control in both directions, on a real socket, in cleartext and in TLS."""

import struct

import pytest

from harness.http2_fixtures import Connect, connect, h2_origin, peer
from harness.http2_wire import (
    DATA, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, NO_ERROR, PROTOCOL_ERROR,
    RST_STREAM, SETTINGS, WINDOW_UPDATE, Http2Connection, settings_payload,
)  # fmt: skip
from test_http2_conformance_frames import BUSY, ENDLESS, LARGEST, open_request, open_response, quiet


# 6.9 WINDOW_UPDATE


def test_6_9_an_increment_of_0_ends_the_connection(peer: Http2Connection) -> None:
    peer.update_window(0, 0)
    peer.expect_connection_error(PROTOCOL_ERROR)


def test_6_9_an_increment_of_0_on_a_stream_is_a_stream_error(peer: Http2Connection) -> None:
    open_response(peer)
    peer.update_window(1, 0)
    peer.expect_stream_error(1, PROTOCOL_ERROR)


@pytest.mark.parametrize("stream", [0, 1])
@pytest.mark.parametrize("length", [0, 3, 5])
def test_6_9_other_than_four_octets_end_the_connection(peer: Http2Connection, stream: int, length: int) -> None:
    open_response(peer)
    peer.send_frame(WINDOW_UPDATE, 0, stream, b"\x00\x00\x00\x01\x01"[:length])
    peer.expect_connection_error(FRAME_SIZE_ERROR)


def test_6_9_the_reserved_bit_of_the_increment_is_ignored(connect: Connect) -> None:
    peer = connect(settings={INITIAL_WINDOW_SIZE: 0})
    open_response(peer)
    peer.send_frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", 0x8000_0003))
    assert len(peer.wait(lambda frame: frame.type == DATA, "DATA").payload) == 3


def test_6_9_1_headers_need_no_window_and_data_does(connect: Connect) -> None:
    peer = connect(settings={INITIAL_WINDOW_SIZE: 0})
    open_response(peer, 1, BUSY)
    assert quiet(peer, 1)
    peer.update_window(1, 10)
    frame = peer.wait(lambda frame: frame.type == DATA, "DATA")
    assert len(frame.payload) <= 10
    assert sum(len(answer.body) for answer in peer.answers.values()) <= 10


def test_6_9_1_a_stream_sends_what_its_window_allows_and_no_more(connect: Connect) -> None:
    peer = connect(settings={INITIAL_WINDOW_SIZE: 1})
    open_response(peer, 1, BUSY)
    for allowed in range(1, 40):
        while len(peer.answers[1].body) < allowed:
            frame = peer.read_frame()
            assert frame.type != DATA or len(frame.payload) == 1, str(frame)
        peer.update_window(1, 1)
    peer.expect_alive()
    assert len(peer.answers[1].body) <= 40


def test_6_9_1_the_connection_sends_what_its_window_allows_and_no_more(connect: Connect) -> None:
    peer = connect(settings={INITIAL_WINDOW_SIZE: LARGEST})
    for stream in (1, 3):
        # Slow enough not to fall off the ring that keeps events for it.
        open_response(peer, stream, "/events?interval=200&size=65536")

    def received() -> int:
        return sum(len(answer.body) for answer in peer.answers.values())

    while received() < 65_535:
        peer.read_frame()
    assert received() == 65_535
    assert quiet(peer, 1) and quiet(peer, 3)
    peer.update_window(0, 5)
    while received() < 65_540:
        peer.read_frame()
    assert quiet(peer, 1) and quiet(peer, 3)
    assert received() == 65_540


def test_6_9_1_an_answer_without_body_ends_without_a_window(connect: Connect) -> None:
    peer = connect(settings={INITIAL_WINDOW_SIZE: 0})
    peer.request(1, method="HEAD")
    assert (peer.wait_answer(1).status, peer.answers[1].body) == (200, b"")


@pytest.mark.parametrize("increments", [[LARGEST], [LARGEST, LARGEST], [2**30, 2**30]])
def test_6_9_1_a_connection_window_above_the_maximum_ends_the_connection(
    peer: Http2Connection, increments: list[int]
) -> None:
    for increment in increments:
        peer.update_window(0, increment)
    peer.expect_connection_error(FLOW_CONTROL_ERROR)


@pytest.mark.parametrize("increments", [[LARGEST], [2**30, 2**30]])
def test_6_9_1_a_stream_window_above_the_maximum_is_a_stream_error(
    peer: Http2Connection, increments: list[int]
) -> None:
    open_response(peer)
    for increment in increments:
        peer.update_window(1, increment)
    peer.expect_stream_error(1, FLOW_CONTROL_ERROR)


def test_6_9_1_windows_up_to_the_maximum_are_taken(peer: Http2Connection) -> None:
    peer.update_window(0, LARGEST - 65_535)
    open_response(peer)
    sent = len(peer.answers[1].body)
    peer.update_window(1, LARGEST - 65_535 - sent)
    peer.expect_alive()
    assert peer.answers[1].reset is None


def test_6_9_1_a_body_beyond_our_window_is_an_error(peer: Http2Connection) -> None:
    # The origin opens its windows as it takes bodies; a body that it does not want is never taken.
    peer.expect_alive()
    window = peer.server_settings.get(INITIAL_WINDOW_SIZE, 65_535)
    peer.request(1, ENDLESS, "GET", [("content-length", str(window * 8))], end_stream=False)
    sent = 0
    while sent <= window * 5:
        peer.data(1, bytes(16_384), end_stream=False)
        sent += 16_384
    frame = peer.wait(lambda frame: frame.type in (RST_STREAM, GOAWAY, HEADERS), "an error or a refusal")
    if frame.type == HEADERS:
        assert peer.answers[1].status >= 400, peer.answers[1]
    else:
        assert frame.code in (FLOW_CONTROL_ERROR, NO_ERROR), str(frame)


def test_6_9_1_bodies_larger_than_the_windows_are_taken_by_opening_them(peer: Http2Connection) -> None:
    peer.expect_alive()
    window = peer.server_settings.get(INITIAL_WINDOW_SIZE, 65_535)
    opened = sum(struct.unpack(">I", frame.payload)[0] for frame in peer.control if frame.type == WINDOW_UPDATE)
    windows = {0: 65_535 + opened, 1: window}
    open_request(peer)
    left = 1_000_000
    while left > 0:
        size = min(left, windows[0], windows[1], 16_384)
        if size > 0:
            peer.data(1, b"x" * size, end_stream=size == left)
            left, windows[0], windows[1] = left - size, windows[0] - size, windows[1] - size
        else:
            frame = peer.wait(lambda frame: frame.type == WINDOW_UPDATE, "a larger window")
            windows[frame.stream] += struct.unpack(">I", frame.payload)[0]
    assert peer.wait_answer(1).status == 201


def test_6_9_2_a_larger_initial_window_opens_streams(connect: Connect) -> None:
    peer = connect(settings={INITIAL_WINDOW_SIZE: 0})
    open_response(peer, 1, BUSY)
    peer.send_frame(SETTINGS, 0, 0, settings_payload({INITIAL_WINDOW_SIZE: 1}))
    frame = peer.wait(lambda frame: frame.type == DATA, "DATA")
    assert len(frame.payload) == 1
    assert quiet(peer, 1)


def test_6_9_2_a_window_may_become_negative(connect: Connect) -> None:
    peer = connect(settings={INITIAL_WINDOW_SIZE: 10})
    open_response(peer, 1, BUSY)
    while len(peer.answers[1].body) < 10:
        peer.read_frame()
    # 10 sent of 10, then of 3: seven below.
    peer.send_frame(SETTINGS, 0, 0, settings_payload({INITIAL_WINDOW_SIZE: 3}))
    peer.update_window(1, 7)
    assert quiet(peer, 1)
    peer.update_window(1, 2)
    frame = peer.wait(lambda frame: frame.type == DATA, "DATA")
    assert len(peer.answers[1].body) <= 12 and len(frame.payload) <= 2


def test_6_9_2_the_initial_window_does_not_change_that_of_the_connection(connect: Connect) -> None:
    peer = connect(settings={INITIAL_WINDOW_SIZE: 0})
    # Were it to count for the connection as well, this would be beyond 2^31-1.
    peer.update_window(0, LARGEST - 65_535)
    peer.send_frame(SETTINGS, 0, 0, settings_payload({INITIAL_WINDOW_SIZE: LARGEST}))
    peer.expect_alive()


def test_6_9_2_an_initial_window_that_overflows_a_stream_ends_the_connection(peer: Http2Connection) -> None:
    open_response(peer)
    peer.update_window(1, 100_000)
    peer.send_frame(SETTINGS, 0, 0, settings_payload({INITIAL_WINDOW_SIZE: LARGEST}))
    peer.expect_connection_error(FLOW_CONTROL_ERROR)
