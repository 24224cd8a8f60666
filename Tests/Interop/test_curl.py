# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""HTTP/1.1 as curl speaks it: the default headers, HEAD, OPTIONS, HTTP/1.0, Expect, keep-alive."""

import json
import re
import subprocess

import pytest

from harness.subscriber import Subscriber
from harness.waiting import wait_until


def curl(*arguments: str) -> subprocess.CompletedProcess:
    command = ["curl", "-sS", "--noproxy", "*", "--max-time", "10", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=15, check=False)


def fields_of(text: str) -> dict[str, str]:
    lines = [line.partition(":") for line in text.replace("\r", "").split("\n")[1:] if ":" in line]
    return {name.lower(): value.strip() for name, _, value in lines}


def test_the_head_of_a_stream_carries_every_default_header(shared_origin):
    answer = curl("-i", f"{shared_origin.url}/events?interval=10&duration=1")
    head, _, body = answer.stdout.replace("\r\n", "\n").partition("\n\n")
    fields = fields_of(head)
    assert head.startswith("HTTP/1.1 200")
    assert fields["content-type"].startswith("text/event-stream")
    directives = {one.strip() for one in fields["cache-control"].split(",")}
    assert directives >= {"no-cache", "no-store", "no-transform"}
    assert fields["x-accel-buffering"] == "no"
    assert fields["incremental"] == "?1"
    assert fields["transfer-encoding"] == "chunked" and "content-length" not in fields
    assert re.fullmatch(r"\S+", fields["x-sse-path"])
    for name in ("x-sse-connection", "x-sse-connection-request", "x-sse-stream"):
        assert fields[name], name
    assert fields["x-sse-connection-request"] == "1"
    assert body.startswith(": connected\n")
    opening = body.partition("\n\n")[0].split("\n") + body.split("\n")[:6]
    assert "retry: 3000" in opening and any(line.startswith("id: ") for line in opening), body[:200]


def test_head_answers_like_get_without_a_body_and_opens_no_stream(shared_origin):
    before = shared_origin.debug_streams()["opened"]
    answer = curl("-I", f"{shared_origin.url}/channels/head/events")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("HTTP/1.1 200")
    assert fields_of(answer.stdout)["content-type"].startswith("text/event-stream")
    shown = shared_origin.debug_streams()
    assert shown["active"] == 0 and shown["opened"] == before


def test_options_names_the_methods(shared_origin):
    answer = curl("-i", "-X", "OPTIONS", f"{shared_origin.url}/channels/options/events")
    assert re.match(r"HTTP/1.1 20[04]", answer.stdout), answer.stdout
    allowed = {one.strip() for one in fields_of(answer.stdout)["allow"].split(",")}
    assert allowed >= {"GET", "HEAD", "OPTIONS", "POST"}


def test_http_1_0_gets_a_close_delimited_stream(shared_origin, tmp_path):
    url = f"{shared_origin.url}/events?interval=50&duration=1"
    answer = curl("-i", "--http1.0", url)
    head, _, body = answer.stdout.replace("\r\n", "\n").partition("\n\n")
    assert answer.returncode == 0, answer.stderr
    assert "transfer-encoding" not in fields_of(head) and "content-length" not in fields_of(head)
    assert body.startswith(": connected\n") and "event: end\n" in body
    assert body.count('"seq":') >= 15


def test_a_large_publish_waits_for_100_continue(shared_origin, tmp_path):
    body = tmp_path / "body"
    body.write_text("x" * 900_000)
    target = f"{shared_origin.admin_url}/channels/expect/events"
    answer = curl(
        "-v",
        "-H",
        "Content-Type: text/plain",
        "-H",
        "Expect: 100-continue",
        "--expect100-timeout",
        "5",
        "--data-binary",
        f"@{body}",
        target,
    )
    assert "< HTTP/1.1 100 Continue" in answer.stderr, answer.stderr
    assert "< HTTP/1.1 201" in answer.stderr, answer.stderr
    assert len(json.loads(answer.stdout)["ids"]) == 1


def test_a_refused_publish_is_not_asked_for_its_body(shared_origin, tmp_path):
    body = tmp_path / "body"
    body.write_text("x" * 900_000)
    answer = curl(
        "-v",
        "-H",
        "Content-Type: text/plain",
        "-H",
        "Expect: 100-continue",
        "-H",
        "Authorization: Bearer wrong",
        "--data-binary",
        f"@{body}",
        f"{shared_origin.url}/channels/expect/events",
    )
    assert "100 Continue" not in answer.stderr, answer.stderr
    assert re.search(r"< HTTP/1.1 40[13]", answer.stderr), answer.stderr


def test_a_chunked_publish_is_one_event(shared_origin, tmp_path):
    with Subscriber("curl", f"{shared_origin.url}/channels/chunked/events", tmp_path) as client:
        before = shared_origin.debug_streams()
        shared_origin.wait_active(max(1, before["active"]))
        answer = curl(
            "-H",
            "Content-Type: text/plain",
            "-H",
            "Transfer-Encoding: chunked",
            "--data-binary",
            "in chunks",
            f"{shared_origin.admin_url}/channels/chunked/events",
        )
        assert len(json.loads(answer.stdout)["ids"]) == 1, answer.stdout
        assert client.wait_events(1)[0].data == "in chunks"


def test_one_connection_serves_requests_and_then_a_stream(shared_origin):
    url = f"{shared_origin.url}/events?interval=10&duration=1"
    answer = curl("-v", "-I", f"{shared_origin.url}/channels/a/events", "--next", "-sS", "--noproxy", "*", "-i", url)
    assert "Re-using existing connection" in answer.stderr, answer.stderr
    first, second = (fields_of(part) for part in answer.stdout.replace("\r\n", "\n").split("\n\n")[:2])
    if "x-sse-connection" in first:
        assert first["x-sse-connection"] == second["x-sse-connection"]
    assert second["x-sse-connection-request"] == "2"


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "TRACE"])
def test_another_method_is_refused_with_what_is_allowed(shared_origin, method):
    answer = curl("-i", "-X", method, f"{shared_origin.url}/channels/a/events")
    assert re.match(r"HTTP/1.1 (405|501)", answer.stdout), answer.stdout
    if answer.stdout.startswith("HTTP/1.1 405"):
        assert "GET" in fields_of(answer.stdout)["allow"]


def test_a_method_that_the_parser_does_not_know_is_refused_with_a_reason(shared_origin):
    # llhttp cannot tell an unknown method from bytes that are no request at all, so it is 400 and not 501.
    answer = curl("-i", "-X", "BREW", f"{shared_origin.url}/channels/a/events")
    assert answer.stdout.startswith("HTTP/1.1 400"), answer.stdout
    assert "method is not known" in answer.stdout, answer.stdout


def test_a_leaving_curl_is_seen_and_its_stream_freed(shared_origin, tmp_path):
    before = shared_origin.debug_streams()
    with Subscriber("curl", f"{shared_origin.url}/channels/leave/events", tmp_path):
        wait_until(lambda: shared_origin.debug_streams()["opened"] > before["opened"], "the stream is open")
    wait_until(lambda: shared_origin.debug_streams()["closed"] > before["closed"], "its end is counted")
    record = wait_until(
        lambda: next((one for one in shared_origin.closed_streams() if one["channel"] == "leave"), None), "its record"
    )
    assert record["reason"] == "client_closed" and record["confidence"] and record["evidence"]
