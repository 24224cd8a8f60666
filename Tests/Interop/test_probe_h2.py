# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Streams against sockets: what `probe h2` says must be what the origin and the kernel see."""

import os
import socket

import pytest

from edges_harness.fixtures import start_edge  # noqa: F401
from edges_harness.h2_edges import ALL_H2
from edges_harness.nginx import Nginx
from harness.probe import RunningProbe, probe
from harness.waiting import wait_until


def sides(run, name: str) -> tuple:
    found = next(path for path in run.result["multiplexing"] if path["name"] == name)
    client, origin = found["client"], found.get("origin")
    return client["streams"], client["sockets"], origin and origin["sockets"]


def test_http1_has_a_socket_for_each_stream_and_http2_one_for_all(origin):
    url = f"{origin.url}/events?interval=100"
    run = probe("h2", url, url, "--streams", "40", "--duration", "3", "--fail-if", "h2.mux_ratio<40")
    assert run.exit_code == 0, run.stdout
    assert sides(run, "h1") == (40, 40, 40)
    assert sides(run, "h2") == (40, 1, 1)
    (socket_here,) = run.result["multiplexing"][1]["client"]["evidence"]
    assert socket_here["streams"] == 40 and socket_here["requests"] == list(range(1, 17))
    assert all(path["lost"] == path["duplicated"] == path["reordered"] == 0 for path in run.result["paths"])
    streams = [one for one in run.result["streams"] if one["path"] == "h2"]
    assert sorted(one["origin_request"] for one in streams) == list(range(1, 41))
    assert all(one["events"] >= 10 and one["latency_p50_ms"] is not None for one in streams)


def test_the_sockets_are_those_that_the_kernel_sees(origin, tmp_path):
    url = f"{origin.url}/events?interval=100"
    running = RunningProbe(tmp_path, "h2", "--json", "--streams", "25", "--duration", "60", url, url)

    def established() -> int:
        """Sockets of the probe to the origin's port, from /proc."""
        inodes = set()
        for entry in os.listdir(f"/proc/{running.process.pid}/fd"):
            try:
                inodes.add(os.readlink(f"/proc/{running.process.pid}/fd/{entry}"))
            except OSError:
                continue
        remote = f"{int.from_bytes(socket.inet_aton('127.0.0.1'), 'little'):08X}:{origin.port:04X}"
        rows = [line.split() for line in open("/proc/net/tcp", encoding="ascii")][1:]
        return sum(row[2] == remote and row[3] == "01" and f"socket:[{row[9]}]" in inodes for row in rows)

    origin.wait_active(50)
    # 25 for HTTP/1.1 and one for HTTP/2, once the clock's estimates are over.
    wait_until(lambda: established() == 26, "26 sockets", timeout=30)
    run = running.interrupt()
    assert run.report["interrupted"]
    assert sides(run, "h1") == (25, 25, 25) and sides(run, "h2") == (25, 1, 1)


@pytest.mark.parametrize("edge", ALL_H2, ids=lambda edge: edge.name)
def test_behind_an_intermediary_the_origins_side_is_told_apart_from_ours(edge, start_origin, start_edge):  # noqa: F811
    origin = start_origin()
    running = start_edge(edge, origin, edge.always)
    url = f"{running.url}/events?interval=100"
    run = probe("h2", f"edge={url}", f"direct={origin.url}/events?interval=100", "--streams", "9", "--duration", "3")
    # Nine HTTP/1.1 clients, and as many connections to the origin as the intermediary makes of them.
    assert sides(run, "edge") == (9, 9, edge.connections_for_nine)


def test_an_intermediary_that_pins_is_a_warning_with_the_settings_to_change(start_origin, start_edge):  # noqa: F811
    origin = start_origin()
    running = start_edge(Nginx, origin)
    url = f"{running.url}/events?interval=100"
    run = probe("h2", f"edge={url}", f"direct={origin.url}/events?interval=100", "--streams", "5", "--duration", "2")
    assert sides(run, "edge") == (5, 5, 5)
    (told,) = [one for one in run.findings() if "nothing is multiplexed there" in one["text"]]
    assert told["path"] == "edge" and "http-reuse always" in told["advice"]


def test_a_stream_limit_opens_another_connection(start_origin):
    origin = start_origin("--max-streams-per-connection", "10")
    url = f"{origin.url}/events?interval=100"
    run = probe("h2", url, url, "--streams", "35", "--duration", "3")
    streams, here, there = sides(run, "h2")
    assert (streams, there) == (35, here) and here >= 4


def test_streams_that_do_not_open_are_a_problem(start_origin):
    origin = start_origin("--max-streams", "10")
    url = f"{origin.url}/events?interval=100"
    run = probe("h2", url, url, "--streams", "20", "--duration", "2")
    opened = sum(path["opened"] for path in run.result["multiplexing"])
    assert opened == 10
    assert any("of 20 streams opened" in one["text"] for one in run.findings("problem"))


def test_the_report_for_people_has_the_evidence(origin):
    url = f"{origin.url}/events?interval=100"
    run = probe("h2", url, url, "--streams", "12", "--duration", "2", as_json=False)
    assert "carries 12 streams, its requests 1, 2, 3, 4, 5, 6, 7, 8, …" in run.stdout
    assert run.exit_code == 0
