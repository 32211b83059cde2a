"""trade_details.csv and interventions.csv: what a result folder holds beside the tables that everybody reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from tradebot.engine.backtest.kernel.codes import Count, OrderKind
from tradebot.engine.backtest.kernel.records import INTERVENTION, TRADE, Records
from tradebot.engine.backtest.results.large_tables import is_large, large_details
from tradebot.engine.backtest.results.tables import (
    Columns,
    flag_column,
    iso_column,
    number_column,
    read_numbers,
    read_records,
    read_times,
    table_text,
    word_column,
)
from tradebot.engine.control.errors import InputError

DETAIL_COLUMNS = (
    "trade_id", "leg", "last_leg", "adds", "entry_order", "decided_time", "initial_target", "liquidation_price",
    "coarse",
)  # fmt: skip
INTERVENTION_COLUMNS = ("time", "strategy", "symbol", "reason", "wanted", "allowed")


_DETAIL = np.dtype(
    [
        (name, TRADE[name])
        for name in ("trade_id", "leg", "adds", "last_leg", "coarse", "entry_kind", "decided_ms")
    ]
    + [(name, TRADE[name]) for name in ("initial_target", "liquidation_price")]
)
"""What a row of trade_details.csv holds of a record TRADE."""


def details_text(trades: Records) -> Iterator[str]:
    """trade_details.csv: the rows of trades.csv with what belongs to their positions and orders."""
    return table_text(
        DETAIL_COLUMNS,
        trades,
        lambda part: {
            "trade_id": part["trade_id"].tolist(),
            "leg": part["leg"].tolist(),
            "last_leg": flag_column(part["last_leg"]),
            "adds": part["adds"].tolist(),
            "entry_order": word_column(part["entry_kind"], OrderKind),
            "decided_time": iso_column(part["decided_ms"]),
            "initial_target": number_column(part["initial_target"]),
            "liquidation_price": number_column(part["liquidation_price"]),
            "coarse": flag_column(part["coarse"]),
        },
    )


def with_details(trades: Records, path: Path) -> Records:
    """The trades of a trades.csv with the details beside it; as they are where an older version wrote none.

    InputError with the line of a damaged row, or where the two have different rows.
    """
    if not path.exists():
        return trades
    details = _read_details(path)
    if len(details) != len(trades) or not np.array_equal(details["trade_id"], trades["trade_id"]):
        raise InputError(f"{path} has other rows than trades.csv; they belong together.")
    for name in _DETAIL.names or ():
        trades[name] = details[name]
    return trades


def _read_details(path: Path) -> Records:
    if is_large(path):
        try:
            return large_details(path, DETAIL_COLUMNS, _DETAIL)
        except (KeyError, ValueError, OSError):
            pass  # the reader below names the line
    return read_records(path, DETAIL_COLUMNS, _details, "a row")


def _details(columns: Columns) -> Records:
    found: Records = np.zeros(len(columns["trade_id"]), dtype=_DETAIL)
    for name in ("trade_id", "leg", "adds"):
        found[name] = [int(cell) for cell in columns[name]]
    for name in ("last_leg", "coarse"):
        found[name] = [cell == "true" for cell in columns[name]]
    for name in ("initial_target", "liquidation_price"):
        found[name] = read_numbers(columns[name])
    found["entry_kind"] = [OrderKind[cell.upper()] for cell in columns["entry_order"]]
    found["decided_ms"] = read_times(columns["decided_time"])
    return found


def interventions_text(
    interventions: Records, strategies: Sequence[str], symbols: Sequence[str]
) -> Iterator[str]:
    """interventions.csv: each time a limit, a minimum or the margin changed what was decided, with its reason."""
    return table_text(
        INTERVENTION_COLUMNS,
        interventions,
        lambda part: {
            "time": iso_column(part["time"]),
            "strategy": [strategies[slot] for slot in part["slot"].tolist()],
            "symbol": [symbols[slot] for slot in part["slot"].tolist()],
            "reason": word_column(part["reason"], Count),
            "wanted": number_column(part["wanted"]),
            "allowed": number_column(part["allowed"]),
        },
    )


def read_interventions(path: Path, strategies: Sequence[str], symbols: Sequence[str]) -> Records:
    """The records of an interventions.csv whose slots are these, none where there is no such file.

    InputError with the line of a damaged row.
    """
    if not path.exists():
        return np.zeros(0, dtype=INTERVENTION)
    slots = {pair: slot for slot, pair in enumerate(zip(strategies, symbols, strict=True))}
    return read_records(
        path, INTERVENTION_COLUMNS, lambda columns: _interventions(columns, slots), "an intervention"
    )


def _interventions(columns: Columns, slots: Mapping[tuple[str, str], int]) -> Records:
    found: Records = np.zeros(len(columns["time"]), dtype=INTERVENTION)
    found["time"] = read_times(columns["time"])
    found["slot"] = [slots[pair] for pair in zip(columns["strategy"], columns["symbol"], strict=True)]
    found["reason"] = [Count[cell.upper()] for cell in columns["reason"]]
    for name in ("wanted", "allowed"):
        found[name] = read_numbers(columns[name])
    return found
