# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""`headwater probe diagnose` through real intermediaries: clean ones, harmless ones, and faults set on purpose.

`python3 -m edges_harness.confusion` runs the same cases several times and counts what was named.
"""

import multiprocessing
import os
import subprocess
from pathlib import Path
from typing import Callable, Iterator

import pytest

from edges_harness.diagnosis import Diagnosis, diagnose, run_case, site
from edges_harness.faults import ALL_CASES, CLEAN, HARMLESS, Case
from harness.http2_fixtures import tls_flags
from harness.origin import clean_environment, headwater_binary
from harness.waiting import wait_until


def _name(case: Case) -> str:
    return case.name.replace(" ", "-")


@pytest.fixture(scope="module")
def diagnosis_of(tmp_path_factory) -> Iterator[Callable[[Case], Diagnosis]]:
    """What was found in each case. A diagnosis mostly waits, so four run at once, each in a process of its own."""
    folders = {case.name: Path(tmp_path_factory.mktemp("case")) for case in ALL_CASES}
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        pending = {case.name: pool.apply_async(run_case, (case, folders[case.name])) for case in ALL_CASES}
        yield lambda case: pending[case.name].get(timeout=240)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", ALL_CASES, ids=_name)
def test_verdict_cause_and_setting_are_named(case: Case, diagnosis_of) -> None:
    found = diagnosis_of(case)
    assert (found.verdict, found.exit) == (case.verdict, case.exit), found.explain()
    assert found.causes[:1] == ([case.cause] if case.cause else []), found.explain()
    assert case.setting in found.settings, found.explain()
    if case.verdict == "progressive":
        assert found.result["confidence"] == "high", found.explain()


@pytest.mark.parametrize("case", CLEAN, ids=_name)
def test_a_clean_path_is_clean_in_every_respect(case: Case, diagnosis_of) -> None:
    found = diagnosis_of(case)
    assert found.result["heartbeats"]["verdict"] == "passed", found.explain()
    assert found.result["heartbeats"]["heartbeat_events"] >= 2, found.explain()
    assert found.result["resume"]["verdict"] == "honoured", found.explain()
    assert found.result["resume"]["lost"] == found.result["resume"]["duplicated"] == 0
    assert found.result["foreign_lines"] == []
    assert [one for one in found.report["findings"] if one["severity"] != "note"] == [], found.explain()
    marks = {one["name"] for one in found.result["intermediaries"]}
    leaves_no_mark = case.edge is None or case.edge.name == "haproxy"
    mark = "traffic_server" if case.edge and case.edge.name == "trafficserver" else case.edge and case.edge.name
    assert marks == (set() if leaves_no_mark else {mark}), marks


LOADED = [case for case in CLEAN if case.name in ("clean: direct", "clean: nginx", "clean: Envoy")] + HARMLESS[3:]


@pytest.mark.parametrize("case", LOADED, ids=_name)
def test_a_busy_machine_raises_no_alarm(case: Case, tmp_path, busy_cores) -> None:
    with site(case, tmp_path) as url, busy_cores:
        found = diagnose(url, *case.arguments)
    assert (found.verdict, found.causes, found.exit) == ("progressive", [], 0), found.explain()


@pytest.fixture
def busy_cores():
    """Every core and one more busy with somebody else's work while it is entered."""
    class Busy:
        def __enter__(self) -> None:
            command = ["sh", "-c", "while :; do :; done"]
            self.processes = [subprocess.Popen(command) for _ in range((os.cpu_count() or 2) + 1)]

        def __exit__(self, *_: object) -> None:
            for process in self.processes:
                process.kill()
                process.wait()

    return Busy()


def test_the_report_for_people_begins_with_verdict_cause_and_setting(tmp_path) -> None:
    case = next(one for one in ALL_CASES if one.cause == "haproxy_delay")
    with site(case, tmp_path) as url:
        command = [headwater_binary(), "probe", "diagnose", *case.arguments, url]
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=60, env=clean_environment(), check=False
        )
    lines = ran.stdout.splitlines()
    assert ran.returncode == 10, ran
    assert lines[0].startswith("COALESCED  http://"), ran.stdout
    assert "option http-no-delay" in ran.stdout, ran.stdout
    assert max(map(len, lines)) <= 100, max(lines, key=len)
    assert "\x1b" not in ran.stdout, "colour without a terminal"


def test_the_query_is_not_changed_and_one_stream_is_enough(tmp_path, start_origin) -> None:
    origin = start_origin()
    found = diagnose(f"{origin.url}/channels/mine/events?path=probe", "--once", "--duration", "2")
    assert [one["role"] for one in found.result["streams"]] == ["plain"], found.explain()
    [closed] = wait_until(origin.closed_streams, "the close record of the one stream")
    assert closed["path"] == "probe", closed
    assert origin.debug_streams()["opened"] == 1


def test_without_calibration_only_the_url_is_asked_for(start_origin) -> None:
    origin = start_origin()
    found = diagnose(f"{origin.url}/events?interval=50", "--no-calibrate", "--duration", "4")
    assert {one["role"] for one in found.result["streams"]} == {"plain", "gzip", "http/2", "resume"}, found.explain()
    assert found.verdict == "progressive"


def test_over_tls_both_versions_are_tried_by_alpn(start_origin, tmp_path) -> None:
    origin = start_origin(*tls_flags(tmp_path))
    found = diagnose(f"https://{origin.ready['https']}/events", "--insecure", *CLEAN[0].arguments)
    assert (found.verdict, found.causes) == ("progressive", []), found.explain()
    assert {one["name"]: one["is_offered"] for one in found.result["protocols"]} == {"http/1.1": True, "h2": True}
    assert found.stream("plain")["http_version"] == "HTTP/2"
    assert found.stream("http/1.1")["http_version"] == "HTTP/1.1"
    assert found.stream("http/1.1")["delivery"]["verdict"] == "progressive"


def test_a_certificate_that_nobody_vouches_for_is_a_tls_failure(start_origin, tmp_path) -> None:
    origin = start_origin(*tls_flags(tmp_path))
    found = diagnose(f"https://{origin.ready['https']}/events")
    assert (found.verdict, found.causes, found.exit) == ("broken", ["tls_failure"], 69), found.explain()
    assert "--ca" in found.settings


def test_cleartext_offers_are_found_out(start_origin) -> None:
    origin = start_origin()
    found = diagnose(f"{origin.url}/events", *CLEAN[0].arguments)
    assert {one["name"]: one["is_offered"] for one in found.result["protocols"]} == {"http/1.1": True, "h2c": True}
    assert found.stream("http/2")["delivery"]["verdict"] == "progressive"
