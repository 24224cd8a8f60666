# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""A TCP relay with the faults of stateful firewalls and dying hops, which no HTTP intermediary shows: it forgets
connections without closing them, or closes all of them in one moment. It knows nothing of HTTP.
"""

import asyncio
import threading
import time
from typing import Optional


class Relay:
    """Relays to `target` (host:port) on a thread of its own, from when it is made until `stop()`."""

    def __init__(
        self,
        target: str,
        forget_idle: Optional[float] = None,
        forget_age: Optional[float] = None,
        forget_all_after: Optional[float] = None,
        close_all_after: Optional[float] = None,
    ) -> None:
        """`forget_idle`, `forget_age`: seconds of silence or of life after which a connection's bytes go nowhere.

        `forget_all_after`, `close_all_after`: seconds after the first connection when that happens to all of them.
        """
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._forget_idle = forget_idle
        self._forget_age = forget_age
        self._forget_all_after = forget_all_after
        self._close_all_after = close_all_after
        self._first: Optional[float] = None
        self._tasks: set[asyncio.Task] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(5), "the relay does not start"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for writer in self._writers:
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._relay(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = now
            if self._close_all_after is not None:
                self._loop.call_later(self._close_all_after, self._close_all)
        if self._close_all_after is not None and now - self._first >= self._close_all_after:
            writer.transport.abort()
            return
        upstream_reader, upstream_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, upstream_writer}
        flow = {"opened": now, "moved": now, "forgotten": False}
        await asyncio.gather(self._pass(reader, upstream_writer, flow), self._pass(upstream_reader, writer, flow))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flow: dict) -> None:
        while True:
            try:
                data = await reader.read(65_536)
            except ConnectionError:
                data = b""
            if self._is_forgotten(flow):
                # Neither bytes nor the end are passed on.
                return
            if not data:
                writer.close()
                return
            flow["moved"] = time.monotonic()
            writer.write(data)

    def _is_forgotten(self, flow: dict) -> bool:
        now = time.monotonic()
        flow["forgotten"] |= (
            (self._forget_idle is not None and now - flow["moved"] >= self._forget_idle)
            or (self._forget_age is not None and now - flow["opened"] >= self._forget_age)
            or (self._forget_all_after is not None and now - self._first >= self._forget_all_after)
        )
        return flow["forgotten"]

    def _close_all(self) -> None:
        for writer in self._writers:
            writer.close()
