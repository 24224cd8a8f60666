# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Runs `headwater probe diagnose` and reads its report."""

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, NamedTuple, Sequence

from harness.origin import Origin, clean_environment, headwater_binary

from .faults import Case, folder


class Diagnosis(NamedTuple):
    """One run of the probe."""

    exit: int
    report: dict
    stderr: str

    @property
    def result(self) -> dict:
        return self.report["result"]

    @property
    def verdict(self) -> str:
        return self.result["verdict"]

    @property
    def causes(self) -> list[str]:
        return [cause["name"] for cause in self.result["causes"]]

    @property
    def settings(self) -> str:
        return " ".join(cause["setting"] for cause in self.result["causes"])

    def stream(self, role: str, attempt: int = 1) -> dict:
        """The report's entry for one stream."""
        return next(one for one in self.result["streams"] if (one["role"], one["attempt"]) == (role, attempt))

    def explain(self) -> str:
        """For the message of a failed test."""
        return json.dumps(self.report, indent=1) + self.stderr


def diagnose(url: str, *arguments: str, timeout: float = 60) -> Diagnosis:
    """One diagnosis, to its end."""
    command = [headwater_binary(), "probe", "diagnose", "--json", *arguments, url]
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, env=clean_environment(), check=False
    )
    assert ran.stdout, f"{command}: exit {ran.returncode}, {ran.stderr}"
    return Diagnosis(ran.returncode, json.loads(ran.stdout), ran.stderr)


@contextmanager
def site(case: Case, parent: Path) -> Iterator[str]:
    """The case's origin and intermediary, and the URL to diagnose."""
    place = folder(parent, case)
    origin = Origin(place, *case.origin)
    edge = None
    try:
        edge = case.edge(origin.address, place, case.swaps) if case.edge else None
        yield (edge.url if edge else origin.url) + case.target
    finally:
        if edge:
            edge.stop()
        origin.kill()


def run_case(case: Case, parent: Path, arguments: Sequence[str] | None = None) -> Diagnosis:
    """Sets the fault and diagnoses it."""
    with site(case, parent) as url:
        return diagnose(url, *(case.arguments if arguments is None else arguments))
