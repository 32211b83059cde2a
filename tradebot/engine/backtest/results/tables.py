"""trades.csv, equity.csv and benchmark.csv: the tables of a result folder, written and read back."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from itertools import islice
from pathlib import Path

import numpy as np

from tradebot.engine.backtest.figures.curves import CURVE, Curve
from tradebot.engine.backtest.kernel.codes import EntryReason, ExitReason, TradeStatus
from tradebot.engine.backtest.kernel.records import TRADE, Records
from tradebot.engine.backtest.results.large_tables import is_large, large_trades
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Float64, Int64

TRADE_COLUMNS = (
    "trade_id", "strategy", "symbol", "side", "entry_time", "entry_price", "exit_time", "exit_price", "qty", "pnl",
    "r", "fees", "funding", "slippage", "entry_reason", "exit_reason", "bars", "mae", "mfe", "initial_stop",
    "ambiguous", "status",
)  # fmt: skip
EQUITY_COLUMNS = ("time", "equity", "cash", "exposure", "drawdown")
BENCHMARK_COLUMNS = ("time", "buy_hold")

_BLOCK_ROWS = 50_000
"""Rows that are text at one time: a million trades as one text would take a gigabyte."""
_TIME_LENGTH = len("2024-05-01T12:00:00.000Z")
Columns = dict[str, list[str]]
_SIDES = {1: "long", -1: "short"}
_SIDE_NUMBERS = {name: number for number, name in _SIDES.items()}
_PLAIN = (
    "entry_price",
    "exit_price",
    "pnl",
    "r",
    "fees",
    "funding",
    "slippage",
    "mae",
    "mfe",
    "initial_stop",
)


def number_column(values: Float64) -> list[str]:
    """15 significant digits, which drops the noise of floats (24.0751, not 24.075100000000003).

    What is no finite number is undefined: an empty cell.
    """
    return [f"{value:.15g}" if math.isfinite(value) else "" for value in values.tolist()]


def iso_column(times_ms: Int64) -> list[str]:
    """ISO 8601 UTC with milliseconds, as `times.iso_ms` writes one."""
    texts = np.datetime_as_string(times_ms.astype("datetime64[ms]"), unit="ms")
    return [f"{text}Z" for text in texts.tolist()]


def trades_text(trades: Records, strategies: Sequence[str], symbols: Sequence[str]) -> Iterator[str]:
    """trades.csv: one row a closed leg, then the positions still open; strategies and symbols by slot."""
    return table_text(TRADE_COLUMNS, trades, lambda part: _trade_columns(part, strategies, symbols))


def _trade_columns(
    trades: Records, strategies: Sequence[str], symbols: Sequence[str]
) -> dict[str, Iterable[object]]:
    slots = trades["slot"].tolist()
    return {
        "trade_id": trades["trade_id"].tolist(),
        "strategy": [strategies[slot] for slot in slots],
        "symbol": [symbols[slot] for slot in slots],
        "side": [_SIDES[side] for side in trades["side"].tolist()],
        "entry_time": iso_column(trades["entry_time"]),
        "exit_time": iso_column(trades["exit_time"]),
        "qty": number_column(trades["quantity"]),
        "entry_reason": word_column(trades["entry_reason"], EntryReason),
        "exit_reason": word_column(trades["exit_reason"], ExitReason),
        "bars": trades["bars"].tolist(),
        "ambiguous": flag_column(trades["ambiguous"]),
        "status": word_column(trades["status"], TradeStatus),
        **{name: number_column(trades[name]) for name in _PLAIN},
    }


def word_column(codes: Int64, kind: type[IntEnum]) -> list[str]:
    """The names of codes, in small letters."""
    known = {member.value: member.name.lower() for member in kind}
    return [known[code] for code in codes.tolist()]


def flag_column(flags: Int64) -> list[str]:
    """`true` and `false`."""
    return ["true" if flag else "false" for flag in flags.tolist()]


def read_trades(path: Path, strategies: Sequence[str], symbols: Sequence[str]) -> Records:
    """The records of a trades.csv whose slots are these. InputError with the line of a damaged row."""
    slots = {pair: slot for slot, pair in enumerate(zip(strategies, symbols, strict=True))}
    if is_large(path):
        try:
            return large_trades(path, TRADE_COLUMNS, _PLAIN, slots)
        except (KeyError, ValueError, OSError):
            pass  # the reader below names the line
    return read_records(path, TRADE_COLUMNS, lambda columns: _trades(columns, slots), "a trade")


def _trades(columns: Columns, slots: Mapping[tuple[str, str], int]) -> Records:
    trades: Records = np.zeros(len(columns["trade_id"]), dtype=TRADE)
    for name in ("trade_id", "bars"):
        trades[name] = [int(cell) for cell in columns[name]]
    trades["slot"] = [slots[pair] for pair in zip(columns["strategy"], columns["symbol"], strict=True)]
    names = {name: number for number, name in enumerate(dict.fromkeys(name for name, _ in slots))}
    trades["strategy"] = [names[cell] for cell in columns["strategy"]]
    trades["side"] = [_SIDE_NUMBERS[cell] for cell in columns["side"]]
    for name in ("entry_time", "exit_time"):
        trades[name] = read_times(columns[name])
    trades["quantity"] = read_numbers(columns["qty"])
    for name in _PLAIN:
        trades[name] = read_numbers(columns[name])
    trades["entry_reason"] = [EntryReason[cell.upper()] for cell in columns["entry_reason"]]
    trades["exit_reason"] = [ExitReason[cell.upper()] for cell in columns["exit_reason"]]
    trades["ambiguous"] = [cell == "true" for cell in columns["ambiguous"]]
    trades["status"] = [TradeStatus[cell.upper()] for cell in columns["status"]]
    trades["initial_target"] = trades["liquidation_price"] = np.nan  # of trade_details.csv
    return trades


def read_numbers(cells: Sequence[str]) -> list[float]:
    """Numbers as `number_column` writes them; an empty cell is NaN."""
    return [float(cell) if cell else math.nan for cell in cells]


def equity_text(curve: Curve) -> Iterator[str]:
    """equity.csv."""
    return _curve_text(curve, EQUITY_COLUMNS)


def benchmark_text(curve: Curve) -> Iterator[str]:
    """benchmark.csv: buy and hold at the times of equity.csv."""
    return _curve_text(curve, BENCHMARK_COLUMNS)


def _curve_text(curve: Curve, names: Sequence[str]) -> Iterator[str]:
    def columns(part: Curve) -> dict[str, Iterable[object]]:
        numbers = {name: number_column(part[name]) for name in names[1:]}
        return {"time": iso_column(part["time"]), **numbers}

    return table_text(names, curve, columns)


def read_curve(equity: Path, benchmark: Path) -> Curve:
    """The records of both files. InputError with the line of a damaged row."""
    curve = read_records(equity, EQUITY_COLUMNS, lambda columns: _curve(columns, EQUITY_COLUMNS), "a row")
    held = read_records(
        benchmark, BENCHMARK_COLUMNS, lambda columns: _curve(columns, BENCHMARK_COLUMNS), "a row"
    )
    if len(held) != len(curve):
        raise InputError(
            f"{benchmark} has {len(held)} rows and {equity.name} {len(curve)}; they belong together."
        )
    curve["buy_hold"] = held["buy_hold"]
    return curve


def _curve(columns: Columns, names: Sequence[str]) -> Curve:
    curve: Curve = np.zeros(len(columns["time"]), dtype=CURVE)
    curve["time"] = read_times(columns["time"])
    for name in names[1:]:
        curve[name] = read_numbers(columns[name])
    return curve


def read_times(texts: Sequence[str]) -> Int64:
    """UTC milliseconds of ISO 8601 times as tradebot writes them, ending in Z. ValueError for any other text."""
    if any(len(text) != _TIME_LENGTH or text[-1] != "Z" for text in texts):  # numpy would take "now" and ""
        raise ValueError("not a time as tradebot writes it")
    return np.array([text.removesuffix("Z") for text in texts], dtype="datetime64[ms]").astype(np.int64)


def read_time(text: str) -> int:
    """UTC milliseconds of one such time."""
    return int(read_times([text])[0])


def read_records(path: Path, names: Sequence[str], build: Callable[[Columns], Records], what: str) -> Records:
    """All rows of a table, made into records by `build`. InputError with the line of a row that is not `what`."""
    blocks: list[Records] = []
    line = 2
    for rows in _read_rows(path, names):
        blocks.append(_built(path, line, rows, names, build, what))
        line += len(rows)
    if not blocks:
        return build(_columns(names, []))
    # As bytes, for record by record it takes ten times as long.
    joined = np.concatenate([np.ascontiguousarray(block).view(np.uint8) for block in blocks])
    return joined.view(blocks[0].dtype)


def _built(
    path: Path,
    first_line: int,
    rows: Sequence[Sequence[str]],
    names: Sequence[str],
    build: Callable[[Columns], Records],
    what: str,
) -> Records:
    try:
        return build(_columns(names, rows))
    except (KeyError, ValueError):  # one by one to name the damaged line
        for line, row in enumerate(rows, first_line):
            try:
                build(_columns(names, [row]))
            except (KeyError, ValueError):
                raise InputError(f"{path}, line {line}: this is not {what} as tradebot writes it.") from None
        raise


def _columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Columns:
    if any(len(row) != len(names) for row in rows):
        raise ValueError("a row has another number of cells than the header")
    return {name: [row[index] for row in rows] for index, name in enumerate(names)}


def table_text(
    names: Sequence[str], records: Records, columns: Callable[[Records], Mapping[str, Iterable[object]]]
) -> Iterator[str]:
    """CSV with these columns in this order, in blocks of rows; `columns` writes those of some records."""
    yield _rows_text([names])
    for low in range(0, len(records), _BLOCK_ROWS):
        block = columns(records[low : low + _BLOCK_ROWS])
        yield _rows_text(zip(*(block[name] for name in names), strict=True))


def _rows_text(rows: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def _read_rows(path: Path, names: Sequence[str]) -> Iterator[list[list[str]]]:
    """The rows below the header, in blocks."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            if next(reader, None) != list(names):
                raise InputError(f"{path}, line 1: expected the columns {','.join(names)}.")
            while rows := list(islice(reader, _BLOCK_ROWS)):
                yield rows
    except FileNotFoundError:
        raise InputError(f"There is no {path}; the result is not complete, run the backtest again.") from None
    except (OSError, UnicodeDecodeError, csv.Error):
        raise InputError(f"{path} cannot be read; it must be a UTF-8 text file.") from None
