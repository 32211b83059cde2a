"""A result as one file: its trades as CSV, everything as JSON, the report as HTML."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from tradebot.engine.control.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tradebot.engine.backtest.results.result import BacktestResult


def export_text(result: BacktestResult, ending: str) -> str:
    """What a file of this ending holds. InputError for another ending than .csv, .json and .html."""
    from tradebot.engine.backtest.results.tables import trades_text

    if ending == ".csv":
        return "".join(trades_text(result.trades, result.slot_strategies, result.symbols))
    if ending == ".json":
        return _everything(result)
    if ending == ".html":
        from tradebot.commands.results import report_text

        return report_text(result)
    raise InputError(
        f"The ending of the file says what it holds: .csv the trades, .json everything, .html the report; it was "
        f"{ending or 'without one'}."
    )


def _everything(result: BacktestResult) -> str:
    """result.json with the strategies' texts and the rows of all tables, cells as they stand in the CSV files."""
    from tradebot.engine.backtest.results.folder import result_document
    from tradebot.engine.backtest.results.more_tables import interventions_text
    from tradebot.engine.backtest.results.tables import benchmark_text, equity_text, trades_text

    slots = result.slot_strategies, result.symbols
    document = result_document(result)
    for part, entry in zip(result.parts, document["strategies"], strict=True):
        entry["toml"] = part.toml
    document["trades"] = _rows(trades_text(result.trades, *slots))
    document["interventions_log"] = _rows(interventions_text(result.log, *slots))
    document["equity"] = _rows(equity_text(result.curve))
    document["benchmark"] = _rows(benchmark_text(result.curve))
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


_TEXTS = frozenset({"time", "strategy", "symbol", "side", "status", "reason"})


def _rows(blocks: Iterable[str]) -> list[dict[str, object]]:
    """The rows of a table by column: numbers as numbers, an empty cell as null."""
    return [
        {name: _value(name, cell) for name, cell in row.items()}
        for row in csv.DictReader(io.StringIO("".join(blocks)))
    ]


def _value(name: str, cell: str) -> object:
    if name == "ambiguous":
        return cell == "true"
    if not cell or name.rpartition("_")[2] in _TEXTS:
        return cell or None
    return int(cell) if cell.lstrip("-").isdigit() else float(cell)
