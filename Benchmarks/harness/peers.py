# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""The floors and the foreign servers; Benchmarks/README.md says which document each configuration follows."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from harness.servers import BENCHMARKS, BUILD, ROOT, Server, free_port, output_of, variants, wait_until_connectable


class Floor(Server):
    name = "floor"

    @classmethod
    def missing(cls) -> str | None:
        built = (BUILD / cls.name).exists()
        return None if built else f"{cls.name}: run `make -C Benchmarks` (Debian: build-essential, liburing-dev)"

    def start(self) -> None:
        self.spawn_ready([str(BUILD / self.name), str(self.load.interval_ms), str(self.load.size)])


class FloorUring(Floor):
    name = "floor-uring"

    @classmethod
    def unavailable(cls) -> str | None:
        # It asks for a ring before it looks at its arguments.
        program = str(BUILD / cls.name)
        run = subprocess.run([program], capture_output=True, text=True) if os.access(program, os.X_OK) else None
        return run.stderr.strip() if run and run.returncode == os.EX_UNAVAILABLE else None


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

    @classmethod
    def version(cls) -> str | None:
        nginx = output_of(cls.binary() or "nginx", "-v").rpartition("/")[2]
        module = output_of("dpkg-query", "--show", "--showformat=${Version}", "libnginx-mod-nchan")
        return f"nginx {nginx} with Nchan {module}"

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


class Node(Server):
    name = "node"
    script = "server.mjs"
    # https://nodejs.org/en/learn/getting-started/nodejs-the-difference-between-development-and-production
    environment = {"NODE_ENV": "production"}

    @classmethod
    def missing(cls) -> str | None:
        return None if shutil.which("node") else "node: install the Debian package nodejs"

    @classmethod
    def version(cls) -> str | None:
        return f"Node.js {output_of('node', '--version')}"

    def start(self) -> None:
        command = ["node", str(BENCHMARKS / "node" / self.script), str(self.load.interval_ms), str(self.load.size)]
        command.append("http2" if self.http2 else "http1")
        command += [str(path) for path in self.certificate()] if self.tls else []
        self.spawn_ready(command, environment=self.environment)


class Express(Node):
    """Express has no HTTP/2: https://github.com/expressjs/express/pull/3730 is open."""

    name = "express"
    script = "express.mjs"
    modules = Path("/usr/share/nodejs")
    environment = {**Node.environment, "NODE_PATH": str(modules)}

    @classmethod
    def missing(cls) -> str | None:
        if (cls.modules / "express").exists():
            return super().missing()
        return "express: install the Debian package node-express"

    @classmethod
    def version(cls) -> str | None:
        package = cls.modules / "express" / "package.json"
        return f"Express {json.loads(package.read_text())['version']}" if package.exists() else None


class Starlette(Server):
    """Starlette's StreamingResponse under granian."""

    name = "starlette"

    @staticmethod
    def binary() -> Path:
        return ROOT / ".build" / "venv" / "bin" / "granian"

    @classmethod
    def missing(cls) -> str | None:
        return None if cls.binary().exists() else "starlette: run `scripts/bootstrap interop`, which installs granian"

    @classmethod
    def version(cls) -> str | None:
        names = "import importlib.metadata as m; print(*(n + ' ' + m.version(n) for n in ('starlette', 'granian')))"
        return output_of(str(cls.binary().with_name("python")), "-c", names)

    def start(self) -> None:
        self.port = free_port()
        command = [str(self.binary()), "--interface", "asgi", "--loop", "uvloop", "--workers", str(self.load.loops)]
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--http", "2" if self.http2 else "1"]
        command += ["--working-dir", str(BENCHMARKS / "starlette"), "--log-level", "warning", "--no-ws"]
        # Backpressure counts connections, so it must be above the streams; the other limit is of streams.
        command += ["--backlog", "4096", "--backpressure", str(self.load.files)]
        command += ["--http2-max-concurrent-streams", "10000"]
        if self.tls:
            certificate, key = self.certificate()
            command += ["--ssl-certificate", str(certificate), "--ssl-keyfile", str(key)]
        values = {"BENCH_INTERVAL_MS": str(self.load.interval_ms), "BENCH_DATA_SIZE": str(self.load.size)}
        wait_until_connectable(self.spawn(self.name, [*command, "app:app"], values), self.port)


PEERS: list[type[Server]] = [
    Floor,
    FloorUring,
    *variants(Nchan),
    *variants(Node),
    *(kind for kind in variants(Express) if not kind.http2),
    *variants(Starlette),
]
