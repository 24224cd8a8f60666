#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""Posts one measured event per interval over one keep-alive connection, until it is ended.

Nchan has no synthetic channel, so its events come from here; the time of publication is taken just before the send,
which puts the POST into the lag, as it is in every deployment of Nchan. A plain socket, because http.client costs a
tenth of a millisecond of the shared machine per request.
usage: publish.py HOST PORT PATH INTERVAL_MS DATA_SIZE
"""

import socket
import sys
import time


def publish(host: str, port: int, path: str, interval: float, size: int) -> None:
    with socket.create_connection((host, port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        due = time.monotonic()
        sequence = 0
        while True:
            due += interval
            time.sleep(max(0.0, due - time.monotonic()))
            sequence += 1
            start = f'{{"seq":{sequence},"ts":{time.time_ns()},"pad":"'
            data = start + "x" * (size - len(start) - 2) + '"}'
            connection.sendall(
                f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {size}\r\n\r\n{data}".encode()
            )
            read_answer(connection)


def read_answer(connection: socket.socket) -> None:
    """Reads one response with Content-Length; Nchan answers 201 with subscribers and 202 without."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        received = connection.recv(65536)
        if not received:
            raise ConnectionError("the server closed the publisher's connection")
        answer += received
    head, _, body = answer.partition(b"\r\n\r\n")
    if head.split()[1] not in (b"200", b"201", b"202"):
        raise ConnectionError(f"publish was answered {head.splitlines()[0].decode()}")
    length = next(
        (int(line.split(b":")[1]) for line in head.splitlines() if line.lower().startswith(b"content-length:")), None
    )
    if length is None:
        raise ConnectionError("the answer to a publish has no Content-Length")
    while len(body) < length:
        received = connection.recv(65536)
        if not received:
            raise ConnectionError("the server closed the publisher's connection")
        body += received


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    try:
        publish(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]) / 1000, int(sys.argv[5]))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        sys.exit(f"publish.py: {error}")
