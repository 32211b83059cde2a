"""Volatility: how far the price moves, and bands around it."""

from __future__ import annotations

from tradebot.engine.market import Float64
from tradebot.engine.strategy.indicators.common import (
    SOURCE,
    bars,
    length_less,
    number,
    talib_one,
    talib_several,
)
from tradebot.engine.strategy.registry import IndicatorDeclaration, indicator


@indicator(
    "atr",
    "Average true range",
    "Wilder's mean of the true range, in price.",
    parameters=(bars(14, low=1),),
    inputs=("high", "low", "close"),
    look_back=length_less(0),
    recursive=True,
    plot="below",
)
def atr(high: Float64, low: Float64, close: Float64, *, length: int) -> Float64:
    """Wilder's mean of `max(high, close[i-1]) - min(low, close[i-1])`."""
    return talib_one("ATR", high, low, close, length)


@indicator(
    "bbands",
    "Bollinger bands",
    "Mean of the last bars, and a number of standard deviations above and below it.",
    parameters=(
        SOURCE,
        bars(20),
        number(
            2.0,
            0.1,
            20.0,
            "deviations",
            "Distance of the bands from the middle, in standard deviations (of the whole population).",
        ),
    ),
    outputs=("upper", "middle", "lower"),
    look_back=length_less(1),
)
def bbands(source: Float64, *, length: int, deviations: float) -> tuple[Float64, ...]:
    """`mean + deviations * s`, `mean`, `mean - deviations * s`, with s over the last `length` values."""
    return talib_several("BBANDS", source, length, deviations, deviations)


DECLARATIONS: tuple[IndicatorDeclaration, ...] = (atr, bbands)
