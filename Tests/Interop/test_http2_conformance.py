# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""RFC 9113 sections 3 to 5, as frames on a real socket, in cleartext and in TLS.

Numbers in names are sections. Sections 6 to 8 and HPACK are in the files beside this one.
"""

import struct

import pytest

from harness.http2_fixtures import AUTHORIZED, Connect, connect, h2_origin, peer
from harness.http2_wire import (
    ACK, CANCEL, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM, FRAME_SIZE_ERROR,
    GOAWAY, HEADERS, PING, PREFACE, PRIORITIZED, PRIORITY, PROTOCOL_ERROR, REFUSED_STREAM, RST_STREAM,
    SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, Http2Connection, frame_bytes,
)  # fmt: skip
from harness.wire import ConnectionEnded

PUBLISH = "/channels/conformance/events"
ENDLESS = "/events?interval=60000"


def open_request(peer: Http2Connection, stream: int = 1) -> None:
    """A stream in the state "open": its request has begun and the origin waits for the body."""
    peer.request(stream, PUBLISH, "POST", AUTHORIZED, end_stream=False)


def half_closed_remote(peer: Http2Connection, stream: int = 1) -> None:
    """A stream whose request is complete while its response goes on."""
    peer.request(stream, ENDLESS)
    assert peer.wait_head(stream).status == 200


def closed_by_both(peer: Http2Connection, stream: int = 1) -> None:
    peer.request(stream)
    answer = peer.wait_answer(stream)
    assert (answer.status, answer.reset) == (200, None)


def closed_by_reset(peer: Http2Connection, stream: int = 1) -> None:
    half_closed_remote(peer, stream)
    peer.reset_stream(stream)


# 3.4 HTTP/2 connection preface


def test_3_4_the_first_frame_of_the_server_is_settings(connect: Connect) -> None:
    peer = connect(preface=False)
    peer.send(PREFACE + frame_bytes(SETTINGS, 0, 0))
    first = peer.read_frame()
    assert first.type == SETTINGS and not first.has(ACK), str(first)


def test_3_4_a_request_may_follow_the_preface_at_once(connect: Connect) -> None:
    peer = connect(preface=False)
    block = peer.block(peer.fields())
    peer.send(PREFACE + frame_bytes(SETTINGS, 0, 0) + frame_bytes(HEADERS, END_HEADERS | END_STREAM, 1, block))
    assert peer.wait_answer(1).status == 200


def test_3_4_a_preface_may_come_octet_by_octet(connect: Connect) -> None:
    peer = connect(preface=False)
    for octet in PREFACE + frame_bytes(SETTINGS, 0, 0):
        peer.send(bytes([octet]))
    peer.wait(lambda frame: frame.type == SETTINGS and frame.has(ACK), "an acknowledgement")
    peer.expect_alive()


@pytest.mark.parametrize("position", [0, 10, 15, 18, 23])
def test_3_4_a_wrong_preface_ends_the_connection(connect: Connect, position: int) -> None:
    peer = connect(preface=False)
    wrong = bytearray(PREFACE)
    wrong[position] ^= 0x01
    peer.send(bytes(wrong) + frame_bytes(SETTINGS, 0, 0))
    try:
        while b"HTTP/1.1 400" not in peer._buffer:
            if peer.read_frame().type == GOAWAY:
                break
    except ConnectionEnded as end:
        assert b"HTTP/1.1 4" in end.args[0].encode() or not end.reset, end


@pytest.mark.parametrize(
    "frame",
    [
        frame_bytes(PING, 0, 0, bytes(8)),
        frame_bytes(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)),
        frame_bytes(SETTINGS, ACK, 0),
        frame_bytes(0xF0, 0, 0, b"unknown"),
        frame_bytes(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x86\x84\x41\x01a"),
        frame_bytes(GOAWAY, 0, 0, bytes(8)),
    ],
    ids=["ping", "window_update", "settings_ack", "unknown", "headers", "goaway"],
)
def test_3_4_a_first_frame_other_than_settings_ends_the_connection(connect: Connect, frame: bytes) -> None:
    peer = connect(preface=False)
    peer.send(PREFACE + frame)
    peer.expect_connection_error(PROTOCOL_ERROR)


# 4.1 Frame format, 4.2 Frame size


@pytest.mark.parametrize("type", [0x0A, 0x0C, 0x10, 0x20, 0xFF])
@pytest.mark.parametrize("stream", [0, 1, 9])
def test_4_1_unknown_frame_types_are_ignored(peer: Http2Connection, type: int, stream: int) -> None:
    half_closed_remote(peer)
    peer.send_frame(type, 0xFF, stream, b"whatever it is")
    peer.expect_alive()


def test_4_1_undefined_flags_are_ignored(peer: Http2Connection) -> None:
    peer.send_frame(SETTINGS, 0xFE, 0)
    peer.send_frame(WINDOW_UPDATE, 0xFF, 0, struct.pack(">I", 1))
    peer.send_frame(PING, 0xFE, 0, b"12345678")
    peer.wait(lambda frame: frame.type == PING and frame.payload == b"12345678", "an answered PING")
    peer.send_frame(HEADERS, 0x40 | 0x80 | 0x02 | 0x10 | END_HEADERS | END_STREAM, 1, peer.block(peer.fields()))
    assert peer.wait_answer(1).status == 200


def test_4_1_the_reserved_bit_is_ignored(peer: Http2Connection) -> None:
    peer.send_frame(PING, 0, 0x8000_0000, b"12345678")
    peer.wait(lambda frame: frame.type == PING and frame.payload == b"12345678", "an answered PING")
    peer.send_frame(HEADERS, END_HEADERS | END_STREAM, 0x8000_0001, peer.block(peer.fields()))
    assert peer.wait_answer(1).status == 200


def test_4_1_frames_may_come_octet_by_octet(peer: Http2Connection) -> None:
    for octet in frame_bytes(HEADERS, END_HEADERS | END_STREAM, 1, peer.block(peer.fields())):
        peer.send(bytes([octet]))
    assert peer.wait_answer(1).status == 200


def test_4_2_a_frame_of_2_to_the_14_octets_is_accepted(peer: Http2Connection) -> None:
    open_request(peer)
    peer.data(1, b"x" * 16_384)
    assert peer.wait_answer(1).status == 201


def test_4_2_a_larger_data_frame_is_an_error(peer: Http2Connection) -> None:
    open_request(peer)
    peer.data(1, b"x" * 16_385)
    peer.expect_connection_error(FRAME_SIZE_ERROR)


@pytest.mark.parametrize("type, stream", [(HEADERS, 1), (SETTINGS, 0), (PING, 0), (GOAWAY, 0), (0xF0, 0)])
def test_4_2_a_larger_frame_ends_the_connection(peer: Http2Connection, type: int, stream: int) -> None:
    peer.send_frame(type, END_HEADERS if type == HEADERS else 0, stream, bytes(16_386))
    peer.expect_connection_error(FRAME_SIZE_ERROR)


def test_4_2_its_header_alone_ends_the_connection(peer: Http2Connection) -> None:
    peer.send(frame_bytes(DATA, 0, 1, bytes(16_385))[:9])
    peer.expect_connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR)


def test_4_2_our_frames_stay_within_the_peers_maximum(connect: Connect) -> None:
    peer = connect(settings={4: 1_000_000})
    peer.update_window(0, 1_000_000)
    peer.request(1, "/events?interval=10&size=65536&duration=1")
    largest = 0
    while len(peer.answers.get(1).body if 1 in peer.answers else b"") < 200_000:
        largest = max(largest, len(peer.read_frame().payload))
    assert largest <= 16_384


# 4.3 Field section compression


@pytest.mark.parametrize(
    "between",
    [
        frame_bytes(PRIORITY, 0, 1, struct.pack(">IB", 0, 15)),
        frame_bytes(PING, 0, 0, bytes(8)),
        frame_bytes(SETTINGS, 0, 0),
        frame_bytes(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)),
        frame_bytes(DATA, 0, 1, b"x"),
        frame_bytes(RST_STREAM, 0, 1, struct.pack(">I", CANCEL)),
        frame_bytes(GOAWAY, 0, 0, bytes(8)),
        frame_bytes(HEADERS, END_HEADERS | END_STREAM, 3, b"\x82"),
        frame_bytes(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82"),
        frame_bytes(0xF0, 0, 1, b"unknown"),
        frame_bytes(CONTINUATION, END_HEADERS, 3, b"\x82"),
    ],
    ids=[
        "priority", "ping", "settings", "window_update", "data", "rst_stream", "goaway", "headers_of_another",
        "headers", "unknown", "continuation_of_another",
    ],
)  # fmt: skip
def test_4_3_nothing_may_interrupt_a_field_block(peer: Http2Connection, between: bytes) -> None:
    block = peer.block(peer.fields())
    peer.send(frame_bytes(HEADERS, END_STREAM, 1, block[:3]) + between)
    peer.expect_connection_error(PROTOCOL_ERROR)


@pytest.mark.parametrize("end", [END_HEADERS | END_STREAM, END_HEADERS])
def test_4_3_an_undecodable_field_block_ends_the_connection(peer: Http2Connection, end: int) -> None:
    # A literal whose name is said to be longer than the block.
    peer.send_frame(HEADERS, end, 1, b"\x82\x86\x84\x40\x7eab")
    peer.expect_connection_error(COMPRESSION_ERROR)


def test_4_3_a_block_of_a_refused_or_closed_stream_still_counts_for_the_table(peer: Http2Connection) -> None:
    closed_by_reset(peer)
    # The stream is gone, and its block enters a field into the table that the next request refers to.
    name = ("x-entered-late", "yes")
    peer.send_frame(HEADERS, END_HEADERS | END_STREAM, 1, peer.block([name]))
    peer.request(3, more=[name])
    assert peer.wait_answer(3).status == 200


# 5.1 Stream states


@pytest.mark.parametrize(
    "frame",
    [
        frame_bytes(DATA, END_STREAM, 1, b"x"),
        frame_bytes(RST_STREAM, 0, 1, struct.pack(">I", CANCEL)),
        frame_bytes(WINDOW_UPDATE, 0, 1, struct.pack(">I", 100)),
        frame_bytes(CONTINUATION, END_HEADERS, 1, b"\x82"),
    ],
    ids=["data", "rst_stream", "window_update", "continuation"],
)
@pytest.mark.parametrize("before", [False, True], ids=["fresh", "above_others"])
def test_5_1_idle_takes_headers_and_priority_only(peer: Http2Connection, frame: bytes, before: bool) -> None:
    if before:
        closed_by_both(peer)
        frame = frame[:5] + struct.pack(">I", 7) + frame[9:]
    peer.send(frame)
    peer.expect_connection_error(PROTOCOL_ERROR)


def test_5_1_idle_priority_does_not_open_a_stream(peer: Http2Connection) -> None:
    peer.send_frame(PRIORITY, 0, 9, struct.pack(">IB", 0, 200))
    peer.request(1)
    assert peer.wait_answer(1).status == 200


@pytest.mark.parametrize("type", [DATA, HEADERS], ids=["data", "headers"])
def test_5_1_half_closed_remote_takes_no_more_request(peer: Http2Connection, type: int) -> None:
    half_closed_remote(peer)
    payload = peer.block([("x-late", "1")]) if type == HEADERS else b"late"
    peer.send_frame(type, END_HEADERS | END_STREAM if type == HEADERS else END_STREAM, 1, payload)
    peer.expect_stream_error(1, STREAM_CLOSED)


def test_5_1_half_closed_remote_continuation_is_an_error(peer: Http2Connection) -> None:
    half_closed_remote(peer)
    peer.send_frame(CONTINUATION, END_HEADERS, 1, peer.block([("x-late", "1")]))
    peer.expect_connection_error(PROTOCOL_ERROR, STREAM_CLOSED)


def test_5_1_half_closed_remote_takes_window_update_and_priority(peer: Http2Connection) -> None:
    half_closed_remote(peer)
    peer.update_window(1, 1_000)
    peer.send_frame(PRIORITY, 0, 1, struct.pack(">IB", 0, 15))
    peer.expect_alive()
    assert peer.answers[1].reset is None


def test_5_1_half_closed_remote_takes_rst_stream(peer: Http2Connection) -> None:
    closed_by_reset(peer)
    peer.expect_alive()
    assert peer.answers[1].reset is None, "RST_STREAM answered with RST_STREAM"


@pytest.mark.parametrize("type", [DATA, HEADERS], ids=["data", "headers"])
def test_5_1_closed_by_reset_takes_no_request(peer: Http2Connection, type: int) -> None:
    closed_by_reset(peer)
    payload = peer.block([("x-late", "1")]) if type == HEADERS else b"late"
    peer.send_frame(type, END_HEADERS | END_STREAM if type == HEADERS else END_STREAM, 1, payload)
    frame = peer.wait(lambda frame: frame.type in (RST_STREAM, GOAWAY), "STREAM_CLOSED")
    assert frame.code == STREAM_CLOSED, str(frame)


@pytest.mark.parametrize("type", [DATA, HEADERS], ids=["data", "headers"])
def test_5_1_closed_by_both_ends_the_connection(peer: Http2Connection, type: int) -> None:
    closed_by_both(peer)
    payload = peer.block([("x-late", "1")]) if type == HEADERS else b"late"
    peer.send_frame(type, END_HEADERS | END_STREAM if type == HEADERS else END_STREAM, 1, payload)
    frame = peer.wait(lambda frame: frame.type in (RST_STREAM, GOAWAY), "STREAM_CLOSED")
    assert frame.code == STREAM_CLOSED, str(frame)


@pytest.mark.parametrize("how", [closed_by_both, closed_by_reset])
def test_5_1_closed_continuation_is_an_error(peer: Http2Connection, how) -> None:
    how(peer)
    peer.send_frame(CONTINUATION, END_HEADERS, 1, peer.block([("x-late", "1")]))
    peer.expect_connection_error(PROTOCOL_ERROR, STREAM_CLOSED)


@pytest.mark.parametrize("how", [closed_by_both, closed_by_reset])
def test_5_1_closed_takes_what_may_have_been_on_its_way(peer: Http2Connection, how) -> None:
    how(peer)
    peer.send_frame(PRIORITY, 0, 1, struct.pack(">IB", 0, 15))
    peer.update_window(1, 100)
    peer.reset_stream(1)
    peer.expect_alive()
    peer.request(3)
    assert peer.wait_answer(3).status == 200


# 5.1.1 Stream identifiers, 5.1.2 Stream concurrency


@pytest.mark.parametrize("stream", [2, 4_000])
def test_5_1_1_even_identifiers_end_the_connection(peer: Http2Connection, stream: int) -> None:
    peer.request(stream)
    peer.expect_connection_error(PROTOCOL_ERROR)


def test_5_1_1_a_smaller_identifier_ends_the_connection(peer: Http2Connection) -> None:
    closed_by_both(peer, 5)
    peer.request(3)
    peer.expect_connection_error(PROTOCOL_ERROR)


def test_5_1_1_identifiers_may_be_skipped(peer: Http2Connection) -> None:
    for stream in (1, 9, 2**31 - 1):
        peer.request(stream)
        assert peer.wait_answer(stream).status == 200


def test_5_1_2_streams_above_the_maximum_are_refused_alone(peer: Http2Connection) -> None:
    peer.expect_alive()
    maximum = peer.server_settings[3]
    for first in range(0, maximum + 2, 500):
        batch = [
            frame_bytes(HEADERS, END_HEADERS, 2 * index + 1, peer.block(peer.fields("POST", PUBLISH, AUTHORIZED)))
            for index in range(first, min(first + 500, maximum + 2))
        ]
        peer.send(b"".join(batch))
    for excess in (2 * maximum + 1, 2 * maximum + 3):
        assert peer.wait_answer(excess).reset == REFUSED_STREAM
    peer.expect_alive()
    # A refused stream leaves room as soon as another has ended.
    peer.reset_stream(1)
    peer.request(2 * maximum + 5)
    assert peer.wait_answer(2 * maximum + 5).status == 200


# 5.3.1 of RFC 7540: dependencies


@pytest.mark.parametrize("how", ["headers", "priority"])
def test_5_3_1_a_stream_cannot_depend_on_itself(peer: Http2Connection, how: str) -> None:
    itself = struct.pack(">IB", 1, 15)
    if how == "headers":
        block = itself + peer.block(peer.fields())
        peer.send_frame(HEADERS, END_HEADERS | END_STREAM | PRIORITIZED, 1, block)
    else:
        half_closed_remote(peer)
        peer.send_frame(PRIORITY, 0, 1, itself)
    peer.expect_stream_error(1, PROTOCOL_ERROR)


# 5.4 Error handling


def test_5_4_1_a_connection_error_is_said_before_the_connection_ends(peer: Http2Connection) -> None:
    closed_by_both(peer, 7)
    peer.send_frame(PING, 0, 0, b"short")
    assert peer.expect_connection_error(FRAME_SIZE_ERROR).last_stream == 7


def test_5_4_1_a_connection_error_ends_open_streams(peer: Http2Connection, h2_origin) -> None:
    half_closed_remote(peer)
    stream = peer.answers[1].get("x-sse-stream")
    peer.send_frame(SETTINGS, 0, 1)
    peer.expect_connection_error(PROTOCOL_ERROR)
    assert h2_origin.wait_closed(stream)["reason"] == "protocol_error"


def test_5_4_2_a_stream_error_leaves_the_others(peer: Http2Connection) -> None:
    half_closed_remote(peer, 1)
    open_request(peer, 3)
    peer.update_window(3, 0)
    peer.expect_stream_error(3, PROTOCOL_ERROR)
    assert peer.answers[1].reset is None
    open_request(peer, 5)
    peer.data(5, b"after it")
    assert peer.wait_answer(5).status == 201


# 5.5 Extending


def test_5_5_unknown_settings_are_ignored(connect: Connect) -> None:
    connect(settings={0xF0: 1, 0x0A0A: 2**32 - 1}).expect_alive()
