"""Log files: one JSON object a line, in the user's log folder, cut into parts by size, the oldest deleted.

Every process appends to the file of the day, `tradebot-2026-09-14.jsonl`, with one write per record; where it grows
beyond its size the next part begins (`tradebot-2026-09-14.2.jsonl`). Nothing is ever renamed, so that two processes,
and Windows, never get in each other's way. Secrets are hidden before a record is made into a line.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections import deque
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tradebot.engine.control.clock import Clock, SystemClock
from tradebot.engine.control.redaction import Redactor

LEVELS = ("debug", "info", "warning", "error")
FILE_BYTES = 5_000_000
KEEP_BYTES = 50_000_000
_NAME = re.compile(r"^tradebot-(\d{4}-\d{2}-\d{2})(?:\.(\d+))?\.jsonl$")
_LONGEST_TEXT = 20_000
_RECENT = 50


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One record at `time_ms` (UTC milliseconds).

    `level` is one of LEVELS; `component` names the part of the house. Where they say more than `sentence` does,
    `happened`, `did` and `can_do` tell what happened, what we did about it and what the person can do; `details` are
    for an engineer, such as a traceback.
    """

    time_ms: int
    level: str
    component: str
    sentence: str
    happened: str = ""
    did: str = ""
    can_do: str = ""
    details: str = ""


_TEXTS = tuple(field.name for field in fields(LogEntry) if field.name not in {"time_ms", "level"})


class LogFiles:
    """Writes records below `folder` (None: the user's log folder). Thread-safe; no file is made before it is needed.

    `level` is the least that is written; `chosen` says that the person named it on the command line. A disk that takes
    nothing never ends the work: `problem` says why nothing is written, and every record tries again.
    """

    def __init__(
        self,
        folder: Path | None = None,
        clock: Clock | None = None,
        *,
        level: str = "info",
        chosen: bool = False,
        file_bytes: int = FILE_BYTES,
        keep_bytes: int = KEEP_BYTES,
    ) -> None:
        self._folder = folder
        self._clock = clock or SystemClock()
        self.level = level
        self.chosen = chosen
        self.file_bytes = file_bytes
        self.keep_bytes = keep_bytes
        self.redactor = Redactor()
        self.problem = ""
        self._day = ""
        self._part = 1
        self._file: int | None = None
        self._recent: deque[LogEntry] = deque(maxlen=_RECENT)
        self._lock = threading.Lock()

    @property
    def folder(self) -> Path:
        """Where the files stand."""
        if self._folder is None:
            self._folder = user_log_folder()
        return self._folder

    def move(self, folder: Path) -> None:
        """Write into another folder from now on."""
        with self._lock:
            self._close()
            self._folder = folder

    def wants(self, level: str) -> bool:
        """Whether a record of that level is written."""
        return LEVELS.index(level) >= LEVELS.index(self.level)

    def write(self, level: str, component: str, sentence: str, **more: str) -> None:
        """Write a record; `more` are `happened`, `did`, `can_do` and `details` of LogEntry."""
        if not self.wants(level):
            return
        texts = {name: self._clean(text) for name, text in more.items()}
        entry = LogEntry(self._clock.now_ms(), level, self._clean(component), self._clean(sentence), **texts)
        line = to_line(entry)
        with self._lock:
            self._recent.append(entry)
            try:
                self._append(entry.time_ms, line)
            except OSError as error:
                self._close()
                reason = (error.strerror or type(error).__name__).lower()
                self.problem = (
                    f"Nothing is logged: {self._folder} cannot be written ({reason}); make room or allow it."
                )
            else:
                self.problem = ""

    def recent(self) -> tuple[LogEntry, ...]:
        """The last records of this process, oldest first, written or not."""
        with self._lock:
            return tuple(self._recent)

    def close(self) -> None:
        """Let go of the file; a later record opens it again."""
        with self._lock:
            self._close()

    def _clean(self, text: str) -> str:
        cut = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]} ... ({len(text):,} letters)"
        return self.redactor.redact(cut)

    def _append(self, time_ms: int, line: bytes) -> None:
        day = f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d}"
        if day != self._day or self._file is None or os.fstat(self._file).st_nlink == 0:
            self._open(day, 1)
        while os.fstat(self._opened()).st_size + len(line) > self.file_bytes and self._part < 10_000:
            if os.fstat(self._opened()).st_size == 0:
                break
            self._open(day, self._part + 1)
        os.write(self._opened(), line)

    def _opened(self) -> int:
        assert self._file is not None  # noqa: S101 - made by _open just before
        return self._file

    def _open(self, day: str, part: int) -> None:
        self._close()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if part == 1:
            part = max((number for of, number, _ in log_files(self.folder) if of == day), default=1)
        name = f"tradebot-{day}.jsonl" if part == 1 else f"tradebot-{day}.{part}.jsonl"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._file = os.open(self.folder / name, flags, 0o600)
        self._day, self._part = day, part
        self._delete_old()

    def _delete_old(self) -> None:
        """Keep the newest files within their size; one that another program holds open stays for now."""
        room = self.keep_bytes
        for position, (_, _, path) in enumerate(reversed(log_files(self.folder))):
            try:
                room -= max(path.stat().st_size, 1)
                if room < 0 and position > 0:
                    path.unlink()
            except OSError:
                continue

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def user_log_folder() -> Path:
    """The folder for logs that the system gives this user."""
    import platformdirs

    return Path(platformdirs.user_log_dir("tradebot", appauthor=False))


def log_files(folder: Path) -> list[tuple[str, int, Path]]:
    """Day, part and path of every log file, oldest first."""
    found: list[tuple[str, int, Path]] = []
    try:
        paths = list(folder.iterdir())
    except OSError:
        return []
    for path in paths:
        match = _NAME.match(path.name)
        if match:
            found.append((match[1], int(match[2] or 1), path))
    return sorted(found)


def to_line(entry: LogEntry) -> bytes:
    """A record as a line: `{"time": ..., "level": ..., "component": ..., "sentence": ...}`, empty texts left out."""
    document: dict[str, Any] = {"time": entry.time_ms, "level": entry.level}
    document.update({name: text for name in _TEXTS if (text := getattr(entry, name))})
    return (json.dumps(document, ensure_ascii=False) + "\n").encode("utf-8", errors="replace")


def from_line(line: bytes) -> LogEntry | None:
    """The record of a line; None where it is no record: torn by a kill, or written by someone else."""
    try:
        document = json.loads(line)
        level = document["level"]
        if level not in LEVELS:
            return None
        texts = {name: str(document.get(name, "")) for name in _TEXTS}
        return LogEntry(int(document["time"]), level, **texts)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
