# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""docs/probe.md against the program: fields, columns, measures, options, exit statuses. Neither may know more."""

import csv
import re
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from harness.http2_fixtures import tls_flags
from harness.origin import clean_environment, headwater_binary
from harness.probe import ProbeRun, probe
from harness.scripted import ScriptedServer, relay, saying
from test_otlp_transport import Tunnel

TEXT = (Path(__file__).parent.parent.parent / "docs" / "probe.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, f"docs/probe.md has no section {title}"
    return found[1]


def first_cells(text: str) -> list[str]:
    """What stands in backticks in the first column of the tables, each."""
    rows = re.findall(r"^\| (`[^|]*`) \|", text, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def fields(value: object, prefix: str = "") -> Iterator[str]:
    """The names of all scalars and arrays of scalars of a JSON value."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from fields(member, f"{prefix}.{name}" if prefix else name)
    elif isinstance(value, list) and any(isinstance(member, (dict, list)) for member in value):
        for member in value:
            yield from fields(member, f"{prefix}[]")
    elif value != [] or prefix.endswith("counts"):
        yield prefix


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Iterator[dict[str, ProbeRun]]:
    """Reports with everything in them: TLS, HTTP/2 and a proxy's tunnel; faults, failures, thresholds."""
    from harness.origin import Origin

    directory = tmp_path_factory.mktemp("docs")
    tunnel, gone = Tunnel(), ScriptedServer(saying(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
    with Origin(directory, *tls_flags(directory)) as origin:
        plain, secure = f"{origin.url}/events", f"https://{origin.ready['https']}/events"
        with relay(plain, lambda place, event, _before: [] if place == 9 else [event]) as faulty:
            compare = probe(
                "compare", "--insecure", "--duration", "4", "--fail-if", "p99>10s", "--fail-if", "nothing>1",
                "--csv", str(directory / "samples.csv"),
                f"secure={secure}", f"plain={plain}", f"faulty={faulty.url}/", f"gone={gone.url}/",
                environment={"https_proxy": tunnel.url},
            )  # fmt: skip
        h2 = probe("h2", "--streams", "3", "--duration", "2", "--fail-if", "nothing>1", plain, plain)
    tunnel.close()
    gone.close()
    yield {"compare": compare, "h2": h2, "csv": directory / "samples.csv"}


def test_every_field_of_the_json_is_documented_and_no_other(runs):
    found = {name for command in ("compare", "h2") for name in fields(runs[command].report)}
    documented = first_cells(section("JSON"))
    assert len(documented) == len(set(documented))
    assert found - set(documented) == set(), "not documented"
    assert set(documented) - found == set(), "documented, but in no report"


def test_every_column_of_the_csv_is_documented_in_its_order(runs):
    with open(runs["csv"], encoding="utf-8", newline="") as opened:
        assert next(csv.reader(opened)) == first_cells(section("CSV"))


def test_every_measure_is_documented_and_no_other(runs):
    known = set()
    for command in ("compare", "h2"):
        message = next(one["message"] for one in runs[command].report["thresholds"] if "nothing" in one["expression"])
        known |= set(message.partition("there are ")[2].split(", "))
    assert known == set(first_cells(section("Thresholds")))


def test_every_option_is_documented_and_no_other():
    known = set()
    for command in ("compare", "h2"):
        told = subprocess.run(
            [headwater_binary(), "probe", command, "--help"], env=clean_environment(), capture_output=True, text=True
        )
        known |= set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", told.stdout, re.MULTILINE)) - {"--version"}
    documented = {name for name in first_cells(section("Options")) if name.startswith("--")}
    assert known - {"--help"} == documented


def test_every_command_and_exit_status_is_documented():
    told = subprocess.run(
        [headwater_binary(), "probe", "--help"], env=clean_environment(), capture_output=True, text=True
    )
    commands = set(re.findall(r"^  (\w+)  +", told.stdout.partition("SUBCOMMANDS:")[2], re.MULTILINE))
    assert commands == set(first_cells(TEXT.partition("## compare")[0]))
    numbers = set(re.findall(r"\b(?:0|1|\d\d)\b", told.stdout.partition("Exit status:")[2].partition("USAGE")[0]))
    rows = re.findall(r"^\| ([\d, ]+) \|", section("Exit status"), re.MULTILINE)
    documented = set(re.findall(r"\d+", " ".join(rows)))
    assert numbers == documented - {"130"}


def test_every_picture_and_page_that_is_linked_is_there():
    docs = Path(__file__).parent.parent.parent / "docs"
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", TEXT):
        assert (docs / link).is_file(), link
    shown = {Path(link).name for link in re.findall(r"\((images/[^)]+)\)", TEXT)}
    assert {one.name for one in (docs / "images").glob("probe-*.png")} == shown
