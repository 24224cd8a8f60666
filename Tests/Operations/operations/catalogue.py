# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""The metrics there are, as docs/metrics.md lists them, and what Prometheus itself adds.

That the page lists what the origin exposes is tested against a running origin, and against the sources' catalogue.
"""

import re
from functools import cache
from typing import NamedTuple

from .tree import ROOT, rules

_DOCUMENT = ROOT / "docs/metrics.md"

# Written by Prometheus for every target, and labels that it or a target file adds.
_OF_PROMETHEUS = ("up", "scrape_duration_seconds", "scrape_samples_scraped")
_OF_TARGETS = {"job", "instance"}

# Closed sets that queries select by. Those of reason are read from docs/close-reasons.md as well.
_VALUES = {
    "protocol": {"http/1.0", "http/1.1", "h2", "unknown"},
    "direction": {"sent", "received"},
    "outcome": {"replayed", "current", "gap", "unknown_epoch"},
    "error_type": {
        "",
        "budget",
        "queue_full",
        "rejected",
        "request_too_large",
        "refused",
        "response_too_large",
        "timeout",
        "retries_exhausted",
        "shutdown",
    },
    "job": {"headwater"},
}


class Family(NamedTuple):
    """One metric family."""

    name: str
    kind: str
    labels: frozenset[str]

    def series(self) -> dict[str, frozenset[str]]:
        """The names under which its samples are stored, with the labels of each."""
        if self.kind != "histogram":
            return {self.name: self.labels}
        bucket = {f"{self.name}_bucket": self.labels | {"le"}}
        return {**bucket, f"{self.name}_sum": self.labels, f"{self.name}_count": self.labels}


def _from_document() -> list[Family]:
    """Rows of tables: names in backticks, the type, labels in backticks, and more that is for people."""
    families = []
    for line in _DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        names = re.findall(r"`([a-z][a-z0-9_]*)`", cells[0]) if len(cells) >= 3 else []
        kind = re.match(r"(counter|gauge|histogram)", cells[1]) if names else None
        if kind:
            labels = frozenset(re.findall(r"`([a-z][a-z0-9_]*)`", cells[2]))
            families += [Family(name, kind.group(), labels) for name in names]
    return families


@cache
def families() -> dict[str, Family]:
    """Every family by its name."""
    found = _from_document()
    assert len(found) > 30, f"only {len(found)} metrics read: has the table another form?"
    return {one.name: one for one in found}


@cache
def known_series() -> dict[str, frozenset[str]]:
    """Every name that a query may use, with its labels: families, recorded series, and what Prometheus adds."""
    known = {name: frozenset(_OF_TARGETS) for name in _OF_PROMETHEUS}
    for family in families().values():
        for name, labels in family.series().items():
            known[name] = labels | _OF_TARGETS
    for rule in rules():
        if "record" in rule:
            # The level of the name, job_protocol:…, is the list of labels that are left.
            level = rule["record"].partition(":")[0]
            known[rule["record"]] = frozenset(level.split("_"))
    return known


@cache
def close_reasons() -> frozenset[str]:
    """The reasons of docs/close-reasons.md."""
    text = (ROOT / "docs/close-reasons.md").read_text(encoding="utf-8")
    table = text.partition("## Reasons")[2].partition("##")[0]
    return frozenset(re.findall(r"^\| `(\w+)`", table, re.M))


def allowed_values(metric: str, label: str) -> frozenset[str] | None:
    """The closed set of a label, or None where a query cannot be wrong."""
    if label == "reason" and metric.startswith("sse_streams_closed"):
        return close_reasons()
    if label in _VALUES:
        return frozenset(_VALUES[label])
    return None


@cache
def span_words() -> frozenset[str]:
    """Names of spans and attributes, as the one file of the sources that names them all has them."""
    text = (ROOT / "Sources/Origin/Observing/SpanCatalogue.swift").read_text(encoding="utf-8")
    found = frozenset(re.findall(r'= "([^"]+)"$', text, re.M))
    assert len(found) > 40, f"only {len(found)} names of spans and attributes read"
    return found
