# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""RFC 9113 section 6 but for 6.9, frame by frame on a real socket, in cleartext and in TLS.

Numbers in names are sections. Windows (6.9) are in test_http2_conformance_windows.py.
"""

import struct

import pytest

from harness.http2_fixtures import AUTHORIZED, Connect, connect, h2_origin, peer
from harness.http2_wire import (
    ACK, CONTINUATION, DATA, ENABLE_PUSH, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR, GOAWAY, HEADER_TABLE_SIZE, HEADERS, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, MAX_FRAME_SIZE,
    NO_ERROR, PADDED, PING, PRIORITIZED, PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE, RST_STREAM, SETTINGS,
    Http2Connection, frame_bytes, settings_payload,
)  # fmt: skip
from harness.waiting import DeadlinePassed

PUBLISH = "/channels/conformance/events"
BUSY = "/events?interval=10&size=256"
ENDLESS = "/events?interval=60000"
LARGEST = 2**31 - 1


def open_request(peer: Http2Connection, stream: int = 1, more=()) -> None:
    """The origin waits for the body of a publish."""
    peer.request(stream, PUBLISH, "POST", [*AUTHORIZED, *more], end_stream=False)


def open_response(peer: Http2Connection, stream: int = 1, path: str = ENDLESS) -> None:
    peer.request(stream, path)
    assert peer.wait_head(stream).status == 200


def quiet(peer: Http2Connection, stream: int) -> bool:
    """Whether the stream brings nothing while a busy one has something to say every 10 ms."""
    before = len(peer.answers[stream].body)
    try:
        peer.wait(lambda frame: frame.stream == stream and frame.payload, "DATA", 0.15)
    except DeadlinePassed:
        pass
    return len(peer.answers[stream].body) == before


# 6.1 DATA


def test_6_1_data_on_stream_0_ends_the_connection(peer: Http2Connection) -> None:
    peer.data(0, b"x")
    peer.expect_connection_error(PROTOCOL_ERROR)


@pytest.mark.parametrize("padding", [0, 1, 255])
def test_6_1_padding_is_no_part_of_the_body(peer: Http2Connection, padding: int) -> None:
    open_response(peer, 1, PUBLISH)
    open_request(peer, 3)
    peer.send_frame(DATA, PADDED | END_STREAM, 3, bytes([padding]) + b"seven b" + bytes(padding))
    assert peer.wait_answer(3).status == 201
    while b"data:" not in peer.answers[1].body:
        peer.read_frame()
    assert b"data: seven b\n" in peer.answers[1].body or b"data:seven b\n" in peer.answers[1].body


def test_6_1_a_frame_may_be_padding_alone(peer: Http2Connection) -> None:
    open_request(peer)
    peer.send_frame(DATA, PADDED, 1, b"\x04" + bytes(4))
    peer.data(1, b"and a body")
    assert peer.wait_answer(1).status == 201


@pytest.mark.parametrize("payload", [b"\x05abcd", b"\xffabc", b"\x01"])
def test_6_1_padding_as_long_as_the_payload_ends_the_connection(peer: Http2Connection, payload: bytes) -> None:
    open_request(peer)
    peer.send_frame(DATA, PADDED | END_STREAM, 1, payload)
    peer.expect_connection_error(PROTOCOL_ERROR)


def test_6_1_a_padded_frame_needs_a_pad_length(peer: Http2Connection) -> None:
    open_request(peer)
    peer.send_frame(DATA, PADDED | END_STREAM, 1)
    peer.expect_connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR)


def test_6_1_an_empty_frame_may_end_the_request(peer: Http2Connection) -> None:
    open_request(peer)
    peer.data(1, b"body", end_stream=False)
    peer.data(1)
    assert peer.wait_answer(1).status == 201


# 6.2 HEADERS


def test_6_2_headers_on_stream_0_end_the_connection(peer: Http2Connection) -> None:
    peer.request(0)
    peer.expect_connection_error(PROTOCOL_ERROR)


@pytest.mark.parametrize("padding", [0, 7, 255])
def test_6_2_headers_may_be_padded(peer: Http2Connection, padding: int) -> None:
    block = bytes([padding]) + peer.block(peer.fields()) + bytes(padding)
    peer.send_frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, block)
    assert peer.wait_answer(1).status == 200


@pytest.mark.parametrize("too_much", [0, 1, 100])
def test_6_2_padding_beyond_the_payload_ends_the_connection(peer: Http2Connection, too_much: int) -> None:
    block = peer.block(peer.fields())
    peer.send_frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, bytes([len(block) + 1 + too_much]) + block)
    peer.expect_connection_error(PROTOCOL_ERROR)


def test_6_2_headers_may_bring_a_priority(peer: Http2Connection) -> None:
    block = struct.pack(">IB", 0x8000_0000, 255) + peer.block(peer.fields())
    peer.send_frame(HEADERS, END_HEADERS | END_STREAM | PRIORITIZED, 1, block)
    assert peer.wait_answer(1).status == 200


def test_6_2_headers_may_bring_priority_and_padding(peer: Http2Connection) -> None:
    block = b"\x09" + struct.pack(">IB", 0, 15) + peer.block(peer.fields()) + bytes(9)
    peer.send_frame(HEADERS, END_HEADERS | END_STREAM | PRIORITIZED | PADDED, 1, block)
    assert peer.wait_answer(1).status == 200


@pytest.mark.parametrize("payload", [b"", b"\x00\x00\x00\x00"])
def test_6_2_a_priority_needs_five_octets(peer: Http2Connection, payload: bytes) -> None:
    peer.send_frame(HEADERS, END_HEADERS | END_STREAM | PRIORITIZED, 1, payload)
    peer.expect_connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR)


# 6.3 PRIORITY


def test_6_3_priority_on_stream_0_ends_the_connection(peer: Http2Connection) -> None:
    peer.send_frame(PRIORITY, 0, 0, struct.pack(">IB", 0, 15))
    peer.expect_connection_error(PROTOCOL_ERROR)


@pytest.mark.parametrize("length", [0, 4, 6])
def test_6_3_priority_of_other_than_five_octets_is_a_stream_error(peer: Http2Connection, length: int) -> None:
    open_response(peer)
    peer.send_frame(PRIORITY, 0, 1, bytes(length))
    peer.expect_stream_error(1, FRAME_SIZE_ERROR)


def test_6_3_priority_may_name_any_stream(peer: Http2Connection) -> None:
    open_response(peer)
    for stream, parent in [(1, 0x8000_0000), (1, 3), (3, 1), (999, 1)]:
        peer.send_frame(PRIORITY, 0, stream, struct.pack(">IB", parent, 7))
    peer.expect_alive()
    assert peer.answers[1].reset is None


# 6.4 RST_STREAM


def test_6_4_rst_stream_on_stream_0_ends_the_connection(peer: Http2Connection) -> None:
    peer.reset_stream(0)
    peer.expect_connection_error(PROTOCOL_ERROR)


@pytest.mark.parametrize("length", [0, 3, 5])
def test_6_4_rst_stream_of_other_than_four_octets_ends_the_connection(peer: Http2Connection, length: int) -> None:
    open_response(peer)
    peer.send_frame(RST_STREAM, 0, 1, bytes(length))
    peer.expect_connection_error(FRAME_SIZE_ERROR)


def test_6_4_nothing_comes_after_a_reset(peer: Http2Connection) -> None:
    open_response(peer, 1, BUSY)
    peer.reset_stream(1)
    peer.expect_alive()
    assert quiet(peer, 1)


# 6.5 SETTINGS


def test_6_5_each_settings_frame_is_acknowledged(peer: Http2Connection) -> None:
    for _ in range(5):
        peer.send_frame(SETTINGS, 0, 0)
    peer.expect_alive()
    assert sum(frame.type == SETTINGS and frame.has(ACK) and not frame.payload for frame in peer.control) == 6


def test_6_5_an_acknowledgement_with_payload_ends_the_connection(peer: Http2Connection) -> None:
    peer.send_frame(SETTINGS, ACK, 0, settings_payload({INITIAL_WINDOW_SIZE: 1}))
    peer.expect_connection_error(FRAME_SIZE_ERROR)


@pytest.mark.parametrize("flags", [0, ACK])
def test_6_5_settings_on_a_stream_end_the_connection(peer: Http2Connection, flags: int) -> None:
    peer.send_frame(SETTINGS, flags, 1)
    peer.expect_connection_error(PROTOCOL_ERROR)


@pytest.mark.parametrize("length", [1, 3, 5, 7])
def test_6_5_a_length_that_is_no_multiple_of_six_ends_the_connection(peer: Http2Connection, length: int) -> None:
    peer.send_frame(SETTINGS, 0, 0, bytes(length))
    peer.expect_connection_error(FRAME_SIZE_ERROR)


@pytest.mark.parametrize(
    "setting, value, code",
    [
        (ENABLE_PUSH, 2, PROTOCOL_ERROR),
        (ENABLE_PUSH, 2**32 - 1, PROTOCOL_ERROR),
        (INITIAL_WINDOW_SIZE, 2**31, FLOW_CONTROL_ERROR),
        (INITIAL_WINDOW_SIZE, 2**32 - 1, FLOW_CONTROL_ERROR),
        (MAX_FRAME_SIZE, 0, PROTOCOL_ERROR),
        (MAX_FRAME_SIZE, 2**14 - 1, PROTOCOL_ERROR),
        (MAX_FRAME_SIZE, 2**24, PROTOCOL_ERROR),
        (MAX_FRAME_SIZE, 2**32 - 1, PROTOCOL_ERROR),
    ],
)
def test_6_5_2_values_out_of_range_end_the_connection(
    peer: Http2Connection, setting: int, value: int, code: int
) -> None:
    peer.send_frame(SETTINGS, 0, 0, settings_payload({setting: value}))
    peer.expect_connection_error(code)


@pytest.mark.parametrize(
    "setting, value",
    [
        (HEADER_TABLE_SIZE, 0), (HEADER_TABLE_SIZE, 2**32 - 1), (ENABLE_PUSH, 0), (ENABLE_PUSH, 1),
        (MAX_CONCURRENT_STREAMS, 0), (MAX_CONCURRENT_STREAMS, 2**32 - 1), (INITIAL_WINDOW_SIZE, LARGEST),
        (MAX_FRAME_SIZE, 2**14), (MAX_FRAME_SIZE, 2**24 - 1), (6, 0), (6, 2**32 - 1),
    ],
)  # fmt: skip
def test_6_5_2_values_at_the_ends_of_their_range_are_taken(peer: Http2Connection, setting: int, value: int) -> None:
    peer.send_frame(SETTINGS, 0, 0, settings_payload({setting: value}))
    for stream in (1, 3, 5):
        peer.request(stream)
        answer = peer.wait_answer(stream)
        assert (answer.status, answer.reset) == (200, None)


def test_6_5_2_our_announcement_is_within_the_ranges(peer: Http2Connection) -> None:
    peer.expect_alive()
    announced = peer.server_settings
    assert announced.get(ENABLE_PUSH, 0) == 0, "a server must not announce push (section 6.5.2)"
    assert announced.get(INITIAL_WINDOW_SIZE, 65_535) <= LARGEST
    assert 2**14 <= announced.get(MAX_FRAME_SIZE, 2**14) <= 2**24 - 1
    assert announced[MAX_CONCURRENT_STREAMS] >= 100, "section 6.5.2 recommends no less than 100"


def test_6_5_3_settings_apply_in_the_order_of_the_frame(peer: Http2Connection) -> None:
    peer.send_frame(SETTINGS, 0, 0, settings_payload([(INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1)]))
    open_response(peer)
    frame = peer.wait(lambda frame: frame.type == DATA, "DATA")
    assert len(frame.payload) == 1
    assert quiet(peer, 1)


def test_6_5_3_a_smaller_header_table_is_honoured(connect: Connect) -> None:
    peer = connect(settings={HEADER_TABLE_SIZE: 0})
    # With a table of no octets every field that is not static comes as a literal, and none may refer to another.
    peer.decoder.max_allowed_table_size = 0
    for stream in (1, 3, 5):
        peer.request(stream)
        assert peer.wait_answer(stream).get("content-type"), "a field from a table that is not there"
    assert peer.decoder.header_table_size == 0


# 6.6 PUSH_PROMISE


def test_6_6_a_client_cannot_push(peer: Http2Connection) -> None:
    open_response(peer)
    peer.send_frame(PUSH_PROMISE, END_HEADERS, 1, struct.pack(">I", 2) + peer.block(peer.fields()))
    peer.expect_connection_error(PROTOCOL_ERROR)


# 6.7 PING


def test_6_7_ping_is_answered_with_its_payload(peer: Http2Connection) -> None:
    for opaque in (b"\x00" * 8, b"\xff" * 8, b"abcdefgh"):
        peer.send_frame(PING, 0, 0, opaque)
        frame = peer.wait(lambda frame: frame.type == PING, "PING")
        assert frame.has(ACK) and frame.payload == opaque, str(frame)


def test_6_7_an_acknowledgement_is_not_answered(peer: Http2Connection) -> None:
    peer.send_frame(PING, ACK, 0, b"not sent")
    peer.expect_alive()
    assert not any(frame.payload == b"not sent" for frame in peer.control)


@pytest.mark.parametrize("flags", [0, ACK])
def test_6_7_ping_on_a_stream_ends_the_connection(peer: Http2Connection, flags: int) -> None:
    peer.send_frame(PING, flags, 1, bytes(8))
    peer.expect_connection_error(PROTOCOL_ERROR)


@pytest.mark.parametrize("length", [0, 6, 7, 9])
def test_6_7_ping_of_other_than_eight_octets_ends_the_connection(peer: Http2Connection, length: int) -> None:
    peer.send_frame(PING, 0, 0, bytes(length))
    peer.expect_connection_error(FRAME_SIZE_ERROR)


# 6.8 GOAWAY


def test_6_8_goaway_on_a_stream_ends_the_connection(peer: Http2Connection) -> None:
    peer.send_frame(GOAWAY, 0, 1, bytes(8))
    peer.expect_connection_error(PROTOCOL_ERROR)


@pytest.mark.parametrize("length", [0, 4, 7])
def test_6_8_goaway_of_less_than_eight_octets_ends_the_connection(peer: Http2Connection, length: int) -> None:
    peer.send_frame(GOAWAY, 0, 0, bytes(length))
    peer.expect_connection_error(FRAME_SIZE_ERROR)


@pytest.mark.parametrize("code", [NO_ERROR, PROTOCOL_ERROR, 0xDEAD])
def test_6_8_streams_go_on_after_the_peers_goaway(peer: Http2Connection, code: int) -> None:
    open_response(peer, 1, BUSY)
    peer.send_frame(GOAWAY, 0, 0, struct.pack(">II", 0, code) + b"going, \x00\xff")
    before = len(peer.answers[1].body)
    while len(peer.answers[1].body) < before + 1_000:
        peer.read_frame()
    assert peer.answers[1].reset is None and not peer.answers[1].ended


# 6.10 CONTINUATION


@pytest.mark.parametrize("parts", [2, 3, 10])
def test_6_10_a_field_block_may_come_in_parts(peer: Http2Connection, parts: int) -> None:
    block = peer.block(peer.fields(more=[("x-filler", "y" * 100)]))
    size = len(block) // parts
    peer.send_frame(HEADERS, END_STREAM, 1, block[:size])
    for part in range(1, parts):
        last = part == parts - 1
        end = None if last else (part + 1) * size
        peer.send_frame(CONTINUATION, END_HEADERS if last else 0, 1, block[part * size : end])
    assert peer.wait_answer(1).status == 200


def test_6_10_parts_may_be_empty(peer: Http2Connection) -> None:
    block = peer.block(peer.fields())
    peer.send_frame(HEADERS, END_STREAM, 1)
    peer.send_frame(CONTINUATION, 0, 1)
    peer.send_frame(CONTINUATION, 0, 1, block)
    peer.send_frame(CONTINUATION, END_HEADERS, 1)
    assert peer.wait_answer(1).status == 200


@pytest.mark.parametrize("stream", [0, 1, 3])
def test_6_10_continuation_after_the_end_of_a_block_ends_the_connection(peer: Http2Connection, stream: int) -> None:
    open_request(peer)
    peer.send_frame(CONTINUATION, END_HEADERS, stream, b"\x82")
    peer.expect_connection_error(PROTOCOL_ERROR)


def test_6_10_continuation_after_data_ends_the_connection(peer: Http2Connection) -> None:
    open_request(peer)
    peer.data(1, b"x", end_stream=False)
    peer.send_frame(CONTINUATION, END_HEADERS, 1, b"\x82")
    peer.expect_connection_error(PROTOCOL_ERROR)


def test_6_10_continuation_on_stream_0_within_a_block_ends_the_connection(peer: Http2Connection) -> None:
    block = peer.block(peer.fields())
    peer.send_frame(HEADERS, END_STREAM, 1, block[:2])
    peer.send_frame(CONTINUATION, END_HEADERS, 0, block[2:])
    peer.expect_connection_error(PROTOCOL_ERROR)


@pytest.mark.parametrize("payload", [b"", b"\x00\x01a\x01b" * 1_000], ids=["empty", "full"])
def test_6_10_a_flood_of_continuations_is_cut(peer: Http2Connection, payload: bytes) -> None:
    flood = frame_bytes(CONTINUATION, 0, 1, payload) * 40
    peer.send(frame_bytes(HEADERS, END_STREAM, 1, peer.block(peer.fields())) + flood)
    peer.expect_connection_error(ENHANCE_YOUR_CALM)
