# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""The two clients behind one interface. `headwater probe load` receives what every table measures; the C programs of
client/ share no line with it and are the referee, for nobody should mark their own homework. They alone open streams
without events, as fast as heads come back: the probe's openings happen when they are due, whatever the server does."""

import json
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness.headwater import Headwater
from harness.processes import BenchmarkError, Child, Processor, memory, processor
from harness.servers import BUILD, Server

# Opening is bounded by a minute in the C client, the wait for stragglers by seconds; this is on top of its own bounds.
PATIENCE = 75


@dataclass(frozen=True)
class Plan:
    """What a client is to do with one target."""

    target: str
    streams: int
    connections: int
    seconds: float  # of the measured window
    settle: float  # between the last stream and the window
    slow: int = 0
    size: int = 0  # of an event's data; 0: any
    idle: bool = False  # no events will come: the C clients only
    coalesce: int = 200  # of the C clients


@dataclass
class Outcome:
    """What was found. The server's CPU is read at the same moments at which the client counts."""

    opened: int = 0
    opening_seconds: float | None = None  # from the first connect to the last head: of the C clients
    processor_when_open: Processor | None = None
    window_seconds: float = 0
    events: int = 0
    bytes: int = 0
    processor_used: Processor | None = None  # in the window
    memory: int | None = None  # at its end
    lag_ms: dict[str, float] = field(default_factory=dict)
    client_cores: float = 0
    defects: dict[str, int] = field(default_factory=dict)
    slow_closed: int | None = None  # the probe does not count them


class Client:
    """One run of one client; the server is sampled while it goes."""

    def __init__(self, server: Server, plan: Plan, directory: Path, name: str = "client"):
        self.server = server
        self.plan = plan
        self.pids = server.pids
        self.child = Child(name, self.command(), directory, {"no_proxy": "*"})

    def command(self) -> list[str]:
        raise NotImplementedError

    def measure(self) -> Outcome:
        raise NotImplementedError

    def stop(self) -> None:
        self.child.stop()


C_DEFECTS = ("lost", "duplicated", "disordered", "malformed", "gaps", "silent", "behind", "unopened", "closed_early")


class CClient(Client):
    """client/fanout and client/fanout-h2: a JSON line for each phase, both ends of the window between two bursts."""

    def command(self) -> list[str]:
        server, plan = self.server, self.plan
        command = [str(BUILD / ("fanout-h2" if server.http2 else "fanout")), "--port", str(server.port)]
        command += ["--tls"] if server.tls else []
        command += ["--connections", str(plan.connections)] if server.http2 else []
        command += ["--path", plan.target, "--streams", str(plan.streams), "--slow", str(plan.slow)]
        command += ["--duration", str(plan.seconds), "--settle", str(plan.settle), "--coalesce", str(plan.coalesce)]
        return command + (["--idle"] if plan.idle else ["--data-size", str(plan.size)])

    def measure(self) -> Outcome:
        bound = self.plan.seconds + self.plan.settle + PATIENCE
        opened = json.loads(self.child.read_line(0, bound))
        when_open = processor(self.pids)
        self.child.read_line(1, bound)
        before = processor(self.pids)
        # Without events it ends at once behind the window, and with it the streams.
        held = memory(self.pids) if self.plan.idle else None
        window = json.loads(self.child.read_line(2, bound))
        used = processor(self.pids) - before
        held = held if held is not None else memory(self.pids)
        result = json.loads(self.child.read_line(3, bound))
        return Outcome(
            opened=opened["streams"],
            opening_seconds=opened["seconds"],
            processor_when_open=when_open,
            window_seconds=window["seconds"],
            events=window["events"],
            bytes=window["bytes"],
            processor_used=used,
            memory=held,
            lag_ms={key: result["lag_ns"][key] / 1e6 for key in ("p50", "p99", "p99.9", "max")},
            client_cores=result["client_cpu_seconds"] / window["seconds"],
            defects={name: result[name] for name in C_DEFECTS if result[name]},
            slow_closed=result["slow_closed"],
        )


# A line of the probe's each second: how far it is and in which phase.
PROGRESS = re.compile(r"^\d+ s  (ramp|hold)  ")


@dataclass(frozen=True)
class Tick:
    """The server when such a line came."""

    holding: bool
    processor: Processor
    at: float = 0


def window_of(ticks: list[Tick], seconds: list[dict], length: int) -> tuple[int, int]:
    """Which of the probe's seconds are the window: behind the first index, up to and with the second one. It begins
    with the last tick of the ramp and takes so many whole seconds of those that follow."""
    if len(ticks) != len(seconds):
        raise BenchmarkError(f"the probe wrote {len(ticks)} lines and reports {len(seconds)} seconds")
    first = next((index for index, second in enumerate(seconds) if second["is_holding"]), None)
    if first is None or first == 0:
        raise BenchmarkError("the probe's report has no second of ramp, or none of hold")
    last = first - 1
    total = 0.0
    # What remains behind the window is shorter, see ProbeClient; a late tick makes one second longer.
    while last + 1 < len(seconds) and total < length - 0.5:
        last += 1
        total += seconds[last]["seconds"]
    return first - 1, last


class ProbeClient(Client):
    """`headwater probe load`. It counts by the second and says so at once on standard error, where the server's CPU
    is read; the events of the same seconds are in its report. Bursts have the same phase at both ends of the window,
    whose length is a multiple of every interval, so that nothing worth mentioning is cut."""

    # Openings per second, by HTTP/2 and by TLS, at which a server that sends events already does not fall behind.
    pace = {(False, False): 1_000, (False, True): 400, (True, False): 3_000, (True, True): 3_000}
    # The streams are held for so long behind the window, for the memory to be read.
    tail = 0.3

    @property
    def seconds(self) -> int:
        return max(1, round(self.plan.seconds))

    @property
    def ramp(self) -> float:
        pace = self.pace[(self.server.http2, self.server.tls)]
        return max(self.plan.streams / pace, 0.2)

    def command(self) -> list[str]:
        server, plan = self.server, self.plan
        scheme = "https" if server.tls else "http"
        command = [str(Headwater.binary()), "probe", "load", f"{scheme}://127.0.0.1:{server.port}{plan.target}"]
        command += ["--protocol", "h2" if server.http2 else "h1", "--json", "--streams", str(plan.streams - plan.slow)]
        command += ["--slow", str(plan.slow), "--no-reconnect"]
        command += ["--ramp", str(self.ramp), "--settle", str(plan.settle)]
        command += ["--duration", str(self.seconds + self.tail)]
        command += ["--streams-per-connection", str(math.ceil(plan.streams / plan.connections))]
        return command + (["--insecure"] if server.tls else [])

    def measure(self) -> Outcome:
        outcome = Outcome()
        ticks: list[Tick] = []
        for line in self.child.error_lines(self.ramp + self.plan.settle + self.seconds + PATIENCE):
            found = PROGRESS.match(line)
            if not found:
                continue
            used = processor(self.pids)
            ticks.append(Tick(found[1] == "hold", used, time.monotonic()))
            begun = next((tick.at for tick in reversed(ticks) if not tick.holding), None)
            if outcome.memory is None and ticks[-1].holding and begun and ticks[-1].at - begun > self.seconds - 0.5:
                outcome.memory = memory(self.pids)
        self.child.process.wait(PATIENCE)
        try:
            result = json.loads(self.child.out.read_text())["result"]
        except ValueError as error:
            status = self.child.process.returncode
            raise BenchmarkError(f"probe load ended with status {status}:\n{self.child.last_words()}") from error
        if result.get("failure"):
            raise BenchmarkError(f"probe load: {result['failure']}")
        self.fill(outcome, ticks, result)
        return outcome

    def fill(self, outcome: Outcome, ticks: list[Tick], result: dict) -> None:
        first, last = window_of(ticks, result["seconds"], self.seconds)
        window = result["seconds"][first + 1 : last + 1]
        outcome.opened = result["opened"]
        outcome.window_seconds = sum(second["seconds"] for second in window)
        outcome.events = sum(second["events"] for second in window)
        outcome.bytes = sum(second["bytes"] for second in window)
        outcome.processor_used = ticks[last].processor - ticks[first].processor
        spent = sum(second["cpu"] * second["seconds"] for second in window)
        outcome.client_cores = spent / outcome.window_seconds
        delivery = result["hold"].get("delivery")
        if delivery:
            names = {"p50": "p50_ms", "p99": "p99_ms", "p99.9": "p999_ms", "max": "max_ms"}
            outcome.lag_ms = {name: delivery[key] for name, key in names.items()}
        outcome.defects = defects_of(result, self.plan)


def defects_of(result: dict, plan: Plan) -> dict[str, int]:
    """Whatever should not have been, by name; nothing else. An event without number or time is malformed for us."""
    readers = plan.streams - plan.slow
    found = {name: result[name] for name in ("lost", "duplicated", "reordered", "stale", "gaps", "early")}
    found["malformed"] = result["unnumbered"] + result["untimed"]
    found["silent"] = readers if result["hold"]["events"] == 0 else 0
    for tally in result["failures"]:
        found[f"failed: {tally['cause']}"] = tally["count"]
    for tally in result["ends"]:
        if tally["cause"] != "dropped":
            found[f"ended: {tally['cause']}"] = tally["count"]
    found["unopened"] = max(0, readers - result["open_at_end"] - sum(tally["count"] for tally in result["ends"]))
    return {name: count for name, count in found.items() if count}


CLIENTS: dict[str, Callable[..., Client]] = {"probe": ProbeClient, "c": CClient}
