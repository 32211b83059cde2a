"""Trades that hang on an assumption: stop and target in one bar. What they would have brought the other way round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tradebot.engine.backtest.figures.trade_levels import targets_of
from tradebot.engine.backtest.kernel.ledger import Costs
from tradebot.engine.backtest.kernel.records import Records
from tradebot.engine.market import Float64, Int64
from tradebot.engine.strategy import EntryOrder, StrategySpec

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
    doubtful: Int64,
    levels_of: LevelsOf | None,
) -> Float64:
    """How much more each doubtful row would have brought; NaN where that cannot be told, never below 0."""
    rows = trades[doubtful]
    without_stop: Float64 = np.maximum(0.0, -rows["pnl"])
    if not spec.risk.take_profit:
        return without_stop
    targets = targets_of(spec, rows, levels_of(spec, rows) if levels_of else None)
    count = np.arange(len(rows))
    # Earlier legs of a position that is stopped were its nearer targets.
    leg = np.minimum(np.maximum(rows["leg"] - 1, 0), len(targets.prices) - 1)
    price, share = targets.prices[leg, count], targets.shares[leg, count]
    whole = np.bincount(trades["trade_id"], weights=trades["quantity"])[rows["trade_id"]]
    quantity = np.minimum(rows["quantity"], share * whole)
    moved = rows["side"] * (price - rows["exit_price"])
    fees = (rows["exit_price"] * costs.taker_fee_percent - price * costs.maker_fee_percent) / 100.0
    at_target = np.where(np.isnan(price), np.nan, np.maximum(0.0, quantity * (moved + fees)))
    entered_inside = (rows["bars"] == 0) & (spec.orders.entry is EntryOrder.STOP)
    return np.where(entered_inside, without_stop, at_target)
