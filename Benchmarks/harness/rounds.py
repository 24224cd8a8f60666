# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""One round of one row: a fan-out run for the cost of an event and its lag, an idle run for the cost of a stream."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.clients import CLIENTS, CClient, Client, Outcome, Plan
from harness.processes import BenchmarkError, memory, processor
from harness.servers import Load, Server


# User and system time are known in ticks of 10 ms: with less, their shares say nothing.
LEAST_FOR_SHARE = 0.2


@dataclass(frozen=True)
class Settings:
    """What is the same for all rows of a run."""

    client: str
    seconds: float
    settle: float
    coalesce: int


@contextmanager
def started(kind: type[Server], load: Load) -> Iterator[tuple[Server, Path]]:
    """A fresh server and a folder for its files; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as name:
        server = kind(load, Path(name))
        try:
            server.start()
            yield server, Path(name)
        finally:
            server.stop()


def run(client: Client) -> Outcome:
    try:
        return client.measure()
    finally:
        client.stop()


def fan_out(kind: type[Server], load: Load, settings: Settings) -> dict:
    with started(kind, load) as (server, directory):
        server.begin_publishing()
        empty = memory(server.pids)
        plan = Plan(
            server.events_target, load.streams, load.connections, settings.seconds, settings.settle, load.slow,
            load.size, coalesce=settings.coalesce,
        )  # fmt: skip
        outcome = run(CLIENTS[settings.client](server, plan, directory))
    used = outcome.processor_used
    if used is None or outcome.window_seconds == 0:
        raise BenchmarkError("the client reports no window")
    events, ticks = max(1, outcome.events), used.user + used.system
    readers = load.streams - load.slow
    return {
        "cpu_us_per_event": used.total * 1e6 / events,
        "memory_bytes_per_busy_stream": (outcome.memory - empty) / load.streams if outcome.memory else None,
        "kernel_share": used.system / ticks if ticks >= LEAST_FOR_SHARE else None,
        "server_cores": used.total / outcome.window_seconds,
        "events_per_second": outcome.events / outcome.window_seconds,
        # A burst of grace: the window may end a little before the one that was due in it has arrived.
        "delivered_share": min(1, (outcome.events + readers) / (outcome.window_seconds * load.rate * readers)),
        "bytes_per_event": outcome.bytes / events,
        "lag_ms": outcome.lag_ms,
        "client_cores": outcome.client_cores,
        "client_cpu_us_per_event": outcome.client_cores * outcome.window_seconds * 1e6 / events,
        "slow_closed": outcome.slow_closed,
        "defects": outcome.defects,
    }


def idle(kind: type[Server], load: Load, settings: Settings) -> dict:
    """What a stream costs that is opened and gets no events: as fast as response heads come back, 128 under way."""
    with started(kind, load) as (server, directory):
        warm_up(server, directory)
        before, empty = processor(server.pids), memory(server.pids)
        plan = Plan(server.idle_target, load.streams, load.connections, 0.3, min(settings.settle, 1.0), idle=True)
        outcome = run(CClient(server, plan, directory))
    opened = max(1, outcome.opened)
    when_open = outcome.processor_when_open
    return {
        "opened": outcome.opened,
        "memory_bytes_per_idle_stream": (outcome.memory - empty) / opened if outcome.memory else None,
        "new_streams_per_second": opened / outcome.opening_seconds if outcome.opening_seconds else None,
        "cpu_us_per_new_stream": (when_open - before).total * 1e6 / opened if when_open else None,
        "idle_defects": outcome.defects,
    }


def warm_up(server: Server, directory: Path) -> None:
    """Opens and closes a few streams first, so that what the server allocates once is not booked to the streams."""
    run(CClient(server, Plan(server.idle_target, 8, 1, 0.1, 0.2, idle=True), directory, "warm-up"))
