# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Varnish."""

from .edge import Edge, Swap


class Varnish(Edge):
    name = "varnish"
    files = ["headwater.vcl", "varnishd.args"]
    programs = ["varnishd"]
    install = "apt-get install varnish"

    idle_timer = [Swap(".between_bytes_timeout = 60s", ".between_bytes_timeout = {}s")]
    idle_end = "fin"
    leave_seen_at_once = False
    absorbs_slow_clients = True

    # Varnish steps aside and passes bytes in both directions.
    piped = [Swap("return (pass)", "return (pipe)")]
    # What it does without our vcl_recv, when a response may be cached.
    collapsing = [
        Swap("return (pass)", "return (hash)"),
        Swap("set beresp.uncacheable = true;", "set beresp.ttl = 60s;"),
    ]

    @staticmethod
    def maximum_life(seconds: int) -> list[Swap]:
        """Every stream ends with the first write after that age."""
        return [Swap("send_timeout=86400", f"send_timeout={seconds}")]

    def spell(self, old: str, new: str) -> tuple[str, str]:
        if old != "127.0.0.1:8080":
            return old, new
        host, port = new.split(":")
        return '.port = "8080"', f'.port = "{port}"'

    def command(self) -> list[str]:
        lines = (self.directory / "varnishd.args").read_text(encoding="utf-8").splitlines()
        arguments = [word for line in lines if not line.startswith("#") for word in line.split()]
        # No management port, a private working folder, few threads at the start.
        own = ["-F", "-j", "none", "-n", str(self.directory / "work"), "-T", "none", "-s", "malloc,64m"]
        own += ["-p", "thread_pools=1", "-p", "thread_pool_min=20"]
        return [self.program(), *own, *arguments, "-f", str(self.directory / "headwater.vcl")]
