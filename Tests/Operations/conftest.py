# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Tests of what operators take: prometheus/, grafana/, otel/, k8s/, compose.yaml, docs/runbooks/.

Run with HEADWATER_BIN=.build/release/headwater python3 -m pytest -c Tests/Operations/pytest.ini Tests/Operations. Only
test_live.py and test_commands.py start the executable; the others read files and run Debian's promtool.
"""

import sys
from pathlib import Path
from typing import Callable, Iterator

import pytest

# The harness that starts origins, proxies and clients belongs to the end-to-end tests; it is used here as it is.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Interop"))


@pytest.fixture(scope="module")
def module_origin(tmp_path_factory) -> Iterator[Callable]:
    """Starts origins that live as long as the module's tests; each must end cleanly."""
    from harness.origin import Origin

    started = []

    def start(*flags: str, **options):
        origin = Origin(tmp_path_factory.mktemp("origin"), *flags, **options)
        started.append(origin)
        return origin

    yield start
    for origin in started:
        if not origin.ended_by_test:
            origin.terminate()
