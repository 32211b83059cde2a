"""Reading bars: from the column cache where it fits the CSV, from the grown end, or from the whole text."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.market import Candles, Timeframe
from tradebot.engine.store import column_cache
from tradebot.engine.store.column_cache import CacheEntry, CacheHeader
from tradebot.engine.store.layout import FileStamp, journal_of, staged_of, table_kind
from tradebot.engine.store.lineage import Lineage
from tradebot.engine.store.locks import FolderLock
from tradebot.engine.store.parsing import Columns, parse_bars, split_parts
from tradebot.engine.store.side_files import read_journal
from tradebot.engine.store.staging import staged_lines


@contextmanager
def open_to_read(path: Path) -> Iterator[BinaryIO]:
    """The open file; FileNotFoundError, InputError where it is a folder, locked even for reading, or its disk fails."""
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InputError(_unreadable(path, error)) from None


def _unreadable(path: Path, error: OSError) -> str:
    if path.is_dir():
        return f"{path} is a folder, expected a CSV file; move it elsewhere."
    if isinstance(error, PermissionError):
        return (
            f"{path} cannot be read because another program locks it or reading is not allowed; "
            "close that program, then try again."
        )
    return f"{path} cannot be read from its disk; check the disk, then try again."


def read_file(path: Path, start: int = 0) -> tuple[FileStamp, bytes]:
    """State and content (from byte `start`) of a file that others may be appending to.

    FileNotFoundError where there is none, InputError where it is a folder, is locked even for reading, or its disk
    fails.
    """
    with open_to_read(path) as file:
        stamp = FileStamp.of(os.fstat(file.fileno()))
        file.seek(start)
        return stamp, file.read(max(0, stamp.size - start))


def _read_parts(path: Path) -> tuple[FileStamp, bytes, bytes]:
    """State, first line and rest of a file: a year of minutes is not copied to take the header off."""
    with open_to_read(path) as file:
        stamp = FileStamp.of(os.fstat(file.fileno()))
        first = file.readline()
        if not first.endswith(b"\n"):
            return stamp, b"", first
        return stamp, first, file.read(max(0, stamp.size - len(first)))


class BarReader:
    """Loads the bars of one CSV through its cache. With `read_only` no cache is written."""

    def __init__(
        self, cache_folder: Callable[[Path], Path], lock: FolderLock, lineage: Lineage, read_only: bool
    ) -> None:
        self._cache_folder = cache_folder
        self._lock = lock
        self._lineage = lineage
        self._read_only = read_only

    def load(self, path: Path, timeframe: Timeframe) -> Candles:
        """All bars of the file, of its journal and those staged beside it.

        FileNotFoundError; InputError with the line of a bad row.
        """
        journal, staged = read_journal(path).lines, staged_lines(path)
        try:
            candles = self._load_file(path, timeframe)
        except FileNotFoundError:
            if not len(journal) and not len(staged):
                raise
            candles = Candles.empty(timeframe)
        for lines, name in ((journal, journal_of(path)), (staged, staged_of(path))):
            if len(lines):
                waiting = parse_bars(lines.text, name, timeframe, 1, kind=table_kind(path))
                candles = merged(candles, waiting.candles(timeframe))
        return candles

    def _load_file(self, path: Path, timeframe: Timeframe) -> Candles:
        stamp = FileStamp.of(path.stat())
        entry = column_cache.newest(self._cache_folder(path))
        if entry is not None:
            candles = self._from_cache(path, timeframe, stamp, entry)
            if candles is not None:
                return candles
        return self._from_text(path, timeframe)

    def _from_cache(
        self, path: Path, timeframe: Timeframe, stamp: FileStamp, entry: CacheEntry
    ) -> Candles | None:
        """Bars by the cache, after taking in what was appended since; None where the file is another one."""
        header = entry.header
        candles = column_cache.read(entry, timeframe)
        if candles is None:
            return None
        if header.stamp == stamp:
            self._lineage.read(path, stamp)
            return candles
        if stamp.size < header.offset:
            return None
        if self._lineage.trusts(path, header.stamp, stamp):
            stamp_read, tail = read_file(path, header.offset)
            if stamp_read != stamp:
                return None
        else:
            stamp_read, data = read_file(path)
            if zlib.crc32(memoryview(data)[: header.offset]) != header.prefix_checksum:
                return None
            tail = data[header.offset :]
        grown = self._grown(path, timeframe, stamp_read, entry, candles, tail)
        self._lineage.read(path, stamp_read)
        return grown

    def _grown(
        self,
        path: Path,
        timeframe: Timeframe,
        stamp: FileStamp,
        entry: CacheEntry,
        candles: Candles,
        tail: bytes,
    ) -> Candles:
        complete = tail[: tail.rfind(b"\n") + 1]
        last = int(candles.time[-1]) if len(candles) else -1
        first_line = len(candles) + 2
        text = complete.replace(b"\r\n", b"\n")
        columns = parse_bars(text, path, timeframe, first_line, last, table_kind(path))
        header = replace(
            entry.header,
            stamp=stamp,
            offset=entry.header.offset + len(complete),
            prefix_checksum=zlib.crc32(complete, entry.header.prefix_checksum),
        )
        if self._read_only:
            return joined(candles, columns).candles(timeframe)
        try:
            with self._lock.held():
                unchanged = column_cache.newest(entry.path.parent) == entry
                extended = column_cache.extend(entry, header, columns) if unchanged else None
        except (OSError, ShortfallError):
            unchanged, extended = False, None
        if unchanged and extended is None:
            return self._store(path, timeframe, header, joined(candles, columns))
        reread = column_cache.read(extended, timeframe) if extended is not None else None
        return reread if reread is not None else joined(candles, columns).candles(timeframe)

    def _from_text(self, path: Path, timeframe: Timeframe) -> Candles:
        stamp, first, rest = _read_parts(path)
        text = split_parts(first, rest, path, table_kind(path))
        with ThreadPoolExecutor(1) as helper:
            # Both let other threads run, so on two cores the checksum costs no time.
            read = memoryview(rest)[: text.end - len(first)]
            checksum = helper.submit(zlib.crc32, read, zlib.crc32(first))
            columns = parse_bars(text.body, path, timeframe, kind=table_kind(path))
        self._lineage.read(path, stamp)
        if self._read_only:
            return columns.candles(timeframe)
        header = CacheHeader(timeframe.ms, stamp, text.end, checksum.result(), len(columns), 0, 0)
        return self._store(path, timeframe, header, columns)

    def _store(self, path: Path, timeframe: Timeframe, header: CacheHeader, columns: Columns) -> Candles:
        """A new generation; where the disk refuses, the columns as they are in memory."""
        folder = self._cache_folder(path)
        try:
            temporary = column_cache.write(folder, replace(header, rows=len(columns)), columns)
            with self._lock.held():
                entry = column_cache.adopt(folder, temporary)
        except (OSError, ShortfallError):
            entry = None
        candles = column_cache.read(entry, timeframe) if entry is not None else None
        return candles if candles is not None else columns.candles(timeframe)


def joined(candles: Candles, columns: Columns) -> Columns:
    """Columns of bars followed by later ones."""
    values = (candles.open, candles.high, candles.low, candles.close, candles.volume, candles.turnover)
    pairs = zip(values, columns.values, strict=True)
    return Columns(
        np.concatenate((candles.time, columns.time)), tuple(np.concatenate(pair) for pair in pairs)
    )


def merged(first: Candles, second: Candles) -> Candles:
    """Bars of both in rising order; at equal times those of `first`."""
    every = joined(
        first,
        Columns(
            second.time, (second.open, second.high, second.low, second.close, second.volume, second.turnover)
        ),
    )
    order = np.argsort(every.time, kind="stable")
    time = every.time[order]
    order = order[np.concatenate((np.ones(1, np.bool_), time[1:] != time[:-1]))]
    return Columns(every.time[order], tuple(column[order] for column in every.values)).candles(
        first.timeframe
    )
