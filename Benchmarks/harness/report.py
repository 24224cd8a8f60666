# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""A table in Markdown: medians with spread over the rounds, ratios to the table's references, and notes."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from harness.figures import Get, Round, cheapest, cost, defects, overloaded, picked, ratios, spread
from harness.rounds import Settings
from harness.servers import Load
from harness.tables import CHEAPEST_FROM, TURNS, Row, Table

# A client of one thread that is busier than this is late itself, and its server's lags are its own.
CLIENT_FULL = 0.9


@dataclass(frozen=True)
class Column:
    heading: str
    cell: Callable[[list[Round]], str]


def column(heading: str, get: Get, digits: int) -> Column:
    return Column(heading, lambda rounds: spread(picked(rounds, get), digits))


def lag(key: str, part: str = "lag_ms") -> Get:
    return lambda round: round.get(part, {}).get(key)


def kilobytes(key: str) -> Get:
    return lambda round: None if round.get(key) is None else round[key] / 1024


def opening_cost(round: Round) -> float | None:
    return round.get("cpu_us_per_new_stream")


def share_of_kernel(rounds: list[Round]) -> str:
    shares = picked(rounds, lambda round: round.get("kernel_share"))
    return f"{median(shares):.0%}" if shares else "–"


def found_defects(rounds: list[Round]) -> str:
    return ", ".join(f"{count} {name}" for name, count in defects(rounds).items()) or "none"


EVENT = [
    Column("kernel", share_of_kernel),
    column("events/s", lambda round: round.get("events_per_second"), 0),
    Column("B/event", lambda rounds: f"{median(round['bytes_per_event'] for round in rounds):.0f}"),
    column("lag p50 ms", lag("p50"), 1),
    column("p99", lag("p99"), 1),
    column("p99.9", lag("p99.9"), 1),
]
BUSY = column("KB / stream, busy", kilobytes("memory_bytes_per_busy_stream"), 1)
IDLE = column("KB / stream, idle", kilobytes("memory_bytes_per_idle_stream"), 1)
NEW = [
    column("new streams/s", lambda round: round.get("new_streams_per_second"), 0),
    column("µs CPU / new stream", opening_cost, 1),
]
OPENED = Column("streams", lambda rounds: f"{median(round['opened'] for round in rounds):,.0f}")
PER_CORE = column("new streams/s and core", lambda round: 1e6 / used if (used := opening_cost(round)) else None, 0)
NEIGHBOUR = [
    column("quiet channel's lag p50 ms", lag("p50"), 2),
    column("p99", lag("p99"), 1),
    column("max", lag("max"), 1),
    column("/healthz p50 ms", lag("p50", "health_ms"), 2),
    column("p99", lag("p99", "health_ms"), 1),
    column("max", lag("max", "health_ms"), 1),
    column("busy channel's lag p99 ms", lag("p99", "busy_lag_ms"), 1),
    column("server cores", lambda round: round.get("server_cores"), 2),
]


def columns(kind: Table, results: dict[str, list[Round]]) -> list[Column]:
    if kind.kind == "opening":
        own = [OPENED, *NEW, PER_CORE, IDLE]
    elif kind.kind == "neighbour":
        own = NEIGHBOUR
    else:
        own = [column("µs CPU / event", cost, 2)]
        own += [against(name, results[name]) for name in kind.references if results.get(name)]
        least = cheapest(results, {row.name: row.streams for row in kind.rows}, CHEAPEST_FROM) if kind.grows else None
        own += [against(least, results[least])] if least else []
        own += [*EVENT, IDLE, BUSY, *NEW] if kind.idle else [*EVENT, BUSY]
    return [*own, Column("defects", found_defects)]


def against(name: str, reference: list[Round]) -> Column:
    def cell(rounds: list[Round]) -> str:
        found = ratios(rounds, reference, cost)
        if not found:
            return "–"
        value = median(found)
        return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"

    return Column(f"× {name}", cell)


def markdown(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def load_line(kind: Table, rows: list[Row], load: Load, settings: Settings, rounds: int) -> str:
    def said(values: list[int], one: str, more: str) -> str:
        if kind.varies and len(set(values)) > 1:
            return f"{more} as named"
        return f"{values[0]:,} {one if values[0] == 1 else more}"

    parts = [said([row.streams for row in rows], "stream", "streams")]
    shared = [row.connections for row in rows if row.connections > 1]
    if kind.kind == "opening":
        parts = ["streams as listed, over 3 connections where it is HTTP/2"]
    elif kind.kind == "neighbour":
        busy = ", ".join(f"{row.name} {row.streams:,} × {row.rate} events/s" for row in rows if row.streams)
        parts = [f"10 streams × 10.3 events/s, {busy}"]
    elif kind.grows and shared:
        parts[0] += ", at most 5,000 on a connection"
    elif shared:
        parts[0] += " over " + said(shared, "connection", "connections")
    if load.slow:
        parts[0] += f" ({load.slow} slow)"
    if kind.kind == "fan-out":
        parts[0] += f" × {rows[0].rate} events/s"
        parts.append(f"{load.size} bytes of data")
        parts.append(f"window {settings.seconds:g} s")
    parts.append(said([row.loops for row in rows], "loop of the server", "loops of the server"))
    is_c = "c" in (settings.client, kind.client) or kind.kind == "opening"
    client = "the C clients" if is_c else "`headwater probe load`"
    parts.append(f"client {client}")
    said_rounds = f"{rounds} round{'s' if rounds > 1 else ''}"
    if close := [row.name for row in rows if row.name in kind.close]:
        said_rounds += f", in each {TURNS} turns of {', '.join(close)}"
    return ", ".join(parts) + f"; {said_rounds}: median (lowest–highest)."


def table(kind: Table, results: dict[str, list[Round]], loads: dict[str, Load], settings: Settings) -> str:
    """Rows that have no result are left to the caller to explain."""
    measured = {name: rounds for name, rounds in results.items() if rounds}
    if not measured:
        return "Nothing was measured."
    shown = columns(kind, results)
    cells = [["server" if kind.kind != "neighbour" else "", *(column.heading for column in shown)]]
    for name, rounds in measured.items():
        marked = name + (" *" if overloaded(rounds) else "") + (" †" if client_is_full(rounds) else "")
        cells.append([marked, *(column.cell(rounds) for column in shown)])
    rows = [row for row in kind.rows if row.name in measured]
    count = max(len({round["turn"][0] for round in rounds}) for rounds in measured.values())
    lines = [load_line(kind, rows, loads[rows[0].name], settings, count), "", *markdown(cells)]
    return "\n".join([*lines, "", *notes(measured, loads, settings)]).rstrip()


def client_is_full(rounds: list[Round]) -> bool:
    return median(round.get("client_cores", 0) for round in rounds) > CLIENT_FULL


def notes(measured: dict[str, list[Round]], loads: dict[str, Load], settings: Settings) -> list[str]:
    lines = []
    for name, rounds in measured.items():
        if overloaded(rounds):
            share = median(round["delivered_share"] for round in rounds)
            lines.append(f"\\* {name} delivered {share:.0%} of what was offered: it was overloaded, read its row so.")
        if client_is_full(rounds):
            lines.append(f"† {name}: the client itself filled its core; the lags of this row are partly its own.")
    every = [round for rounds in measured.values() for round in rounds]
    spent = picked(every, lambda round: round.get("client_cpu_us_per_event"))
    if spent:
        cores = max(round["client_cores"] for round in every)
        lines.append(
            f"The client's own CPU, {median(spent):.2f} µs per event and at most {cores:.2f} cores, is in no figure."
        )
    if any(load.slow for load in loads.values()):
        closed = {name: sum(round.get("slow_closed") or 0 for round in rounds) for name, rounds in measured.items()}
        said = ", ".join(f"{name} {count}" for name, count in closed.items())
        lines.append(f"Slow streams closed by the server: {said}." if settings.client == "c" else
                     "Slow streams that the server closed are counted with `--client c`.")  # fmt: skip
    return lines
