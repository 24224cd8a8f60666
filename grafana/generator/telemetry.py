# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Telemetry pipeline: what becomes of spans, and what being watched costs."""

from typing import Any

from .dashboard import Row, dashboard as _dashboard
from .overview import quantiles, rate
from .panel import graph, query


def _spans() -> Row:
    return Row(
        "Spans",
        graph(
            "Spans started",
            "By the sampler's decision. What is dropped here was never meant to be kept.",
            "ops",
            rate("otel_sdk_span_started_total", "otel_span_sampling_result", "{{otel_span_sampling_result}}"),
        ),
        graph(
            "Live spans",
            "Spans that have begun and not ended: long streams make many. Unaccounted ones are a defect of ours.",
            "short",
            query("sum(otel_sdk_span_live{%})", "live"),
            query("sum(otel_sdk_span_unaccounted{%})", "unaccounted"),
        ),
        graph(
            "Spans processed",
            "What the batch processor took, and what it dropped and why.",
            "ops",
            rate("otel_sdk_processor_span_processed_total", "error_type", "{{error_type}}"),
        ),
        graph(
            "Event spans over budget",
            "Spans of single events that the budget left out. Streams, connections and publishes come first, and slow "
            "events always.",
            "ops",
            rate("sse_event_spans_dropped_total", "reason", "{{reason}}"),
        ),
        across=2,
    )


def _queue() -> Row:
    return Row(
        "Queue and export",
        graph(
            "Queue",
            "Spans that wait for export, and how many may. A queue at its capacity drops the newest.",
            "short",
            query("sum(otel_sdk_processor_span_queue_size{%})", "waiting"),
            query("sum(otel_sdk_processor_span_queue_capacity{%})", "capacity"),
        ),
        graph(
            "Spans exported",
            "What reached the collector, and what was lost by error. No line with an error is the ordinary state.",
            "ops",
            rate("otel_sdk_exporter_span_exported_total", "error_type", "{{error_type}}"),
        ),
        graph(
            "Spans in flight",
            "Spans in requests that the collector has not answered. One request is in flight at a time.",
            "short",
            query("sum(otel_sdk_exporter_span_inflight{%})", "in flight"),
        ),
        graph(
            "Export duration",
            "From the first attempt to the last answer: retries are what makes it seconds.",
            "s",
            *quantiles("otel_sdk_exporter_operation_duration_seconds"),
        ),
        graph(
            "Exports",
            "Requests to the collector that came to their end, and how: without an error they were accepted.",
            "ops",
            rate("otel_sdk_exporter_operation_duration_seconds_count", "error_type", "{{error_type}}"),
        ),
        across=3,
    )


def _scrapes() -> Row:
    return Row(
        "Scrapes",
        graph(
            "Scrape duration, as Prometheus saw it",
            "The whole scrape. The timeout is 5 s; a tenth of a second is a lot.",
            "s",
            query("scrape_duration_seconds{%}", "{{instance}}"),
        ),
        graph(
            "Scrape duration, as the origin saw it",
            "Collecting and writing the text, without the network.",
            "s",
            *quantiles("headwater_scrape_duration_seconds"),
        ),
        graph(
            "Samples per scrape",
            "Labels are closed sets, so this does not grow with streams. If it grows, something is wrong.",
            "short",
            query("scrape_samples_scraped{%}", "{{instance}}"),
        ),
        graph(
            "Answers",
            "1 while an origin answers its scrape.",
            "short",
            query("up{%}", "{{instance}}"),
            max=1,
        ),
        across=2,
    )


def dashboard() -> dict[str, Any]:
    return _dashboard(
        "headwater-telemetry",
        "Headwater: telemetry pipeline",
        "Spans from their end to the collector, and what scrapes cost.",
        [_spans(), _queue(), _scrapes()],
    )
