# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""`headwater probe` as tests run it: to its end with its report as JSON, or in the background with its output."""

import json
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Optional

from .origin import clean_environment, headwater_binary
from .process import ManagedProcess


@dataclass
class ProbeRun:
    """A probe that has ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def report(self) -> dict[str, Any]:
        """The whole JSON report."""
        assert self.stdout.startswith("{"), (self.exit_code, self.stdout[:500], self.stderr[-2000:])
        return json.loads(self.stdout)

    @property
    def result(self) -> dict[str, Any]:
        """What the command found."""
        return self.report["result"]

    def path(self, name: str) -> dict[str, Any]:
        """The figures of one path."""
        return next(path for path in self.result["paths"] if path["name"] == name)

    def findings(self, severity: Optional[str] = None) -> list[dict[str, Any]]:
        return [one for one in self.report["findings"] if severity in (None, one["severity"])]


def probe(
    *arguments: str,
    timeout: float = 60,
    as_json: bool = True,
    environment: Optional[Mapping[str, str]] = None,
) -> ProbeRun:
    """Runs `headwater probe` with these arguments until it ends by itself."""
    command = [headwater_binary(), "probe", *map(str, arguments), *(["--json"] if as_json else [])]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=clean_environment(environment),
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return ProbeRun(done.returncode, done.stdout, done.stderr)


class RunningProbe:
    """A probe in the background; `interrupt()` ends it as Ctrl-C does."""

    def __init__(
        self, directory: Path, *arguments: str, name: str = "probe", environment: Optional[Mapping[str, str]] = None
    ) -> None:
        command = [headwater_binary(), "probe", *map(str, arguments)]
        self.process = ManagedProcess(command, directory, name=name, environment=clean_environment(environment))

    def interrupt(self, timeout: float = 15) -> ProbeRun:
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait_exit(timeout)
        return ProbeRun(code, self.process.stdout(), self.process.stderr())
