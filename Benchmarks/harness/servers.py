# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""The servers that are compared. Each says what it needs, how it is started, and which targets it serves."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from harness.processes import BenchmarkError, Child

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
    def missing(cls) -> str | None:
        """A sentence that says what to install, or None when the server can be started."""
        raise NotImplementedError

    def start(self) -> None:
        raise NotImplementedError

    def begin_publishing(self) -> None:
        """Starts what publishes the events, for a server that has no synthetic channel."""

    @property
    def pid(self) -> int:
        return self.children[0].pid

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

    def client(self) -> list[str]:
        """The client that speaks this server's protocol, as far as the server decides its options."""
        command = [str(BUILD / ("fanout-h2" if self.http2 else "fanout")), "--port", str(self.port)]
        return command + (["--tls"] if self.tls else [])

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


class Floor(Server):
    name = "floor"

    @classmethod
    def missing(cls) -> str | None:
        built = (BUILD / "floor").exists()
        return None if built else "floor: run `make -C Benchmarks` (Debian package: build-essential)"

    def start(self) -> None:
        self.spawn_ready([str(BUILD / "floor"), str(self.load.interval_ms), str(self.load.size)])


class Headwater(Server):
    name = "headwater"
    idle_target = "/channels/idle/events"
    extra_arguments: list[str] = []
    # As in production: all metrics, and one stream in a hundred traced.
    telemetry_arguments: list[str] = []
    environment = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"}

    def __init__(self, load: Load, directory: Path):
        super().__init__(load, directory)
        self.events_target = f"/events?interval={load.interval_ms}&size={load.size}"

    @staticmethod
    def binary() -> Path:
        return Path(os.environ.get("HEADWATER_BIN", ROOT / ".build" / "release" / "headwater"))

    @classmethod
    def missing(cls) -> str | None:
        if os.access(cls.binary(), os.X_OK):
            return None
        return f"headwater: {cls.binary()} is not there; run `swift build -c release` or set HEADWATER_BIN"

    def start(self) -> None:
        command = [str(self.binary()), "serve", "--host", "127.0.0.1", "--port", "0"]
        command += ["--admin-host", "127.0.0.1", "--admin-port", "0", "--event-loops", str(self.load.loops)]
        if self.tls:
            certificate, key = self.certificate()
            command += ["--tls-port", "0", "--tls-certificate", str(certificate), "--tls-key", str(key)]
        command += self.telemetry_arguments + self.extra_arguments
        self.spawn_ready(command, "https" if self.tls else "http", self.environment)


class Node(Server):
    name = "node"

    @classmethod
    def missing(cls) -> str | None:
        return None if shutil.which("node") else "node: install the Debian package nodejs"

    def start(self) -> None:
        script = BENCHMARKS / "node" / "server.mjs"
        command = ["node", str(script), str(self.load.interval_ms), str(self.load.size)]
        command.append("http2" if self.http2 else "http1")
        self.spawn_ready(command + ([str(path) for path in self.certificate()] if self.tls else []))


class Nchan(Server):
    name = "nchan"
    module = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")

    @staticmethod
    def binary() -> str | None:
        return shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")

    @classmethod
    def missing(cls) -> str | None:
        if cls.binary() and cls.module.exists():
            return None
        return "nchan: install the Debian packages nginx and libnginx-mod-nchan"

    def start(self) -> None:
        self.port = free_port()
        self.publish_port = free_port()
        certificate = ""
        if self.tls:
            paths = self.certificate()
            certificate = f"ssl_certificate {paths[0]}; ssl_certificate_key {paths[1]}; ssl_protocols TLSv1.2 TLSv1.3;"
        template = (BENCHMARKS / "nchan" / "nginx.conf.in").read_text()
        values = {
            "LOAD_MODULE": f"load_module {self.module};",
            "WORKERS": self.load.loops,
            "FILES": self.load.files,
            "DIRECTORY": self.directory,
            "PORT": self.port,
            "PUBLISH_PORT": self.publish_port,
            "PROTOCOL": (" ssl" if self.tls else "") + (" http2" if self.http2 else ""),
            "CERTIFICATE": certificate,
        }
        for key, value in values.items():
            template = template.replace(f"@{key}@", str(value))
        configuration = self.directory / "nginx.conf"
        configuration.write_text(template)
        command = [self.binary() or "nginx", "-p", str(self.directory), "-e", "stderr", "-c", str(configuration)]
        wait_until_connectable(self.spawn(self.name, command), self.port)

    def begin_publishing(self) -> None:
        script = BENCHMARKS / "nchan" / "publish.py"
        arguments = ["127.0.0.1", self.publish_port, "/publish", self.load.interval_ms, self.load.size]
        self.spawn("publisher", [sys.executable, str(script), *map(str, arguments)])


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


# What telemetry costs: the same server with more and more of it.
NO_TRACES = {"OTEL_SDK_DISABLED": "true"}
EVERY_STREAM = {"OTEL_TRACES_SAMPLER": "always_on"}
TELEMETRY: dict[str, dict] = {
    "silent": {"telemetry_arguments": ["--metrics", "false"], "environment": NO_TRACES},
    "metrics": {"environment": NO_TRACES},
    "traced": {"environment": EVERY_STREAM},
    "every-event": {"telemetry_arguments": ["--event-span-rate", "1000000"], "environment": EVERY_STREAM},
}


def telemetry_variants() -> list[type[Server]]:
    return [
        type("Headwater", (Headwater,), {"name": f"headwater{suffix}-{level}", "http2": http2, **values})
        for suffix, http2 in (("", False), ("-h2c", True))
        for level, values in TELEMETRY.items()
    ]


SERVERS: dict[str, type[Server]] = {
    server.name: server for base in (Headwater, Nchan, Node) for server in variants(base)
} | {server.name: server for server in telemetry_variants()} | {Floor.name: Floor}


@dataclass(frozen=True)
class Table:
    """A comparison: its servers in the order in which a round runs them, and the load that it is made for."""

    title: str
    servers: tuple[str, ...]
    reference: str  # to which the ratios are taken
    streams: int
    rate: int
    connections: int = 1


TABLES = {
    "http1": Table("HTTP/1.1", ("headwater", "floor", "nchan", "node"), "floor", 2000, 20),
    "http2": Table(
        "HTTP/2",
        ("headwater-h2c", "nchan-h2c", "node-h2c", "headwater-h2", "nchan-h2", "node-h2"),
        "headwater-h2c",
        9000,
        10,
        connections=3,
    ),
    "telemetry": Table(
        "Telemetry over HTTP/2",
        tuple(f"headwater-h2c-{level}" for level in ("silent", "metrics"))
        + ("headwater-h2c", "headwater-h2c-traced", "headwater-h2c-every-event"),
        "headwater-h2c-silent",
        9000,
        10,
        connections=3,
    ),
    "telemetry-http1": Table(
        "Telemetry over HTTP/1.1",
        ("headwater-silent", "headwater-metrics", "headwater", "headwater-traced", "headwater-every-event"),
        "headwater-silent",
        2000,
        20,
    ),
    "tls": Table("HTTP/1.1 over TLS", ("headwater-tls", "headwater", "nchan-tls", "node-tls"), "headwater", 2000, 20),
}
