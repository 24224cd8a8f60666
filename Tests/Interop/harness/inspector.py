# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""A page in Chromium as a developer sees it: what the console says, what it asks the network for, how it looks."""

import base64
import json
from pathlib import Path

from .browser import Browser, Page
from .waiting import wait_until

# Headless Chromium draws no taller picture than this in one piece.
_TALLEST = 8000


class Inspector(Browser):
    """A browser that keeps the events that it sends between answers."""

    def __init__(self, directory: Path) -> None:
        self.events: list[dict] = []
        super().__init__(directory)

    def saw(self, event: dict) -> None:
        if "method" in event:
            self.events.append(event)

    def inspect(self, url: str, width: int = 1280, height: int = 900, dark: bool = False) -> "InspectedPage":
        """A new tab on `url`, loaded, in a window of that size and with that preference for colours."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = InspectedPage(self, target, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable", session)
        page.resize(width, height)
        page.prefer(dark)
        self.call("Page.navigate", session, url=url)
        wait_until(lambda: page.evaluate("location.href !== 'about:blank' && document.readyState === 'complete'"), url)
        page.settle()
        return page


class InspectedPage(Page):
    """One tab with its console."""

    def resize(self, width: int, height: int, mobile: bool = False) -> None:
        self._browser.call(
            "Emulation.setDeviceMetricsOverride", self._session,
            width=width, height=height, deviceScaleFactor=1, mobile=mobile,
        )  # fmt: skip

    def prefer(self, dark: bool) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._browser.call("Emulation.setEmulatedMedia", self._session, features=[scheme])

    def settle(self) -> None:
        """Until observers have run and two frames are drawn."""
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))")

    def _told(self, method: str) -> list[dict]:
        return [
            event["params"]
            for event in self._browser.events
            if event["method"] == method and event.get("sessionId") == self._session
        ]

    def complaints(self) -> list[str]:
        """Exceptions, console errors and warnings, violations of the page's policy."""
        thrown = [one["exceptionDetails"] for one in self._told("Runtime.exceptionThrown")]
        found = [one.get("exception", {}).get("description", one["text"]) for one in thrown]
        for one in self._told("Runtime.consoleAPICalled"):
            if one["type"] in ("error", "warning", "assert"):
                found.append(" ".join(str(part.get("value", part.get("description"))) for part in one["args"]))
        for one in self._told("Log.entryAdded"):
            if one["entry"]["level"] in ("error", "warning"):
                found.append(one["entry"]["text"])
        return found

    def requests(self) -> list[str]:
        """The URLs that the page asked for, its own included."""
        return [one["request"]["url"] for one in self._told("Network.requestWillBeSent")]

    def screenshot(self, file: Path, selector: str = "html", tallest: int = _TALLEST) -> None:
        """An element as PNG, the whole page by default, cut off at `tallest`."""
        box = self.evaluate(
            f"(({{left, top, width, height}}) => [left + scrollX, top + scrollY, width, height])"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        clip = dict(zip(("x", "y", "width", "height"), (*box[:3], min(box[3], tallest)))) | {"scale": 1}
        answer = self._browser.call(
            "Page.captureScreenshot", self._session, format="png", captureBeyondViewport=True, clip=clip
        )
        file.write_bytes(base64.b64decode(answer["data"]))
