# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Delivery paths: what receivers measured on each way to them, and what was lost on the way."""

from typing import Any

from .dashboard import Row, dashboard as _dashboard
from .overview import quantiles, rate
from .panel import graph, heatmap, query


def _lag() -> Row:
    return Row(
        "Lag as receivers measured it",
        graph(
            "Lag by path, median and 99 %",
            "From publish to the receiver, reported by receivers that measured their clock's offset. The distance "
            "between two paths is what a hop adds.",
            "s",
            *quantiles("sse_client_delivery_lag_seconds", by="path")[::2],
        ),
        heatmap(
            "Lag on all paths",
            "Reports by lag. Two bands 200 ms apart are a hop that waits for more bytes; one band at the top is a hop "
            "that buffers to the end.",
            "s",
            "sum by (le) (increase(sse_client_delivery_lag_seconds_bucket{%}[$__rate_interval]))",
        ),
        graph(
            "Reports by path",
            "Events that receivers reported on, so that a quantile of three is not taken for one of thousands, and "
            "reports that the origin refused.",
            "ops",
            rate("sse_client_delivery_lag_seconds_count", "path", "{{path}}"),
            rate("sse_beacons_rejected_total", "reason", "refused: {{reason}}"),
        ),
        height=9,
    )


def _origin() -> Row:
    return Row(
        "What left the origin",
        graph(
            "Lag at the origin by protocol",
            "From publish to the socket, 99 %. What a path shows beyond this happened after the origin.",
            "s",
            query(
                "histogram_quantile(0.99, sum by (le, protocol)"
                " (rate(sse_event_delivery_lag_seconds_bucket{%}[$__rate_interval])))",
                "{{protocol}}",
                exemplars=True,
            ),
        ),
        graph(
            "Events by protocol",
            "Events handed to sockets.",
            "ops",
            rate("sse_events_sent_total", "protocol", "{{protocol}}"),
        ),
        graph(
            "Pauses between events",
            "The time from one event to the next of the same stream, as the origin sent them.",
            "s",
            *quantiles("sse_inter_event_gap_seconds"),
        ),
    )


def _loss() -> Row:
    return Row(
        "Resumes and gaps",
        graph(
            "Resumes by outcome",
            "Streams that came back with Last-Event-ID. `replayed` got what they missed, `current` had missed nothing; "
            "`gap` and `unknown_epoch` lost events and were told.",
            "ops",
            rate("sse_resumes_total", "outcome", "{{outcome}}"),
            stacked=True,
        ),
        graph(
            "Share of resumes that lost events",
            "Above 5 % there is an alert.",
            "percentunit",
            query(
                'sum(rate(sse_resumes_total{%, outcome=~"gap|unknown_epoch"}[$__rate_interval]))'
                " / sum(rate(sse_resumes_total{%}[$__rate_interval]))",
                "lost",
            ),
            max=1,
        ),
        graph(
            "Gaps by reason",
            "Gap events sent. `expired`: the channel no longer held it. `slow`: the stream skipped. `unknown_epoch`: "
            "the id is from another life of the channel.",
            "ops",
            rate("sse_gaps_total", "reason", "{{reason}}"),
        ),
        graph(
            "Events lost by reason",
            "How many events those gaps stood for.",
            "ops",
            rate("sse_events_dropped_total", "reason", "{{reason}}"),
        ),
        across=2,
    )


def dashboard() -> dict[str, Any]:
    return _dashboard(
        "headwater-paths",
        "Headwater: delivery paths",
        "The ways to the receivers, side by side: lag, gaps and resumes.",
        [_lag(), _origin(), _loss()],
    )
