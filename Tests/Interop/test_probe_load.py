# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""`headwater probe load` against servers whose behaviour is known to the event: its counts must be the truth."""

import math
import random
import socket
import struct
import threading
import time
from typing import Callable, Iterator

import pytest

from harness.http2_fixtures import tls_flags
from harness.probe import ProbeRun, RunningProbe, probe
from harness.scrape import Scrape
from harness.waiting import wait_until

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def load(url: str, *arguments: str, timeout: float = 60) -> ProbeRun:
    return probe("load", url, *arguments, timeout=timeout)


def event(number: int) -> bytes:
    data = b'id: e.%d\ndata: {"seq":%d,"ts":%d,"pad":"x"}\n\n' % (number, number, time.time_ns())
    return b"%x\r\n%s\r\n" % (len(data), data)


def causes(tallies: list[dict]) -> dict[str, int]:
    return {one["cause"]: one["count"] for one in tallies}


class FaultyServer:
    """An HTTP/1.1 server that answers each request as `serve` says; the first is the probe's preflight.

    `serve(connection, number)` has read the request's head. What it leaves open stays open until the end.
    """

    def __init__(self, serve: Callable[[socket.socket, int], None], serially: bool = False) -> None:
        self.requests = 0
        self._serve = serve
        self._serially = serially
        self._connections: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/events"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            if self._serially:
                self._handle(connection)
            else:
                threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection: socket.socket) -> None:
        try:
            received = b""
            while b"\r\n\r\n" not in received:
                piece = connection.recv(4096)
                if not piece:
                    return
                received += piece
            with self._lock:
                number = self.requests
                self.requests += 1
            self._serve(connection, number)
        except OSError:
            pass

    def close(self) -> None:
        self._listener.close()
        for connection in self._connections:
            connection.close()


@pytest.fixture
def start_faulty() -> Iterator[Callable[..., FaultyServer]]:
    started: list[FaultyServer] = []

    def start(serve: Callable[[socket.socket, int], None], **options) -> FaultyServer:
        started.append(FaultyServer(serve, **options))
        return started[-1]

    yield start
    for server in started:
        server.close()


def reset(connection: socket.socket) -> None:
    """RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


# Against the origin


@pytest.mark.parametrize("protocol", ["h1", "h2"])
@pytest.mark.parametrize("is_tls", [False, True])
def test_every_event_is_counted_on_every_protocol(start_origin, tmp_path, protocol, is_tls):
    origin = start_origin(*(tls_flags(tmp_path) if is_tls else []))
    scheme, address = ("https", origin.ready["https"]) if is_tls else ("http", origin.address)
    run = load(
        f"{scheme}://{address}/events?interval=100", "--protocol", protocol, "--streams", "300", "--insecure",
        "--streams-per-connection", "100", "--ramp", "0.5", "--duration", "3", "--fail-if", "lost>0",
    )  # fmt: skip
    assert run.exit_code == 0, run.stdout + run.stderr
    result = run.result
    assert result["opened"] == result["attempts"] == result["open_at_end"] == 300
    assert result["connections"] == (3 if protocol == "h2" else 300)
    assert result["http_version"] == ("h2" if protocol == "h2" else "http/1.1")
    assert result["lost"] == result["duplicated"] == result["reordered"] == result["stale"] == 0
    assert result["failures"] == result["ends"] == []
    assert result["unnumbered"] == result["untimed"] == 0
    sent = sum(one.value for one in Scrape.of(origin).matching("sse_events_sent_total"))
    delivery = result["hold"]["delivery"]
    # The preflight's stream may have had an event or two. On their way at the end may be one round, and as many more as
    # come in the time that a busy client is behind.
    assert 0 <= sent - result["events"] <= 2 + 300 * (1 + math.ceil(delivery["max_ms"] / 100)), result
    assert result["events"] >= 300 * 5
    assert delivery["count"] == result["hold"]["events"]
    assert 0 < delivery["min_ms"] <= delivery["p50_ms"] <= delivery["p99_ms"] <= delivery["max_ms"] < 2_000
    assert sum(second["events"] for second in result["seconds"]) == result["events"]


@pytest.mark.parametrize("protocol", ["h1", "h2"])
def test_churned_streams_are_replaced_at_their_rate(origin, protocol):
    run = load(
        f"{origin.url}/events?interval=100", "--protocol", protocol, "--streams", "60", "--ramp", "0.5",
        "--duration", "3", "--churn", "40",
    )  # fmt: skip
    result = run.result
    churned, opened = result["churned"], result["opened"]
    # 119 are due. The last of them may come too late on a busy machine, or be on its way when the load ends.
    assert 115 <= churned <= 119
    assert 60 + churned - 2 <= opened <= result["attempts"] == 60 + churned
    assert causes(result["ends"]) == {"dropped": churned}
    assert result["lost"] == result["duplicated"] == result["reordered"] == 0
    assert result["open_at_end"] == opened - churned
    origin.wait_active(0)
    # And the preflight.
    assert opened + 1 <= origin.debug_streams()["opened"] <= 60 + churned + 1


@pytest.mark.parametrize("protocol", ["h1", "h2"])
def test_storm_drops_all_and_opens_all(origin, protocol):
    run = load(
        f"{origin.url}/events?interval=100", "--protocol", protocol, "--streams", "100", "--ramp", "0.5",
        "--duration", "3.5", "--storm", "1",
    )  # fmt: skip
    result = run.result
    assert result["storms"] == 3
    assert result["attempts"] == result["opened"] == 400
    assert causes(result["ends"]) == {"dropped": 300}
    assert result["open_at_end"] == 100
    assert result["lost"] == result["duplicated"] == 0
    origin.wait_active(0)
    assert origin.debug_streams()["opened"] == 401


@pytest.mark.parametrize("protocol", ["h1", "h2"])
def test_slow_streams_do_not_hold_the_others_up(origin, protocol):
    run = load(
        f"{origin.url}/events?interval=20&size=16384", "--protocol", protocol, "--streams", "20", "--slow", "5",
        "--duration", "3", "--no-reconnect",
    )  # fmt: skip
    result = run.result
    assert result["lost"] == 0 and result["open_at_end"] == 20
    assert result["events"] >= 20 * 140
    # What a stream that does not read can be sent: its window, or its socket's buffers.
    assert result["slow_bytes"] <= 5 * (70_000 if protocol == "h2" else 4_000_000)


def test_slow_streams_read_at_their_rate(start_faulty):
    def serve(connection: socket.socket, number: int) -> None:
        connection.sendall(HEAD)
        if number > 0:
            while True:
                connection.sendall(event(1) * 100)

    run = load(
        start_faulty(serve).url, "--streams", "1", "--slow", "4", "--slow-rate", "100000", "--ramp", "0.1",
        "--duration", "4",
    )  # fmt: skip
    # At most a read of 64 KiB, of some events' framing too, ahead of the rate.
    assert 4 * 200_000 <= run.result["slow_bytes"] <= 4 * 550_000
    assert run.result["events"] > 10_000


@pytest.mark.parametrize("is_tls", [False, True], ids=["cleartext", "tls"])
@pytest.mark.parametrize("protocol", ["h1", "h2"])
def test_half_dead_clients_acknowledge_nothing_and_send_no_fin(start_origin, protocol, is_tls, tmp_path):
    origin = start_origin(*(tls_flags(tmp_path) if is_tls else []))
    scheme, address = ("https", origin.ready["https"]) if is_tls else ("http", origin.address)
    running = RunningProbe(
        tmp_path, "load", f"{scheme}://{address}/events?interval=100", "--json", "--protocol", protocol, "--streams",
        "3", "--half-dead", "6", "--ramp", "0.2", "--duration", "30", "--insecure",
    )  # fmt: skip
    origin.wait_active(9)
    time.sleep(1)
    # They look alive: nobody has said goodbye.
    assert origin.debug_streams()["active"] == 9
    run = running.interrupt()
    assert run.report["interrupted"]
    assert run.result["vanished"] == 6 and run.result["opened"] == 9
    assert run.result["open_at_end"] == 3
    origin.wait_active(0)
    wait_until(lambda: len(origin.closed_streams()) == 10, "the log of ten ends")
    # The kernel tells it of every connection, below TLS too.
    unacknowledged = sorted(one["unacknowledged_bytes"] for one in origin.closed_streams())
    # The other three, and the first look at the channel, leave at most the tick whose acknowledgement is still delayed.
    one_tick = 3 * 330
    assert all(count <= one_tick for count in unacknowledged[:4]), unacknowledged
    assert all(count > 2 * one_tick for count in unacknowledged[4:]), unacknowledged


# Against servers with faults


def test_losses_repeats_and_disorder_are_counted_per_stream(start_faulty):
    numbers = [1, 2, 3, 6, 6, 5, 7, 9, 8, 8]

    def serve(connection: socket.socket, number: int) -> None:
        source = random.Random(number)
        connection.sendall(HEAD)
        rest = b"".join(event(one) for one in numbers) + b"a\r\nevent: gap\r\n8\r\n\ndata:\n\n\r\n"
        while rest:
            cut = source.randint(1, 40)
            connection.sendall(rest[:cut])
            rest = rest[cut:]

    server = start_faulty(serve)
    run = load(server.url, "--streams", "30", "--ramp", "0.5", "--duration", "2", "--fail-if", "lost>0")
    assert run.exit_code == 1
    result = run.result
    assert result["events"] == 30 * len(numbers)
    # 4 never came; 5 and 8 came late; 6 and 8 twice.
    assert (result["lost"], result["reordered"], result["duplicated"], result["stale"]) == (30, 60, 60, 0)
    assert result["gaps"] == 30
    assert any("were lost" in one["text"] for one in run.findings("problem"))


def test_resets_are_told_from_ends(start_faulty):
    def serve(connection: socket.socket, number: int) -> None:
        connection.sendall(HEAD + event(1) + event(2))
        # The preflight's stream goes unseen.
        if number % 3 == 0:
            time.sleep(0.3)
            reset(connection)
        elif number % 3 == 1:
            time.sleep(0.3)
            connection.sendall(b"0\r\n\r\n")
        else:
            time.sleep(0.3)
            connection.close()

    server = start_faulty(serve)
    run = load(server.url, "--streams", "30", "--ramp", "0.5", "--duration", "2", "--no-reconnect")
    result = run.result
    assert causes(result["ends"]) == {"rst": 10, "complete": 10, "fin": 10}
    assert result["open_at_end"] == 0 and result["events"] == 60 and result["lost"] == 0
    assert result["opened"] == server.requests - 1 == 30


def test_streams_come_back_after_their_ends_and_count_anew(start_faulty):
    def serve(connection: socket.socket, number: int) -> None:
        connection.sendall(HEAD + b"".join(event(one) for one in range(100, 105)) + b"0\r\n\r\n")

    server = start_faulty(serve)
    run = load(server.url, "--streams", "5", "--ramp", "0.1", "--duration", "2.5", "--reconnect-after", "0.5")
    result = run.result
    assert result["attempts"] == server.requests - 1
    assert result["reconnects"] == result["attempts"] - 5 >= 15
    assert result["lost"] == result["duplicated"] == result["stale"] == 0
    assert result["events"] == 5 * result["opened"]


def test_openings_count_from_when_they_were_due(start_faulty):
    """A server that takes 50 ms for each request, one after the other: a client that waits would see 50 ms each."""

    def serve(connection: socket.socket, number: int) -> None:
        time.sleep(0.05)
        connection.sendall(HEAD)

    server = start_faulty(serve, serially=True)
    run = load(server.url, "--streams", "20", "--ramp", "0.2", "--duration", "2")
    opening = run.result["opening"]
    assert opening["count"] == 20
    # The k-th of 20 is due at 10 k ms and served at 50 (k + 1) ms.
    assert 350 <= opening["p50_ms"] <= 700
    assert 750 <= opening["max_ms"] <= 1_500


def test_refusals_are_failures_with_their_status(start_faulty):
    def serve(connection: socket.socket, number: int) -> None:
        if number % 2 == 0:
            connection.sendall(HEAD)
        else:
            connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")

    server = start_faulty(serve)
    run = load(server.url, "--streams", "20", "--ramp", "0.5", "--duration", "1", "--no-reconnect")
    assert causes(run.result["failures"]) == {"status_503": 10}
    assert run.result["opened"] == run.result["open_at_end"] == 10


def test_foreign_streams_without_numbers_and_times_are_said_to_be_so(start_faulty):
    def serve(connection: socket.socket, number: int) -> None:
        connection.sendall(HEAD + b"f\r\ndata: [DONE]\n\nd\r\n" + b"\r\n")

    run = load(start_faulty(serve).url, "--streams", "2", "--ramp", "0.1", "--duration", "1", "--no-reconnect")
    assert causes(run.result["ends"]) == {"protocol_violation": 2}

    def serve_well(connection: socket.socket, number: int) -> None:
        connection.sendall(HEAD + b"e\r\ndata: [DONE]\n\n\r\n")

    run = load(start_faulty(serve_well).url, "--streams", "2", "--ramp", "0.1", "--duration", "1")
    assert run.result["events"] == run.result["unnumbered"] == run.result["untimed"] == 2
    assert "delivery" not in run.result["hold"]
    assert {"the events carry no \"ts\", so there is no delivery latency"} < {
        one["text"] for one in run.findings("note")
    }


# Bad input, and ends


def test_nobody_there_is_one_line_and_exit_69():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    run = probe("load", f"http://127.0.0.1:{port}/events", as_json=False)
    assert run.exit_code == 69
    assert len(run.stdout.splitlines()) == 1 and f"port {port}" in run.stdout, run.stdout


def test_an_answer_that_is_no_stream_is_one_line_and_exit_76(origin):
    for path, word in (("/healthz", "not text/event-stream"), ("/nothing", "404")):
        run = probe("load", f"{origin.url}{path}", as_json=False)
        assert run.exit_code == 76
        assert len(run.stdout.splitlines()) == 1 and word in run.stdout, run.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--streams", "0"], ["--duration", "0"], ["--churn", "-1"], ["--storm", "0"], ["--loops", "65"],
        ["--csv", "x"], ["--gzip"], ["--streams", "1000000"], ["--fail-if", "p99"],
    ],
)  # fmt: skip
def test_arguments_that_cannot_be_are_refused(arguments):
    run = probe("load", "http://127.0.0.1:1/", *arguments, as_json=False)
    assert run.exit_code == 64
    assert run.stderr.startswith("Error: "), run.stderr


def test_interrupt_prints_the_report(origin, tmp_path):
    running = RunningProbe(
        tmp_path, "load", f"{origin.url}/events?interval=100", "--streams", "50", "--ramp", "0.2", "--duration", "600"
    )
    origin.wait_active(50)
    run = running.interrupt()
    assert run.exit_code == 0
    assert "50 opened of 50" in run.stdout and "interrupted after" in run.stdout
