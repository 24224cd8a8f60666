# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""One intermediary in front of one origin: its files in a temporary folder, its process, and what is known of it.

The configurations under `edges/` are complete and run as they are; their two addresses, 127.0.0.1:8000 for clients and
127.0.0.1:8080 for the origin, are what users replace, and what is replaced here. A test varies a configuration by
further replacements. One that matches nothing is an error, so no test runs with a configuration other than it believes.
"""

import random
import shutil
import socket
import sys
from pathlib import Path
from typing import ClassVar, NamedTuple, Sequence

from harness.process import ManagedProcess, ProcessFailed

EDGES = Path(__file__).resolve().parents[3] / "edges"


class Swap(NamedTuple):
    """A text of the configuration and what stands in its place."""

    old: str
    new: str


def free_port() -> int:
    """A port nobody listens on, below the range that the kernel gives to clients, so that none takes it meanwhile."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Edge:
    """Subclasses say how the program is started, and what is known of its behaviour; tests hold it to that."""

    name: ClassVar[str]
    # Files of edges/<name>/ that are copied, with replacements, into the folder it runs in.
    files: ClassVar[Sequence[str]]
    # Names under which distributions install it, and the packages to point at when it is missing.
    programs: ClassVar[Sequence[str]]
    install: ClassVar[str]

    # Replacements that set its idle timer towards the origin to a number of whole seconds, as `{}`.
    idle_timer: ClassVar[Sequence[Swap]]
    # How the origin sees that timer fire: "fin" or "rst".
    idle_end: ClassVar[str]
    # How late the timer may fire, in seconds: some look at their timers only now and then.
    idle_slack: ClassVar[float] = 0.6
    # A test of that timer: its seconds, how many streams it takes until the timer is proven, and how far apart they
    # must fall silent for their ends to be apart as well. The less exact a timer, the more ends it takes to know it.
    idle_seconds: ClassVar[int] = 2
    idle_proof: ClassVar[int] = 6
    idle_apart: ClassVar[float] = 0.35
    # Whether the origin of a quiet stream learns at once that the client has left.
    leave_seen_at_once: ClassVar[bool]
    # Replacements that give up what our configuration adds to see a client leave; none if nothing does.
    leave_unseen: ClassVar[Sequence[Swap]] = ()
    # How the origin sees a leave of a quiet stream, if it does, and one that its write brings to light.
    leave_end_quiet: ClassVar[str] = "fin"
    leave_end: ClassVar[str] = "fin"
    # Whether it reads on, without bound, for a client that does not read.
    absorbs_slow_clients: ClassVar[bool] = False
    # Replacements that shorten the time it gives to open streams when it is told to stop.
    quick_shutdown: ClassVar[Sequence[Swap]] = ()

    def __init__(self, origin: str, directory: Path, swaps: Sequence[Swap] = (), port: int | None = None) -> None:
        """Starts it in front of `origin` (host:port) and returns once it accepts connections."""
        self.port = port or free_port()
        self.origin = origin
        self.directory = directory / f"{self.name}-{self.port}"
        self.directory.mkdir(parents=True)
        self._write_files([*swaps, Swap("127.0.0.1:8000", f"127.0.0.1:{self.port}"), Swap("127.0.0.1:8080", origin)])
        self.process = ManagedProcess(
            self.command(),
            self.directory,
            name=self.name,
            environment=self.environment(),
            working_directory=self.directory,
            ready=lambda _: self._accepts(),
        )

    def _write_files(self, swaps: Sequence[Swap]) -> None:
        texts = {name: (EDGES / self.name / name).read_text(encoding="utf-8") for name in self.files}
        for old, new in swaps:
            old, new = self.spell(old, new)
            assert any(old in text for text in texts.values()), f"{self.name}: no {old!r} in {', '.join(texts)}"
            texts = {name: text.replace(old, new) for name, text in texts.items()}
        for name, text in texts.items():
            (self.directory / name).write_text(text, encoding="utf-8")

    def _accepts(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def spell(self, old: str, new: str) -> tuple[str, str]:
        """A replacement as this program's configuration spells it: some write an address in two settings."""
        return old, new

    def command(self) -> list[str]:
        """The command that runs it in the foreground; may write further files into `directory`."""
        raise NotImplementedError

    def environment(self) -> dict[str, str] | None:
        """None to inherit ours."""
        return None

    @classmethod
    def program(cls) -> str:
        """The path of its executable. Missing is a failure, not a skip: these tests are about real intermediaries."""
        for name in cls.programs:
            # Some come from PyPI and lie beside our Python, others are servers, which are not on every user's PATH.
            beside = f"{Path(sys.executable).parent}:/usr/sbin:/usr/local/sbin"
            found = shutil.which(name) or shutil.which(name, path=beside)
            if found:
                return found
        raise ProcessFailed(f"{cls.name} is not installed: {cls.install}")

    @classmethod
    def idle(cls, seconds: int) -> list[Swap]:
        """The replacements for an idle timer of that many seconds."""
        return [Swap(old, new.format(seconds)) for old, new in cls.idle_timer]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """SIGTERM, and soon SIGKILL to what is left of it: the test is over."""
        self.process.stop(grace=1)

    def shut_down(self) -> None:
        """SIGTERM, and the time it needs to cut open streams."""
        self.process.stop(grace=6)

    def logs(self) -> str:
        """What it has to say for itself, for the report of a failed test."""
        return self.process.describe("its output")
