#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""The client must see every defect: a scripted server commits each one, and the client's result must name it.

usage: fanout_test.py FANOUT_BINARY
"""

import json
import socket
import subprocess
import sys
import threading
import time

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
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


def serve(connection: socket.socket, sequences: list[int], extra: bytes, done: threading.Event) -> None:
    """Sends the last event half a second later than the rest, so that some of them fall into the window."""
    with connection:
        connection.recv(4096)
        if extra == b"refuse":
            connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            return
        connection.sendall(HEAD)
        for index, sequence in enumerate(sequences):
            if index == len(sequences) - 1:
                time.sleep(FIRST_HALF_SECOND)
            connection.sendall(b'data: {"seq":%d,"ts":%d,"pad":""}\n\n' % (sequence, time.time_ns()))
        if extra == b"close":
            return
        connection.sendall(extra)
        done.wait(20)


def run(binary: str, streams: list[list[int]], extra: bytes) -> tuple[int, dict]:
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [binary, "--port", str(listener.getsockname()[1]), "--streams", str(len(streams))]
        command += ["--settle", "0.1", "--duration", "1"]
        client = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for index, sequences in enumerate(streams):
            accepted = listener.accept()[0]
            faulty = extra if index == len(streams) - 1 else b""
            threading.Thread(target=serve, args=(accepted, sequences, faulty, done), daemon=True).start()
        output = client.communicate(timeout=60)[0]
    done.set()
    return client.returncode, json.loads(output.splitlines()[-1])


def main() -> int:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    failures = 0
    for name, streams, extra, expected in CASES:
        status, result = run(sys.argv[1], streams, extra)
        found = {key: result[key] for key in DEFECTS if result[key]}
        if found != expected or status != (1 if expected else 0) or result["good"] != (not expected):
            print(f"{name}: found {found}, status {status}, but expected {expected}", file=sys.stderr)
            failures += 1
    print(f"client: {len(CASES) - failures} of {len(CASES)} scripted servers judged rightly")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
