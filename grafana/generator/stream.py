# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Single stream: from a stream's id, or a trace's, to everything that is known of it."""

from typing import Any

from .dashboard import Row, dashboard as _dashboard, text_variable
from .overview import quantiles, rate
from .panel import graph, search, trace


def _trace() -> Row:
    return Row(
        "Trace",
        search(
            "Traces of the stream",
            "Where the stream appears. A long stream has several: each names its part and links to the one before. "
            "Click one, or copy its id into the box above.",
            "short",
            '{ span.sse.stream.id = "$stream" }',
            kind="traces",
        ),
        trace(
            "The trace",
            "The request, the stream with its segments, and each event with its lag. Type a trace id above.",
            "$trace",
        ),
        height=14,
    )


def _life() -> Row:
    return Row(
        "Life and end",
        search(
            "Close",
            "How the stream ended: reason, evidence, age and idle time. Empty while it is open.",
            "short",
            '{ name = "sse.stream" && span.sse.stream.id = "$stream" }'
            " | select(span.sse.close.reason, span.sse.close.confidence, span.sse.close.evidence)",
        ),
        search(
            "Segments",
            "What happened in each minute while it was open. This is how an open stream is visible.",
            "short",
            '{ name = "sse.stream.segment" && span.sse.stream.id = "$stream" }',
        ),
        search(
            "Late events",
            "Events of this stream that took longer than 250 ms to the socket.",
            "short",
            '{ name = "sse.event" && span.sse.stream.id = "$stream" && span.sse.event.lag > 0.25 }',
        ),
        across=3,
    )


def _around() -> Row:
    return Row(
        "The origin at that time",
        graph(
            "Delivery lag, quantiles",
            "Was it this stream, or all of them? Dots are events with a trace: a way to a stream to look at.",
            "s",
            *quantiles("sse_event_delivery_lag_seconds", exemplars=True),
        ),
        graph(
            "Closes by reason",
            "What else ended at that time.",
            "ops",
            rate("sse_streams_closed_total", "reason", "{{reason}}"),
            stacked=True,
        ),
    )


def dashboard() -> dict[str, Any]:
    return _dashboard(
        "headwater-stream",
        "Headwater: single stream",
        "One stream's trace, segments and close. The id is in the response header X-SSE-Stream, in the log line and in "
        "/debug/streams.",
        [_trace(), _life(), _around()],
        variables=[
            text_variable("stream", "Stream id", "X-SSE-Stream of the response, or sse.stream.id of a span."),
            text_variable("trace", "Trace id", "traceparent of the response, or from the table of traces."),
        ],
        traces=True,
    )
