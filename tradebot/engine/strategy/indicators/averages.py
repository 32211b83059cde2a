"""Moving averages."""

from __future__ import annotations

from tradebot.engine.market import Float64
from tradebot.engine.strategy.indicators.common import SOURCE, bars, length_less, talib_one
from tradebot.engine.strategy.registry import IndicatorDeclaration, indicator


@indicator(
    "sma",
    "Simple moving average",
    "Mean of the last bars.",
    parameters=(SOURCE, bars(20)),
    look_back=length_less(1),
)
def sma(source: Float64, *, length: int) -> Float64:
    """Mean of the last `length` values."""
    return talib_one("SMA", source, length)


@indicator(
    "ema",
    "Exponential moving average",
    "Mean that weighs recent bars more: alpha = 2 / (length + 1), started with the mean of the first bars.",
    parameters=(SOURCE, bars(20)),
    look_back=length_less(1),
    recursive=True,
)
def ema(source: Float64, *, length: int) -> Float64:
    """`e[i] = e[i-1] + 2 / (length + 1) * (x[i] - e[i-1])`, started with the mean of the first `length` values."""
    return talib_one("EMA", source, length)


DECLARATIONS: tuple[IndicatorDeclaration, ...] = (sma, ema)
