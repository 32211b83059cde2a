"""Reading log files while they grow: what was written since the last look, whoever wrote it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tradebot.engine.control.errors import InputError
from tradebot.engine.control.logs import LEVELS, LogEntry, from_line, log_files

CAPACITY = 200_000
_EXPRESSION = re.compile(r"^/(.+)/i?$")


def at_least(level: str) -> tuple[str, ...]:
    """That level and the ones above it: `at_least("warning")` -> ("warning", "error"). Raises InputError."""
    if level not in LEVELS:
        raise InputError(f"The level must be one of {', '.join(LEVELS)}, was {level!r}.")
    return LEVELS[LEVELS.index(level) :]


def text_filter(search: str) -> Callable[[LogEntry], bool]:
    """Whether a record holds all words of a search, in any order and case; `/ws.*lost/` is a regular expression.

    Raises InputError for an expression that is none.
    """
    expression = _EXPRESSION.match(search.strip())
    if expression:
        try:
            pattern = re.compile(expression[1], re.IGNORECASE)
        except re.error as error:
            raise InputError(f"/{expression[1]}/ is no regular expression ({error}); mend it.") from None
        return lambda entry: pattern.search(_text_of(entry)) is not None
    words = search.lower().split()
    return lambda entry: all(word in _text_of(entry).lower() for word in words)


def _text_of(entry: LogEntry) -> str:
    return f"{entry.component} {entry.sentence} {entry.did} {entry.can_do} {entry.details}"


class LogReader:
    """Follows the log files of a folder.

    The first `poll` gives the newest `capacity` records, later ones what came since. Lines that are no records are
    counted in `unreadable`.
    """

    def __init__(self, folder: Path, capacity: int = CAPACITY) -> None:
        self._folder = folder
        self._capacity = capacity
        self._read_to: dict[Path, int] = {}
        self._begun = False
        self.unreadable = 0
        self.problem = ""

    def poll(self) -> list[LogEntry]:
        """The records that came since the last look, by time."""
        files = [path for _, _, path in log_files(self._folder)]
        pieces: list[list[LogEntry]] = []
        room = self._capacity
        for path in reversed(files):
            if room <= 0 and not self._begun:
                self._read_to[path] = _size(path)
                continue
            entries = self._read_on(path)
            pieces.append(entries)
            room -= len(entries)
        self._begun = True
        found = [entry for piece in reversed(pieces) for entry in piece]
        found.sort(key=lambda entry: entry.time_ms)  # two processes may write to one file
        return found[-self._capacity :]

    def _read_on(self, path: Path) -> list[LogEntry]:
        start = self._read_to.get(path, 0)
        size = _size(path)
        if size == start:
            return []
        if size < start:
            start = 0  # somebody emptied or replaced the file
        try:
            with path.open("rb") as file:
                file.seek(start)
                data = file.read()
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            self.problem = f"{path} cannot be read ({reason}); allow it."
            return []
        self.problem = ""
        end = data.rfind(b"\n") + 1  # what follows is being written
        self._read_to[path] = start + end
        entries = []
        for line in data[:end].splitlines():
            entry = from_line(line)
            if entry is None:
                self.unreadable += bool(line.strip())
            else:
                entries.append(entry)
        return entries


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
