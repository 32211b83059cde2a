"""Oscillators: where the price stands in its own range of late, mostly between 0 and 100."""

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
    whole,
)
from tradebot.engine.strategy.indicators.rolling import after, frozen, rolling_sum
from tradebot.engine.strategy.registry import IndicatorDeclaration, Parameter, Values, indicator

_RANGE = ("high", "low", "close")


def _position(high: Float64, low: Float64, close: Float64, length: int) -> Float64:
    """`100 * (close - lowest low) / (highest high - lowest low)`; 0 without a range, as TA-Lib has it."""
    return _place(close, low, high, length, 100.0, 0.0, 0.0)


def _place(
    value: Float64, low: Float64, high: Float64, length: int, scale: float, start: float, empty: float
) -> Float64:
    """Where a value stands in the range of the last bars: from `start` at the lowest to `start + scale`."""
    from tradebot.engine.strategy.indicators import loops

    lowest, highest = talib_one("MIN", low, length), talib_one("MAX", high, length)
    return loops.place_in_range(frozen(value), frozen(lowest), frozen(highest), scale, start, empty)


@indicator(
    "stoch",
    "Stochastic",
    "Place of the close in the range of the last bars, 0 to 100, smoothed (k), and its mean (d).",
    parameters=(
        bars(14, low=1),
        bars(3, low=1, name="smooth", about="Bars of the mean that makes k; 1 is the fast stochastic."),
        bars(3, low=1, name="signal", about="Bars of the mean of k, which is d."),
    ),
    inputs=_RANGE,
    outputs=("k", "d"),
    main="k",
    look_back=lambda values: sum(whole(values, each) for each in ("length", "smooth", "signal")) - 3,
    plot="below",
)
def stoch(
    high: Float64, low: Float64, close: Float64, *, length: int, smooth: int, signal: int
) -> tuple[Float64, ...]:
    """SMA of `100 * (close - lowest) / (highest - lowest)`, and the SMA of that (Lane); 0 without a range."""
    k = talib_one("SMA", _position(high, low, close, length), smooth)
    return k, talib_one("SMA", k, signal)


@indicator(
    "stoch_rsi",
    "Stochastic RSI",
    "Place of the RSI in its own range of the last bars, 0 to 100, smoothed (k), and its mean (d).",
    parameters=(
        SOURCE,
        bars(14, about="Bars of the RSI."),
        bars(14, low=1, name="range", about="Bars of the range of the RSI."),
        bars(3, low=1, name="smooth", about="Bars of the mean that makes k; TA-Lib's is 1."),
        bars(3, low=1, name="signal", about="Bars of the mean of k, which is d."),
    ),
    outputs=("k", "d"),
    main="k",
    look_back=lambda values: sum(whole(values, each) for each in ("length", "range", "smooth", "signal")) - 3,
    recursive=True,
    plot="below",
)
def stoch_rsi(source: Float64, *, length: int, smooth: int, signal: int, **other: int) -> tuple[Float64, ...]:
    """The stochastic of the RSI instead of the price (Chande and Kroll 1994); 0 where the RSI has no range."""
    index = talib_one("RSI", source, length)[length:]
    k = talib_one("SMA", after(length, _position(index, index, index, other["range"])), smooth)
    return k, talib_one("SMA", k, signal)


@indicator(
    "kdj",
    "KDJ",
    "Stochastic smoothed by Wilder's averages (k, d), and j, which overshoots: three times k less twice d.",
    parameters=(
        bars(9, low=1),
        bars(3, low=1, name="smooth", about="Bars of the average that makes k."),
        bars(3, low=1, name="signal", about="Bars of the average of k, which is d."),
    ),
    inputs=_RANGE,
    outputs=("k", "d", "j"),
    look_back=lambda values: sum(whole(values, each) for each in ("length", "smooth", "signal")) - 3,
    recursive=True,
    plot="below",
)
def kdj(
    high: Float64, low: Float64, close: Float64, *, length: int, smooth: int, signal: int
) -> tuple[Float64, ...]:
    """Wilder's average of the stochastic, of that again, and `3 * k - 2 * d`; 0 without a range."""
    k = talib_one("RMA", _position(high, low, close, length), smooth)
    d = talib_one("RMA", k, signal)
    return k, d, 3.0 * k - 2.0 * d


@indicator(
    "williams_r",
    "Williams %R",
    "Place of the close in the range of the last bars, from -100 (at the low) to 0 (at the high).",
    parameters=(bars(14),),
    inputs=_RANGE,
    look_back=length_less(1),
    plot="below",
)
def williams_r(high: Float64, low: Float64, close: Float64, *, length: int) -> Float64:
    """`-100 * (highest - close) / (highest - lowest)` (Williams 1973); 0 without a range, as TA-Lib has it."""
    return _place(close, low, high, length, 100.0, -100.0, 0.0)


@indicator(
    "cci",
    "Commodity channel index",
    "Distance of the typical price from its mean, in units of its mean deviation; beyond 100 is unusual.",
    parameters=(bars(20, high=2_000),),
    inputs=("hlc3",),
    look_back=length_less(1),
    plot="below",
)
def cci(price: Float64, *, length: int) -> Float64:
    """`(p - mean) / (0.015 * mean deviation)` of `p = (high + low + close) / 3` (Lambert 1980); 0 without any."""
    from tradebot.engine.strategy.indicators import loops

    return loops.commodity_channel(frozen(price), length)


def _lengths_in_order(values: Values) -> list[tuple[str, str]]:
    short, middle, long = (whole(values, each) for each in ("short", "middle", "long"))
    found = []
    if short >= middle:
        found.append(("short", f"must be shorter than middle, which is {middle}, but is {short}"))
    if middle >= long:
        found.append(("middle", f"must be shorter than long, which is {long}, but is {middle}"))
    return found


@indicator(
    "ultimate_oscillator",
    "Ultimate oscillator",
    "Buying pressure over the true range on three lengths, the shortest weighing most, 0 to 100 (Williams).",
    parameters=(
        bars(7, low=1, name="short", about="Bars of the part that has weight 4."),
        bars(14, low=1, name="middle", about="Bars of the part that has weight 2."),
        bars(28, low=1, name="long", about="Bars of the part that has weight 1."),
    ),
    inputs=_RANGE,
    look_back=length_less(0, "long"),
    plot="below",
    rule=_lengths_in_order,
)
def ultimate_oscillator(
    high: Float64, low: Float64, close: Float64, *, short: int, middle: int, long: int
) -> Float64:
    """`100 * (4 * a + 2 * b + c) / 7`, each `sum(close - true low) / sum(true range)`; 0 without a range (1985)."""
    from tradebot.engine.strategy.indicators import loops

    pressure, reach = loops.buying_pressure(frozen(high), frozen(low), frozen(close))
    parts = [
        weight * ratio(rolling_sum(pressure, length), rolling_sum(reach, length), 0.0)
        for weight, length in ((4.0, short), (2.0, middle), (1.0, long))
    ]
    return after(1, 100.0 * (parts[0] + parts[1] + parts[2]) / 7.0)


@indicator(
    "smi",
    "Stochastic momentum index",
    "Distance of the close from the middle of its range, smoothed twice, -100 to 100, and its average (signal).",
    parameters=(
        bars(13),
        bars(25, low=1, name="slow", about="Bars of the first average."),
        bars(2, low=1, name="fast", about="Bars of the second average."),
        bars(9, low=1, name="signal", about="Bars of the average of the line."),
    ),
    inputs=_RANGE,
    outputs=("smi", "signal"),
    main="smi",
    look_back=lambda values: sum(whole(values, each) for each in ("length", "slow", "fast", "signal")) - 4,
    recursive=True,
    plot="below",
)
def smi(
    high: Float64, low: Float64, close: Float64, *, length: int, slow: int, fast: int, signal: int
) -> tuple[Float64, ...]:
    """`200 * ema(ema(close - middle)) / ema(ema(highest - lowest))`, and its EMA (Blau 1993); 0 without a range."""
    lowest, highest = talib_one("MIN", low, length), talib_one("MAX", high, length)
    distance, reach = close - (highest + lowest) / 2.0, highest - lowest
    smooth = [talib_one("EMA", talib_one("EMA", each, slow), fast) for each in (distance, reach)]
    line = 200.0 * ratio(smooth[0], smooth[1], 0.0)
    return line, talib_one("EMA", line, signal)


@indicator(
    "fisher",
    "Fisher transform",
    "Place in the range made into a bell curve, so that turns stand out; signal is its last value (Ehlers).",
    parameters=(Parameter(name="source", kind=SOURCE.kind, default="hl2", help=SOURCE.help), bars(9)),
    outputs=("fisher", "signal"),
    main="fisher",
    look_back=length_less(0),
    recursive=True,
    plot="below",
)
def fisher(source: Float64, *, length: int) -> tuple[Float64, ...]:
    """`f = 0.5 * ln((1 + v) / (1 - v)) + 0.5 * f[i-1]`, `v = 0.66 * (place - 0.5) + 0.67 * v[i-1]` (Ehlers 2002).

    v is kept within 0.999; without a range the place is the middle.
    """
    from tradebot.engine.strategy.indicators import loops

    line = loops.fisher(frozen(_place(source, source, source, length, 1.0, -0.5, 0.0)), length - 1)
    return line, delayed(line, 1)


@indicator(
    "relative_vigor_index",
    "Relative vigor index",
    "Bodies over ranges, smoothed: rises tend to close above their open; with its average (signal).",
    parameters=(bars(10, low=1),),
    inputs=("open", "high", "low", "close"),
    outputs=("rvgi", "signal"),
    main="rvgi",
    look_back=lambda values: whole(values, "length") + 5,
    plot="below",
)
def relative_vigor_index(
    open_: Float64, high: Float64, low: Float64, close: Float64, *, length: int
) -> tuple[Float64, ...]:
    """`sum(swma(close - open)) / sum(swma(high - low))` and its swma, of weights 1 2 2 1 (Ehlers 2002); 0 for 0 / 0."""
    bodies, ranges = (rolling_sum(_swma(each)[3:], length) for each in (close - open_, high - low))
    line = ratio(bodies, ranges, 0.0)
    return after(3, line), after(3, _swma(line))


def _swma(column: Float64) -> Float64:
    """Mean of four values with the weights 1, 2, 2, 1; NaN on the first three."""
    result = np.full(len(column), np.nan)
    result[3:] = (column[3:] + 2.0 * column[2:-1] + 2.0 * column[1:-2] + column[:-3]) / 6.0
    return result


@indicator(
    "laguerre_rsi",
    "Laguerre RSI",
    "RSI of a four-stage filter, 0 to 100: smooth and quick at once (Ehlers).",
    parameters=(
        SOURCE,
        number(0.5, 0.0, 0.99, "gamma", "Damping: 0 is none, 0.8 is very smooth."),
    ),
    look_back=lambda _values: 1,
    recursive=True,
    plot="below",
)
def laguerre_rsi(source: Float64, *, gamma: float) -> Float64:
    """Gains over all differences between the stages of a Laguerre filter, in percent (Ehlers 2004).

    All stages start at the first value. Where they are equal the last value stays, 50 at first.
    """
    from tradebot.engine.strategy.indicators import loops

    return loops.laguerre(frozen(source), gamma)


@indicator(
    "connors_rsi",
    "Connors RSI",
    "Mean of a short RSI, the RSI of the winning or losing streak and the rank of the last change, 0 to 100.",
    parameters=(
        SOURCE,
        bars(3, about="Bars of the RSI."),
        bars(2, name="streak", about="Bars of the RSI of the streak."),
        bars(100, name="rank", about="Earlier changes that the last one is compared with.", high=1_000),
    ),
    look_back=lambda values: max(whole(values, "length"), whole(values, "streak"), whole(values, "rank") + 1),
    recursive=True,
    plot="below",
)
def connors_rsi(source: Float64, *, length: int, streak: int, rank: int) -> Float64:
    """`(rsi + rsi of the streak + percent of the last changes below this one) / 3` (Connors and Alvarez 2012).

    The streak counts bars in a row that rose, or fell with a minus, 0 where the value stayed.
    """
    from tradebot.engine.strategy.indicators import loops

    of_streak = talib_one("RSI", loops.streak(frozen(source)), streak)
    place = talib_one("PERCENTRANK", talib_one("ROC", source, 1), rank)
    return (talib_one("RSI", source, length) + of_streak + place) / 3.0


@indicator(
    "wavetrend",
    "WaveTrend",
    "Distance from an average in units of its usual size, smoothed (wave), and its mean (signal).",
    parameters=(
        Parameter(name="source", kind=SOURCE.kind, default="hlc3", help=SOURCE.help),
        bars(10, name="channel", about="Bars of the average and of the usual distance."),
        bars(21, name="average", about="Bars of the smoothing."),
        bars(4, low=1, name="signal", about="Bars of the mean of the wave."),
    ),
    outputs=("wave", "signal"),
    main="wave",
    look_back=lambda values: (
        2 * whole(values, "channel") + whole(values, "average") + whole(values, "signal") - 4
    ),
    recursive=True,
    plot="below",
)
def wavetrend(source: Float64, *, channel: int, average: int, signal: int) -> tuple[Float64, ...]:
    """`ema((x - e) / (0.015 * ema(abs(x - e))))` with `e = ema(x)`, and its SMA (LazyBear 2014); 0 / 0 counts as 0."""
    distance = source - talib_one("EMA", source, channel)
    index = ratio(distance, 0.015 * talib_one("EMA", np.abs(distance), channel), 0.0)
    wave = talib_one("EMA", index, average)
    return wave, talib_one("SMA", wave, signal)


DECLARATIONS: tuple[IndicatorDeclaration, ...] = (
    stoch,
    stoch_rsi,
    kdj,
    williams_r,
    cci,
    ultimate_oscillator,
    smi,
    fisher,
    relative_vigor_index,
    laguerre_rsi,
    connors_rsi,
    wavetrend,
)
