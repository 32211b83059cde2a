"""Channels: bands around the price or its mean whose width follows the volatility, and stops that trail it."""

from __future__ import annotations

import numpy as np

from tradebot.engine.market import Float64
from tradebot.engine.strategy.indicators.common import (
    SOURCE,
    bars,
    length_less,
    number,
    ratio,
    talib_one,
    whole,
)
from tradebot.engine.strategy.indicators.rolling import after, rolling_mean, rolling_moments
from tradebot.engine.strategy.registry import IndicatorDeclaration, Parameter, Values, indicator

_BANDS = ("upper", "middle", "lower")
_RANGES = ("high", "low", "close")
_DEVIATIONS = number(
    2.0,
    0.1,
    20.0,
    "deviations",
    "Distance of the bands from the middle, in standard deviations (of the whole population).",
)


def _multiple(default: float) -> Parameter:
    return number(default, 0.1, 50.0, "multiple", "Distance in average true ranges.")


def _atr_length(default: int) -> Parameter:
    return bars(default, low=1, name="atr_length", about="Bars of the average true range.")


def _longer(values: Values) -> int:
    return max(whole(values, "length") - 1, whole(values, "atr_length"))


@indicator(
    "bbands",
    "Bollinger bands",
    "Mean of the last bars, and a number of standard deviations above and below it.",
    parameters=(SOURCE, bars(20), _DEVIATIONS),
    outputs=_BANDS,
    look_back=length_less(1),
)
def bbands(source: Float64, *, length: int, deviations: float) -> tuple[Float64, ...]:
    """`mean + deviations * s`, `mean`, `mean - deviations * s`, with s over the last `length` values (Bollinger)."""
    mean, width = rolling_moments(source, length)
    width /= length
    np.sqrt(width, out=width)
    width *= deviations
    upper = mean + width
    return upper, mean, np.subtract(mean, width, out=width)


@indicator(
    "percent_b",
    "Bollinger %b",
    "Where the price stands between the Bollinger bands: 0 at the lower one, 1 at the upper one.",
    parameters=(SOURCE, bars(20), _DEVIATIONS),
    look_back=length_less(1),
    plot="below",
)
def percent_b(source: Float64, *, length: int, deviations: float) -> Float64:
    """`(x - lower) / (upper - lower)` (Bollinger, 2001); 0.5 where the bands meet."""
    upper, _, lower = bbands.compute(source, length=length, deviations=deviations)
    return ratio(source - lower, upper - lower, 0.5)


@indicator(
    "bandwidth",
    "Bollinger bandwidth",
    "Distance between the Bollinger bands in percent of their middle: low before large moves.",
    parameters=(SOURCE, bars(20), _DEVIATIONS),
    look_back=length_less(1),
    plot="below",
)
def bandwidth(source: Float64, *, length: int, deviations: float) -> Float64:
    """`100 * (upper - lower) / middle` (Bollinger, 2001); 0 where the middle is 0."""
    upper, middle, lower = bbands.compute(source, length=length, deviations=deviations)
    return ratio(100.0 * (upper - lower), middle, 0.0)


@indicator(
    "keltner",
    "Keltner channel",
    "Exponential average, and a number of average true ranges above and below it.",
    parameters=(SOURCE, bars(20, about="Bars of the average."), _atr_length(10), _multiple(2.0)),
    inputs=_RANGES,
    outputs=_BANDS,
    look_back=_longer,
    recursive=True,
)
def keltner(
    high: Float64,
    low: Float64,
    close: Float64,
    source: Float64,
    *,
    length: int,
    atr_length: int,
    multiple: float,
) -> tuple[Float64, ...]:
    """`ema(source) +- multiple * atr` (Raschke's form of Keltner, 1960)."""
    return _around(
        talib_one("EMA", source, length), multiple * talib_one("ATR", high, low, close, atr_length)
    )


@indicator(
    "starc",
    "STARC bands",
    "Short simple average of the close, and a number of average true ranges above and below it.",
    parameters=(bars(6, about="Bars of the average."), _atr_length(15), _multiple(2.0)),
    inputs=_RANGES,
    outputs=_BANDS,
    look_back=_longer,
    recursive=True,
)
def starc(
    high: Float64, low: Float64, close: Float64, *, length: int, atr_length: int, multiple: float
) -> tuple[Float64, ...]:
    """`sma(close) +- multiple * atr` (Stoller)."""
    return _around(rolling_mean(close, length), multiple * talib_one("ATR", high, low, close, atr_length))


@indicator(
    "atr_bands",
    "ATR bands",
    "A number of average true ranges above and below the price.",
    parameters=(SOURCE, bars(14, low=1), _multiple(3.0)),
    inputs=_RANGES,
    outputs=("upper", "lower"),
    look_back=length_less(0),
    recursive=True,
)
def atr_bands(
    high: Float64, low: Float64, close: Float64, source: Float64, *, length: int, multiple: float
) -> tuple[Float64, ...]:
    """`source +- multiple * atr`."""
    width = multiple * talib_one("ATR", high, low, close, length)
    return source + width, source - width


@indicator(
    "envelope",
    "Moving average envelope",
    "Simple average, and bands a fixed percentage above and below it.",
    parameters=(
        SOURCE,
        bars(20),
        number(2.5, 0.01, 100.0, "percent", "Distance of the bands from the middle.", unit="%"),
    ),
    outputs=_BANDS,
    look_back=length_less(1),
)
def envelope(source: Float64, *, length: int, percent: float) -> tuple[Float64, ...]:
    """`sma * (1 +- percent / 100)`."""
    middle = rolling_mean(source, length)
    return _around(middle, middle * (percent / 100.0))


@indicator(
    "acceleration_bands",
    "Acceleration bands",
    "Averages of high and low, widened by how wide the bars are.",
    parameters=(bars(20),),
    inputs=_RANGES,
    outputs=_BANDS,
    look_back=length_less(1),
)
def acceleration_bands(high: Float64, low: Float64, close: Float64, *, length: int) -> tuple[Float64, ...]:
    """Means of `high * (1 + w)`, `close` and `low * (1 - w)`, `w = 4 * (high - low) / (high + low)` (Headley, 2002)."""
    width = ratio(4.0 * (high - low), high + low, 0.0)
    columns = (high * (1.0 + width), close, low * (1.0 - width))
    return tuple(rolling_mean(column, length) for column in columns)


@indicator(
    "donchian",
    "Donchian channel",
    "Highest high and lowest low of the last bars, and the middle between them.",
    parameters=(
        bars(20),
        bars(
            0,
            low=0,
            name="shift",
            about="Bars by which it is read late: with 1 the current bar is left out, so that its close can break it.",
        ),
    ),
    inputs=("high", "low"),
    outputs=_BANDS,
    look_back=lambda values: whole(values, "length") - 1 + whole(values, "shift"),
)
def donchian(high: Float64, low: Float64, *, length: int, shift: int) -> tuple[Float64, ...]:
    """`highest(high)`, the mean of both, `lowest(low)`, all of the bar `shift` bars ago (Donchian)."""
    last = len(high) - shift
    upper = after(shift, talib_one("MAX", high, length)[:last])
    lower = after(shift, talib_one("MIN", low, length)[:last])
    return upper, (upper + lower) / 2.0, lower


@indicator(
    "chandelier_exit",
    "Chandelier exit",
    "Stops that hang below the highest high (for longs) and stand above the lowest low (for shorts).",
    parameters=(bars(22), _multiple(3.0)),
    inputs=_RANGES,
    outputs=("long", "short"),
    look_back=length_less(0),
    recursive=True,
)
def chandelier_exit(
    high: Float64, low: Float64, close: Float64, *, length: int, multiple: float
) -> tuple[Float64, ...]:
    """`highest(high) - multiple * atr` and `lowest(low) + multiple * atr` (LeBeau)."""
    width = multiple * talib_one("ATR", high, low, close, length)
    return talib_one("MAX", high, length) - width, talib_one("MIN", low, length) + width


@indicator(
    "chande_kroll_stop",
    "Chande Kroll stop",
    "Chandelier stops, and then the furthest of the last bars: two lines that trail a trend.",
    parameters=(
        bars(10, about="Bars of the average true range and of the first extremes."),
        _multiple(1.0),
        bars(9, name="smoothing", about="Bars of the second extremes."),
    ),
    inputs=_RANGES,
    outputs=("long", "short"),
    look_back=lambda values: whole(values, "length") + whole(values, "smoothing") - 1,
    recursive=True,
)
def chande_kroll_stop(
    high: Float64, low: Float64, close: Float64, *, length: int, multiple: float, smoothing: int
) -> tuple[Float64, ...]:
    """Lowest of `lowest(low) + multiple * atr`, highest of `highest(high) - multiple * atr` (Chande, Kroll, 1994)."""
    hanging, standing = chandelier_exit.compute(high, low, close, length=length, multiple=multiple)
    long = talib_one("MIN", standing[length:], smoothing)
    short = talib_one("MAX", hanging[length:], smoothing)
    return after(length, long), after(length, short)


def _around(middle: Float64, width: Float64) -> tuple[Float64, ...]:
    return middle + width, middle, middle - width


DECLARATIONS: tuple[IndicatorDeclaration, ...] = (
    bbands,
    percent_b,
    bandwidth,
    keltner,
    donchian,
    starc,
    atr_bands,
    envelope,
    acceleration_bands,
    chandelier_exit,
    chande_kroll_stop,
)
