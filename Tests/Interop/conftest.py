# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Fixtures of the interop tests. Run with HEADWATER_BIN=.build/release/headwater python3 -m pytest Tests/Interop."""

from typing import Callable, Iterator

import pytest

from harness.origin import Origin, headwater_binary


def pytest_sessionstart(session: pytest.Session) -> None:
    """Without the executable nothing here means anything: fail once and clearly, do not skip."""
    if not session.config.option.collectonly:
        try:
            headwater_binary()
        except AssertionError as problem:
            pytest.exit(str(problem), returncode=2)


@pytest.fixture
def start_origin(tmp_path) -> Iterator[Callable[..., Origin]]:
    """Starts origins with the given flags; each must still be running at the end, and then end cleanly.

    A test that ends one itself calls `terminate()` or `kill()` on it.
    """
    started: list[Origin] = []

    def start(*flags: str, **options) -> Origin:
        origin = Origin(tmp_path, *flags, **{"name": f"origin-{len(started)}", **options})
        started.append(origin)
        return origin

    yield start
    problems = []
    for origin in started:
        if not origin.ended_by_test:
            try:
                origin.terminate()
            except AssertionError as problem:
                problems.append(str(problem))
    assert not problems, "\n".join(problems)


@pytest.fixture
def origin(start_origin) -> Origin:
    """An origin with defaults."""
    return start_origin()


@pytest.fixture(scope="module")
def shared_origin(tmp_path_factory) -> Iterator[Origin]:
    """One origin for the tests of a module that neither configure nor end it; each uses channels of its own."""
    running = Origin(tmp_path_factory.mktemp("shared"))
    yield running
    running.terminate()
