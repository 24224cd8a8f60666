# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Faults set on purpose on real intermediaries, and what `headwater probe diagnose` must say of each."""

from pathlib import Path
from typing import NamedTuple, Sequence

from .caddy import Caddy
from .edge import Edge, Swap
from .envoy import Envoy
from .h2_edges import CaddyH2, EnvoyH2, HAProxyH2, HttpdH2
from .haproxy import HAProxy
from .httpd import Httpd
from .nghttpx import Nghttpx
from .nginx import Nginx
from .trafficserver import TrafficServer
from .varnish import Varnish

# The origin's X-Accel-Buffering: no repairs nginx; a hop that strips the field, or this, breaks it again.
_IGNORE = [Swap("proxy_buffering off;", "proxy_ignore_headers X-Accel-Buffering;")]
_GZIP = "gzip on; gzip_types text/event-stream; gzip_min_length 0; gzip_proxied any;"


class TrafficServerCompress(TrafficServer):
    """With the compress plugin told to compress event streams."""

    def command(self) -> list[str]:
        command = super().command()
        # By a path from the folder of the configuration.
        (self.directory / "plugin.config").write_text("compress.so compress.config\n", encoding="utf-8")
        (self.directory / "compress.config").write_text(
            "cache false\nremove-accept-encoding false\ncompressible-content-type text/*\n"
            "supported-algorithms gzip\nminimum-content-length 0\nflush false\n",
            encoding="utf-8",
        )
        return command


class Case(NamedTuple):
    """One fault, or none, and the diagnosis that is right."""

    name: str
    edge: type[Edge] | None
    swaps: Sequence[Swap] = ()
    verdict: str = "progressive"
    cause: str | None = None
    # A text that the advice must contain.
    setting: str = ""
    target: str = "/events?interval=100"
    arguments: Sequence[str] = ("--duration", "6")
    origin: Sequence[str] = ()

    @property
    def exit(self) -> int:
        return {"progressive": 0, "coalesced": 10, "buffered": 11, "broken": 12}[self.verdict]


CLEAN = [
    Case("clean: direct", None),
    Case("clean: nginx", Nginx),
    Case("clean: HAProxy", HAProxy),
    Case("clean: Envoy", Envoy),
    Case("clean: Varnish", Varnish),
    Case("clean: Traffic Server", TrafficServer),
    Case("clean: httpd", Httpd),
    Case("clean: Caddy", Caddy),
    Case("clean: nghttpx", Nghttpx),
    Case("clean: HAProxy, HTTP/2", HAProxyH2, HAProxyH2.always),
    Case("clean: Envoy, HTTP/2", EnvoyH2),
    Case("clean: httpd, HTTP/2", HttpdH2),
    Case("clean: Caddy, HTTP/2", CaddyH2),
]

# Not faults: what looks like one to those who do not look closely.
HARMLESS = [
    Case("harmless: Caddy, encode gzip", Caddy, [Swap("\treverse_proxy", "\tencode gzip\n\treverse_proxy")]),
    Case("harmless: nginx 1.0, repaired by the header", Nginx, [*Nginx.http_1_0, *Nginx.default_buffering]),
    Case("harmless: nginx, gzip without buffering", Nginx, [Swap("gzip off;", _GZIP)]),
    Case("harmless: llm profile", Nginx, target="/events?interval=50&profile=llm"),
    Case("harmless: burst profile", HAProxy, target="/events?interval=50&profile=burst"),
    Case("harmless: quick events", Envoy, target="/events?interval=10&size=64"),
]

FAULTS = [
    Case(
        "nginx: HTTP/1.0 to the origin", Nginx, [*Nginx.http_1_0, *_IGNORE],
        "buffered", "nginx_buffering", "proxy_http_version 1.1",
    ),
    Case(
        "nginx: HTTP/1.0, quick events", Nginx, [*Nginx.http_1_0, *_IGNORE],
        "buffered", "nginx_buffering", "proxy_buffering off", target="/events?interval=20&size=512",
    ),
    Case(
        "nginx: HTTP/1.0, quiet channel", Nginx, [*Nginx.http_1_0, *_IGNORE],
        "buffered", "nginx_buffering", "proxy_http_version 1.1", target="/channels/quiet/events",
    ),
    Case("nginx: gzip", Nginx, [*_IGNORE, Swap("gzip off;", _GZIP)], "buffered", "nginx_compression", "gzip off"),
    Case("HAProxy: without http-no-delay", HAProxy, HAProxy.delayed, "coalesced", "haproxy_delay", "http-no-delay"),
    Case(
        "HAProxy: without http-no-delay, slow events", HAProxy, HAProxy.delayed,
        "coalesced", "haproxy_delay", "http-no-delay", target="/events?interval=400",
    ),
    Case(
        "HAProxy: without http-no-delay, quick events", HAProxy, HAProxy.delayed,
        "coalesced", "haproxy_delay", "http-no-delay", target="/events?interval=10",
    ),
    Case("Envoy: route timeout 3 s", Envoy, Envoy.maximum_life(3), "broken", "envoy_route_timeout", "timeout: 0s"),
    Case(
        "Envoy, HTTP/2: route timeout 3 s", EnvoyH2, Envoy.maximum_life(3),
        "broken", "envoy_route_timeout", "timeout: 0s",
    ),
    Case(
        "Envoy: route timeout by default, 15 s", Envoy, Envoy.maximum_life(15),
        "broken", "envoy_route_timeout", "timeout: 0s", arguments=(),
    ),
    Case(
        "Varnish: do_gzip", Varnish, [Swap("do_gzip = false", "do_gzip = true")],
        "buffered", "varnish_compression", "do_gzip = false",
    ),
    Case(
        "Varnish: without do_stream", Varnish, [Swap("do_stream = true", "do_stream = false")],
        "buffered", "varnish_buffering", "do_stream = true",
    ),
    Case(
        "Varnish: send_timeout 3 s", Varnish, Varnish.maximum_life(3),
        "broken", "varnish_send_timeout", "send_timeout",
    ),
    Case(
        "Traffic Server: compress plugin", TrafficServerCompress, [],
        "buffered", "traffic_server_compression", "compress.config",
    ),
    Case(
        "Traffic Server: active timeout 3 s", TrafficServer, TrafficServer.maximum_life(3),
        "broken", "traffic_server_active_timeout", "transaction_active_timeout_in",
    ),
    Case(
        "httpd, HTTP/2: timeout 2 s, HTML in the stream", HttpdH2, HttpdH2.idle(2),
        "broken", "httpd_error_in_stream", "timeout=", target="/channels/quiet/events",
    ),
    Case(
        "httpd: timeout 2 s", Httpd, Httpd.idle(2),
        "broken", "httpd_timeout", "timeout=", target="/channels/quiet/events",
    ),
    Case(
        "nginx: proxy_read_timeout 2 s", Nginx, Nginx.idle(2),
        "broken", "nginx_read_timeout", "proxy_read_timeout", target="/channels/quiet/events",
    ),
    Case(
        "HAProxy: timeout server 2 s", HAProxy, HAProxy.idle(2),
        "broken", "idle_timeout", "heartbeat", target="/channels/quiet/events",
    ),
]

ALL_CASES = [*CLEAN, *HARMLESS, *FAULTS]


def folder(parent: Path, case: Case) -> Path:
    """A folder for the case's processes."""
    made = parent / "".join(letter if letter.isalnum() else "-" for letter in case.name)
    made.mkdir(parents=True, exist_ok=True)
    return made
