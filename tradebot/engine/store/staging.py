"""Rows gathered beside a table until one replacement of it takes them all in.

Older history comes in pages of a thousand rows. Rewriting the table for each would cost its whole length a thousand
times over, so a page is one write to the end of `<table>.staged`, in the order it came; reading a dataset takes these
rows into account. A row that is held twice does no harm: the one in the table stays.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tradebot.engine.market import Int64, Timeframe
from tradebot.engine.store.layout import FileStamp, staged_of, stamp_of
from tradebot.engine.store.lines import NO_LINES, IrregularLineError, Lines, line_starts, scan_times
from tradebot.engine.store.side_files import append_lines

_CHUNK_BYTES = 2_000_000
_GUARD_BYTES = 48


@dataclass(frozen=True, slots=True, eq=False)
class StagedRows:
    """Where the staged rows of a table stand: for each, rising and unique, its time and its bytes in the file.

    `guard` are the last bytes before the end seen: while they stand there, the file has only grown.
    """

    path: Path
    stamp: FileStamp
    guard: bytes
    times: Int64
    starts: Int64
    ends: Int64

    def __len__(self) -> int:
        return len(self.times)

    def unchanged(self) -> bool:
        """Whether the file still holds what was found."""
        try:
            return _before(self.path, self.stamp.size) == self.guard
        except FileNotFoundError:
            return False

    def take(self, low: int, high: int) -> bytes:
        """The lines low..high-1; those that stand together in the file are read as one block."""
        if low >= high:
            return b""
        starts, ends = self.starts[low:high], self.ends[low:high]
        breaks = np.flatnonzero(starts[1:] != ends[:-1])
        firsts = starts[np.concatenate((np.zeros(1, np.intp), breaks + 1))].tolist()
        lasts = ends[np.concatenate((breaks, np.array([high - low - 1], np.intp)))].tolist()
        parts = []
        with self.path.open("rb") as file:
            for first, last in zip(firsts, lasts, strict=True):
                file.seek(first)
                parts.append(file.read(last - first))
        return b"".join(parts)


def chunks(path: Path, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Place and content of pieces of complete lines between two bytes of a file; a torn last line is left out."""
    with path.open("rb") as file:
        while start < end:
            file.seek(start)
            data = file.read(min(_CHUNK_BYTES, end - start))
            whole = data.rfind(b"\n") + 1
            if not whole:
                return
            yield start, data[:whole]
            start += whole


def staged_rows(path: Path) -> StagedRows | None:
    """The rows staged for table `path`, None where there are none. Lines that are no rows are passed over."""
    staged = staged_of(path)
    stamp = stamp_of(staged)
    if stamp is None:
        return None
    found: list[tuple[Int64, Int64, Int64]] = []
    for place, text in chunks(staged, 0, stamp.size):
        borders = line_starts(text) + place
        times, sound = _times(text)
        found.append((times, borders[:-1][sound], borders[1:][sound]))
    none = np.empty(0, np.int64)
    times, starts, ends = (np.concatenate([none, *(part[column] for part in found)]) for column in range(3))
    if len(times) > 1 and not bool(np.all(times[1:] > times[:-1])):
        order = np.argsort(times, kind="stable")
        ordered = times[order]
        order = order[np.concatenate(([True], ordered[1:] != ordered[:-1]))]
        times, starts, ends = times[order], starts[order], ends[order]
    return StagedRows(staged, stamp, _before(staged, stamp.size), times, starts, ends)


def _times(text: bytes) -> tuple[Int64, npt.NDArray[np.bool_]]:
    """Times of the lines that begin with one, and which lines these are."""
    try:
        times = scan_times(text)
        return times, np.ones(len(times), np.bool_)
    except IrregularLineError:
        stamps = [line.partition(b",")[0] for line in text.removesuffix(b"\n").split(b"\n")]
        sound = np.array([stamp.isdigit() and len(stamp) <= 13 for stamp in stamps], dtype=np.bool_)
        return np.array([int(stamps[place]) for place in np.flatnonzero(sound)], dtype=np.int64), sound


def staged_lines(path: Path) -> Lines:
    """The rows staged for table `path` with their text, rising and unique."""
    try:
        rows = staged_rows(path)
        return Lines(rows.take(0, len(rows)), rows.times) if rows is not None else NO_LINES
    except FileNotFoundError:
        return NO_LINES  # settled meanwhile


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    stamp: FileStamp
    offset: int
    guard: bytes
    starts: Int64
    ends: Int64


class Staging:
    """Adds rows beside tables, and knows the ranges of time they fill without reading them again."""

    def __init__(self, fsync: bool) -> None:
        self._fsync = fsync
        self._lock = threading.Lock()
        self._written: dict[Path, FileStamp] = {}
        self._known: dict[Path, _Known] = {}

    def add(self, path: Path, lines: Lines) -> None:
        """One write to the end of the rows staged for table `path`; hold the folder's lock."""
        staged = staged_of(path)
        if path not in self._written:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._written[path] = append_lines(staged, lines.text, self._written.get(path), self._fsync)

    def ranges(self, path: Path, timeframe: Timeframe) -> tuple[Int64, Int64] | None:
        """Starts and ends of the half-open ranges that staged rows fill, rising; None where none are staged.

        Reads only what was added since the last call.
        """
        staged = staged_of(path)
        with self._lock:
            stamp = stamp_of(staged)
            if stamp is None or not stamp.size:
                self._known.pop(path, None)
                return None
            known = self._known.get(path)
            if known is not None and known.stamp == stamp:
                return known.starts, known.ends
            try:
                known = self._grown(staged, stamp, known, timeframe)
            except FileNotFoundError:
                return None  # settled meanwhile
            self._known[path] = known
            return known.starts, known.ends

    def _grown(self, staged: Path, stamp: FileStamp, known: _Known | None, timeframe: Timeframe) -> _Known:
        none = np.empty(0, np.int64)
        if known is None or stamp.size < known.offset or _before(staged, known.offset) != known.guard:
            known = _Known(FileStamp(0, 0), 0, b"", none, none)
        starts, ends, offset = [known.starts], [known.ends], known.offset
        for place, text in chunks(staged, known.offset, stamp.size):
            run_starts, run_ends = runs(_times(text)[0], timeframe)
            starts.append(run_starts)
            ends.append(run_ends)
            offset = place + len(text)
        joined = united(np.concatenate(starts), np.concatenate(ends))
        return _Known(stamp, offset, _before(staged, offset), *joined)


def _before(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, offset - _GUARD_BYTES))
        return file.read(min(offset, _GUARD_BYTES))


def runs(times: Int64, timeframe: Timeframe) -> tuple[Int64, Int64]:
    """Half-open ranges that bars at these times fill; times off the grid are left out."""
    times = np.unique(times[(times - timeframe.grid_offset_ms) % timeframe.ms == 0])
    if not len(times):
        return times, times
    breaks = np.flatnonzero(np.diff(times) != timeframe.ms)
    firsts = np.concatenate((np.zeros(1, np.intp), breaks + 1))
    lasts = np.concatenate((breaks, np.array([len(times) - 1], np.intp)))
    return times[firsts], times[lasts] + timeframe.ms


def united(starts: Int64, ends: Int64) -> tuple[Int64, Int64]:
    """Half-open ranges in any order as rising ones; those that overlap or touch become one."""
    if len(starts) < 2:
        return starts, ends
    order = np.argsort(starts, kind="stable")
    starts, reach = starts[order], np.maximum.accumulate(ends[order])
    apart = starts[1:] > reach[:-1]
    firsts = np.concatenate((np.ones(1, np.bool_), apart))
    lasts = np.concatenate((apart, np.ones(1, np.bool_)))
    return starts[firsts], reach[lasts]


def clear_staged(path: Path, stamp: FileStamp) -> bool:
    """Delete the rows staged for table `path` unless more were added since `stamp`; hold the folder's lock.

    False where they stay for now: they are in the table and are passed over the next time.
    """
    staged = staged_of(path)
    if stamp_of(staged) != stamp:
        return False
    try:
        staged.unlink()
    except PermissionError:
        try:
            os.truncate(staged, 0)  # somebody reads it: on Windows it cannot be deleted now
        except OSError:
            return False
    return True
