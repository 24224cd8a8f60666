# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Fixtures and the streams that the tests of the intermediaries open; import the fixtures where they are used."""

from pathlib import Path
from typing import Callable, Iterator, Sequence

import pytest

from harness.origin import Origin
from harness.wire import WireConnection

from . import ALL
from .edge import Edge, Swap

# One test for each intermediary.
through_every_edge = pytest.mark.parametrize("edge", ALL, ids=lambda edge: edge.name)

StartEdge = Callable[..., Edge]


@pytest.fixture
def start_edge(tmp_path: Path) -> Iterator[StartEdge]:
    """Starts intermediaries, ends them, and prints their and the origins' logs: pytest shows them with a failure."""
    running: list[tuple[Edge, Origin]] = []

    def start(edge: type[Edge], origin: Origin, swaps: Sequence[Swap] = ()) -> Edge:
        started = edge(origin.address, tmp_path, swaps)
        running.append((started, origin))
        return started

    yield start
    for edge, origin in running:
        print(edge.logs())
        print(origin.process.describe("its output"))
        edge.stop()


class Subscriber:
    """One stream through an intermediary, and its number at the origin."""

    def __init__(self, edge: Edge, target: str, fields: dict[str, str] | None = None, **options) -> None:
        self.wire = WireConnection.to(edge.url, **options)
        self.head = self.wire.open_stream(target, fields)
        self.stream = self.head.get("x-sse-stream")
        assert self.stream, f"no X-SSE-Stream in {self.head.fields}"

    @classmethod
    def on(cls, edge: Edge, channel: str, **options) -> "Subscriber":
        return cls(edge, f"/channels/{channel}/events", **options)

    def leave(self) -> None:
        self.wire.close()
