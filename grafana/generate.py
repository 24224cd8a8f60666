#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Writes grafana/dashboards/*.json from grafana/generator. Nothing but the standard library; no arguments.

The JSON is committed, because that is what Grafana reads; a test runs this script and fails if anything changes. Change
the generator, not the JSON.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from generator import closes, mux, overview, paths, stream, telemetry  # noqa: E402

DASHBOARDS = (overview, mux, closes, paths, telemetry, stream)


def texts() -> dict[str, str]:
    """The file names and contents."""
    made = [module.dashboard() for module in DASHBOARDS]
    return {f"{one['uid']}.json": json.dumps(one, indent=2, ensure_ascii=False) + "\n" for one in made}


def main() -> None:
    folder = HERE / "dashboards"
    folder.mkdir(exist_ok=True)
    wanted = texts()
    for stale in set(folder.glob("*.json")) - {folder / name for name in wanted}:
        stale.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
