"""Price: other readings of a bar, changes, extremes and ranks."""

from __future__ import annotations

import numpy as np

from tradebot.engine.market import Float64
from tradebot.engine.strategy.indicators.common import (
    SOURCE,
    bars,
    delayed,
    length_less,
    number,
    ratio,
    talib_one,
)
from tradebot.engine.strategy.indicators.rolling import (
    after,
    halfway,
    percent_rank,
    percentile,
    rolling_sum,
)
from tradebot.engine.strategy.registry import IndicatorDeclaration, Parameter, ParameterKind, indicator

_PRICES = ("open", "high", "low", "close")


def _series(name: str, default: str, about: str) -> Parameter:
    return Parameter(name=name, kind=ParameterKind.SERIES, default=default, help=about)


@indicator(
    "price",
    "Price",
    "A series as it is: for the price of coarser bars or of another market.",
    parameters=(SOURCE,),
)
def price(source: Float64) -> Float64:
    """The source itself."""
    return source.copy()


@indicator(
    "weighted_close",
    "Weighted close",
    "Mean of high, low and twice the close.",
    inputs=("high", "low", "close"),
)
def weighted_close(high: Float64, low: Float64, close: Float64) -> Float64:
    """`(high + low + 2 * close) / 4`."""
    return talib_one("WCLPRICE", high, low, close)


@indicator(
    "heikin_ashi",
    "Heikin-Ashi candles",
    "Candles of averaged prices: a run of one colour is a trend.",
    inputs=_PRICES,
    outputs=_PRICES,
    main="close",
    recursive=True,
)
def heikin_ashi(open_: Float64, high: Float64, low: Float64, close: Float64) -> tuple[Float64, ...]:
    """Close is ohlc4, open the middle of the open and close before, high and low hold both (Valcu, 2004).

    The first open is the middle of that bar's open and close.
    """
    mean = (open_ + high + low + close) / 4.0
    start = halfway(float(open_[0] + close[0]) / 2.0, mean)
    return start, np.maximum(high, np.maximum(start, mean)), np.minimum(low, np.minimum(start, mean)), mean


@indicator(
    "percent_change",
    "Percent change",
    "Change against some bars ago, in percent.",
    parameters=(SOURCE, bars(1, low=1)),
    look_back=length_less(0),
    plot="below",
)
def percent_change(source: Float64, *, length: int) -> Float64:
    """`100 * (x / x[i-length] - 1)`; 0 where the earlier value is 0."""
    return after(length, 100.0 * (ratio(source[length:], source[:-length], 1.0) - 1.0))


@indicator(
    "log_return",
    "Log return",
    "Change against some bars ago as a natural logarithm: changes of several bars add up.",
    parameters=(SOURCE, bars(1, low=1)),
    look_back=length_less(0),
    plot="below",
)
def log_return(source: Float64, *, length: int) -> Float64:
    """`ln(x / x[i-length])`; no value where the source is not positive."""
    growth = ratio(source[length:], source[:-length], np.nan)
    return after(length, np.log(growth, out=np.full(len(growth), np.nan), where=growth > 0.0))


@indicator(
    "highest",
    "Highest value",
    "Highest of the last bars, this one included.",
    parameters=(_series("source", "high", "The series it is computed from."), bars(20)),
    look_back=length_less(1),
)
def highest(source: Float64, *, length: int) -> Float64:
    """The highest of the last `length` values."""
    return talib_one("MAX", source, length)


@indicator(
    "lowest",
    "Lowest value",
    "Lowest of the last bars, this one included.",
    parameters=(_series("source", "low", "The series it is computed from."), bars(20)),
    look_back=length_less(1),
)
def lowest(source: Float64, *, length: int) -> Float64:
    """The lowest of the last `length` values."""
    return talib_one("MIN", source, length)


@indicator(
    "lag",
    "Earlier value",
    "What a series was some bars ago.",
    parameters=(SOURCE, bars(1, low=1)),
    look_back=length_less(0),
)
def lag(source: Float64, *, length: int) -> Float64:
    """`x[i-length]`."""
    return delayed(source, length)


@indicator(
    "rolling_sum",
    "Sum of the last bars",
    "Sum of the last values of a series.",
    parameters=(_series("source", "volume", "The series it is computed from."), bars(20)),
    look_back=length_less(1),
    plot="below",
)
def sum_of_last(source: Float64, *, length: int) -> Float64:
    """Sum of the last `length` values."""
    return rolling_sum(source, length)


@indicator(
    "difference",
    "Difference of two series",
    "One series less another, for example a price less its average.",
    parameters=(
        _series("a", "close", "The series taken from."),
        _series("b", "open", "The series taken away."),
    ),
    plot="below",
)
def difference(a: Float64, b: Float64) -> Float64:
    """`a - b`."""
    return a - b


@indicator(
    "ratio",
    "Ratio of two series",
    "One series divided by another, for example a fast by a slow average.",
    parameters=(_series("a", "close", "The series divided."), _series("b", "open", "The series divided by.")),
    plot="below",
)
def ratio_of(a: Float64, b: Float64) -> Float64:
    """`a / b`; no value where b is 0."""
    return ratio(a, b, np.nan)


@indicator(
    "gap",
    "Gap",
    "Open of the bar against the close before, in percent.",
    inputs=("open", "close"),
    look_back=lambda _: 1,
    plot="below",
)
def gap(open_: Float64, close: Float64) -> Float64:
    """`100 * (open / close[i-1] - 1)`."""
    return after(1, 100.0 * (ratio(open_[1:], close[:-1], 1.0) - 1.0))


@indicator(
    "internal_bar_strength",
    "Internal bar strength",
    "Where the bar closes between its low (0) and its high (1).",
    inputs=("high", "low", "close"),
    plot="below",
)
def internal_bar_strength(high: Float64, low: Float64, close: Float64) -> Float64:
    """`(close - low) / (high - low)` (Pagonidis, 2013); 0.5 for a bar that did not move."""
    return ratio(close - low, high - low, 0.5)


@indicator(
    "range_position",
    "Position in the range",
    "Where a series stands between its lowest (0) and highest (100) value of the last bars.",
    parameters=(SOURCE, bars(20)),
    look_back=length_less(1),
    plot="below",
)
def range_position(source: Float64, *, length: int) -> Float64:
    """`100 * (x - lowest) / (highest - lowest)`; 50 where all are equal."""
    low = talib_one("MIN", source, length)
    return 100.0 * ratio(source - low, talib_one("MAX", source, length) - low, 0.5)


@indicator(
    "drawdown",
    "Fall from the highest",
    "How far a series stands below its highest value of the last bars, in percent (0 or negative).",
    parameters=(SOURCE, bars(100)),
    look_back=length_less(1),
    plot="below",
)
def drawdown(source: Float64, *, length: int) -> Float64:
    """`100 * (x / highest - 1)`; 0 where the highest is 0."""
    return 100.0 * (ratio(source, talib_one("MAX", source, length), 1.0) - 1.0)


@indicator(
    "percent_rank",
    "Percent rank",
    "Percent of the values of the bars before that are not above this one, 0 to 100.",
    parameters=(SOURCE, bars(100)),
    look_back=length_less(0),
    plot="below",
)
def rank(source: Float64, *, length: int) -> Float64:
    """Share of the `length` values before that are lower or equal: of 1, 2, 3, the value 2 has 66.7."""
    return percent_rank(source, length)


@indicator(
    "percentile",
    "Percentile",
    "Level below which a given percentage of the last values lies; 50 is the median.",
    parameters=(
        SOURCE,
        bars(100),
        number(50.0, 0.0, 100.0, "percent", "Percentage of the values that lie below.", unit="%"),
    ),
    look_back=length_less(1),
)
def level(source: Float64, *, length: int, percent: float) -> Float64:
    """Between two values in proportion (Hyndman, Fan, 1996, no. 7): of 1, 2, 4 the 75th percentile is 3."""
    return percentile(source, length, percent)


DECLARATIONS: tuple[IndicatorDeclaration, ...] = (
    price,
    weighted_close,
    heikin_ashi,
    percent_change,
    log_return,
    highest,
    lowest,
    lag,
    sum_of_last,
    difference,
    ratio_of,
    gap,
    internal_bar_strength,
    range_position,
    drawdown,
    rank,
    level,
)
