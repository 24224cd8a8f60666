# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""A command on a terminal of its own: what it writes, and what a person would see of it."""

import fcntl
import html
import os
import pty
import select
import struct
import termios
import time
from typing import Callable, Mapping, Sequence

import pyte

# The eight colours as common terminals draw them, on dark and on light.
DARK = {"default": "#e6e6e6", "background": "#16191d", "black": "#5c6370", "red": "#ff7b72", "green": "#56d364",
        "brown": "#e3b341", "blue": "#79c0ff", "magenta": "#d2a8ff", "cyan": "#56d4dd", "white": "#f0f0f0"}  # fmt: skip
LIGHT = {"default": "#1f2328", "background": "#ffffff", "black": "#57606a", "red": "#b3201c", "green": "#0b6e3f",
         "brown": "#865300", "blue": "#0550ae", "magenta": "#8250df", "cyan": "#0a6c76",
         "white": "#6e7781"}  # fmt: skip


class Terminal:
    """Runs a command with all three standard streams on a terminal; read it with `pump`.

    Should we die, the terminal goes with us, and the command gets the SIGHUP that says so.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], columns: int = 100, rows: int = 30
    ) -> None:
        self.raw = b""
        self.exit_code: int | None = None
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], list(command), {**environment, "TERM": "xterm-256color"})
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def press(self, key: bytes) -> None:
        """What the keyboard sends; b"\\x03" is Ctrl-C."""
        os.write(self._master, key)

    def pump(self, condition: Callable[["Terminal"], object], what: str, timeout: float = 15.0) -> None:
        """Draws what comes until `condition` holds."""
        deadline = time.monotonic() + timeout
        while not condition(self):
            assert time.monotonic() < deadline, f"not within {timeout:g} s: {what}; the screen:\n{self.text()}"
            assert self.exit_code is None, f"ended with {self.exit_code} before: {what}; the screen:\n{self.text()}"
            self._read(0.1)

    def wait_exit(self, timeout: float = 20.0) -> int:
        self.pump(lambda _: self.exit_code is not None, "its end", timeout)
        assert self.exit_code is not None
        return self.exit_code

    def _read(self, timeout: float) -> None:
        if not select.select([self._master], [], [], timeout)[0]:
            return
        try:
            data = os.read(self._master, 65536)
        except OSError:
            data = b""
        if not data:
            self.exit_code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            os.close(self._master)
            return
        self.raw += data
        self._stream.feed(data)

    def kill(self) -> None:
        if self.exit_code is None:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
            os.close(self._master)
            self.exit_code = -9

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def html(self, dark: bool, title: str) -> str:
        """The screen as a page."""
        colours = DARK if dark else LIGHT
        last = max((row for row, line in enumerate(self.screen.display) if line.strip()), default=0)
        lines = ["".join(self._cell(self.screen.buffer[row][column], colours) for column in range(self.screen.columns))
                 for row in range(last + 1)]  # fmt: skip
        style = (
            f"body{{margin:0;padding:18px 22px;background:{colours['background']};color:{colours['default']};"
            "display:inline-block}pre{margin:0;font:14px/1.35 'DejaVu Sans Mono',monospace}"
            "b{font-weight:700}"
        )
        return (
            f"<!doctype html><meta charset=utf-8><title>{html.escape(title)}</title><style>{style}</style>"
            f"<pre>{chr(10).join(line.rstrip() for line in lines)}</pre>"
        )

    @staticmethod
    def _cell(cell: "pyte.screens.Char", colours: Mapping[str, str]) -> str:
        text = html.escape(cell.data)
        if cell.fg != "default":
            text = f'<span style="color:{colours.get(cell.fg, "#" + cell.fg)}">{text}</span>'
        return f"<b>{text}</b>" if cell.bold else text
