"""The binary columns of a CSV, memory-mapped: the second load of a year of minutes takes a few milliseconds.

One folder for each dataset, one file for each generation: a file that is open or mapped can be neither replaced nor
deleted on Windows, so a rebuilt cache is a new file, and older ones go when nobody holds them. Rows that are only
appended are written into spare room of the newest file; what a mapping already shows never changes.

File: 4,096 bytes of header, then seven columns of `capacity` 8-byte values (time int64, the others float64).
"""

from __future__ import annotations

import mmap
import os
import re
import struct
import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tradebot.engine.market import Candles, Float64, Int64, Timeframe
from tradebot.engine.store.layout import FileStamp
from tradebot.engine.store.parsing import Columns

_MAGIC = b"TBCOLUMN"
_VERSION = 1
_FIELDS = struct.Struct("<8sIIqqqqqqQ")
_HEADER_BYTES = 4096
_COLUMNS = 7
_PAGE_ROWS = 512
_HOUR_NS = 3600 * 10**9
_NAME = re.compile(r"(\d{6,})\.columns")
_Words = npt.NDArray[np.uint64]
_Column = Int64 | Float64


@dataclass(frozen=True, slots=True)
class CacheHeader:
    """What a cache file says of itself.

    `stamp` is the CSV's state when it was read, `offset` the bytes of complete lines read, `prefix_checksum` the
    CRC-32 of these bytes, `page_sum` the wrapping sum of one value from every page of the rows: a page that never
    reached the disk before a power cut shows in it.
    """

    timeframe_ms: int
    stamp: FileStamp
    offset: int
    prefix_checksum: int
    rows: int
    capacity: int
    page_sum: int

    def packed(self) -> bytes:
        """The header's bytes with their own checksum."""
        data = _FIELDS.pack(
            _MAGIC,
            _VERSION,
            self.prefix_checksum,
            self.timeframe_ms,
            self.stamp.size,
            self.stamp.mtime_ns,
            self.offset,
            self.rows,
            self.capacity,
            self.page_sum,
        )
        return data + struct.pack("<I", zlib.crc32(data))

    @classmethod
    def unpacked(cls, data: bytes) -> CacheHeader | None:
        """The header in these bytes, None where they are none of this version."""
        size = _FIELDS.size
        if len(data) < size + 4 or struct.unpack_from("<I", data, size)[0] != zlib.crc32(data[:size]):
            return None
        magic, version, checksum, timeframe_ms, *numbers = _FIELDS.unpack_from(data)
        if magic != _MAGIC or version != _VERSION:
            return None
        source_size, mtime_ns, offset, rows, capacity, page_sum = numbers
        return cls(timeframe_ms, FileStamp(source_size, mtime_ns), offset, checksum, rows, capacity, page_sum)


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """The newest readable generation of a dataset's cache."""

    path: Path
    header: CacheHeader


def newest(folder: Path) -> CacheEntry | None:
    """The newest generation whose header is sound, None where there is none."""
    for _, path in sorted(_generations(folder), reverse=True):
        try:
            with path.open("rb") as file:
                header = CacheHeader.unpacked(file.read(_FIELDS.size + 4))
                size = file.seek(0, os.SEEK_END)
        except OSError:
            continue
        if header is not None and size == _HEADER_BYTES + _COLUMNS * 8 * header.capacity:
            return CacheEntry(path, header)
    return None


def read(entry: CacheEntry, timeframe: Timeframe) -> Candles | None:
    """The mapped columns, None where the content does not fit the header."""
    header = entry.header
    if header.timeframe_ms != timeframe.ms or not 0 <= header.rows <= header.capacity:
        return None
    if header.rows == 0:
        return Candles.empty(timeframe)
    try:
        with entry.path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None
    time = np.frombuffer(mapped, np.int64, header.rows, _HEADER_BYTES)
    values = [
        np.frombuffer(mapped, np.float64, header.rows, _HEADER_BYTES + index * 8 * header.capacity)
        for index in range(1, _COLUMNS)
    ]
    if _page_sum([time, *values], 0) != header.page_sum:
        return None
    return Candles(timeframe, time, *values)


def write(folder: Path, header: CacheHeader, columns: Columns) -> Path:
    """Write the content of a new generation, with spare room for appended rows, under a name of its own."""
    capacity = header.rows + header.rows // 8 + _PAGE_ROWS
    header = replace(header, capacity=capacity, page_sum=_page_sum(_arrays(columns), 0))
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{os.getpid()}.{threading.get_ident()}.new"
    with temporary.open("wb") as file:
        file.write(header.packed())
        for index, column in enumerate(_arrays(columns)):
            file.seek(_HEADER_BYTES + index * 8 * capacity)
            file.write(np.ascontiguousarray(column).data)
        file.truncate(_HEADER_BYTES + _COLUMNS * 8 * capacity)
    return temporary


def adopt(folder: Path, temporary: Path) -> CacheEntry | None:
    """Make a written file the newest generation and delete older ones; hold the folder's lock."""
    older = sorted(_generations(folder))
    path = folder / f"{older[-1][0] + 1 if older else 1:06d}.columns"
    os.replace(temporary, path)
    for _, outdated in older:
        drop(outdated)
    written = path.stat().st_mtime_ns
    for leftover in folder.glob("*.new"):
        try:
            if written - leftover.stat().st_mtime_ns > _HOUR_NS:
                drop(leftover)
        except FileNotFoundError:
            continue  # another process has just put its own in place
    return newest(folder)


def extend(entry: CacheEntry, header: CacheHeader, columns: Columns) -> CacheEntry | None:
    """Write appended rows into the spare room; hold the folder's lock. None where they do not fit.

    `header` describes the CSV after the growth; `entry` must be the file's present state.
    """
    first = entry.header.rows
    if first + len(columns) > entry.header.capacity:
        return None
    arrays = _arrays(columns)
    page_sum = (entry.header.page_sum + _page_sum(arrays, first)) % 2**64
    header = replace(header, rows=first + len(columns), capacity=entry.header.capacity, page_sum=page_sum)
    with entry.path.open("r+b") as file:
        for index, column in enumerate(arrays):
            if len(column):
                file.seek(_HEADER_BYTES + 8 * (index * header.capacity + first))
                file.write(np.ascontiguousarray(column).data)
        # The header last: until it is there, the file describes the rows it had before.
        file.flush()
        file.seek(0)
        file.write(header.packed())
    return CacheEntry(entry.path, header)


def generation_files(folder: Path) -> list[Path]:
    """The files of all generations, oldest first."""
    return [path for _, path in sorted(_generations(folder))]


def drop(path: Path) -> None:
    """Delete a generation; where somebody still maps it, a later build does."""
    try:
        path.unlink()
    except OSError:
        return


def _generations(folder: Path) -> list[tuple[int, Path]]:
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:
        return []
    matches = ((_NAME.fullmatch(name), name) for name in names)
    return [(int(match[1]), folder / name) for match, name in matches if match]


def _arrays(columns: Columns) -> list[_Column]:
    return [columns.time, *columns.values]


def _page_sum(columns: Sequence[_Column], first_row: int) -> int:
    """Wrapping sum of the rows at every 512th position, of columns that begin at position `first_row`."""
    skip = -first_row % _PAGE_ROWS
    total = 0
    for column in columns:
        words: _Words = column[skip::_PAGE_ROWS].view(np.uint64)
        total += int(np.add.reduce(words, dtype=np.uint64))
    return total % 2**64
