"""Rows of a table as lines of text with the time of each: what is appended, merged and imported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tradebot.engine.market import BarPage, BarRow, Int64
from tradebot.engine.store.layout import BARS, MARK_BARS, TableKind

STAMP_DIGITS = 13
_FEW_BLOCKS = 10_000
_SHORT_BYTES = 2_000


class IrregularLineError(ValueError):
    """A line does not begin with a whole number and a comma."""


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Text lines, each with its line end, and the UTC ms they begin with; any order."""

    text: bytes
    times: Int64

    def __len__(self) -> int:
        return len(self.times)

    @classmethod
    def of_bars(cls, rows: Sequence[BarRow], kind: TableKind = BARS) -> Lines:
        """Lines of bar rows in the given order; those of MARK_BARS end with the close."""
        if isinstance(rows, BarPage) and rows.mark is (kind is MARK_BARS):
            return cls(rows.text, rows.times)
        if kind is MARK_BARS:
            text = "".join([f"{row[0]},{row[1]},{row[2]},{row[3]},{row[4]}\n" for row in rows])
            return cls(text.encode(), np.array([row[0] for row in rows], dtype=np.int64))
        text = "".join(
            [
                f"{time_ms},{open_},{high},{low},{close},{volume},{turnover}\n"
                for time_ms, open_, high, low, close, volume, turnover in rows
            ]
        )
        return cls(text.encode(), np.array([row[0] for row in rows], dtype=np.int64))

    @classmethod
    def of_text(cls, text: bytes) -> Lines:
        """Lines of complete text; IrregularLineError where one has no timestamp."""
        return cls(text, scan_times(text))

    def starts(self) -> Int64:
        """Offsets of the lines in `text`, and its end: one more than there are lines."""
        return line_starts(self.text)

    def chosen(self, positions: npt.NDArray[np.intp]) -> Lines:
        """The lines at these positions, in this order."""
        if len(positions) == len(self) and bool(np.all(positions == np.arange(len(self)))):
            return self
        return Lines(take_lines(self.text, self.starts(), positions), self.times[positions])

    def after(self, time_ms: int) -> Lines:
        """The lines later than `time_ms`, in their order."""
        return self.chosen(np.flatnonzero(self.times > time_ms))

    def sorted_unique(self) -> Lines:
        """In rising order; of lines with the same time the first given stays."""
        times = self.times
        if len(times) < 2 or bool(np.all(times[1:] > times[:-1])):
            return self
        order = np.argsort(times, kind="stable")
        ordered = times[order]
        first = np.concatenate(([True], ordered[1:] != ordered[:-1]))
        return self.chosen(order[first])


NO_LINES = Lines(b"", np.empty(0, np.int64))


def join(first: Lines, second: Lines) -> Lines:
    """Both, in this order."""
    return Lines(first.text + second.text, np.concatenate((first.times, second.times)))


def line_starts(text: bytes) -> Int64:
    """Offsets of the lines of complete text, and its end."""
    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n")) + 1
    return np.concatenate((np.zeros(1, np.int64), ends.astype(np.int64, copy=False)))


def take_lines(text: bytes, starts: Int64, positions: npt.NDArray[np.intp]) -> bytes:
    """The lines at these positions; neighbours that stay together are copied as one block."""
    if not len(positions):
        return b""
    breaks = np.flatnonzero(np.diff(positions) != 1) + 1
    if len(breaks) > _FEW_BLOCKS:
        lines = np.array(text.split(b"\n"), dtype=object)
        return b"\n".join([*lines[positions].tolist(), b""])
    firsts = positions[np.concatenate((np.zeros(1, np.intp), breaks))]
    lasts = positions[np.concatenate((breaks - 1, np.array([len(positions) - 1], np.intp)))]
    view = memoryview(text)
    spans = zip(starts[firsts].tolist(), starts[lasts + 1].tolist(), strict=True)
    return b"".join([view[low:high] for low, high in spans])


def scan_times(text: bytes) -> Int64:
    """The timestamp that each line begins with; IrregularLineError where one has none."""
    if not text:
        return np.empty(0, np.int64)
    if len(text) < _SHORT_BYTES:
        return _scan_slowly(text)
    starts = line_starts(text)
    first = starts[:-1]
    data = np.frombuffer(text, np.uint8)
    if int(np.diff(starts).min()) <= STAMP_DIGITS or not bool(np.all(data[first + STAMP_DIGITS] == ord(","))):
        return _scan_slowly(text)
    times = np.zeros(len(first), np.int64)
    for place in range(STAMP_DIGITS):
        digits = data[first + place]
        if digits.min() < ord("0") or digits.max() > ord("9"):
            raise IrregularLineError
        times *= 10
        times += digits - np.int64(ord("0"))
    return times


def _scan_slowly(text: bytes) -> Int64:
    stamps = [line.partition(b",")[0] for line in text.removesuffix(b"\n").split(b"\n")]
    if not all(stamp.isdigit() and len(stamp) <= STAMP_DIGITS for stamp in stamps):
        raise IrregularLineError
    return np.array([int(stamp) for stamp in stamps], dtype=np.int64)


def merge_sorted(existing: Lines, newer: Lines) -> Lines:
    """Both in rising order, each already rising; of equal times the existing line stays."""
    if not len(newer):
        return existing
    if not len(existing):
        return newer
    return join(existing, newer).sorted_unique()
