# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""What `headwater probe diagnose` says of a hop that changes heads, comments and events on the way."""

from edges_harness.diagnosis import Diagnosis, diagnose
from edges_harness.meddler import Meddler, dropping, without_comments

TARGET = "/events?interval=100"
SHORT = ("--duration", "6")


def changes(found: Diagnosis) -> dict[str, str]:
    return {one["field"]: one["kind"] for one in found.result["header_changes"]}


def test_nothing_changed_is_nothing_told(origin) -> None:
    with Meddler(origin.address) as hop:
        found = diagnose(hop.url + TARGET, *SHORT)
    assert (found.verdict, found.causes, changes(found)) == ("progressive", [], {}), found.explain()


def test_fields_that_are_missing_are_named(origin) -> None:
    with Meddler(origin.address, strip_response=["X-Accel-Buffering", "Incremental"]) as hop:
        found = diagnose(hop.url + TARGET, *SHORT)
    assert changes(found) == {"X-Accel-Buffering": "removed", "Incremental": "removed"}, found.explain()
    assert found.verdict == "progressive"


def test_a_weakened_cache_control_is_named(origin) -> None:
    with Meddler(origin.address, strip_response=["Cache-Control"], add={"Cache-Control": "no-cache"}) as hop:
        found = diagnose(hop.url + TARGET, *SHORT)
    [change] = found.result["header_changes"]
    assert (change["field"], change["kind"], change["received"]) == ("Cache-Control", "changed", "no-cache")


def test_a_changed_type_parameter_is_named(origin) -> None:
    added = {"Content-Type": "text/event-stream; charset=iso-8859-1"}
    with Meddler(origin.address, strip_response=["Content-Type"], add=added) as hop:
        found = diagnose(hop.url + TARGET, *SHORT)
    assert changes(found) == {"Content-Type": "changed"}, found.explain()


def test_a_stream_that_ends_with_its_connection_is_named(origin) -> None:
    with Meddler(origin.address, close_delimited=True) as hop:
        found = diagnose(hop.url + TARGET, *SHORT)
    assert changes(found) == {"Transfer-Encoding": "removed"}, found.explain()
    assert found.verdict == "progressive"


def test_an_old_answer_of_a_cache_is_named(origin) -> None:
    with Meddler(origin.address, add={"Age": "42", "X-Cache": "HIT from here"}) as hop:
        found = diagnose(hop.url + TARGET, *SHORT)
    assert found.causes == ["cached"], found.explain()
    assert found.verdict == "progressive"


def test_marks_of_services_are_read(origin) -> None:
    marks = {
        "CF-Ray": "8c1-FRA", "X-Amz-Cf-Id": "abc==", "X-Cache": "TCP_MISS from a2-16-0-1.deploy.akamaitechnologies.com",
        "X-Served-By": "cache-fra-1", "X-Azure-Ref": "0x", "Via": "1.1 google, 1.1 varnish",
    }
    with Meddler(origin.address, add=marks) as hop:
        found = diagnose(hop.url + TARGET, *SHORT)
    names = {one["name"] for one in found.result["intermediaries"]}
    expected = {"akamai", "azure_front_door", "cloudflare", "cloudfront", "fastly", "google_front_end"}
    assert names == expected, names


def test_swallowed_comments_are_found(origin) -> None:
    with Meddler(origin.address, edit=without_comments) as hop:
        found = diagnose(hop.url + TARGET, *SHORT)
    assert found.result["heartbeats"]["verdict"] == "swallowed", found.explain()
    assert any("heartbeat=event" in one["text"] for one in found.report["findings"])


def test_a_forgotten_last_event_id_is_found(origin) -> None:
    with Meddler(origin.address, strip_request=["Last-Event-ID"]) as hop:
        found = diagnose(hop.url + TARGET, *SHORT)
    assert found.result["resume"]["verdict"] == "started_anew", found.explain()
    assert found.result["resume"]["lost"] >= 3, found.result["resume"]


def test_events_that_are_dropped_break_the_stream(origin) -> None:
    with Meddler(origin.address, edit=dropping(10)) as hop:
        found = diagnose(hop.url + TARGET, *SHORT)
    assert (found.verdict, found.causes[:1]) == ("broken", ["events_lost"]), found.explain()


def test_events_that_are_doubled_break_the_stream(origin) -> None:
    with Meddler(origin.address, edit=lambda block: [block, block] if b'"seq":7,' in block else [block]) as hop:
        found = diagnose(hop.url + TARGET, *SHORT)
    assert (found.verdict, found.causes[:1]) == ("broken", ["events_lost"]), found.explain()
