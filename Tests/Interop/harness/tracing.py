# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Fixtures of the tests of spans; import them where they are used. An origin's spans go to a collector of the test."""

import json
import re
from typing import Callable, Iterator, Optional

import pytest

from .collector import Collector
from .origin import Origin
from .scrape import Scrape
from .spans import Span, spans_of_json
from .waiting import wait_until
from .wire import Head

# Milliseconds: whoever waits for a span should not wait for others, too.
PROMPT = {"OTEL_BSP_SCHEDULE_DELAY": "100"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


@pytest.fixture
def start_traced(start_origin, collector) -> Callable[..., Origin]:
    """Starts origins that export to the collector; with `environment` beyond that."""

    def start(*flags: str, environment: Optional[dict[str, str]] = None, **options) -> Origin:
        ours = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **PROMPT}
        return start_origin(*flags, environment={**ours, **(environment or {})}, **options)

    return start


def traceparent(head: Head) -> tuple[str, str, int]:
    """Trace id, span id and flags of the response, checked by the form of W3C Trace Context."""
    text = head.get("traceparent")
    assert text is not None, head.fields
    version, trace_id, span_id, flags = text.split("-")
    assert version == "00" and len(trace_id) == 32 and len(span_id) == 16 and len(flags) == 2, text
    assert text == text.lower() and int(trace_id, 16) and int(span_id, 16), text
    assert f'traceparent;desc="{text}"' in re.split(r", *", head.get("server-timing"))
    return trace_id, span_id, int(flags, 16)


def debug_traces(origin: Origin) -> list[dict]:
    code, _, body = origin.request("GET", "/debug/traces")
    assert code == 200, body
    return json.loads(body)["traces"]


def debug_trace(origin: Origin, trace_id: str) -> list[Span]:
    """What the origin itself shows of one trace; empty while it has nothing of it."""
    code, fields, body = origin.request("GET", f"/debug/traces/{trace_id}")
    if code == 404:
        return []
    assert code == 200 and fields["content-type"] == "application/json", body
    return spans_of_json(body)


_EXPORTED = "otel_sdk_exporter_span_exported_total"
_PROCESSED = "otel_sdk_processor_span_processed_total"


class SpanCounts:
    """Where spans went, by one scrape."""

    def __init__(self, scrape: Scrape) -> None:
        self.started = self.started_in(scrape)
        self.live = int(scrape.total("otel_sdk_span_live"))
        self.exported = int(scrape.total(_EXPORTED, error_type=""))
        self.lost = {why: count for why, count in scrape.by(_EXPORTED, "error_type").items() if why}
        self.refused = {why: count for why, count in scrape.by(_PROCESSED, "error_type").items() if why}
        self.queued = int(scrape.total("otel_sdk_processor_span_queue_size"))
        self.in_flight = int(scrape.total("otel_sdk_exporter_span_inflight"))
        # A span that was ended and is nowhere is the one thing that must never be.
        assert scrape.total("otel_sdk_span_unaccounted") == 0
        ended = self.exported + sum(self.lost.values()) + sum(self.refused.values()) + self.queued + self.in_flight
        assert self.started - self.live == ended, vars(self)

    @staticmethod
    def started_in(scrape: Scrape) -> int:
        """Of those that are recorded."""
        return int(scrape.total("otel_sdk_span_started_total", otel_span_sampling_result="RECORD_AND_SAMPLE"))

    @property
    def settled(self) -> bool:
        return self.queued == self.in_flight == 0


def wait_settled(origin: Origin, timeout: float = 15) -> SpanCounts:
    """Waits until no span waits for the collector, and all that were lost are counted."""

    def settled() -> Optional[SpanCounts]:
        counts = SpanCounts(Scrape.of(origin))
        return counts if counts.settled and counts.exported + sum(counts.lost.values()) > 0 else None

    return wait_until(settled, "every span is settled", timeout, interval=0.05)
