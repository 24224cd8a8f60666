# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""HTTP/2 clients of other people, in cleartext with prior knowledge and in TLS with ALPN."""

import json
import re
import signal
import socket
import ssl
import subprocess

import pytest

from harness.eventstream import EventStreamReader
from harness.http2_clients import AT_ONCE, CLIENTS, WITH_TRAILERS, Request
from harness.http2_fixtures import AUTHORIZED, PUBLISHERS, TOKEN, h2_origin, tls_flags
from harness.http2_wire import (
    GOAWAY, INITIAL_WINDOW_SIZE, NO_ERROR, WINDOW_UPDATE, Answer, Http2Connection, client_context,
)  # fmt: skip
from harness.origin import Origin
from harness.waiting import wait_until

both_transports = pytest.mark.parametrize("scheme", ["http", "https"])
every_client = pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS.keys())
NUMBER = iter(range(1_000_000))


def address(origin: Origin, scheme: str) -> str:
    return f"{scheme}://{origin.ready[scheme]}"


@pytest.fixture
def channel() -> str:
    """A channel of the test's own."""
    return f"channel-{next(NUMBER)}"


def publish(path: str, body: bytes, **more) -> Request:
    return Request(path, "POST", dict(AUTHORIZED), body, **more)


@both_transports
@every_client
def test_a_stream_brings_its_events_in_order_and_ends(client, scheme, h2_origin) -> None:
    [answer] = client(address(h2_origin, scheme), [Request("/events?interval=20&size=300&duration=1")])
    assert answer.status == 200
    assert answer.fields["content-type"].startswith("text/event-stream")
    assert not {"connection", "transfer-encoding", "keep-alive"} & set(answer.fields)
    *measured, end = answer.events
    assert end.event == "end"
    numbers = [json.loads(event.data)["seq"] for event in measured]
    assert len(numbers) >= 40 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@both_transports
@every_client
def test_a_stream_that_was_whole_is_answered_with_204(client, scheme, h2_origin) -> None:
    path = "/events?interval=100&duration=1"
    [first] = client(address(h2_origin, scheme), [Request(path)])
    [second] = client(address(h2_origin, scheme), [Request(path, fields={"last-event-id": first.events[-1].id})])
    assert (second.status, second.body) == (204, b"")


@both_transports
@pytest.mark.parametrize("client", AT_ONCE.values(), ids=AT_ONCE.keys())
def test_resume_brings_what_was_missed(client, scheme, h2_origin) -> None:
    path = "/events?interval=25&duration=1&seed=77"
    [whole] = client(address(h2_origin, scheme), [Request(path)])
    middle = whole.events[len(whole.events) // 2]
    [rest] = client(address(h2_origin, scheme), [Request(path, fields={"last-event-id": middle.id})])
    ids = [event.id for event in whole.events]
    resumed = [event.id for event in rest.events]
    missed = ids[ids.index(middle.id) + 1 : -1]
    assert resumed[: len(missed)] == missed


@both_transports
@every_client
def test_publish_head_and_errors(client, scheme, h2_origin, channel) -> None:
    path = f"/channels/{channel}/events"
    requests = [
        publish(path, b"one"),
        Request(path, "HEAD"),
        Request("/nowhere"),
        Request("/events?interval=1"),
        Request(path, "POST", {"content-type": "text/plain"}, b"no token"),
    ]
    answers = [client(address(h2_origin, scheme), [request])[0] for request in requests]
    assert [answer.status for answer in answers] == [201, 200, 404, 400, 401]
    assert re.fullmatch(r"[0-9a-z]+\.1", json.loads(answers[0].body)["ids"][0])
    assert answers[1].body == b"" and answers[1].fields["content-type"].startswith("text/event-stream")
    for answer in answers[2:]:
        assert answer.fields["content-type"] == "application/problem+json", answer
        assert json.loads(answer.body)["status"] == answer.status
        assert json.loads(answer.body)["detail"]


@both_transports
@pytest.mark.parametrize("client", [CLIENTS["curl"], CLIENTS["httpx"]], ids=["curl", "httpx"])
def test_the_largest_body(client, scheme, h2_origin, channel) -> None:
    [answer] = client(address(h2_origin, scheme), [publish(f"/channels/{channel}/events", b"x" * 1_048_576)])
    assert answer.status == 201, answer.body[:300]


@both_transports
@pytest.mark.parametrize("announced", [True, False])
def test_a_larger_body_is_answered_before_the_stream_is_reset(scheme, announced, h2_origin, channel) -> None:
    # With frames of our own: httpx waits for ever for a window of a stream that was reset after its answer, and
    # curl 7.88 sometimes misses an answer that comes in one read with that reset.
    length = [("content-length", "1048577")] if announced else []
    with Http2Connection(h2_origin.ready[scheme], tls=scheme == "https") as peer:
        peer.expect_alive()
        peer.request(1, f"/channels/{channel}/events", "POST", [*AUTHORIZED, *length], end_stream=False)
        window, left = peer.server_settings[INITIAL_WINDOW_SIZE], 1_048_577
        while left > 0 and not peer.answers.get(1, Answer()).ended:
            while window >= 16_384 and left > 0:
                size = min(left, 16_384)
                peer.data(1, bytes(size), end_stream=size == left)
                window, left = window - size, left - size
            frame = peer.wait(lambda frame: frame.stream == 1, "an answer or a larger window")
            if frame.type == WINDOW_UPDATE:
                window += int.from_bytes(frame.payload, "big")
        answer = peer.wait_answer(1)
        assert (answer.status, answer.ended, answer.json()["status"]) == (413, True, 413)
        peer.expect_alive()
        assert answer.reset in (None, NO_ERROR)


@both_transports
def test_a_body_that_never_ends_is_given_up(scheme, start_origin, tmp_path) -> None:
    origin = start_origin(*tls_flags(tmp_path), "--body-timeout", "1", environment=PUBLISHERS)
    with Http2Connection(origin.ready[scheme], tls=scheme == "https") as peer:
        peer.request(1, "/channels/a/events")
        peer.request(3, "/channels/a/events", "POST", AUTHORIZED, end_stream=False)
        peer.data(3, b"and then", end_stream=False)
        answer = peer.wait_answer(3, timeout=4)
        assert answer.status == 408 or answer.reset is not None, answer
        # The stream beside it is not what was given up.
        origin.publish("a", "goes on", token=TOKEN)
        while b"goes on" not in peer.answers[1].body:
            peer.read_frame()


@both_transports
@pytest.mark.parametrize("client", WITH_TRAILERS.values(), ids=WITH_TRAILERS.keys())
def test_publish_with_trailers(client, scheme, h2_origin, channel) -> None:
    request = publish(f"/channels/{channel}/events", b"with trailers", trailers={"x-checksum": "1"})
    [answer] = client(address(h2_origin, scheme), [request])
    assert answer.status == 201


@both_transports
@pytest.mark.parametrize("client", AT_ONCE.values(), ids=AT_ONCE.keys())
def test_many_streams_at_once_are_one_connection(client, scheme, h2_origin) -> None:
    answers = client(address(h2_origin, scheme), [Request("/events?interval=50&duration=1") for _ in range(90)])
    assert {answer.status for answer in answers} == {200}
    assert len({answer.fields["x-sse-connection"] for answer in answers}) == 1
    assert sorted(int(answer.fields["x-sse-connection-request"]) for answer in answers) == list(range(1, 91))
    for answer in answers:
        numbers = [json.loads(event.data)["seq"] for event in answer.events[:-1]]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


# nghttp and h2load, which tell in their own way


@both_transports
def test_nghttp(scheme, h2_origin, channel, tmp_path) -> None:
    origin = address(h2_origin, scheme)
    command = ["nghttp", f"{origin}/events?interval=20&duration=1"]
    body = subprocess.run(command, capture_output=True, timeout=20, check=True).stdout
    *measured, end = EventStreamReader().feed(body)
    assert end.event == "end"
    numbers = [json.loads(event.data)["seq"] for event in measured]
    assert len(numbers) >= 40 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))

    content = tmp_path / "body"
    content.write_bytes(b"published by nghttp")
    command = ["nghttp", "-d", str(content), "--trailer", "x-checksum: 1"]
    command += [part for name, value in AUTHORIZED for part in ("-H", f"{name}: {value}")]
    command += [f"{origin}/channels/{channel}/events"]
    body = subprocess.run(command, capture_output=True, timeout=20, check=True).stdout
    assert len(json.loads(body)["ids"]) == 1


@both_transports
@pytest.mark.parametrize("threads", [1, 2])
def test_h2load(scheme, threads, h2_origin) -> None:
    origin = address(h2_origin, scheme)
    # Streams that live for a second, a thousand at once on each of three connections, then all of them again.
    command = ["h2load", "-t", str(threads), "-c", "3", "-m", "1000", "-n", "6000"]
    shown = subprocess.run(
        [*command, f"{origin}/events?interval=200&size=64&duration=1"], capture_output=True, timeout=60, check=True
    ).stdout.decode()
    assert "6000 succeeded, 0 failed, 0 errored, 0 timeout" in shown, shown
    assert "6000 2xx, 0 3xx, 0 4xx, 0 5xx" in shown, shown
    h2_origin.wait_active(0)


@both_transports
def test_h2load_with_short_requests(scheme, h2_origin) -> None:
    command = ["h2load", "-c", "10", "-m", "100", "-n", "20000", f"{address(h2_origin, scheme)}/healthz"]
    shown = subprocess.run(command, capture_output=True, timeout=60, check=True).stdout.decode()
    assert "20000 succeeded, 0 failed, 0 errored, 0 timeout" in shown, shown


# Which protocol is spoken


def curl_version(*flags: str) -> str:
    command = ["curl", "-sS", "--noproxy", "*", "-k", "-o", "/dev/null", "-w", "%{http_version}", *flags]
    return subprocess.run(command, capture_output=True, timeout=20, check=True).stdout.decode()


def test_alpn_and_prior_knowledge_choose_the_protocol(h2_origin) -> None:
    clear, tls = (f"{address(h2_origin, scheme)}/healthz" for scheme in ("http", "https"))
    assert curl_version("--http2", tls) == "2"
    assert curl_version("--http1.1", tls) == "1.1"
    assert curl_version("--no-alpn", tls) == "1.1"
    assert curl_version("--http2-prior-knowledge", clear) == "2"
    assert curl_version("--http1.1", clear) == "1.1"
    # Upgrade: h2c is an offer that the origin does not take up (RFC 9113 dropped it).
    assert curl_version("--http2", clear) == "1.1"


@pytest.mark.parametrize(
    "offered, chosen",
    [(("h2", "http/1.1"), "h2"), (("http/1.1", "h2"), "h2"), (("http/1.1",), "http/1.1"), (("h2",), "h2")],
)
def test_alpn_prefers_http_2(offered, chosen, h2_origin) -> None:
    host, port = h2_origin.ready["https"].split(":")
    with socket.create_connection((host, int(port))) as plain:
        with client_context(offered).wrap_socket(plain, server_hostname="localhost") as wire:
            assert wire.selected_alpn_protocol() == chosen


def test_alpn_without_a_common_protocol_is_refused(h2_origin) -> None:
    host, port = h2_origin.ready["https"].split(":")
    with socket.create_connection((host, int(port))) as plain:
        # RFC 7301 section 3.2: no_application_protocol.
        with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
            client_context(("spdy/3", "imap")).wrap_socket(plain, server_hostname="localhost")


@both_transports
def test_live_tables_tell_the_protocol(scheme, h2_origin) -> None:
    with Http2Connection(h2_origin.ready[scheme], tls=scheme == "https") as peer:
        for stream in (1, 3, 5):
            peer.request(stream, "/channels/tables/events")
            peer.wait_head(stream)
        number = int(peer.answers[1].get("x-sse-connection"))
        [shown] = [one for one in h2_origin.debug_connections()["connections"] if one["id"] == number]
        assert (shown["protocol"], shown["requests"], shown["streams"], shown["peak_streams"]) == ("h2", 3, 3, 3)
        assert shown["http2"]["connection_window"] <= 65_535
        if scheme == "https":
            assert (shown["tls_version"], shown["alpn"]) == ("TLSv1.3", "h2"), shown
        assert "goaway_received" not in shown["http2"]
        peer.send_frame(GOAWAY, 0, 0, bytes(8))
        peer.expect_alive()
        [shown] = [one for one in h2_origin.debug_connections()["connections"] if one["id"] == number]
        assert shown["http2"]["goaway_received"] == "NO_ERROR", shown


def test_a_drain_of_tls_connections_ends_streams_cleanly(start_origin, tmp_path) -> None:
    origin = start_origin(*tls_flags(tmp_path), environment=PUBLISHERS, drain_window=1)
    command = ["curl", "-sS", "-N", "-k", "--noproxy", "*", "--http2", f"{address(origin, 'https')}/channels/a/events"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    wait_until(lambda: origin.debug_streams()["active"] == 3, "three streams")
    origin.ended_by_test = True
    origin.process.send_signal(signal.SIGTERM)
    for client in running:
        shown, _ = client.communicate(timeout=10)
        assert client.returncode == 0, "curl saw an error in the middle of the stream"
        assert EventStreamReader().feed(shown) == [] and shown.count(b"retry:") == 2
    assert origin.process.wait_exit(5) == 0
