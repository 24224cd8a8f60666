# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""H2 mux evidence: does the edge put many streams on one connection, and what breaks that."""

from typing import Any

from .dashboard import Row, dashboard as _dashboard
from .overview import quantiles, rate
from .panel import graph, heatmap, query, stat


def _proof() -> Row:
    return Row(
        "Sockets and streams",
        stat(
            "Mux ratio, HTTP/2",
            "Streams per HTTP/2 connection now. Below 2 the protocol is spoken, and its point is missed.",
            "none",
            query('sum(sse_streams_active{%, protocol="h2"}) / sum(sse_connections_active{%, protocol="h2"})'),
            decimals=1,
        ),
        stat(
            "Share of HTTP/2",
            "Of the open streams, the part that came over HTTP/2.",
            "percentunit",
            query('sum(sse_streams_active{%, protocol="h2"}) / sum(sse_streams_active{%})'),
        ),
        stat(
            "Requests per connection",
            "Requests that arrived for each connection accepted, as both run.",
            "none",
            query(
                "sum(rate(sse_connection_requests_total{%}[$__rate_interval]))"
                " / sum(rate(sse_connections_accepted_total{%}[$__rate_interval]))"
            ),
            decimals=1,
        ),
        height=5,
    )


def _course() -> Row:
    return Row(
        "Over time",
        graph(
            "L4 sockets against SSE streams",
            "The evidence. With HTTP/2 to the origin the sockets stay flat while the streams rise; without it they are "
            "one line.",
            "short",
            query("sum(sse_streams_active{%})", "streams"),
            query("sum(sse_connections_active{%})", "sockets"),
        ),
        graph(
            "Mux ratio by protocol",
            "Streams per connection. HTTP/1.1 cannot be above 1.",
            "none",
            query(
                "sum by (protocol) (sse_streams_active{%}) / sum by (protocol) (sse_connections_active{%})",
                "{{protocol}}",
            ),
        ),
        graph(
            "Connections opened and ended",
            "Ends by cause. Many short connections cost handshakes and lose the sharing.",
            "ops",
            query("sum(rate(sse_connections_accepted_total{%}[$__rate_interval]))", "accepted"),
            rate("sse_connections_closed_total", "cause", "ended: {{cause}}"),
        ),
        across=3,
        height=9,
    )


def _connections() -> Row:
    return Row(
        "Connections at their end",
        heatmap(
            "Requests of ended connections",
            "How many requests a connection had served when it closed. The bottom row is connections used once.",
            "short",
            "sum by (le) (increase(sse_connection_requests_bucket{%}[$__rate_interval]))",
        ),
        heatmap(
            "Peak streams of ended connections",
            "How many streams a connection carried at its fullest.",
            "short",
            "sum by (le) (increase(sse_connection_peak_streams_bucket{%}[$__rate_interval]))",
        ),
        graph(
            "Connection requests",
            "Requests on public connections by protocol: the numerator of requests per connection.",
            "reqps",
            rate("sse_connection_requests_total", "protocol", "{{protocol}}"),
        ),
    )


def _resets() -> Row:
    return Row(
        "GOAWAY, resets and stalls",
        graph(
            "GOAWAY",
            "Received: an edge restarts or ends its connection. Sent: we drain, or the peer broke the protocol.",
            "ops",
            rate("sse_h2_goaways_total", "direction, code", "{{direction}} {{code}}"),
        ),
        graph(
            "Stream resets",
            "By code. Envoy sends INTERNAL_ERROR for an idle timeout, for a client that left and for its maximum life "
            "alike: a code is evidence and no verdict.",
            "ops",
            rate("sse_stream_resets_total", "direction, code", "{{direction}} {{code}}"),
        ),
        graph(
            "Streams out of window",
            "HTTP/2 streams that may not send, because the receiver has not granted more bytes.",
            "short",
            query("sum(sse_h2_flow_control_stalled_streams{%})", "stalled"),
        ),
        graph(
            "Flow-control stalls",
            "How long streams waited for window. Long ones are slow clients behind the edge, or windows too small.",
            "s",
            *quantiles("sse_h2_flow_control_stall_seconds"),
        ),
        across=2,
    )


def dashboard() -> dict[str, Any]:
    return _dashboard(
        "headwater-mux",
        "Headwater: H2 mux evidence",
        "Sockets against streams: whether an edge multiplexes its subscribers to the origin.",
        [_proof(), _course(), _connections(), _resets()],
        since="now-6h",
    )
