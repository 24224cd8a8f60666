# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Idle timeouts and closes: who ends streams, and at which timer."""

from typing import Any

from .dashboard import Row, dashboard as _dashboard
from .overview import quantiles, rate
from .panel import Panel, bars, graph, heatmap, query, stat, table

# The known timers, with the edges of the narrow bucket around each and who has it by default.
KNOWN_TIMEOUTS = (
    (28, 32, "30 s", "CloudFront, Traffic Server"),
    (53, 57, "55 s", "Heroku"),
    (58, 62, "60 s", "nginx, Varnish, nghttpx, httpd, AWS ALB"),
    (98, 102, "100 s", "Cloudflare, older plans"),
    (118, 122, "120 s", "Akamai"),
    (123, 127, "125 s", "Cloudflare"),
    (298, 304, "300 s", "Envoy; Cloud Run's maximum"),
    (348, 352, "350 s", "AWS NLB"),
    (598, 604, "600 s", "Akamai at most; Varnish's maximum"),
)


def _between(low: int, high: int) -> str:
    """How many streams lived between two bucket edges. OpenMetrics writes 62 as 62.0, so both are asked for."""

    def below(edge: int) -> str:
        return f'sum(increase(sse_stream_duration_seconds_bucket{{%, le=~"{edge}|{edge}.0"}}[$__range]))'

    return f"{below(high)} - {below(low)}"


def _known_timeouts() -> Panel:
    return bars(
        "Lifetimes at known timeouts",
        "Streams whose whole life ended within seconds of a timer that edges have by default, over the range shown. A "
        "bar that stands out among its neighbours is a hop's timer; a quiet stream's life is its idle time.",
        "short",
        *(query(_between(low, high), f"{at}: {who}", instant=True) for low, high, at, who in KNOWN_TIMEOUTS),
    )


def _by_timeout(metric: str) -> Panel:
    return query(f"sum by (suspected_timeout_seconds) (increase({metric}{{%}}[$__range]))", instant=True)


def _closed(reason: str) -> Panel:
    return query(f'sum(increase(sse_streams_closed_total{{%, reason="{reason}"}}[$__range]))', instant=True)


def _verdicts() -> tuple[Row, Row]:
    vendors = {at.split()[0]: {"text": f"{at}: {who}"} for _, _, at, who in KNOWN_TIMEOUTS}
    mapped = [{"type": "value", "options": vendors}]
    return Row(
        "What ends streams",
        stat(
            "Idle timeouts",
            "Streams that a hop's idle timer ended, over the range shown.",
            "short",
            query("sum(increase(sse_stream_idle_closes_total{%}[$__range]))", instant=True),
        ),
        stat(
            "In spite of heartbeats",
            "Of those, the ones in which heartbeats were due more often than the timer: something swallows them.",
            "short",
            query("sum(increase(sse_stream_heartbeat_swallowed_closes_total{%}[$__range]))", instant=True),
        ),
        stat(
            "Maximum life",
            "Streams that a hop ended at a maximum age, busy or not.",
            "short",
            _closed("intermediary_max_lifetime"),
        ),
        stat(
            "Intermediary restarts",
            "Streams of different ages that ended in one moment.",
            "short",
            _closed("intermediary_shutdown"),
        ),
        height=4,
    ), Row(
        "Timeouts",
        table(
            "Suspected timeouts",
            "Idle closes by the timer they point to, over the range shown, and how many of them happened in spite of "
            "heartbeats.",
            "short",
            _by_timeout("sse_stream_idle_closes_total"),
            _by_timeout("sse_stream_heartbeat_swallowed_closes_total"),
            names={
                "suspected_timeout_seconds": "Suspected timeout",
                "Value #A": "Idle closes",
                "Value #B": "Heartbeats swallowed",
            },
            mappings=mapped,
        ),
        _known_timeouts(),
        height=11,
    )


def _lives() -> Row:
    return Row(
        "Lives and silences",
        heatmap(
            "Lifetimes of streams",
            "How old streams were when they ended. The narrow rows are the known timeouts (30, 55, 60, 100, 120, 125, "
            "300, 350 and 600 s): a warm narrow row between cold ones is a timer.",
            "s",
            "sum by (le) (increase(sse_stream_duration_seconds_bucket{%}[$__rate_interval]))",
        ),
        graph(
            "Idle closes by suspected timeout",
            "When they happened. An edge whose configuration changed shows here to the minute.",
            "ops",
            rate("sse_stream_idle_closes_total", "suspected_timeout_seconds", "{{suspected_timeout_seconds}} s"),
            stacked=True,
        ),
        graph(
            "Heartbeats against idle ages",
            "The heartbeat interval, and the pauses between events that streams really saw. A timer on the way must be "
            "above the interval, and the interval above 0.",
            "s",
            query("max(sse_heartbeat_interval_seconds{%})", "heartbeat interval"),
            *quantiles("sse_inter_event_gap_seconds"),
        ),
        graph(
            "Heartbeats sent and due",
            "Due is what the streams would need if they were all quiet; sent stays below it on busy streams and must "
            "not on quiet ones.",
            "ops",
            query("sum(rate(sse_heartbeats_sent_total{%}[$__rate_interval]))", "sent"),
            query("sum(sse_streams_active{%}) / (max(sse_heartbeat_interval_seconds{%}) > 0)", "due if all were quiet"),
        ),
        across=2,
        height=9,
    )


def _reasons() -> Row:
    return Row(
        "Reasons",
        graph(
            "Closes by reason",
            "What the origin concluded of each close.",
            "ops",
            rate("sse_streams_closed_total", "reason", "{{reason}}"),
            stacked=True,
        ),
        graph(
            "Shares of reasons",
            "The same as parts of all closes: a change of the mix shows even when the traffic changes too.",
            "percentunit",
            query(
                "sum by (reason) (rate(sse_streams_closed_total{%}[$__rate_interval]))"
                " / ignoring (reason) group_left () sum(rate(sse_streams_closed_total{%}[$__rate_interval]))",
                "{{reason}}",
            ),
            max=1,
        ),
        graph(
            "Resets by code",
            "HTTP/2 resets from the peer: the other evidence beside idle times.",
            "ops",
            query(
                'sum by (code) (rate(sse_stream_resets_total{%, direction="received"}[$__rate_interval]))', "{{code}}"
            ),
        ),
    )


def dashboard() -> dict[str, Any]:
    return _dashboard(
        "headwater-closes",
        "Headwater: idle timeouts and closes",
        "Which timers on the way end streams, and whether heartbeats get through.",
        [*_verdicts(), _lives(), _reasons()],
        since="now-6h",
    )
