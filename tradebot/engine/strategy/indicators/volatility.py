"""Volatility: how far the price moves, whatever its direction. Bands made of it are in `channels.py`."""

from __future__ import annotations

import numpy as np

from tradebot.engine.market import DAY_MS, Float64
from tradebot.engine.strategy.indicators.common import (
    SOURCE,
    bars,
    length_less,
    number,
    ratio,
    talib_one,
    whole,
)
from tradebot.engine.strategy.indicators.rolling import (
    after,
    rolling_deviation,
    rolling_mean,
    rolling_moments,
    rolling_sum,
)
from tradebot.engine.strategy.registry import IndicatorDeclaration, indicator

_YEAR_MS = 365 * DAY_MS
_TIMES = ("time", "close_time")
_YEARLY = "Of a year of 365 days, in percent."


@indicator(
    "true_range",
    "True range",
    "Distance between high and low, the previous close included, in price.",
    inputs=("high", "low", "close"),
    look_back=lambda _: 1,
    plot="below",
)
def true_range(high: Float64, low: Float64, close: Float64) -> Float64:
    """`max(high, close[i-1]) - min(low, close[i-1])` (Wilder, 1978)."""
    return talib_one("TRANGE", high, low, close)


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
    "natr",
    "Normalised average true range",
    "Average true range in percent of the close, so that markets can be compared.",
    parameters=(bars(14, low=1),),
    inputs=("high", "low", "close"),
    look_back=length_less(0),
    recursive=True,
    plot="below",
)
def natr(high: Float64, low: Float64, close: Float64, *, length: int) -> Float64:
    """`100 * atr / close` (Forman, 2006)."""
    return talib_one("NATR", high, low, close, length)


@indicator(
    "stddev",
    "Standard deviation",
    "Usual distance of the last values from their mean, in their unit.",
    parameters=(SOURCE, bars(20)),
    look_back=length_less(1),
    plot="below",
)
def stddev(source: Float64, *, length: int) -> Float64:
    """Of the whole population: `sqrt(mean((x - mean)^2))`; exactly 0 where the last values are equal.

    Not TA-Lib's, which takes a spread below 1e-7 for none: all there is in a coin of 0.00001.
    """
    return rolling_deviation(source, length)


@indicator(
    "variance",
    "Variance",
    "Square of the standard deviation of the last values.",
    parameters=(SOURCE, bars(20)),
    look_back=length_less(1),
    plot="below",
)
def variance(source: Float64, *, length: int) -> Float64:
    """Of the whole population: `mean((x - mean)^2)`."""
    return rolling_moments(source, length)[1] / length


@indicator(
    "choppiness",
    "Choppiness index",
    "Near 100 the price moves sideways, near 0 straight ahead; 61.8 and 38.2 are the usual levels.",
    parameters=(bars(14),),
    inputs=("high", "low", "close"),
    look_back=length_less(0),
    plot="below",
)
def choppiness(high: Float64, low: Float64, close: Float64, *, length: int) -> Float64:
    """`100 * log10(sum of true ranges / (highest high - lowest low)) / log10(length)` (Dreiss, 1993).

    100 where the price did not move at all.
    """
    moved = after(1, rolling_sum(talib_one("TRANGE", high, low, close)[1:], length))
    spread = talib_one("MAX", high, length) - talib_one("MIN", low, length)
    index: Float64 = 100.0 * np.log10(ratio(moved, spread, float(length))) / np.log10(length)
    return index


@indicator(
    "historical_volatility",
    "Historical volatility",
    f"How much the changes from bar to bar scatter. {_YEARLY}",
    parameters=(SOURCE, bars(20)),
    inputs=_TIMES,
    look_back=length_less(0),
    plot="below",
)
def historical_volatility(time: Float64, close_time: Float64, source: Float64, *, length: int) -> Float64:
    """Sample deviation of `ln(x / x[i-1])`, times the root of the bars in 365 days (Hull, Options, ch. 15).

    The bars in a year follow from the length of the bars. No value where the source is not positive.
    """
    return after(1, rolling_deviation(_log_ratio(source[1:], source[:-1]), length, lost=1)) * _yearly(
        time, close_time
    )


@indicator(
    "parkinson_volatility",
    "Parkinson volatility",
    f"Volatility from high and low: needs fewer bars than from closes. {_YEARLY}",
    parameters=(bars(20),),
    inputs=(*_TIMES, "high", "low"),
    look_back=length_less(1),
    plot="below",
)
def parkinson_volatility(
    time: Float64, close_time: Float64, high: Float64, low: Float64, *, length: int
) -> Float64:
    """`sqrt(mean(ln(high / low)^2) / (4 ln 2))` (Parkinson, 1980), for a year."""
    squares = _log_ratio(high, low) ** 2 / (4.0 * np.log(2.0))
    return np.sqrt(rolling_mean(squares, length)) * _yearly(time, close_time)


@indicator(
    "garman_klass_volatility",
    "Garman-Klass volatility",
    f"Volatility from open, high, low and close. {_YEARLY}",
    parameters=(bars(20),),
    inputs=(*_TIMES, "open", "high", "low", "close"),
    look_back=length_less(1),
    plot="below",
)
def garman_klass_volatility(
    time: Float64,
    close_time: Float64,
    open_: Float64,
    high: Float64,
    low: Float64,
    close: Float64,
    *,
    length: int,
) -> Float64:
    """`sqrt(mean(ln(high / low)^2 / 2 - (2 ln 2 - 1) ln(close / open)^2))` (Garman, Klass, 1980), for a year."""
    body = (2.0 * np.log(2.0) - 1.0) * _log_ratio(close, open_) ** 2
    mean = rolling_mean(_log_ratio(high, low) ** 2 / 2.0 - body, length)
    return np.sqrt(np.maximum(mean, 0.0)) * _yearly(time, close_time)


@indicator(
    "rogers_satchell_volatility",
    "Rogers-Satchell volatility",
    f"Volatility from open, high, low and close that a trend does not raise. {_YEARLY}",
    parameters=(bars(20),),
    inputs=(*_TIMES, "open", "high", "low", "close"),
    look_back=length_less(1),
    plot="below",
)
def rogers_satchell_volatility(
    time: Float64,
    close_time: Float64,
    open_: Float64,
    high: Float64,
    low: Float64,
    close: Float64,
    *,
    length: int,
) -> Float64:
    """`sqrt(mean(ln(h / c) ln(h / o) + ln(l / c) ln(l / o)))` (Rogers, Satchell, 1991), for a year."""
    mean = rolling_mean(_rogers_satchell(open_, high, low, close), length)
    return np.sqrt(np.maximum(mean, 0.0)) * _yearly(time, close_time)


@indicator(
    "yang_zhang_volatility",
    "Yang-Zhang volatility",
    f"Volatility from all four prices and the gaps between bars. {_YEARLY}",
    parameters=(bars(20),),
    inputs=(*_TIMES, "open", "high", "low", "close"),
    look_back=length_less(0),
    plot="below",
)
def yang_zhang_volatility(
    time: Float64,
    close_time: Float64,
    open_: Float64,
    high: Float64,
    low: Float64,
    close: Float64,
    *,
    length: int,
) -> Float64:
    """`var(ln(o / c[i-1])) + k var(ln(c / o)) + (1 - k) rogers_satchell` (Yang, Zhang, 2000), its root for a year.

    `k = 0.34 / (1.34 + (length + 1) / (length - 1))`; the variances are those of a sample.
    """
    share = 0.34 / (1.34 + (length + 1) / (length - 1))
    gaps = rolling_moments(_log_ratio(open_[1:], close[:-1]), length)[1] / (length - 1)
    bodies = rolling_moments(_log_ratio(close, open_)[1:], length)[1] / (length - 1)
    inside = rolling_mean(_rogers_satchell(open_, high, low, close)[1:], length)
    total = gaps + share * bodies + (1.0 - share) * inside
    return after(1, np.sqrt(np.maximum(total, 0.0))) * _yearly(time, close_time)


@indicator(
    "ulcer_index",
    "Ulcer index",
    "Depth and length of the falls from the highest value of the last bars, in percent.",
    parameters=(SOURCE, bars(14)),
    look_back=lambda values: 2 * (whole(values, "length") - 1),
    plot="below",
)
def ulcer_index(source: Float64, *, length: int) -> Float64:
    """`sqrt(mean(fall^2))`, the fall being `100 * (x - highest) / highest` (Martin, McCann, 1989)."""
    highest = talib_one("MAX", source, length)[length - 1 :]
    falls = 100.0 * ratio(source[length - 1 :] - highest, highest, 0.0)
    return after(length - 1, np.sqrt(rolling_mean(falls**2, length)))


@indicator(
    "chaikin_volatility",
    "Chaikin volatility",
    "Growth of the averaged distance between high and low against some bars ago, in percent.",
    parameters=(bars(10), bars(10, low=1, name="change", about="Bars over which the growth is taken.")),
    inputs=("high", "low"),
    look_back=lambda values: whole(values, "length") - 1 + whole(values, "change"),
    recursive=True,
    plot="below",
)
def chaikin_volatility(high: Float64, low: Float64, *, length: int, change: int) -> Float64:
    """`100 * (e / e[i-change] - 1)`, e the ema of high - low (Chaikin); 0 after bars that never moved."""
    average = talib_one("EMA", high - low, length)
    return after(change, 100.0 * (ratio(average[change:], average[:-change], 1.0) - 1.0))


@indicator(
    "mass_index",
    "Mass index",
    "Above 27 and back below 26.5 the bars have widened and narrowed again: a turn may follow.",
    parameters=(
        bars(25, about="Bars that are summed."),
        bars(9, name="smoothing", about="Bars of both averages."),
    ),
    inputs=("high", "low"),
    look_back=lambda values: whole(values, "length") - 1 + 2 * (whole(values, "smoothing") - 1),
    recursive=True,
    plot="below",
)
def mass_index(high: Float64, low: Float64, *, length: int, smoothing: int) -> Float64:
    """Sum of `ema(high - low) / ema(ema(high - low))` (Dorsey, 1992); a quotient of bars that never moved is 1."""
    first = smoothing - 1
    once = talib_one("EMA", high - low, smoothing)[first:]
    twice = talib_one("EMA", once, smoothing)[first:]
    return after(2 * first, rolling_sum(ratio(once[first:], twice, 1.0), length))


@indicator(
    "relative_volatility_index",
    "Relative volatility index",
    "Share of the scatter that belongs to rising bars, 0 to 100: an RSI of the standard deviation.",
    parameters=(
        SOURCE,
        bars(10, about="Bars of the standard deviation."),
        bars(14, name="smoothing", about="Bars of the averages."),
    ),
    look_back=lambda values: whole(values, "length") + whole(values, "smoothing") - 2,
    recursive=True,
    plot="below",
)
def relative_volatility_index(source: Float64, *, length: int, smoothing: int) -> Float64:
    """`100 * up / (up + down)`: emas of the deviation of bars that rise and that do not (Dorsey, 1993).

    50 where nothing moved.
    """
    first = length - 1
    deviation = rolling_deviation(source, length)[first:]
    rising = np.diff(source)[first - 1 :] > 0.0
    up = talib_one("EMA", np.where(rising, deviation, 0.0), smoothing)
    down = talib_one("EMA", np.where(rising, 0.0, deviation), smoothing)
    return after(first, 100.0 * ratio(up, up + down, 0.5))


@indicator(
    "squeeze_ratio",
    "Squeeze ratio",
    "Width of the Bollinger bands in widths of the Keltner channel: below 1 is a squeeze.",
    parameters=(
        bars(20),
        number(2.0, 0.1, 20.0, "deviations", "Width of the Bollinger bands, in standard deviations."),
        number(1.5, 0.1, 20.0, "multiple", "Width of the Keltner channel, in mean true ranges."),
    ),
    inputs=("high", "low", "close"),
    look_back=length_less(0),
    plot="below",
)
def squeeze_ratio(
    high: Float64, low: Float64, close: Float64, *, length: int, deviations: float, multiple: float
) -> Float64:
    """`deviations * stddev(close) / (multiple * mean true range)` (Carter, 2005); 0 where nothing moved."""
    mean_range = after(1, rolling_mean(talib_one("TRANGE", high, low, close)[1:], length))
    return ratio(deviations * rolling_deviation(close, length), multiple * mean_range, 0.0)


def _log_ratio(above: Float64, below: Float64) -> Float64:
    """`ln(above / below)`, NaN where that has no value."""
    with np.errstate(divide="ignore", invalid="ignore"):
        result = np.log(above / below)
    result[~np.isfinite(result)] = np.nan
    return result


def _rogers_satchell(open_: Float64, high: Float64, low: Float64, close: Float64) -> Float64:
    up = _log_ratio(high, close) * _log_ratio(high, open_)
    return up + _log_ratio(low, close) * _log_ratio(low, open_)


def _yearly(time: Float64, close_time: Float64) -> float:
    """What turns the deviation of one bar into percent of a year: all bars are equally long."""
    return 100.0 * float(np.sqrt(_YEAR_MS / (close_time[0] - time[0])))


DECLARATIONS: tuple[IndicatorDeclaration, ...] = (
    atr,
    natr,
    true_range,
    stddev,
    variance,
    choppiness,
    historical_volatility,
    parkinson_volatility,
    garman_klass_volatility,
    rogers_satchell_volatility,
    yang_zhang_volatility,
    ulcer_index,
    chaikin_volatility,
    mass_index,
    relative_volatility_index,
    squeeze_ratio,
)
