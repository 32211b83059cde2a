"""trades.csv, equity.csv and benchmark.csv: the tables of a result folder, written and read back."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tradebot.engine.backtest.codes import Count, EntryReason, ExitReason, OrderKind, TradeStatus
from tradebot.engine.backtest.curves import CURVE, Curve
from tradebot.engine.backtest.records import INTERVENTION, TRADE, Records
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Float64, Int64

TRADE_COLUMNS = (
    "trade_id", "strategy", "symbol", "side", "entry_time", "entry_price", "exit_time", "exit_price", "qty", "pnl",
    "r", "fees", "funding", "slippage", "entry_reason", "exit_reason", "bars", "mae", "mfe", "initial_stop",
    "ambiguous", "status",
)  # fmt: skip
MORE_TRADE_COLUMNS = (
    "leg", "last_leg", "adds", "entry_order", "decided_time", "initial_target", "liquidation_price", "coarse",
)  # fmt: skip
"""What stands after them; results of older versions have none of these."""
INTERVENTION_COLUMNS = ("time", "strategy", "symbol", "reason", "wanted", "allowed")
EQUITY_COLUMNS = ("time", "equity", "cash", "exposure", "drawdown")
BENCHMARK_COLUMNS = ("time", "buy_hold")

_TIME_LENGTH = len("2024-05-01T12:00:00.000Z")
_Columns = dict[str, list[str]]
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
_MORE_PLAIN = ("initial_target", "liquidation_price")
_FLAGS = ("ambiguous", "last_leg", "coarse")


def number_column(values: Float64) -> list[str]:
    """15 significant digits, which drops the noise of floats (24.0751, not 24.075100000000003); NaN is empty."""
    return ["" if value != value else f"{value:.15g}" for value in values.tolist()]  # NaN differs from itself


def iso_column(times_ms: Int64) -> list[str]:
    """ISO 8601 UTC with milliseconds, as `times.iso_ms` writes one."""
    texts = np.datetime_as_string(times_ms.astype("datetime64[ms]"), unit="ms")
    return [f"{text}Z" for text in texts.tolist()]


def trades_text(trades: Records, strategies: Sequence[str], symbols: Sequence[str]) -> str:
    """trades.csv: one row a closed leg, then the positions still open; strategies and symbols by slot."""

    def plain(name: str) -> list[int]:
        return list(trades[name].tolist())

    def words(name: str, kind: type[EntryReason | ExitReason | TradeStatus | OrderKind]) -> list[str]:
        known = {member.value: member.name.lower() for member in kind}
        return [known[value] for value in trades[name].tolist()]

    columns: dict[str, Sequence[object]] = {
        "trade_id": plain("trade_id"),
        "strategy": [strategies[slot] for slot in plain("slot")],
        "symbol": [symbols[slot] for slot in plain("slot")],
        "side": [_SIDES[side] for side in plain("side")],
        "entry_time": iso_column(trades["entry_time"]),
        "exit_time": iso_column(trades["exit_time"]),
        "qty": number_column(trades["quantity"]),
        "entry_reason": words("entry_reason", EntryReason),
        "exit_reason": words("exit_reason", ExitReason),
        "bars": plain("bars"),
        "status": words("status", TradeStatus),
        "leg": plain("leg"),
        "adds": plain("adds"),
        "entry_order": words("entry_kind", OrderKind),
        "decided_time": iso_column(trades["decided_ms"]),
        **{name: ["true" if flag else "false" for flag in plain(name)] for name in _FLAGS},
        **{name: number_column(trades[name]) for name in (*_PLAIN, *_MORE_PLAIN)},
    }
    names = (*TRADE_COLUMNS, *MORE_TRADE_COLUMNS)
    return _table(names, zip(*(columns[name] for name in names), strict=True))


def read_trades(path: Path, strategies: Sequence[str], symbols: Sequence[str]) -> Records:
    """The records of a trades.csv whose slots are these. InputError with the line of a damaged row."""
    slots = {pair: slot for slot, pair in enumerate(zip(strategies, symbols, strict=True))}
    return _records(
        path,
        TRADE_COLUMNS,
        lambda columns: _trades(columns, slots),
        "a trade",
        (*TRADE_COLUMNS, *MORE_TRADE_COLUMNS),
    )


def _trades(columns: _Columns, slots: Mapping[tuple[str, str], int]) -> Records:
    trades: Records = np.zeros(len(columns["trade_id"]), dtype=TRADE)
    for name in ("trade_id", "bars"):
        trades[name] = [int(cell) for cell in columns[name]]
    trades["slot"] = [slots[pair] for pair in zip(columns["strategy"], columns["symbol"], strict=True)]
    names = {name: number for number, name in enumerate(dict.fromkeys(name for name, _ in slots))}
    trades["strategy"] = [names[cell] for cell in columns["strategy"]]
    trades["side"] = [_SIDE_NUMBERS[cell] for cell in columns["side"]]
    for name in ("entry_time", "exit_time"):
        trades[name] = read_times(columns[name])
    trades["quantity"] = _floats(columns["qty"])
    for name in _PLAIN:
        trades[name] = _floats(columns[name])
    trades["entry_reason"] = [EntryReason[cell.upper()] for cell in columns["entry_reason"]]
    trades["exit_reason"] = [ExitReason[cell.upper()] for cell in columns["exit_reason"]]
    trades["ambiguous"] = [cell == "true" for cell in columns["ambiguous"]]
    trades["status"] = [TradeStatus[cell.upper()] for cell in columns["status"]]
    for name in _MORE_PLAIN:
        trades[name] = np.nan
    if "leg" in columns:
        _add_more(trades, columns)
    return trades


def _add_more(trades: Records, columns: _Columns) -> None:
    """What older versions did not write."""
    for name in ("leg", "adds"):
        trades[name] = [int(cell) for cell in columns[name]]
    for name in ("last_leg", "coarse"):
        trades[name] = [cell == "true" for cell in columns[name]]
    for name in _MORE_PLAIN:
        trades[name] = _floats(columns[name])
    trades["entry_kind"] = [OrderKind[cell.upper()] for cell in columns["entry_order"]]
    trades["decided_ms"] = read_times(columns["decided_time"])


def interventions_text(interventions: Records, strategies: Sequence[str], symbols: Sequence[str]) -> str:
    """interventions.csv: each time a limit, a minimum or the margin changed what was decided, with its reason."""
    slots = interventions["slot"].tolist()
    columns: dict[str, Sequence[object]] = {
        "time": iso_column(interventions["time"]),
        "strategy": [strategies[slot] for slot in slots],
        "symbol": [symbols[slot] for slot in slots],
        "reason": [Count(reason).name.lower() for reason in interventions["reason"].tolist()],
        "wanted": number_column(interventions["wanted"]),
        "allowed": number_column(interventions["allowed"]),
    }
    return _table(INTERVENTION_COLUMNS, zip(*(columns[name] for name in INTERVENTION_COLUMNS), strict=True))


def read_interventions(path: Path, strategies: Sequence[str], symbols: Sequence[str]) -> Records:
    """The records of an interventions.csv whose slots are these, none where there is no such file.

    InputError with the line of a damaged row.
    """
    slots = {pair: slot for slot, pair in enumerate(zip(strategies, symbols, strict=True))}
    if not path.exists():
        return np.zeros(0, dtype=INTERVENTION)
    return _records(
        path, INTERVENTION_COLUMNS, lambda columns: _interventions(columns, slots), "an intervention"
    )


def _interventions(columns: _Columns, slots: Mapping[tuple[str, str], int]) -> Records:
    found: Records = np.zeros(len(columns["time"]), dtype=INTERVENTION)
    found["time"] = read_times(columns["time"])
    found["slot"] = [slots[pair] for pair in zip(columns["strategy"], columns["symbol"], strict=True)]
    found["reason"] = [Count[cell.upper()] for cell in columns["reason"]]
    for name in ("wanted", "allowed"):
        found[name] = _floats(columns[name])
    return found


def _floats(cells: Sequence[str]) -> list[float]:
    return [float(cell) if cell else math.nan for cell in cells]


def equity_text(curve: Curve) -> str:
    """equity.csv."""
    return _curve_text(curve, EQUITY_COLUMNS)


def benchmark_text(curve: Curve) -> str:
    """benchmark.csv: buy and hold at the times of equity.csv."""
    return _curve_text(curve, BENCHMARK_COLUMNS)


def _curve_text(curve: Curve, columns: Sequence[str]) -> str:
    parts = [iso_column(curve["time"]), *(number_column(curve[name]) for name in columns[1:])]
    return _table(columns, zip(*parts, strict=True))


def read_curve(equity: Path, benchmark: Path) -> Curve:
    """The records of both files. InputError with the line of a damaged row."""
    curve = _records(equity, EQUITY_COLUMNS, lambda columns: _curve(columns, EQUITY_COLUMNS), "a row")
    held = _records(benchmark, BENCHMARK_COLUMNS, lambda columns: _curve(columns, BENCHMARK_COLUMNS), "a row")
    if len(held) != len(curve):
        raise InputError(
            f"{benchmark} has {len(held)} rows and {equity.name} {len(curve)}; they belong together."
        )
    curve["buy_hold"] = held["buy_hold"]
    return curve


def _curve(columns: _Columns, names: Sequence[str]) -> Curve:
    curve: Curve = np.zeros(len(columns["time"]), dtype=CURVE)
    curve["time"] = read_times(columns["time"])
    for name in names[1:]:
        curve[name] = _floats(columns[name])
    return curve


def read_times(texts: Sequence[str]) -> Int64:
    """UTC milliseconds of ISO 8601 times as tradebot writes them, ending in Z. ValueError for any other text."""
    if any(len(text) != _TIME_LENGTH or text[-1] != "Z" for text in texts):  # numpy would take "now" and ""
        raise ValueError("not a time as tradebot writes it")
    return np.array([text.removesuffix("Z") for text in texts], dtype="datetime64[ms]").astype(np.int64)


def read_time(text: str) -> int:
    """UTC milliseconds of one such time."""
    return int(read_times([text])[0])


def _records(
    path: Path,
    names: Sequence[str],
    build: Callable[[_Columns], Records],
    what: str,
    more: Sequence[str] | None = None,
) -> Records:
    """All rows of a table at once; only where that fails, one by one to name the damaged line.

    The table has the columns `names`, or `more` where it is newer.
    """
    header, rows = _read_rows(path, names, more)
    try:
        return build(_columns(header, rows))
    except (KeyError, ValueError):
        for line, row in enumerate(rows, start=2):
            try:
                build(_columns(header, [row]))
            except (KeyError, ValueError):
                raise InputError(f"{path}, line {line}: this is not {what} as tradebot writes it.") from None
        raise


def _columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> _Columns:
    if any(len(row) != len(names) for row in rows):
        raise ValueError("a row has another number of cells than the header")
    return {name: [row[index] for row in rows] for index, name in enumerate(names)}


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue()


def _read_rows(
    path: Path, names: Sequence[str], more: Sequence[str] | None
) -> tuple[Sequence[str], list[list[str]]]:
    """(header, rows)."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            header = next(reader, None)
            if header is None or header not in (list(names), list(more or names)):
                raise InputError(f"{path}, line 1: expected the columns {','.join(names)}.")
            return header, list(reader)
    except FileNotFoundError:
        raise InputError(f"There is no {path}; the result is not complete, run the backtest again.") from None
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path} cannot be read; it must be a UTF-8 text file.") from None
