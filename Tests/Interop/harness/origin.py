# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""The origin under test: `headwater serve` on free ports of loopback, with what tests ask of it."""

import http.client
import json
import os
import signal
import urllib.parse
from pathlib import Path
from typing import Mapping, Optional

from .process import ManagedProcess
from .waiting import wait_until


def headwater_binary() -> str:
    """The executable under test, from HEADWATER_BIN."""
    path = os.environ.get("HEADWATER_BIN")
    assert path, "set HEADWATER_BIN to the headwater executable, e.g. .build/release/headwater"
    assert os.access(path, os.X_OK), f"HEADWATER_BIN={path} is not an executable file; build it first"
    return path


def clean_environment(extra: Optional[Mapping[str, str]] = None) -> dict[str, str]:
    """Ours without what the developer's shell sets for origins and exporters: a test configures all there is."""

    def is_setting(name: str) -> bool:
        return name.startswith(("HEADWATER_", "OTEL_")) or name.lower().endswith("_proxy")

    kept = {name: value for name, value in os.environ.items() if not is_setting(name)}
    return {**kept, **(extra or {})}


class Origin:
    """One running origin. `terminate()`, or leaving the `with` block, also judges how it ended."""

    def __init__(
        self,
        directory: Path,
        *flags: str,
        environment: Optional[Mapping[str, str]] = None,
        name: str = "origin",
        port: int = 0,
        admin_port: int = 0,
        drain_window: float = 0.5,
    ) -> None:
        """`flags` come after the harness's own and those in ORIGIN_FLAGS, with which a whole suite can be run another
        way, such as ORIGIN_FLAGS="--io-uring false". A name again in `directory` appends to the same output files."""
        command = [headwater_binary(), "serve", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--admin-port", str(admin_port), "--log-format", "json", "--drain-window", f"{drain_window:g}"]
        command += os.environ.get("ORIGIN_FLAGS", "").split()
        self._drain_window = drain_window
        self.ready: dict = {}
        self.ended_by_test = False
        already = Path(directory, f"{name}.out")
        self._stdout_start = already.stat().st_size if already.exists() else 0
        self.process = ManagedProcess(
            [*command, *flags],
            directory,
            name=name,
            environment=clean_environment(environment),
            ready=self._read_ready_line,
        )

    def _read_ready_line(self, process: ManagedProcess) -> bool:
        for line in process.stdout()[self._stdout_start :].splitlines():
            if '"headwater"' in line and line.endswith("}"):
                self.ready = json.loads(line)
                assert self.ready["headwater"] == "ready", line
                return True
        return False

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def address(self) -> str:
        """host:port of the public listener."""
        return self.ready["http"]

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    @property
    def admin_port(self) -> int:
        return int(self.ready["admin"].rpartition(":")[2])

    @property
    def url(self) -> str:
        """The public listener, without a slash at the end."""
        return f"http://{self.ready['http']}"

    @property
    def admin_url(self) -> str:
        return f"http://{self.ready['admin']}"

    # Requests

    def request(
        self,
        method: str,
        target: str,
        body: Optional[bytes] = None,
        headers: Optional[Mapping[str, str]] = None,
        admin: bool = True,
    ) -> tuple[int, dict[str, str], bytes]:
        """One request on a connection of its own: status, fields in lower case, body."""
        host, _, port = self.ready["admin" if admin else "http"].rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        try:
            connection.request(method, target, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, fields, answer.read()
        finally:
            connection.close()

    def publish(
        self,
        channel: str,
        data: str | bytes,
        event: Optional[str] = None,
        retry: Optional[int] = None,
        content_type: str = "text/plain",
        token: Optional[str] = None,
    ) -> list[str]:
        """Publishes through the admin listener, or with `token` through the public one. Answers the new ids."""
        query = {"event": event, "retry": retry}
        target = f"/channels/{urllib.parse.quote(channel, safe='')}/events"
        chosen = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
        headers = {"Content-Type": content_type}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        status, _, answer = self.request(
            "POST",
            f"{target}?{chosen}" if chosen else target,
            data.encode() if isinstance(data, str) else data,
            headers,
            admin=token is None,
        )
        assert status == 201, f"publish to {channel}: {status} {answer.decode(errors='replace')}"
        return json.loads(answer)["ids"]

    def debug_streams(self) -> dict:
        """What /debug/streams shows, after checking that its counts agree."""
        status, _, body = self.request("GET", "/debug/streams")
        assert status == 200, f"/debug/streams: {status} {body!r}"
        shown = json.loads(body)
        assert shown["opened"] - shown["closed"] == shown["active"], {
            key: shown[key] for key in ("opened", "closed", "active")
        }
        return shown

    def debug_connections(self) -> dict:
        status, _, body = self.request("GET", "/debug/connections")
        assert status == 200, f"/debug/connections: {status} {body!r}"
        return json.loads(body)

    def wait_active(self, count: int, timeout: float = 5.0) -> dict:
        """Waits until exactly `count` streams are open."""
        seen: dict = {}

        def reached() -> bool:
            seen.update(self.debug_streams())
            return seen["active"] == count

        wait_until(reached, f"{count} active streams", timeout)
        return seen

    # Logs

    def log_records(self) -> list[dict]:
        """The JSON log so far; a last line that is still being written is left out."""
        complete = self.process.stderr().rpartition("\n")[0]
        return [json.loads(line) for line in complete.splitlines() if line.startswith("{")]

    def closed_streams(self) -> list[dict]:
        """The "stream closed" records so far, in order."""
        return [record for record in self.log_records() if record.get("message") == "stream closed"]

    def wait_closed(self, stream_id: object, timeout: float = 5.0) -> dict:
        """The close record of one stream, by the value of its X-SSE-Stream field."""
        return wait_until(
            lambda: next((one for one in self.closed_streams() if str(one["stream"]) == str(stream_id)), None),
            f"a close record of stream {stream_id}",
            timeout,
        )

    # Ending

    def terminate(self, timeout: float = 10.0) -> int:
        """SIGTERM; fails unless the origin ends by itself, with code 0, and its counts agreed until then."""
        self.ended_by_test = True
        if self.process.running:
            try:
                self.debug_streams()
                self.process.send_signal(signal.SIGTERM)
                code = self.process.wait_exit(self._drain_window + timeout)
                assert code == 0, self.process.describe(f"exit code {code} after SIGTERM")
            finally:
                self.process.kill()
            return code
        raise AssertionError(self.process.describe(f"had already ended with {self.process.exit_code}"))

    def kill(self) -> None:
        """SIGKILL, for the tests that want a crash; nothing is judged."""
        self.ended_by_test = True
        self.process.kill()

    def __enter__(self) -> "Origin":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None and self.process.exit_code is None:
            self.terminate()
        else:
            self.process.kill()
