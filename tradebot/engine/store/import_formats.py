"""Texts of other layouts turned into lines of ours, whole columns at a time.

A year of minutes is half a million lines: fields are found, cut and shortened by numpy on the bytes, and no number
passes through a float, so that the digits stay those of the source (trailing zeros of fixed-width writers aside).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import counted
from tradebot.engine.market import MINUTE_MS, Int64
from tradebot.engine.store.rows import shown

_Bytes = npt.NDArray[np.uint8]
_MILLISECOND_DIGITS = 13
_MICROSECOND_DIGITS = 16
_SCIENTIFIC = re.compile(rb"(?<![^,\n])[+-]?(?:\d+\.?\d*|\.\d+)[eE][+-]?\d{1,3}(?![^,\n])")
_META_TRADER_STAMP = "YYYY.MM.DD HH:MM"
_META_TRADER_MARKS = {4: ".", 7: ".", 10: " ", 13: ":"}


@dataclass(slots=True, eq=False)
class Fields:
    """Lines of comma-separated text as bytes, with the end of each field; one row of `ends` for each line."""

    data: _Bytes
    ends: Int64
    path: Path
    first_line: int

    @classmethod
    def of(cls, body: bytes, path: Path, first_line: int, width: int) -> Fields:
        """Fields of complete lines that all have `width` values; InputError for the first line that has not."""
        data = np.frombuffer(body, np.uint8).copy()
        ends = np.flatnonzero((data == ord(",")) | (data == ord("\n"))).astype(np.int64)
        lines = body.count(b"\n")
        if len(ends) == lines * width and bool(np.all(data[ends[width - 1 :: width]] == ord("\n"))):
            return cls(data, ends.reshape(lines, width), path, first_line)
        for number, line in enumerate(body.removesuffix(b"\n").split(b"\n"), start=first_line):
            found = line.count(b",") + 1
            if found != width:
                what = "the line is empty" if not line else counted(found, "value")
                raise InputError(
                    f"{path}, line {number}: {what}, expected {width}; correct or delete that line."
                )
        raise AssertionError(f"{path}: lines were refused that all have {width} values")

    def starts(self, column: int) -> Int64:
        """Where the fields of a column begin."""
        if column:
            return self.ends[:, column - 1] + 1
        return np.concatenate((np.zeros(1, np.int64), self.ends[:-1, -1] + 1))

    def text(self, row: int, column: int) -> str:
        """One field."""
        start, end = int(self.starts(column)[row]), int(self.ends[row, column])
        return self.data[start:end].tobytes().decode("utf-8", "replace")

    def refuse(self, bad: npt.NDArray[np.bool_], column: int, name: str, expected: str) -> None:
        """InputError for the first row marked bad, where there is one."""
        if bad.any():
            row = int(np.argmax(bad))
            raise InputError(
                f"{self.path}, line {self.first_line + row}: the {name} is {shown(self.text(row, column))}, "
                f"expected {expected}; correct or delete that line."
            )


class Cut:
    """Collects the byte ranges that are left out, then builds the text of the rest."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._steps = np.zeros(len(fields.data) + 1, np.int8)

    def leave_out(self, starts: Int64, ends: Int64) -> None:
        """Leave out one range in each row; empty ranges are allowed."""
        some = ends > starts
        self._steps[starts[some]] += 1
        self._steps[ends[some]] -= 1

    def text(self) -> bytes:
        """What was not left out."""
        depth = np.cumsum(self._steps[:-1], dtype=np.int8)
        text: bytes = self._fields.data[depth == 0].tobytes()
        return text


def epoch_bars(fields: Fields, columns: Sequence[int], trim: bool) -> bytes:
    """Our lines from rows with epoch stamps; `columns` are the positions to keep, in rising order.

    Stamps are milliseconds or microseconds, all of them the same: a file that changes its unit is two files put
    together, and is refused with the line. `trim` shortens `92792.05000000` to `92792.05`.
    """
    cut = Cut(fields)
    _milliseconds(fields, columns[0], cut)
    if trim:
        for column in columns[1:]:
            _trim_zeros(fields, column, cut)
    for column in range(fields.ends.shape[1]):
        ends = fields.ends[:, column]
        if column in columns:
            fields.data[ends] = ord("\n") if column == columns[-1] else ord(",")
        else:
            cut.leave_out(fields.starts(column), ends + 1)
    return cut.text()


def _milliseconds(fields: Fields, column: int, cut: Cut) -> None:
    starts, ends = fields.starts(column), fields.ends[:, column]
    digits = ends - starts
    micro = digits == _MICROSECOND_DIGITS
    expected = "milliseconds (13 digits) or microseconds (16 digits) since 1970"
    fields.refuse(~micro & (digits != _MILLISECOND_DIGITS), column, "timestamp", expected)
    for place in range(_MILLISECOND_DIGITS):
        digit = fields.data[starts + place]
        fields.refuse((digit < ord("0")) | (digit > ord("9")), column, "timestamp", expected)
    if micro.any():
        unit = "microseconds (16 digits)" if micro[0] else "milliseconds (13 digits)"
        fields.refuse(micro != micro[0], column, "timestamp", f"{unit} like the rows before it")
        for place in range(_MILLISECOND_DIGITS, _MICROSECOND_DIGITS):
            at = np.where(micro, starts + place, starts)
            odd = micro & (fields.data[at] != ord("0"))
            fields.refuse(odd, column, "timestamp", "microseconds that are whole milliseconds")
        cut.leave_out(np.where(micro, starts + _MILLISECOND_DIGITS, ends), ends)


def _trim_zeros(fields: Fields, column: int, cut: Cut) -> None:
    starts, ends = fields.starts(column), fields.ends[:, column]
    data = fields.data
    dots = np.flatnonzero(data == ord("."))
    places = np.searchsorted(dots, starts)
    has_dot = np.zeros(len(starts), np.bool_)
    inside = places < len(dots)
    has_dot[inside] = dots[places[inside]] < ends[inside]
    trimmed = ends.copy()
    active = has_dot & (trimmed > starts)
    while True:
        zero = active & (data[trimmed - 1] == ord("0"))
        if not zero.any():
            break
        trimmed -= zero
        active = zero
    trimmed -= has_dot & (data[trimmed - 1] == ord(".")) & (trimmed - 1 > starts)
    cut.leave_out(trimmed, ends)


def meta_trader_bars(fields: Fields, clock_offset_ms: int) -> bytes:
    """Our lines from rows `YYYY.MM.DD HH:MM,o,h,l,c,v`, whose clock is `clock_offset_ms` ahead of UTC.

    The 16 characters of a stamp make room for 13 digits; one of the three left over becomes the line end of the
    row before, whose own line end becomes the comma of the empty turnover.
    """
    times = _meta_trader_times(fields, clock_offset_ms)
    starts = fields.starts(0)
    fields.data = np.concatenate((fields.data, np.array([ord("\n")], np.uint8)))
    cut = Cut(fields)
    for column in range(1, 6):
        _trim_zeros(fields, column, cut)
    rest = times.copy()
    for place in range(15, 2, -1):
        fields.data[starts + place] = (rest % 10 + ord("0")).astype(np.uint8)
        rest //= 10
    line_ends = fields.ends[:, -1]
    fields.data[line_ends] = ord(",")
    fields.data[line_ends + 1] = ord("\n")
    leading = starts + 1
    leading[0] = 0
    cut.leave_out(leading, starts + 3)
    return cut.text()


def _meta_trader_times(fields: Fields, clock_offset_ms: int) -> Int64:
    starts, data = fields.starts(0), fields.data
    expected = f"a time {_META_TRADER_STAMP}"
    fields.refuse(fields.ends[:, 0] - starts != len(_META_TRADER_STAMP), 0, "time", expected)

    def number(first: int, after: int) -> Int64:
        value = np.zeros(len(starts), np.int64)
        for place in range(first, after):
            digit = data[starts + place]
            fields.refuse((digit < ord("0")) | (digit > ord("9")), 0, "time", expected)
            value = value * 10 + digit - ord("0")
        return value

    for place, mark in _META_TRADER_MARKS.items():
        fields.refuse(data[starts + place] != ord(mark), 0, "time", expected)
    year, month, day = number(0, 4), number(5, 7), number(8, 10)
    hour, minute = number(11, 13), number(14, 16)
    wrong = (month < 1) | (month > 12) | (day < 1) | (hour > 23) | (minute > 59) | (year < 2002)
    fields.refuse(wrong, 0, "time", expected)
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + day - 1
    same_month = days.astype("datetime64[D]").astype("datetime64[M]") == months
    fields.refuse(~same_month, 0, "time", expected)
    minutes = (days * 24 + hour) * 60 + minute
    return np.asarray(minutes * MINUTE_MS - clock_offset_ms, dtype=np.int64)


def reordered(body: bytes, columns: Sequence[int | None]) -> bytes:
    """Lines of the chosen columns in this order, None for an empty one; line by line."""
    lines = []
    for line in body.removesuffix(b"\n").split(b"\n"):
        fields = line.split(b",")
        lines.append(b",".join([b"" if column is None else fields[column] for column in columns]))
    return b"\n".join(lines) + b"\n"


def with_column(body: bytes, column: int, values: Sequence[bytes]) -> bytes:
    """The lines with other values in one column."""
    lines = []
    for line, value in zip(body.removesuffix(b"\n").split(b"\n"), values, strict=True):
        fields = line.split(b",")
        fields[column] = value
        lines.append(b",".join(fields))
    return b"\n".join(lines) + b"\n"


def plain_numbers(lines: bytes) -> tuple[bytes, int, str]:
    """Lines with numbers such as `1.004e-05` written out (`0.00001004`), how many there were, and an example."""
    if b"e" not in lines and b"E" not in lines:
        return lines, 0, ""
    example = ""
    count = 0

    def plain(match: re.Match[bytes]) -> bytes:
        nonlocal example, count
        text = match[0].decode("ascii")
        written = format(Decimal(text), "f")
        example = example or f"{text} as {written}"
        count += 1
        return written.encode("ascii")

    return _SCIENTIFIC.sub(plain, lines), count, example
