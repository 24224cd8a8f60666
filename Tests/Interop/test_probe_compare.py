# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""`probe compare`: events matched over real and over faulty paths, foreign servers, and whatever else answers."""

import json
import socket
import sys
from pathlib import Path
from typing import Callable

import pytest

from edges_harness.edge import Swap, free_port
from edges_harness.fixtures import start_edge  # noqa: F401
from edges_harness.foreign import nchan
from edges_harness.nginx import Nginx
from harness.http2_fixtures import tls_flags
from harness.probe import ProbeRun, probe
from harness.process import ManagedProcess
from harness.scripted import STREAM_HEAD, ScriptedServer, answer, relay, saying, streaming

QUERY = "/events?interval=20"

# What nginx does by default to an upstream in HTTP/1.0: it fills its buffers before it passes them on, unless the
# origin forbids it; here it may not.
HOLDING = [*Nginx.http_1_0, Swap("proxy_buffering off;", "proxy_ignore_headers X-Accel-Buffering;")]


def pair(run: ProbeRun, a: str, b: str) -> dict:
    return next(one for one in run.result["pairs"] if (one["a"], one["b"]) == (a, b))


# Real paths


def test_the_same_events_on_both_paths_are_matched_one_by_one(origin, start_edge):  # noqa: F811
    edge = start_edge(Nginx, origin)
    run = probe("compare", "--duration", "3", f"direct={origin.url}{QUERY}", f"edge={edge.url}{QUERY}")
    assert run.exit_code == 0, run.stderr
    found = pair(run, "direct", "edge")
    assert found["matched"] >= 120
    assert found["only_a"] == found["only_b"] == found["altered"] == 0
    assert found["wins_a"] + found["wins_b"] + found["ties"] == found["matched"] == len(found["series"])
    for name in ("direct", "edge"):
        path = run.path(name)
        assert path["events"] >= found["matched"] and path["status"] == 200
        assert path["lost"] == path["duplicated"] == path["reordered"] == path["reconnects"] == 0
        # An event cannot come before it was sent, but by the clock's error.
        assert path["latency"]["min_ms"] >= -path["latency_error_ms"]


def test_a_buffering_edge_loses_every_race_but_no_event(origin, start_edge):  # noqa: F811
    edge = start_edge(Nginx, origin, HOLDING)
    query = "/events?interval=10&size=512"
    run = probe("compare", "--duration", "4", f"direct={origin.url}{query}", f"edge={edge.url}{query}")
    found = pair(run, "direct", "edge")
    assert found["matched"] > 200 and found["only_b"] == found["altered"] == 0
    assert found["wins_a"] > 0.85 * found["matched"]
    assert found["median_ms"] > 20, "several events wait for one buffer"
    assert run.path("edge")["coalesced"] > found["matched"] / 2
    assert run.path("direct")["coalesced"] < found["matched"] / 20
    assert run.path("edge")["lost"] == 0


# Faulty paths


def alter(event: bytes) -> bytes:
    return event.replace(b'"pad":"', b'"pad":"!')


FAULTS = {
    "lost": lambda place, event, _before: [] if place % 10 == 5 else [event],
    "duplicated": lambda place, event, _before: [event, event] if place % 10 == 5 else [event],
    "altered": lambda place, event, _before: [alter(event)] if place % 10 == 5 else [event],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_relay_does_to_events_is_counted(origin, fault):
    with relay(f"{origin.url}{QUERY}", FAULTS[fault]) as faulty:
        run = probe("compare", "--duration", "3", f"direct={origin.url}{QUERY}", f"faulty={faulty.url}/")
    path, found = run.path("faulty"), pair(run, "direct", "faulty")
    counts = {**{name: path[name] for name in ("lost", "duplicated", "reordered")}, "altered": found["altered"]}
    tenth = found["matched"] // 10
    assert tenth >= 10
    assert abs(counts.pop(fault) - tenth) <= 2
    assert set(counts.values()) == {0}
    assert (found["only_a"] > 0) == (fault == "lost")
    assert all(run.path("direct")[name] == 0 for name in ("lost", "duplicated", "reordered"))
    assert {one["path"] for one in run.findings("problem")} & {"faulty", "direct, faulty"}


def test_reordered_events_are_counted_and_none_is_lost(origin):
    def swap(place: int, event: bytes, before: bytes) -> list[bytes]:
        return [] if place % 10 == 5 else [event, before] if place % 10 == 6 else [event]

    with relay(f"{origin.url}{QUERY}", swap) as faulty:
        run = probe("compare", "--duration", "3", f"direct={origin.url}{QUERY}", f"faulty={faulty.url}/")
    path = run.path("faulty")
    assert path["reordered"] >= 10
    # The stop may fall between the two halves of a swap.
    assert path["duplicated"] == 0 and path["lost"] <= 1
    assert pair(run, "direct", "faulty")["altered"] == 0


def test_a_threshold_on_a_fault_is_the_exit_status(origin):
    with relay(f"{origin.url}{QUERY}", FAULTS["lost"]) as faulty:
        urls = [f"direct={origin.url}{QUERY}", f"faulty={faulty.url}/"]
        bad = probe("compare", "--duration", "2", "--fail-if", "faulty.lost>0", *urls)
        fine = probe("compare", "--duration", "2", "--fail-if", "direct.lost>0", *urls)
    assert (bad.exit_code, fine.exit_code) == (1, 0)
    assert "faulty.lost>0" in bad.stderr


# Servers that are not ours

NODE = """
const server = require("http").createServer((request, response) => {
  response.writeHead(200, {"Content-Type": "text/event-stream; charset=utf-8"});
  let number = 0;
  const timer = setInterval(() => response.write(`id: ${++number}\\ndata: hello ${number}\\n\\n`), 20);
  request.on("close", () => clearInterval(timer));
});
server.listen(Number(process.argv[2]), "127.0.0.1");
"""

STARLETTE = """
import asyncio, sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

async def events(request):
    async def stream():
        number = 0
        while True:
            number += 1
            yield f"event: tick\\nid: {number}\\ndata: {number}\\n\\n"
            await asyncio.sleep(0.02)
    return StreamingResponse(stream(), media_type="text/event-stream")

uvicorn.run(Starlette(routes=[Route("/events", events)]), host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
"""


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def foreign(directory: Path, source: str, interpreter: str, suffix: str) -> tuple[ManagedProcess, int]:
    script, port = directory / f"server{suffix}", free_port()
    script.write_text(source, encoding="utf-8")
    return ManagedProcess([interpreter, str(script), str(port)], directory, ready=lambda _: accepts(port)), port


@pytest.mark.parametrize("kind", ["node", "starlette"])
def test_it_works_unchanged_against_foreign_servers(tmp_path, kind):
    servers = {"node": (NODE, "node", ".cjs"), "starlette": (STARLETTE, sys.executable, ".py")}
    source, interpreter, suffix = servers[kind]
    server, port = foreign(tmp_path, source, interpreter, suffix)
    with server:
        url = f"http://127.0.0.1:{port}/events"
        run = probe("compare", "--duration", "2", f"a={url}", f"b={url}")
        assert run.exit_code == 0, run.stderr
        assert run.path("a")["events"] > 40 and run.path("a")["gaps"]["median_ms"] == pytest.approx(20, abs=5)
        # No publish time: differences only, and the report says so.
        assert "latency" not in run.path("a")
        assert any("publish time" in one["text"] for one in run.findings("note"))
        assert pair(run, "a", "b")["matched"] > 40
        assert server.running


def test_it_works_unchanged_against_nchan(tmp_path):
    with nchan(tmp_path, interval=0.02, event=lambda number: json.dumps({"seq": number})) as server:
        url = f"{server}/events"
        run = probe("compare", "--duration", "3", f"a={url}", f"b={url}")
    assert run.exit_code == 0, run.stderr
    found = pair(run, "a", "b")
    assert found["matched"] > 50 and found["only_a"] == found["only_b"] == found["altered"] == 0
    assert run.path("a")["lost"] == run.path("a")["reordered"] == 0


def test_an_answer_to_a_post_is_read_to_its_end_once():
    asked: list[tuple[str, bytes]] = []

    def completions(head: str, body: bytes, send: Callable[[bytes], None]) -> None:
        asked.append((head, body))
        wanted = head.startswith("POST /v1/chat/completions ") and json.loads(body)["stream"] is True
        if not wanted or "authorization: bearer secret" not in head.lower():
            send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
            return
        tokens = [json.dumps({"choices": [{"delta": {"content": f" {word}"}}]}).encode() for word in "abcdefghij"]
        streaming([b"data: " + token for token in [*tokens, b"[DONE]"]])(head, body, send)

    with ScriptedServer(completions) as server:
        run = probe(
            "compare", "--duration", "20", "--body", '{"stream":true}', "-H", "Authorization: Bearer secret",
            f"llm={server.url}/v1/chat/completions",
        )  # fmt: skip
    path = run.path("llm")
    assert run.exit_code == 0 and path["events"] == 11 and path["reconnects"] == 0
    assert run.report["duration_seconds"] < 10, "it ends with the answer"
    assert len(asked) == 1
    assert path["ends"][0]["is_failure"] is False


# What is no stream


def endless(_head: str, _body: bytes, send: Callable[[bytes], None]) -> None:
    send(STREAM_HEAD + b"data: ")
    while True:
        send(b"x" * 65_536)


PAGE = answer("200 OK", "Content-Type: text/html\r\n", b"<h1>It works!</h1>")
GZIP = "Content-Type: text/event-stream\r\nContent-Encoding: gzip\r\n"
BROTLI = "Content-Type: text/event-stream\r\nContent-Encoding: br\r\n"

# What answers, what the line says, and the exit status.
BAD = {
    "page": (saying(PAGE), ["text/html", "not text/event-stream", "It works!", "check the path"], 76),
    "no type": (saying(answer("200 OK", "")), ["no Content-Type"], 76),
    "redirect": (saying(answer("302 Found", "Location: /elsewhere\r\n")), ["redirects (302) to /elsewhere"], 76),
    "404": (saying(answer("404 Not Found", "", b"nothing here")), ["404", "nothing here", "check the path"], 76),
    "405": (saying(answer("405 Method Not Allowed", "")), ["405", "--method"], 76),
    "500": (saying(answer("500 Oops", "", b"stack\ntrace")), ["500", "stack trace", "log"], 76),
    "garbage": (saying(b"\x00\xff\x13 SSH-2.0-server\r\n\r\n"), [], 69),
    "nothing": (saying(b""), ["connection"], 69),
    "gzip of garbage": (saying(answer("200 OK", GZIP, b"no gzip at all")), ["compressed"], 76),
    "brotli": (saying(answer("200 OK", BROTLI, b"\x0b\x02")), ["br", "not offered"], 76),
    "endless line": (endless, ["cannot be read", "line"], 76),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_path_is_one_line_and_the_good_one_is_kept(origin, kind):
    script, words, exit_code = BAD[kind]
    with ScriptedServer(script) as server:
        run = probe("compare", "--duration", "3", f"good={origin.url}{QUERY}", f"bad={server.url}/")
    assert run.exit_code == exit_code, run.stdout
    problems = [one for one in run.findings("problem") if one["path"] == "bad"]
    assert problems
    for word in words:
        assert word in problems[0]["text"]
    for one in problems:
        assert len(one["text"].splitlines()) == 1 and all(character.isprintable() for character in one["text"])
    assert run.path("good")["events"] > 50
    assert run.path("bad")["events"] == 0


def test_an_unreachable_server_is_said(origin):
    run = probe("compare", "--duration", "2", f"good={origin.url}{QUERY}", f"bad=http://127.0.0.1:{free_port()}/")
    assert run.exit_code == 69
    [problem] = [one for one in run.findings("problem") if one["path"] == "bad"]
    assert "refused" in problem["text"] and "check that the server runs" in problem["text"]
    assert run.path("good")["events"] > 20


def test_tls_that_fails_is_said(start_origin, tmp_path):
    origin = start_origin(*tls_flags(tmp_path))
    secure = f"https://{origin.ready['https']}{QUERY}"
    run = probe("compare", "--duration", "2", f"untrusted={secure}", f"plain=https://{origin.address}{QUERY}")
    assert run.exit_code == 69
    texts = {one["path"]: one["text"] for one in run.findings("problem")}
    assert "certificate" in texts["untrusted"] and "TLS" in texts["plain"]
    trusted = probe("compare", "--duration", "2", "--insecure", secure)
    [path] = trusted.result["paths"]
    assert trusted.exit_code == 0 and path["http_version"] == "HTTP/2" and path["tls"].startswith("TLS")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ftp://127.0.0.1/"], "http"),
        (["http://127.0.0.1:1/", "--duration", "0"], "--duration"),
        (["http://127.0.0.1:1/", "--fail-if", "p99"], "compares nothing"),
        (["http://127.0.0.1:1/", "--header", "nonsense"], "Name: value"),
        (["http://127.0.0.1:1/", "--body", "@/does/not/exist"], "cannot be read"),
        ([], "urls"),
    ],
)
def test_bad_arguments_end_with_64_and_say_what_to_write(arguments, words):
    run = probe("compare", *arguments, as_json=False)
    assert run.exit_code == 64
    assert words in run.stderr and run.stdout == ""


def test_gzip_is_read_event_by_event(origin):
    run = probe("compare", "--duration", "2", "--gzip", f"a={origin.url}{QUERY}", f"b={origin.url}{QUERY}")
    assert run.exit_code == 0 and pair(run, "a", "b")["matched"] > 50
