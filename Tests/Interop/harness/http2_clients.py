# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Foreign HTTP/2 clients behind one interface: some requests at once, their answers when all of them have ended."""

import json
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional, Sequence

import h2.config
import h2.connection
import h2.events
import httpx

from .eventstream import Event, EventStreamReader
from .http2_wire import client_context

_NODE = Path(__file__).parent.parent / "clients" / "node_http2.mjs"
_SECONDS = 20


@dataclass
class Request:
    path: str
    method: str = "GET"
    fields: dict[str, str] = field(default_factory=dict)
    body: Optional[bytes] = None
    trailers: Optional[dict[str, str]] = None


@dataclass
class Answer:
    status: int
    fields: dict[str, str]
    body: bytes

    @property
    def events(self) -> list[Event]:
        return EventStreamReader().feed(self.body)


def curl(origin: str, requests: Sequence[Request]) -> list[Answer]:
    """One process after the other."""
    return [_curl(origin, request) for request in requests]


def _curl(origin: str, request: Request) -> Answer:
    version = "--http2" if origin.startswith("https:") else "--http2-prior-knowledge"
    command = ["curl", "-sS", "--noproxy", "*", "-k", version, "-m", str(_SECONDS), "-i"]
    command += ["-I"] if request.method == "HEAD" else ["-X", request.method]
    command += [part for name, value in request.fields.items() for part in ("-H", f"{name}: {value}")]
    command += ["--data-binary", "@-"] if request.body is not None else []
    done = subprocess.run([*command, f"{origin}{request.path}"], input=request.body, capture_output=True, check=True)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    assert first.startswith("HTTP/2 "), first
    fields = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Answer(int(first.split()[1]), fields, body)


def httpx_client(origin: str, requests: Sequence[Request]) -> list[Answer]:
    """One client, which keeps its connection."""
    answers = []
    with httpx.Client(http1=False, http2=True, verify=False, trust_env=False, timeout=_SECONDS) as client:
        for request in requests:
            answer = client.request(request.method, origin + request.path, headers=request.fields, content=request.body)
            assert answer.http_version == "HTTP/2", answer.http_version
            answers.append(Answer(answer.status_code, dict(answer.headers), answer.content))
    return answers


def node(origin: str, requests: Sequence[Request]) -> list[Answer]:
    """All at once on one connection."""
    plain = []
    for request in requests:
        one: dict = {"headers": {":method": request.method, ":path": request.path, **request.fields}}
        if request.body is not None:
            one["body"] = request.body.decode()
        if request.trailers is not None:
            one["trailers"] = request.trailers
        plain.append(one)
    command = ["node", str(_NODE), origin, json.dumps(plain)]
    done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=True)
    return [Answer(one["status"], one["headers"], one["body"].encode()) for one in json.loads(done.stdout)]


def python_h2(origin: str, requests: Sequence[Request]) -> list[Answer]:
    """The h2 library on a socket: all at once on one connection, and strict about what the origin sends."""
    scheme, _, authority = origin.partition("://")
    host, port = authority.split(":")
    plain = socket.create_connection((host, int(port)), timeout=_SECONDS)
    with client_context().wrap_socket(plain, server_hostname="localhost") if scheme == "https" else plain as wire:
        library = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        library.initiate_connection()
        streams: dict[int, Answer] = {}
        for request in requests:
            stream = library.get_next_available_stream_id()
            streams[stream] = Answer(0, {}, b"")
            pseudo = [
                (":method", request.method), (":scheme", scheme), (":authority", authority), (":path", request.path),
            ]  # fmt: skip
            library.send_headers(stream, [*pseudo, *request.fields.items()], end_stream=request.body is None)
            if request.body is not None:
                library.send_data(stream, request.body, end_stream=request.trailers is None)
            if request.trailers is not None:
                library.send_headers(stream, list(request.trailers.items()), end_stream=True)
        left = set(streams)
        while left:
            wire.sendall(library.data_to_send())
            received = wire.recv(65_536)
            assert received, f"the origin closed with {len(left)} streams open"
            for event in library.receive_data(received):
                _enter(library, event, streams)
                if isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                    assert isinstance(event, h2.events.StreamEnded), event
                    left.discard(event.stream_id)
                assert not isinstance(event, h2.events.ConnectionTerminated), event
        return list(streams.values())


def _enter(library: h2.connection.H2Connection, event: h2.events.Event, streams: dict[int, Answer]) -> None:
    if isinstance(event, h2.events.ResponseReceived):
        fields = {_text(name): _text(value) for name, value in event.headers}
        streams[event.stream_id].status = int(fields.pop(":status"))
        streams[event.stream_id].fields = fields
    elif isinstance(event, h2.events.DataReceived):
        streams[event.stream_id].body += event.data
        library.acknowledge_received_data(event.flow_controlled_length, event.stream_id)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


CLIENTS = {"curl": curl, "httpx": httpx_client, "node": node, "h2": python_h2}
AT_ONCE = {"node": node, "h2": python_h2}
WITH_TRAILERS = AT_ONCE
