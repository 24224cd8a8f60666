# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""The real intermediaries of the interop tests, each started with the configuration that `edges/` gives to users."""

from .caddy import Caddy
from .edge import Edge, Swap
from .envoy import Envoy
from .haproxy import HAProxy
from .httpd import Httpd
from .nginx import Nginx
from .trafficserver import TrafficServer
from .varnish import Varnish

ALL: list[type[Edge]] = [Nginx, HAProxy, Envoy, Varnish, TrafficServer, Httpd, Caddy]

__all__ = ["ALL", "Caddy", "Edge", "Envoy", "HAProxy", "Httpd", "Nginx", "Swap", "TrafficServer", "Varnish"]
