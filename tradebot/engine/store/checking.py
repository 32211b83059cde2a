"""`data check`: everything that can be said against one dataset, in sentences a person understands.

A failure is what makes figures wrong (rows that cannot be read, out of order or doubled, off the grid, prices that
cannot be, bars that are missing); a warning is what will be repaired or wants a look; the rest is information. A coin
that trades seldom is healthy: bars of zero volume are information.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import counted
from tradebot.engine.market import DatasetKey, Int64, Timeframe
from tradebot.engine.store.check_findings import (
    SHOWN_LINES,
    CheckReport,
    Finding,
    Level,
    lines_text,
    worst_first,
)
from tradebot.engine.store.check_market import gap_findings, market_findings
from tradebot.engine.store.holes import Hole
from tradebot.engine.store.layout import TableKind, kind_of, quarantine_of, staged_of
from tradebot.engine.store.parsing import Columns, parse_form, split_table
from tradebot.engine.store.rows import form_problem
from tradebot.engine.store.side_files import Journal, read_journal

_Mask = npt.NDArray[np.bool_]


def check_bars(
    key: DatasetKey,
    path: Path,
    data: bytes,
    waiting: Journal,
    imported_from: str | None,
    now_ms: int,
    holes: Sequence[Hole] = (),
) -> CheckReport:
    """Check the content of a dataset's file and the rows that wait beside it; never raises for what stands in it.

    `holes` are ranges that the exchange itself was seen to have no bars of.
    """
    kind = kind_of(key)
    findings = _side_findings(path, waiting, imported_from)
    try:
        text = split_table(data, path, kind)
    except InputError as error:
        findings.insert(0, Finding(Level.FAILURE, "header", error.sentence))
        return CheckReport(str(key), path, 0, None, None, tuple(findings))
    if text.torn:
        sentence = "The file ends in half a line; it is not read, and repaired when the file is next written."
        findings.append(Finding(Level.WARNING, "torn_end", sentence, 1))
    if text.untidy:
        sentence = (
            "The file has Windows line ends or a byte order mark; they are made plain at the next write."
        )
        findings.append(Finding(Level.INFO, "line_ends", sentence))
    columns, lines, unreadable = _readable(text.body + waiting.lines.text, kind)
    findings += unreadable
    time = columns.time
    if not len(time):
        findings.append(Finding(Level.WARNING, "empty", "The file holds no bars."))
        return CheckReport(str(key), path, 0, None, None, worst_first(findings))
    findings += _order_findings(columns, len(time) - len(waiting.lines), lines, key.timeframe)
    findings += _value_findings(columns, lines)
    on_grid = np.unique(time[(time - key.timeframe.grid_offset_ms) % key.timeframe.ms == 0])
    findings += gap_findings(on_grid, key.timeframe, holes)
    findings += market_findings(columns, key, now_ms)
    return CheckReport(str(key), path, len(time), int(time.min()), int(time.max()), worst_first(findings))


def _side_findings(path: Path, waiting: Journal, imported_from: str | None) -> list[Finding]:
    findings = []
    journaled = len(read_journal(path).lines) if waiting.stamp is not None else 0
    if journaled:
        sentence = (
            f"{counted(journaled, 'bar')} wait in {path.name}.journal because the file could not be written; "
            "close the program that keeps it open."
        )
        findings.append(Finding(Level.WARNING, "journal", sentence, journaled))
    staged = len(waiting.lines) - journaled
    if staged > 0:
        sentence = (
            f"{counted(staged, 'bar')} of a collection that was ended wait in {staged_of(path).name}; they count, and "
            "the next collection or `tradebot data compact` takes them into the file."
        )
        findings.append(Finding(Level.INFO, "staged", sentence, staged))
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
        return columns, np.arange(2, len(columns) + 2), []
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
    sentence = f"{lines_text(bad)} cannot be read: {first_problem}."
    finding = Finding(Level.FAILURE, "unreadable", sentence, len(bad), lines=tuple(bad[:SHOWN_LINES]))
    readable = parse_form(b"".join(line + b"\n" for line in good), kind)
    if readable is None:
        raise AssertionError("rows that the exact reader accepts were refused by the fast one")
    return readable, np.array(numbers, dtype=np.int64), [finding]


def _order_findings(columns: Columns, file_rows: int, lines: Int64, timeframe: Timeframe) -> list[Finding]:
    """Rows off the grid, before the row above them, or at a time that another row has; of the file's own rows."""
    time, numbers = columns.time[:file_rows], lines[:file_rows]
    off_grid = (time - timeframe.grid_offset_ms) % timeframe.ms != 0
    candidates = [
        _rows(
            "grid",
            off_grid,
            numbers,
            f"is off the {timeframe.value} grid",
            f"are off the {timeframe.value} grid",
        )
    ]
    rising = time[1:] > time[:-1]
    if not rising.all():
        doubled, contradicting = _doubles(columns, file_rows)
        back = np.concatenate((np.zeros(1, np.bool_), ~rising)) & ~doubled & ~contradicting
        candidates += [
            _rows("order", back, numbers, "lies before the row above it", "lie before the row above them"),
            _rows("duplicate", doubled, numbers, "repeats another row", "repeat other rows"),
            _rows(
                "contradiction",
                contradicting,
                numbers,
                "has the time of another row and other values",
                "have the times of other rows and other values",
            ),
        ]
    return [finding for finding in candidates if finding]


def _doubles(columns: Columns, file_rows: int) -> tuple[_Mask, _Mask]:
    """Rows that repeat an earlier row of their time, and rows that contradict one."""
    time = columns.time[:file_rows]
    order = np.argsort(time, kind="stable")
    again = np.flatnonzero(time[order][1:] == time[order][:-1]) + 1
    here, before = order[again], order[again - 1]
    differ = np.zeros(len(again), np.bool_)
    for column in columns.values:
        differ |= (column[here] != column[before]) & ~(np.isnan(column[here]) & np.isnan(column[before]))
    doubled, contradicting = np.zeros(file_rows, np.bool_), np.zeros(file_rows, np.bool_)
    doubled[here[~differ]] = True
    contradicting[here[differ]] = True
    return doubled, contradicting


def _value_findings(columns: Columns, lines: Int64) -> list[Finding]:
    open_, high, low, close, *amounts = columns.values
    finite = np.isfinite(open_) & np.isfinite(high) & np.isfinite(low) & np.isfinite(close)
    not_positive = (open_ <= 0) | (high <= 0) | (low <= 0) | (close <= 0) | ~finite
    impossible = (low > np.minimum(open_, close)) | (high < np.maximum(open_, close))
    negative = np.zeros(len(open_), np.bool_)
    for amount in amounts:
        negative |= amount < 0
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
            impossible,
            lines,
            "contradicts low <= open, close <= high",
            "contradict low <= open, close <= high",
        ),
        _rows(
            "volume",
            negative,
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
    sentence = f"{lines_text(numbers)} {one if len(numbers) == 1 else many}."
    return Finding(Level.FAILURE, kind, sentence, len(numbers), lines=tuple(numbers[:SHOWN_LINES]))
