# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""nghttpx."""

from .edge import Edge, Swap


class Nghttpx(Edge):
    name = "nghttpx"
    files = ["nghttpx.conf"]
    programs = ["nghttpx"]
    install = "apt-get install nghttp2-proxy"

    idle_timer = [Swap("backend-read-timeout=60s", "backend-read-timeout={}s")]
    leave_seen_at_once = True

    def spell(self, old: str, new: str) -> tuple[str, str]:
        return (old.replace(":", ","), new.replace(":", ",")) if old.startswith("127.0.0.1:") else (old, new)

    def command(self) -> list[str]:
        # Without a file of its own it would read the system's error pages and OCSP script.
        return [self.program(), "--conf=nghttpx.conf", "--no-ocsp", "--errorlog-file=/dev/stderr"]
