#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""The clients must see every defect: a scripted server commits each one, and the client's result must name it.

usage: fanout_test.py FANOUT_BINARY FANOUT_H2_BINARY
"""

import json
import socket
import struct
import subprocess
import sys
import threading
import time

FIRST_HALF_SECOND = 0.5  # the client's window begins within it, see --settle

# Name, sequence numbers sent on each of two streams, extra bytes on the second, and what the result must say.
CASES: list[tuple[str, list[list[int]], bytes, dict[str, int]]] = [
    ("good", [[1, 2, 3], [2, 3]], b"", {}),
    ("lost", [[1, 2, 5], [1, 2, 3, 4, 5]], b"", {"lost": 2}),
    ("duplicated", [[1, 2, 2, 3], [1, 2, 3]], b"", {"duplicated": 1}),
    ("disordered", [[1, 3, 2, 4], [1, 2, 3, 4]], b"", {"lost": 1, "disordered": 1}),
    ("behind", [[1, 2, 3], [1, 2]], b"", {"behind": 1}),
    ("silent", [[1, 2, 3], []], b"", {"silent": 1, "behind": 1}),
    ("gap", [[1, 2], [1, 2]], b'event: gap\ndata: {"missed":1}\n\n', {"gaps": 1}),
    ("malformed", [[1, 2], [1, 2]], b'data: {"seq":3,"ts":1,"pad":""}x\n\n', {"malformed": 1}),
    ("closed", [[1, 2], [1, 2]], b"close", {"closed_early": 1}),
    ("refused", [[1, 2], [1, 2]], b"refuse", {"unopened": 1}),
]
DEFECTS = ("lost", "duplicated", "disordered", "malformed", "gaps", "silent", "behind", "closed_early", "unopened")


class HTTP1:
    """One response on one connection."""

    options: list[str] = []
    refusal = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

    @staticmethod
    def read_request(connection: socket.socket) -> None:
        connection.recv(4096)

    @staticmethod
    def body(data: bytes) -> bytes:
        return data


class HTTP2:
    """The first stream of one connection, so that the cases are those of HTTP/1.1."""

    options = ["--connections", "2"]
    data, headers, settings = 0, 1, 4
    preface_length = 24

    @staticmethod
    def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

    # Settings, then HEADERS with `:status`: 200 is in HPACK's static table, 503 is a literal with a name from there.
    head = frame(settings, 0, 0, b"") + frame(headers, 4, 1, b"\x88")
    refusal = frame(settings, 0, 0, b"") + frame(headers, 5, 1, b"\x08\x03503")

    @staticmethod
    def read_request(connection: socket.socket) -> None:
        connection.recv(HTTP2.preface_length, socket.MSG_WAITALL)
        while header := connection.recv(9, socket.MSG_WAITALL):
            if length := int.from_bytes(header[:3], "big"):
                connection.recv(length, socket.MSG_WAITALL)
            if header[3] == HTTP2.headers:
                return

    @staticmethod
    def body(data: bytes) -> bytes:
        """In two frames, so that an event may not depend on where a frame ends."""
        middle = len(data) // 2
        return b"".join(HTTP2.frame(HTTP2.data, 0, 1, part) for part in (data[:middle], data[middle:]))


def serve(
    protocol: type[HTTP1] | type[HTTP2],
    connection: socket.socket,
    sequences: list[int],
    extra: bytes,
    done: threading.Event,
) -> None:
    """Sends the last event half a second later than the rest, so that some of them fall into the window."""
    with connection:
        protocol.read_request(connection)
        if extra == b"refuse":
            connection.sendall(protocol.refusal)
            return
        connection.sendall(protocol.head)
        for index, sequence in enumerate(sequences):
            if index == len(sequences) - 1:
                time.sleep(FIRST_HALF_SECOND)
            event = b'data: {"seq":%d,"ts":%d,"pad":""}\n\n' % (sequence, time.time_ns())
            connection.sendall(protocol.body(event))
        if extra == b"close":
            return
        connection.sendall(protocol.body(extra))
        done.wait(20)


def run(
    binary: str, protocol: type[HTTP1] | type[HTTP2], streams: list[list[int]], extra: bytes
) -> tuple[int, dict]:
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [binary, "--port", str(listener.getsockname()[1]), "--streams", str(len(streams))]
        command += ["--settle", "0.1", "--duration", "1", *protocol.options]
        client = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for index, sequences in enumerate(streams):
            accepted = listener.accept()[0]
            faulty = extra if index == len(streams) - 1 else b""
            threading.Thread(target=serve, args=(protocol, accepted, sequences, faulty, done), daemon=True).start()
        output = client.communicate(timeout=60)[0]
    done.set()
    return client.returncode, json.loads(output.splitlines()[-1])


def main() -> int:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    failures = 0
    for binary, protocol in zip(sys.argv[1:], (HTTP1, HTTP2)):
        for name, streams, extra, expected in CASES:
            status, result = run(binary, protocol, streams, extra)
            found = {key: result[key] for key in DEFECTS if result[key]}
            if found != expected or status != (1 if expected else 0) or result["good"] != (not expected):
                print(f"{protocol.__name__} {name}: found {found}, status {status}, not {expected}", file=sys.stderr)
                failures += 1
    cases = 2 * len(CASES)
    print(f"clients: {cases - failures} of {cases} scripted servers judged rightly")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
