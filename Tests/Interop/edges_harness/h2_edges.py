# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""The intermediaries that speak HTTP/2 to the origin, with the `-h2` files of `edges/`, and what is known of them."""

from typing import ClassVar, Sequence

from .caddy import Caddy
from .edge import Edge, Swap
from .envoy import Envoy
from .haproxy import HAProxy
from .httpd import Httpd
from .nghttpx import Nghttpx


class H2Edge(Edge):
    """Adds what there is to know of an HTTP/2 upstream."""

    # Connections to the origin for nine streams at once.
    connections_for_nine: ClassVar[int]
    # How a stream ends, as its close record's `seen=` and `code=` have it: when the idle timer fires, when the client
    # of a quiet stream leaves (None: the origin does not learn), and when a write brings a leave to light.
    idle_seen: ClassVar[set[str]]
    leave_seen: ClassVar[str | None]
    leave_seen_by_write: ClassVar[str]
    # The idle timer is that of the connection: it fires when all streams are silent, and ends them all.
    idle_ends_connection: ClassVar[bool] = False
    # Replacements that every test makes.
    always: ClassVar[Sequence[Swap]] = ()
    # What it takes in, in bytes, for a client that does not read.
    absorbs: ClassVar[int] = 0
    # Whether such a client also stops the other streams of its connection.
    slow_client_stops_others: ClassVar[bool] = False


class NghttpxH2(Nghttpx, H2Edge):
    connections_for_nine = 1
    idle_seen = {"connection_fin"}
    idle_ends_connection = True
    leave_seen = leave_seen_by_write = "rst_stream INTERNAL_ERROR"


class EnvoyH2(Envoy, H2Edge):
    files = ["envoy-h2.yaml"]
    connections_for_nine = 1
    # One code for everything.
    idle_seen = {"rst_stream INTERNAL_ERROR"}
    leave_seen = leave_seen_by_write = "rst_stream INTERNAL_ERROR"
    # The stream window that it advertises, 16 MiB, whatever its client does.
    absorbs = 12_000_000

    def command(self) -> list[str]:
        return [part.replace("envoy.yaml", "envoy-h2.yaml") for part in super().command()]


class CaddyH2(Caddy, H2Edge):
    files = ["Caddyfile-h2"]
    connections_for_nine = 1
    # It cancels streams one by one until the connection is closed: how far it gets is chance.
    idle_seen = {"connection_fin", "rst_stream CANCEL"}
    idle_ends_connection = True
    leave_seen = leave_seen_by_write = "rst_stream CANCEL"

    def command(self) -> list[str]:
        return ["Caddyfile-h2" if part == "Caddyfile" else part for part in super().command()]


class HAProxyH2(HAProxy, H2Edge):
    files = ["haproxy-h2.cfg"]
    connections_for_nine = 1
    idle_seen = {"rst_stream CANCEL"}
    leave_seen = leave_seen_by_write = "rst_stream CANCEL"
    # Until its client reads, leaves or is given up (`timeout client`), also after the origin has ended that stream:
    # HAProxy 2.6 reads no further on the connection while it holds bytes that it cannot pass on.
    slow_client_stops_others = True

    # Connections are shared within a thread.
    always = [Swap("defaults\n", "global\n    nbthread 1\n\ndefaults\n")]
    two_threads = [Swap("defaults\n", "global\n    nbthread 2\n\ndefaults\n")]
    reuse_safe = [Swap("http-reuse always", "http-reuse safe")]

    def command(self) -> list[str]:
        return ["haproxy-h2.cfg" if part == "haproxy.cfg" else part for part in super().command()]


class HttpdH2(Httpd, H2Edge):
    files = ["headwater-h2.conf"]
    connections_for_nine = 9
    idle_seen = {"goaway 70007"}
    leave_seen = None
    leave_seen_by_write = "rst_stream STREAM_CLOSED"

    def command(self) -> list[str]:
        command = super().command()
        main = self.directory / "httpd.conf"
        lines = main.read_text(encoding="utf-8").replace("/headwater.conf", "/headwater-h2.conf").splitlines()
        [proxy] = [line for line in lines if line.startswith("LoadModule proxy_module")]
        http2 = proxy.replace("proxy_module", "proxy_http2_module").replace("mod_proxy.so", "mod_proxy_http2.so")
        lines.insert(lines.index(proxy) + 1, http2)
        main.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return command


ALL_H2: list[type[H2Edge]] = [NghttpxH2, EnvoyH2, CaddyH2, HAProxyH2, HttpdH2]
