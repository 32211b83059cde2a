"""Files of other programs, and of this one, brought into the data layer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Category, DatasetKey, Int64, Timeframe
from tradebot.engine.market.times import iso_minute, iso_ms
from tradebot.engine.store import import_formats
from tradebot.engine.store.import_formats import Fields
from tradebot.engine.store.import_source import NameHints, name_hints, plain_text, raw_content
from tradebot.engine.store.layout import (
    BARS,
    FUNDING,
    TableKind,
    checked_category,
    checked_symbol,
    checked_timeframe,
)
from tradebot.engine.store.lines import Lines
from tradebot.engine.store.parsing import Columns, good_bars, parse_form
from tradebot.engine.store.rows import bar_problem, form_problem

_META_TRADER_LINE = re.compile(rb"\d{4}\.\d\d\.\d\d \d\d:\d\d,")
_BINANCE_COLUMNS = (0, 1, 2, 3, 4, 5, 7)
_BINANCE_WIDTH = 12
_META_TRADER_WIDTH = 6
_ALIASES = {
    "open_time": "timestamp",
    "quote_volume": "turnover",
    "quote_asset_volume": "turnover",
}


class ImportFormat(Enum):
    """A layout of files that can be imported; the value is its name for people."""

    OURS = "tradebot CSV"
    FUNDING = "tradebot funding CSV"
    COLUMNS = "CSV with named columns"
    BINANCE = "Binance klines"
    META_TRADER = "MetaTrader bars"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the person states about a file; it overrides what the file's name says.

    `clock_offset_ms` is how far the file's clock is ahead of UTC; only files with dates instead of epoch stamps
    need it.
    """

    category: str | None = None
    symbol: str | None = None
    timeframe: str | None = None
    clock_offset_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. `first_ms`, `last_ms`, `gap_count` and `missing_rows` are those of the file's own rows."""

    file: Path
    format: ImportFormat
    category: Category
    symbol: str
    timeframe: Timeframe | None
    rows_read: int
    rows_added: int
    rows_existing: int
    duplicates: int
    first_ms: int
    last_ms: int
    gap_count: int
    missing_rows: int
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> DatasetKey | None:
        """The dataset of bars, None for funding payments."""
        return DatasetKey.of(self.category, self.symbol, self.timeframe) if self.timeframe else None

    @property
    def dataset(self) -> str:
        """The dataset's name, e.g. `spot/BTCUSDT_1m` or `linear/BTCUSDT_funding`."""
        return f"{self.category.value}/{self.symbol}_{self.timeframe.value if self.timeframe else 'funding'}"

    @property
    def sentence(self) -> str:
        """One sentence for a person."""
        what = "bars" if self.timeframe else "payments"
        parts = [f"{self.rows_added:,} {what} added"]
        if self.rows_existing:
            parts.append(f"{self.rows_existing:,} were there already")
        if self.duplicates:
            parts.append(f"{self.duplicates:,} doubled rows dropped")
        if self.gap_count:
            parts.append(f"{self.missing_rows:,} bars missing in {self.gap_count:,} gaps")
        span = f"{iso_minute(self.first_ms)} to {iso_minute(self.last_ms)} UTC"
        return f"{self.file.name} ({self.format.value}) to {self.dataset}: {', '.join(parts)}; {span}."

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "file": str(self.file),
            "format": self.format.value,
            "dataset": self.dataset,
            "rows_read": self.rows_read,
            "rows_added": self.rows_added,
            "rows_existing": self.rows_existing,
            "duplicates": self.duplicates,
            "first": iso_ms(self.first_ms),
            "last": iso_ms(self.last_ms),
            "gaps": self.gap_count,
            "missing_rows": self.missing_rows,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True, eq=False)
class ReadImport:
    """A file read and checked: rising unique lines of our layout, and the report as far as it is known."""

    lines: Lines
    report: ImportReport
    sha256: str


def read_import(path: Path, options: ImportOptions) -> ReadImport:
    """Read a file to import; InputError, with the line where one is wrong, for all that cannot be taken in."""
    raw = raw_content(path)
    hints = name_hints(path)
    text = plain_text(raw, path)
    notes: list[str] = []
    category = _category(options, hints, notes)
    if hints.is_mark:
        raise InputError(f"{path} holds mark prices; only traded bars and funding payments can be imported.")
    format_, first_line, ours = _our_lines(text, path, options, notes)
    kind = FUNDING if format_ is ImportFormat.FUNDING else BARS
    columns = _columns(ours, path, kind, first_line)
    if kind is BARS:
        timeframe = _timeframe(columns.time, path, options, hints)
        _check_bars(ours, columns, timeframe, path, first_line)
    else:
        timeframe = None
    symbol = _symbol(path, options, hints)
    lines, duplicates = _rising(ours, columns, path, first_line)
    if not bool(np.all(columns.time[1:] >= columns.time[:-1])):
        notes.append("The rows were not in order of time and were sorted.")
    breaks = np.diff(lines.times) if timeframe else np.empty(0, np.int64)
    gaps = (breaks[breaks != timeframe.ms] if timeframe else breaks).astype(np.int64)
    report = ImportReport(
        file=path,
        format=format_,
        category=category,
        symbol=symbol,
        timeframe=timeframe,
        rows_read=len(columns),
        rows_added=0,
        rows_existing=0,
        duplicates=duplicates,
        first_ms=int(lines.times[0]),
        last_ms=int(lines.times[-1]),
        gap_count=len(gaps),
        missing_rows=int((gaps // timeframe.ms - 1).sum()) if timeframe else 0,
        notes=tuple(notes),
    )
    return ReadImport(lines, report, hashlib.sha256(raw).hexdigest())


def _category(options: ImportOptions, hints: NameHints, notes: list[str]) -> Category:
    if options.category is not None:
        return checked_category(options.category)
    if hints.category is not None:
        return hints.category
    notes.append(
        "Neither the file nor its folder says the category; linear was taken (--category changes it)."
    )
    return Category.LINEAR


def _symbol(path: Path, options: ImportOptions, hints: NameHints) -> str:
    symbol = options.symbol if options.symbol is not None else hints.symbol
    if symbol is None:
        raise InputError(
            f"The name {path.name} does not say the symbol; state it with --symbol, e.g. BTCUSDT."
        )
    return checked_symbol(symbol)


def _our_lines(
    text: bytes, path: Path, options: ImportOptions, notes: list[str]
) -> tuple[ImportFormat, int, bytes]:
    """Format of the text, the line its rows begin on, and the rows as lines of our layout in their order."""
    first = text[: text.index(b"\n")]
    if first[:1].isalpha() or first[:1] in (b'"', b"_"):
        format_, body = _with_header(first, text[len(first) + 1 :], path)
        return format_, 2, body
    if _META_TRADER_LINE.match(first):
        if options.clock_offset_ms is None:
            raise InputError(
                f"{path} has dates of an unstated clock (MetaTrader), so its bars cannot be placed in UTC; "
                "state how far its clock is ahead, e.g. --clock +03:00 (Bybit's own archive) or --clock UTC."
            )
        fields = Fields.of(text, path, 1, _META_TRADER_WIDTH)
        return ImportFormat.META_TRADER, 1, import_formats.meta_trader_bars(fields, options.clock_offset_ms)
    if options.clock_offset_ms:
        notes.append("The file has epoch stamps, which are UTC; the stated clock was not needed.")
    if first.count(b",") == _BINANCE_WIDTH - 1 and first[:1].isdigit():
        fields = Fields.of(text, path, 1, _BINANCE_WIDTH)
        return ImportFormat.BINANCE, 1, import_formats.epoch_bars(fields, _BINANCE_COLUMNS, trim=True)
    shown = first[:60].decode("utf-8", "replace")
    raise InputError(
        f'{path}, line 1: "{shown}" is no known layout, expected the header "{",".join(BARS.columns)}", '
        "12 columns of Binance klines, or MetaTrader rows (YYYY.MM.DD HH:MM,open,high,low,close,volume)."
    )


def _with_header(first: bytes, body: bytes, path: Path) -> tuple[ImportFormat, bytes]:
    names = [name.strip().strip('"').lower() for name in first.decode("utf-8", "replace").split(",")]
    if not body:
        raise InputError(f"{path} holds a header but no rows; nothing was imported.")
    if names == list(FUNDING.columns):
        return ImportFormat.FUNDING, body
    if names == list(BARS.columns):
        return ImportFormat.OURS, body
    named = [_ALIASES.get(name, name) for name in names]
    absent = [name for name in BARS.columns[:-1] if name not in named]
    if absent:
        raise InputError(
            f'{path}, line 1: the header "{first[:80].decode("utf-8", "replace")}" lacks {", ".join(absent)}, '
            f'expected "{",".join(BARS.columns)}" (more columns are allowed).'
        )
    columns = [named.index(name) if name in named else None for name in BARS.columns]
    fields = Fields.of(body, path, 2, len(named))
    placed = [column for column in columns if column is not None]
    if len(placed) == len(columns) and placed == sorted(placed):
        return ImportFormat.COLUMNS, import_formats.epoch_bars(fields, placed, trim=False)
    return ImportFormat.COLUMNS, import_formats.reordered_bars(body, columns)


def _columns(ours: bytes, path: Path, kind: TableKind, first_line: int) -> Columns:
    columns = parse_form(ours, kind)
    if columns is not None and len(columns):
        return columns
    raise _refusal(ours, path, first_line, lambda fields: form_problem(fields, kind))


def _refusal(
    ours: bytes, path: Path, first_line: int, problem_of: Callable[[list[str]], object]
) -> InputError:
    """The error for the first line with a problem."""
    for number, line in enumerate(ours.removesuffix(b"\n").split(b"\n"), start=first_line):
        problem = problem_of(line.decode("utf-8", "replace").split(","))
        if problem:
            return InputError(
                f"{path}, line {number}: {problem}; nothing was imported, correct or delete that line."
            )
    raise AssertionError(f"{path}: rows were refused that break no rule")


def _timeframe(time: Int64, path: Path, options: ImportOptions, hints: NameHints) -> Timeframe:
    """The stated timeframe, or the one of the name, checked against the spacing; or the one of the spacing."""
    stated = checked_timeframe(options.timeframe) if options.timeframe is not None else hints.timeframe
    ordered = np.sort(time)
    distances: Int64 = ordered[1:] - ordered[:-1]
    distances = distances[distances > 0]
    steps, counts = np.unique(distances, return_counts=True)
    if not len(steps):
        if stated is None:
            raise InputError(
                f"{path} holds one bar, which does not show its timeframe; state it with --timeframe."
            )
        return stated
    usual, least = int(steps[np.argmax(counts)]), int(steps[0])
    if stated is None:
        found = next((timeframe for timeframe in Timeframe if timeframe.ms == usual), None)
        if found is None:
            raise InputError(
                f"{path}: most bars are {_length(usual)} apart, which is no timeframe of ours; "
                f"expected one of {', '.join(Timeframe.names())}."
            )
        return found
    regular = least == stated.ms and bool(np.all(steps % stated.ms == 0))
    if usual != stated.ms and not regular:
        says = "--timeframe" if options.timeframe is not None else "the name"
        raise InputError(
            f"{path}: most bars are {_length(usual)} apart, but {says} says {stated.value}; "
            "state the right one with --timeframe."
        )
    return stated


def _length(milliseconds: int) -> str:
    for timeframe in Timeframe:
        if timeframe.ms == milliseconds:
            return timeframe.value
    return f"{milliseconds / 1000:g} s"


def _check_bars(ours: bytes, columns: Columns, timeframe: Timeframe, path: Path, first_line: int) -> None:
    if not good_bars(columns, timeframe).all():
        raise _refusal(ours, path, first_line, lambda fields: bar_problem(fields, timeframe))


def _rising(ours: bytes, columns: Columns, path: Path, first_line: int) -> tuple[Lines, int]:
    """The lines in rising order without doubles, and how many doubles were dropped.

    InputError where two rows of one time differ.
    """
    order: npt.NDArray[np.intp] = np.argsort(columns.time, kind="stable")
    time = columns.time[order]
    again = np.flatnonzero(time[1:] == time[:-1]) + 1
    for column in columns.values:
        here, before = column[order[again]], column[order[again - 1]]
        differ = (here != before) & ~(np.isnan(here) & np.isnan(before))
        if differ.any():
            place = int(again[np.argmax(differ)])
            first, second = sorted((int(order[place - 1]), int(order[place])))
            raise InputError(
                f"{path}, lines {first_line + first} and {first_line + second}: two different rows of the same time "
                f"{int(time[place])} ({iso_ms(int(time[place]))}); nothing was imported, delete the wrong one."
            )
    kept = np.ones(len(order), np.bool_)
    kept[again] = False
    return Lines(ours, columns.time).chosen(order[kept]), len(again)
