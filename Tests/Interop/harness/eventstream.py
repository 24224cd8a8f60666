# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""A reference reader of the event stream format, written from the WHATWG text and sharing nothing with the origin.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from dataclasses import dataclass, field
from typing import Optional


@dataclass
class Event:
    """One dispatched event; `at` is when its last byte was received, on the monotonic clock."""

    event: str
    data: str
    id: str
    at: float = 0.0


@dataclass
class EventStreamReader:
    """Takes bytes in any split. Holds everything it saw: tests look at comments and retry as well."""

    events: list[Event] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    last_event_id: str = ""
    retry: Optional[int] = None
    _pending: bytes = b""
    _started: bool = False
    _after_cr: bool = False
    _data: list[str] = field(default_factory=list)
    _type: str = ""
    _id: str = ""

    def feed(self, received: bytes, at: float = 0.0) -> list[Event]:
        """The events that these bytes completed."""
        first = len(self.events)
        self._pending += received
        if not self._started and len(self._pending) >= 3:
            self._pending = self._pending.removeprefix(b"\xef\xbb\xbf")
            self._started = True
        while True:
            line = self._next_line()
            if line is None:
                return self.events[first:]
            self._take(line.decode("utf-8", errors="replace"), at)

    def _next_line(self) -> Optional[bytes]:
        if self._after_cr and self._pending:
            self._pending = self._pending.removeprefix(b"\n")
            self._after_cr = False
        ends = [position for position in (self._pending.find(b"\r"), self._pending.find(b"\n")) if position >= 0]
        if not self._started or not ends:
            return None
        end = min(ends)
        # A CR ends the line at once; should an LF follow it, in these bytes or in later ones, it belongs to the CR.
        self._after_cr = self._pending[end : end + 1] == b"\r"
        line, self._pending = self._pending[:end], self._pending[end + 1 :]
        return line

    def _take(self, line: str, at: float) -> None:
        if line == "":
            self._dispatch(at)
            return
        if line.startswith(":"):
            self.comments.append(line[1:].removeprefix(" "))
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._type = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value)

    def _dispatch(self, at: float) -> None:
        self.last_event_id = self._id
        data, kind = self._data, self._type
        self._data, self._type = [], ""
        if data:
            self.events.append(Event(kind or "message", "\n".join(data), self.last_event_id, at))
