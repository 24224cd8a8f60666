# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""The harness's arithmetic: medians, ratios, windows, goals, and what the options make of a table."""

import sys
from pathlib import Path

import pytest

from harness import figures, goals, peers
from harness.clients import Plan, Tick, defects_of, window_of
from harness.neighbour import percentile
from harness.options import chosen_tables, command_for, parse_arguments
from harness.processes import BenchmarkError, Processor
from harness.tables import SERVERS, TABLES

COST = figures.cost


def rounds(*costs: float) -> list[dict]:
    return [{"turn": (number, 0), "cpu_us_per_event": cost} for number, cost in enumerate(costs)]


def test_a_spread_is_the_median_and_both_ends():
    assert figures.spread([3.0, 1.0, 2.0], 1) == "2.0 (1.0–3.0)"
    assert figures.spread([2345.6], 0) == "2,346"
    assert figures.spread([0.2], 2) == "0.200"
    assert figures.spread([], 2) == "–"


def test_ratios_are_taken_within_a_turn():
    # The second round was slow for both: the ratio of the medians would be 1.0.
    assert figures.ratios(rounds(1, 8, 2), rounds(2, 16, 4), COST) == [0.5] * 3
    assert figures.ratios(rounds(1), [], COST) == []
    assert figures.ratios([{"turn": (0, 0)}], rounds(1), COST) == []
    often = [{"turn": (0, turn), "cpu_us_per_event": cost} for turn, cost in enumerate((3, 5, 7))]
    assert figures.ratios(often, rounds(2), COST) == [1.5]


def test_a_median_is_certain_between_the_ranks_that_chance_leaves():
    assert figures.certain([3.0, 1.0, 2.0]) == (1.0, 3.0)
    # That the median lies beyond the second of nine at either end happens once in 26 times, beyond the third in 6.
    assert figures.certain([float(value) for value in range(1, 10)]) == (2.0, 8.0)
    assert figures.certain([float(value) for value in range(1, 31)]) == (11.0, 20.0)
    assert figures.certain([5.0]) == (5.0, 5.0)


def test_the_cheapest_row_is_one_with_enough_streams():
    results = {"100": rounds(1), "1000": rounds(5, 7), "5000": rounds(4, 4), "none": []}
    streams = {"100": 100, "1000": 1_000, "5000": 5_000, "none": 9_000}
    assert figures.cheapest(results, streams, 1_000) == "5000"
    assert figures.cheapest(results, streams, 20_000) is None


def ticks(*phases: bool) -> list[Tick]:
    return [Tick(holding, Processor(0, 0, 0)) for holding in phases]


def seconds(*lengths: tuple[bool, float]) -> list[dict]:
    return [{"is_holding": holding, "seconds": length} for holding, length in lengths]


def test_a_window_begins_with_the_ramp_s_end_and_leaves_out_the_tail():
    reported = seconds((False, 1.0), (False, 0.5), (True, 1.0), (True, 1.001), (True, 0.3))
    assert window_of(ticks(False, False, True, True, True), reported, 2) == (1, 3)


def test_a_late_tick_makes_a_longer_second_and_not_a_longer_window():
    reported = seconds((False, 0.2), (True, 2.1), (True, 1.0), (True, 0.2))
    assert window_of(ticks(False, True, True, True), reported, 3) == (0, 2)


def test_a_report_without_its_lines_is_refused():
    with pytest.raises(BenchmarkError):
        window_of(ticks(True), seconds((False, 1.0), (True, 1.0)), 1)
    with pytest.raises(BenchmarkError):
        window_of(ticks(True), seconds((True, 1.0)), 1)


def test_every_defect_of_the_probe_has_a_name():
    clean = dict.fromkeys(("lost", "duplicated", "reordered", "stale", "gaps", "early", "unnumbered", "untimed"), 0)
    clean |= {"failures": [], "ends": [], "open_at_end": 9, "hold": {"events": 90}}
    plan = Plan("/events", streams=10, connections=1, seconds=1, settle=1, slow=1)
    assert defects_of(clean, plan) == {}
    broken = clean | {"lost": 2, "untimed": 1, "open_at_end": 7, "ends": [{"cause": "rst", "count": 1}]}
    assert defects_of(broken, plan) == {"lost": 2, "malformed": 1, "ended: rst": 1, "unopened": 1}
    assert defects_of(clean | {"hold": {"events": 0}}, plan) == {"silent": 9}


def test_percentiles_are_values_that_were_measured():
    values = [float(value) for value in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (50, 99, 7)


def test_goals_are_decided_by_what_was_measured_alone():
    assert goals.rows({}) == []
    http1 = {"headwater": rounds(6, 12), "headwater-no-uring": rounds(8, 16), "floor": rounds(7, 14), "nchan": []}
    rows = goals.rows({"http1": http1})
    assert [row[3] for row in rows] == ["**not met**", "met"]
    assert [row[2] for row in rows] == ["1.14 (1.14–1.14)", "0.86 (0.86–0.86)"]


def test_a_goal_within_the_noise_is_called_so():
    goal = goals.Goal("cost", lambda _: [], 1.1)
    assert goal.verdict([1.0, 1.05, 1.09]) == "met"
    assert goal.verdict([1.0, 1.05, 1.2]) == "met, within the noise"
    assert goal.verdict([1.0, 1.15, 1.2]) == "**not met**, within the noise"
    # One outlier of nine is not the median.
    assert goal.verdict([1.0] * 8 + [1.5]) == "met"


def test_an_overloaded_row_decides_no_goal():
    http1 = {"headwater": rounds(6), "floor": [{"turn": (0, 0), "cpu_us_per_event": 9, "delivered_share": 0.9}]}
    assert [row[3] for row in goals.rows({"http1": http1})] == ["not decided: a row was overloaded"]


def test_growth_is_against_100_and_the_cheapest_and_the_worse_counts():
    names = [row.name for row in TABLES["growth"].rows]
    measured = {"growth": dict(zip(names, map(rounds, (10, 6, 5, 5.5, 5.8, 6))))}
    assert goals.growth("growth")(measured) == [pytest.approx(6 / 5)]
    del measured["growth"][names[0]]
    assert goals.growth("growth")(measured) == []


def test_the_goals_name_rows_that_there_are():
    for table in TABLES.values():
        names = [row.name for row in table.rows]
        assert len(set(names)) == len(names)
        assert set(table.references) | set(table.short) | set(table.close) <= set(names)
        assert {row.server for row in table.rows} <= SERVERS.keys()
    everything = {key: {row.name: [full()] for row in table.rows} for key, table in TABLES.items()}
    assert len(goals.rows(everything)) == len(goals.GOALS)


def full() -> dict:
    return {
        "turn": (0, 0),
        "cpu_us_per_event": 1.0,
        "memory_bytes_per_idle_stream": 1024,
        "cpu_us_per_new_stream": 10.0,
        "lag_ms": {"p99": 1.0},
    }


def test_without_io_uring_a_row_is_left_out_and_not_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(peers, "BUILD", tmp_path)
    assert peers.FloorUring.missing() and not peers.FloorUring.unavailable()
    program = tmp_path / "floor-uring"
    program.write_text("#!/bin/sh\necho no io_uring here >&2\nexit 69\n")
    program.chmod(0o755)
    assert peers.FloorUring.missing() is None
    assert peers.FloorUring.unavailable() == "no io_uring here"


def options(monkeypatch: pytest.MonkeyPatch, *given: str):
    monkeypatch.setattr(sys, "argv", ["run", *given])
    return parse_arguments(None)


def test_a_short_run_has_each_kind_of_table_and_each_server(monkeypatch: pytest.MonkeyPatch):
    chosen = chosen_tables(options(monkeypatch, "--short"))
    assert chosen.keys() == TABLES.keys()
    assert all(table.rows for table in chosen.values())
    families = {row.server.partition("-")[0] for table in TABLES.values() for row in table.rows}
    assert {row.server.partition("-")[0] for table in chosen.values() for row in table.rows} == families


def test_options_replace_the_load_but_not_what_a_table_is_about(monkeypatch: pytest.MonkeyPatch):
    chosen = chosen_tables(options(monkeypatch, "--table", "http2", "--streams", "2", "--servers", "starlette-h2c"))
    (row,) = chosen["http2"].rows
    assert (row.streams, row.connections, chosen["http2"].references) == (2, 2, ("starlette-h2c",))
    with pytest.raises(SystemExit):
        options(monkeypatch, "--table", "growth", "--streams", "5")


def test_a_table_is_headed_by_the_command_that_measures_it(monkeypatch: pytest.MonkeyPatch):
    options(monkeypatch, "--short", "--json", "all.json")
    assert command_for("tls") == "Benchmarks/run --table tls --short"
