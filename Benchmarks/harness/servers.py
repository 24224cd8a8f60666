# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""What a server under test is: what it needs, how it is started, which targets it serves."""

import json
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from harness.processes import BenchmarkError, Child, family_of

BENCHMARKS = Path(__file__).resolve().parent.parent
ROOT = BENCHMARKS.parent
BUILD = ROOT / ".build" / "bench"


@dataclass(frozen=True)
class Load:
    """What is offered: each of so many streams gets so many events of so many bytes of data per second."""

    streams: int
    slow: int
    rate: int
    size: int
    loops: int
    files: int  # the hard limit of open files
    connections: int = 1  # over how many the streams are spread, over HTTP/2

    @property
    def interval_ms(self) -> int:
        return 1000 // self.rate


class Server:
    """One started server; stop() ends everything that start() began."""

    name = ""
    http2 = False
    tls = False
    events_target = "/events"
    idle_target = "/idle"

    def __init__(self, load: Load, directory: Path):
        self.load = load
        self.directory = directory
        self.children: list[Child] = []
        self.port = 0

    @classmethod
    def unavailable(cls) -> str | None:
        """Why no installation helps on this machine: then its row is left out, and the report says so."""
        return None

    @classmethod
    def version(cls) -> str | None:
        """Of foreign software, for the report."""
        return None

    @classmethod
    def missing(cls) -> str | None:
        """A sentence that says what to install, or None when the server can be started."""
        raise NotImplementedError

    def start(self) -> None:
        raise NotImplementedError

    def begin_publishing(self) -> None:
        """Starts what publishes the events, for a server that has no synthetic channel."""

    @property
    def pids(self) -> list[int]:
        """The server and its workers; what publishes is not among them."""
        return list(family_of(self.children[0].pid))

    def stop(self) -> None:
        for child in reversed(self.children):
            child.stop()

    def spawn(self, name: str, command: list[str], environment: dict[str, str] | None = None) -> Child:
        child = Child(name, command, self.directory, environment)
        self.children.append(child)
        return child

    def spawn_ready(self, command: list[str], key: str = "http", environment: dict[str, str] | None = None) -> None:
        """Starts a server that prints one JSON line with its address in `http` when it listens."""
        line = self.spawn(self.name, command, environment).read_line(0, timeout=15)
        self.port = int(json.loads(line)[key].rpartition(":")[2])

    def certificate(self) -> tuple[Path, Path]:
        """A certificate of the usual kind and its key, made for this run."""
        certificate, key = self.directory / "certificate.pem", self.directory / "key.pem"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        command += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        try:
            subprocess.run([*command, "-out", certificate, "-keyout", key], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise BenchmarkError(f"openssl makes no certificate (Debian package: openssl): {error}") from error
        return certificate, key


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_connectable(child: Child, port: int) -> None:
    deadline = time.monotonic() + 15
    while child.process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise BenchmarkError(f"{child.name} does not listen on port {port}:\n{child.last_words()}")


def variants(base: type[Server]) -> list[type[Server]]:
    """A server in each of its protocols, which its rows are named by."""
    kinds = (("", False, False), ("-tls", False, True), ("-h2c", True, False), ("-h2", True, True))
    return [
        type(base.__name__, (base,), {"name": base.name + suffix, "http2": http2, "tls": tls})
        for suffix, http2, tls in kinds
    ]


def output_of(*command: str) -> str:
    """What a program says of itself, or nothing."""
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except OSError:
        return ""
    return (run.stdout + run.stderr).strip()
