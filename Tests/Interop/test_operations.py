# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""What an operator relies on: readiness, the ready file, who the peer is, lifetimes, slow consumers, logs."""

import itertools
import json
import socket
import struct

import pytest

from harness.origin import Origin
from harness.waiting import wait_until
from harness.wire import ConnectionEnded, WireConnection


def only_stream(origin) -> dict:
    (stream,) = origin.wait_active(1)["streams"]
    return stream


# Health


def test_health_and_readiness_on_the_admin_listener(origin):
    assert origin.request("GET", "/healthz")[0] == 200
    assert origin.request("GET", "/readyz")[0] == 200
    assert origin.request("HEAD", "/healthz")[0] == 200


def test_a_full_origin_is_not_ready_and_recovers(start_origin):
    origin = start_origin("--max-streams", "1")
    with WireConnection.to(origin.url) as client:
        client.open_stream("/channels/a/events")
        wait_until(lambda: origin.request("GET", "/readyz")[0] == 503, "not ready over its limit", timeout=3)
        assert origin.request("GET", "/healthz")[0] == 200
    wait_until(lambda: origin.request("GET", "/readyz")[0] == 200, "ready again", timeout=3)


def test_the_ready_file_says_what_the_ready_line_says(start_origin, tmp_path):
    file = tmp_path / "ready.json"
    origin = start_origin("--ready-file", str(file))
    assert json.loads(file.read_text()) == origin.ready
    assert origin.ready["pid"] == origin.pid
    # A program reads the first line; what follows is for people.
    assert json.loads(origin.process.stdout().splitlines()[0]) == origin.ready


def test_the_live_table_and_the_record_tell_the_same_of_a_stream(origin):
    with WireConnection.to(origin.url) as client:
        head = client.open_stream("/channels/a/events")
        for number in range(5):
            origin.publish("a", str(number))
        client.next_events(5)
        shown = only_stream(origin)
        local = "%s:%d" % client.socket.getsockname()
    for name, field in (("id", "x-sse-stream"), ("connection", "x-sse-connection"), ("path", "x-sse-path"),
                        ("request", "x-sse-connection-request")):  # fmt: skip
        assert str(shown[name]) == head.get(field), (name, shown)
    assert shown["peer"] in (local, "127.0.0.1") and shown["channel"] == "a" and shown["events"] == 5
    assert shown["backlog_bytes"] == 0 and shown["bytes"] > 50 and shown["age_seconds"] >= shown["idle_seconds"] >= 0
    record = origin.wait_closed(shown["id"])
    for name in ("connection", "request", "peer", "protocol", "path", "channel", "events"):
        assert record[name] == shown[name], name
    assert record["reason"] == "client_closed" and record["confidence"] and record["evidence"]
    closed = next(one for one in origin.debug_streams()["recently_closed"] if one["id"] == shown["id"])
    assert closed["reason"] == "client_closed"


def test_the_connections_table_shows_requests_and_the_mux_ratio(origin):
    clients = [WireConnection.to(origin.url) for _ in range(3)]
    for client in clients:
        client.request("HEAD", "/channels/a/events")
        client.read_response(head_only=True)
        client.open_stream("/channels/a/events")
    shown = origin.debug_connections()
    assert shown["active"] >= 3 and shown["accepted"] >= 3
    # One stream on each; the admin connection that asks may count as one more.
    assert 0.7 <= shown["mux_ratio"] <= 1.0
    # It is the second request of each, and no H1 connection serves two at once.
    streams = origin.debug_streams()["streams"]
    assert [stream["request"] for stream in streams] == [2, 2, 2]
    assert len({stream["connection"] for stream in streams}) == 3
    for client in clients:
        client.close()


# Who the peer is


@pytest.mark.parametrize(
    ("fields", "peer"),
    [
        ({"X-Forwarded-For": "198.51.100.9"}, "198.51.100.9"),
        ({"X-Forwarded-For": "198.51.100.9, 127.0.0.2"}, "198.51.100.9"),
        ({"X-Forwarded-For": "6.6.6.6, 198.51.100.9"}, "198.51.100.9"),
        ({"X-Forwarded-For": "2001:db8::7"}, "2001:db8::7"),
        ({"Forwarded": "for=198.51.100.9;proto=https"}, "198.51.100.9"),
        ({"Forwarded": 'for="[2001:db8::7]:4711"'}, "2001:db8::7"),
        ({"Forwarded": "for=6.6.6.6, for=198.51.100.9, for=127.0.0.3"}, "198.51.100.9"),
        ({"X-Forwarded-For": "garbage"}, "127.0.0.1"),
        ({"Forwarded": "for=unknown"}, "127.0.0.1"),
        ({}, "127.0.0.1"),
    ],
    ids=str,
)
def test_a_trusted_proxy_may_name_the_client(start_origin, fields, peer):
    origin = start_origin("--trusted-proxies", "127.0.0.0/8,::1/128")
    with WireConnection.to(origin.url) as client:
        client.open_stream("/channels/a/events", fields)
        assert peer in only_stream(origin)["peer"]


@pytest.mark.parametrize("flags", [(), ("--trusted-proxies", "10.0.0.0/8")], ids=["none trusted", "another trusted"])
def test_anybody_else_may_not(start_origin, flags):
    origin = start_origin(*flags)
    fields = {"X-Forwarded-For": "198.51.100.9", "Forwarded": "for=198.51.100.9"}
    with WireConnection.to(origin.url) as client:
        client.open_stream("/channels/a/events", fields)
        assert "127.0.0.1" in only_stream(origin)["peer"]


def test_streams_per_peer_counts_the_named_clients(start_origin):
    origin = start_origin("--trusted-proxies", "127.0.0.1/32", "--max-streams-per-peer", "1")
    with (
        WireConnection.to(origin.url) as one,
        WireConnection.to(origin.url) as two,
        WireConnection.to(origin.url) as again,
    ):
        one.open_stream("/channels/a/events", {"X-Forwarded-For": "198.51.100.1"})
        two.open_stream("/channels/a/events", {"X-Forwarded-For": "198.51.100.2"})
        again.request("GET", "/channels/a/events", {"X-Forwarded-For": "198.51.100.1"})
        assert again.read_response().status == 503


# The PROXY protocol, https://www.haproxy.org/download/1.8/doc/proxy-protocol.txt

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def proxy_v2(command: int, family: int, payload: bytes) -> bytes:
    return SIGNATURE + bytes([0x20 | command, family]) + struct.pack("!H", len(payload)) + payload


V4 = socket.inet_aton("203.0.113.7") + socket.inet_aton("127.0.0.1") + struct.pack("!HH", 5555, 80)
V6 = socket.inet_pton(socket.AF_INET6, "2001:db8::9") * 2 + struct.pack("!HH", 5555, 80)

PROXY_HEADERS = {
    "v1 TCP4": (b"PROXY TCP4 203.0.113.7 127.0.0.1 5555 80\r\n", "203.0.113.7"),
    "v1 TCP6": (b"PROXY TCP6 2001:db8::9 ::1 5555 80\r\n", "2001:db8::9"),
    "v1 UNKNOWN": (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    "v1 UNKNOWN with addresses": (b"PROXY UNKNOWN a b c d\r\n", "127.0.0.1"),
    "v2 TCP4": (proxy_v2(1, 0x11, V4), "203.0.113.7"),
    "v2 TCP4 with TLVs": (proxy_v2(1, 0x11, V4 + b"\x04\0\x03abc"), "203.0.113.7"),
    "v2 TCP6": (proxy_v2(1, 0x21, V6), "2001:db8::9"),
    "v2 LOCAL": (proxy_v2(0, 0x00, b""), "127.0.0.1"),
    "v2 unspecified family": (proxy_v2(1, 0x00, b""), "127.0.0.1"),
}

BAD_PROXY_HEADERS = {
    "none": b"GET /channels/a/events HTTP/1.1\r\nHost: a\r\n\r\n",
    "v1 bad address": b"PROXY TCP4 203.0.113.777 127.0.0.1 5555 80\r\n",
    "v1 bad port": b"PROXY TCP4 203.0.113.7 127.0.0.1 99999 80\r\n",
    "v1 bad family": b"PROXY TCP5 203.0.113.7 127.0.0.1 5555 80\r\n",
    "v1 mixed families": b"PROXY TCP4 2001:db8::9 127.0.0.1 5555 80\r\n",
    "v1 too few": b"PROXY TCP4 203.0.113.7\r\n",
    "v1 without end": b"PROXY TCP4 " + b"1" * 300,
    "v1 line feed alone": b"PROXY TCP4 203.0.113.7 127.0.0.1 5555 80\n" + b"x" * 200,
    "v2 bad version": SIGNATURE + b"\x31\x11" + struct.pack("!H", len(V4)) + V4,
    "v2 bad command": SIGNATURE + b"\x2f\x11" + struct.pack("!H", len(V4)) + V4,
    "v2 too short for its family": proxy_v2(1, 0x21, V4),
    "v2 enormous": SIGNATURE + b"\x21\x11\xff\xff" + b"\0" * 70_000,
}

STREAM = b"GET /channels/a/events HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    directory = tmp_path_factory.mktemp("proxied")
    running = Origin(directory, "--proxy-protocol", "true", "--header-timeout", "1")
    yield running
    running.terminate()


@pytest.mark.parametrize("split", ["at once", "header first", "in single bytes"])
@pytest.mark.parametrize("name", PROXY_HEADERS)
def test_a_proxy_header_names_the_peer(proxied, name, split):
    header, peer = PROXY_HEADERS[name]
    parts = {
        "at once": [header + STREAM],
        "header first": [header, STREAM],
        "in single bytes": [bytes([byte]) for byte in header + STREAM],
    }
    proxied.wait_active(0)
    with WireConnection.to(proxied.url) as client:
        for part in parts[split]:
            client.send(part)
        assert client.read_head().status == 200
        assert peer in only_stream(proxied)["peer"]


@pytest.mark.parametrize("name", BAD_PROXY_HEADERS)
def test_a_bad_proxy_header_is_the_end_of_the_connection(proxied, name):
    proxied.wait_active(0)
    opened = proxied.debug_streams()["opened"]
    with WireConnection.to(proxied.url) as client:
        try:
            client.send(BAD_PROXY_HEADERS[name])
            rest = client.read_to_end(timeout=5)
        except OSError:
            rest = b""
        assert b" 200 " not in rest[:20], rest
    assert proxied.debug_streams()["opened"] == opened


def test_a_proxy_header_that_does_not_come_is_timed_out(proxied):
    for start in (b"", b"PROXY TC", SIGNATURE + b"\x21\x11"):
        with WireConnection.to(proxied.url) as client:
            client.send(start)
            client.read_to_end(timeout=5)


def test_without_the_setting_a_proxy_header_is_a_bad_request(origin):
    with WireConnection.to(origin.url) as client:
        client.send(PROXY_HEADERS["v1 TCP4"][0] + STREAM)
        assert client.read_response().status == 400


# How streams end


def test_the_maximum_lifetime_ends_streams_jittered(start_origin):
    origin = start_origin("--max-stream-lifetime", "1")
    clients = [WireConnection.to(origin.url) for _ in range(20)]
    ids = [client.open_stream("/channels/a/events").get("x-sse-stream") for client in clients]
    for client in clients:
        client.events_until_end(timeout=5)
        client.close()
    records = [origin.wait_closed(one) for one in ids]
    assert {one["reason"] for one in records} == {"max_lifetime"}
    ages = [one["age_seconds"] for one in records]
    assert 0.4 <= min(ages) and max(ages) <= 1.6 and max(ages) - min(ages) >= 0.02, ages


@pytest.mark.parametrize("policy", ["close", "skip"])
def test_a_slow_consumer_is_closed_or_skips_with_a_gap(start_origin, policy):
    origin = start_origin("--slow-consumer", policy, "--slow-bytes", "100000", "--channel-bytes", "4194304")
    with WireConnection.to(origin.url, receive_buffer=4096) as slow, WireConnection.to(origin.url) as fast:
        stream = slow.open_stream("/channels/a/events").get("x-sse-stream")
        fast.open_stream("/channels/a/events")
        for number in range(400):
            origin.publish("a", f"{number:06d}" + "x" * 20_000)
            assert fast.next_events(1)[0].data.startswith(f"{number:06d}")
        if policy == "close":
            assert origin.wait_closed(stream)["reason"] == "slow_consumer"
            with pytest.raises(ConnectionEnded):
                while True:
                    slow.next_events(1)
        else:
            origin.publish("a", "last")
            seen, missed = [], 0
            while not seen or seen[-1] != "last":
                (event,) = slow.next_events(1)
                if event.event == "gap":
                    gap = json.loads(event.data)
                    assert gap["reason"] == "slow" and gap["missed"] > 0
                    missed += gap["missed"]
                else:
                    seen.append(event.data[:6])
            assert missed > 0 and missed + len(seen) == 401
            assert seen == sorted(seen)


def test_a_slow_consumer_is_closed_after_its_seconds(start_origin):
    origin = start_origin("--slow-seconds", "1", "--slow-bytes", "100000000", "--channel-bytes", "100000000")
    with WireConnection.to(origin.url, receive_buffer=4096) as slow:
        stream = slow.open_stream("/events?interval=20&size=65536").get("x-sse-stream")
        record = origin.wait_closed(stream, timeout=20)
        assert record["reason"] == "slow_consumer", record


def test_a_heartbeat_counts_from_the_last_write(start_origin):
    origin = start_origin("--heartbeat", "0.5")
    with WireConnection.to(origin.url) as busy:
        busy.open_stream("/events?interval=100&size=64")
        busy.next_events(15)
        assert [one for one in busy.reader.comments if one != "connected"] == []
    with WireConnection.to(origin.url) as quiet:
        quiet.open_stream("/channels/quiet/events")
        (_, *beats) = [quiet.read_chunk() for _ in range(4)]
        assert all(one.startswith(b":") for one in beats), beats
        gaps = [later - earlier for earlier, later in itertools.pairwise(quiet.chunk_times)]
        assert all(gap == pytest.approx(0.5, abs=0.2) for gap in gaps), gaps


def test_no_heartbeat_means_silence(start_origin):
    origin = start_origin("--heartbeat", "0")
    with WireConnection.to(origin.url) as client:
        client.open_stream("/channels/a/events")
        client.read_chunk()
        with pytest.raises(AssertionError, match="no more bytes in time"):
            client.read_chunk(timeout=1.5)


# Logs


def test_every_line_of_the_json_log_is_one_object(origin):
    for name in ("a", "b"):
        with WireConnection.to(origin.url) as client:
            client.open_stream(f"/channels/{name}/events")
    wait_until(lambda: len(origin.closed_streams()) == 2, "two records")
    origin.terminate()
    lines = origin.process.stderr().splitlines()
    assert all(json.loads(line)["message"] for line in lines)
