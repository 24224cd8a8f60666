# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Foreign SSE clients, each in a process of its own, read through one interface."""

import json
import sys
from pathlib import Path
from typing import Optional

from .eventstream import Event, EventStreamReader
from .process import ManagedProcess

_CLIENTS = Path(__file__).parent.parent / "clients"

# How each client is started for a URL; curl prints the stream itself, the others JSON lines.
SUBSCRIBERS = {
    "curl": [
        "curl",
        "-sS",
        "-N",
        "--noproxy",
        "*",
        "-H",
        "Accept: text/event-stream",
        "-w",
        "\n: status %{http_code}\n",
    ],
    "httpx-sse": [sys.executable, str(_CLIENTS / "httpx_sse_client.py")],
    "sseclient-py": [sys.executable, str(_CLIENTS / "sseclient_client.py")],
    "node-fetch": ["node", str(_CLIENTS / "node_fetch.mjs")],
    "node-eventsource": ["node", "--experimental-eventsource", str(_CLIENTS / "node_eventsource.mjs")],
}


class Subscriber:
    """One running client on one URL."""

    def __init__(
        self,
        kind: str,
        url: str,
        directory: Path,
        last_event_id: Optional[str] = None,
        types: tuple[str, ...] = (),
        name: str = "subscriber",
    ) -> None:
        """`types` are the named events to listen for; only EventSource needs to be told."""
        self.kind = kind
        command = [*SUBSCRIBERS[kind]]
        if kind == "curl":
            command += [url] + (["-H", f"Last-Event-ID: {last_event_id}"] if last_event_id else [])
        elif kind == "node-eventsource":
            joint = "&" if "?" in url else "?"
            command += [url + (f"{joint}last_event_id={last_event_id}" if last_event_id else ""), *types]
        else:
            command += [url] + ([last_event_id] if last_event_id else [])
        self.process = ManagedProcess(command, directory, name=name)

    def _lines(self) -> list[dict]:
        complete = self.process.stdout().rpartition("\n")[0]
        return [json.loads(line) for line in complete.splitlines()]

    def events(self) -> list[Event]:
        """What it has dispatched so far, in order."""
        if self.kind == "curl":
            return EventStreamReader().feed(self.process.stdout_path.read_bytes())
        return [Event(one["event"], one["data"], one["id"]) for one in self._lines() if "data" in one]

    def wait_events(self, count: int, timeout: float = 10.0) -> list[Event]:
        """The first `count` events, as soon as it has them."""
        self.process.wait_for(lambda: len(self.events()) >= count, f"{count} events", timeout)
        return self.events()[:count]

    def wait_end(self, timeout: float = 15.0) -> Optional[int]:
        """Waits until it is through with the URL; the status of its last answer."""
        if self.kind == "curl":
            assert self.process.wait_exit(timeout) == 0, self.process.describe("curl failed")
            return int(self.process.stdout().rpartition(": status ")[2])
        self.process.wait_for(lambda: any("end" in line for line in self._lines()), "end", timeout)
        return [line["status"] for line in self._lines() if "status" in line][-1]

    def stop(self) -> None:
        self.process.kill()

    def __enter__(self) -> "Subscriber":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
