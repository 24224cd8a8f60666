# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""What `/metrics` says, read by the Prometheus project's own parsers. It judges nothing but the form."""

import gzip
from dataclasses import dataclass
from typing import Iterator, Mapping, Optional

from prometheus_client import parser
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.samples import Sample

from .origin import Origin
from .waiting import wait_until

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

# The series of one sample: its name with its labels.
Series = tuple[str, tuple[tuple[str, str], ...]]


@dataclass
class Scrape:
    """One answer of `/metrics`."""

    content_type: str
    body: str
    families: list[Metric]

    @classmethod
    def of(cls, origin: Origin, accept: Optional[str] = OPEN_METRICS, coding: Optional[str] = None) -> "Scrape":
        asked = {"Accept": accept, "Accept-Encoding": coding}
        headers = {name: value for name, value in asked.items() if value is not None}
        status, fields, body = origin.request("GET", "/metrics", headers=headers)
        assert status == 200, (status, body[:500])
        if fields.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        text = body.decode("utf-8")
        is_open = fields["content-type"].startswith("application/openmetrics-text")
        parse = (openmetrics_parser if is_open else parser).text_string_to_metric_families
        return cls(fields["content-type"], text, list(parse(text)))

    def samples(self) -> Iterator[Sample]:
        for family in self.families:
            yield from family.samples

    def series(self) -> dict[Series, float]:
        return {(one.name, tuple(sorted(one.labels.items()))): one.value for one in self.samples()}

    def types(self) -> dict[str, str]:
        """The type of every family, by the name of the table in the documentation: counters with their `_total`."""
        lines = [line.split(" ") for line in self.body.splitlines() if line.startswith("# TYPE ")]
        is_open = self.content_type == OPEN_METRICS
        return {f"{name}_total" if is_open and kind == "counter" else name: kind for _, _, name, kind in lines}

    def matching(self, name: str, **labels: str) -> list[Sample]:
        """The samples of that name which have these labels, among others."""
        return [
            one for one in self.samples() if one.name == name and all(one.labels.get(k) == v for k, v in labels.items())
        ]

    def total(self, name: str, **labels: str) -> float:
        """The sum over the samples of that name and these labels. A name without samples fails: it may be mistyped."""
        found = self.matching(name, **labels)
        assert found, f"no sample of {name} with {labels}"
        return sum(one.value for one in found)

    def by(self, name: str, label: str, **labels: str) -> dict[str, int]:
        """The counts that are not zero, by the values of one label."""
        counts: dict[str, int] = {}
        for one in self.matching(name, **labels):
            if one.value:
                counts[one.labels[label]] = counts.get(one.labels[label], 0) + int(one.value)
        return counts

    def buckets(self, name: str, **labels: str) -> dict[float, float]:
        """The cumulative counts of a histogram by their upper bounds, added up over the series."""
        counts: dict[float, float] = {}
        for one in self.matching(f"{name}_bucket", **labels):
            bound = float(one.labels["le"])
            counts[bound] = counts.get(bound, 0) + one.value
        assert counts, f"no buckets of {name} with {labels}"
        return dict(sorted(counts.items()))


def quantile(share: float, after: Mapping[float, float], before: Mapping[float, float]) -> float:
    """The upper bound of the bucket in which that share of the observations between two scrapes lies."""
    delta = {bound: count - before.get(bound, 0) for bound, count in after.items()}
    observed = delta[float("inf")]
    assert observed > 0, "nothing was observed between the scrapes"
    return next(bound for bound, count in delta.items() if count >= share * observed)


def wait_metrics(origin: Origin, expected: Mapping[str, float], timeout: float = 10) -> Scrape:
    """Scrapes until each of these sums is as expected; they are exact, so what is more than that fails as well."""
    last: dict[str, float] = {}

    def reached() -> Optional[Scrape]:
        scrape = Scrape.of(origin)
        last.update({name: scrape.total(name) for name in expected})
        return scrape if last == dict(expected) else None

    try:
        return wait_until(reached, "the metrics are as expected", timeout, interval=0.05)
    except AssertionError as problem:
        wrong = {name: (last[name], value) for name, value in expected.items() if last[name] != value}
        raise AssertionError(f"{problem}; seen and expected: {wrong}") from None
