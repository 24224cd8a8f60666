# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""The harness itself: it leaves nothing behind, and it can fail."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.eventstream import EventStreamReader
from harness.process import ManagedProcess, ProcessFailed
from harness.waiting import wait_until
from harness.watchdog import session_members
from harness.wire import WireConnection

# A parent with a grandchild that ignores SIGTERM: the shape of a proxy with workers.
STUBBORN_FAMILY = ["sh", "-c", "trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & while :; do sleep 1; done"]


def test_stopping_ends_every_process_of_the_family(tmp_path):
    family = ManagedProcess(STUBBORN_FAMILY, tmp_path, name="family")
    wait_until(lambda: len(session_members(family.pid)) >= 3, "the grandchildren run")
    family.stop(grace=0.2)
    assert session_members(family.pid) == []


def test_a_killed_test_run_leaves_no_process_behind(tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from harness.process import ManagedProcess\n"
        f"child = ManagedProcess({STUBBORN_FAMILY!r}, Path({str(tmp_path)!r}), name='family')\n"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    here = Path(__file__).parent
    with subprocess.Popen([sys.executable, "-c", script], cwd=here, stdout=subprocess.PIPE, text=True) as run:
        session = int(run.stdout.readline())
        wait_until(lambda: len(session_members(session)) >= 3, "the family runs")
        os.kill(run.pid, signal.SIGKILL)
    wait_until(lambda: not session_members(session), "the watchdog has ended the family")


def test_a_process_that_ends_before_it_is_ready_fails_with_its_output(tmp_path):
    with pytest.raises(ProcessFailed, match="no such port"):
        ManagedProcess(["sh", "-c", "echo no such port >&2; exit 3"], tmp_path, ready=lambda _: False)


def test_the_reference_reader_takes_any_split():
    text = (
        "\ufeff: hi\nid: 1\ndata: a\r\ndata\rdata:  b\n\nevent: x\nid\ndata: ü\r\n\r\nretry: 12x\ndata: lost".encode()
    )
    for step in (1, 2, 3, 7, len(text)):
        reader = EventStreamReader()
        for start in range(0, len(text), step):
            reader.feed(text[start : start + step])
        assert [(one.event, one.data, one.id) for one in reader.events] == [("message", "a\n\n b", "1"), ("x", "ü", "")]
        assert reader.comments == ["hi"] and reader.retry is None


def test_the_raw_client_reads_what_was_published(shared_origin):
    with WireConnection.to(shared_origin.url) as client:
        head = client.open_stream("/channels/harness/events")
        ids = shared_origin.publish("harness", "one\ntwo") + shared_origin.publish("harness", "x", event="named")
        first, second = client.next_events(2)
        assert [(first.id, first.event, first.data), (second.id, second.event, second.data)] == [
            (ids[0], "message", "one\ntwo"),
            (ids[1], "named", "x"),
        ]
    assert shared_origin.wait_closed(head.get("x-sse-stream"))["reason"] == "client_closed"
    shared_origin.wait_active(0)
