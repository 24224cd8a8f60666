# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""`headwater probe idle` names the timer, its value within 3 %, how sure that is, whose it is and the heartbeat to set,
on real intermediaries whose timers are set on purpose. All paths are probed at the same time, once for the module.
"""

from typing import Iterator

import pytest

from edges_harness.timer_cases import CASES, Case, Run
from harness.origin import Origin

TOLERANCE = 0.03


@pytest.fixture(scope="module")
def reports(request, tmp_path_factory) -> Iterator[dict[str, dict]]:
    """The report of every case that is selected, by name."""
    selected = {item.callspec.params["case"].name for item in request.session.items if "reports" in item.fixturenames}
    directory = tmp_path_factory.mktemp("timers")
    with Origin(directory) as origin:
        runs = [
            Run(case, origin, directory / str(number)) for number, case in enumerate(CASES) if case.name in selected
        ]
        failures = []
        for run in runs:
            try:
                run.finish()
            except AssertionError as failure:
                failures.append(str(failure))
        assert not failures, "\n".join(failures)
        yield {run.case.name: run.report for run in runs}


def timer(report: dict, name: str) -> dict:
    return report["result"][name]


def assert_value(case: Case, found: dict, truth: float) -> None:
    """The value is right; where the hop itself is late, by no more than it is."""
    low = truth * (1 - TOLERANCE)
    high = max(truth * (1 + TOLERANCE), truth + case.granularity)
    assert low <= found["seconds"] <= high, (truth, found)
    assert found["confidence"] == case.confidence, found
    if case.is_silent:
        assert found["is_silent"] and found["how"] == [], found
    else:
        assert found["how"][0] == case.how, found
        # The ends that are counted lie there too, but for bytes that a busy machine read late.
        assert low * 0.9 <= found["lowest_seconds"], found
        assert found["ends"] >= 3, found


def row(case: Case, report: dict) -> str:
    """The line of docs/diagnosis.md; shown with pytest -rP."""
    result = report["result"]
    told, named, values, deviations = [], [], [], []
    for name, truth in (("idle_timeout", case.idle), ("max_lifetime", case.lifetime)):
        found = result[name]
        kind = "idle" if name == "idle_timeout" else "lifetime"
        if truth is not None:
            told.append(f"{kind} {truth} s")
        if found["status"] == "found":
            settings = [one["setting"] for one in found["settings"]]
            dropped = "silently dropped" if found["is_silent"] else "the server's own" if not settings else settings[0]
            named.append(f"{kind}: {dropped}")
            values.append(f"{found['seconds']:.2f} s")
            deviations.append("?" if truth is None else f"{100 * (found['seconds'] / truth - 1):+.1f} %")
    if not named:
        texts = " ".join(one["text"] for one in report["findings"])
        together = "in one moment" in texts or "at once" in texts
        silently = ", silently" if "silently" in texts else ""
        named = [f"all streams in one moment{silently}" if together else "none"]
    if "idle_scope" in result:
        named.append(f"of each {result['idle_scope']}" if result["idle_scope"] == "stream" else "of the connection")
    cells = [case.name, *(", ".join(parts) or "–" for parts in (told, named, values, deviations))]
    return f"| {' | '.join(cells)} | {result.get('heartbeat_seconds', '–')} s |"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_timers_of_a_path_are_named(case: Case, reports: dict[str, dict]) -> None:
    report = reports[case.name]
    result = report["result"]
    idle, lifetime = result["idle_timeout"], result["max_lifetime"]
    print(row(case, report))
    # What a failure is to be understood by.
    for one in result["streams"]:
        print({name: round(value, 2) if isinstance(value, float) else value for name, value in one.items()})
    if case.idle is not None:
        assert idle["status"] == "found", idle
        assert_value(case, idle, case.idle)
        assert 0 < result["heartbeat_seconds"] < case.idle / 2, result["heartbeat_seconds"]
    else:
        assert idle["status"] in ("none_seen", "out_of_reach"), idle
    if case.lifetime is not None:
        assert lifetime["status"] == "found", lifetime
        assert_value(case, lifetime, case.lifetime)
        assert result["lifetime_is_servers"] == case.lifetime_is_servers, lifetime
        assert result["lifetime_waits_for_writes"] == case.lifetime_waits, lifetime
    else:
        assert lifetime["status"] == "none_seen", lifetime
    settings = [one["setting"] for one in [*idle["settings"], *lifetime["settings"]]]
    assert any(case.setting in one for one in settings) if case.setting else not settings, settings
    assert result.get("idle_scope") == case.scope, result.get("idle_scope")
    texts = [finding["text"] for finding in report["findings"]]
    if case.finding:
        assert any(case.finding in text for text in texts), texts
    else:
        assert not texts, texts
    # What ended for no timer would show here.
    assert {one.get("cause") for one in result["streams"]} <= {None, "idle", "lifetime", "shutdown"}, result["streams"]


