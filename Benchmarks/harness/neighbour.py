# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""What the others notice while a channel of many streams is served by the only event loop: how late an event of a
small channel is, and how long the admin listener, which that loop serves too, takes for a health check."""

import http.client
import json
import threading
import time
from dataclasses import replace
from pathlib import Path

from harness.clients import Outcome, Plan, ProbeClient
from harness.processes import BenchmarkError
from harness.rounds import Settings, run, started
from harness.servers import Load, Server

# Its events come at all phases of the busy channel's bursts, because 97 is prime.
QUIET_STREAMS, QUIET_INTERVAL_MS = 10, 97
HEALTH_INTERVAL = 0.053
# The quiet client begins when the busy streams are open, and ends before they do.
HEAD_START = 0.7


def percentile(values: list[float], share: float) -> float:
    """The smallest value that so large a share of all does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]


class HealthChecks:
    """GET /healthz, each on a new connection, until stopped."""

    def __init__(self, port: int):
        self.port = port
        self.milliseconds: list[float] = []
        self.failed = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.ask, daemon=True)

    def ask(self) -> None:
        while not self.over.wait(HEALTH_INTERVAL):
            begin = time.monotonic()
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            try:
                connection.request("GET", "/healthz")
                answer = connection.getresponse()
                answer.read()
                self.failed += answer.status != 200
            except OSError:
                self.failed += 1
            finally:
                connection.close()
            self.milliseconds.append((time.monotonic() - begin) * 1000)


class Busy(ProbeClient):
    """The many streams; measured by the way, to tell whether the machine kept up."""

    def __init__(self, server: Server, plan: Plan, directory: Path):
        super().__init__(server, plan, directory, "busy")
        self.outcome: Outcome | None = None
        self.problem: BenchmarkError | None = None
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def follow(self) -> None:
        try:
            self.outcome = self.measure()
        except BenchmarkError as error:
            self.problem = error


def measure(kind: type[Server], load: Load, settings: Settings) -> dict:
    with started(kind, load) as (server, directory):
        line = json.loads(server.children[0].read_line(0, 5))
        # The quiet channel's client and the checks need some time of their own around the window.
        seconds = round(settings.seconds)
        busy = None
        if load.streams:
            target, window = server.events_target, seconds + 2
            plan = Plan(target, load.streams, load.connections, window, settings.settle, size=load.size)
            busy = Busy(server, plan, directory)
        checks = HealthChecks(int(line["admin"].rpartition(":")[2]))
        try:
            if busy:
                time.sleep(busy.ramp + settings.settle + HEAD_START)
            checks.thread.start()
            target = f"/events?interval={QUIET_INTERVAL_MS}&size=128"
            plan = Plan(target, QUIET_STREAMS, 1, seconds, 0.3, size=128)
            outcome = run(ProbeClient(as_http1(server), plan, directory, "quiet"))
        finally:
            checks.over.set()
            if checks.thread.ident is not None:
                checks.thread.join(6)
            if busy:
                busy.thread.join(10)
                busy.stop()
        if busy and busy.problem:
            raise busy.problem
    return report(outcome, checks, busy.outcome if busy else None, load)


def as_http1(server: Server) -> Server:
    """The same server for a client that speaks HTTP/1.1, which it serves on the same port."""
    other = type(server)(replace(server.load, streams=QUIET_STREAMS, connections=1), server.directory)
    other.http2, other.port, other.children = False, server.port, server.children
    return other


def report(quiet: Outcome, checks: HealthChecks, busy: Outcome | None, load: Load) -> dict:
    if not checks.milliseconds:
        raise BenchmarkError("no health check was answered: measure for longer")
    defects = dict(quiet.defects)
    if checks.failed:
        defects["health checks failed"] = checks.failed
    for name, count in (busy.defects if busy else {}).items():
        defects[f"busy: {name}"] = count
    result = {
        "lag_ms": quiet.lag_ms,
        "health_ms": {
            "p50": percentile(checks.milliseconds, 0.5),
            "p99": percentile(checks.milliseconds, 0.99),
            "max": max(checks.milliseconds),
        },
        "client_cores": quiet.client_cores + (busy.client_cores if busy else 0),
        "delivered_share": 1.0,
        "defects": defects,
    }
    if busy and busy.processor_used and busy.window_seconds:
        result["server_cores"] = busy.processor_used.total / busy.window_seconds
        result["delivered_share"] = busy.events / (busy.window_seconds * load.rate * load.streams)
        result["busy_lag_ms"] = busy.lag_ms
    return result
