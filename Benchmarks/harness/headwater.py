# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""The server under test, with more or less telemetry and with sends in batches or one by one."""

import os
from pathlib import Path

from harness.servers import ROOT, Load, Server, variants


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


# What telemetry costs: the same server with more and more of it.
NO_TRACES = {"OTEL_SDK_DISABLED": "true"}
EVERY_STREAM = {"OTEL_TRACES_SAMPLER": "always_on"}
TELEMETRY: dict[str, dict] = {
    "silent": {"telemetry_arguments": ["--metrics", "false"], "environment": NO_TRACES},
    "metrics": {"environment": NO_TRACES},
    "traced": {"environment": EVERY_STREAM},
    "every-event": {"telemetry_arguments": ["--event-span-rate", "1000000"], "environment": EVERY_STREAM},
}


def levels() -> list[type[Server]]:
    return [
        type("Headwater", (Headwater,), {"name": f"headwater{suffix}-{level}", "http2": http2, **values})
        for suffix, http2 in (("", False), ("-h2c", True))
        for level, values in TELEMETRY.items()
    ]


class WithoutUring(Headwater):
    """One send() for each stream and event, as everywhere but on a recent Linux."""

    name = "headwater-no-uring"
    telemetry_arguments = ["--io-uring", "false"]


HEADWATERS: list[type[Server]] = [*variants(Headwater), *levels(), WithoutUring]
