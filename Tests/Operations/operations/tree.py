# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Where things are in the repository, and how they are read."""

import json
import re
from pathlib import Path
from typing import Any, Iterator

import yaml

ROOT = Path(__file__).resolve().parents[3]
RULES = sorted((ROOT / "prometheus/rules").glob("*.yml"))
DASHBOARDS = sorted((ROOT / "grafana/dashboards").glob("*.json"))
RUNBOOKS = ROOT / "docs/runbooks"

# Pages for operators: what they name must exist. Pages of the code's own design are not among them.
PAGES = sorted(
    [
        *RUNBOOKS.glob("*.md"),
        ROOT / "docs/metrics.md",
        ROOT / "docs/observability.md",
        *(ROOT / folder / "README.md" for folder in ("prometheus", "grafana", "otel", "k8s")),
    ]
)


def documents(path: Path) -> list[Any]:
    """The YAML documents of a file, empty ones left out."""
    return [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one is not None]


def document(path: Path) -> Any:
    """The only YAML document of a file."""
    [one] = documents(path)
    return one


def dashboard(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def rules() -> Iterator[dict[str, Any]]:
    """Every recording and alert rule."""
    for path in RULES:
        for group in document(path)["groups"]:
            yield from group["rules"]


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """The panels of a dashboard, without the headings of rows."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def code_blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of one language in a Markdown page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(encoding="utf-8"), re.M | re.S)


def inline_code(path: Path) -> list[str]:
    """What stands between single backticks outside of fenced blocks."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    return re.findall(r"`([^`\n]+)`", text)
