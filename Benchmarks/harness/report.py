# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""A table: medians with spread over the rounds, and each server's ratio to the reference of the same round."""

from collections.abc import Callable
from statistics import median

from harness.servers import Load, Table

# Below this share of the offered events the server (or the client) could not keep up, and its figures describe a
# machine that is full rather than a cost.
KEPT_UP = 0.97
DEFECTS = ("lost", "duplicated", "disordered", "malformed", "gaps", "silent", "behind", "unopened", "closed_early")


def spread(values: list[float], digits: int) -> str:
    if median(values) < 1:
        digits += 1  # a µs is much for a frame
    middle = f"{median(values):,.{digits}f}"
    if len(values) < 2:
        return middle
    return f"{middle} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"


def ratios(rounds: list[dict], reference: list[dict] | None, key: str) -> str:
    if not reference:
        return "–"
    return f"{median(mine[key] / base[key] for mine, base in zip(rounds, reference)):.2f}"


def defects(rounds: list[dict]) -> dict[str, int]:
    found = {key: sum(round["client"][key] for round in rounds) for key in DEFECTS}
    found["unopened"] += sum(round["idle_client"]["unopened"] for round in rounds)
    found["closed_early"] += sum(round["idle_client"]["closed_early"] for round in rounds)
    return {key: count for key, count in found.items() if count > 0}


def kept_up(rounds: list[dict]) -> bool:
    return median(round["delivered_share"] for round in rounds) >= KEPT_UP


def cells(name: str, rounds: list[dict], reference: list[dict] | None) -> list[str]:
    def pick(get: Callable[[dict], float], digits: int) -> str:
        return spread([get(round) for round in rounds], digits)

    shares = [round["kernel_share"] for round in rounds if round["kernel_share"] is not None]
    return [
        name if kept_up(rounds) else f"{name} *",
        pick(lambda round: round["cpu_us_per_event"], 2),
        ratios(rounds, reference, "cpu_us_per_event"),
        f"{median(shares):.0%}" if shares else "–",
        f"{median(round['events_per_second'] for round in rounds):,.0f}",
        f"{median(round['bytes_per_event'] for round in rounds):.0f}",
        pick(lambda round: round["lag_ms"]["p50"], 1),
        pick(lambda round: round["lag_ms"]["p99"], 1),
        pick(lambda round: round["lag_ms"]["p99.9"], 1),
        pick(lambda round: round["memory_bytes_per_idle_stream"] / 1024, 1),
        pick(lambda round: round["memory_bytes_per_busy_stream"] / 1024, 1),
        pick(lambda round: round["new_streams_per_second"], 0),
        pick(lambda round: round["cpu_us_per_new_stream"], 0),
        "none" if not defects(rounds) else ", ".join(f"{count} {key}" for key, count in defects(rounds).items()),
    ]


HEADINGS = [
    "server",
    "µs CPU / event",
    "× {reference}",
    "kernel",
    "events/s",
    "B/event",
    "lag p50 ms",
    "p99",
    "p99.9",
    "KB / idle stream",
    "busy",
    "new streams/s",
    "µs CPU / new stream",
    "defects",
]


def table(kind: Table, results: dict[str, list[dict]], load: Load, seconds: float) -> str:
    # Without the table's own reference, its first server.
    reference = kind.reference if kind.reference in results else next(iter(results))
    rounds = len(next(iter(results.values())))
    over = f" over {load.connections} connection(s)" if kind.connections > 1 else ""
    title = (
        f"{kind.title} fan-out: {load.streams:,} streams{over} ({load.slow} slow) × {load.rate} events/s, {load.size} "
        f"bytes of data, {load.loops} server loop(s), window {seconds:g} s, {rounds} round(s): median (min–max)"
    )
    headings = [heading.format(reference=reference) for heading in HEADINGS]
    rows = [headings] + [cells(name, list(rounds), results[reference]) for name, rounds in results.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(headings))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    notes = []
    for name, runs in results.items():
        if not kept_up(runs):
            share = median(round["delivered_share"] for round in runs)
            notes.append(f"* {name} delivered {share:.0%} of what was offered: it was overloaded, read its row so.")
    client = [round["client_cpu_us_per_event"] for runs in results.values() for round in runs]
    cores = max(round["client_cores"] for runs in results.values() for round in runs)
    notes.append(
        f"The client's own CPU, {median(client):.2f} µs per event and at most {cores:.2f} cores, is in no figure."
    )
    if load.slow:
        closed = {name: sum(round["client"]["slow_closed"] for round in runs) for name, runs in results.items()}
        notes.append("Slow streams closed by the server: " + ", ".join(f"{n} {c}" for n, c in closed.items()) + ".")
    return "\n".join([title, "", *lines, "", *notes])
