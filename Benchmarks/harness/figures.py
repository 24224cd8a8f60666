# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""Figures of several rounds as one: medians, spreads, ratios within a round. Pure."""

from collections.abc import Callable
from math import comb
from statistics import median

# Below this share of the offered events the server (or the client) could not keep up, and its figures describe a
# machine that is full rather than a cost.
KEPT_UP = 0.97

# A round's measurement; its keys are in rounds.py and neighbour.py.
Round = dict
Get = Callable[[Round], float | None]


def picked(rounds: list[Round], get: Get) -> list[float]:
    return [value for round in rounds if (value := get(round)) is not None]


def spread(values: list[float], digits: int) -> str:
    """The median and, of several rounds, the lowest and the highest."""
    if not values:
        return "–"
    middle = median(values)
    if abs(middle) < 1:
        digits += 1  # a µs is much for a frame
    text = f"{middle:,.{digits}f}"
    return text if len(values) < 2 else f"{text} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"


def certain(values: list[float]) -> tuple[float, float]:
    """Where the true median lies with a probability of nine tenths: between the two values of that rank, for a value is
    as likely above it as below. Of fewer than five the lowest and the highest are all that can be said."""
    ordered, share, dropped = sorted(values), 0.0, 0
    for rank in range(len(ordered) // 2):
        share += comb(len(ordered), rank) * 0.5 ** len(ordered)
        if 2 * share > 0.1:
            break
        dropped = rank
    return ordered[dropped], ordered[-1 - dropped]


def ratios(rounds: list[Round], reference: list[Round], get: Get) -> list[float]:
    """One for each time that both ran in turn: what slows the machine down for a minute slows both down."""
    bases = {round.get("turn"): get(round) for round in reference}
    pairs = [(get(round), bases.get(round.get("turn"))) for round in rounds]
    return [over / under for over, under in pairs if over is not None and under]


def cost(round: Round) -> float | None:
    """Of an event, in µs of the server's CPU."""
    return round.get("cpu_us_per_event")


def overloaded(rounds: list[Round]) -> bool:
    return median(round.get("delivered_share", 1) for round in rounds) < KEPT_UP


def cheapest(results: dict[str, list[Round]], streams: dict[str, int], least: int) -> str | None:
    """The row of at least so many streams whose events cost least."""
    costs = {name: picked(rounds, cost) for name, rounds in results.items() if streams.get(name, 0) >= least}
    return min((name for name in costs if costs[name]), key=lambda name: median(costs[name]), default=None)


def defects(rounds: list[Round]) -> dict[str, int]:
    found: dict[str, int] = {}
    for round in rounds:
        for key in ("defects", "idle_defects"):
            for name, count in round.get(key, {}).items():
                found[name] = found.get(name, 0) + count
    return found
