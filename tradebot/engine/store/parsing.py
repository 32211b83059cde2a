"""From CSV text to columns: fast for good text, exact about the first bad line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Candles, Float64, Int64, Timeframe
from tradebot.engine.store.layout import BARS, TableKind
from tradebot.engine.store.lines import STAMP_DIGITS, IrregularLineError, line_starts, scan_times
from tradebot.engine.store.rows import RowProblem, bar_problem, form_problem, order_problem

BOM = b"\xef\xbb\xbf"
GZIP = b"\x1f\x8b"
# Below this, plain Python is faster than starting pandas' reader.
_SMALL_BYTES = 16_384
_BAR_VALUES = len(BARS.columns) - 1
_LEGAL = b"0123456789.,+-eE\n"
_FORBIDDEN = (b"\r", b" ", b"\t", b'"', b"\0")


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The columns of a table: times (UTC ms) and one float column for each other column of the kind."""

    time: Int64
    values: tuple[Float64, ...]

    def __len__(self) -> int:
        return len(self.time)

    def candles(self, timeframe: Timeframe) -> Candles:
        """The columns of a bar table as candles; volume and turnover of mark bars are NaN."""
        return Candles(timeframe, self.time, *self.padded().values)

    def padded(self) -> Columns:
        """With six columns of values whatever the kind of bars: those that mark bars lack are NaN."""
        absent = _BAR_VALUES - len(self.values)
        if absent <= 0:
            return self
        unknown = np.full(len(self.time), np.nan)
        return Columns(self.time, (*self.values, *[unknown] * absent))


@dataclass(frozen=True, slots=True)
class TableText:
    """The complete rows of a CSV file: `body` without header, `\\n` line ends; `end` = bytes of the file read.

    `torn` is text after the last line end, `untidy` says that the file has CRLF line ends or a byte order mark.
    """

    body: bytes
    end: int
    torn: bytes
    untidy: bool


def split_table(data: bytes, path: Path, kind: TableKind) -> TableText:
    """Take header and torn end off the content of a file; InputError where the header is not the contract's."""
    first_end = data.find(b"\n") + 1
    return split_parts(data[:first_end], data[first_end:], path, kind)


def split_parts(first: bytes, rest: bytes, path: Path, kind: TableKind) -> TableText:
    """`split_table` of a content that was read as first line (empty where it has no line end) and the rest."""
    untidy = first != kind.header
    if untidy:
        _check_unusual_header(first, rest, path, kind)
    length = rest.rfind(b"\n") + 1
    body = rest[:length]
    if b"\r" in body:
        body, untidy = body.replace(b"\r\n", b"\n"), True
    return TableText(body, len(first) + length, rest[length:], untidy)


def _check_unusual_header(first: bytes, rest: bytes, path: Path, kind: TableKind) -> None:
    expected = ",".join(kind.columns)
    if not first and not rest:
        raise InputError(
            f'{path} is empty, expected the header "{expected}" and rows; delete it and collect or import again.'
        )
    if (first + rest[:2]).startswith(GZIP):
        raise InputError(
            f"{path} is compressed (gzip), expected plain text; move it elsewhere and run "
            "`tradebot data import` on it."
        )
    cleaned = (first or rest).removeprefix(BOM).removesuffix(b"\n").removesuffix(b"\r")
    if first and cleaned == expected.encode():
        return
    shown = cleaned[:80].decode("utf-8", "replace")
    raise InputError(
        f'{path}, line 1: the header is "{shown}", expected "{expected}"; correct it, or move the file elsewhere '
        "and run `tradebot data import` on it."
    )


def parse_bars(
    body: bytes,
    path: Path,
    timeframe: Timeframe,
    first_line: int = 2,
    previous_ms: int = -1,
    kind: TableKind = BARS,
) -> Columns:
    """Columns of complete bar rows; InputError with file, line and reason for the first bad one.

    `previous_ms` is the time of the row before the first, which stands on line `first_line`. `kind` is BARS or
    MARK_BARS; there are always six columns of values, those that mark bars lack are NaN.
    """
    columns = parse_form(body, kind)
    if columns is not None and _first_bad_bar(columns, timeframe, previous_ms) is None:
        return columns.padded()
    raise _refusal(body, path, kind, timeframe, first_line, previous_ms)


def parse_funding(body: bytes, path: Path, kind: TableKind) -> Columns:
    """Columns of complete funding rows; InputError with file, line and reason for the first bad one."""
    columns = parse_form(body, kind)
    if columns is not None and bool(np.all(columns.time[1:] > columns.time[:-1])):
        return columns
    raise _refusal(body, path, kind, None, 2, -1)


def first_row_problem(
    lines: Iterable[bytes], kind: TableKind, timeframe: Timeframe | None, previous_ms: int
) -> tuple[int, RowProblem] | None:
    """Index and problem of the first row that breaks a rule, read line by line; None where none does."""
    for index, line in enumerate(lines):
        fields = line.decode("utf-8", "replace").split(",")
        problem = form_problem(fields, kind) if timeframe is None else bar_problem(fields, timeframe, kind)
        problem = problem or order_problem(previous_ms, int(fields[0]))
        if problem:
            return index, problem
        previous_ms = int(fields[0])
    return None


def _refusal(
    body: bytes, path: Path, kind: TableKind, timeframe: Timeframe | None, first_line: int, previous_ms: int
) -> InputError:
    lines = body.removesuffix(b"\n").split(b"\n")
    found = first_row_problem(lines, kind, timeframe, previous_ms)
    if found is None:
        raise AssertionError(f"{path}: the fast reader refused rows that the exact one accepts")
    index, problem = found
    return InputError(f"{path}, line {first_line + index}: {problem}; correct or delete that line.")


def parse_form(body: bytes, kind: TableKind) -> Columns | None:
    """Columns of complete rows, or None where the text does not have the form of the table (rules of bars aside)."""
    if not body:
        return Columns(np.empty(0, np.int64), tuple(np.empty(0) for _ in kind.columns[1:]))
    if len(body) < _SMALL_BYTES:
        columns = _parse_small(body, kind)
    elif any(mark in body for mark in _FORBIDDEN):
        columns = None
    else:
        columns = _parse_large(body, kind)
    if columns is None:
        return None
    *full, last = columns.values
    finite = all(bool(np.isfinite(column).all()) for column in full)
    last_finite = not np.isinf(last).any() if kind.optional_last else bool(np.isfinite(last).all())
    return columns if finite and last_finite else None


def _parse_small(body: bytes, kind: TableKind) -> Columns | None:
    if body.translate(None, _LEGAL):
        return None
    text = body.decode("ascii").removesuffix("\n")
    width = len(kind.columns)
    if any(line.count(",") != width - 1 for line in text.split("\n")):
        return None
    fields = text.replace("\n", ",").split(",")
    times = fields[::width]
    if kind.optional_last:
        fields[width - 1 :: width] = [field or "nan" for field in fields[width - 1 :: width]]
    try:
        values = tuple(
            np.array([float(field) for field in fields[index::width]], dtype=np.float64)
            for index in range(1, width)
        )
    except ValueError:
        return None
    if not all(0 < len(time) <= 13 and time.isdigit() for time in times):
        return None
    return Columns(np.array([int(time) for time in times], dtype=np.int64), values)


def _parse_large(body: bytes, kind: TableKind) -> Columns | None:
    import pandas as pd  # here, because it takes a third of a second

    options: dict[str, Any] = {}
    if tuple(int(part) for part in pd.__version__.split(".")[:2]) < (3, 1):
        options["float_precision"] = "round_trip"  # the default of older versions is off by a last digit
    # Looking for empty fields costs time, so only where there are any.
    text = np.frombuffer(body, np.uint8)
    starts = line_starts(body)
    empty = int(np.count_nonzero(text[starts[1:] - 2] == ord(","))) if kind.optional_last else 0
    if empty:
        options |= {"keep_default_na": False, "na_values": {kind.columns[-1]: [""]}}
    else:
        options["na_filter"] = False
    dtypes: dict[str, Any] = dict.fromkeys(kind.columns, "float64") | {"timestamp": "int64"}
    try:
        with np.errstate(all="ignore"):  # a timestamp beyond 64 bits is refused below, without a warning
            frame = pd.read_csv(
                io.BytesIO(body),
                header=None,
                names=list(kind.columns),
                dtype=dtypes,
                skip_blank_lines=False,
                quoting=csv.QUOTE_NONE,
                engine="c",
                **options,
            )
    except (ValueError, OverflowError, TypeError):
        return None
    values = tuple(frame[name].to_numpy() for name in kind.columns[1:])
    # A line with one value too many would make the first one an index; one too few an empty last one.
    if not isinstance(frame.index, pd.RangeIndex) or np.count_nonzero(np.isnan(values[-1])) != empty:
        return None
    time = frame["timestamp"].to_numpy()
    return Columns(time, values) if _plain_stamps(body, starts[:-1], time) else None


def _plain_stamps(body: bytes, starts: Int64, time: Int64) -> bool:
    """Whether the timestamps are written as whole numbers: pandas also takes 1.7e12 and 1700000000000.0 for one."""
    if b"e" not in body and b"E" not in body and time.min() >= 10 ** (STAMP_DIGITS - 1):
        # Thirteen characters before the comma and a number of thirteen digits: these are its digits.
        text = np.frombuffer(body, np.uint8)
        return bool(np.all(text[np.minimum(starts + STAMP_DIGITS, len(text) - 1)] == ord(",")))
    try:
        return bool(np.array_equal(scan_times(body), time))
    except IrregularLineError:
        return False


def _first_bad_bar(columns: Columns, timeframe: Timeframe, previous_ms: int) -> int | None:
    """Position of the first bar that breaks a rule of `bar_problem` or the order, None where none does."""
    if not len(columns):
        return None
    good = good_bars(columns, timeframe)
    good[0] &= columns.time[0] > previous_ms
    good[1:] &= columns.time[1:] > columns.time[:-1]
    return None if good.all() else int(np.argmin(good))


def good_bars(columns: Columns, timeframe: Timeframe) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """For each bar whether it keeps the rules of `bar_problem`; order left aside."""
    time = columns.time
    open_, high, low, close, *amounts = columns.values
    good = (time - timeframe.grid_offset_ms) % timeframe.ms == 0
    good &= (low > 0) & (low <= open_) & (low <= close) & (high >= open_) & (high >= close)
    for amount in amounts:
        good &= ~(amount < 0)
    return np.asarray(good)
