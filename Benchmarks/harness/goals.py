# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""The goals, each with the figure that the measured tables give for it. Nothing here is measured: what was not run has
no figure, and its goal is not decided."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from harness.figures import Get, Round, certain, cheapest, cost, overloaded, picked, ratios
from harness.tables import CHEAPEST_FROM, TABLES

# All that was measured: table, row, rounds.
Measured = dict[str, dict[str, list[Round]]]
# Of each round; empty if it was not measured.
Figure = Callable[[Measured], list[float]]


@dataclass(frozen=True)
class Goal:
    """What is to be reached: a figure at most, or at least, this large."""

    what: str
    figure: Figure
    limit: float
    digits: int = 2
    at_least: bool = False

    def text(self, value: float) -> str:
        return f"{value:,.{self.digits}f}"

    def texts(self, values: list[float]) -> str:
        """The median, and between what it is certain."""
        ends = f" ({'–'.join(map(self.text, certain(values)))})" if len(values) > 1 else ""
        return self.text(median(values)) + ends

    def reached(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit

    def verdict(self, values: list[float]) -> str:
        """By the median; if it may as well be on the other side of the limit, that is said."""
        said = "met" if self.reached(median(values)) else "**not met**"
        is_certain = len({self.reached(value) for value in (*certain(values), median(values))}) == 1
        return said if is_certain else f"{said}, within the noise"


def against(table: str, row: str, reference: str) -> Figure:
    def figure(measured: Measured) -> list[float]:
        rows = measured.get(table, {})
        return ratios(rows.get(row, []), rows.get(reference, []), cost)

    return figure


def values_of(table: str, row: str, get: Get) -> Figure:
    return lambda measured: picked(measured.get(table, {}).get(row, []), get)


def memory(table: str, row: str) -> Figure:
    key = "memory_bytes_per_idle_stream"
    return values_of(table, row, lambda round: None if round.get(key) is None else round[key] / 1024)


def per_core(row: str) -> Figure:
    return values_of("opening", row, lambda round: 1e6 / used if (used := round.get("cpu_us_per_new_stream")) else None)


def growth(table: str) -> Figure:
    """What an event costs with the most streams, against 100 and against the cheapest from 1,000 up: the worse one."""

    def figure(measured: Measured) -> list[float]:
        rows = measured.get(table, {})
        streams = {row.name: row.streams for row in TABLES[table].rows if row.name in rows}
        if len(streams) < len(TABLES[table].rows):
            return []
        order = sorted(streams, key=lambda name: streams[name])
        bases = [order[0], cheapest(rows, streams, CHEAPEST_FROM)]
        found = [ratios(rows[order[-1]], rows[base], cost) for base in bases if base]
        return max(filter(None, found), key=median, default=[])

    return figure


def lateness(table: str, row: str) -> Figure:
    return values_of(table, row, lambda round: round.get("lag_ms", {}).get("p99"))


SILENT, SILENT_HTTP1, NO_URING = "headwater-h2c-silent", "headwater-silent", "headwater-no-uring"

GOALS = [
    Goal("HTTP/1.1 without io_uring, CPU per event, × the floor", against("http1", NO_URING, "floor"), 1.10),
    Goal("HTTP/1.1, CPU per event, × the floor", against("http1", "headwater", "floor"), 0.90),
    Goal("HTTP/1.1, CPU per event, × Nchan", against("http1", "headwater", "nchan"), 0.70),
    Goal("HTTP/2, CPU per event, × Node", against("http2", "headwater-h2c", "node-h2c"), 0.10, 3),
    Goal("HTTP/2, CPU per event, × Nchan", against("http2", "headwater-h2c", "nchan-h2c"), 0.05, 3),
    Goal("KB per idle stream, HTTP/1.1", memory("http1", "headwater"), 8),
    Goal("KB per idle stream, HTTP/1.1 over TLS", memory("tls", "headwater-tls"), 24, 1),
    Goal("KB per idle stream, HTTP/2", memory("http2", "headwater-h2c"), 1),
    Goal("growth of the CPU per event, HTTP/1.1", growth("growth"), 1.25),
    Goal("growth of the CPU per event, HTTP/2", growth("growth-http2"), 1.25),
    Goal("cost of metrics, HTTP/2", against("telemetry", "headwater-h2c-metrics", SILENT), 1.03),
    Goal("cost of metrics and 1 % traced, HTTP/2", against("telemetry", "headwater-h2c", SILENT), 1.05),
    Goal("cost of metrics, HTTP/1.1", against("telemetry-http1", "headwater-metrics", SILENT_HTTP1), 1.03),
    Goal("cost of metrics and 1 % traced, HTTP/1.1", against("telemetry-http1", "headwater", SILENT_HTTP1), 1.05),
    Goal("new streams per second and core, HTTP/1.1", per_core("headwater"), 15_000, 0, at_least=True),
    Goal("new streams per second and core, HTTP/2", per_core("headwater-h2c"), 80_000, 0, at_least=True),
    Goal("lag p99 in ms, 10,000 HTTP/2 streams × 10/s", lateness("growth-http2", "headwater-h2c 10,000"), 5, 1),
]


def rows(measured: Measured) -> list[list[str]]:
    """Those that are decided, as cells. A row that was overloaded decides nothing: its cost is not that of its load."""
    sound = {
        table: {name: found for name, found in results.items() if found and not overloaded(found)}
        for table, results in measured.items()
    }
    cells = []
    for goal in GOALS:
        limit = ("≥ " if goal.at_least else "≤ ") + goal.text(goal.limit)
        if values := goal.figure(sound):
            cells.append([goal.what, limit, goal.texts(values), goal.verdict(values)])
        elif goal.figure(measured):
            cells.append([goal.what, limit, "–", "not decided: a row was overloaded"])
    return cells
