"""A program in a real pseudo terminal: keys in, the screen that a person would see out.

POSIX only: Windows' pseudo console has no twin in Python's library, so what uses this runs on Linux and macOS; the
behaviour tests by pilot are those that run on Windows too.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyte

KEYS = {
    "enter": "\r", "tab": "\t", "escape": "\x1b", "space": " ", "backspace": "\x7f", "shift+tab": "\x1b[Z",
    "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F",
    "pageup": "\x1b[5~", "pagedown": "\x1b[6~", "delete": "\x1b[3~", "insert": "\x1b[2~",
    "shift+up": "\x1b[1;2A", "shift+down": "\x1b[1;2B", "shift+right": "\x1b[1;2C", "shift+left": "\x1b[1;2D",
    "ctrl+up": "\x1b[1;5A", "ctrl+down": "\x1b[1;5B", "ctrl+right": "\x1b[1;5C", "ctrl+left": "\x1b[1;5D",
    "ctrl+home": "\x1b[1;5H", "ctrl+end": "\x1b[1;5F", "alt+up": "\x1b[1;3A", "alt+down": "\x1b[1;3B",
    "f1": "\x1bOP", "f2": "\x1bOQ", "f3": "\x1bOR", "f4": "\x1bOS", "f5": "\x1b[15~", "f6": "\x1b[17~",
    "f7": "\x1b[18~", "f8": "\x1b[19~", "f9": "\x1b[20~", "f10": "\x1b[21~", "f11": "\x1b[23~", "f12": "\x1b[24~",
}  # fmt: skip
"""What a terminal sends for the keys that are no single character."""

# Requests of the kitty and xterm keyboard protocols, which the emulator would print as text.
_UNKNOWN = (b"\x1b[>4;1m", b"\x1b[>4;0m", b"\x1b[>1u", b"\x1b[<u", b"\x1b[=1;1u")


class PseudoTerminal:
    """A running program and its screen of `size` (columns, rows); use as a context manager, which ends it.

    `on_output` is called with each piece of output as it comes.
    """

    def __init__(
        self,
        command: Sequence[str],
        size: tuple[int, int] = (120, 35),
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        on_output: Callable[[bytes], None] | None = None,
    ) -> None:
        self.screen = pyte.Screen(*size)
        self.exit_status: int | None = None
        self._stream = pyte.ByteStream(self.screen)
        self._on_output = on_output
        everything = {**os.environ, **(environment or {}), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            if folder is not None:
                os.chdir(folder)
            os.execvpe(command[0], list(command), everything)  # noqa: S606 - its own words, no shell is meant
        self.resize(*size)

    def __enter__(self) -> PseudoTerminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether the program still runs; its status stands in `exit_status` afterwards."""
        if self.exit_status is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self.exit_status = os.waitstatus_to_exitcode(status)
        return self.exit_status is None

    @property
    def lines(self) -> list[str]:
        """The rows of the screen."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """The whole screen."""
        return "\n".join(self.lines)

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size while the program runs."""
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)
        if self.alive:
            os.kill(self.pid, signal.SIGWINCH)

    def run(self, seconds: float) -> bool:
        """Take output for so long; False once the program has closed its end."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if select.select([self._fd], [], [], max(0.0, min(left, 0.1)))[0]:
                try:
                    data = os.read(self._fd, 65_536)
                except OSError:
                    return False
                if not data:
                    return False
                self._take(data)
            if left <= 0:
                return True

    def _take(self, data: bytes) -> None:
        for unknown in _UNKNOWN:
            data = data.replace(unknown, b"")
        self._stream.feed(data)
        if self._on_output is not None:
            self._on_output(data)

    def until(self, holds: Callable[[], object], seconds: float) -> bool:
        """Run until something holds; False where it does not within so long."""
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end or not self.run(0.02):
                return bool(holds())
        return True

    def send(self, text: str) -> None:
        """Type a text as it is; dropped where the program has just ended."""
        data = text.encode("utf-8", "surrogatepass")
        while data:
            if not select.select([], [self._fd], [], 5.0)[1]:
                return  # the program takes nothing more: whoever watches it sees that it does not answer
            try:
                data = data[os.write(self._fd, data[:512]) :]
            except OSError:
                return
            self.run(0)

    def press(self, key: str) -> None:
        """Press a key by its name: `enter`, `ctrl+s`, `alt+x`, `f5`, `shift+tab` or a character."""
        if key in KEYS:
            self.send(KEYS[key])
        elif key.startswith("ctrl+") and len(key) == 6:
            self.send(chr(ord(key[5].upper()) & 0x1F))
        elif key.startswith("alt+") and len(key) == 5:
            self.send("\x1b" + key[4])
        elif len(key) == 1:
            self.send(key)
        else:
            raise ValueError(f"no terminal sends a key {key!r}")

    def paste(self, text: str) -> None:
        """Paste a text as terminals do that know bracketed paste."""
        self.send(f"\x1b[200~{text}\x1b[201~")

    def wait(self, seconds: float) -> bool:
        """Run until the program has ended; False where it has not within so long."""
        end = time.monotonic() + seconds
        while self.alive and time.monotonic() < end:
            if not self.run(0.05):
                time.sleep(0.02)
        return not self.alive

    def close(self) -> None:
        """End the program, first kindly."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not self.alive:
                break
            os.kill(self.pid, number)
            self.wait(3.0)
        os.close(self._fd)
