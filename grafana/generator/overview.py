# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Origin overview: is it well, and if not, where to look next."""

from typing import Any

from .dashboard import Row, dashboard as _dashboard
from .panel import graph, heatmap, query, stat


def quantiles(metric: str, by: str = "", exemplars: bool = False) -> list[dict[str, Any]]:
    """Median, 90 % and 99 % of a histogram; `by` is a label to keep."""
    labels = f"le, {by}" if by else "le"
    suffix = f" {{{{{by}}}}}" if by else ""
    return [
        query(
            f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket{{%}}[$__rate_interval])))",
            f"{name}{suffix}",
            exemplars=exemplars and share == 0.99,
        )
        for name, share in (("median", 0.5), ("90 %", 0.9), ("99 %", 0.99))
    ]


def rate(metric: str, by: str, legend: str, selector: str = "") -> dict[str, Any]:
    """A counter's rate, summed by labels."""
    return query(f"sum by ({by}) (rate({metric}{{%{selector}}}[$__rate_interval]))", legend)


def total(metric: str, legend: str) -> dict[str, Any]:
    """A counter's rate over everything."""
    return query(f"sum(rate({metric}{{%}}[$__rate_interval]))", legend)


def _now() -> Row:
    lag = "histogram_quantile(0.99, sum by (le) (rate(sse_event_delivery_lag_seconds_bucket{%}[$__rate_interval])))"
    delivered = (
        "sum(rate(sse_events_sent_total{%}[$__rate_interval])) / (sum(rate(sse_events_sent_total{%}[$__rate_interval]))"
        " + sum(rate(sse_events_dropped_total{%}[$__rate_interval])))"
    )
    return Row(
        "Now",
        stat("Streams", "Subscribers with an open response.", "short", query("sum(sse_streams_active{%})")),
        stat("Connections", "L4 sockets that carry them.", "short", query("sum(sse_connections_active{%})")),
        stat(
            "Mux ratio",
            "Streams per socket. 1 is a socket pinned by every subscriber; more is HTTP/2 multiplexing at work.",
            "none",
            query("sum(sse_streams_active{%}) / sum(sse_connections_active{%})"),
            decimals=1,
        ),
        stat("Lag, 99 %", "From publish to the socket, for all but the slowest hundredth.", "s", query(lag)),
        stat("Delivered", "Of the events owed to streams, the part that was sent.", "percentunit", query(delivered)),
        stat("Draining", "Origins that are being replaced.", "short", query("sum(headwater_draining{%})")),
        height=4,
    )


def _streams() -> Row:
    return Row(
        "Streams",
        graph(
            "Streams by protocol",
            "Open streams. A sawtooth is a hop that ends them at a fixed age.",
            "short",
            query("sum by (protocol) (sse_streams_active{%})", "{{protocol}}"),
            stacked=True,
        ),
        graph(
            "Opens and closes",
            "Streams that begin and end. Equal when nothing changes; both high at once is a reconnect storm.",
            "ops",
            total("sse_streams_opened_total", "opened"),
            total("sse_streams_closed_total", "closed"),
        ),
        graph(
            "Closes by reason",
            "Why streams ended, as the origin judged it. docs/close-reasons.md explains each.",
            "ops",
            rate("sse_streams_closed_total", "reason", "{{reason}}"),
            stacked=True,
        ),
    )


def _lag() -> Row:
    buckets = "sum by (le) (increase(sse_event_delivery_lag_seconds_bucket{%}[$__rate_interval]))"
    return Row(
        "Delivery lag",
        heatmap(
            "Delivery lag",
            "Events by the time from publish to the socket. A dot is one event; click it for its trace.",
            "s",
            buckets,
            exemplars=True,
        ),
        graph(
            "Delivery lag, quantiles",
            "The objective is 99.9 % within 250 ms. Dots are events with a trace.",
            "s",
            *quantiles("sse_event_delivery_lag_seconds", exemplars=True),
        ),
        graph(
            "Time to first event",
            "From the request to the first event's bytes. Much of it is how long the channel had nothing to say.",
            "s",
            *quantiles("sse_time_to_first_event_seconds"),
        ),
    )


def _delivery() -> Row:
    return Row(
        "Publishing and delivery",
        graph(
            "Events",
            "Published once, sent once for each stream: the quotient is the fan-out.",
            "ops",
            total("sse_events_published_total", "published"),
            total("sse_events_sent_total", "sent"),
        ),
        graph(
            "Bytes",
            "Bytes of events handed to sockets.",
            "Bps",
            rate("sse_event_bytes_sent_total", "protocol", "{{protocol}}"),
            stacked=True,
        ),
        graph(
            "Heartbeats",
            "Comment lines that keep quiet streams alive. On a busy origin there are few: an event counts as well.",
            "ops",
            total("sse_heartbeats_sent_total", "sent"),
        ),
        graph(
            "Heartbeat delay",
            "How late they were. What is late here, events are too.",
            "s",
            *quantiles("sse_heartbeat_delay_seconds"),
        ),
        across=2,
    )


def _errors() -> Row:
    return Row(
        "Errors",
        graph(
            "Requests by status",
            "How requests were answered. 503 is a limit or a drain, 429 the publishing rate.",
            "reqps",
            rate(
                "http_server_request_duration_seconds_count",
                "http_response_status_code",
                "{{http_response_status_code}}",
            ),
        ),
        graph(
            "Refused and reset",
            "Connections refused at a limit, and HTTP/2 streams reset by either side.",
            "ops",
            total("sse_connections_rejected_total", "connections refused"),
            rate("sse_stream_resets_total", "direction", "resets {{direction}}"),
        ),
        graph(
            "Events dropped",
            "Events that streams were owed and could not be given. Each was announced to its stream as a gap.",
            "ops",
            rate("sse_events_dropped_total", "reason", "{{reason}}"),
        ),
        graph(
            "Self-check failures",
            "Opened minus closed must be active, and active must be what sockets carry. Anything above 0 is a defect.",
            "short",
            query("sum by (invariant) (increase(sse_self_check_failures_total{%}[$__rate_interval]))", "{{invariant}}"),
        ),
        across=2,
    )


def _saturation() -> Row:
    return Row(
        "Saturation",
        graph(
            "CPU",
            "Cores in use. One event loop cannot use more than one.",
            "short",
            query("rate(process_cpu_seconds_total{%}[$__rate_interval])", "{{instance}}"),
        ),
        graph(
            "Memory",
            "Resident memory.",
            "bytes",
            query("process_resident_memory_bytes{%}", "{{instance}}"),
        ),
        graph(
            "Use of limits",
            "Streams and connections of what is allowed, descriptors of what the system gives. At 1 the next gets 503.",
            "percentunit",
            query("sum(sse_streams_active{%}) / sum(sse_streams_limit{%})", "streams"),
            query("sum(sse_connections_active{%}) / sum(sse_connections_limit{%})", "connections"),
            query("max(process_open_fds{%} / process_max_fds{%})", "descriptors, fullest instance"),
            max=1,
        ),
        graph(
            "Slow streams",
            "Streams whose socket takes nothing. Above 5 % of all streams there is an alert.",
            "short",
            query("sum(sse_slow_streams{%})", "slow streams"),
        ),
        graph(
            "Bytes on their way",
            "Bytes that streams are behind, and bytes that the kernel has not been able to send.",
            "bytes",
            query("sum(sse_stream_backlog_bytes{%})", "backlog"),
            query("sum(sse_connection_unsent_bytes{%})", "unsent"),
        ),
        graph(
            "Round trip",
            "To the peers of our sockets, which are edges and not their clients.",
            "s",
            *quantiles("sse_connection_rtt_seconds"),
        ),
        across=3,
    )


def dashboard() -> dict[str, Any]:
    return _dashboard(
        "headwater-overview",
        "Headwater: origin overview",
        "Streams, lag, closes, errors and saturation of the origins. Start here.",
        [_now(), _streams(), _lag(), _delivery(), _errors(), _saturation()],
    )
