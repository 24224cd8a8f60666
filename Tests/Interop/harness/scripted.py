# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Servers that say what a test wants said, byte by byte, and a relay that changes a stream on its way."""

import http.client
import socket
import threading
import time
import urllib.parse
from typing import Callable, Iterable

Send = Callable[[bytes], None]
# Gets the request's head and body, answers by sending.
Script = Callable[[str, bytes, Send], None]

STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


class ScriptedServer:
    """Runs a script for each connection; the connection ends with it."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=[client], daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                head, body = self._request(client)
                self._script(head, body, client.sendall)
            except OSError:
                pass  # The probe has left.

    @staticmethod
    def _request(client: socket.socket) -> tuple[str, bytes]:
        received = b""
        while b"\r\n\r\n" not in received:
            more = client.recv(65_536)
            if not more:
                raise OSError("no request")
            received += more
        head, _, body = received.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
        length = int(fields.get(b"content-length", b"0"))
        while len(body) < length:
            body += client.recv(65_536)
        return head.decode("latin-1"), body

    def close(self) -> None:
        self._listener.close()

    def __enter__(self) -> "ScriptedServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def answer(status: str, fields: str, body: bytes = b"") -> bytes:
    """A response with these fields, each with its CRLF, and its length."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{fields}\r\n".encode() + body


def saying(answer: bytes) -> Script:
    """The same bytes to everybody."""
    return lambda _head, _body, send: send(answer)


def streaming(blocks: Iterable[bytes], interval: float = 0.02) -> Script:
    """These blocks as events, one at a time."""
    kept = list(blocks)

    def script(_head: str, _body: bytes, send: Send) -> None:
        send(STREAM_HEAD)
        for block in kept:
            send(block + b"\n\n")
            time.sleep(interval)

    return script


# Gets each event of a connection with its place, from 0, and the event before; answers with what goes on in its stead.
Change = Callable[[int, bytes, bytes], list[bytes]]


def relay(upstream: str, change: Change) -> ScriptedServer:
    """A relay to one event stream that changes events on their way. The probe opens more connections than one."""
    target = urllib.parse.urlsplit(upstream)

    def script(_head: str, _body: bytes, send: Send) -> None:
        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=30)
        try:
            path = f"{target.path}?{target.query}" if target.query else target.path
            connection.request("GET", path, headers={"Accept": "text/event-stream"})
            answer = connection.getresponse()
            kept = "".join(f"{name}: {value}\r\n" for name, value in answer.getheaders() if name.startswith("X-SSE"))
            send(STREAM_HEAD[:-2] + kept.encode() + b"\r\n")
            place, before, block = 0, b"", []
            while line := answer.readline():
                if line != b"\n":
                    block.append(line)
                    continue
                whole, block = b"".join(block), []
                if b"data:" not in whole:
                    send(whole + b"\n")
                    continue
                for event in change(place, whole, before):
                    send(event + b"\n")
                place, before = place + 1, whole
        finally:
            connection.close()

    return ScriptedServer(script)
