# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""A collector of OTLP over HTTP that keeps what it gets, decoded by OpenTelemetry's own classes, and fails on order.

Each request takes the next behaviour of the script; when the script is over, requests are accepted.
"""

import gzip
import http.server
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import Callable, Optional

from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from .spans import Span, spans_of
from .waiting import wait_until


@dataclass
class Request:
    """One request as it came. `error` says what is wrong with it; tests that get their spans look at it first."""

    target: str
    fields: dict[str, str]
    body: bytes
    at: float
    connection: int
    spans: list[Span] = field(default_factory=list)
    error: Optional[str] = None
    accepted: bool = False


Behaviour = Callable[["_Handler", Request], None]


def accept(body: bytes = b"", fields: Optional[dict[str, str]] = None) -> Behaviour:
    """200; an ExportTraceServiceResponse without anything in it has no bytes."""

    def answer(handler: "_Handler", request: Request) -> None:
        request.accepted = True
        handler.answer(200, body, fields)

    return answer


def status(code: int, body: bytes = b"", **fields: str) -> Behaviour:
    """An error; fields as `retry_after="1"`."""
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return lambda handler, _: handler.answer(code, body, named)


def reset(handler: "_Handler", _: Request) -> None:
    """RST after the whole request, instead of an answer."""
    handler.reset()


def reset_before_request(handler: "_Handler", _: Request) -> None:
    """RST once a request begins: its body is never read. The collector knows this one by name."""
    handler.reset()


def close(handler: "_Handler", _: Request) -> None:
    """FIN after the whole request, instead of an answer."""
    handler.close_connection = True


def after(event: threading.Event, then: Behaviour) -> Behaviour:
    """Answers when the test says so: a slow collector."""

    def answer(handler: "_Handler", request: Request) -> None:
        event.wait(60)
        then(handler, request)

    return answer


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Or Nagle's algorithm holds the body of an answer back behind its head.
    disable_nagle_algorithm = True
    collector: "Collector"

    def do_POST(self) -> None:
        collector = self.collector
        behaviour = collector.next_behaviour()
        port = self.client_address[1]
        fields = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.path, fields, b"", time.monotonic(), port)
        if behaviour is not reset_before_request:
            request.body = self.rfile.read(int(fields.get("content-length", 0)))
            collector.decode(request)
        with collector.lock:
            collector.requests.append(request)
        behaviour(self, request)

    def answer(self, code: int, body: bytes, fields: Optional[dict[str, str]]) -> None:
        try:
            self.send_response(code)
            self.send_header("Content-Type", "application/x-protobuf")
            for name, value in (fields or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            # The exporter may leave before it has read all of an answer; what it made of that is counted by it.
            self.close_connection = True

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        # Without the FIN that http.server sends before it closes.
        self.server.abandon(self.connection)

    def log_message(self, *_: object) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def abandon(self, connection: socket.socket) -> None:
        connection.close()

    def shutdown_request(self, request: socket.socket) -> None:
        if request.fileno() >= 0:
            super().shutdown_request(request)

    def handle_error(self, *_: object) -> None:
        """A handshake or a connection that failed is what some of the tests want."""


class Collector:
    """Listens on a free port of loopback; with a TLS context only in TLS."""

    def __init__(self, *script: Behaviour, tls: Optional[ssl.SSLContext] = None, port: int = 0) -> None:
        self.lock = threading.Lock()
        self.requests: list[Request] = []
        self.script = list(script)
        self.default: Behaviour = accept()
        handler = type("Handler", (_Handler,), {"collector": self})
        self._server = _Server(("127.0.0.1", port), handler)
        if tls is not None:
            # Each connection's handshake is made in its own thread, with its first read.
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def next_behaviour(self) -> Behaviour:
        with self.lock:
            return self.script.pop(0) if self.script else self.default

    def decode(self, request: Request) -> None:
        try:
            body = request.body
            if request.fields.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            message = ExportTraceServiceRequest.FromString(body)
            assert not (unknown := unknown_fields(message)), f"unknown fields {unknown}"
            request.spans = spans_of(message, received_at=request.at)
        except Exception as problem:
            request.error = f"{type(problem).__name__}: {problem}"

    def spans(self) -> list[Span]:
        """What it has accepted, in the order in which it came."""
        with self.lock:
            requests = list(self.requests)
        wrong = [request.error for request in requests if request.error]
        assert not wrong, wrong
        return [span for request in requests if request.accepted for span in request.spans]

    def trace(self, trace_id: str) -> list[Span]:
        return [span for span in self.spans() if span.trace_id == trace_id]

    def wait_spans(
        self, wanted: Callable[[Span], object], what: str, count: int = 1, timeout: float = 10
    ) -> list[Span]:
        """Waits until at least so many spans are as wanted; those."""
        try:
            return wait_until(
                lambda: found if len(found := [one for one in self.spans() if wanted(one)]) >= count else None,
                f"{count} of {what}", timeout,
            )  # fmt: skip
        except AssertionError as problem:
            raise AssertionError(f"{problem}; there are {[one.name for one in self.spans()][-40:]}") from None

    def wait_requests(self, count: int, timeout: float = 10) -> list[Request]:
        """The first so many requests, whatever became of them."""
        wait_until(lambda: len(self.requests) >= count, f"{count} requests", timeout)
        return self.requests[:count]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> "Collector":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def unknown_fields(message: Message) -> list[int]:
    """The numbers of fields that the generated classes do not know, at any depth."""
    found = [one.field_number for one in UnknownFieldSet(message)]
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            for one in value if descriptor.is_repeated else [value]:
                found += unknown_fields(one)
    return found
