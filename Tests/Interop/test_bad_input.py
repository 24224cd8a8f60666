# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Malformed, ambiguous and slow requests: each gets its answer, and nothing of it stays behind."""

import itertools
import os
import random
import socket
import ssl
import time

import pytest

from harness.waiting import wait_until
from harness.wire import ConnectionEnded, WireConnection

HOST = b"Host: localhost\r\n"


@pytest.fixture(autouse=True)
def nothing_stays_behind(shared_origin):
    """After every test the origin runs, has no stream, and holds the file descriptors it held before."""
    shared_origin.wait_active(0)
    before = shared_origin.process.open_files()
    yield
    assert shared_origin.process.running, shared_origin.process.describe("ended")
    assert shared_origin.request("GET", "/healthz")[0] == 200
    shared_origin.wait_active(0)
    wait_until(lambda: shared_origin.process.open_files() <= before, f"back to {before} file descriptors")


@pytest.fixture
def wire(shared_origin):
    connection = WireConnection.to(shared_origin.url)
    yield connection
    connection.close()


def assert_refused(connection: WireConnection, statuses: tuple[int, ...]) -> None:
    """One answer with one of `statuses`, then the end of the connection: nothing after it is read as a request."""
    response = connection.read_response()
    assert response.status in statuses, (response.status, response.body[:300])
    assert connection.read_to_end(timeout=3) == b""


def post(*fields: bytes, body: bytes = b"") -> bytes:
    head = b"POST /channels/smuggled/events HTTP/1.1\r\n" + HOST + b"Content-Type: text/plain\r\n"
    return head + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


def get(
    *fields: bytes, target: bytes = b"/channels/bad/events", version: bytes = b"HTTP/1.1", host: bytes = HOST
) -> bytes:
    return b"GET " + target + b" " + version + b"\r\n" + host + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


INNER = post(b"Content-Length: 8", body=b"smuggled")
CHUNKED = b"Transfer-Encoding: chunked"

# Where a front end and we could disagree about where the request ends: (bytes, the statuses that are right).
AMBIGUOUS = {
    "length and chunked": post(b"Content-Length: 6", CHUNKED, body=b"0\r\n\r\n" + INNER),
    "chunked and length": post(CHUNKED, b"Content-Length: 6", body=b"0\r\n\r\n" + INNER),
    "the same length twice": post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"),
    "two lengths": post(b"Content-Length: 5", b"Content-Length: 0", body=INNER),
    "lengths in a list": post(b"Content-Length: 5, 5", body=b"hello"),
    "signed length": post(b"Content-Length: +5", body=b"hello"),
    "negative length": post(b"Content-Length: -5", body=b"hello"),
    "hexadecimal length": post(b"Content-Length: 0x5", body=b"hello"),
    "no length": post(b"Content-Length:", body=b"hello"),
    "length with a space": post(b"Content-Length: 5 0", body=b"hello"),
    "length beyond 64 bits": post(b"Content-Length: 18446744073709551621", body=b"hello"),
    "chunk size that is none": post(CHUNKED, body=b"zz\r\nhello\r\n0\r\n\r\n"),
    "empty chunk size": post(CHUNKED, body=b"\r\nhello\r\n0\r\n\r\n"),
    "negative chunk size": post(CHUNKED, body=b"-1\r\nhello\r\n0\r\n\r\n"),
    "chunk size with 0x": post(CHUNKED, body=b"0x5\r\nhello\r\n0\r\n\r\n"),
    "chunk size beyond 64 bits": post(CHUNKED, body=b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    "chunk longer than its size": post(CHUNKED, body=b"3\r\nhello\r\n0\r\n\r\n"),
    "chunk without its end": post(CHUNKED, body=b"5\r\nhello0\r\n\r\n"),
    "folded field": get(b"X-Folded: a\r\n b"),
    "folded length": post(b"Content-Length:\r\n 5", body=b"hello"),
    "fold before any field": b"GET /channels/bad/events HTTP/1.1\r\n X: y\r\n" + HOST + b"\r\n",
    "space before the colon": post(b"Content-Length : 5", body=b"hello"),
    "space before the colon of chunked": post(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n" + INNER),
    "space in a field name": get(b"X Y: z"),
    "field without a colon": get(b"nonsense"),
    "empty field name": get(b": value"),
    "no host": get(host=b""),
    "two hosts": get(host=HOST + b"Host: other\r\n"),
    "host that is none": get(host=b"Host: a b/c@d\r\n"),
    "nul in a field": get(b"X-Nul: a\0b"),
    "nul in a name": get(b"X-\0: a"),
    "carriage return in a field": get(b"X-Cr: a\rb"),
    "control in a field": get(b"X-Control: a\x01b"),
    "nul in the target": get(target=b"/channels/a\0b/events"),
    "space in the target": get(target=b"/channels/a b/events"),
    "method that is no token": b"G(T /channels/bad/events HTTP/1.1\r\n" + HOST + b"\r\n",
    "no method": b" /channels/bad/events HTTP/1.1\r\n" + HOST + b"\r\n",
    "no target": b"GET HTTP/1.1\r\n" + HOST + b"\r\n",
    "target that is none": get(target=b"channels/bad/events"),
    "no version": b"GET /channels/bad/events\r\n" + HOST + b"\r\n",
    "version that is none": get(version=b"HTTP/x.y"),
    "lower case version": get(version=b"http/1.1"),
    "other protocol": get(version=b"ICY/1.1"),
    "garbage": bytes(range(128, 256)) * 4 + b"\r\n\r\n",
    "json": b'{"hello": "there"}\r\n\r\n',
    "binary zeros": b"\0" * 64,
}

CODINGS = {
    "gzip, chunked": (400, 501),
    "chunked, gzip": (400, 501),
    "gzip": (400, 501),
    "xchunked": (400, 501),
    "chunkedx": (400, 501),
    "chunked, chunked": (400, 501),
    "chunked;q=1": (400, 501),
    "identity": (400, 501),
    "\x0bchunked": (400, 501),
    "": (400, 501),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_an_ambiguous_request_is_400_and_the_end_of_the_connection(shared_origin, name):
    # On the admin listener nobody is refused for want of a token before the framing is looked at.
    with WireConnection.to(shared_origin.admin_url) as connection:
        connection.send(AMBIGUOUS[name])
        assert_refused(connection, (400, 505) if "version" in name else (400,))


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_an_ambiguous_request_in_public_is_refused_and_the_end_of_the_connection(wire, name):
    wire.send(AMBIGUOUS[name])
    assert_refused(wire, (400, 403, 505))


@pytest.mark.parametrize("coding", CODINGS)
def test_a_transfer_coding_we_do_not_decode_is_refused(wire, coding):
    wire.send(post(b"Transfer-Encoding: " + coding.encode("latin-1"), body=b"0\r\n\r\n" + INNER))
    assert_refused(wire, CODINGS[coding])


def test_two_transfer_encodings_are_refused(wire):
    wire.send(post(CHUNKED, b"Transfer-Encoding: identity", body=b"0\r\n\r\n" + INNER))
    assert_refused(wire, (400, 501))


def test_chunked_in_http_1_0_is_refused(wire):
    wire.send(post(CHUNKED, body=b"0\r\n\r\n" + INNER).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
    assert_refused(wire, (400, 501))


def test_nothing_that_was_smuggled_is_published(shared_origin):
    # On the admin listener a publish needs no token, so that only the framing stands between the body and the channel.
    tries = [AMBIGUOUS[name] for name in ("length and chunked", "chunked and length", "two lengths")]
    tries += [post(b"Transfer-Encoding: " + coding.encode("latin-1"), body=b"0\r\n\r\n" + INNER) for coding in CODINGS]
    tries += [AMBIGUOUS["space before the colon of chunked"]]
    (first,) = shared_origin.publish("smuggled", "before")
    for raw in tries:
        with WireConnection.to(shared_origin.admin_url) as connection:
            connection.send(raw)
            assert connection.read_response().status in (400, 501)
            connection.read_to_end(timeout=3)
    (last,) = shared_origin.publish("smuggled", "after")
    assert int(last.rpartition(".")[2]) == int(first.rpartition(".")[2]) + 1


def test_an_unknown_major_version_is_refused(wire):
    wire.send(get(version=b"HTTP/3.0"))
    assert_refused(wire, (400, 505))


def test_a_target_beyond_the_limit_is_414(wire):
    wire.send(get(target=b"/channels/a/events?x=" + b"y" * 200_000))
    assert_refused(wire, (414, 431))


@pytest.mark.parametrize("fields", ["one long", "many short", "one long name"])
def test_fields_beyond_the_limit_are_431(wire, fields):
    many = {"one long": [b"X: " + b"y" * 300_000], "one long name": [b"x" * 300_000 + b": y"]}
    wire.send(get(*many.get(fields, [b"X-%d: y" % number for number in range(20_000)])))
    assert_refused(wire, (431,))


def test_endless_trailers_are_bounded(shared_origin):
    with WireConnection.to(shared_origin.admin_url) as connection:
        connection.send(post(CHUNKED, body=b"5\r\nhello\r\n0\r\n"))
        try:
            for _ in range(200):
                connection.send(b"X-Trailer: " + b"y" * 10_000 + b"\r\n")
        except OSError:
            pass  # It hung up on us, which is the point.
        try:
            assert connection.read_response().status in (400, 413, 431)
        except ConnectionEnded as ended:
            assert ended.reset


def test_an_absolute_target_is_a_target(wire):
    wire.send(get(target=b"http://localhost/events?interval=10&duration=1"))
    assert wire.read_head().status == 200


def test_a_star_target_is_for_options_only(wire):
    wire.send(get(target=b"*"))
    assert wire.read_response().status in (400, 404, 405)


def test_connect_opens_no_tunnel(wire):
    wire.send(b"CONNECT localhost:22 HTTP/1.1\r\n" + HOST + b"\r\n")
    assert wire.read_response().status in (400, 404, 405, 501)


def test_a_tls_hello_on_the_plaintext_port_ends_the_connection(shared_origin):
    with socket.create_connection(("127.0.0.1", shared_origin.port), timeout=5) as raw:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(raw)


@pytest.mark.parametrize("size", [1, 1_000, 100_000])
def test_random_bytes_end_the_connection_and_nothing_else(shared_origin, size):
    noise = random.Random(size)
    for _ in range(20):
        with WireConnection.to(shared_origin.url) as connection:
            try:
                connection.send(noise.randbytes(size))
                connection.half_close()
            except OSError:
                continue  # Already refused and closed.
            connection.read_to_end(timeout=5)


def test_a_connection_that_says_nothing_and_leaves_is_no_error(shared_origin):
    for leave in ("close", "reset", "half_close"):
        connection = WireConnection.to(shared_origin.url)
        getattr(connection, leave)()
        connection.close()


def test_a_head_in_single_bytes_is_a_head(wire):
    for byte in get(target=b"/events?interval=10&duration=1"):
        wire.send(bytes([byte]))
    assert wire.read_head().status == 200


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_leaving_in_the_middle_of_a_head_or_body_frees_everything(shared_origin, leave):
    for raw in (b"GET /chan", get()[:-2], post(b"Content-Length: 100", body=b"x"), post(CHUNKED, body=b"ff\r\nx")):
        connection = WireConnection.to(shared_origin.url)
        connection.send(raw)
        getattr(connection, leave)()


def test_every_stream_of_peers_who_leave_at_once_has_its_record(start_origin):
    # The reset may arrive before the origin has looked who is there, or while it opens the stream.
    origin = start_origin()
    for number in range(300):
        connection = WireConnection.to(origin.url)
        connection.send(get(target=b"/channels/c%d/events" % (number % 7)))
        connection.reset()

    def all_gone() -> bool:
        connections = origin.debug_connections()  # The asking one is active too, and may count as accepted or not.
        return connections["accepted"] >= 300 and connections["active"] <= 1

    wait_until(all_gone, "every connection was taken and is gone")
    opened = origin.wait_active(0)["opened"]
    wait_until(lambda: len(origin.closed_streams()) >= opened, f"{opened} records", timeout=3)
    assert len(origin.closed_streams()) == opened
    assert {record["peer"].partition(":")[0] for record in origin.closed_streams()} <= {"127.0.0.1", "unknown"}


# Behind a stream


def test_a_request_behind_a_stream_is_refused_and_the_stream_goes_on(shared_origin):
    with WireConnection.to(shared_origin.url) as client:
        stream = get(target=b"/events?interval=20&size=64&duration=1", host=HOST)
        client.send(stream + get(target=b"/channels/other/events"))
        assert client.read_head().status == 200
        *measured, end = client.events_until_end(timeout=5)
        numbers = [int(one.id.rpartition(".")[2]) for one in measured]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) and len(numbers) >= 40
        assert end.event == "end"
        # Refused: no second stream follows the first, whether with an answer or without.
        rest = client.read_to_end(timeout=3)
        assert rest == b"" or int(rest.split(b" ")[1]) >= 400, rest[:200]


def test_bytes_behind_a_stream_do_not_pile_up(shared_origin):
    def resident() -> int:
        with open(f"/proc/{shared_origin.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before = resident()
    with WireConnection.to(shared_origin.url) as client:
        client.open_stream("/channels/flood/events")
        client.socket.settimeout(0.5)
        try:
            for _ in range(1_000):
                client.send(b"x" * 65_536)
        except OSError:
            pass  # Not read any more (timeout) or ended: both are bounds.
    assert resident() - before < 32 * 1024 * 1024


# Slowness. Short timers of their own; the shared origin must stay undisturbed meanwhile.


def test_a_slow_head_is_408(start_origin):
    origin = start_origin("--header-timeout", "1")
    with WireConnection.to(origin.url) as client:
        started = time.monotonic()
        client.send(b"GET /channels/a/events HTTP/1.1\r\n")
        assert client.read_response(timeout=5).status == 408
        assert client.read_to_end(timeout=3) == b""
        assert 0.8 <= time.monotonic() - started <= 4


def test_a_head_that_trickles_is_408_as_well(start_origin):
    origin = start_origin("--header-timeout", "1")
    with WireConnection.to(origin.url) as client:
        started = time.monotonic()
        client.socket.settimeout(0.2)
        answer = b""
        while not answer and time.monotonic() - started < 5:
            client.send(b"X" if time.monotonic() - started > 0.2 else b"GET / HTTP/1.1\r\nX")
            try:
                answer = client.socket.recv(1000)
            except socket.timeout:
                pass  # The pace of the trickle.
        assert answer.startswith(b"HTTP/1.1 408"), answer
        assert time.monotonic() - started <= 4


@pytest.mark.parametrize("chunked", [False, True])
def test_a_slow_body_is_408(start_origin, chunked):
    origin = start_origin("--body-timeout", "1")
    with WireConnection.to(origin.admin_url) as client:
        client.send(post(CHUNKED, body=b"ff\r\nx") if chunked else post(b"Content-Length: 100", body=b"x"))
        assert client.read_response(timeout=5).status == 408
        assert client.read_to_end(timeout=3) == b""


def test_an_idle_connection_is_closed_after_the_keep_alive_timeout(start_origin):
    origin = start_origin("--keep-alive-timeout", "1", "--header-timeout", "1")
    with WireConnection.to(origin.url) as client:
        client.request("HEAD", "/channels/a/events")
        assert client.read_response(head_only=True).status == 200
        assert client.read_to_end(timeout=5) == b""


def test_a_connection_that_never_speaks_is_closed(start_origin):
    origin = start_origin("--keep-alive-timeout", "1", "--header-timeout", "1")
    with WireConnection.to(origin.url) as client:
        rest = client.read_to_end(timeout=6)
        assert rest == b"" or rest.startswith(b"HTTP/1.1 408")


def test_a_stream_outlives_every_request_timer(start_origin):
    origin = start_origin("--keep-alive-timeout", "1", "--header-timeout", "1", "--body-timeout", "1")
    with WireConnection.to(origin.url) as client:
        client.open_stream("/events?interval=500&size=64")
        client.next_events(6, timeout=6)


def test_a_blocked_reader_delays_nobody(start_origin):
    origin = start_origin("--event-loops", "1")
    with WireConnection.to(origin.url, receive_buffer=4096) as slow, WireConnection.to(origin.url) as fast:
        slow.open_stream("/events?interval=10&size=65536")
        fast.open_stream("/events?interval=20&size=64")
        fast.next_events(1)
        arrivals = [one.at for one in fast.next_events(100, timeout=10)]
        gaps = [later - earlier for earlier, later in itertools.pairwise(arrivals)]
        assert max(gaps) < 0.5, max(gaps)
