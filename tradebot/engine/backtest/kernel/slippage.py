"""Price of market and stop fills: slippage, half the spread, and what a large order moves. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from tradebot.engine.backtest.kernel.grid import steps_down, steps_up
from tradebot.engine.control.compiling import compiled_loop, compiled_part


@compiled_part
def slip_fraction(rule: Any, bar: Any, quantity: float) -> float:
    """Slippage and half spread, and impact * sigma * sqrt(quantity / volume) of the bar before.

    Where sigma or volume of that bar is unknown or zero, its term is 0. With impact 1, sigma 1 % and a quarter of the
    volume: 0.5 % more.
    """
    if rule.impact > 0.0 and bar.volume_before > 0.0 and bar.sigma_before > 0.0:
        return float(rule.slip + rule.impact * bar.sigma_before * np.sqrt(quantity / bar.volume_before))
    return float(rule.slip)


@compiled_part
def market_price(side: int, price: float, rule: Any, bar: Any, quantity: float) -> float:
    """Price of a market buy (+1) or sell (-1) at `price`: slippage, then rounded against us to a tick."""
    slip = slip_fraction(rule, bar, quantity)
    if side > 0:
        return float(steps_up(price * (1.0 + slip), rule.tick) * rule.tick)
    return float(max(1.0, steps_down(price * (1.0 - slip), rule.tick)) * rule.tick)


@compiled_loop
def bar_volatility(closes: Any, length: int, out: Any) -> None:
    """Standard deviation (of a sample) of the last `length` log returns at each close; NaN before there are so many.

    Each value is summed anew from its own returns, so that it does not depend on where the column begins.
    """
    for end in range(len(closes)):
        if end < length:
            out[end] = np.nan
            continue
        mean = np.log(closes[end] / closes[end - length]) / length
        squares = 0.0
        for bar in range(end - length + 1, end + 1):
            squares += (np.log(closes[bar] / closes[bar - 1]) - mean) ** 2
        out[end] = np.sqrt(squares / (length - 1))
