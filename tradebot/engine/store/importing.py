"""Files of other programs, and of this one, read and checked before anything of them is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Candles, Category, Float64, Int64, Timeframe
from tradebot.engine.market.times import iso_minute, iso_ms
from tradebot.engine.store.import_layouts import ImportFormat, OurLines, our_lines
from tradebot.engine.store.import_report import ImportOptions, ImportReport
from tradebot.engine.store.import_source import NameHints, name_hints, plain_text, raw_content
from tradebot.engine.store.layout import (
    FUNDING,
    MARK_BARS,
    TableKind,
    checked_category,
    checked_symbol,
    checked_timeframe,
)
from tradebot.engine.store.lines import Lines
from tradebot.engine.store.parsing import Columns, good_bars, parse_form
from tradebot.engine.store.rows import bar_problem, form_problem

# Thirteen digits: an earlier stamp is of another unit, and nothing of ours was traded then.
_EARLIEST_MS = 10**12
# Fewer bars than these that are held already prove nothing about a file.
_FEW_OVERLAPPING = 20

__all__ = [
    "NO_OVERLAP",
    "ImportFormat",
    "ImportOptions",
    "ImportReport",
    "Overlap",
    "ReadImport",
    "check_overlap",
    "overlap",
    "read_import",
]


@dataclass(frozen=True, slots=True, eq=False)
class ReadImport:
    """A file read and checked: rising unique lines of our layout and their values (one array for each column behind
    the timestamp), and the report as far as it is known.
    """

    lines: Lines
    values: tuple[Float64, ...]
    report: ImportReport
    sha256: str
    kind: TableKind


@dataclass(frozen=True, slots=True)
class _Source:
    """The file being read: where, and its rows as lines of ours."""

    path: Path
    ours: OurLines

    def place(self, position: int) -> str:
        """Where a row stands in the file, e.g. `line 17`."""
        return f"{self.ours.unit} {self.ours.first_line + position}"

    def refusal(self, position: int, problem: object) -> InputError:
        return InputError(
            f"{self.path}, {self.place(position)}: {problem}; nothing was imported, correct or delete that "
            f"{self.ours.unit}."
        )

    def first_refusal(self, problem_of: Callable[[list[str]], object]) -> InputError:
        """The error for the first row with a problem."""
        for position, line in enumerate(self.ours.text.removesuffix(b"\n").split(b"\n")):
            problem = problem_of(line.decode("utf-8", "replace").split(","))
            if problem:
                return self.refusal(position, problem)
        raise AssertionError(f"{self.path}: rows were refused that break no rule")


def read_import(path: Path, options: ImportOptions, now_ms: int) -> ReadImport:
    """Read a file to import; InputError, with the line where one is wrong, for all that cannot be taken in.

    A bar that was still running at `now_ms` is left out, a later one refused.
    """
    raw = raw_content(path)
    hints = name_hints(path)
    text = plain_text(raw, path)
    if hints.foreign:
        raise InputError(
            f"{path} holds {hints.foreign}, which are stored nowhere here; nothing was imported."
        )
    source = _Source(path, our_lines(text, path, hints.content, options.clock_offset_ms))
    kind, notes = source.ours.kind, source.ours.notes
    notes += [hints.note] if hints.note and options.symbol is None else []
    category = _category(options, hints, notes)
    columns = _columns(source)
    _check_span(source, columns.time, now_ms)
    timeframe = None
    if kind is not FUNDING:
        timeframe = _timeframe(columns.time, path, options, hints)
        if not good_bars(columns, timeframe).all():
            raise source.first_refusal(lambda fields: bar_problem(fields, timeframe, kind))
    symbol = _symbol(path, options, hints)
    lines, values, duplicates = _rising(source, columns)
    if not bool(np.all(columns.time[1:] >= columns.time[:-1])):
        notes.append("The rows were not in order of time and were sorted.")
    if timeframe is not None and lines.times[-1] + timeframe.ms > now_ms:
        lines, values = _without_last(lines, values, path, timeframe, notes)
    breaks = np.diff(lines.times) if timeframe else np.empty(0, np.int64)
    gaps = (breaks[breaks != timeframe.ms] if timeframe else breaks).astype(np.int64)
    report = ImportReport(
        file=path,
        format=source.ours.format,
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
        mark=kind is MARK_BARS,
    )
    return ReadImport(lines, values, report, hashlib.sha256(raw).hexdigest(), kind)


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many of a file's bars are held already, and how many of those with other values."""

    rows: int
    differing: int


NO_OVERLAP = Overlap(0, 0)


def overlap(read: ReadImport, held: Candles) -> Overlap:
    """Compare a file's bars with the held ones of their times; an unknown turnover differs from none."""
    within = held.between(read.report.first_ms, read.report.last_ms + 1)
    times, here, there = np.intersect1d(read.lines.times, within.time, True, True)
    if not len(times):
        return NO_OVERLAP
    differ = np.zeros(len(times), np.bool_)
    columns = (within.open, within.high, within.low, within.close, within.volume, within.turnover)
    for column, held_column in zip(read.values, columns, strict=False):
        new, old = column[here], held_column[there]
        differ |= (new != old) & ~np.isnan(new) & ~np.isnan(old)
    return Overlap(len(times), int(np.count_nonzero(differ)))


def check_overlap(read: ReadImport, found: Overlap) -> None:
    """InputError where so much of a file contradicts the held bars that it must be of another clock or market."""
    if found.rows < _FEW_OVERLAPPING or found.differing * 2 <= found.rows:
        return
    raise InputError(
        f"{read.report.file}: {found.differing:,} of its {found.rows:,} bars that {read.report.dataset} holds already "
        f"({100 * found.differing / found.rows:.0f} %) have other values there, so the file is probably of another "
        "clock (--clock), symbol (--symbol) or exchange; nothing of it was imported: state what it really is, or "
        "import it into a folder of its own with --data."
    )


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


def _columns(source: _Source) -> Columns:
    columns = parse_form(source.ours.text, source.ours.kind)
    if columns is not None and len(columns):
        return columns
    raise source.first_refusal(lambda fields: form_problem(fields, source.ours.kind))


def _check_span(source: _Source, time: Int64, now_ms: int) -> None:
    """InputError for the first stamp of the future, or so early that its unit must be another one."""
    wrong = (time > now_ms) | (time < _EARLIEST_MS)
    if not wrong.any():
        return
    position = int(np.argmax(wrong))
    stamp = int(time[position])
    problem = f"lies in the future (it is {iso_minute(now_ms)} UTC)"
    if stamp < _EARLIEST_MS:
        problem = "has too few digits for milliseconds (are these seconds?)"
    raise InputError(
        f"{source.path}, {source.place(position)}: the timestamp {stamp} ({iso_ms(stamp)}) {problem}, expected closed "
        "bars in milliseconds since 1970; nothing was imported, correct the unit or the stated clock."
    )


def _without_last(
    lines: Lines, values: tuple[Float64, ...], path: Path, timeframe: Timeframe, notes: list[str]
) -> tuple[Lines, tuple[Float64, ...]]:
    """Leave out the last bar, which is still running."""
    stamp = iso_minute(int(lines.times[-1]))
    if len(lines) == 1:
        raise InputError(
            f"{path} holds the {timeframe.value} bar of {stamp} only, which is still running; import it when the bar "
            "has closed."
        )
    notes.append(f"The last bar ({stamp}) is still running and was left out.")
    return lines.chosen(np.arange(len(lines) - 1)), tuple(column[:-1] for column in values)


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


def _rising(source: _Source, columns: Columns) -> tuple[Lines, tuple[Float64, ...], int]:
    """The lines in rising order without doubles, their values, and how many doubles were dropped.

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
            lines = (source.ours.first_line + first, source.ours.first_line + second)
            raise InputError(
                f"{source.path}, {source.ours.unit}s {lines[0]} and {lines[1]}: two different rows of the same time "
                f"{int(time[place])} ({iso_ms(int(time[place]))}); nothing was imported, delete the wrong one."
            )
    kept = np.ones(len(order), np.bool_)
    kept[again] = False
    chosen = order[kept]
    lines_ = Lines(source.ours.text, columns.time).chosen(chosen)
    return lines_, tuple(column[chosen] for column in columns.values), len(again)
