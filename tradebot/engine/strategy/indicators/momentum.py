"""Momentum: how fast and how far the price went. What compares it with its own range is in `oscillators.py`."""

from __future__ import annotations

import numpy as np

from tradebot.engine.market import Float64
from tradebot.engine.strategy.indicators import oscillators
from tradebot.engine.strategy.indicators.common import (
    SOURCE,
    bars,
    choice,
    delayed,
    fast_below_slow,
    length_less,
    ratio,
    talib_one,
    whole,
)
from tradebot.engine.strategy.indicators.rolling import rolling_mean, rolling_moments, rolling_sum
from tradebot.engine.strategy.registry import IndicatorDeclaration, Parameter, indicator

_RANGE = ("high", "low", "close")
_FAST = bars(12, name="fast", about="Bars of the fast average.")
_SLOW = bars(26, name="slow", about="Bars of the slow average.")


def _signal(default: int) -> Parameter:
    return bars(default, low=1, name="signal", about="Bars of the average of the line.")


@indicator(
    "rsi",
    "Relative strength index",
    "Share of the gains in all movement, 0 to 100 (Wilder).",
    parameters=(SOURCE, bars(14)),
    look_back=length_less(0),
    recursive=True,
    plot="below",
)
def rsi(source: Float64, *, length: int) -> Float64:
    """`100 * gain / (gain + loss)`, both smoothed by Wilder; 0 for a series that never moved."""
    return talib_one("RSI", source, length)


@indicator(
    "roc",
    "Rate of change",
    "Change since a number of bars ago, in percent.",
    parameters=(SOURCE, bars(10, low=1)),
    look_back=length_less(0),
    plot="below",
)
def roc(source: Float64, *, length: int) -> Float64:
    """`100 * (x / x[i - length] - 1)`; from 50 to 60 it is 20. 0 where the earlier value is zero."""
    return talib_one("ROC", source, length)


@indicator(
    "momentum",
    "Momentum",
    "Change since a number of bars ago, in price.",
    parameters=(SOURCE, bars(10, low=1)),
    look_back=length_less(0),
    plot="below",
)
def momentum(source: Float64, *, length: int) -> Float64:
    """`x - x[i - length]`."""
    return talib_one("MOM", source, length)


@indicator(
    "apo",
    "Absolute price oscillator",
    "Fast less slow exponential average, in price: a MACD whose averages start each by themselves.",
    parameters=(SOURCE, _FAST, _SLOW),
    look_back=length_less(1, "slow"),
    recursive=True,
    plot="below",
    rule=fast_below_slow,
)
def apo(source: Float64, *, fast: int, slow: int) -> Float64:
    """`ema(fast) - ema(slow)`."""
    return talib_one("EMA", source, fast) - talib_one("EMA", source, slow)


@indicator(
    "ppo",
    "Percentage price oscillator",
    "Fast less slow exponential average in percent of the slow one, its average (signal) and their difference.",
    parameters=(SOURCE, _FAST, _SLOW, _signal(9)),
    outputs=("ppo", "signal", "histogram"),
    main="ppo",
    look_back=lambda values: whole(values, "slow") + whole(values, "signal") - 2,
    recursive=True,
    plot="below",
    rule=fast_below_slow,
)
def ppo(source: Float64, *, fast: int, slow: int, signal: int) -> tuple[Float64, ...]:
    """`100 * (ema(fast) / ema(slow) - 1)`, its EMA and the difference of the two: a MACD for any price."""
    behind = talib_one("EMA", source, slow)
    line = 100.0 * ratio(talib_one("EMA", source, fast) - behind, behind, 0.0)
    average = talib_one("EMA", line, signal)
    return line, average, line - average


@indicator(
    "cmo",
    "Chande momentum oscillator",
    "Gains less losses over all movement, -100 to 100.",
    parameters=(
        SOURCE,
        bars(14),
        choice(
            "none",
            ("none", "wilder"),
            "smoothing",
            "Sums of the last bars (none), or Wilder's means as in TA-Lib.",
        ),
    ),
    look_back=length_less(0),
    recursive=True,
    plot="below",
)
def cmo(source: Float64, *, length: int, smoothing: str) -> Float64:
    """`100 * (gains - losses) / (gains + losses)` of `length` changes (Chande 1994); 0 where nothing moved.

    Only with Wilder's smoothing, where it is `2 * RSI - 100`, does it depend on the start of the history.
    """
    if smoothing == "wilder":
        return talib_one("CMO", source, length)
    change = np.diff(source, prepend=source[0])
    # The first change is none, and stands before the look-back.
    return 100.0 * ratio(rolling_sum(change, length), rolling_sum(np.abs(change), length), 0.0)


@indicator(
    "tsi",
    "True strength index",
    "Change smoothed twice over its size smoothed twice, -100 to 100, and its average (signal).",
    parameters=(
        SOURCE,
        bars(25, name="long", about="Bars of the first average."),
        bars(13, name="short", about="Bars of the second average."),
        _signal(13),
    ),
    outputs=("tsi", "signal"),
    main="tsi",
    look_back=lambda values: whole(values, "long") + whole(values, "short") + whole(values, "signal") - 2,
    recursive=True,
    plot="below",
)
def tsi(source: Float64, *, long: int, short: int, signal: int) -> tuple[Float64, ...]:
    """`100 * ema(ema(change)) / ema(ema(abs(change)))` (Blau 1991) and its EMA; 0 where nothing ever moved."""
    line = talib_one("TSI", source, long, short)
    return line, talib_one("EMA", line, signal)


@indicator(
    "coppock",
    "Coppock curve",
    "Weighted mean of two rates of change added up; made for months, turns late and calmly.",
    parameters=(
        SOURCE,
        bars(10, name="length", about="Bars of the weighted mean."),
        bars(14, low=1, name="slow", about="Bars of the longer rate of change."),
        bars(11, low=1, name="fast", about="Bars of the shorter rate of change."),
    ),
    look_back=lambda values: whole(values, "length") - 1 + max(whole(values, "slow"), whole(values, "fast")),
    plot="below",
)
def coppock(source: Float64, *, length: int, slow: int, fast: int) -> Float64:
    """`wma(roc(slow) + roc(fast), length)` (Coppock 1962)."""
    return talib_one("COPPOCK", source, length, fast, slow)


@indicator(
    "dpo",
    "Detrended price oscillator",
    "Price of half a length ago less the mean around it: shows the cycle without the trend, half a length late.",
    parameters=(SOURCE, bars(20)),
    look_back=lambda values: max(whole(values, "length") - 1, whole(values, "length") // 2 + 1),
    plot="below",
)
def dpo(source: Float64, *, length: int) -> Float64:
    """`x[i - (length // 2 + 1)] - sma(x, length)[i]`; charts draw it that many bars further left, with later bars."""
    return delayed(source, length // 2 + 1) - rolling_mean(source, length)


@indicator(
    "awesome_oscillator",
    "Awesome oscillator",
    "Mean of few middles of the bar less the mean of many: above 0 the market speeds up (Williams).",
    parameters=(
        bars(5, name="fast", about="Bars of the short mean."),
        bars(34, name="slow", about="Bars of the long mean."),
    ),
    inputs=("hl2",),
    look_back=length_less(1, "slow"),
    plot="below",
    rule=fast_below_slow,
)
def awesome_oscillator(hl2: Float64, *, fast: int, slow: int) -> Float64:
    """`sma(hl2, fast) - sma(hl2, slow)` (Williams 1998)."""
    return rolling_mean(hl2, fast) - rolling_mean(hl2, slow)


@indicator(
    "accelerator_oscillator",
    "Accelerator oscillator",
    "Awesome oscillator less its own mean: changes before the momentum does (Williams).",
    parameters=(
        bars(5, name="fast", about="Bars of the short mean."),
        bars(34, name="slow", about="Bars of the long mean."),
        bars(5, name="signal", about="Bars of the mean that is taken off."),
    ),
    inputs=("hl2",),
    look_back=lambda values: whole(values, "slow") + whole(values, "signal") - 2,
    plot="below",
    rule=fast_below_slow,
)
def accelerator_oscillator(hl2: Float64, *, fast: int, slow: int, signal: int) -> Float64:
    """`ao - sma(ao, signal)` of the awesome oscillator ao (Williams 1998)."""
    line = (rolling_mean(hl2, fast) - rolling_mean(hl2, slow))[slow - 1 :]
    result = np.full(len(hl2), np.nan)
    result[slow - 1 :] = line - rolling_mean(line, signal)
    return result


@indicator(
    "balance_of_power",
    "Balance of power",
    "Where in its range the bar moved to: 1 from low to high, -1 from high to low; smooth it with an average.",
    inputs=("open", "high", "low", "close"),
    plot="below",
)
def balance_of_power(open_: Float64, high: Float64, low: Float64, close: Float64) -> Float64:
    """`(close - open) / (high - low)` (Livshin 2001), 0 without a range."""
    return ratio(close - open_, high - low, 0.0)


@indicator(
    "qstick",
    "Qstick",
    "Mean body of the last candles, close less open: above 0 where they mostly rose.",
    parameters=(bars(10, low=1),),
    inputs=("open", "close"),
    look_back=length_less(1),
    plot="below",
)
def qstick(open_: Float64, close: Float64, *, length: int) -> Float64:
    """SMA of `close - open` over `length` bars (Chande 1995)."""
    return talib_one("QSTICK", open_, close, length)


@indicator(
    "elder_ray",
    "Elder ray",
    "High (bull) and low (bear) less an exponential average of the close: what each side reached beyond it.",
    parameters=(bars(13),),
    inputs=_RANGE,
    outputs=("bull", "bear"),
    look_back=length_less(1),
    recursive=True,
    plot="below",
)
def elder_ray(high: Float64, low: Float64, close: Float64, *, length: int) -> tuple[Float64, ...]:
    """`high - ema(close)` and `low - ema(close)` (Elder 1989)."""
    average = talib_one("EMA", close, length)
    return high - average, low - average


@indicator(
    "efficiency_ratio",
    "Efficiency ratio",
    "Net change over the way that the price went: 1 is a straight run, 0 is going nowhere (Kaufman).",
    parameters=(SOURCE, bars(10)),
    look_back=length_less(0),
    plot="below",
)
def efficiency_ratio(source: Float64, *, length: int) -> Float64:
    """`abs(x - x[i - length]) / sum(abs(change))` (Kaufman 1995); 0 where nothing moved."""
    path = rolling_sum(np.abs(np.diff(source, prepend=source[0])), length)
    return ratio(np.abs(source - delayed(source, length)), path, 0.0)


@indicator(
    "forecast_oscillator",
    "Forecast oscillator",
    "By how many percent the price differs from what the regression of the bars before forecast.",
    parameters=(SOURCE, bars(5)),
    look_back=length_less(0),
    plot="below",
)
def forecast_oscillator(source: Float64, *, length: int) -> Float64:
    """`100 * (x - f) / x`, f being last bar's least squares line drawn to this bar (Chande 1995); 0 for x = 0."""
    return 100.0 * ratio(source - delayed(talib_one("TSF", source, length), 1), source, 0.0)


@indicator(
    "zscore",
    "Z-score",
    "How many standard deviations the value is from its own mean.",
    parameters=(SOURCE, bars(20)),
    look_back=length_less(1),
    plot="below",
)
def zscore(source: Float64, *, length: int) -> Float64:
    """`(x - mean) / s`, s of the whole population as in the Bollinger bands; 0 where nothing varies."""
    mean, squares = rolling_moments(source, length)
    return ratio(source - mean, np.sqrt(squares / length), 0.0)


@indicator(
    "disparity",
    "Disparity",
    "Distance of the value from its simple average, in percent of the average (bias).",
    parameters=(SOURCE, bars(20)),
    look_back=length_less(1),
    plot="below",
)
def disparity(source: Float64, *, length: int) -> Float64:
    """`100 * (x / sma - 1)`; 0 where the average is zero."""
    mean = rolling_mean(source, length)
    return 100.0 * ratio(source - mean, mean, 0.0)


@indicator(
    "psychological_line",
    "Psychological line",
    "Share of the last bars that rose, 0 to 100.",
    parameters=(SOURCE, bars(12)),
    look_back=length_less(0),
    plot="below",
)
def psychological_line(source: Float64, *, length: int) -> Float64:
    """`100 * bars above the one before / length`."""
    rose = np.diff(source, prepend=source[0]) > 0.0
    return 100.0 * rolling_mean(rose.astype(np.float64), length)


@indicator(
    "intraday_momentum_index",
    "Intraday momentum index",
    "An RSI of candle bodies: share of the rising ones in all, 0 to 100.",
    parameters=(bars(14),),
    inputs=("open", "close"),
    look_back=length_less(1),
    plot="below",
)
def intraday_momentum_index(open_: Float64, close: Float64, *, length: int) -> Float64:
    """`100 * sum(rising bodies) / sum(all bodies)` (Chande 1994); 50 where no bar had a body."""
    body = close - open_
    rising = rolling_sum(np.maximum(body, 0.0), length)
    return 100.0 * ratio(rising, rolling_sum(np.abs(body), length), 0.5)


DECLARATIONS: tuple[IndicatorDeclaration, ...] = (
    rsi,
    *oscillators.DECLARATIONS,
    roc,
    momentum,
    apo,
    ppo,
    cmo,
    tsi,
    coppock,
    dpo,
    awesome_oscillator,
    accelerator_oscillator,
    balance_of_power,
    qstick,
    elder_ray,
    efficiency_ratio,
    forecast_oscillator,
    zscore,
    disparity,
    psychological_line,
    intraday_momentum_index,
)
