# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""An HTTP/1.1 client that sends exactly the bytes it is told to, and notes when each byte of the answer came.

Deliberately not a good client: it sends what no library would send, and never retries, redirects or cleans up.
"""

import json
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import Optional

from .eventstream import Event, EventStreamReader
from .waiting import DeadlinePassed


@dataclass
class Head:
    """The status line and header fields of one response, names in lower case, repeats kept in order."""

    version: str
    status: int
    reason: str
    fields: list[tuple[str, str]]

    def get(self, name: str) -> Optional[str]:
        """All values of one field, joined as RFC 9110 section 5.3 allows; None without it."""
        values = [value for key, value in self.fields if key == name.lower()]
        return ", ".join(values) if values else None


@dataclass
class Response:
    """A response with its whole body."""

    head: Head
    body: bytes

    @property
    def status(self) -> int:
        return self.head.status

    def json(self) -> dict:
        return json.loads(self.body)


class ConnectionEnded(AssertionError):
    """The origin closed (`reset` tells how) where the test expected bytes."""

    def __init__(self, reset: bool, unread: bytes) -> None:
        super().__init__(f"connection {'reset' if reset else 'closed'}; unread: {unread[:200]!r}")
        self.reset = reset


@dataclass
class WireConnection:
    """One TCP connection. `timeout` bounds every wait for bytes, in seconds."""

    host: str
    port: int
    timeout: float = 10.0
    receive_buffer: Optional[int] = None
    source: Optional[str] = None
    received_at: float = 0.0
    reader: EventStreamReader = field(default_factory=EventStreamReader)
    chunk_times: list[float] = field(default_factory=list)
    _ready_events: list[Event] = field(default_factory=list)
    stream_ended: bool = False

    def __post_init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.receive_buffer is not None:
            # Before connect: the window scale is fixed in the handshake.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        if self.source is not None:
            self.socket.bind((self.source, 0))
        self.socket.settimeout(self.timeout)
        self.socket.connect((self.host, self.port))
        self._buffer = b""

    @classmethod
    def to(cls, url: str, **options) -> "WireConnection":
        """To `http://host:port`."""
        host, _, port = url.removeprefix("http://").rstrip("/").rpartition(":")
        return cls(host, int(port), **options)

    # Sending

    def send(self, raw: bytes) -> None:
        self.socket.sendall(raw)

    def request(self, method: str, target: str, fields: Optional[dict[str, str]] = None, body: bytes = b"") -> None:
        """A correct request; anything malformed goes through `send`."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        lines += [f"{name}: {value}" for name, value in (fields or {}).items()]
        if body or method in ("POST", "PUT"):
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    # Receiving

    def _more(self, deadline: float) -> None:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise DeadlinePassed(f"no more bytes in time; unread: {self._buffer[:200]!r}")
        self.socket.settimeout(remaining)
        try:
            received = self.socket.recv(262_144)
        except socket.timeout:
            raise DeadlinePassed(f"no more bytes in time; unread: {self._buffer[:200]!r}") from None
        except ConnectionError:
            raise ConnectionEnded(True, self._buffer) from None
        self.received_at = time.monotonic()
        if not received:
            raise ConnectionEnded(False, self._buffer)
        self._buffer += received

    def _deadline(self, timeout: Optional[float]) -> float:
        return time.monotonic() + (self.timeout if timeout is None else timeout)

    def read_until(self, mark: bytes, timeout: Optional[float] = None) -> bytes:
        """Everything up to and with `mark`."""
        deadline = self._deadline(timeout)
        while mark not in self._buffer:
            self._more(deadline)
        taken, _, self._buffer = self._buffer.partition(mark)
        return taken + mark

    def read_exactly(self, count: int, timeout: Optional[float] = None) -> bytes:
        deadline = self._deadline(timeout)
        while len(self._buffer) < count:
            self._more(deadline)
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def read_head(self, timeout: Optional[float] = None) -> Head:
        """The next response head, interim ones (1xx) included."""
        lines = self.read_until(b"\r\n\r\n", timeout).decode("latin-1").split("\r\n")
        version, _, rest = lines[0].partition(" ")
        status, _, reason = rest.partition(" ")
        fields = []
        for line in lines[1:]:
            if line:
                name, _, value = line.partition(":")
                fields.append((name.lower(), value.strip()))
        return Head(version, int(status), reason, fields)

    def read_response(self, timeout: Optional[float] = None, head_only: bool = False) -> Response:
        """A response whose body ends; `head_only` for the answer to HEAD."""
        head = self.read_head(timeout)
        if head_only or head.status in (204, 304) or head.status < 200:
            return Response(head, b"")
        length = head.get("content-length")
        if length is not None:
            return Response(head, self.read_exactly(int(length), timeout))
        if head.get("transfer-encoding") == "chunked":
            body = b""
            while (chunk := self.read_chunk(timeout)) != b"":
                body += chunk
            return Response(head, body)
        return Response(head, self.read_to_end(timeout))

    def read_chunk(self, timeout: Optional[float] = None) -> bytes:
        """The payload of the next chunk; empty for the last one. Its arrival goes to `chunk_times`."""
        size = int(self.read_until(b"\r\n", timeout).split(b";")[0].strip(), 16)
        payload = self.read_exactly(size, timeout)
        ending = self.read_exactly(2, timeout)
        assert ending == b"\r\n", f"chunk of {size} bytes ends in {ending!r}"
        self.chunk_times.append(self.received_at)
        return payload

    def read_to_end(self, timeout: Optional[float] = None) -> bytes:
        """Everything until the origin closes, by FIN or by RST."""
        deadline = self._deadline(timeout)
        try:
            while True:
                self._more(deadline)
        except ConnectionEnded:
            taken, self._buffer = self._buffer, b""
            return taken

    # Streams

    def open_stream(self, target: str, fields: Optional[dict[str, str]] = None) -> Head:
        """GETs a stream and checks that it is one."""
        self.request("GET", target, {"Accept": "text/event-stream", **(fields or {})})
        head = self.read_head()
        assert head.status == 200, f"{target}: {head.status} {self._buffer[:500]!r}"
        assert (head.get("content-type") or "").startswith("text/event-stream"), head.fields
        return head

    def next_events(self, count: int = 1, timeout: Optional[float] = None) -> list[Event]:
        """The next `count` events of the chunked stream."""
        deadline = self._deadline(timeout)
        taken: list[Event] = []
        while len(taken) < count:
            if self._ready_events:
                taken.append(self._ready_events.pop(0))
            else:
                self._ready_events = self._feed_chunk(deadline)
        return taken

    def events_until_end(self, timeout: Optional[float] = None) -> list[Event]:
        """All further events until the last chunk."""
        deadline = self._deadline(timeout)
        taken, self._ready_events = self._ready_events, []
        while not self.stream_ended:
            taken += self._feed_chunk(deadline, may_end=True)
        return taken

    def _feed_chunk(self, deadline: float, may_end: bool = False) -> list[Event]:
        chunk = self.read_chunk(deadline - time.monotonic())
        if chunk == b"":
            self.stream_ended = True
            if not may_end:
                raise ConnectionEnded(False, b"last chunk")
            return []
        return self.reader.feed(chunk, self.received_at)

    # Ending

    def close(self) -> None:
        self.socket.close()

    def half_close(self) -> None:
        """FIN from us; the other direction stays open."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """RST from us."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def __enter__(self) -> "WireConnection":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
