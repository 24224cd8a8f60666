# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Apache Traffic Server."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Sequence

from .edge import Edge, Swap

# A whole installation of its own: nothing is read from, or written to, the system's.
RUNROOT = """\
prefix: {root}
exec_prefix: {root}
bindir: {program_folder}
sbindir: {program_folder}
sysconfdir: {root}
datadir: {root}
libexecdir: {plugins}
localstatedir: {root}
runtimedir: {root}/run
logdir: {root}/log
cachedir: {root}/cache
"""

# Besides the lines for users: no cache on disk, one thread, diagnostics where the test shows them.
MORE_RECORDS = """
CONFIG proxy.config.http.cache.http INT 0
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT 2
CONFIG proxy.config.admin.user_id STRING {user}
CONFIG proxy.config.diags.output.error STRING E
CONFIG proxy.config.diags.output.warning STRING E
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.url_remap.remap_required INT 1
"""

# Without this file it answers nobody.
IP_ALLOW = """\
ip_allow:
  - {apply: in, ip_addrs: 127.0.0.0/8, action: allow, methods: ALL}
"""

# Whom it runs as when started by root, which it refuses to be; #-1 is whoever starts it.
UNPRIVILEGED = "nobody"


class TrafficServer(Edge):
    name = "trafficserver"
    files = ["records.config", "remap.config"]
    programs = ["traffic_server"]
    install = "apt-get install trafficserver"

    idle_timer = [Swap("transaction_no_activity_timeout_out INT 60", "transaction_no_activity_timeout_out INT {}")]
    idle_end = "fin"
    idle_slack = 1.6
    idle_seconds = 5
    idle_proof = 8
    idle_apart = 1.1
    leave_seen_at_once = False

    @staticmethod
    def maximum_life(seconds: int) -> list[Swap]:
        """Every transaction ends at that age, give or take its timers' granularity of about a second."""
        return [Swap("transaction_active_timeout_in INT 0", f"transaction_active_timeout_in INT {seconds}")]

    def __init__(self, origin: str, directory: Path, swaps: Sequence[Swap] = (), port: int | None = None) -> None:
        # It reads its files after giving up root, and could not enter the folder of the test.
        self._own = Path(tempfile.mkdtemp(prefix="trafficserver-"))
        if os.geteuid() == 0:
            shutil.chown(self._own, UNPRIVILEGED)
        super().__init__(origin, self._own, swaps, port)

    def stop(self) -> None:
        super().stop()
        shutil.rmtree(self._own, ignore_errors=True)

    def spell(self, old: str, new: str) -> tuple[str, str]:
        if old != "127.0.0.1:8000":
            return old, new
        return "STRING 8000:ip-in=127.0.0.1", f"STRING {new.split(':')[1]}:ip-in=127.0.0.1"

    def command(self) -> list[str]:
        program = self.program()
        for folder in ("run", "log", "cache"):
            (self.directory / folder).mkdir()
        layout = RUNROOT.format(
            root=self.directory,
            program_folder=Path(program).parent,
            plugins="/usr/lib/trafficserver/modules",
        )
        if os.geteuid() == 0:
            for folder in (self.directory, *self.directory.iterdir()):
                shutil.chown(folder, UNPRIVILEGED)
        (self.directory / "runroot.yaml").write_text(layout, encoding="utf-8")
        (self.directory / "storage.config").write_text("cache 16M\n", encoding="utf-8")
        (self.directory / "ip_allow.yaml").write_text(IP_ALLOW, encoding="utf-8")
        with open(self.directory / "records.config", "a", encoding="utf-8") as records:
            records.write(MORE_RECORDS.format(user=UNPRIVILEGED if os.geteuid() == 0 else "#-1"))
        return [program, f"--run-root={self.directory}/runroot.yaml"]
