# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Debian's Prometheus, scraping one origin several times a second, with its data in a folder of the test."""

import json
import socket
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from .origin import Origin
from .process import ManagedProcess
from .waiting import wait_until


class Prometheus:
    """Use it as a context manager: inside, it has scraped the origin at least once."""

    def __init__(self, origin: Origin, directory: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        scraping = {"job_name": "headwater", "scrape_interval": "250ms", "scrape_timeout": "250ms"}
        jobs = [{**scraping, "static_configs": [{"targets": [origin.ready["admin"]]}]}]
        # JSON is YAML.
        (directory / "prometheus.yml").write_text(json.dumps({"scrape_configs": jobs}))
        command = ["prometheus", f"--config.file={directory}/prometheus.yml",
                   f"--storage.tsdb.path={directory}/prometheus", f"--web.listen-address=127.0.0.1:{self.port}",
                   "--enable-feature=exemplar-storage"]  # fmt: skip
        self.process = ManagedProcess(command, directory, ready=lambda _: self._has_scraped(), ready_timeout=30)

    def _has_scraped(self) -> bool:
        try:
            (target,) = self.ask("/api/v1/targets")["activeTargets"]
            return target["health"] == "up" and bool(self.ask("/api/v1/query", query="up == 1")["result"])
        except (OSError, ValueError):
            return False

    def ask(self, path: str, **query: str) -> Any:
        """The `data` of an answer of its API."""
        url = f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(query)}"
        # The machine's proxy variables must not matter.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=5) as answer:
            told = json.load(answer)
        assert told["status"] == "success", told
        return told["data"]

    def wait(self, path: str, **query: str) -> Any:
        """Asks until the answer is not empty."""
        return wait_until(lambda: self.ask(path, **query), f"an answer of {path}", interval=0.1)

    def __enter__(self) -> "Prometheus":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()
