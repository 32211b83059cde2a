"""How many lots a decision asks for, from the order price P and the marked equity E of its close. Compiled.

Minimums, margin, exposure and volume are looked at when the order fills.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tradebot.engine.backtest.kernel.codes import LevelKind, OrderKind, SizingKind, code
from tradebot.engine.backtest.kernel.grid import steps_down
from tradebot.engine.backtest.kernel.levels import initial_stop_ticks
from tradebot.engine.control.compiling import compiled_part

_EQUITY = code(SizingKind.EQUITY)
_NOTIONAL = code(SizingKind.NOTIONAL)
_RISK = code(SizingKind.RISK)
_VOLATILITY = code(SizingKind.VOLATILITY)
_KELLY = code(SizingKind.KELLY)
_LIMIT = code(OrderKind.LIMIT)
_NO_STOP = code(LevelKind.NONE)


@compiled_part
def kelly_share(strategy: Any) -> float:
    """f = W - (1 - W) / R of the strategy's closed positions, between 0 and 1.

    W is the share of winners, R the mean win over the mean loss. Without a loss f = W, without a win 0. 60 % winners
    that win twice what the others lose: 0.6 - 0.4 / 2 = 0.4. What closed at exactly 0 is neither win nor loss.
    """
    if strategy.won == 0:
        return 0.0
    share = strategy.won / strategy.closed
    if strategy.lost == 0:
        return float(share)
    ratio = (strategy.sum_won / strategy.won) / (strategy.sum_lost / strategy.lost)
    return float(min(1.0, max(0.0, share - (1.0 - share) / ratio)))


@compiled_part
def risk_of_one(slot: Any, rule: Any, side: int, price: float) -> float:
    """What one unit entered at `price` loses at its initial stop, both fees included. NaN without a stop."""
    if rule.stop_kind == _NO_STOP:
        return np.nan
    stop = initial_stop_ticks(side, price, slot.pending_stop_value, rule) * rule.tick
    fee_in = rule.maker_percent if rule.entry_kind == _LIMIT else rule.taker_percent
    return float(abs(price - stop) + price * fee_in / 100.0 + stop * rule.taker_percent / 100.0)


@compiled_part
def wanted_quantity(
    slot: Any, rule: Any, strategy: Any, bar: Any, side: int, price: float, equity: float
) -> float:
    """Quantity that the sizing asks for, before it is rounded to lots; NaN where a level it needs is missing."""
    if rule.sizing == _EQUITY:
        return float(rule.sizing_value / 100.0 * equity / price)
    if rule.sizing == _NOTIONAL:
        return float(rule.sizing_value / price)
    if rule.sizing == _RISK:
        return float(rule.sizing_value / 100.0 * equity / risk_of_one(slot, rule, side, price))
    if rule.sizing == _VOLATILITY:
        sigma = bar.levels[rule.sizing_level]
        if not sigma > 0.0:
            return np.nan
        return float(rule.sizing_value / 100.0 / (sigma * np.sqrt(rule.bars_a_year)) * equity / price)
    if rule.sizing == _KELLY:
        share = rule.kelly_start / 100.0
        if strategy.closed >= rule.kelly_trades:
            share = rule.sizing_value * kelly_share(strategy)
        return float(share * equity / price)
    return float(rule.sizing_value)


@compiled_part
def wanted_lots(
    slot: Any, rule: Any, strategy: Any, bar: Any, side: int, price: float, equity: float
) -> float:
    """Whole lots that the sizing asks for; NaN where a level it needs is missing."""
    quantity = wanted_quantity(slot, rule, strategy, bar, side, price, equity)
    return steps_down(quantity, rule.lot)
