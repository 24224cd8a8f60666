# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Memory is given back after a storm: thousands of streams come and go, and the process is as small as before."""

import subprocess
import time
from pathlib import Path

import pytest

from harness.origin import Origin
from harness.process import ManagedProcess
from harness.waiting import wait_until

BENCHMARKS = Path(__file__).resolve().parents[2] / "Benchmarks"


@pytest.fixture(scope="module")
def clients(tmp_path_factory) -> Path:
    """The folder of the benchmarks' clients, built."""
    folder = tmp_path_factory.mktemp("clients")
    tools = [f"{folder}/fanout", f"{folder}/fanout-h2"]
    subprocess.run(["make", "-s", "-C", str(BENCHMARKS), f"OUT={folder}", *tools], check=True)
    return folder


def own_memory(origin: Origin) -> int:
    """The process's own pages, in bytes; those of files are the page cache's."""
    lines = Path(f"/proc/{origin.pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:")) * 1024


def storm(client: list[str], streams: int, origin: Origin, directory: Path) -> int:
    """Opens the streams, waits until all are there, and lets them go. What the origin held meanwhile."""
    command = [*client, "--port", str(origin.port), "--path", "/channels/idle/events", "--idle"]
    command += ["--streams", str(streams), "--settle", "4", "--duration", "0.1"]
    with ManagedProcess(command, directory, name=f"storm-{streams}") as process:
        # Not from the origin's list of streams, which would take memory of its own.
        process.wait_for(lambda: '"opened"' in process.stdout(), f"{streams} streams", 90)
        held = own_memory(origin)
        assert process.wait_exit(90) == 0, process.describe("the streams could not all be held")
    origin.wait_active(0, timeout=30)
    return held


@pytest.mark.parametrize(
    "client, streams", [(["fanout"], 4_000), (["fanout-h2", "--connections", "4"], 10_000)], ids=["http1", "http2"]
)
def test_a_storm_leaves_no_memory_behind(clients, start_origin, tmp_path, client, streams) -> None:
    # Tracing keeps the last traces on purpose, and those of a storm are larger than those before it.
    origin = start_origin("--event-loops", "2", environment={"OTEL_SDK_DISABLED": "true"})
    command = [str(clients / client[0]), *client[1:]]
    storm(command, 50, origin, tmp_path)
    time.sleep(1)  # not to wait for anything: what a few streams leave behind is the base that counts
    before = own_memory(origin)
    held = storm(command, streams, origin, tmp_path)
    assert held - before > 4_000_000, (before, held)
    # Ends are judged and logged first, and then the origin waits for a second of calm.
    allowed = before + max((held - before) // 3, 6_000_000)
    wait_until(lambda: own_memory(origin) < allowed, f"{held:,} bytes come down to {allowed:,}", 90)
