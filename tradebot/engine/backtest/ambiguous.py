"""Trades that hang on an assumption: stop and target in one bar. What they would have brought the other way round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tradebot.engine.backtest.codes import ExitReason, TradeStatus
from tradebot.engine.backtest.ledger import Costs
from tradebot.engine.backtest.records import Records
from tradebot.engine.backtest.trade_levels import targets_of
from tradebot.engine.market import Float64
from tradebot.engine.strategy import StrategySpec

LevelsOf = Callable[[StrategySpec, Records], dict[str, Float64]]
"""The levels (`atr:14`) that belonged to each of some trades, where they are at hand."""


@dataclass(frozen=True, slots=True)
class AmbiguityBounds:
    """`trades` rows hang on the assumption that the stop was first, which the run makes: its profit is the lower bound.

    `gain` (quote coin) is how much more it would be had the target, or in the bar of an entry no stop, been first:
    their remaining quantity up to the target's share at the target, at the maker's fee. `unknown` of them cannot be
    told. `total_return` is that of the run with the gain, the upper bound.
    """

    trades: int
    gain: float
    unknown: int
    total_return: float


def ambiguity_bounds(
    strategies: Sequence[tuple[StrategySpec, Costs, Records]],
    cash: float,
    final_equity: float,
    levels_of: LevelsOf | None = None,
) -> AmbiguityBounds:
    """Bounds from the trade logs of the strategies of a run, each with its costs."""
    count = unknown = 0
    gain = 0.0
    for spec, costs, trades in strategies:
        doubtful = np.flatnonzero(trades["ambiguous"] != 0)
        count += len(doubtful)
        if not len(doubtful):
            continue
        gains = _gains(spec, costs, trades, doubtful, levels_of)
        unknown += int(np.count_nonzero(np.isnan(gains)))
        gain += float(np.nansum(gains))
    return AmbiguityBounds(count, gain, unknown, (final_equity + gain) / cash - 1.0)


def _gains(
    spec: StrategySpec,
    costs: Costs,
    trades: Records,
    doubtful: np.ndarray,
    levels_of: LevelsOf | None,
) -> Float64:
    """How much more each doubtful row would have brought; NaN where that cannot be told, never below 0."""
    rows = trades[doubtful]
    without_target = np.maximum(0.0, -rows["pnl"])
    if not spec.risk.take_profit:
        return np.asarray(without_target)
    targets = targets_of(spec, rows, levels_of(spec, rows) if levels_of else None)
    gains = np.full(len(rows), np.nan)
    for number, row in enumerate(rows):
        done, original = _legs_before(trades, int(doubtful[number]))
        if done >= len(targets.prices):
            continue
        quantity = min(float(row["quantity"]), float(targets.shares[done, number]) * original)
        at_target = float(targets.prices[done, number])
        if row["bars"] == 0 and spec.orders.entry.value == "stop":
            gains[number] = without_target[number]
            continue
        moved = row["side"] * (at_target - row["exit_price"])
        fees = (row["exit_price"] * costs.taker_fee_percent - at_target * costs.maker_fee_percent) / 100.0
        gains[number] = max(0.0, quantity * (moved + fees)) if not np.isnan(at_target) else np.nan
    return gains


def _legs_before(trades: Records, row: int) -> tuple[int, float]:
    """(targets of the same position that filled before this row, the quantity of the whole position)."""
    same = trades[trades["trade_id"] == trades["trade_id"][row]]
    closed = same[same["status"] == TradeStatus.CLOSED]
    filled = np.count_nonzero(
        (closed["exit_reason"] == ExitReason.TARGET) & (closed["exit_time"] <= trades["exit_time"][row])
    )
    return int(filled), float(same["quantity"].sum())
