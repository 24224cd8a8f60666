# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""The intermediaries that speak HTTP/2 to the origin, with the `-h2` files of `edges/`, and what is known of them.

`seen` below is what a close record's evidence says of how a stream ended: `rst(CANCEL)`, `goaway(70007)`, `fin`.
"""

from typing import ClassVar

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


class NghttpxH2(Nghttpx, H2Edge):
    connections_for_nine = 1


class EnvoyH2(Envoy, H2Edge):
    files = ["envoy-h2.yaml"]
    connections_for_nine = 1

    def command(self) -> list[str]:
        return [part.replace("envoy.yaml", "envoy-h2.yaml") for part in super().command()]


class CaddyH2(Caddy, H2Edge):
    files = ["Caddyfile-h2"]
    connections_for_nine = 1

    def command(self) -> list[str]:
        return ["Caddyfile-h2" if part == "Caddyfile" else part for part in super().command()]


class HAProxyH2(HAProxy, H2Edge):
    files = ["haproxy-h2.cfg"]
    connections_for_nine = 1

    one_thread = [Swap("defaults\n", "global\n    nbthread 1\n\ndefaults\n")]
    two_threads = [Swap("defaults\n", "global\n    nbthread 2\n\ndefaults\n")]
    reuse_safe = [Swap("http-reuse always", "http-reuse safe")]

    def command(self) -> list[str]:
        return ["haproxy-h2.cfg" if part == "haproxy.cfg" else part for part in super().command()]


class HttpdH2(Httpd, H2Edge):
    files = ["headwater-h2.conf"]
    connections_for_nine = 9

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
