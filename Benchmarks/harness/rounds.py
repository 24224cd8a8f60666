# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""One round of one server: a fan-out run for the cost of an event and its lag, an idle run for the cost of a stream."""

import json
import tempfile
from pathlib import Path

from harness.processes import Child, sample
from harness.servers import Load, Server

# Opening is bounded by a minute in the client, the wait for stragglers by seconds; this is on top of its own bounds.
CLIENT_PATIENCE = 75


class ClientRun:
    """The client against one target. Its JSON lines come in a fixed order, one per phase."""

    def __init__(self, server: Server, target: str, directory: Path, seconds: float, settle: float, options: list[str]):
        load = server.load
        self.bound = seconds + settle + CLIENT_PATIENCE
        command = [*server.client(), "--path", target]
        command += ["--streams", str(load.streams), "--duration", str(seconds), "--settle", str(settle), *options]
        if server.http2:
            command += ["--connections", str(load.connections)]
        self.child = Child("client", command, directory)
        self.lines = 0

    def phase(self) -> dict:
        line = self.child.read_line(self.lines, self.bound)
        self.lines += 1
        return json.loads(line)


def measure(kind: type[Server], load: Load, seconds: float, settle: float, client_options: list[str]) -> dict:
    """Both runs, each against a fresh server. Returns plain numbers; see Benchmarks/README.md for their meaning."""
    result = fan_out(kind, load, seconds, settle, client_options)
    result.update(idle(kind, load, settle))
    return result


def fan_out(kind: type[Server], load: Load, seconds: float, settle: float, client_options: list[str]) -> dict:
    options = ["--slow", str(load.slow), "--data-size", str(load.size), *client_options]
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as name:
        server = kind(load, Path(name))
        client = None
        try:
            server.start()
            server.begin_publishing()
            empty = sample(server.pid)
            client = ClientRun(server, server.events_target, Path(name), seconds, settle, options)
            client.phase()  # opened
            client.phase()  # the window begins
            before = sample(server.pid)
            window = client.phase()
            after = sample(server.pid)
            outcome = client.phase()
        finally:
            if client is not None:
                client.child.stop()
            server.stop()
    events = max(1, window["events"])
    cpu = after.cpu - before.cpu
    ticks = (after.user + after.system) - (before.user + before.system)
    return {
        "cpu_us_per_event": cpu * 1e6 / events,
        "memory_bytes_per_busy_stream": (after.memory - empty.memory) / load.streams,
        "kernel_share": (after.system - before.system) / ticks if ticks > 0 else None,
        "server_cores": cpu / window["seconds"],
        "events_per_second": events / window["seconds"],
        "delivered_share": events / (window["seconds"] * load.rate * (load.streams - load.slow)),
        "bytes_per_event": window["bytes"] / events,
        "lag_ms": {key: value / 1e6 for key, value in outcome["lag_ns"].items() if key != "count"},
        "client_cpu_us_per_event": outcome["client_cpu_seconds"] * 1e6 / events,
        "client_cores": outcome["client_cpu_seconds"] / window["seconds"],
        "client": outcome,
    }


def idle(kind: type[Server], load: Load, settle: float) -> dict:
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as name:
        server = kind(load, Path(name))
        client = None
        try:
            server.start()
            warm_up(server, Path(name))
            before = sample(server.pid)
            client = ClientRun(server, server.idle_target, Path(name), 0.5, max(settle, 1.0), ["--idle"])
            opened = client.phase()
            after_opening = sample(server.pid)
            client.phase()  # settled
            held = sample(server.pid)
            client.phase()
            outcome = client.phase()
        finally:
            if client is not None:
                client.child.stop()
            server.stop()
    streams = max(1, opened["streams"])
    return {
        "memory_bytes_per_idle_stream": (held.memory - before.memory) / streams,
        "new_streams_per_second": streams / opened["seconds"],
        "cpu_us_per_new_stream": (after_opening.cpu - before.cpu) * 1e6 / streams,
        "idle_client": outcome,
    }


def warm_up(server: Server, directory: Path) -> None:
    """Opens and closes a few streams first, so that what the server allocates once is not booked to the streams."""
    command = [*server.client(), "--path", server.idle_target]
    command += ["--streams", "8", "--settle", "0.2", "--duration", "0.1", "--idle"]
    client = Child("warm-up", command, directory)
    try:
        client.process.wait(CLIENT_PATIENCE)
    finally:
        client.stop()
