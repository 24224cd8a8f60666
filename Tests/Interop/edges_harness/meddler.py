# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""A proxy that meddles as told: strips fields and comments, forgets Last-Event-ID, drops or doubles events.

Real intermediaries do each of these somewhere; here each can be set alone. It reads the origin's body as it comes and
passes each read on at once.
"""

import http.client
import http.server
import re
import threading
from typing import Callable, Iterable

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class Meddler:
    """`edit` gets each event block without its blank line and answers the blocks to pass on."""

    def __init__(
        self,
        origin: str,
        strip_response: Iterable[str] = (),
        strip_request: Iterable[str] = (),
        add: dict[str, str] | None = None,
        edit: Callable[[bytes], list[bytes]] = lambda block: [block],
        close_delimited: bool = False,
    ) -> None:
        stripped, forgotten = {one.lower() for one in strip_response}, {one.lower() for one in strip_request}

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Silence."""

            def do_GET(self) -> None:
                upstream = http.client.HTTPConnection(origin, timeout=60)
                try:
                    fields = {name: value for name, value in self.headers.items() if name.lower() not in forgotten}
                    upstream.request("GET", self.path, headers=fields)
                    self.answer(upstream.getresponse())
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True
                finally:
                    upstream.close()

            def answer(self, response: http.client.HTTPResponse) -> None:
                self.send_response_only(response.status)
                for name, value in response.getheaders():
                    if name.lower() not in stripped | HOP_BY_HOP:
                        self.send_header(name, value)
                for name, value in (add or {}).items():
                    self.send_header(name, value)
                is_stream = (response.getheader("content-type") or "").startswith("text/event-stream")
                if not is_stream:
                    body = response.read()
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                    return
                if close_delimited:
                    self.close_connection = True
                else:
                    self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.pass_on(response)

            def pass_on(self, response: http.client.HTTPResponse) -> None:
                pending = b""
                while data := response.read1(65_536):
                    pending += data
                    *blocks, pending = pending.split(b"\n\n")
                    edited = [one for block in blocks for one in edit(block)]
                    self.write(b"".join(block + b"\n\n" for block in edited))
                self.write(b"", last=True)

            def write(self, data: bytes, last: bool = False) -> None:
                if close_delimited:
                    self.wfile.write(data)
                elif data or last:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Meddler":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def without_comments(block: bytes) -> list[bytes]:
    """Strips comment lines, as a proxy that parses event streams may."""
    lines = [line for line in block.split(b"\n") if not line.startswith(b":")]
    return [b"\n".join(lines)] if lines else []


def dropping(every: int) -> Callable[[bytes], list[bytes]]:
    """Drops the events whose number is a multiple of that."""

    def edit(block: bytes) -> list[bytes]:
        number = re.search(rb'"seq":(\d+)', block)
        return [] if number and int(number[1]) % every == 0 else [block]

    return edit
