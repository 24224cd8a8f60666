# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""Where, when and with what a table was measured, so that no figure stands without it."""

import os
import platform
import time
from pathlib import Path

from harness.servers import Server


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def machine() -> dict[str, str | int]:
    return {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def heading(title: str, command: str, kinds: list[type[Server]]) -> str:
    """Opens a table in Markdown. The load is the machine's when the table begins: others may be using it."""
    here = machine()
    versions = ", ".join(dict.fromkeys(version for kind in kinds if (version := kind.version())))
    said = (
        f"{time.strftime('%Y-%m-%d')}; {here['cpu']}, {here['cores']} cores, Linux {here['kernel']}, load average "
        f"{here['load']}" + (f"; {versions}" if versions else "")
    )
    return f"## {title}\n\n```\n{command}\n```\n\n{said}."
