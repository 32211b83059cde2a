"""What the datasets of a folder hold, known cheaply: rows, span, gaps, coverage.

The times of a file are scanned once; after that only what was appended. What was found is kept in one small file,
so that opening 1,650 datasets takes less than a second. It is a convenience like the column cache: it may be deleted
at any time. What has not been scanned yet is estimated from the head and the tail of the file and marked so.
"""

from __future__ import annotations

import json
import threading
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tradebot.engine.control.errors import InputError
from tradebot.engine.control.files import write_atomically
from tradebot.engine.market import DatasetKey, Int64, Timeframe
from tradebot.engine.store.layout import FileStamp, table_kind
from tradebot.engine.store.lines import IrregularLineError, scan_times
from tradebot.engine.store.parsing import split_table
from tradebot.engine.store.reading import read_file
from tradebot.engine.store.staging import united

COVERAGE_BUCKETS = 24
_VERSION = 1
_GUARD_BYTES = 64
_KEPT_GAPS = 1000


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """One dataset as a list shows it.

    `first_ms` and `last_ms` are open times of the first and last bar (None without bars). `missing_rows` bars are
    missing in `gap_count` gaps between them; `coverage` is the share present in each of 24 equal slices of the
    span. Until the file was scanned, `exact` is False: rows are estimated, gaps and coverage None and empty.
    `problem` says why the file cannot be read, where it cannot.
    """

    key: DatasetKey
    path: Path
    bytes: int
    rows: int
    first_ms: int | None
    last_ms: int | None
    gap_count: int | None
    missing_rows: int | None
    coverage: tuple[float, ...]
    exact: bool
    problem: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """The times of one file in short: state, bytes of complete lines, rows, span and gaps.

    `gap_starts` and `gap_ends` are the half-open ranges without bars, rising (at most the 1,000 largest when read
    back from disk: `all_gaps` tells). `guard` is the checksum of the bytes just before `offset`: while it holds, the
    file has only grown.
    """

    stamp: FileStamp
    offset: int
    guard: int
    rows: int
    first_ms: int
    last_ms: int
    gap_count: int
    missing_rows: int
    gap_starts: Int64
    gap_ends: Int64
    all_gaps: bool = True

    def missing(self, start_ms: int, end_ms: int, timeframe: Timeframe) -> list[tuple[int, int]]:
        """Half-open ranges on the grid inside [start, end) without bars."""
        low, high = timeframe.ceil(start_ms), timeframe.ceil(end_ms)
        if low >= high:
            return []
        if not self.rows:
            return [(low, high)]
        after = self.last_ms + timeframe.ms
        ranges = [(low, min(high, self.first_ms))]
        inside = (self.gap_ends > low) & (self.gap_starts < high)
        gaps = zip(self.gap_starts[inside].tolist(), self.gap_ends[inside].tolist(), strict=True)
        ranges += [(max(low, start), min(high, end)) for start, end in gaps]
        ranges.append((max(low, after), high))
        return [(start, end) for start, end in ranges if start < end]

    def coverage(self, timeframe: Timeframe) -> tuple[float, ...]:
        """Share of bars present in each of 24 equal slices of the span."""
        if not self.rows:
            return ()
        if not len(self.gap_starts):
            return (1.0,) * COVERAGE_BUCKETS
        edges = np.linspace(self.first_ms, self.last_ms + timeframe.ms, COVERAGE_BUCKETS + 1)
        borders = np.column_stack((self.gap_starts, self.gap_ends)).ravel().astype(np.float64)
        lengths = np.cumsum((self.gap_ends - self.gap_starts).astype(np.float64))
        missing_before = np.column_stack((np.concatenate((np.zeros(1), lengths[:-1])), lengths)).ravel()
        missing = np.diff(np.interp(edges, borders, missing_before))
        return tuple(np.clip(1.0 - missing / np.diff(edges), 0.0, 1.0).tolist())

    def info(self, key: DatasetKey, path: Path) -> DatasetInfo:
        """As a list shows it."""
        return DatasetInfo(
            key,
            path,
            self.stamp.size,
            self.rows,
            self.first_ms if self.rows else None,
            self.last_ms if self.rows else None,
            self.gap_count,
            self.missing_rows,
            self.coverage(key.timeframe),
            exact=True,
        )


def summary_of(times: Int64, timeframe: Timeframe, stamp: FileStamp, offset: int, guard: int) -> Summary:
    """Summary of rising times on the grid."""
    if not len(times):
        none = np.empty(0, np.int64)
        return Summary(stamp, offset, guard, 0, -1, -1, 0, 0, none, none)
    breaks = np.flatnonzero(np.diff(times) != timeframe.ms)
    starts, ends = times[breaks] + timeframe.ms, times[breaks + 1]
    missing = int((ends - starts).sum()) // timeframe.ms
    return Summary(
        stamp, offset, guard, len(times), int(times[0]), int(times[-1]), len(starts), missing, starts, ends
    )


def with_ranges(known: Summary, starts: Int64, ends: Int64, timeframe: Timeframe) -> Summary:
    """Summary of what was known and of bars that fill further half-open ranges on the grid, in any order.

    `known` must have all its gaps.
    """
    if not len(starts):
        return known
    if known.rows:
        after = np.array([known.last_ms + timeframe.ms], dtype=np.int64)
        first = np.array([known.first_ms], dtype=np.int64)
        starts = np.concatenate((first, known.gap_ends, starts))
        ends = np.concatenate((known.gap_starts, after, ends))
    starts, ends = united(starts, ends)
    gap_starts, gap_ends = ends[:-1], starts[1:]
    rows = int((ends - starts).sum()) // timeframe.ms
    missing = int((gap_ends - gap_starts).sum()) // timeframe.ms
    return replace(
        known,
        rows=rows,
        first_ms=int(starts[0]),
        last_ms=int(ends[-1]) - timeframe.ms,
        gap_count=len(gap_starts),
        missing_rows=missing,
        gap_starts=gap_starts,
        gap_ends=gap_ends,
    )


def _extended(
    known: Summary, times: Int64, timeframe: Timeframe, stamp: FileStamp, offset: int, guard: int
) -> Summary:
    """Summary of what was known and later times."""
    if not known.rows or not len(times):
        base = summary_of(times, timeframe, stamp, offset, guard)
        return base if not known.rows else replace(known, stamp=stamp, offset=offset, guard=guard)
    rows, last_ms = known.rows + len(times), int(times[-1])
    if last_ms == known.last_ms + len(times) * timeframe.ms:
        return replace(known, stamp=stamp, offset=offset, guard=guard, rows=rows, last_ms=last_ms)
    later = summary_of(np.insert(times, 0, known.last_ms), timeframe, stamp, offset, guard)
    return replace(
        later,
        rows=rows,
        first_ms=known.first_ms,
        gap_count=known.gap_count + later.gap_count,
        missing_rows=known.missing_rows + later.missing_rows,
        gap_starts=np.concatenate((known.gap_starts, later.gap_starts)),
        gap_ends=np.concatenate((known.gap_ends, later.gap_ends)),
        all_gaps=known.all_gaps,
    )


def _guard(data: bytes, offset: int) -> int:
    return zlib.crc32(data[max(0, offset - _GUARD_BYTES) : offset])


def scan(path: Path, timeframe: Timeframe, known: Summary | None) -> Summary | None:
    """Summary of the file now, reading only its growth where `known` still fits; None where rows break the rules.

    FileNotFoundError; InputError where the header is not the contract's.
    """
    if known is not None:
        first = max(0, known.offset - _GUARD_BYTES)
        stamp, data = read_file(path, first)
        kept = known.offset - first
        if stamp.size >= known.offset and zlib.crc32(data[:kept]) == known.guard:
            end = max(kept, data.rfind(b"\n") + 1)
            times = _sound_times(data[kept:end], timeframe, known.last_ms)
            if times is None:
                return None
            return _extended(known, times, timeframe, stamp, first + end, _guard(data, end))
    stamp, data = read_file(path)
    text = split_table(data, path, table_kind(path))
    times = _sound_times(text.body, timeframe, -1)
    return None if times is None else summary_of(times, timeframe, stamp, text.end, _guard(data, text.end))


def _sound_times(body: bytes, timeframe: Timeframe, previous_ms: int) -> Int64 | None:
    try:
        times = scan_times(body)
    except IrregularLineError:
        return None
    if not len(times):
        return times
    rising = times[0] > previous_ms and bool(np.all(times[1:] > times[:-1]))
    on_grid = bool(np.all((times - timeframe.grid_offset_ms) % timeframe.ms == 0))
    return times if rising and on_grid else None


class Inventory:
    """Summaries of the files of one data folder, in memory and in its `.inventory.json`."""

    def __init__(self, file: Path, read_only: bool) -> None:
        self._file = file
        self._read_only = read_only
        self._lock = threading.Lock()
        self._known: dict[str, Summary] | None = None
        self._hashes: dict[str, dict[str, str]] = {}
        self._shown: dict[str, tuple[Summary, DatasetInfo]] = {}
        self._unsaved_bytes = 0

    def exact(self, path: Path, timeframe: Timeframe) -> Summary | None:
        """Summary of the file as it is now; None where rows break the rules (load says which)."""
        name = self._name(path)
        with self._lock:
            known = self._summaries().get(name)
        stamp = FileStamp.of(path.stat())
        if known is not None and not known.all_gaps:
            known = None
        if known is not None and known.stamp == stamp:
            return known
        summary = scan(path, timeframe, known)
        self._keep(name, summary, known)
        return summary

    def cheap(
        self, key: DatasetKey, path: Path, stamp: FileStamp, budget_bytes: int
    ) -> tuple[DatasetInfo, int]:
        """As a list shows it, and the bytes read: at most `budget_bytes` beside head and tail.

        See `DatasetInfo.exact` for a file that would need more.
        """
        name = self._name(path)
        with self._lock:
            known = self._summaries().get(name)
        if known is not None and known.stamp == stamp:
            return self._info(name, known, key, path), 0
        grown = stamp.size - known.offset if known is not None else stamp.size
        try:
            if not 0 <= grown <= budget_bytes:
                return _estimate(key, path, stamp), 0
            summary = scan(path, key.timeframe, known)
        except InputError as error:
            return _unreadable(key, path, stamp, error.sentence), 0
        self._keep(name, summary, known)
        if summary is None:
            problem = f"{path} holds rows that break the rules; `tradebot data check` lists them."
            return _unreadable(key, path, stamp, problem), stamp.size
        return self._info(name, summary, key, path), grown

    def content_hash(self, path: Path, stamps: tuple[FileStamp | None, ...]) -> str | None:
        """The hash that was kept for the file in this state, None where none was."""
        with self._lock:
            self._summaries()
            return self._hashes.get(self._name(path), {}).get(_stamps_text(stamps))

    def keep_hash(self, path: Path, stamps: tuple[FileStamp | None, ...], digest: str) -> None:
        """Keep the hash of the file's content in this state, in place of that of an earlier one."""
        with self._lock:
            self._summaries()
            self._hashes[self._name(path)] = {_stamps_text(stamps): digest}
            self._unsaved_bytes += sum(stamp.size for stamp in stamps if stamp is not None)

    def save(self, least_bytes: int = 0) -> None:
        """Write the file when at least that many bytes were scanned since it was last written."""
        with self._lock:
            if self._read_only or self._known is None or self._unsaved_bytes <= least_bytes:
                return
            content = {
                "version": _VERSION,
                "files": {name: _to_json(summary) for name, summary in self._known.items()},
                "hashes": self._hashes,
            }
            self._unsaved_bytes = 0
            try:
                write_atomically(self._file, json.dumps(content))
            except OSError:
                return  # only a convenience; the next listing tries again

    def _info(self, name: str, summary: Summary, key: DatasetKey, path: Path) -> DatasetInfo:
        """The summary as a list shows it, worked out once."""
        shown = self._shown.get(name)
        if shown is None or shown[0] is not summary:
            shown = self._shown[name] = (summary, summary.info(key, path))
        return shown[1]

    def _name(self, path: Path) -> str:
        return f"{path.parent.name}/{path.name}"

    def _keep(self, name: str, summary: Summary | None, known: Summary | None) -> None:
        with self._lock:
            summaries = self._summaries()
            if summary is None:
                summaries.pop(name, None)
                return
            summaries[name] = summary
            self._unsaved_bytes += summary.offset - (known.offset if known is not None else 0)

    def _summaries(self) -> dict[str, Summary]:
        if self._known is None:
            self._known = {}
            try:
                content = json.loads(self._file.read_bytes())
                if content["version"] == _VERSION:
                    self._known = {name: _from_json(entry) for name, entry in content["files"].items()}
                    self._hashes = {name: dict(entry) for name, entry in content["hashes"].items()}
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                self._known = {}  # absent, of another version or damaged: the files are scanned again
        return self._known


def _stamps_text(stamps: tuple[FileStamp | None, ...]) -> str:
    return " ".join("-" if stamp is None else f"{stamp.size}:{stamp.mtime_ns}" for stamp in stamps)


def _to_json(summary: Summary) -> list[Any]:
    starts, ends, complete = summary.gap_starts, summary.gap_ends, summary.all_gaps
    if len(starts) > _KEPT_GAPS:
        largest = np.sort(np.argsort(ends - starts)[-_KEPT_GAPS:])
        starts, ends, complete = starts[largest], ends[largest], False
    return [
        summary.stamp.size,
        summary.stamp.mtime_ns,
        summary.offset,
        summary.guard,
        summary.rows,
        summary.first_ms,
        summary.last_ms,
        summary.gap_count,
        summary.missing_rows,
        starts.tolist(),
        ends.tolist(),
        complete,
    ]


def _from_json(entry: list[Any]) -> Summary:
    size, mtime_ns, *numbers, starts, ends, complete = entry
    if (
        len(numbers) != 7
        or len(starts) != len(ends)
        or not all(isinstance(number, int) for number in numbers)
    ):
        raise ValueError("not an entry of the inventory")
    gap_starts, gap_ends = np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64)
    offset, guard, rows, first_ms, last_ms, gap_count, missing_rows = numbers
    return Summary(
        FileStamp(size, mtime_ns),
        offset,
        guard,
        rows,
        first_ms,
        last_ms,
        gap_count,
        missing_rows,
        gap_starts,
        gap_ends,
        bool(complete),
    )


def _unreadable(key: DatasetKey, path: Path, stamp: FileStamp, problem: str) -> DatasetInfo:
    return DatasetInfo(key, path, stamp.size, 0, None, None, None, None, (), exact=False, problem=problem)


def _estimate(key: DatasetKey, path: Path, stamp: FileStamp) -> DatasetInfo:
    """Rows and span from the first and the last lines of the file."""
    with path.open("rb") as file:
        head = file.read(4096)
        file.seek(max(0, stamp.size - 4096))
        tail = file.read()
    try:
        begin = split_table(head, path, table_kind(path)).body
        end = tail[tail.find(b"\n") + 1 : tail.rfind(b"\n") + 1]
        times = scan_times(begin), scan_times(end)
    except InputError as error:
        return _unreadable(key, path, stamp, error.sentence)
    except IrregularLineError:
        return _unreadable(
            key, path, stamp, f"{path} holds lines without a timestamp; `tradebot data check` lists them."
        )
    lines = len(times[0]) + len(times[1])
    if not len(times[0]) or not len(times[1]):
        return DatasetInfo(key, path, stamp.size, 0, None, None, None, None, (), exact=False)
    first, last = int(times[0][0]), int(times[1][-1])
    by_size = round(stamp.size * lines / (len(begin) + len(end)))
    rows = max(1, min(by_size, (last - first) // key.timeframe.ms + 1))
    return DatasetInfo(key, path, stamp.size, rows, first, last, None, None, (), exact=False)
