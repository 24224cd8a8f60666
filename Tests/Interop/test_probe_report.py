# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""What the probe shows: figures against numpy, the page in Chromium, the live view, Ctrl-C, exit statuses."""

import csv
import json
import re
from pathlib import Path
from typing import Iterator

import numpy
import pytest

from harness.inspector import Inspector
from harness.origin import clean_environment, headwater_binary
from harness.probe import RunningProbe, probe
from harness.scripted import ScriptedServer, answer, streaming
from harness.terminal import Terminal
from harness.waiting import wait_until

QUERY = "/events?interval=20"
ESCAPE = "\x1b"


@pytest.fixture
def inspector(tmp_path) -> Iterator[Inspector]:
    browser = Inspector(tmp_path)
    yield browser
    browser.close()


def rows(file: Path) -> list[dict[str, str]]:
    with open(file, encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


# Figures


def test_figures_agree_with_numpy_on_the_exported_samples(origin, tmp_path):
    table = tmp_path / "samples.csv"
    urls = [f"a={origin.url}{QUERY}", f"b={origin.url}{QUERY}"]
    run = probe("compare", "--duration", "3", "--csv", str(table), *urls)
    samples = rows(table)
    for name in ("a", "b"):
        path = run.path(name)
        mine = [row for row in samples if row["path"] == name]
        assert len(mine) == path["events"] == path["latency"]["count"]
        latencies = numpy.array([float(row["latency_ms"]) for row in mine])
        percents = {"min": 0, "p50": 50, "p90": 90, "p95": 95, "p99": 99, "p999": 99.9, "max": 100}
        for field, percent in percents.items():
            assert path["latency"][f"{field}_ms"] == pytest.approx(numpy.percentile(latencies, percent), abs=1e-9)
        assert path["latency"]["mean_ms"] == pytest.approx(latencies.mean(), abs=1e-9)
        gaps = numpy.diff(numpy.array([int(row["last_byte_ns"]) for row in mine])) / 1e6
        assert path["gaps"]["median_ms"] == pytest.approx(numpy.median(gaps), abs=1e-9)
        deviation = numpy.abs(gaps - numpy.median(gaps))
        assert path["gaps"]["jitter_median_ms"] == pytest.approx(numpy.median(deviation), abs=1e-9)
        assert path["gaps"]["jitter_mean_ms"] == pytest.approx(numpy.abs(gaps - gaps.mean()).mean(), abs=1e-9)
    [pair] = run.result["pairs"]
    arrivals = {name: {row["id"]: int(row["last_byte_ns"]) for row in samples if row["path"] == name} for name in "ab"}
    deltas = numpy.array([(arrivals["b"][id] - at) / 1e6 for id, at in arrivals["a"].items() if id in arrivals["b"]])
    assert pair["matched"] == len(deltas) == len(pair["series"])
    assert pair["median_ms"] == pytest.approx(numpy.median(deltas), abs=1e-9)
    assert pair["mean_ms"] == pytest.approx(deltas.mean(), abs=1e-9)
    assert pair["wins_a"] == int((deltas > pair["resolution_ms"]).sum())
    assert pair["wins_b"] == int((deltas < -pair["resolution_ms"]).sum())
    bins = pair["histogram"]
    assert sum(bins["counts"]) + bins["below"] + bins["above"] == len(deltas)


# The page

CHARTS = {
    "compare": ["Latency over time", "Latency distribution", "Who was first", "Connection phases", "Delta b − a",
                "Delta over time, b − a", "Time between events", "Distribution of the time between events"],
    "h2": ["Latency over time", "Latency distribution", "Sockets against streams", "Connection phases",
           "Time between events", "Distribution of the time between events", "Latency per stream, a",
           "Jitter per stream, a", "Latency per stream, b", "Jitter per stream, b"],
    "load": ["Streams", "Events per second", "Delivery latency by second", "Latency distribution", "CPU of the probe"],
}  # fmt: skip


@pytest.mark.parametrize("command", CHARTS)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_draws_every_chart_and_asks_no_network(origin, tmp_path, inspector, command, dark):
    page = tmp_path / "report.html"
    url = f"{origin.url}{QUERY}"
    arguments = {
        "compare": [f"a={url}", f"b={url}"],
        "h2": ["--streams", "12", f"a={url}", f"b={url}"],
        "load": ["--streams", "20", "--ramp", "1", url],
    }[command]
    run = probe(command, "--duration", "3", "--html", str(page), *arguments)
    assert run.exit_code == 0, run.stderr
    shown = inspector.inspect(page.as_uri(), dark=dark)
    assert shown.complaints() == []
    assert shown.requests() == [page.as_uri()]
    figures = shown.evaluate("""[...document.querySelectorAll("figure")].map((one) => ({
        title: one.querySelector("h3").textContent,
        marks: one.querySelectorAll("svg path[d], svg rect").length,
        label: one.querySelector("svg").getAttribute("aria-label"),
        rows: one.querySelectorAll("table tr").length}))""")
    titles = {one["title"] for one in figures}
    assert set(CHARTS[command]) <= titles, titles
    for one in figures:
        assert one["marks"] > 0 and one["rows"] > 0 and one["title"] in one["label"], one
    assert not re.search(r"NaN|undefined|\[object", shown.evaluate("document.body.innerText"))
    assert shown.evaluate("[...document.querySelectorAll('svg *')].filter((one) => [...one.attributes]"
                          ".some((two) => two.value.includes('NaN'))).length") == 0  # fmt: skip
    background = shown.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") != dark
    shown.evaluate("document.querySelector('button').click(); 0")
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") != background


def test_outliers_of_a_load_test_make_a_log_scale(origin, tmp_path, inspector):
    page = tmp_path / "report.html"
    run = probe("load", "--streams", "5", "--duration", "5", "--html", str(page), f"{origin.url}{QUERY}")
    assert run.exit_code == 0
    text = page.read_text(encoding="utf-8")
    start = text.index('id="report">') + len('id="report">')
    end = text.index("</script>", start)
    report = json.loads(text[start:end])
    for place, second in enumerate(report["result"]["seconds"]):
        second |= {"delivery_p50_ms": 0.2, "delivery_p99_ms": 0.4, "delivery_max_ms": 900 if place == 2 else 0.5}
    page.write_text(text[:start] + json.dumps(report).replace("<", "\\u003c") + text[end:], encoding="utf-8")
    shown = inspector.inspect(page.as_uri())
    assert shown.complaints() == []
    [chart] = shown.evaluate("""[...document.querySelectorAll("figure")]
        .filter((one) => one.querySelector("h3").textContent === "Delivery latency by second")
        .map((one) => one.querySelector("svg").textContent)""")
    assert "log scale" in chart


def test_the_page_of_a_diagnosis_leads_with_its_verdict(origin, tmp_path, inspector):
    page = tmp_path / "report.html"
    url = f"{origin.url}/events?interval=50"
    run = probe("diagnose", "--duration", "3", "--once", "--html", str(page), url)
    shown = inspector.inspect(page.as_uri())
    assert shown.complaints() == []
    first = shown.evaluate("document.querySelector('.notes li').textContent")
    assert first.startswith(run.result["verdict"]) and run.result["reason"] in first


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_fits_every_window(origin, tmp_path, inspector, width):
    page = tmp_path / "report.html"
    urls = [f"{'long-name-' * 8}={origin.url}{QUERY}", f"b={origin.url}{QUERY}"]
    assert probe("compare", "--duration", "2", "--html", str(page), *urls).exit_code == 0
    shown = inspector.inspect(page.as_uri(), width=width)
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    # No label of an axis lies on another.
    overlaps = shown.evaluate("""[...document.querySelectorAll("svg")].flatMap((picture) => {
        const apart = (a, b) => a.right - 1 <= b.left || b.right - 1 <= a.left
            || a.bottom - 3 <= b.top || b.bottom - 3 <= a.top;
        const boxes = [...picture.querySelectorAll("text")]
            .map((one) => [one.textContent, one.getBoundingClientRect()]);
        return boxes.flatMap(([a, one], index) => boxes.slice(index + 1)
            .filter(([, two]) => !apart(one, two)).map(([b]) => `${a} / ${b}`));
    })""")
    assert overlaps == []


HOSTILE = "<img src=x onerror=globalThis.pwned=1></script><script>globalThis.pwned=1</script>"


def test_what_servers_say_stays_text(tmp_path, inspector):
    page = tmp_path / "report.html"
    stream = streaming([f"id: {HOSTILE}{n}\ndata: {HOSTILE}".encode() for n in range(40)])
    elsewhere = answer("302 Found", f"Location: /{HOSTILE}\r\n")
    with ScriptedServer(stream) as good, ScriptedServer(lambda _h, _b, send: send(elsewhere)) as bad:
        name = "<img onerror>"
        run = probe(
            "compare", "--duration", "2", "--html", str(page),
            f"{name}={good.url}/?{HOSTILE.replace(' ', '+')}", f"b={good.url}/", f"bad={bad.url}/",
        )  # fmt: skip
    assert run.path(name)["events"] >= 40
    shown = inspector.inspect(page.as_uri())
    assert shown.complaints() == []
    assert shown.requests() == [page.as_uri()]
    assert shown.evaluate("typeof globalThis.pwned") == "undefined"
    assert shown.evaluate("document.querySelectorAll('img, iframe, object, a, #page script').length") == 0
    text = shown.evaluate("document.getElementById('page').textContent")
    assert name in text and "globalThis.pwned=1" in text


# The terminal


def test_the_live_view_is_redrawn_in_place_and_gone_before_the_report(origin):
    urls = [f"a={origin.url}{QUERY}", f"b={origin.url}{QUERY}"]
    command = [headwater_binary(), "probe", "compare", "--duration", "60", *urls]
    terminal = Terminal(command, clean_environment(), columns=100, rows=30)
    try:
        terminal.pump(lambda one: re.search(r"^a .* 200 +[1-9]\d+ ", one.text(), re.MULTILINE), "events of a")
        assert terminal.raw.startswith(b"\x1b[?25l")
        lines = terminal.text().splitlines()
        assert len(lines) == 4 and lines[0].startswith("probe compare") and lines[1].startswith("path")
        assert re.search(r"[▁▂▃▄▅▆▇█]{5}", lines[2])
        terminal.resize(60, 30)
        seen = len(terminal.raw)
        terminal.pump(lambda one: len(one.raw) > seen + 1500, "several redraws")
        lines = terminal.text().splitlines()
        assert sum(line.startswith("probe compare") for line in lines) == 1, terminal.text()
        terminal.resize(100, 30)
        terminal.press(b"\x03")
        assert terminal.wait_exit() == 0
    finally:
        terminal.kill()
    assert terminal.raw.rindex(b"\x1b[?25h") > terminal.raw.rindex(b"\x1b[?25l")
    report = terminal.text()
    assert "Ctrl-C" not in report and "a against b" in report and "interrupted after" in report


def test_a_second_interrupt_ends_at_once_and_restores_the_cursor(origin):
    # Whether the second comes before the first has done its work is open; the cursor is there either way.
    command = [headwater_binary(), "probe", "compare", "--duration", "60", f"{origin.url}{QUERY}"]
    terminal = Terminal(command, clean_environment())
    try:
        terminal.pump(lambda one: "200" in one.text(), "the stream")
        terminal.press(b"\x03\x03")
        assert terminal.wait_exit() in (0, 130)
    finally:
        terminal.kill()
    assert terminal.raw.rindex(b"\x1b[?25h") > terminal.raw.rindex(b"\x1b[?25l")


def test_without_a_terminal_it_says_plain_lines(origin):
    run = probe("compare", "--duration", "3", f"a={origin.url}{QUERY}", as_json=False)
    assert ESCAPE not in run.stdout + run.stderr
    lines = run.stderr.splitlines()
    assert len(lines) >= 2
    form = r"\d+ s: a HTTP/1.1 200 \d+ events [\d.]+/s latency p50 \S+ ms p99 \S+ ms"
    assert all(re.fullmatch(form, one) for one in lines), lines
    quiet = probe("compare", "--duration", "2", "--quiet", f"a={origin.url}{QUERY}", as_json=False)
    assert quiet.stderr == "" and quiet.stdout.startswith("a  http://")


def test_with_json_nothing_else_is_on_standard_output(origin):
    run = probe("compare", "--duration", "2", f"{origin.url}{QUERY}")
    assert run.stdout == json.dumps(run.report)[:1] + run.stdout[1:] and run.report["command"] == "compare"
    assert "events" in run.stderr


# Ends


def test_an_interrupt_still_prints_a_whole_report(origin, tmp_path):
    page, table = tmp_path / "report.html", tmp_path / "samples.csv"
    running = RunningProbe(
        tmp_path, "compare", "--json", "--duration", "600", "--html", str(page), "--csv", str(table),
        f"a={origin.url}{QUERY}", f"b={origin.url}{QUERY}",
    )  # fmt: skip
    wait_until(lambda: re.search(r"a HTTP/1.1 200 [1-9]\d+ events", running.process.stderr()), "events")
    run = running.interrupt()
    assert run.exit_code == 0 and run.report["interrupted"] is True
    assert run.report["duration_seconds"] < 60
    assert run.path("a")["events"] == sum(row["path"] == "a" for row in rows(table))
    assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")


@pytest.mark.parametrize(
    ("conditions", "exit_code"),
    [
        (["p99>10s", "lost>0"], 0),
        (["a.p50>0us"], 1),
        (["p99>10s", "events<1000000"], 1),
        (["nonsense>1"], 1),
        (["b.p50>0us"], 1),
    ],
)
def test_thresholds_are_the_exit_status(origin, conditions, exit_code):
    flags = [part for condition in conditions for part in ("--fail-if", condition)]
    run = probe("compare", "--duration", "1", *flags, f"a={origin.url}{QUERY}")
    assert run.exit_code == exit_code, run.stdout
    verdicts = run.report["thresholds"]
    assert [one["expression"] for one in verdicts] == conditions
    assert all(one["passed"] for one in verdicts) == (exit_code == 0)
    for one in verdicts:
        assert (one["message"] in run.stderr) == (not one["passed"])


@pytest.mark.parametrize("option", ["--csv", "--html"])
def test_a_file_that_cannot_be_written_is_said_and_the_report_is_there(origin, option):
    run = probe("compare", "--duration", "1", option, "/does/not/exist/file", f"a={origin.url}{QUERY}")
    assert run.exit_code == 64 and run.path("a")["events"] > 10
    assert f"{option} /does/not/exist/file" in run.stderr
