# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""`headwater probe diagnose` against servers that are not ours, alone and behind intermediaries, and broken ones."""

import json
import signal
import socket
import subprocess
import threading

import pytest

from edges_harness import Envoy, HAProxy, Nginx, Swap, Varnish
from edges_harness.diagnosis import diagnose
from edges_harness.edge import free_port
from edges_harness.foreign import nchan, node, starlette
from edges_harness.strange_server import StrangeServer
from harness.origin import clean_environment, headwater_binary
from harness.waiting import wait_until

SHORT = ("--duration", "6")
CHAT = '{"model":"m","stream":true,"messages":[]}'

BUFFERING = [*Nginx.http_1_0, Swap("proxy_buffering off;", "")]
GZIP = [
    Swap("proxy_buffering off;", ""),
    Swap("gzip off;", "gzip on; gzip_types text/event-stream; gzip_min_length 0; gzip_proxied any;"),
]
VARNISH_GZIP = [Swap("do_gzip = false", "do_gzip = true"), Swap('(req.url ~ "/events(\\?|$)")', "(true)")]


@pytest.fixture
def strange():
    with StrangeServer() as server:
        yield server


@pytest.fixture
def behind(tmp_path, strange):
    """Starts an intermediary in front of the strange server."""
    started = []

    def start(edge, swaps):
        started.append(edge(strange.url.removeprefix("http://"), tmp_path, swaps))
        return started[-1].url

    yield start
    for edge in started:
        edge.stop()


def test_nchan_delivers_and_resumes(tmp_path) -> None:
    with nchan(tmp_path) as url:
        found = diagnose(f"{url}/events", *SHORT)
    assert (found.verdict, found.causes) == ("progressive", []), found.explain()
    assert found.result["resume"]["verdict"] == "honoured", found.explain()


def test_node_delivers_and_resumes_with_heartbeats(tmp_path) -> None:
    with node(tmp_path) as url:
        found = diagnose(f"{url}/events", *SHORT)
    assert (found.verdict, found.causes, found.result["basis"]) == ("progressive", [], "publish_times"), found.explain()
    assert found.result["resume"]["verdict"] == "honoured", found.explain()
    assert found.result["heartbeats"]["verdict"] == "passed"
    assert 800 <= found.result["heartbeats"]["interval_ms"] <= 1_200


def test_starlette_delivers(tmp_path) -> None:
    with starlette(tmp_path) as url:
        found = diagnose(f"{url}/events", *SHORT)
    assert (found.verdict, found.causes, found.result["basis"]) == ("progressive", [], "publish_times"), found.explain()
    assert found.result["resume"]["verdict"] == "without_ids"


def test_a_chat_completion_is_asked_for_once_and_its_end_is_no_cut(tmp_path) -> None:
    with starlette(tmp_path) as url:
        found = diagnose(f"{url}/v1/chat/completions", "--body", CHAT)
    assert (found.verdict, found.causes, found.exit) == ("progressive", [], 0), found.explain()
    assert [one["role"] for one in found.result["streams"]] == ["plain"]
    assert found.result["was_sent_once"]
    assert found.report["duration_seconds"] < 5, "it ends with the answer"


# name of the path, verdict, cause, exit status, a text of the reason or of a cause's evidence
STRANGE = [
    ("plain", "progressive", None, 0, ""),
    ("bursts", "progressive", None, 0, "the server sends so"),
    ("over", "progressive", None, 0, ""),
    ("quiet", "undecided", None, 13, "no event"),
    ("never", "undecided", None, 13, "no head"),
    ("at-end", "buffered", "buffering", 11, "with the head"),
    ("blocks", "buffered", "buffering", 11, "blocks of 1024 bytes"),
    ("page", "broken", "not_event_stream", 76, "text/html"),
    ("redirect", "broken", "redirect", 76, "/plain"),
    ("failure", "broken", "error_status", 76, "no database"),
    ("nothing", "broken", "error_status", 76, "404"),
    ("endless", "broken", "unreadable_stream", 12, "longer than"),
    ("garbage", "broken", "foreign_content", 12, "contain"),
    ("gzip-garbage", "broken", "corrupt_compression", 12, "not gzip"),
    ("cut", "broken", "cut_inside_event", 12, "within an event"),
    ("page-inside", "broken", "foreign_content", 12, "502 Bad Gateway"),
]


@pytest.mark.parametrize("name, verdict, cause, status, text", STRANGE, ids=[one[0] for one in STRANGE])
def test_strange_servers_are_called_what_they_are(strange, name, verdict, cause, status, text) -> None:
    found = diagnose(f"{strange.url}/{name}", *SHORT)
    assert (found.verdict, found.exit) == (verdict, status), found.explain()
    assert found.causes[:1] == ([cause] if cause else []), found.explain()
    assert text in found.result["reason"] + str(found.result["causes"]), found.explain()


RESUME = [
    ("resumable", "honoured"),
    ("anew", "started_anew"),
    ("replay", "replayed"),
    ("over", "over"),
    ("plain", "without_ids"),
]


@pytest.mark.parametrize("name, verdict", RESUME)
def test_what_becomes_of_last_event_id_is_told(strange, name, verdict) -> None:
    found = diagnose(f"{strange.url}/{name}", *SHORT)
    assert found.result["resume"]["verdict"] == verdict, found.explain()
    asked = [fields.get("last-event-id") for _, path, fields, _ in strange.requests if path == f"/{name}"]
    assert (len([one for one in asked if one]) == 1) == (verdict != "without_ids"), asked


# Foreign servers have no publish times, and their events come on several streams or on one.
THROUGH = [
    (HAProxy, HAProxy.delayed, "plain", "coalesced", "haproxy_delay"),
    (HAProxy, HAProxy.delayed, "resumable", "coalesced", "haproxy_delay"),
    (HAProxy, HAProxy.delayed, "chat", "coalesced", "haproxy_delay"),
    (HAProxy, [], "bursts", "progressive", None),
    (HAProxy, [], "chat", "progressive", None),
    (Nginx, BUFFERING, "chat", "buffered", "nginx_buffering"),
    (Nginx, BUFFERING, "plain", "buffered", "nginx_buffering"),
    (Nginx, GZIP, "plain", "buffered", "nginx_compression"),
    (Varnish, VARNISH_GZIP, "plain", "buffered", "varnish_compression"),
    (Envoy, Envoy.maximum_life(3), "plain", "broken", "envoy_route_timeout"),
]


@pytest.mark.parametrize(
    "edge, swaps, name, verdict, cause", THROUGH, ids=[f"{one[0].name}-{one[2]}-{one[3]}" for one in THROUGH]
)
def test_intermediaries_before_strange_servers_are_found_out(behind, edge, swaps, name, verdict, cause) -> None:
    body = ("--body", CHAT) if name == "chat" else ()
    found = diagnose(f"{behind(edge, swaps)}/{name}", *SHORT, *body)
    assert (found.verdict, found.causes[:1]) == (verdict, [cause] if cause else []), found.explain()


def test_a_head_that_does_not_come_is_waited_for(behind) -> None:
    found = diagnose(f"{behind(Nginx, BUFFERING)}/resumable")
    assert (found.verdict, found.causes[:1]) == ("buffered", ["nginx_buffering"]), found.explain()
    assert found.result["confidence"] == "medium", found.explain()
    assert found.report["duration_seconds"] > 10


def test_nobody_there_is_said_in_one_line() -> None:
    found = diagnose(f"http://127.0.0.1:{free_port()}/events")
    assert (found.verdict, found.causes, found.exit) == ("broken", ["unreachable"], 69), found.explain()
    assert found.report["duration_seconds"] < 2


def test_cleartext_behind_https_is_a_tls_failure(strange) -> None:
    found = diagnose(strange.url.replace("http:", "https:") + "/plain")
    assert (found.verdict, found.causes, found.exit) == ("broken", ["tls_failure"], 69), found.explain()


def test_a_server_that_speaks_no_http_is_found_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"220 mail.example ESMTP\r\n")
                    connection.settimeout(5)
                    try:
                        while connection.recv(4_096):
                            pass
                    except OSError:
                        pass

        threading.Thread(target=greet, daemon=True).start()
        found = diagnose(f"http://127.0.0.1:{listener.getsockname()[1]}/events", "--once")
    assert (found.verdict, found.causes, found.exit) == ("broken", ["not_http"], 76), found.explain()


def test_a_post_is_repeated_on_request_only(strange) -> None:
    diagnose(f"{strange.url}/chat", "--body", CHAT, *SHORT)
    assert [path for _, path, _, _ in strange.requests] == ["/chat"]
    found = diagnose(f"{strange.url}/chat", "--body", CHAT, "--repeat", *SHORT)
    assert found.verdict == "progressive", found.explain()
    assert len(strange.requests) > 3


def test_interrupted_it_still_reports(strange) -> None:
    command = [headwater_binary(), "probe", "diagnose", "--json", "--duration", "60", f"{strange.url}/plain"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean_environment())
    wait_until(lambda: len(strange.requests) >= 3, "three streams")
    strange.wait_beat(0.1, strange.beat(0.1) + 25)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=10)
    report = json.loads(output)
    assert report["interrupted"]
    assert report["result"]["verdict"] == "progressive", output
