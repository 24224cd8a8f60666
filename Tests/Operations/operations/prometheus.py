# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Debian's Prometheus with the repository's own configuration, scraping one origin on loopback."""

import json
import re
import shutil
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Callable, Optional

from edges_harness.edge import free_port
from harness.process import ManagedProcess
from harness.waiting import wait_until

from .tree import ROOT


class Prometheus:
    """One running server. What is changed of the configuration: addresses, and how often it scrapes and evaluates."""

    def __init__(self, origin_admin: str, directory: Path, change_rules: Optional[Callable[[str], str]] = None) -> None:
        """`change_rules` rewrites the text of the rule files, to shorten windows."""
        program = shutil.which("prometheus")
        assert program, "prometheus is not installed: apt-get install prometheus"
        self.address = f"127.0.0.1:{free_port()}"
        home = directory / "prometheus"
        shutil.copytree(ROOT / "prometheus", home)
        _rewrite(home / "prometheus.yml", self._quicken)
        _rewrite(home / "targets/headwater.yml", lambda text: text.replace("127.0.0.1:9464", origin_admin))
        for path in (home / "rules").glob("*.yml"):
            _rewrite(path, change_rules or (lambda text: text))
        self.process = ManagedProcess(
            [
                program,
                f"--config.file={home}/prometheus.yml",
                f"--storage.tsdb.path={directory}/data",
                f"--web.listen-address={self.address}",
                "--enable-feature=exemplar-storage",
                "--log.level=warn",
            ],
            directory,
            name="prometheus",
            ready=lambda _: self._is_ready(),
        )

    def _quicken(self, text: str) -> str:
        for old, new in (
            ("scrape_interval: 15s", "scrape_interval: 1s"),
            ("scrape_timeout: 5s", "scrape_timeout: 1s"),
            ("evaluation_interval: 15s", "evaluation_interval: 1s"),
            ("127.0.0.1:9090", self.address),
        ):
            assert old in text, f"prometheus.yml has no {old}"
            text = text.replace(old, new)
        return text

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def get(self, path: str, **parameters: str) -> Any:
        """The `data` of an answer of its API."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"http://{self.address}/api/v1/{path}?{query}", timeout=10) as answer:
            body = json.load(answer)
        assert body["status"] == "success", body
        return body["data"]

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The series of an instant query; a parse error is the caller's failure."""
        try:
            found = self.get("query", query=expr)
        except urllib.error.HTTPError as problem:
            raise AssertionError(f"{expr}: {problem.read().decode(errors='replace')}") from None
        if found["resultType"] == "scalar":
            return [{"metric": {}, "value": found["result"]}]
        return found["result"]

    def wait_scrapes(self, count: int, timeout: float = 60) -> None:
        """Until the origin has been scraped that often."""

        def scraped() -> bool:
            [series] = self.query('count_over_time(up{job="headwater"}[1h])') or [{"value": [0, "0"]}]
            return float(series["value"][1]) >= count

        wait_until(scraped, f"{count} scrapes", timeout, interval=0.25)

    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self.get("rules")["groups"] for rule in group["rules"]]

    def alerts(self, state: str = "firing") -> list[dict[str, str]]:
        """The labels of the alerts in a state."""
        return [one["labels"] for one in self.get("alerts")["alerts"] if one["state"] == state]

    def stop(self) -> None:
        self.process.stop(grace=5)


def _rewrite(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def with_short_windows(seconds: int) -> Callable[[str], str]:
    """Rewrites rules so that minutes become `seconds`, and what must last does not: the thresholds stay."""

    def change(text: str) -> str:
        text = re.sub(r"\[\d+[mhd]\]", f"[{seconds}s]", text)
        return re.sub(r"\b(for|keep_firing_for): \d+m", r"\1: 1s", text)

    return change
