# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""Child processes: started in their own session, ended by process id, sampled through /proc and the CPU clock."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class BenchmarkError(Exception):
    """The benchmark could not run; the message says what to do."""


class Child:
    """One process whose stdout and stderr go to files, so that it never waits for a reader."""

    def __init__(self, name: str, command: list[str], directory: Path, environment: dict[str, str] | None = None):
        self.name = name
        self.out = directory / f"{name}.stdout"
        self.err = directory / f"{name}.stderr"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, **(environment or {})},
                start_new_session=True,  # Ctrl-C reaches the harness alone, which then ends the children in order
            )
        self.pid = self.process.pid

    def read_line(self, index: int, timeout: float) -> str:
        """Waits for the complete line with this index of the child's stdout."""
        deadline = time.monotonic() + timeout
        while True:
            ended = self.process.poll() is not None
            lines = self.out.read_text(errors="replace").splitlines(keepends=True)
            if len(lines) > index and lines[index].endswith("\n"):
                return lines[index]
            if ended:
                raise BenchmarkError(f"{self.name} ended with status {self.process.returncode}:\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{self.name} printed nothing more within {timeout:.0f} s:\n{self.last_words()}")
            time.sleep(0.002)

    def error_lines(self, timeout: float) -> Iterator[str]:
        """The lines of the child's stderr, each as soon as it is complete, until the child ends."""
        deadline = time.monotonic() + timeout
        with self.err.open(errors="replace") as file:
            part = ""
            while True:
                ended = self.process.poll() is not None
                read = file.readline()
                part += read
                if part.endswith("\n"):
                    yield part
                    part = ""
                elif not read:
                    if ended:
                        return
                    if time.monotonic() > deadline:
                        raise BenchmarkError(f"{self.name} did not end within {timeout:.0f} s:\n{self.last_words()}")
                    time.sleep(0.002)

    def last_words(self) -> str:
        text = self.err.read_text(errors="replace")
        return "\n".join(text.splitlines()[-15:])

    def stop(self) -> None:
        """Asks twice (a server may drain at the first request), then kills it and what it has started."""
        family = family_of(self.pid)
        for number, patience in ((signal.SIGTERM, 1.0), (signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0)):
            if self.process.poll() is not None:
                break
            self.process.send_signal(number)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
        for pid, started in family.items():
            # The start time proves that it is still the process that we know and not a later one with its number.
            if pid != self.pid and start_time(pid) == started:
                os.kill(pid, signal.SIGKILL)


def stat_fields(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()  # the name before it may hold spaces and parentheses


def start_time(pid: int) -> str | None:
    fields = stat_fields(pid)
    return fields[19] if fields else None


def family_of(pid: int) -> dict[int, str]:
    """The process and all its descendants, each with its start time."""
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        fields = stat_fields(int(entry)) if entry.isdigit() else None
        if fields:
            parents.setdefault(int(fields[1]), []).append(int(entry))
    family: dict[int, str] = {}
    waiting = [pid]
    while waiting:
        member = waiting.pop()
        started = start_time(member)
        if started:
            family[member] = started
            waiting.extend(parents.get(member, []))
    return family


# Lines of smaps_rollup: memory of the process's own, and shared memory such as Nchan's store.
OWN_PAGES = ("Pss_Anon:", "Pss_Shmem:")


@dataclass(frozen=True)
class Processor:
    """CPU seconds so far, summed over a server's processes and all their threads."""

    total: float
    user: float
    system: float

    def __sub__(self, earlier: "Processor") -> "Processor":
        return Processor(self.total - earlier.total, self.user - earlier.user, self.system - earlier.system)


def processor(pids: list[int]) -> Processor:
    """The total is the processes' own clock: what /proc/PID/stat sums up as user and system, but in nanoseconds. The
    two parts come from stat itself, in ticks."""
    tick = os.sysconf("SC_CLK_TCK")
    try:
        # clock_getcpuclockid(3): the complement of the process id, then the type CPUCLOCK_SCHED. First, and at once.
        total = sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)
    except OSError as error:
        raise BenchmarkError(f"the server (processes {pids}) ended while it was measured: {error}") from error
    stats = [fields for pid in pids if (fields := stat_fields(pid))]
    return Processor(total, sum(int(f[11]) for f in stats) / tick, sum(int(f[12]) for f in stats) / tick)


def memory(pids: list[int]) -> int:
    """The proportional set size in bytes, because nginx shares its pages with its workers, without the pages of files:
    whoever else uses the same library would change that share."""
    total = 0
    for pid in pids:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError as error:
            raise BenchmarkError(f"process {pid} of the server ended while it was measured: {error}") from error
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith(OWN_PAGES)) * 1024
    return total
