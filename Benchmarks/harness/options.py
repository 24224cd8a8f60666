# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""The command line of Benchmarks/run, and the tables that it asks for."""

import argparse
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from harness.clients import CLIENTS
from harness.rounds import Settings
from harness.servers import Load
from harness.tables import SERVERS, TABLES, Row, Table, shorten

EXAMPLES = """examples:
  Benchmarks/run                                          every table, three rounds
  Benchmarks/run --short                                  under two minutes: does it run at all
  Benchmarks/run --table http2                            9,000 streams over 3 connections × 10 events/s
  Benchmarks/run --table http1 --client c                 the same figures by the other client
  Benchmarks/run --servers headwater,floor --rounds 5     only these
  Benchmarks/run --streams 10000 --rate 10 --loops 2 --slow 1 --servers headwater
                                                          reliability: fails on any loss, disorder or duplicate"""


def parse_arguments(description: str | None) -> argparse.Namespace:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="Benchmarks/run", description=description, epilog=EXAMPLES, formatter_class=raw, allow_abbrev=False
    )
    parser.add_argument("--table", choices=TABLES, help="one comparison (all, or the one with the first of --servers)")
    parser.add_argument("--servers", help=f"others than the table's: comma list of {', '.join(SERVERS)}")
    parser.add_argument("--client", choices=CLIENTS, default="probe", help="who receives: headwater's probe, or C")
    parser.add_argument("--streams", type=int, help="streams (2000, over HTTP/2 9000; --short: 200)")
    parser.add_argument("--connections", type=int, help="connections over HTTP/2 (3)")
    parser.add_argument("--rate", type=int, help="events per second and stream, a divisor of 1000 (20, over HTTP/2 10)")
    parser.add_argument("--size", type=int, default=256, help="bytes of an event's data (256: 290 on the wire)")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (3; --short: 1)")
    parser.add_argument("--seconds", type=int, help="measured window of a run (5; --short: 1)")
    parser.add_argument("--settle", type=float, help="seconds for the streams to settle (2; --short: 0.3)")
    parser.add_argument("--loops", type=int, help="event loops of headwater, workers of nginx and granian (1)")
    parser.add_argument("--slow", type=int, default=0, help="streams that never read (0)")
    parser.add_argument("--coalesce", type=int, default=200, help="the C clients' pause in µs, see README (200)")
    parser.add_argument("--short", action="store_true", help="small and quick: proves that it runs, not how fast")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured to this file too")
    parser.add_argument("--headwater-arguments", default="", help="further arguments of `headwater serve`")
    arguments = parser.parse_args()
    defaults = {"rounds": (3, 1), "seconds": (5, 1), "settle": (2.0, 0.3)}
    for key, (full, short) in defaults.items():
        if getattr(arguments, key) is None:
            setattr(arguments, key, short if arguments.short else full)
    arguments.servers = arguments.servers.split(",") if arguments.servers else []
    check(parser, arguments)
    return arguments


def check(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    unknown = [name for name in arguments.servers if name not in SERVERS]
    if unknown:
        parser.error(f"--servers: unknown: {', '.join(unknown)}; known: {', '.join(SERVERS)}")
    if arguments.rate is not None and (not 1 <= arguments.rate <= 100 or 1000 % arguments.rate):
        parser.error("--rate: a divisor of 1000 from 1 to 100")
    if not 80 <= arguments.size <= 65536:
        parser.error("--size: 80 to 65536 bytes")
    counts = [arguments.streams, arguments.connections, arguments.rounds, arguments.loops, arguments.seconds]
    if min(count for count in counts if count is not None) < 1:
        parser.error("--streams, --connections, --rounds, --loops, --seconds: at least 1")
    chosen = chosen_tables(arguments)
    for table in chosen.values():
        fixed = [name for name in ("servers", "streams", "loops") if getattr(arguments, name) and table.varies]
        if fixed and (arguments.table or fixed == ["servers"]):
            parser.error(f"--{fixed[0]}: not for this table, whose rows differ by {table.varies}")
        if table.kind == "fan-out" and any(not 0 <= arguments.slow < row.streams for row in table.rows):
            parser.error("--slow: below --streams")


def chosen_tables(arguments: argparse.Namespace) -> dict[str, Table]:
    names = list(TABLES)
    if arguments.table:
        names = [arguments.table]
    elif arguments.servers:
        first = arguments.servers[0]
        listed = [name for name, table in TABLES.items() if first in (row.server for row in table.rows)]
        names = listed[:1] or ["http1"]
    return {name: fitted(TABLES[name], arguments) for name in names}


def fitted(table: Table, arguments: argparse.Namespace) -> Table:
    """The table with what the options say instead."""
    if arguments.short and not arguments.servers:
        table = table.shortened()
    elif arguments.servers:
        known = {row.server: row for row in table.rows}
        model = table.rows[0]
        rows = tuple(known.get(name) or replace(model, name=name, server=name) for name in arguments.servers)
        table = replace(table, rows=tuple(map(shorten, rows)) if arguments.short else rows, close=())
    named = {"streams": arguments.streams, "connections": arguments.connections, "loops": arguments.loops}
    given: dict[str, int] = {} if table.varies else {key: value for key, value in named.items() if value is not None}
    if arguments.rate is not None and table.kind == "fan-out":
        given["rate"] = arguments.rate

    def changed(row: Row) -> Row:
        if given:
            row = replace(row, name=row.server, **given)  # a name that speaks of the load would lie
        return replace(row, connections=max(1, min(row.connections, row.streams)))

    table = replace(table, rows=tuple(changed(row) for row in table.rows))
    names = {row.name for row in table.rows}
    if table.references and not names & set(table.references):
        table = replace(table, references=(table.rows[0].name,))
    return table


def load_of(row: Row, arguments: argparse.Namespace, files: int) -> Load:
    return Load(row.streams, arguments.slow, row.rate, arguments.size, row.loops, files, row.connections)


def settings_of(arguments: argparse.Namespace) -> Settings:
    return Settings(arguments.client, arguments.seconds, arguments.settle, arguments.coalesce)


def command_for(table: str) -> str:
    """What measures this table alone, as it was measured now."""
    given = [argument for argument in sys.argv[1:]]
    if "--table" not in given and not any(argument.startswith("--table=") for argument in given):
        given = ["--table", table, *given]
    if "--json" in given:
        place = given.index("--json")
        del given[place : place + 2]
    return shlex.join(["Benchmarks/run", *given])
