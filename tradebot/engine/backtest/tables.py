"""trades.csv, equity.csv and benchmark.csv: the tables of a result folder, written and read back."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from tradebot.engine.backtest.codes import EntryReason, ExitReason, TradeStatus
from tradebot.engine.backtest.curves import CURVE, Curve
from tradebot.engine.backtest.state import TRADE, Records
from tradebot.engine.control.errors import InputError
from tradebot.engine.market.times import iso_ms

TRADE_COLUMNS = (
    "trade_id", "strategy", "symbol", "side", "entry_time", "entry_price", "exit_time", "exit_price", "qty", "pnl",
    "r", "fees", "funding", "slippage", "entry_reason", "exit_reason", "bars", "mae", "mfe", "initial_stop",
    "ambiguous", "status",
)  # fmt: skip
EQUITY_COLUMNS = ("time", "equity", "cash", "exposure", "drawdown")
BENCHMARK_COLUMNS = ("time", "buy_hold")

_SIDES = {1: "long", -1: "short"}
_SIDE_NUMBERS = {name: number for number, name in _SIDES.items()}
_MONEY = ("pnl", "r", "fees", "funding", "slippage")
_PLAIN = ("entry_price", "exit_price", *_MONEY, "mae", "mfe", "initial_stop")


def number_text(value: float) -> str:
    """15 significant digits, which drops the noise of floats (24.0751, not 24.075100000000003); NaN is empty."""
    return "" if math.isnan(value) else f"{value:.15g}"


def trades_text(trades: Records, strategy: str, symbols: Sequence[str]) -> str:
    """trades.csv: one row a closed leg, then the positions still open."""
    return _table(TRADE_COLUMNS, (_trade_cells(row, strategy, symbols) for row in trades))


def _trade_cells(row: np.void, strategy: str, symbols: Sequence[str]) -> tuple[object, ...]:
    return (
        row["trade_id"],
        strategy,
        symbols[row["slot"]],
        _SIDES[int(row["side"])],
        iso_ms(row["entry_time"]),
        number_text(row["entry_price"]),
        iso_ms(row["exit_time"]),
        number_text(row["exit_price"]),
        number_text(row["quantity"]),
        *(number_text(row[name]) for name in _MONEY),
        EntryReason(row["entry_reason"]).name.lower(),
        ExitReason(row["exit_reason"]).name.lower(),
        row["bars"],
        number_text(row["mae"]),
        number_text(row["mfe"]),
        number_text(row["initial_stop"]),
        "true" if row["ambiguous"] else "false",
        TradeStatus(row["status"]).name.lower(),
    )


def read_trades(path: Path, symbols: Sequence[str]) -> Records:
    """The records of a trades.csv whose symbols are `symbols`. InputError with the line of a damaged row."""
    rows = _read_table(path, TRADE_COLUMNS)
    trades: Records = np.zeros(len(rows), dtype=TRADE)
    slots = {symbol: slot for slot, symbol in enumerate(symbols)}
    for line, (trade, cells) in enumerate(zip(trades, rows, strict=True), start=2):
        try:
            _read_trade(trade, cells, slots)
        except (KeyError, ValueError):
            raise InputError(f"{path}, line {line}: this is not a trade as tradebot writes it.") from None
    return trades


def _read_trade(trade: np.void, cells: dict[str, str], slots: dict[str, int]) -> None:
    trade["trade_id"] = int(cells["trade_id"])
    trade["slot"] = slots[cells["symbol"]]
    trade["side"] = _SIDE_NUMBERS[cells["side"]]
    trade["entry_time"] = read_time(cells["entry_time"])
    trade["exit_time"] = read_time(cells["exit_time"])
    trade["quantity"] = float(cells["qty"])
    for name in _PLAIN:
        trade[name] = float(cells[name] or "nan")
    trade["entry_reason"] = EntryReason[cells["entry_reason"].upper()]
    trade["exit_reason"] = ExitReason[cells["exit_reason"].upper()]
    trade["bars"] = int(cells["bars"])
    trade["ambiguous"] = cells["ambiguous"] == "true"
    trade["status"] = TradeStatus[cells["status"].upper()]


def equity_text(curve: Curve) -> str:
    """equity.csv."""
    return _curve_text(curve, EQUITY_COLUMNS)


def benchmark_text(curve: Curve) -> str:
    """benchmark.csv: buy and hold at the times of equity.csv."""
    return _curve_text(curve, BENCHMARK_COLUMNS)


def _curve_text(curve: Curve, columns: Sequence[str]) -> str:
    parts = [[iso_ms(time) for time in curve["time"].tolist()]]
    parts += [[number_text(value) for value in curve[name].tolist()] for name in columns[1:]]
    return _table(columns, zip(*parts, strict=True))


def read_curve(equity: Path, benchmark: Path) -> Curve:
    """The records of both files. InputError with the line of a damaged row."""
    rows = _read_table(equity, EQUITY_COLUMNS)
    held = _read_table(benchmark, BENCHMARK_COLUMNS)
    if len(held) != len(rows):
        raise InputError(
            f"{benchmark} has {len(held)} rows and {equity.name} {len(rows)}; they belong together."
        )
    curve: Curve = np.zeros(len(rows), dtype=CURVE)
    for line, (row, cells, other) in enumerate(zip(curve, rows, held, strict=True), start=2):
        try:
            row["time"] = read_time(cells["time"])
            row["buy_hold"] = float(other["buy_hold"])
            for name in EQUITY_COLUMNS[1:]:
                row[name] = float(cells[name])
        except (KeyError, ValueError):
            raise InputError(f"{equity}, line {line}: this is not a row as tradebot writes it.") from None
    return curve


def read_time(text: str) -> int:
    """UTC milliseconds of an ISO 8601 time as tradebot writes it."""
    moment = datetime.fromisoformat(text)
    return round(moment.timestamp() * 1000)


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue()


def _read_table(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != tuple(columns):
                raise InputError(f"{path}, line 1: expected the columns {','.join(columns)}.")
            return list(reader)
    except FileNotFoundError:
        raise InputError(f"There is no {path}; the result is not complete, run the backtest again.") from None
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path} cannot be read; it must be a UTF-8 text file.") from None
