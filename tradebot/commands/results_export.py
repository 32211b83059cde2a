"""A result as one file: its trades as CSV, everything as JSON, the report as HTML."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.control.files import replace_patiently

if TYPE_CHECKING:
    from tradebot.engine.backtest.results.result import BacktestResult

_TEXTS = frozenset({"time", "strategy", "symbol", "side", "status", "reason"})


def export_blocks(result: BacktestResult, ending: str) -> Iterable[str]:
    """What a file of this ending holds, piece by piece, so that a million trades never stand in memory as text.

    InputError for another ending than .csv, .json and .html.
    """
    from tradebot.engine.backtest.results.tables import trades_text

    if ending == ".csv":
        return trades_text(result.trades, result.slot_strategies, result.symbols)
    if ending == ".json":
        return _everything(result)
    if ending == ".html":
        return [report_text(result)]
    raise InputError(
        f"The ending of the file says what it holds: .csv the trades, .json everything, .html the report; it was "
        f"{ending or 'without one'}."
    )


def report_text(result: BacktestResult) -> str:
    """The HTML report with the findings of the reality check, where one was made."""
    from tradebot.engine.html_report import html_report

    findings = result.reality.findings if result.reality is not None else ()
    return html_report(result, [(finding.tone.value, finding.text) for finding in findings])


def write_blocks(path: Path, blocks: Iterable[str]) -> None:
    """Write a file in one step from its pieces. InputError for a folder, ShortfallError where the disk refuses."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it.")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", newline="") as file:
            file.writelines(blocks)
        replace_patiently(temporary, path)
    except OSError as error:
        raise ShortfallError(
            f"{path} could not be written ({error.strerror or 'refused'}); name another file with --out."
        ) from None
    finally:
        if temporary.parent.is_dir():
            temporary.unlink(missing_ok=True)


def _everything(result: BacktestResult) -> Iterator[str]:
    """result.json with the strategies' texts and the rows of all tables, cells as they stand in the CSV files."""
    from tradebot.engine.backtest.results.folder import result_document
    from tradebot.engine.backtest.results.more_tables import interventions_text
    from tradebot.engine.backtest.results.tables import benchmark_text, equity_text, trades_text

    slots = result.slot_strategies, result.symbols
    document = result_document(result)
    for part, entry in zip(result.parts, document["strategies"], strict=True):
        entry["toml"] = part.toml
    yield json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False).removesuffix("\n}")
    for name, blocks in (
        ("trades", trades_text(result.trades, *slots)),
        ("interventions_log", interventions_text(result.log, *slots)),
        ("equity", equity_text(result.curve)),
        ("benchmark", benchmark_text(result.curve)),
    ):
        yield f',\n "{name}": ['
        yield from _rows(iter(blocks))
        yield "]"
    yield "\n}\n"


def _rows(blocks: Iterator[str]) -> Iterator[str]:
    """The rows of a table by column: numbers as numbers, an empty cell as null."""
    names = next(csv.reader([next(blocks)]))
    comma = ""
    for block in blocks:
        rows = (
            {name: _value(name, cell) for name, cell in zip(names, row, strict=True)}
            for row in csv.reader(io.StringIO(block))
        )
        yield comma + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        comma = ",\n"


def _value(name: str, cell: str) -> object:
    if name == "ambiguous":
        return cell == "true"
    if not cell or name.rpartition("_")[2] in _TEXTS:
        return cell or None
    return int(cell) if cell.lstrip("-").isdigit() else float(cell)
