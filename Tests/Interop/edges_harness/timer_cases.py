# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Paths with timers set on purpose, and what `headwater probe idle` must say of each: the ground truth of
docs/diagnosis.md. Timers are a few seconds; all paths are probed at the same time.
"""

import json
import subprocess
from pathlib import Path
from typing import NamedTuple, Optional, Sequence

from harness.origin import Origin, clean_environment, headwater_binary

from . import Caddy, Envoy, HAProxy, Httpd, Nginx, TrafficServer, Varnish
from .edge import Edge, Swap
from .h2_edges import CaddyH2, EnvoyH2, HAProxyH2, HttpdH2, NghttpxH2
from .relay import Relay

IDLE = 6
LIFETIME = 12
# Long enough for a lifetime and the idle timer of what is opened after it.
UP_TO = 24
# Where streams share a connection to the origin, quiet ones are held twice before any is busy.
UP_TO_SHARED = 40


class Case(NamedTuple):
    """One path, and the truth about it. `idle` and `lifetime` are seconds; None: there is no such timer."""

    name: str
    edge: Optional[type[Edge]] = None
    swaps: Sequence[Swap] = ()
    # A relay's faults, instead of an intermediary.
    relay: Optional[dict] = None
    # The origin's own settings, with no intermediary.
    origin: Sequence[str] = ()
    protocol: str = "auto"
    up_to: int = UP_TO
    idle: Optional[float] = None
    lifetime: Optional[float] = None
    # Seconds by which ends may lie above the timer: the hop looks at its timers only so often.
    granularity: float = 0
    # In the settings that are named.
    setting: str = ""
    # How the client sees the end.
    how: str = "connection closed (FIN)"
    scope: Optional[str] = None
    # Bytes stay away and nobody closes; the server ends streams itself, up to a tenth early, as --max-stream-lifetime
    # says; the end only shows with a write.
    is_silent: bool = False
    lifetime_is_servers: bool = False
    lifetime_waits: bool = False
    # A text that must be in a finding.
    finding: str = ""
    confidence: str = "high"


CASES = [
    Case("nginx idle", Nginx, Nginx.idle(IDLE), idle=IDLE, setting="proxy_read_timeout"),
    Case("haproxy idle", HAProxy, HAProxy.idle(IDLE), idle=IDLE, setting="timeout server"),
    # Once the request is complete it waits for no more of the client's bytes: this timer is not one of streams.
    Case("haproxy timeout client", HAProxy, [Swap("timeout client 60s", f"timeout client {IDLE}s")]),
    Case(
        "haproxy h2 client", HAProxy, HAProxy.idle(IDLE), protocol="h2", idle=IDLE, setting="timeout server",
        scope="stream", how="ended whole by the server",
    ),
    Case("envoy idle", Envoy, Envoy.idle(IDLE), idle=IDLE, setting="stream_idle_timeout", finding="delayed_close"),
    Case(
        "envoy idle, h2 client", Envoy, Envoy.idle(IDLE), protocol="h2", idle=IDLE, setting="stream_idle_timeout",
        scope="stream", how="RST_STREAM INTERNAL_ERROR",
    ),
    Case(
        "envoy route timeout", Envoy, Envoy.maximum_life(LIFETIME), lifetime=LIFETIME, setting="timeout of the route",
        finding="delayed_close",
    ),
    Case(
        "envoy route timeout, h2 client", Envoy, Envoy.maximum_life(LIFETIME), protocol="h2", lifetime=LIFETIME,
        setting="timeout of the route", how="RST_STREAM INTERNAL_ERROR",
    ),
    Case(
        "envoy both timers", Envoy, [*Envoy.idle(IDLE), *Envoy.maximum_life(LIFETIME)], idle=IDLE, lifetime=LIFETIME,
        setting="stream_idle_timeout", finding="delayed_close",
    ),
    Case("varnish idle", Varnish, Varnish.idle(IDLE), idle=IDLE, granularity=0.5, setting="between_bytes_timeout"),
    Case(
        "varnish send_timeout", Varnish, Varnish.maximum_life(LIFETIME), lifetime=LIFETIME, setting="send_timeout",
        lifetime_waits=True,
    ),
    Case(
        "trafficserver idle", TrafficServer, TrafficServer.idle(IDLE), idle=IDLE, granularity=1,
        setting="transaction_no_activity_timeout_out",
    ),
    Case(
        "trafficserver active", TrafficServer, TrafficServer.maximum_life(LIFETIME), lifetime=LIFETIME, granularity=1,
        setting="transaction_active_timeout_in",
    ),
    Case("httpd idle", Httpd, Httpd.idle(IDLE), idle=IDLE, setting="ProxyTimeout"),
    Case("caddy idle", Caddy, Caddy.idle(IDLE), idle=IDLE, setting="read_timeout"),
    Case(
        "nghttpx h2 origin", NghttpxH2, NghttpxH2.idle(IDLE), up_to=UP_TO_SHARED, idle=IDLE, scope="connection",
        setting="backend-read-timeout",
    ),
    Case(
        "caddy h2 origin", CaddyH2, CaddyH2.idle(IDLE), up_to=UP_TO_SHARED, idle=IDLE, scope="connection",
        setting="read_timeout",
    ),
    Case(
        "envoy h2 origin", EnvoyH2, EnvoyH2.idle(IDLE), up_to=UP_TO_SHARED, idle=IDLE, scope="stream",
        setting="stream_idle_timeout", finding="delayed_close",
    ),
    Case(
        "haproxy h2 origin", HAProxyH2, [*HAProxyH2.always, *HAProxyH2.idle(IDLE)], up_to=UP_TO_SHARED, idle=IDLE,
        scope="stream", setting="timeout server",
    ),
    Case(
        "httpd h2 origin", HttpdH2, HttpdH2.idle(IDLE), idle=IDLE, setting="ProxyTimeout",
        how="a web page within the stream, then its end", finding="error page",
    ),
    Case("nginx clean", Nginx),
    Case("envoy clean, h2 client", Envoy, protocol="h2"),
    Case("origin clean"),
    Case(
        "origin lifetime", origin=("--max-stream-lifetime", str(LIFETIME)), lifetime=LIFETIME,
        lifetime_is_servers=True, how="ended whole by the server",
    ),
    Case("firewall forgets idle", relay={"forget_idle": IDLE}, up_to=32, idle=IDLE, is_silent=True, finding="silently"),
    Case(
        "firewall forgets old", relay={"forget_age": LIFETIME}, lifetime=LIFETIME, is_silent=True, finding="silently",
    ),
    Case("way is gone", relay={"forget_all_after": 10}, finding="silently dropped"),
    Case("hop restarts", relay={"close_all_after": 10}, finding="in one moment"),
]  # fmt: skip


class Run:
    """One case's path and the probe on it."""

    def __init__(self, case: Case, origin: Origin, directory: Path) -> None:
        self.case = case
        self._own: Optional[Origin] = None
        self._hop: Optional[Edge | Relay] = None
        if case.relay is not None:
            self._hop = Relay(origin.address, **case.relay)
            url = self._hop.url
        elif case.edge is not None:
            self._hop = case.edge(origin.address, directory, case.swaps)
            url = self._hop.url
        elif case.origin:
            self._own = Origin(directory, *case.origin)
            url = self._own.url
        else:
            url = origin.url
        command = [headwater_binary(), "probe", "idle", "--json", "--up-to", str(case.up_to)]
        self._probe = subprocess.Popen(
            [*command, "--protocol", case.protocol, f"path={url}/events"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(),
            text=True,
        )
        self.report: dict = {}

    def finish(self) -> None:
        """Waits for the report and takes the path down."""
        try:
            out, errors = self._probe.communicate(timeout=self.case.up_to + 30)
            code = self._probe.returncode
            assert code == 0, f"{self.case.name}: exit {code}: {errors}{out[-2000:]}"
            self.report = json.loads(out)
        finally:
            self._probe.kill()
            if self._hop is not None:
                self._hop.stop()
            if self._own is not None:
                self._own.kill()
