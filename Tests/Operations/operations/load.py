# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Ordinary operation of an origin, in small: streams over both protocols, publishes, resumes, reports."""

import json
import threading
from pathlib import Path

from harness.origin import Origin
from harness.process import ManagedProcess
from harness.waiting import wait_until
from harness.wire import WireConnection

_H1_STREAMS = 4
_H2_STREAMS = 12


class Load:
    """Runs until stopped. `settle()` waits until everything it does has shown at the origin."""

    def __init__(self, origin: Origin, directory: Path) -> None:
        self.origin = origin
        self._stopping = threading.Event()
        measured = f"{origin.url}/events?interval=100&size=128"
        # nghttp puts all its requests on one connection.
        command = ["nghttp", "--null-out", f"--multiply={_H2_STREAMS}", measured]
        self._clients = [ManagedProcess(command, directory, name="http2")]
        for number in range(_H1_STREAMS):
            command = ["curl", "-sN", "--noproxy", "*", f"{measured}&seed={number + 100}"]
            self._clients.append(ManagedProcess(command, directory, name=f"http1-{number}"))
        # Streams of a channel that is quiet between publishes, so that heartbeats are due.
        self._quiet = [WireConnection.to(origin.url) for _ in range(2)]
        for wire in self._quiet:
            wire.open_stream("/channels/quiet/events")
        self._worker = threading.Thread(target=self._work, daemon=True)
        self._worker.start()

    def _work(self) -> None:
        """Once a second, as long as the load runs: the pace is part of the load and waits for nothing."""
        [first] = self.origin.publish("busy", "the first")
        # One client from before a restart. More of them would be no ordinary operation, and there is an alert for it.
        self._resume("zzzzzzzz.1")
        while not self._stopping.wait(1):
            self.origin.publish("quiet", "an event")
            self.origin.publish("busy", "an event")
            # Clients come back and get what they missed. That is no lag: nobody was there to take it.
            self._resume(first)
            report = json.dumps({"path": "direct", "lags_ms": [4.5, 12], "offset_error_ms": 0.5}).encode()
            self.origin.request("POST", "/beacon", report, {"Content-Type": "application/json"}, admin=False)

    def _resume(self, last_event_id: str) -> None:
        wire = WireConnection.to(self.origin.url)
        wire.open_stream("/channels/busy/events", {"Last-Event-ID": last_event_id})
        wire.close()

    def settle(self) -> None:
        def running() -> bool:
            shown = self.origin.debug_streams()
            return shown["active"] >= _H1_STREAMS + _H2_STREAMS and shown["closed"] >= 4

        wait_until(running, "streams over both protocols, and some that ended", 20)

    def stop(self) -> None:
        self._stopping.set()
        self._worker.join(10)
        for client in self._clients:
            client.kill()
        for wire in self._quiet:
            wire.close()
