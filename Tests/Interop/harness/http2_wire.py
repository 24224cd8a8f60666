# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""An HTTP/2 client that sends exactly the frames it is told to, in h2c or in TLS (RFC 9113).

Deliberately not a good client: it keeps no stream states, no windows of its own, and acknowledges nothing unless told.
"""

import json
import socket
import ssl
import struct
import time
from dataclasses import dataclass, field
from typing import Callable, Iterable, Optional

from hpack import Decoder, Encoder

from .waiting import DeadlinePassed
from .wire import ConnectionEnded

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
FRAME_NAMES = "DATA HEADERS PRIORITY RST_STREAM SETTINGS PUSH_PROMISE PING GOAWAY WINDOW_UPDATE CONTINUATION".split()

END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 0x1, 0x1, 0x4, 0x8, 0x20

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED = range(6)
FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM = range(6, 12)

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = range(1, 6)

Fields = Iterable[tuple[str, str]]


@dataclass
class Frame:
    """One frame as it came; `at` is when its last byte was there, on the monotonic clock."""

    type: int
    flags: int
    stream: int
    payload: bytes
    at: float = 0.0

    def has(self, flag: int) -> bool:
        return bool(self.flags & flag)

    @property
    def code(self) -> int:
        """The error code of RST_STREAM or GOAWAY."""
        return struct.unpack(">I", self.payload[:4] if self.type == RST_STREAM else self.payload[4:8])[0]

    @property
    def last_stream(self) -> int:
        """The last stream identifier of GOAWAY."""
        return struct.unpack(">I", self.payload[:4])[0] & 0x7FFF_FFFF

    def settings(self) -> dict[int, int]:
        return {key: value for key, value in struct.iter_unpack(">HI", self.payload)}

    def __str__(self) -> str:
        name = FRAME_NAMES[self.type] if self.type < len(FRAME_NAMES) else f"type {self.type}"
        return f"{name} flags={self.flags:#x} stream={self.stream} {self.payload[:64]!r}"


@dataclass
class Answer:
    """What one stream has brought so far."""

    fields: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    ended: bool = False
    reset: Optional[int] = None

    def get(self, name: str) -> Optional[str]:
        return next((value for key, value in self.fields if key == name), None)

    @property
    def status(self) -> Optional[int]:
        found = self.get(":status")
        return int(found) if found else None

    def json(self) -> dict:
        return json.loads(self.body)


def client_context(protocols: tuple[str, ...] = ("h2",)) -> ssl.SSLContext:
    """Trusts anybody: these tests are not about certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(list(protocols))
    return context


def frame_bytes(type: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", type, flags, stream) + payload


def settings_payload(settings: dict[int, int] | Iterable[tuple[int, int]]) -> bytes:
    pairs = settings.items() if isinstance(settings, dict) else settings
    return b"".join(struct.pack(">HI", key, value) for key, value in pairs)


class Http2Connection:
    """One connection. `timeout` bounds every wait, in seconds."""

    def __init__(
        self,
        address: str,
        tls: bool = False,
        settings: Optional[dict[int, int]] = None,
        preface: bool = True,
        timeout: float = 5.0,
        receive_buffer: Optional[int] = None,
        source: Optional[str] = None,
    ) -> None:
        """With `preface` the settings of both sides have been exchanged on return; without, not a byte was sent."""
        host, _, port = address.rpartition(":")
        self.authority, self.timeout = address, timeout
        plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source is not None:
            plain.bind((source, 0))
        plain.settimeout(timeout)
        plain.connect((host, int(port)))
        self.socket = client_context().wrap_socket(plain, server_hostname="localhost") if tls else plain
        assert not tls or self.socket.selected_alpn_protocol() == "h2", self.socket.selected_alpn_protocol()
        self.scheme = "https" if tls else "http"
        self.encoder, self.decoder = Encoder(), Decoder()
        self.decoder.max_header_list_size = 1 << 20
        self.server_settings: dict[int, int] = {}
        self.answers: dict[int, Answer] = {}
        self.control: list[Frame] = []
        self._buffer = b""
        self._fragments: Optional[tuple[int, bool, bytes]] = None
        if preface:
            self.send(PREFACE + frame_bytes(SETTINGS, 0, 0, settings_payload(settings or {})))
            self.wait(lambda frame: frame.type == SETTINGS and frame.has(ACK), "an acknowledgement of our SETTINGS")
            self.send_frame(SETTINGS, ACK, 0)

    # Sending

    def send(self, raw: bytes) -> None:
        self.socket.settimeout(self.timeout)
        self.socket.sendall(raw)

    def send_frame(self, type: int, flags: int, stream: int, payload: bytes = b"") -> None:
        self.send(frame_bytes(type, flags, stream, payload))

    def fields(self, method: str = "GET", path: str = "/healthz", more: Fields = ()) -> list[tuple[str, str]]:
        """A correct header list."""
        four = [(":method", method), (":scheme", self.scheme), (":path", path), (":authority", self.authority)]
        return four + list(more)

    def block(self, fields: Fields) -> bytes:
        """Encoded through this connection's table: what is encoded must be sent, in this order."""
        return self.encoder.encode(list(fields), huffman=False)

    def request(
        self, stream: int, path: str = "/healthz", method: str = "GET", more: Fields = (), end_stream: bool = True
    ) -> None:
        flags = END_HEADERS | (END_STREAM if end_stream else 0)
        self.send_frame(HEADERS, flags, stream, self.block(self.fields(method, path, more)))

    def data(self, stream: int, payload: bytes = b"", end_stream: bool = True) -> None:
        self.send_frame(DATA, END_STREAM if end_stream else 0, stream, payload)

    def update_window(self, stream: int, increment: int) -> None:
        self.send_frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))

    def reset_stream(self, stream: int, code: int = CANCEL) -> None:
        self.send_frame(RST_STREAM, 0, stream, struct.pack(">I", code))

    # Receiving

    def _fill(self, count: int, deadline: float) -> None:
        while len(self._buffer) < count:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise DeadlinePassed("no frame in time")
            self.socket.settimeout(remaining)
            try:
                received = self.socket.recv(262_144)
            except (socket.timeout, ssl.SSLWantReadError):
                raise DeadlinePassed("no frame in time") from None
            except (ConnectionError, ssl.SSLError):
                raise ConnectionEnded(True, self._buffer) from None
            if not received:
                raise ConnectionEnded(False, self._buffer)
            self._buffer += received

    def read_frame(self, timeout: Optional[float] = None) -> Frame:
        """The next frame, which is also entered into `answers` or `control`."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        self._fill(9, deadline)
        length = int.from_bytes(self._buffer[:3], "big")
        self._fill(9 + length, deadline)
        type, flags, stream = struct.unpack(">BBI", self._buffer[3:9])
        frame = Frame(type, flags, stream & 0x7FFF_FFFF, self._buffer[9 : 9 + length], time.monotonic())
        self._buffer = self._buffer[9 + length :]
        self._enter(frame)
        return frame

    def _enter(self, frame: Frame) -> None:
        answer = self.answers.setdefault(frame.stream, Answer()) if frame.stream else Answer()
        if frame.type == DATA:
            answer.body += frame.payload
            answer.ended |= frame.has(END_STREAM)
        elif frame.type in (HEADERS, CONTINUATION):
            _, ends, before = self._fragments or (frame.stream, frame.has(END_STREAM), b"")
            self._fragments = (frame.stream, ends, before + frame.payload)
            if frame.has(END_HEADERS):
                answer.fields += self.decoder.decode(self._fragments[2])
                answer.ended |= ends
                self._fragments = None
        elif frame.type == RST_STREAM:
            answer.reset = frame.code
        else:
            self.control.append(frame)
            if frame.type == SETTINGS and not frame.has(ACK):
                self.server_settings.update(frame.settings())

    def wait(self, wanted: Callable[[Frame], object], what: str, timeout: Optional[float] = None) -> Frame:
        """Reads on until a frame is as wanted."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        seen: list[str] = []
        while True:
            try:
                frame = self.read_frame(deadline - time.monotonic())
            except (DeadlinePassed, ConnectionEnded) as problem:
                raise type(problem)(*problem_arguments(problem, what, seen)) from None
            if wanted(frame):
                return frame
            seen.append(str(frame))

    def wait_answer(self, stream: int, timeout: Optional[float] = None) -> Answer:
        """Reads until the stream has ended, by END_STREAM or by RST_STREAM."""
        answer = self.answers.setdefault(stream, Answer())
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while not answer.ended and answer.reset is None:
            self.read_frame(deadline - time.monotonic())
        return answer

    def wait_head(self, stream: int) -> Answer:
        answer = self.answers.setdefault(stream, Answer())
        while answer.status is None and answer.reset is None:
            self.read_frame()
        return answer

    # Judging

    def expect_alive(self) -> None:
        """Fails unless a PING is answered, and nothing before it said that the connection has failed."""
        opaque = struct.pack(">d", time.monotonic())
        self.send_frame(PING, 0, 0, opaque)
        self.wait(lambda frame: frame.type == PING and frame.has(ACK) and frame.payload == opaque, "an answered PING")
        assert not any(frame.type == GOAWAY for frame in self.control), [str(frame) for frame in self.control]

    def expect_stream_error(self, stream: int, *codes: int) -> None:
        """RST_STREAM with one of the codes, and a connection that goes on."""
        frame = self.wait(lambda frame: frame.type in (RST_STREAM, GOAWAY), f"RST_STREAM {codes}")
        assert (frame.type, frame.stream) == (RST_STREAM, stream) and frame.code in codes, str(frame)
        self.expect_alive()

    def expect_connection_error(self, *codes: int) -> Frame:
        """GOAWAY with one of the codes, then the end of the connection (section 5.4.1)."""
        frame = self.wait(lambda frame: frame.type == GOAWAY, f"GOAWAY {codes}")
        assert frame.code in codes, str(frame)
        try:
            while True:
                assert self.read_frame().type != HEADERS, "an answer after the connection error"
        except ConnectionEnded as end:
            assert not end.reset, "the reset may have destroyed the GOAWAY on its way"
        return frame

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "Http2Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def problem_arguments(problem: AssertionError, what: str, seen: list[str]) -> tuple:
    """What to raise `problem` again with, naming what was waited for and what came instead."""
    shown = f"waited for {what}; came: {seen[-8:]}"
    return (problem.reset, shown.encode()) if isinstance(problem, ConnectionEnded) else (f"{problem}; {shown}",)
