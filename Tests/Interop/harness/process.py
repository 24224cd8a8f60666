# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""A child process that a test can rely on: started, awaited until ready, ended, and never left behind."""

import ctypes
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Mapping, Optional, Sequence

from .watchdog import kill_session, session_members

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class ProcessFailed(AssertionError):
    """The process ended, or did not become ready, when the test needed it. Carries the tail of its output."""


class _Watchdog:
    """Our end of the process in watchdog.py, started with the first child."""

    def __init__(self) -> None:
        self._process: Optional[subprocess.Popen] = None

    def tell(self, line: str) -> None:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("watchdog.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                text=True,
                bufsize=1,
            )
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


_watchdog = _Watchdog()


def _die_with_parent() -> None:
    """Between fork and exec: covers the moment before the watchdog knows of the child."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class ManagedProcess:
    """One child in a session of its own, with its output in files under `directory`.

    Start it from the main thread: the kernel sends the parent-death signal when the *thread* that forked ends.
    Use it as a context manager, or call `stop()`.
    """

    def __init__(
        self,
        command: Sequence[str],
        directory: Path,
        name: Optional[str] = None,
        environment: Optional[Mapping[str, str]] = None,
        ready: Optional[Callable[["ManagedProcess"], object]] = None,
        ready_timeout: float = 15.0,
        working_directory: Optional[Path] = None,
    ) -> None:
        """Starts `command`; returns once `ready` answers something true, polled; raises ProcessFailed otherwise."""
        self.command = [str(part) for part in command]
        self.name = name or Path(self.command[0]).name
        directory.mkdir(parents=True, exist_ok=True)
        self.stdout_path = directory / f"{self.name}.out"
        self.stderr_path = directory / f"{self.name}.err"
        with open(self.stdout_path, "ab") as out, open(self.stderr_path, "ab") as err:
            self._popen = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=dict(environment) if environment is not None else None,
                cwd=working_directory,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        self.pid = self._popen.pid
        _watchdog.tell(f"+{self.pid}")
        if ready is not None:
            try:
                self.wait_for(lambda: ready(self), "ready", ready_timeout)
            except BaseException:
                self.kill()
                raise

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    @property
    def exit_code(self) -> Optional[int]:
        """None while it runs; negative: the signal that ended it."""
        return self._popen.poll()

    def stdout(self) -> str:
        return self.stdout_path.read_text(encoding="utf-8", errors="replace")

    def stderr(self) -> str:
        return self.stderr_path.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, condition: Callable[[], object], what: str, timeout: float = 10.0) -> object:
        """Polls `condition` until true; fails at once when the process ends first."""
        deadline = time.monotonic() + timeout
        while True:
            value = condition()
            if value:
                return value
            if not self.running:
                raise ProcessFailed(self.describe(f"ended with {self.exit_code} before: {what}"))
            if time.monotonic() >= deadline:
                raise ProcessFailed(self.describe(f"not within {timeout:g} s: {what}"))
            time.sleep(0.02)

    def send_signal(self, number: int) -> None:
        """To this process alone, by its pid; nothing if it has ended."""
        self._popen.send_signal(number)

    def wait_exit(self, timeout: float = 10.0) -> int:
        """The exit code, once it has ended by itself."""
        try:
            code = self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise ProcessFailed(self.describe(f"still running after {timeout:g} s")) from None
        self._forget()
        return code

    def stop(self, grace: float = 10.0) -> int:
        """SIGTERM, `grace` seconds, then SIGKILL to it and to every process of its session. Returns the exit code."""
        if self.running:
            self._popen.send_signal(signal.SIGTERM)
            try:
                self._popen.wait(grace)
            except subprocess.TimeoutExpired:
                pass
        return self.kill()

    def kill(self) -> int:
        """SIGKILL at once, children included."""
        if self.running:
            self._popen.send_signal(signal.SIGKILL)
            self._popen.wait()
        self._forget()
        return self._popen.returncode

    def _forget(self) -> None:
        if session_members(self.pid):
            kill_session(self.pid)
        _watchdog.tell(f"-{self.pid}")

    def describe(self, problem: str) -> str:
        """`problem` with the command and the last lines of both outputs."""
        lines = [f"{self.name} (pid {self.pid}): {problem}", f"  command: {shlex.join(self.command)}"]
        for label, path in (("stdout", self.stdout_path), ("stderr", self.stderr_path)):
            tail = path.read_text(encoding="utf-8", errors="replace").splitlines()[-30:] if path.exists() else []
            lines.append(f"  {label}, last {len(tail)} lines:")
            lines.extend(f"    {line[:400]}" for line in tail)
        return "\n".join(lines)

    def open_files(self) -> int:
        """How many file descriptors it holds now."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def __enter__(self) -> "ManagedProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
