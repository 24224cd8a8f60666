# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""What receivers measure their own lag with: the clock of `GET /time`, and `POST /beacon`, where they report it."""

import json
import time

import pytest

from harness.http2_fixtures import connect, h2_origin
from harness.origin import Origin
from harness.scrape import Scrape
from harness.wire import WireConnection

PAGE = "https://app.example.com"
SHARED = ["--cors-origins", PAGE]
VALID = {"path": "cdn", "lags_ms": [12.5], "offset_error_ms": 0.4}


def report(origin, body: object, **headers: str) -> tuple[int, dict[str, str], bytes]:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return origin.request("POST", "/beacon", sent, {"Content-Type": "application/json", **headers}, admin=False)


@pytest.fixture(scope="module")
def receivers(tmp_path_factory):
    """One origin that pages of PAGE may read."""
    running = Origin(tmp_path_factory.mktemp("receivers"), *SHARED)
    yield running
    running.terminate()


# The clock


def test_ntp_arithmetic_finds_that_two_processes_of_one_machine_have_one_clock(receivers):
    best_delay, best_offset = float("inf"), float("inf")
    with WireConnection.to(receivers.url) as client:
        for _ in range(20):
            asked = time.time_ns()
            client.request("GET", "/time")
            told = client.read_response().json()
            answered = time.time_ns()
            received, sent = int(told["received_unix_nano"]), int(told["sent_unix_nano"])
            assert received <= sent
            # RFC 5905, section 8: the answer with the least delay knows the offset best.
            delay = (answered - asked) - (sent - received)
            offset = ((received - asked) + (sent - answered)) / 2
            # Whatever the machine does in between, the offset is right to within half of the delay.
            assert abs(offset) <= delay / 2 + 1_000_000, (delay, offset)
            if delay < best_delay:
                best_delay, best_offset = delay, offset
    assert abs(best_offset) < 50_000_000 and best_delay > 0, (best_delay, best_offset)


def test_the_times_are_text_that_a_number_in_javascript_would_not_hold(receivers):
    status, fields, body = receivers.request("GET", "/time", admin=False)
    assert status == 200 and fields["content-type"] == "application/json" and fields["cache-control"] == "no-store"
    told = json.loads(body)
    assert set(told) == {"received_unix_nano", "sent_unix_nano"}
    for value in told.values():
        assert isinstance(value, str) and value.isdigit() and int(value) > 2**53


def test_the_clock_over_http2_is_the_same(connect):
    peer = connect()
    before = time.time_ns()
    peer.request(1, "/time")
    answer = peer.wait_answer(1)
    after = time.time_ns()
    assert answer.status == 200
    received, sent = int(answer.json()["received_unix_nano"]), int(answer.json()["sent_unix_nano"])
    # A millisecond for clocks that are read in different ways.
    assert before - 1_000_000 <= received <= sent <= after + 1_000_000


def test_head_on_the_clock_has_no_body_and_other_methods_are_refused(receivers):
    status, fields, body = receivers.request("HEAD", "/time", admin=False)
    assert (status, body) == (200, b"") and int(fields["content-length"]) > 50
    for method in ("POST", "PUT", "DELETE"):
        status, fields, _ = receivers.request(method, "/time", admin=False)
        assert status == 405 and fields["allow"] == "GET, HEAD", method


def test_a_page_of_an_allowed_origin_may_read_the_clock_and_no_other(receivers):
    _, fields, _ = receivers.request("GET", "/time", headers={"Origin": PAGE}, admin=False)
    assert fields["access-control-allow-origin"] == PAGE and "Origin" in fields["vary"]
    _, fields, _ = receivers.request("GET", "/time", headers={"Origin": "https://evil.example"}, admin=False)
    assert fields.get("access-control-allow-origin") not in ("*", "https://evil.example")


# Reports


def test_a_report_is_counted_for_its_path_in_seconds(receivers):
    status, fields, body = report(receivers, {**VALID, "path": "counted", "lags_ms": [0, 12.5, 2500, -0.3]})
    assert (status, body) == (204, b"")
    scrape = Scrape.of(receivers)
    lags = scrape.buckets("sse_client_delivery_lag_seconds", path="counted")
    # What came earlier than it was sent, within the clock's error, came at once.
    assert (lags[1e-4], lags[0.01], lags[0.025], lags[1], lags[2.5], lags[float("inf")]) == (2, 2, 3, 3, 4, 4)
    assert scrape.total("sse_client_delivery_lag_seconds_sum", path="counted") == pytest.approx(2.5125)


def test_a_report_needs_no_more_than_lags(receivers):
    before = Scrape.of(receivers).total("sse_client_delivery_lag_seconds_count", path="direct")
    assert report(receivers, {"lags_ms": [1]})[0] == 204
    assert Scrape.of(receivers).total("sse_client_delivery_lag_seconds_count", path="direct") == before + 1


def test_a_report_over_http2_is_taken(connect, h2_origin):
    peer = connect()
    before = Scrape.of(h2_origin).total("sse_client_delivery_lag_seconds_count")
    peer.request(1, "/beacon", "POST", [("content-type", "application/json")], end_stream=False)
    peer.data(1, json.dumps(VALID).encode())
    assert peer.wait_answer(1).status == 204
    assert Scrape.of(h2_origin).total("sse_client_delivery_lag_seconds_count") == before + 1


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"12", b"\xff\xfe{}", b'{"lags_ms": [1]} trailing', {}, {"path": "cdn"},
        {"lags_ms": []}, {"lags_ms": 12.5}, {"lags_ms": None}, {"lags_ms": ["12.5"]}, {"lags_ms": [1, None]},
        {"lags_ms": [1] * 257}, {"lags_ms": [86_400_001]}, {"lags_ms": [-0.5]}, b'{"lags_ms": [NaN]}',
        b'{"lags_ms": [Infinity]}', b'{"lags_ms": [1e999]}', {**VALID, "lags_ms": [-0.41]}, {**VALID, "path": ""},
        {**VALID, "path": "a b"}, {**VALID, "path": 'a"b'}, {**VALID, "path": "a\nb"}, {**VALID, "path": "ü"},
        {**VALID, "path": "x" * 65}, {**VALID, "path": 7}, {**VALID, "offset_error_ms": -1},
        {**VALID, "offset_error_ms": 10_001}, {**VALID, "offset_error_ms": "0.4"}, b"[" * 4000,
    ],
    ids=lambda body: (body.decode("latin-1") if isinstance(body, bytes) else json.dumps(body))[:40],
)  # fmt: skip
def test_an_invalid_report_is_refused_with_a_reason_and_counted_as_such(receivers, body):
    before = Scrape.of(receivers)
    status, fields, answer = report(receivers, body)
    assert status == 400 and fields["content-type"] == "application/problem+json"
    assert len(json.loads(answer)["detail"]) > 20
    after = Scrape.of(receivers)
    assert after.total("sse_beacons_rejected_total", reason="invalid") == 1 + before.total(
        "sse_beacons_rejected_total", reason="invalid"
    )
    counted = "sse_client_delivery_lag_seconds_count"
    assert after.total(counted) == before.total(counted)


def test_the_bounds_of_a_report_are_within_it(receivers):
    bounds = {"path": "x" * 64, "lags_ms": [86_400_000, -10_000] + [0] * 254, "offset_error_ms": 10_000}
    assert report(receivers, bounds)[0] == 204


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_report_beyond_8_kib_is_413(receivers, framing):
    padded = json.dumps(VALID).encode().ljust(8 * 1024 + 1)
    with WireConnection.to(receivers.url) as client:
        head = "POST /beacon HTTP/1.1\r\nHost: a\r\n"
        if framing == "length":
            client.send(f"{head}Content-Length: {len(padded)}\r\n\r\n".encode() + padded)
        else:
            client.send(f"{head}Transfer-Encoding: chunked\r\n\r\n{len(padded):x}\r\n".encode() + padded)
            client.send(b"\r\n0\r\n\r\n")
        assert client.read_response().status == 413
    assert report(receivers, json.dumps(VALID).encode().ljust(8 * 1024))[0] == 204


def test_reports_beyond_the_rate_are_429_and_told_when_to_come_back(start_origin):
    origin = start_origin("--beacon-rate", "2")
    answers = [report(origin, VALID) for _ in range(40)]
    refused = [fields for status, fields, _ in answers if status == 429]
    taken = sum(status == 204 for status, _, _ in answers)
    assert len(refused) + taken == 40 and refused and taken
    assert all(int(fields["retry-after"]) >= 1 for fields in refused)
    scrape = Scrape.of(origin)
    assert scrape.total("sse_beacons_rejected_total", reason="rate") == len(refused)
    assert scrape.total("sse_client_delivery_lag_seconds_count") == taken


def test_three_hundred_paths_end_in_other_and_none_is_lost(start_origin):
    origin = start_origin("--beacon-rate", "100000")
    with WireConnection.to(origin.url) as client:
        for number in range(300):
            body = json.dumps({**VALID, "path": f"path-{number}"}).encode()
            client.request("POST", "/beacon", {"Content-Type": "application/json"}, body)
            assert client.read_response().status == 204
    scrape = Scrape.of(origin)
    paths = scrape.by("sse_client_delivery_lag_seconds_count", "path")
    assert sum(paths.values()) == 300
    assert paths["other"] > 1 and paths["path-0"] == 1 and len(paths) < 300, len(paths)
    assert all(count == 1 for path, count in paths.items() if path != "other")


def test_other_methods_on_the_beacon_are_refused_and_it_is_not_on_the_admin_listener(receivers):
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        status, fields, _ = receivers.request(method, "/beacon", admin=False)
        assert status == 405 and fields["allow"] == "POST, OPTIONS", method
    assert receivers.request("POST", "/beacon", json.dumps(VALID).encode())[0] == 404


def test_a_page_may_report_across_origins(receivers):
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    status, fields, _ = receivers.request("OPTIONS", "/beacon", headers={"Origin": PAGE, **asked}, admin=False)
    assert status == 204 and fields["access-control-allow-origin"] == PAGE
    assert "POST" in fields["access-control-allow-methods"]
    assert "content-type" in fields["access-control-allow-headers"].lower()
    status, fields, _ = report(receivers, VALID, Origin=PAGE)
    assert status == 204 and fields["access-control-allow-origin"] == PAGE
    # A page must be able to read why a report was refused, too.
    status, fields, _ = report(receivers, {}, Origin=PAGE)
    assert status == 400 and fields["access-control-allow-origin"] == PAGE
    stranger = receivers.request(
        "OPTIONS", "/beacon", headers={"Origin": "https://evil.example", **asked}, admin=False
    )[1]
    assert stranger.get("access-control-allow-origin") not in ("*", "https://evil.example")
