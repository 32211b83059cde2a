"""What holding the tested symbols would have brought: equal parts of the cash in each, from its first bar on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tradebot.engine.backtest.kernel.ledger import Costs, SymbolData
from tradebot.engine.market import Candles, Float64, Int64


def one_of_each(slots: Sequence[SymbolData]) -> list[SymbolData]:
    """One slot a symbol, that with the earliest bar, in the order of the names; slots without bars are left out."""
    found: dict[str, SymbolData] = {}
    for slot in slots:
        if len(slot.candles):
            held = found.get(slot.symbol)
            if held is None or slot.candles.time[0] < held.candles.time[0]:
                found[slot.symbol] = slot
    return [found[symbol] for symbol in sorted(found)]


def buy_hold_return(slots: Sequence[SymbolData]) -> float | None:
    """Equal parts of the cash in every symbol from its first open to its last close, without costs."""
    grown = [slot.candles.close[-1] / slot.candles.open[0] - 1.0 for slot in one_of_each(slots)]
    return float(np.mean(grown)) if grown else None


def buy_hold_equity(time: Int64, slots: Sequence[SymbolData], cash: float) -> Float64:
    """Worth of `cash` put in equal parts into every symbol at its first open, at each of these close times."""
    universe = one_of_each(slots)
    worth = np.zeros(len(time))
    for slot in universe:
        worth += cash / len(universe) * _growth(time, slot)
    return worth


def costed_hold_equity(time: Int64, slots: Sequence[SymbolData], cash: float, costs: Costs) -> Float64:
    """The same after the costs of a taker's entry, and after the funding of what is held."""
    universe = one_of_each(slots)
    entry = (costs.taker_fee_percent + costs.slippage_percent + costs.half_spread_percent) / 100.0
    worth = np.zeros(len(time))
    for slot in universe:
        begun = time > slot.candles.time[0]
        grown = (1.0 - entry) * (_growth(time, slot) - _funding_paid(time, slot))
        worth += cash / len(universe) * np.where(begun, grown, 1.0)
    return worth


def bars_at(candles: Candles, time: Int64) -> Int64:
    """The bar that opened last at or before each time, -1 where none had."""
    length = candles.timeframe.ms
    first, last = int(candles.time[0]), int(candles.time[-1])
    if last - first == (len(candles) - 1) * length:  # no bar is missing, and no search is needed
        return np.clip((time - first) // length, -1, len(candles) - 1)
    return np.searchsorted(candles.time, time, side="right") - 1


def _growth(time: Int64, slot: SymbolData) -> Float64:
    candles = slot.candles
    bar = bars_at(candles, time - candles.timeframe.ms)
    return np.where(bar >= 0, candles.close[np.maximum(bar, 0)] / candles.open[0], 1.0)


def _funding_paid(time: Int64, slot: SymbolData) -> Float64:
    """Funding paid up to each time for a position of 1 at the first open, as a share of that."""
    candles = slot.candles
    end = int(candles.time[-1]) + candles.timeframe.ms
    held = (slot.funding_time >= candles.time[0]) & (slot.funding_time < end)
    times, rates = slot.funding_time[held], slot.funding_rate[held]
    if not len(times):
        return np.zeros(len(time))
    paid = np.cumsum(rates * candles.open[bars_at(candles, times)] / candles.open[0])
    return np.concatenate([[0.0], paid])[np.searchsorted(times, time, side="right")]
