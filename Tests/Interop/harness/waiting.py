# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Waiting for a condition with a deadline: the only place of the suite that sleeps in order to wait for something."""

import time
from typing import Callable, Optional, TypeVar

Value = TypeVar("Value")


class DeadlinePassed(AssertionError):
    """The condition did not come true in time. An AssertionError, so that pytest shows it as the failure it is."""


def wait_until(
    condition: Callable[[], Optional[Value]],
    what: str,
    timeout: float = 10.0,
    interval: float = 0.02,
) -> Value:
    """Polls `condition` until it answers something true and returns that; `what` names it in the failure."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise DeadlinePassed(f"not within {timeout:g} s: {what}; last seen {value!r}")
        time.sleep(interval)
