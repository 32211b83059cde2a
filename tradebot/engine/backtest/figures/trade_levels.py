"""Where the targets of trades stood, and at which close each trade was decided: told from the strategy and the log."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tradebot.engine.backtest.kernel.records import Records
from tradebot.engine.market import Candles, Float64, Int64
from tradebot.engine.strategy import Decisions, EntryOrder, StrategySpec, Use


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """The targets of some trades, one row a target (nearest first), one column a trade.

    `prices` are before rounding to ticks, NaN where they cannot be told (a series moves, an ATR is not at hand);
    `shares` are fractions of the original quantity.
    """

    prices: Float64
    shares: Float64


def targets_of(spec: StrategySpec, trades: Records, levels: dict[str, Float64] | None = None) -> Targets:
    """The targets of records TRADE of one strategy; `levels` holds, by key (`atr:14`), a value for each trade."""
    uses = spec.risk.take_profit
    prices = np.full((len(uses), len(trades)), np.nan)
    for number, use in enumerate(uses):
        prices[number] = trades["entry_price"] + trades["side"] * _distance(use, trades, levels or {})
    shares = np.repeat(leg_shares(uses)[:, None], len(trades), axis=1)
    order = np.argsort(np.abs(prices - trades["entry_price"]), axis=0, kind="stable")  # NaN last
    return Targets(np.take_along_axis(prices, order, 0), np.take_along_axis(shares, order, 0))


def _distance(use: Use, trades: Records, levels: dict[str, Float64]) -> Float64:
    entry: Float64 = trades["entry_price"]
    match use.use:
        case "percent":
            return entry * use.number("percent") / 100.0
        case "r":
            risk: Float64 = np.abs(entry - trades["initial_stop"])
            return use.number("multiple") * risk
        case "atr":
            known = levels.get(f"atr:{use.parameters['length']}")
            if known is not None:
                return use.number("multiple") * known
    return np.full(len(entry), np.nan)


def leg_shares(uses: tuple[Use, ...]) -> Float64:
    """The share of the position that each target takes: as given, what is left evenly among those without one.

    Three targets of which one takes 50 %: 0.5, 0.25, 0.25.
    """
    given = [use.parameters.get("share_percent") for use in uses]
    known = sum(float(share) for share in given if share is not None)
    without = sum(share is None for share in given)
    rest = max(0.0, 100.0 - known) / without if without else 0.0
    return np.array([rest if share is None else float(share) for share in given]) / 100.0


def decision_bars(spec: StrategySpec, candles: Candles, decisions: Decisions, trades: Records) -> Int64:
    """The bar at whose close each of these trades of one symbol was decided, -1 where it cannot be told.

    The log says when; in one of an older version it is the last bar that had closed by the entry and decided for the
    side of the trade, not further back than an order lives.
    """
    closes = candles.close_time
    told = np.searchsorted(closes, trades["decided_ms"])
    at_most = np.minimum(told, len(closes) - 1)
    same = (closes[at_most] == trades["decided_ms"]) & (decisions.side[at_most] == trades["side"])
    return np.where(
        trades["decided_ms"] > 0, np.where(same, told, -1), _likely_bars(spec, candles, decisions, trades)
    )


def _likely_bars(spec: StrategySpec, candles: Candles, decisions: Decisions, trades: Records) -> Int64:
    closes = candles.close_time
    last = np.searchsorted(closes, trades["entry_time"], side="right") - 1
    found = np.full(len(trades), -1, dtype=np.int64)
    for side in (1, -1):
        decided = np.flatnonzero(decisions.side == side)
        of_side = np.flatnonzero(trades["side"] == side)
        at = np.searchsorted(decided, last[of_side], side="right") - 1
        known = at >= 0
        found[of_side[known]] = decided[at[known]]
    oldest = 1 if spec.orders.entry is EntryOrder.MARKET else spec.orders.valid_bars
    late = trades["entry_time"] - np.where(found >= 0, closes[np.maximum(found, 0)], 0)
    return np.where((found >= 0) & (late <= oldest * candles.timeframe.ms), found, -1)
