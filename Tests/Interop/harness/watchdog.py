# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Ends the tests' child processes when the test run itself dies without a chance to clean up.

Runs as one small process per test run and reads session ids from its standard input: `+123` to watch, `-123` to
forget. The end of the input means that the test run is gone, however it went (SIGKILL included); what is still
watched is killed then. PR_SET_PDEATHSIG alone would not do: it reaches the direct child, and an nginx worker, say,
outlives its master.
"""

import os
import signal
import sys


def session_members(session: int) -> list[int]:
    """The processes of one session, by their pid. Members keep the number from being given out again."""
    members = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:
                # The command name is in brackets and may itself contain brackets and spaces.
                fields = stat.read().rpartition(b")")[2].split()
        except OSError:
            continue
        state, member_of = fields[0], int(fields[3])
        if member_of == session and state not in (b"Z", b"X"):
            members.append(int(name))
    return members


def kill_session(session: int) -> None:
    """SIGKILL to every member, until none is left: a member may fork while the others are being killed."""
    for _ in range(50):
        members = session_members(session)
        if not members:
            return
        for pid in members:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def main() -> None:
    # A Ctrl-C on the terminal is the test run's to handle; it will close our input when it is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watched: set[int] = set()
    for line in sys.stdin:
        session = int(line[1:])
        if line.startswith("+"):
            watched.add(session)
        else:
            watched.discard(session)
    for session in watched:
        kill_session(session)


if __name__ == "__main__":
    main()
