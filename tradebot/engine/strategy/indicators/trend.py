"""Trend: whether there is one, which way it goes and where it ends."""

from __future__ import annotations

from tradebot.engine.market import Float64
from tradebot.engine.strategy.indicators.common import (
    SOURCE,
    bars,
    fast_below_slow,
    talib_one,
    talib_several,
    whole,
)
from tradebot.engine.strategy.registry import IndicatorDeclaration, indicator


@indicator(
    "macd",
    "Moving average convergence divergence",
    "Difference of two exponential averages, its own average (signal), and their difference (histogram).",
    parameters=(
        SOURCE,
        bars(12, name="fast", about="Bars of the fast average."),
        bars(26, name="slow", about="Bars of the slow average."),
        bars(9, low=1, name="signal", about="Bars of the average of the difference."),
    ),
    outputs=("macd", "signal", "histogram"),
    main="macd",
    look_back=lambda values: whole(values, "slow") + whole(values, "signal") - 2,
    recursive=True,
    plot="below",
    rule=fast_below_slow,
)
def macd(source: Float64, *, fast: int, slow: int, signal: int) -> tuple[Float64, ...]:
    """`ema(fast) - ema(slow)`, its ema over `signal` bars, and the difference of the two."""
    return talib_several("MACD", source, fast, slow, signal)


@indicator(
    "adx",
    "Average directional index",
    "Strength of a trend whatever its direction, 0 to 100, with the directional indicators +DI and -DI (Wilder).",
    parameters=(bars(14),),
    inputs=("high", "low", "close"),
    outputs=("adx", "plus_di", "minus_di"),
    main="adx",
    look_back=lambda values: 2 * whole(values, "length") - 1,
    recursive=True,
    plot="below",
)
def adx(high: Float64, low: Float64, close: Float64, *, length: int) -> tuple[Float64, ...]:
    """Wilder's ADX, +DI and -DI; all three from the bar on which the ADX has its first value."""
    columns = (high, low, close, length)
    return talib_one("ADX", *columns), talib_one("PLUS_DI", *columns), talib_one("MINUS_DI", *columns)


DECLARATIONS: tuple[IndicatorDeclaration, ...] = (macd, adx)
