# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""HAProxy."""

from .edge import Edge, Swap


class HAProxy(Edge):
    name = "haproxy"
    files = ["haproxy.cfg"]
    programs = ["haproxy"]
    install = "apt-get install haproxy"

    idle_timer = [Swap("timeout server 60s", "timeout server {}s")]
    idle_end = "rst"
    leave_seen_at_once = True
    leave_unseen = [Swap("option abortonclose", "")]
    leave_end_quiet = "rst"
    leave_end = "rst"

    # Its default: hold a small write until more bytes or about 200 ms have come.
    delayed = [Swap("option http-no-delay", "")]

    def command(self) -> list[str]:
        return [self.program(), "-db", "-f", "haproxy.cfg"]
