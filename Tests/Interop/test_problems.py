# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Well-formed requests that are refused: each as application/problem+json with a detail that says what to do."""

import json

import pytest

from harness.waiting import wait_until
from harness.wire import Response, WireConnection

TOKENS = {"HEADWATER_PUBLISH_TOKENS": "all-token=*;orders-token=orders.*,audit"}


def assert_problem(status: int, fields: dict[str, str], body: bytes, expected: tuple[int, ...]) -> dict:
    """RFC 9457: the fields of a problem, and a detail for a human."""
    assert status in expected, (status, body[:300])
    assert fields["content-type"].startswith("application/problem+json"), fields
    problem = json.loads(body)
    assert problem["status"] == status and problem["title"]
    assert len(problem["detail"]) > 15, problem
    return problem


@pytest.fixture
def ask(shared_origin):
    """A request to the shared origin that must be refused; answers the problem."""

    def refused(method, target, expected, body=None, headers=None, admin=True) -> dict:
        before = shared_origin.debug_streams()["opened"]
        status, fields, answer = shared_origin.request(method, target, body, headers, admin)
        problem = assert_problem(status, fields, answer, expected)
        assert shared_origin.debug_streams()["opened"] == before
        return {**problem, "fields": fields}

    return refused


# /events


@pytest.mark.parametrize(
    ("name", "value", "bound"),
    [
        ("interval", "9", "10"), ("interval", "60001", "60"), ("interval", "-100", "10"), ("interval", "0", "10"),
        ("interval", "1e3", ""), ("interval", "abc", ""), ("interval", "", ""), ("interval", "10ms", ""),
        ("interval", "99999999999999999999", "60"), ("interval", "NaN", ""), ("interval", "inf", ""),
        ("size", "63", "64"), ("size", "65537", "65"), ("size", "-1", "64"), ("size", "x", ""),
        ("duration", "0", "1"), ("duration", "86401", "86"), ("duration", "-5", "1"), ("duration", "soon", ""),
        ("duration", "nan", ""), ("profile", "chaotic", "steady"), ("profile", "", "burst"),
        ("heartbeat", "sometimes", "event"),
    ],
)  # fmt: skip
def test_a_parameter_outside_its_bounds_is_named(ask, name, value, bound):
    detail = ask("GET", f"/events?{name}={value}", (400,), admin=False)["detail"]
    assert name in detail, detail
    # "86" stands for 86400 or 86 400 s; 24 h says the same.
    assert bound in detail or (bound == "86" and "24" in detail), detail


@pytest.mark.parametrize("target", ["/events?interval=10", "/events?interval=60000", "/events?size=64",
                                    "/events?size=65536", "/events?duration=86400", "/events?duration=1"])  # fmt: skip
def test_the_bounds_themselves_are_allowed(shared_origin, target):
    with WireConnection.to(shared_origin.url) as client:
        client.open_stream(target)


# Channel names


@pytest.mark.parametrize(
    "name",
    [
        "a%20b",
        "a%2Fb",
        "%2e%2e",
        "%00",
        "a%0Ab",
        "a%0D%0Ab",
        "%zz",
        "%",
        "%ff",
        "x" * 300,
        "a%22b",
        "a%3Cb%3E",
        "a%5Cb",
    ],
)
def test_a_bad_channel_name_is_400_wherever_it_stands(ask, name):
    assert "name" in ask("GET", f"/channels/{name}/events", (400,), admin=False)["detail"].lower()
    text = {"Content-Type": "text/plain"}
    assert "name" in ask("POST", f"/channels/{name}/events", (400,), b"x", text)["detail"].lower()
    ask("GET", f"/channels/events?channel=good&channel={name}", (400,), admin=False)


def test_the_channel_list_needs_a_channel_and_is_bounded(ask):
    assert "channel" in ask("GET", "/channels/events", (400,), admin=False)["detail"]
    many = "&".join(f"channel=c{number}" for number in range(500))
    assert "channel" in ask("GET", f"/channels/events?{many}", (400,), admin=False)["detail"]


@pytest.mark.parametrize(
    "target", ["/nothing", "/channels", "/channels/a", "/channels//events", "/channels/a/events/x"]
)
def test_an_unknown_path_is_404(ask, target):
    ask("GET", target, (404, 400), admin=False)


# Publishing


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{"), ("application/json", b""), ("application/json", b"{} {}"),
        ("application/json", b"\xff"), ("application/json", b'{"a":NaN}'), ("application/json", b"{'a': 1}"),
        ("application/x-ndjson", b'{"a": 1}\n{"b"\n'), ("application/x-ndjson", b""), ("text/plain", b"\xff\xfe"),
        ("text/event-stream", b"data: \xc3\n\n"), ("text/event-stream", b""), ("text/event-stream", b": nothing\n\n"),
    ],
)  # fmt: skip
def test_a_body_that_is_not_what_its_type_says_is_400(ask, kind, body):
    ask("POST", "/channels/bodies/events", (400, 422), body, {"Content-Type": kind})


def test_a_batch_is_published_whole_or_not_at_all(shared_origin, ask):
    (first,) = shared_origin.publish("batch", "1")
    ask("POST", "/channels/batch/events", (400, 422), b'{"a":1}\n{"b":\n', {"Content-Type": "application/x-ndjson"})
    (second,) = shared_origin.publish("batch", "2")
    assert int(second.rpartition(".")[2]) == int(first.rpartition(".")[2]) + 1


def test_deeply_nested_json_is_an_answer_and_no_crash(shared_origin):
    body = b"[" * 500_000 + b"]" * 500_000
    status, _, _ = shared_origin.request("POST", "/channels/deep/events", body, {"Content-Type": "application/json"})
    assert status in (201, 400, 413, 422)
    assert shared_origin.request("GET", "/healthz")[0] == 200


@pytest.mark.parametrize("kind", ["application/xml", "multipart/form-data; boundary=x", "text/html", "nonsense"])
def test_another_body_type_is_415_and_lists_the_right_ones(ask, kind):
    detail = ask("POST", "/channels/types/events", (415,), b"x", {"Content-Type": kind})["detail"]
    assert "application/json" in detail and "text/plain" in detail, detail


@pytest.mark.parametrize("query", ["event=a%0Ab", "event=a%0D", "event=a%00b", "retry=soon", "retry=-1", "retry=1.5"])
def test_an_event_or_retry_that_cannot_be_sent_is_400(ask, query):
    detail = ask("POST", f"/channels/q/events?{query}", (400,), b"x", {"Content-Type": "text/plain"})["detail"]
    assert query.partition("=")[0] in detail, detail


def test_a_body_over_the_limit_is_413(start_origin):
    origin = start_origin("--publish-max-bytes", "1000")
    assert len(origin.publish("a", "x" * 1_000)) == 1
    for raw in (
        b"Content-Length: 1001\r\n\r\n" + b"x" * 1_001,
        b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1_001 + b"\r\n",
    ):
        with WireConnection.to(origin.admin_url) as client:
            client.send(b"POST /channels/a/events HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n" + raw)
            assert "1000" in wire_problem(client.read_response(), 413)["detail"]


def wire_problem(response: Response, status: int) -> dict:
    return assert_problem(response.status, dict(response.head.fields), response.body, (status,))


def test_without_tokens_nothing_is_published_in_public(ask):
    detail = ask("POST", "/channels/a/events", (401, 403), b"x", {"Content-Type": "text/plain"}, admin=False)["detail"]
    assert "token" in detail.lower() or "admin" in detail.lower(), detail


@pytest.mark.parametrize(
    "value",
    [None, "Bearer", "Bearer ", "Bearer wrong", "Basic YTpi", "all-token", "Bearer all-toke", "Bearer all-token x"],
)
def test_a_missing_or_wrong_token_is_401(start_origin, value):
    origin = start_origin(environment=TOKENS)
    headers = {"Content-Type": "text/plain", **({"Authorization": value} if value is not None else {})}
    status, fields, body = origin.request("POST", "/channels/a/events", b"x", headers, admin=False)
    assert "token" in assert_problem(status, fields, body, (401,))["detail"].lower()
    assert fields["www-authenticate"].lower().startswith("bearer")
    assert b"all-token" not in body


def test_a_token_publishes_to_its_channels_and_no_others(start_origin, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("# who may publish where\nfile-token metrics.*,logs\n")
    for options in ({"environment": TOKENS}, {"flags": ("--publish-token-file", str(tokens))}):
        origin = start_origin(*options.pop("flags", ()), **options)
        token, good, bad = (
            ("orders-token", ("orders.eu", "audit"), ("orders", "audits", "other"))
            if "environment" in options
            else ("file-token", ("metrics.cpu", "logs"), ("metric", "logs2"))
        )
        for channel in good:
            assert len(origin.publish(channel, "x", token=token)) == 1
        for channel in bad:
            headers = {"Content-Type": "text/plain", "Authorization": f"Bearer {token}"}
            answer = origin.request("POST", f"/channels/{channel}/events", b"x", headers, admin=False)
            assert channel in assert_problem(*answer, (403,))["detail"]


def test_publishing_too_fast_is_429_with_a_time_to_wait(start_origin):
    origin = start_origin("--publish-rate", "5")
    answers = [origin.request("POST", "/channels/a/events", b"x", {"Content-Type": "text/plain"}) for _ in range(40)]
    assert {status for status, _, _ in answers} == {201, 429}
    refused = next(answer for answer in answers if answer[0] == 429)
    assert_problem(*refused, (429,))
    assert int(refused[1]["retry-after"]) >= 1
    # And it is a rate, not a lock.
    accepted = lambda: origin.request("POST", "/channels/a/events", b"x", {"Content-Type": "text/plain"})[0] == 201
    wait_until(accepted, "publishing works again", timeout=5, interval=0.2)


# The admin listener


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/debug/streams"),
        ("GET", "/debug/connections"),
        ("POST", "/channels/a/events"),
        ("OPTIONS", "/channels/a/events"),
    ],
)
def test_the_admin_listener_refuses_pages(ask, method, target):
    body = b"x" if method == "POST" else None
    for site in ("http://evil.example", "null", "http://127.0.0.1"):
        headers = {"Origin": site, "Content-Type": "text/plain"}
        assert "origin" in ask(method, target, (403,), body, headers)["detail"].lower()


@pytest.mark.parametrize("target", ["/debug/streams", "/debug/connections", "/readyz"])
def test_the_public_listener_shows_no_peers(shared_origin, target):
    status, _, body = shared_origin.request("GET", target, admin=False)
    assert b"peer" not in body
    if target.startswith("/debug"):
        assert status == 404


# Limits


@pytest.mark.parametrize("flag", ["--max-streams", "--max-streams-per-peer", "--max-connections"])
def test_a_limit_is_503_with_a_jittered_retry_after_and_holds_only_while_it_is_reached(start_origin, flag):
    origin = start_origin(flag, "3")
    open_ones = [WireConnection.to(origin.url) for _ in range(3)]
    try:
        for client in open_ones:
            client.open_stream("/channels/a/events")
        waits = set()
        for _ in range(30):
            with WireConnection.to(origin.url) as extra:
                extra.request("GET", "/channels/a/events")
                response = extra.read_response()
                wire_problem(response, 503)
                waits.add(int(response.head.get("retry-after")))
        assert min(waits) >= 1 and len(waits) > 1, waits
        assert origin.debug_streams()["active"] == 3
        open_ones.pop().close()

        def admitted() -> bool:
            with WireConnection.to(origin.url) as next_one:
                next_one.request("GET", "/channels/a/events")
                return next_one.read_head().status == 200

        wait_until(admitted, "a place is free again", timeout=3)
        # The open ones were never touched.
        origin.publish("a", "still here")
        assert [client.next_events(1)[0].data for client in open_ones] == ["still here"] * 2
    finally:
        for client in open_ones:
            client.close()


def test_the_number_of_channels_is_bounded_and_freed_again(start_origin):
    origin = start_origin("--max-channels", "3", "--channel-linger", "1")
    clients = [WireConnection.to(origin.url) for _ in range(3)]
    for number, client in enumerate(clients):
        client.open_stream(f"/channels/c{number}/events")
    for method, target, admin in (("GET", "/channels/d/events", False), ("POST", "/channels/d/events", True)):
        body = b"x" if method == "POST" else None
        status, fields, answer = origin.request(method, target, body, {"Content-Type": "text/plain"}, admin)
        assert "channel" in assert_problem(status, fields, answer, (429, 503))["detail"]
        assert int(fields["retry-after"]) >= 1
    for client in clients:
        client.close()

    def admitted() -> bool:
        return origin.request("POST", "/channels/d/events", b"x", {"Content-Type": "text/plain"})[0] == 201

    wait_until(admitted, "a channel without streams is freed", timeout=5, interval=0.1)
