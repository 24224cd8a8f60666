# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Headless Chromium through the DevTools protocol, and the pages that it opens."""

import http.server
import json
import threading
from pathlib import Path
from typing import Callable, Optional

import websocket

from .process import ManagedProcess
from .waiting import wait_until

# What a page offers to the tests: one log per EventSource, in the order in which the browser told it.
_PAGE = b"""<!doctype html><meta charset="utf-8"><title>EventSource under test</title><script>
const sources = {};
function subscribe(name, url, types, options) {
  const log = [];
  const source = new EventSource(url, options || {});
  sources[name] = { source, log };
  const note = (kind, fields) => log.push({ kind, at: performance.now(), state: source.readyState, ...fields });
  source.onopen = () => note("open", {});
  source.onerror = () => note("error", {});
  const heard = (e) => note("event", { type: e.type, data: e.data, id: e.lastEventId, origin: e.origin });
  for (const type of ["message", ...(types || [])]) source.addEventListener(type, heard);
}
</script>"""


class PageServer:
    """Serves the test page on a web origin of its own; two of them are cross-origin to one another."""

    def __init__(self) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(_PAGE)))
                self.end_headers()
                self.wfile.write(_PAGE)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Browser:
    """One headless Chromium with a profile under `directory`."""

    def __init__(self, directory: Path) -> None:
        profile = directory / "profile"
        command = [
            "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--no-proxy-server", "--disable-background-networking", "--disable-component-update",
            "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
            "--remote-allow-origins=*", "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank",
        ]  # fmt: skip
        port_file = profile / "DevToolsActivePort"
        self._process = ManagedProcess(
            command,
            directory,
            name="chromium",
            ready=lambda _: port_file.exists() and len(port_file.read_text().splitlines()) == 2,
            ready_timeout=40,
        )
        port, path = port_file.read_text().splitlines()
        # One message may carry megabytes of received events.
        self._socket = websocket.create_connection(f"ws://127.0.0.1:{port}{path}", timeout=30, suppress_origin=True)
        self._number = 0

    def call(self, method: str, session: Optional[str] = None, **parameters: object) -> dict:
        """One DevTools command and its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        self._socket.send(json.dumps({**message, "sessionId": session} if session else message))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.saw(answer)

    def saw(self, event: dict) -> None:
        """Takes what the browser says unasked, while an answer is awaited; nobody here needs it."""

    def open(self, url: str) -> "Page":
        """A new tab on `url`, loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, target, session)
        self.call("Page.navigate", session, url=url)
        wait_until(
            lambda: page.evaluate("typeof subscribe === 'function' && document.readyState === 'complete'"),
            f"the page {url} is loaded",
        )
        return page

    def close(self) -> None:
        self._socket.close()
        self._process.stop(grace=3)


class Page:
    """One tab."""

    def __init__(self, browser: Browser, target: str, session: str) -> None:
        self._browser, self._target, self._session = browser, target, session

    def evaluate(self, expression: str) -> object:
        """The JSON value of an expression, promises awaited."""
        answer = self._browser.call(
            "Runtime.evaluate", self._session, expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def subscribe(self, url: str, *types: str, name: str = "main", credentials: bool = False) -> None:
        """`new EventSource(url)`, listening for `message` and `types`."""
        options = {"withCredentials": credentials}
        self.evaluate(f"subscribe({json.dumps(name)}, {json.dumps(url)}, {json.dumps(types)}, {json.dumps(options)})")

    def log(self, name: str = "main", kind: Optional[str] = None) -> list[dict]:
        """What the EventSource told so far; `kind` is open, error or event."""
        told = self.evaluate(f"sources[{json.dumps(name)}].log")
        return [one for one in told if kind in (None, one["kind"])]

    def wait(
        self, condition: Callable[[list[dict]], object], what: str, timeout: float = 10.0, name: str = "main"
    ) -> list[dict]:
        """Polls the log until `condition` holds for it; the log."""

        def holds() -> Optional[list[dict]]:
            told = self.log(name)
            return told if condition(told) else None

        try:
            return wait_until(holds, what, timeout, interval=0.05)
        except AssertionError as problem:
            raise AssertionError(f"{problem}; log: {json.dumps(self.log(name))[-3000:]}") from None

    def wait_open(self, times: int = 1, timeout: float = 10.0, name: str = "main") -> None:
        self.wait(lambda log: sum(one["kind"] == "open" for one in log) >= times, f"{times} opens", timeout, name)

    def wait_events(self, count: int, timeout: float = 10.0, name: str = "main") -> list[dict]:
        """The first `count` events."""
        told = self.wait(
            lambda log: sum(one["kind"] == "event" for one in log) >= count, f"{count} events", timeout, name
        )
        return [one for one in told if one["kind"] == "event"][:count]

    def wait_closed(self, timeout: float = 10.0, name: str = "main") -> list[dict]:
        """Waits for the error that leaves the EventSource CLOSED, from which it never comes back."""
        return self.wait(
            lambda log: log and log[-1]["kind"] == "error" and log[-1]["state"] == 2, "CLOSED", timeout, name
        )

    def close(self) -> None:
        self._browser.call("Target.closeTarget", targetId=self._target)
