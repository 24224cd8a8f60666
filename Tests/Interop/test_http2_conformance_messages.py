# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""RFC 9113 sections 7 and 8, and HPACK (RFC 7541), on a real socket, in cleartext and in TLS."""

import struct

import pytest

from harness.http2_fixtures import AUTHORIZED, connect, h2_origin, peer
from harness.http2_wire import (
    COMPRESSION_ERROR, CONTINUATION, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PROTOCOL_ERROR, RST_STREAM,
    Http2Connection,
)  # fmt: skip

PUBLISH = "/channels/conformance/events"
ENDLESS = "/events?interval=60000"


def open_request(peer: Http2Connection, more=(), stream: int = 1) -> None:
    peer.request(stream, PUBLISH, "POST", [*AUTHORIZED, *more], end_stream=False)


def send_fields(peer: Http2Connection, fields, stream: int = 1, end_stream: bool = True) -> None:
    """A field section of the test's making; literals alone, so that a name is sent as it is."""
    block = b"".join(b"\x00" + text(name) + text(value) for name, value in fields)
    peer.send_frame(HEADERS, END_HEADERS | (END_STREAM if end_stream else 0), stream, block)


def text(value: str) -> bytes:
    """A string literal without Huffman code (RFC 7541 section 5.2), of less than 127 octets."""
    octets = value.encode("latin-1")
    assert len(octets) < 127
    return bytes([len(octets)]) + octets


def four(peer: Http2Connection, **other: str | None) -> list[tuple[str, str]]:
    """The pseudo-header fields of a correct request, with some replaced, or left out by None."""
    given = {"method": "GET", "scheme": peer.scheme, "path": "/healthz", "authority": peer.authority, **other}
    return [(f":{name}", value) for name, value in given.items() if value is not None]


# 7 Error codes


@pytest.mark.parametrize("code", [0x0E, 0xFF, 2**32 - 1])
def test_7_unknown_error_codes_are_as_good_as_others(peer: Http2Connection, code: int, h2_origin) -> None:
    peer.request(1, ENDLESS)
    stream = peer.wait_head(1).get("x-sse-stream")
    peer.reset_stream(1, code)
    peer.expect_alive()
    assert h2_origin.wait_closed(stream)["reason"] == "client_closed"


@pytest.mark.parametrize("code", [0x0E, 2**32 - 1])
def test_7_unknown_error_codes_of_goaway_are_as_good_as_others(peer: Http2Connection, code: int) -> None:
    peer.send_frame(GOAWAY, 0, 0, struct.pack(">II", 0, code))
    peer.request(1)
    assert peer.wait_answer(1).status == 200


# 8.1 Message framing


def test_8_1_a_second_field_section_must_end_the_stream(peer: Http2Connection) -> None:
    open_request(peer)
    peer.data(1, b"x", end_stream=False)
    peer.send_frame(HEADERS, END_HEADERS, 1, peer.block([("x-trailer", "1")]))
    peer.expect_stream_error(1, PROTOCOL_ERROR)


def test_8_1_trailers_end_a_request(peer: Http2Connection) -> None:
    open_request(peer)
    peer.data(1, b"with trailers", end_stream=False)
    peer.send_frame(HEADERS, END_HEADERS | END_STREAM, 1, peer.block([("x-trailer", "1")]))
    assert peer.wait_answer(1).status == 201


def test_8_1_trailers_may_come_in_parts(peer: Http2Connection) -> None:
    open_request(peer)
    peer.data(1, b"with trailers", end_stream=False)
    block = peer.block([("x-trailer", "1")])
    peer.send_frame(HEADERS, END_STREAM, 1, block[:2])
    peer.send_frame(CONTINUATION, END_HEADERS, 1, block[2:])
    assert peer.wait_answer(1).status == 201


@pytest.mark.parametrize("field", [(":method", "GET"), (":status", "200"), ("X-Upper", "1"), ("connection", "close")])
def test_8_1_malformed_trailers_are_a_stream_error(peer: Http2Connection, field: tuple[str, str]) -> None:
    open_request(peer)
    peer.data(1, b"x", end_stream=False)
    send_fields(peer, [field])
    peer.expect_stream_error(1, PROTOCOL_ERROR)


@pytest.mark.parametrize("length", [1, 9, 11])
@pytest.mark.parametrize("frames", [1, 2])
def test_8_1_1_content_length_must_match_the_body(peer: Http2Connection, length: int, frames: int) -> None:
    open_request(peer, [("content-length", str(length))])
    if frames == 2:
        peer.data(1, b"01234", end_stream=False)
    peer.data(1, b"0123456789"[5 if frames == 2 else 0 :])
    peer.expect_stream_error(1, PROTOCOL_ERROR)


def test_8_1_1_a_matching_content_length_is_taken(peer: Http2Connection) -> None:
    open_request(peer, [("content-length", "10")])
    peer.data(1, b"01234", end_stream=False)
    peer.data(1, b"56789")
    assert peer.wait_answer(1).status == 201


def test_8_1_1_trailers_before_the_body_is_complete_are_a_stream_error(peer: Http2Connection) -> None:
    open_request(peer, [("content-length", "10")])
    peer.data(1, b"01234", end_stream=False)
    peer.send_frame(HEADERS, END_HEADERS | END_STREAM, 1, peer.block([("x-trailer", "1")]))
    peer.expect_stream_error(1, PROTOCOL_ERROR)


@pytest.mark.parametrize("lengths", [["1"], ["-1"], ["ten"], ["0", "1"], ["0x0"], ["18446744073709551616"], [""]])
def test_8_1_1_a_request_without_body_has_no_other_content_length(peer: Http2Connection, lengths: list[str]) -> None:
    send_fields(peer, four(peer) + [("content-length", length) for length in lengths])
    peer.expect_stream_error(1, PROTOCOL_ERROR)


# 8.2 Fields


@pytest.mark.parametrize(
    "name",
    ["X-Upper", "x-Upper", "x y", "x\ty", "x\x00y", "x\ny", "x\ry", "x\x7fy", "x\x80y", "x\xffy", "x:y", " x"],
)
def test_8_2_1_malformed_names_are_a_stream_error(peer: Http2Connection, name: str) -> None:
    send_fields(peer, [*four(peer), (name, "1")])
    peer.expect_stream_error(1, PROTOCOL_ERROR)


def test_8_2_1_an_empty_name_is_an_error(peer: Http2Connection) -> None:
    send_fields(peer, [*four(peer), ("", "1")])
    # Section 5.4.2 lets a stream error cost the connection.
    frame = peer.wait(lambda frame: frame.type in (RST_STREAM, GOAWAY), "an error")
    assert frame.code in (PROTOCOL_ERROR, COMPRESSION_ERROR), str(frame)


@pytest.mark.parametrize("value", ["a\x00b", "a\nb", "a\rb", "a\r\nx: y", " a", "a ", "\ta", "a\t"])
def test_8_2_1_malformed_values_are_a_stream_error(peer: Http2Connection, value: str) -> None:
    send_fields(peer, [*four(peer), ("x-value", value)])
    peer.expect_stream_error(1, PROTOCOL_ERROR)


@pytest.mark.parametrize("value", ["", "a b", "a\tb", "\x80\xff", "!#$%&'*+-.^_`|~(),/:;<=>?@[\\]{}\""])
def test_8_2_1_other_values_are_taken(peer: Http2Connection, value: str) -> None:
    send_fields(peer, [*four(peer), ("x-value", value)])
    assert peer.wait_answer(1).status == 200


@pytest.mark.parametrize(
    "field",
    [
        ("connection", "keep-alive"), ("connection", "close"), ("proxy-connection", "keep-alive"),
        ("keep-alive", "timeout=5"), ("transfer-encoding", "chunked"), ("upgrade", "websocket"),
        ("te", "gzip"), ("te", "trailers, deflate;q=0.5"),
    ],
)  # fmt: skip
def test_8_2_2_fields_about_a_connection_are_a_stream_error(peer: Http2Connection, field: tuple[str, str]) -> None:
    send_fields(peer, [*four(peer), field])
    peer.expect_stream_error(1, PROTOCOL_ERROR)


def test_8_2_2_te_may_say_trailers(peer: Http2Connection) -> None:
    send_fields(peer, [*four(peer), ("te", "trailers")])
    assert peer.wait_answer(1).status == 200


def test_8_2_3_cookies_may_come_in_crumbs(peer: Http2Connection) -> None:
    send_fields(peer, [*four(peer), ("cookie", "a=b"), ("cookie", "c=d"), ("cookie", "e=f")])
    assert peer.wait_answer(1).status == 200


# 8.3 Control data


def test_8_3_pseudo_header_fields_come_first(peer: Http2Connection) -> None:
    send_fields(peer, [*four(peer)[:3], ("x-regular", "1"), (":authority", peer.authority)])
    peer.expect_stream_error(1, PROTOCOL_ERROR)


@pytest.mark.parametrize("name", [":status", ":protocol", ":test", ":", ":Method"])
def test_8_3_other_pseudo_header_fields_are_a_stream_error(peer: Http2Connection, name: str) -> None:
    send_fields(peer, [*four(peer), (name, "200")])
    peer.expect_stream_error(1, PROTOCOL_ERROR)


@pytest.mark.parametrize("name", [":method", ":scheme", ":path", ":authority"])
def test_8_3_1_each_comes_once(peer: Http2Connection, name: str) -> None:
    send_fields(peer, [*four(peer), (name, dict(four(peer))[name])])
    peer.expect_stream_error(1, PROTOCOL_ERROR)


@pytest.mark.parametrize("missing", ["method", "scheme", "path"])
def test_8_3_1_none_is_missing(peer: Http2Connection, missing: str) -> None:
    send_fields(peer, four(peer, **{missing: None}))
    peer.expect_stream_error(1, PROTOCOL_ERROR)


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": ""}, {"path": "healthz"}, {"path": "*"}, {"path": "/a b"}, {"path": "/a\x00"}, {"method": ""},
        {"method": "G ET"}, {"method": "GET\r\n"}, {"scheme": ""}, {"scheme": "ht tp"}, {"authority": "user@host"},
        {"authority": "a b"}, {"authority": "host/path"},
    ],
    ids=lambda wrong: "=".join(*wrong.items()).encode("unicode_escape").decode(),
)  # fmt: skip
def test_8_3_1_malformed_control_data_is_a_stream_error(peer: Http2Connection, wrong: dict[str, str]) -> None:
    send_fields(peer, four(peer, **wrong))
    peer.expect_stream_error(1, PROTOCOL_ERROR)


def test_8_3_1_host_stands_in_for_authority(peer: Http2Connection) -> None:
    send_fields(peer, [*four(peer, authority=None), ("host", peer.authority)])
    assert peer.wait_answer(1).status == 200


def test_8_3_1_host_must_agree_with_authority(peer: Http2Connection) -> None:
    send_fields(peer, [*four(peer), ("host", "elsewhere.example")])
    peer.expect_stream_error(1, PROTOCOL_ERROR)


def test_8_3_1_options_may_ask_for_the_whole_server(peer: Http2Connection) -> None:
    send_fields(peer, four(peer, method="OPTIONS", path="*"))
    assert peer.wait_answer(1).status is not None


def test_8_3_2_each_answer_has_one_status_and_it_comes_first(peer: Http2Connection) -> None:
    for stream, path in [(1, "/healthz"), (3, "/nothing/here"), (5, "/events?interval=0")]:
        peer.request(stream, path)
        fields = peer.wait_answer(stream).fields
        assert fields[0][0] == ":status" and [name[0] for name, _ in fields].count(":") == 1
        assert all(name == name.lower() for name, _ in fields)
        forbidden = {"connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection"}
        assert not forbidden & {name for name, _ in fields}, fields


# 8.5 The CONNECT method


@pytest.mark.parametrize("kept", [["scheme"], ["path"], ["scheme", "path"]])
def test_8_5_connect_has_neither_scheme_nor_path(peer: Http2Connection, kept: list[str]) -> None:
    left_out = {name: None for name in ("scheme", "path") if name not in kept}
    send_fields(peer, four(peer, method="CONNECT", **left_out))
    peer.expect_stream_error(1, PROTOCOL_ERROR)


def test_8_5_connect_is_refused_by_an_answer(peer: Http2Connection) -> None:
    send_fields(peer, four(peer, method="CONNECT", scheme=None, path=None), end_stream=False)
    assert 400 <= peer.wait_head(1).status < 600
    peer.expect_alive()


# HPACK

PREFIX = b"\x82\x86\x84\x41\x01a"  # GET http / a


def send_block(peer: Http2Connection, block: bytes, stream: int = 1) -> None:
    peer.send_frame(HEADERS, END_HEADERS | END_STREAM, stream, block)


@pytest.mark.parametrize(
    "block",
    [
        PREFIX + b"\x80",
        PREFIX + b"\xbf",
        PREFIX + b"\xc6",
        PREFIX + b"\xff\x80\x01",
        PREFIX + b"\x7f\x00\x01a",
        PREFIX + b"\x0f\xff\x01\x01a",
    ],
    ids=["index_0", "first_dynamic", "index_70", "index_255", "literal_of_63", "literal_of_142"],
)
def test_hpack_2_3_3_and_6_1_references_to_nothing(peer: Http2Connection, block: bytes) -> None:
    send_block(peer, block)
    peer.expect_connection_error(COMPRESSION_ERROR)


@pytest.mark.parametrize("position", [3, 6], ids=["among_fields", "at_the_end"])
def test_hpack_4_2_a_size_update_after_a_field(peer: Http2Connection, position: int) -> None:
    send_block(peer, PREFIX[:position] + b"\x20" + PREFIX[position:])
    peer.expect_connection_error(COMPRESSION_ERROR)


@pytest.mark.parametrize("updates", [b"\x20", b"\x3f\xe1\x1f", b"\x20\x3f\xe1\x1f"], ids=["0", "4096", "0_and_4096"])
def test_hpack_4_2_size_updates_before_the_first_field(peer: Http2Connection, updates: bytes) -> None:
    send_block(peer, updates + PREFIX)
    assert peer.wait_answer(1).status is not None
    peer.expect_alive()


@pytest.mark.parametrize("octets", [5, 9, 10, 30])
def test_hpack_5_1_integers_that_overflow(peer: Http2Connection, octets: int) -> None:
    send_block(peer, PREFIX + b"\xff" + b"\xff" * octets + b"\x7f")
    peer.expect_connection_error(COMPRESSION_ERROR)


@pytest.mark.parametrize("block", [b"\x40", b"\x40\x0a", b"\xff", b"\x40\x01a\x7f", b"\x41\x0aab", b"\x3f\xff"])
def test_hpack_5_1_and_5_2_blocks_cut_short(peer: Http2Connection, block: bytes) -> None:
    send_block(peer, PREFIX + block)
    peer.expect_connection_error(COMPRESSION_ERROR)


@pytest.mark.parametrize(
    "coded",
    [
        b"\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff",
        b"\x85\xf2\xb2\x4a\x84\xff\x83\x49\x50\x90",
        b"\x85\xf2\xb2\x4a\x84\xff\x87\x49\x51\xff\xff\xff\xfa\x7f",
    ],
    ids=["padding_above_7_bits", "padding_of_zeroes", "end_of_string"],
)
def test_hpack_5_2_wrong_huffman_codes(peer: Http2Connection, coded: bytes) -> None:
    send_block(peer, PREFIX + b"\x00" + coded)
    peer.expect_connection_error(COMPRESSION_ERROR)


def test_hpack_5_2_huffman_codes_are_taken(peer: Http2Connection) -> None:
    fields = peer.fields(more=[("x-huffman", "".join(chr(code) for code in range(0x21, 0x7F)))])
    send_block(peer, peer.encoder.encode(fields, huffman=True))
    assert peer.wait_answer(1).status == 200


@pytest.mark.parametrize("size", [4_097, 65_536, 2**31 - 1])
def test_hpack_6_3_a_size_update_above_the_setting(peer: Http2Connection, size: int) -> None:
    rest, coded = size - 31, b"\x3f"
    while rest >= 128:
        coded, rest = coded + bytes([rest % 128 | 128]), rest // 128
    send_block(peer, coded + bytes([rest]) + PREFIX)
    peer.expect_connection_error(COMPRESSION_ERROR)


def test_hpack_2_3_2_the_table_lasts_across_requests(peer: Http2Connection) -> None:
    peer.request(1, PUBLISH, "POST", AUTHORIZED, end_stream=False)
    peer.data(1, b"one")
    assert peer.wait_answer(1).status == 201
    # All of it from the table now, and among it the token without which this were a 401.
    block = peer.block(peer.fields("POST", PUBLISH, AUTHORIZED))
    assert len(block) < 12
    peer.send_frame(HEADERS, END_HEADERS, 3, block)
    peer.data(3, b"two")
    assert peer.wait_answer(3).status == 201


def test_hpack_4_4_entries_are_evicted_as_the_client_evicts_them(peer: Http2Connection) -> None:
    for number in range(60):
        # Each list is entered whole, so that the table turns over many times.
        more = [*AUTHORIZED, (f"x-{number}", "v" * (number * 7 % 300)), ("x-same", str(number // 9))]
        stream = 2 * number + 1
        peer.request(stream, PUBLISH, "POST", more, end_stream=False)
        peer.data(stream, b"x")
        assert peer.wait_answer(stream).status == 201


def test_what_differs_in_each_response_is_kept_out_of_the_clients_table(peer: Http2Connection) -> None:
    for number in range(5):
        peer.request(2 * number + 1, ENDLESS)
        peer.wait(lambda frame: frame.type == HEADERS, "the head of a stream")
    names = [name.decode() for name, _ in peer.decoder.header_table.dynamic_entries]
    assert "cache-control" in names, names
    assert len(names) == len(set(names)), "a field whose value changes is entered again and again"
    own = [name for name in names if name.startswith("x-sse-") or name in ("traceparent", "server-timing", "date")]
    assert not own, own
