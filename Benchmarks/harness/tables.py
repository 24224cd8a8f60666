# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""What is compared with what: the rows of each table and the load that it is made for."""

from dataclasses import dataclass, replace

from harness.headwater import HEADWATERS
from harness.peers import PEERS
from harness.servers import Server

SERVERS: dict[str, type[Server]] = {server.name: server for server in [*HEADWATERS, *PEERS]}

# Streams of --short, but for tables that are about their number.
SHORT_STREAMS = 200
# The growth of a cost is seen against that of the cheapest row with at least so many streams: below, what a server
# does for a burst, whoever gets it, weighs more than what it does for a stream.
CHEAPEST_FROM = 1_000
# How often a round runs each of the rows of which a goal asks more than one run's noise, a tenth, would tell.
TURNS = 3


@dataclass(frozen=True)
class Row:
    """One server under one load."""

    name: str
    server: str
    streams: int
    rate: int
    connections: int = 1
    loops: int = 1


@dataclass(frozen=True)
class Table:
    """Rows in the order in which a round runs them."""

    title: str
    rows: tuple[Row, ...]
    # Rows to whose cost those of the others are set in relation, one column each; what is not in the run has none.
    references: tuple[str, ...]
    # Names of the rows that --short runs, so that each server runs once.
    short: tuple[str, ...]
    # Names of the rows that have several turns in each round, because they lie close together or close to a goal.
    close: tuple[str, ...] = ()
    kind: str = "fan-out"  # or "opening", "neighbour"
    # Besides the fan-out: streams without events, for the cost of an idle and of a new stream.
    idle: bool = True
    # The client that it takes, whatever was asked for; empty: the one that was asked for.
    client: str = ""
    # Its rows differ by the number of streams or loops, which no option may make equal.
    varies: str = ""

    def shortened(self) -> "Table":
        kept = tuple(row for row in self.rows if row.name in self.short)
        return replace(self, rows=kept if self.grows else tuple(map(shorten, kept)), close=())

    @property
    def grows(self) -> bool:
        return self.kind == "fan-out" and self.varies == "streams"


def shorten(row: Row) -> Row:
    return replace(row, streams=min(row.streams, SHORT_STREAMS), connections=min(row.connections, 2))


def rows_of(names: tuple[str, ...], streams: int, rate: int, connections: int = 1) -> tuple[Row, ...]:
    return tuple(Row(name, name, streams, rate, connections) for name in names)


def growing(server: str, counts: tuple[int, ...], rate: int, per_connection: int) -> tuple[Row, ...]:
    return tuple(
        Row(f"{server} {count:,}", server, count, rate, -(-count // per_connection) if per_connection else 1)
        for count in counts
    )


HTTP1 = ("headwater", "headwater-no-uring", "floor", "floor-uring", "nchan", "node", "express")
HTTP2 = ("headwater-h2c", "nchan-h2c", "node-h2c")
HTTP2_TLS = ("headwater-h2", "nchan-h2", "node-h2")
TLS = ("headwater-tls", "nchan-tls", "node-tls", "express-tls")
# One Python process has no time for the others' load: it gets what fills a third of a core, so that its costs are not
# those of a queue. Its lags are then not comparable, and its name says so.
STARLETTE = Row("starlette, 5/s", "starlette", 2_000, 5)
STARLETTE_TLS = Row("starlette-tls, 5/s", "starlette-tls", 2_000, 5)
STARLETTE_H2C = Row("starlette-h2c, 1,500 streams", "starlette-h2c", 1_500, 10, 3)
STARLETTE_H2 = Row("starlette-h2, 1,500 streams", "starlette-h2", 1_500, 10, 3)
LEVELS = ("-silent", "-metrics", "", "-traced", "-every-event")
GROWTH = (100, 1_000, 2_000, 5_000, 10_000, 19_500)
GROWTH_HTTP2 = (100, 1_000, 5_000, 10_000, 20_000)


def loops(server: str, streams: int, rate: int, connections: int) -> tuple[Row, ...]:
    names = (f"{server}, 1 loop", f"{server}, 2 loops")
    return tuple(Row(name, server, streams, rate, connections, n + 1) for n, name in enumerate(names))


TABLES: dict[str, Table] = {
    "http1": Table(
        "HTTP/1.1",
        (*rows_of(HTTP1, 2_000, 20), STARLETTE),
        ("floor", "floor-uring", "nchan", "node"),
        (*HTTP1, STARLETTE.name),
        close=HTTP1[:4],
    ),
    "http2": Table(
        "HTTP/2, cleartext (h2c) and TLS (h2)",
        (*rows_of(HTTP2, 9_000, 10, 3), STARLETTE_H2C, *rows_of(HTTP2_TLS, 9_000, 10, 3), STARLETTE_H2),
        ("headwater-h2c", "nchan-h2c", "node-h2c"),
        ("headwater-h2c", "headwater-h2"),
    ),
    "tls": Table(
        "HTTP/1.1 over TLS",
        (*rows_of(TLS, 2_000, 20), STARLETTE_TLS, *rows_of(("headwater",), 2_000, 20)),
        ("headwater", "nchan-tls", "node-tls"),
        ("headwater-tls",),
    ),
    "telemetry": Table(
        "Telemetry over HTTP/2",
        rows_of(tuple(f"headwater-h2c{level}" for level in LEVELS), 9_000, 10, 3),
        ("headwater-h2c-silent",),
        ("headwater-h2c-silent", "headwater-h2c-every-event"),
        close=("headwater-h2c-silent", "headwater-h2c-metrics", "headwater-h2c"),
        idle=False,
    ),
    "telemetry-http1": Table(
        "Telemetry over HTTP/1.1",
        rows_of(tuple(f"headwater{level}" for level in LEVELS), 2_000, 20),
        ("headwater-silent",),
        ("headwater-metrics",),
        close=("headwater-silent", "headwater-metrics", "headwater"),
        idle=False,
    ),
    "growth": Table(
        "Growth with the number of streams, HTTP/1.1",
        growing("headwater", GROWTH, 5, 0),
        ("headwater 100",),
        ("headwater 100", "headwater 1,000"),
        idle=False,
        # It connects from several loopback addresses. From one, a connect costs Linux 30 µs up to 14,000 sockets and
        # up to 2 ms beyond, because it tries every second port first.
        client="c",
        varies="streams",
    ),
    "growth-http2": Table(
        "Growth with the number of streams, HTTP/2",
        growing("headwater-h2c", GROWTH_HTTP2, 10, 5_000),
        ("headwater-h2c 100",),
        ("headwater-h2c 100",),
        idle=False,
        varies="streams",
    ),
    "loops": Table(
        "Event loops, HTTP/1.1",
        loops("headwater", 2_000, 20, 1),
        ("headwater, 1 loop",),
        ("headwater, 2 loops",),
        idle=False,
        varies="loops",
    ),
    "loops-http2": Table(
        "Event loops, HTTP/2",
        loops("headwater-h2c", 10_000, 10, 4),
        ("headwater-h2c, 1 loop",),
        ("headwater-h2c, 2 loops",),
        idle=False,
        varies="loops",
    ),
    "opening": Table(
        "Opening streams",
        rows_of(("headwater", "floor", "nchan", "node", "express", "starlette"), 4_000, 1)
        + rows_of((*HTTP2, "starlette-h2c"), 9_000, 1, 3)
        + rows_of((*TLS, "starlette-tls"), 1_000, 1),
        (),
        ("headwater", "headwater-h2c", "headwater-tls", "nchan-h2c", "node-h2c", "starlette-h2c", "nchan-tls")
        + ("node-tls", "express-tls", "starlette-tls"),
        close=("headwater", "headwater-h2c"),
        kind="opening",
    ),
    "neighbour": Table(
        "A quiet neighbour of a busy channel, on the same event loop",
        (
            Row("alone", "headwater", 0, 1),
            Row("beside HTTP/1.1", "headwater", 10_000, 5),
            Row("beside HTTP/2", "headwater-h2c", 10_000, 10, 2),
        ),
        (),
        ("beside HTTP/1.1",),
        kind="neighbour",
        varies="streams",
    ),
}
