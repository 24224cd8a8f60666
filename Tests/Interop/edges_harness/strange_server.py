# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Event streams of a server that is not ours, right and wrong ones, each under a path of its own.

It stands for the many servers that put no time into their events, know no Last-Event-ID, answer a POST with a stream,
or break in the middle. Every stream is written by hand, chunk by chunk, so that the test knows what was sent when.
"""

import http.server
import json
import threading
import time
from typing import Callable, Iterator

Chunk = bytes


class Stopped(Exception):
    """The client left."""


class StrangeServer:
    """Serves until closed. `requests` has what was asked: method, path, fields in lower case, body."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.started = time.monotonic()
        outer = self

        class Handler(_Handler):
            server_state = outer

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> "StrangeServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def beat(self, period: float) -> int:
        """The number of the current period since the start: the same for every stream."""
        return int((time.monotonic() - self.started) / period)

    def wait_beat(self, period: float, number: int) -> None:
        """Until that period begins."""
        time.sleep(max(0.0, self.started + number * period - time.monotonic()))


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_state: StrangeServer

    def log_message(self, *_: object) -> None:
        """Silence: pytest shows what matters."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        fields = {name.lower(): value for name, value in self.headers.items()}
        self.server_state.requests.append((self.command, self.path, fields, body))
        name = self.path.partition("?")[0].strip("/").replace("-", "_")
        act: Callable[[], None] | None = getattr(self, f"path_{name}", None)
        try:
            if act:
                act()
            else:
                self._answer(404, "text/plain", b"no such path")
        except (BrokenPipeError, ConnectionResetError, Stopped):
            self.close_connection = True

    # Writing

    def _answer(self, status: int, content_type: str, body: bytes, **fields: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for field, value in fields.items():
            self.send_header(field.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _begin(self, **fields: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        for field, value in fields.items():
            self.send_header(field.replace("_", "-"), value)
        # HTTP/1.0 knows no chunks: the stream ends with the connection.
        self._is_chunked = self.request_version != "HTTP/1.0"
        if self._is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.close_connection = True
        self.end_headers()
        self.wfile.flush()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data) if self._is_chunked else data)
        self.wfile.flush()

    def _end(self) -> None:
        if self._is_chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _cut(self) -> None:
        self.close_connection = True

    def _steady(self, period: float, events: Callable[[int], bytes], first: int | None = None) -> None:
        """One write a period, of what `events` makes of its number, from the next or from `first` on."""
        state = self.server_state
        number = state.beat(period) + 1 if first is None else first
        while True:
            state.wait_beat(period, number)
            self._chunk(events(number))
            number += 1

    def _last_id(self) -> int | None:
        value = self.headers.get("last-event-id")
        return int(value) if value and value.isdigit() else None

    # Right ones

    def path_plain(self) -> None:
        """No ids, no times, no comments."""
        self._begin()
        self._steady(0.1, lambda number: b"data: number %d\n\n" % number)

    def path_resumable(self) -> None:
        """Ids, and everything after Last-Event-ID."""
        self._begin()
        last = self._last_id()
        event = lambda number: b"id: %d\ndata: number %d\n\n" % (number, number)  # noqa: E731
        if last is not None:
            for number in range(last + 1, self.server_state.beat(0.1) + 1):
                self._chunk(event(number))
        self._steady(0.1, event)

    def path_bursts(self) -> None:
        """The publisher itself sends eight at once: no fault of the path."""
        self._begin()
        self._steady(
            0.8, lambda number: b"".join(b"id: %d\ndata: x\n\n" % (number * 8 + place) for place in range(8))
        )

    def path_chat(self) -> None:
        """Tokens as answer to a POST, then [DONE] and the end."""
        if self.command != "POST":
            return self._answer(405, "application/json", b'{"error":"POST"}')
        self._begin()
        for number in range(60):
            token = json.dumps({"object": "chat.completion.chunk", "choices": [{"delta": {"content": f" w{number}"}}]})
            self._chunk(f"data: {token}\n\n".encode())
            time.sleep(0.12 if number % 13 == 0 else 0.03)
        self._chunk(b"data: [DONE]\n\n")
        self._end()

    def path_over(self) -> None:
        """Ends after a second; whoever comes back gets 204."""
        if self._last_id() is not None:
            self.send_response(204)
            self.end_headers()
            return
        self._begin()
        for number in range(1, 11):
            self._chunk(b"id: %d\ndata: x\n\n" % number)
            time.sleep(0.1)
        self._end()

    def path_quiet(self) -> None:
        """A head and comments, no event."""
        self._begin()
        self._steady(1, lambda _: b": beat\n\n")

    # Held back

    def path_at_end(self) -> None:
        """What a full buffer would do to a short answer: nothing, not even the head, for 2.5 s, then everything."""
        time.sleep(2.5)
        self._begin()
        self._chunk(b"".join(b"data: token %d\n\n" % number for number in range(30)))
        self._end()

    def path_blocks(self) -> None:
        """Events of 50 bytes, through a buffer of 1024."""
        self._begin()
        buffer = b""

        def events(number: int) -> Iterator[bytes]:
            yield b"data: " + str(number).zfill(42).encode() + b"\n\n"

        state, number = self.server_state, self.server_state.beat(0.02) + 1
        while True:
            state.wait_beat(0.02, number)
            buffer += b"".join(events(number))
            number += 1
            if len(buffer) >= 1_024:
                self._chunk(buffer[:1_024])
                buffer = buffer[1_024:]

    # Wrong ones

    def path_anew(self) -> None:
        """Ids, and no ear for Last-Event-ID."""
        self._begin()
        self._steady(0.1, lambda number: b"id: %d\ndata: x\n\n" % number)

    def path_replay(self) -> None:
        """Every stream begins with number 1."""
        self._begin()
        number = 1
        while True:
            self._chunk(b"id: %d\ndata: x\n\n" % number)
            number += 1
            time.sleep(0.1)

    def path_page(self) -> None:
        """A page."""
        self._answer(200, "text/html", b"<!doctype html><title>Welcome</title>")

    def path_redirect(self) -> None:
        """To somewhere else."""
        self._answer(302, "text/plain", b"", Location="/plain")

    def path_failure(self) -> None:
        """The server's fault."""
        self._answer(500, "text/plain", b"no database")

    def path_endless(self) -> None:
        """A line that does not end."""
        self._begin()
        self._chunk(b"data: ")
        while True:
            self._chunk(b"x" * 65_536)

    def path_garbage(self) -> None:
        """Bytes that are no text, let alone events."""
        self._begin()
        self._steady(0.1, lambda number: bytes((number * 37 + place * 91) % 256 for place in range(64)) + b"\n")

    def path_gzip_garbage(self) -> None:
        """Says that it is gzip."""
        self._begin(Content_Encoding="gzip")
        self._steady(0.1, lambda _: b"this is no gzip")

    def path_cut(self) -> None:
        """Breaks off within an event."""
        self._begin()
        for number in range(10):
            self._chunk(b"data: %d\n\n" % number)
            time.sleep(0.1)
        self._chunk(b"data: half of it")
        self._cut()

    def path_page_inside(self) -> None:
        """Someone's error page in the middle of the stream."""
        self._begin()
        for number in range(10):
            self._chunk(b"data: %d\n\n" % number)
            time.sleep(0.1)
        self._chunk(b"<html><head><title>502 Bad Gateway</title></head>\n<body>Sorry</body></html>\n")
        self._end()

    def path_never(self) -> None:
        """Takes the request and says nothing."""
        time.sleep(30)
