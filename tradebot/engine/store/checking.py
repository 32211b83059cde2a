"""`data check`: everything that can be said against one dataset, in sentences a person understands.

A failure is what makes figures wrong (rows that cannot be read, out of order or doubled, off the grid, prices that
cannot be, bars that are missing); a warning is what will be repaired or wants a look; the rest is information. A coin
that trades seldom is healthy: bars of zero volume are information.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tradebot.engine.control.errors import InputError
from tradebot.engine.market import DAY_MS, DatasetKey, Int64, Timeframe
from tradebot.engine.market.times import iso_minute, iso_ms
from tradebot.engine.store.layout import TableKind, kind_of, quarantine_of
from tradebot.engine.store.parsing import Columns, parse_form, split_table
from tradebot.engine.store.rows import form_problem
from tradebot.engine.store.side_files import Journal

_SHOWN = 3
_FROZEN_BARS = 12
_Mask = npt.NDArray[np.bool_]


class Level(Enum):
    """How bad a finding is; only failures make a check fail."""

    INFO = "info"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `count` rows or bars are concerned; `intervals` are half-open ranges of UTC ms, where it has
    any; `lines` the first lines of the file that show it.
    """

    level: Level
    kind: str
    sentence: str
    count: int = 0
    intervals: tuple[tuple[int, int], ...] = ()
    lines: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values; intervals as pairs of ISO 8601 times."""
        return {
            "level": self.level.value,
            "kind": self.kind,
            "sentence": self.sentence,
            "count": self.count,
            "intervals": [[iso_ms(start), iso_ms(end)] for start, end in self.intervals],
            "lines": list(self.lines),
        }


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check of one dataset found; without findings above information the dataset is sound."""

    key: DatasetKey
    path: Path
    rows: int
    first_ms: int | None
    last_ms: int | None
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        """Whether one finding is a failure."""
        return any(finding.level is Level.FAILURE for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "dataset": str(self.key),
            "file": str(self.path),
            "rows": self.rows,
            "first": None if self.first_ms is None else iso_ms(self.first_ms),
            "last": None if self.last_ms is None else iso_ms(self.last_ms),
            "failed": self.failed,
            "findings": [finding.to_json() for finding in self.findings],
        }


def check_bars(
    key: DatasetKey, path: Path, data: bytes, journal: Journal, imported_from: str | None, now_ms: int
) -> CheckReport:
    """Check the content of a dataset's file; never raises for what stands in it."""
    findings = _side_findings(path, journal, imported_from)
    try:
        text = split_table(data, path, kind_of(key))
    except InputError as error:
        findings.insert(0, Finding(Level.FAILURE, "header", error.sentence))
        return CheckReport(key, path, 0, None, None, tuple(findings))
    if text.torn:
        sentence = "The file ends in half a line; it is not read, and repaired when the file is next written."
        findings.append(Finding(Level.WARNING, "torn_end", sentence, 1))
    if text.untidy:
        sentence = (
            "The file has Windows line ends or a byte order mark; they are made plain at the next write."
        )
        findings.append(Finding(Level.INFO, "line_ends", sentence))
    body = text.body + journal.lines.text
    columns, lines, unreadable = _readable(body, kind_of(key))
    findings += unreadable
    time = columns.time
    if not len(time):
        findings.append(Finding(Level.WARNING, "empty", "The file holds no bars."))
        return CheckReport(key, path, 0, None, None, tuple(findings))
    file_rows = len(time) - len(journal.lines)
    findings += _order_findings(time[:file_rows], lines, key.timeframe)
    findings += _value_findings(columns, lines)
    on_grid = np.unique(time[(time - key.timeframe.grid_offset_ms) % key.timeframe.ms == 0])
    findings += _gap_findings(on_grid, key.timeframe)
    findings += _liveliness_findings(columns, key.timeframe, now_ms)
    findings.sort(key=lambda finding: -list(Level).index(finding.level))
    return CheckReport(key, path, len(time), int(time.min()), int(time.max()), tuple(findings))


def _side_findings(path: Path, journal: Journal, imported_from: str | None) -> list[Finding]:
    findings = []
    if len(journal.lines):
        sentence = (
            f"{len(journal.lines)} bars wait in {path.name}.journal because the file could not be written; "
            "close the program that keeps it open."
        )
        findings.append(Finding(Level.WARNING, "journal", sentence, len(journal.lines)))
    quarantine = quarantine_of(path)
    if quarantine.exists():
        sentence = f"{quarantine.name} beside it keeps text that was refused or taken out."
        findings.append(Finding(Level.INFO, "quarantine", sentence))
    if imported_from is not None:
        findings.append(Finding(Level.INFO, "imported", f"Bars were imported from {imported_from}."))
    return findings


def _readable(body: bytes, kind: TableKind) -> tuple[Columns, Int64, list[Finding]]:
    """Columns of all rows that can be read, the line number of each, and what is to be said of the others."""
    columns = parse_form(body, kind)
    if columns is not None:
        return columns.padded(), np.arange(2, len(columns) + 2), []
    good: list[bytes] = []
    numbers: list[int] = []
    bad: list[int] = []
    first_problem = ""
    for number, line in enumerate(body.removesuffix(b"\n").split(b"\n"), start=2):
        problem = form_problem(line.decode("utf-8", "replace").split(","), kind)
        if problem is None:
            good.append(line)
            numbers.append(number)
            continue
        bad.append(number)
        first_problem = first_problem or str(problem)
    sentence = f"{_lines(bad)} cannot be read: {first_problem}."
    finding = Finding(Level.FAILURE, "unreadable", sentence, len(bad), lines=tuple(bad[:_SHOWN]))
    readable = parse_form(b"".join(line + b"\n" for line in good), kind)
    if readable is None:
        raise AssertionError("rows that the exact reader accepts were refused by the fast one")
    return readable.padded(), np.array(numbers, dtype=np.int64), [finding]


def _order_findings(time: Int64, lines: Int64, timeframe: Timeframe) -> list[Finding]:
    step = time[1:] - time[:-1]
    after = lines[1 : len(time)]
    off_grid = (time - timeframe.grid_offset_ms) % timeframe.ms != 0
    candidates = (
        _rows(
            "duplicate",
            step == 0,
            after,
            "repeats the time of the row before",
            "repeat the time of the row before",
        ),
        _rows("order", step < 0, after, "lies before the row above it", "lie before the row above them"),
        _rows(
            "grid",
            off_grid,
            lines[: len(time)],
            f"is off the {timeframe.value} grid",
            f"are off the {timeframe.value} grid",
        ),
    )
    return [finding for finding in candidates if finding]


def _value_findings(columns: Columns, lines: Int64) -> list[Finding]:
    open_, high, low, close, volume, turnover = columns.values
    finite = np.isfinite(open_) & np.isfinite(high) & np.isfinite(low) & np.isfinite(close)
    not_positive = (open_ <= 0) | (high <= 0) | (low <= 0) | (close <= 0) | ~finite
    contradictory = (low > np.minimum(open_, close)) | (high < np.maximum(open_, close))
    candidates = (
        _rows(
            "price",
            not_positive,
            lines,
            "has a price that is not above 0",
            "have prices that are not above 0",
        ),
        _rows(
            "ohlc",
            contradictory,
            lines,
            "contradicts low <= open, close <= high",
            "contradict low <= open, close <= high",
        ),
        _rows(
            "volume",
            (volume < 0) | (turnover < 0),
            lines,
            "has a negative volume or turnover",
            "have a negative volume or turnover",
        ),
    )
    return [finding for finding in candidates if finding]


def _rows(kind: str, bad: _Mask, lines: Int64, one: str, many: str) -> Finding | None:
    numbers = lines[np.flatnonzero(bad)].tolist()
    if not numbers:
        return None
    sentence = f"{_lines(numbers)} {one if len(numbers) == 1 else many}."
    return Finding(Level.FAILURE, kind, sentence, len(numbers), lines=tuple(numbers[:_SHOWN]))


def _lines(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"Line {numbers[0]}"
    shown = ", ".join(str(number) for number in numbers[:_SHOWN])
    return f"{len(numbers):,} lines (first {shown})"


def _gap_findings(time: Int64, timeframe: Timeframe) -> list[Finding]:
    breaks = np.flatnonzero(np.diff(time) != timeframe.ms)
    if not len(breaks):
        return []
    starts, ends = time[breaks] + timeframe.ms, time[breaks + 1]
    missing = int((ends - starts).sum()) // timeframe.ms
    intervals = tuple(zip(starts.tolist(), ends.tolist(), strict=True))
    largest = int(np.argmax(ends - starts))
    where = f"from {iso_minute(intervals[largest][0])} to {iso_minute(intervals[largest][1])}"
    if len(intervals) == 1:
        sentence = f"{_bars_are(missing)} missing {where}."
    else:
        sentence = f"{_bars_are(missing)} missing in {len(intervals):,} gaps, the longest {where}."
    return [Finding(Level.FAILURE, "gap", sentence, missing, intervals)]


def _bars_are(count: int) -> str:
    return "1 bar is" if count == 1 else f"{count:,} bars are"


def _liveliness_findings(columns: Columns, timeframe: Timeframe, now_ms: int) -> list[Finding]:
    findings = []
    volume = columns.values[4]
    zero = int(np.count_nonzero(volume == 0))
    if zero:
        sentence = f"{zero:,} of {len(volume):,} bars ({zero / len(volume):.1%}) have no volume."
        findings.append(Finding(Level.INFO, "zero_volume", sentence, zero))
    frozen = _longest_frozen_run(columns)
    if frozen is not None and frozen[1] >= _FROZEN_BARS:
        first, count = frozen
        start = int(columns.time[first])
        end = int(columns.time[first + count - 1]) + timeframe.ms
        sentence = (
            f"{count:,} bars from {iso_minute(start)} to {iso_minute(end)} repeat the same prices and volume, "
            "as a frozen feed does."
        )
        findings.append(Finding(Level.WARNING, "stale", sentence, count, ((start, end),)))
    age_days = (now_ms - int(columns.time.max()) - timeframe.ms) // DAY_MS
    if age_days >= 1:
        sentence = f"The last bar is of {iso_minute(int(columns.time.max()))}, {age_days:,} days ago."
        findings.append(Finding(Level.INFO, "age", sentence))
    return findings


def _longest_frozen_run(columns: Columns) -> tuple[int, int] | None:
    """First bar and length of the longest run of bars with volume that are equal in everything but time."""
    *prices, volume, _ = columns.values
    same = np.zeros(len(volume) + 1, np.int8)
    same[1:-1] = volume[1:] > 0
    for column in (*prices, volume):
        same[1:-1] &= column[1:] == column[:-1]
    edges = np.flatnonzero(same[1:] != same[:-1])
    if not len(edges):
        return None
    starts, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest] - starts[longest]) + 1
