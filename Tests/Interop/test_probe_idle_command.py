# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""`headwater probe idle` as a command: servers that are not ours, bad input, thresholds, Ctrl-C; and the origin's
parameter that it needs, `?heartbeat=`."""

import json
import signal
import socketserver
import subprocess
import threading
import time
from typing import Iterator

import pytest

from edges_harness import Nginx
from edges_harness.fixtures import StartEdge, start_edge
from harness.origin import Origin, clean_environment, headwater_binary
from harness.waiting import wait_until
from harness.wire import WireConnection


def start_probe(*arguments: str) -> subprocess.Popen:
    command = [headwater_binary(), "probe", "idle", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(), text=True
    )


def probe(*arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    process = start_probe(*arguments)
    out, errors = process.communicate(timeout=60)
    return process.returncode, out, errors


class SilentServer(socketserver.ThreadingTCPServer):
    """Anybody's server: a stream with one event, then silence; closed after `idle` seconds."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, idle: float) -> None:
        gone = threading.Event()

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                self.request.recv(65_536)
                self.request.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                    b"b\r\ndata: one\n\n\r\n"
                )
                # The server's timer; nothing is waited for.
                gone.wait(idle)

        super().__init__(("127.0.0.1", 0), Handler)
        self._gone = gone
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._gone.set()
        self.shutdown()
        self.server_close()


@pytest.fixture
def silent_server() -> Iterator[SilentServer]:
    server = SilentServer(idle=3)
    yield server
    server.stop()


def test_a_foreign_silent_stream_is_held_as_it_is(silent_server) -> None:
    code, out, errors = probe("--json", "--up-to", "20", f"http://127.0.0.1:{silent_server.server_address[1]}/sse")
    assert code == 0, errors
    result = json.loads(out)["result"]
    assert result["source"] == "as_is", result["source"]
    idle = result["idle_timeout"]
    assert idle["status"] == "found" and abs(idle["seconds"] - 3) < 0.09, idle
    # It might as well be a lifetime, and the report says so.
    assert idle["is_ambiguous"] and idle["confidence"] != "high", idle
    assert {one["role"] for one in result["streams"]} == {"as_is"}, result["streams"]


def test_a_busy_stream_of_its_own_cadence_bounds_the_idle_timeout_only(origin, start_edge: StartEdge) -> None:
    edge = start_edge(Nginx, origin)
    code, out, errors = probe("--json", "--as-is", "--up-to", "6", f"{edge.url}/events?interval=500")
    assert code == 0, errors
    report = json.loads(out)
    idle = report["result"]["idle_timeout"]
    assert idle["status"] == "none_seen" and 0.4 < idle["survived_seconds"] < 1, idle
    assert report["result"].get("heartbeat_seconds") is None, report["result"]
    assert any("cadence" in finding["text"] for finding in report["findings"]), report["findings"]


def test_thresholds_judge_timers_and_what_was_lived_through(origin, start_edge: StartEdge) -> None:
    edge = start_edge(Nginx, origin, Nginx.idle(2))
    conditions = ["--fail-if", "idle_timeout<5", "--fail-if", "max_lifetime<5", "--fail-if", "heartbeat>60"]
    code, out, errors = probe("--json", "--up-to", "9", *conditions, f"{edge.url}/events")
    assert code == 1, errors
    verdicts = {one["expression"]: one["passed"] for one in json.loads(out)["thresholds"]}
    assert verdicts == {"idle_timeout<5": False, "max_lifetime<5": True, "heartbeat>60": True}, verdicts


def test_ctrl_c_prints_what_is_known(origin) -> None:
    process = start_probe("--up-to", "300", f"{origin.url}/events")
    wait_until(lambda: origin.debug_streams()["active"] > 10, "streams of the probe", 20)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=10)
    assert process.returncode == 0, errors
    assert "idle timeout" in out and "interrupted after" in out, out
    origin.wait_active(0)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--up-to", "4", "http://127.0.0.1:1/events"], 64, "5 to 7200"),
        (["--up-to", "nan", "http://127.0.0.1:1/events"], 64, "5 to 7200"),
        (["--csv", "events.csv", "http://127.0.0.1:1/events"], 64, "--csv"),
        (["ftp://127.0.0.1/events"], 64, "http"),
        (["http://127.0.0.1:1/events"], 69, "refused"),
        (["{origin}/nothing"], 76, "404"),
        (["{origin}/time"], 76, "not text/event-stream"),
    ],
)
def test_what_cannot_be_probed_is_said_in_a_line(arguments, code, text, shared_origin) -> None:
    started = time.monotonic()
    exit_code, out, errors = probe(*(one.replace("{origin}", shared_origin.url) for one in arguments))
    assert exit_code == code, out + errors
    assert text in out + errors, out + errors
    assert time.monotonic() - started < 10


# The origin's parameter.


def comments_within(origin: Origin, query: str, seconds: float) -> int:
    """Heartbeats on a quiet stream; the time is what is measured."""
    wire = WireConnection.to(origin.url)
    wire.open_stream(f"/channels/quiet/events?{query}")
    time.sleep(seconds)
    stream = next(one for one in origin.debug_streams()["streams"] if one["channel"] == "quiet")
    wire.close()
    origin.wait_active(0)
    return stream["heartbeats"]


def test_a_stream_chooses_its_own_heartbeats(start_origin) -> None:
    origin = start_origin("--heartbeat", "0.2")
    assert comments_within(origin, "", 1.1) >= 3
    assert comments_within(origin, "heartbeat=off", 1.1) == 0
    assert comments_within(origin, "heartbeat=0.5", 1.3) == 2


def test_a_stream_has_heartbeats_where_the_origin_sends_none(start_origin) -> None:
    origin = start_origin("--heartbeat", "0")
    assert comments_within(origin, "heartbeat=0.5&heartbeat=event", 1.3) == 2
    assert comments_within(origin, "", 0.8) == 0


@pytest.mark.parametrize("value", ["0", "0.4", "-1", "3601", "1e9", "nan", "15s", "sometimes"])
def test_a_heartbeat_out_of_bounds_is_refused(shared_origin, value) -> None:
    status, _, body = shared_origin.request("GET", f"/channels/a/events?heartbeat={value}", admin=False)
    assert status == 400 and b"heartbeat" in body and b"0.5" in body, body
