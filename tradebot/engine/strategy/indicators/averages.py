"""Moving averages."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tradebot.engine.market import Float64
from tradebot.engine.strategy.indicators.common import (
    SOURCE,
    bars,
    length_less,
    number,
    talib_one,
    talib_several,
    whole,
)
from tradebot.engine.strategy.indicators.rolling import frozen
from tradebot.engine.strategy.registry import IndicatorDeclaration, Values, indicator

_FIXED_LOOK_BACK_MAMA = 32
_FIXED_LOOK_BACK_TRENDLINE = 63


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


@indicator(
    "wma",
    "Weighted moving average",
    "Mean whose weights fall evenly from the newest bar to the oldest.",
    parameters=(SOURCE, bars(20)),
    look_back=length_less(1),
)
def wma(source: Float64, *, length: int) -> Float64:
    """Weights `length, length - 1, ..., 1` from the newest value back; (1 2 4) over 3 bars is 17 / 6."""
    return talib_one("WMA", source, length)


@indicator(
    "rma",
    "Wilder's moving average",
    "Slow exponential average with alpha = 1 / length, as in RSI and ATR; also called SMMA, smoothed average.",
    parameters=(SOURCE, bars(14)),
    look_back=length_less(1),
    recursive=True,
)
def rma(source: Float64, *, length: int) -> Float64:
    """`r[i] = (r[i-1] * (length - 1) + x[i]) / length`, started with the mean of the first values (Wilder 1978)."""
    return talib_one("RMA", source, length)


@indicator(
    "dema",
    "Double exponential moving average",
    "Exponential average with part of its delay taken out: twice the EMA less the EMA of the EMA.",
    parameters=(SOURCE, bars(20)),
    look_back=lambda values: 2 * (whole(values, "length") - 1),
    recursive=True,
)
def dema(source: Float64, *, length: int) -> Float64:
    """`2 * e1 - e2`, e2 being the EMA of e1 (Mulloy 1994)."""
    return talib_one("DEMA", source, length)


@indicator(
    "tema",
    "Triple exponential moving average",
    "Exponential average with most of its delay taken out; quicker than DEMA and overshoots more.",
    parameters=(SOURCE, bars(20)),
    look_back=lambda values: 3 * (whole(values, "length") - 1),
    recursive=True,
)
def tema(source: Float64, *, length: int) -> Float64:
    """`3 * e1 - 3 * e2 + e3`, each the EMA of the one before (Mulloy 1994)."""
    return talib_one("TEMA", source, length)


@indicator(
    "t3",
    "T3 average",
    "Very smooth average of six exponential ones; the factor trades smoothness for speed (Tillson).",
    parameters=(
        SOURCE,
        bars(5),
        number(0.7, 0.0, 1.0, "factor", "0 is plain repeated smoothing, 1 takes out most of the delay."),
    ),
    look_back=lambda values: 6 * (whole(values, "length") - 1),
    recursive=True,
)
def t3(source: Float64, *, length: int, factor: float) -> Float64:
    """`c1 * e6 + c2 * e5 + c3 * e4 + c4 * e3` of six EMAs in a row, the weights from the factor (Tillson 1998)."""
    return talib_one("T3", source, length, factor)


@indicator(
    "trima",
    "Triangular moving average",
    "Mean that weighs the middle of the window most: an average of an average.",
    parameters=(SOURCE, bars(20)),
    look_back=length_less(1),
)
def trima(source: Float64, *, length: int) -> Float64:
    """Weights rise evenly to the middle of the window and fall again; 1 2 2 1 for four bars."""
    return talib_one("TRIMA", source, length)


@indicator(
    "hma",
    "Hull moving average",
    "Fast and smooth: a weighted average of twice the half-length average less the full one.",
    parameters=(SOURCE, bars(20)),
    look_back=lambda values: whole(values, "length") + _root(whole(values, "length")) - 2,
)
def hma(source: Float64, *, length: int) -> Float64:
    """`wma(2 * wma(x, length // 2) - wma(x, length), floor(sqrt(length)))` (Hull 2005)."""
    return talib_one("HMA", source, length)


def _root(length: int) -> int:
    return int(np.sqrt(length))


@indicator(
    "zlema",
    "Zero-lag exponential moving average",
    "Exponential average of the price plus what it gained over half the length, so that it trails less.",
    parameters=(SOURCE, bars(20)),
    look_back=lambda values: whole(values, "length") - 1 + (whole(values, "length") - 1) // 2,
    recursive=True,
)
def zlema(source: Float64, *, length: int) -> Float64:
    """EMA of `2 * x[i] - x[i - lag]` with `lag = (length - 1) // 2` (Ehlers and Way 2010)."""
    return talib_one("ZLEMA", source, length)


@indicator(
    "kama",
    "Kaufman's adaptive moving average",
    "Follows closely while the price runs straight and stands nearly still while it goes to and fro.",
    parameters=(SOURCE, bars(10, about="Bars over which the straightness of the path is judged.")),
    look_back=length_less(0),
    recursive=True,
)
def kama(source: Float64, *, length: int) -> Float64:
    """EMA whose alpha lies between those of 2 and of 30 bars by the efficiency ratio (Kaufman 1995)."""
    return talib_one("KAMA", source, length)


@indicator(
    "vidya",
    "Variable index dynamic average",
    "Exponential average that speeds up with the strength of the momentum (Chande).",
    parameters=(SOURCE, bars(14, about="Bars of the average and of the momentum that drives it.")),
    look_back=length_less(0),
    recursive=True,
)
def vidya(source: Float64, *, length: int) -> Float64:
    """`v[i] = v[i-1] + a * (x[i] - v[i-1])` with `a = 2 / (length + 1) * abs(CMO) / 100` (Chande 1992, 1995).

    CMO is Chande's unsmoothed momentum oscillator over `length` changes; the start is the mean of the first values.
    """
    from tradebot.engine.strategy.indicators import loops

    return loops.vidya(frozen(source), frozen(talib_one("CMOU", source, length)), length)


@indicator(
    "mcginley",
    "McGinley dynamic",
    "Average that adjusts its speed to the market: quicker in falls, slower in rises.",
    parameters=(SOURCE, bars(14)),
    look_back=length_less(1),
    recursive=True,
)
def mcginley(source: Float64, *, length: int) -> Float64:
    """`m[i] = m[i-1] + (x - m[i-1]) / (length * (x / m[i-1]) ** 4)`, started with the mean of the first values.

    McGinley 1990, without the factor 0.6 of some editions. It is made for prices: a step never goes beyond the value
    itself, and where the quotient of the two is not positive the average starts again at the value.
    """
    from tradebot.engine.strategy.indicators import loops

    return loops.mcginley(frozen(source), length)


@indicator(
    "alma",
    "Arnaud Legoux moving average",
    "Mean with bell-shaped weights whose middle can be moved towards the newest bar.",
    parameters=(
        SOURCE,
        bars(9, high=1_000),
        number(0.85, 0.0, 1.0, "offset", "Middle of the bell: 0 is the oldest bar, 1 the newest."),
        number(6.0, 0.1, 100.0, "sigma", "Narrowness of the bell: its deviation is the length over this."),
    ),
    look_back=length_less(1),
)
def alma(source: Float64, *, length: int, offset: float, sigma: float) -> Float64:
    """Weights `exp(-(k - offset * (length - 1))**2 / (2 * (length / sigma)**2))`, k from the oldest (Legoux 2009)."""
    from tradebot.engine.strategy.indicators import loops

    place = np.arange(length, dtype=np.float64)
    # Taken relative to the nearest bar, so that a very narrow bell is that bar and not 0 / 0.
    distance = (place - offset * (length - 1)) ** 2
    weights = np.exp(-(distance - distance.min()) / (2.0 * (length / sigma) ** 2))
    return loops.weighted_mean(frozen(source), frozen(weights / weights.sum()))


@indicator(
    "vwma",
    "Volume-weighted moving average",
    "Mean of the last bars in which busy bars count more.",
    parameters=(SOURCE, bars(20)),
    inputs=("volume",),
    look_back=length_less(1),
)
def vwma(volume: Float64, source: Float64, *, length: int) -> Float64:
    """`sum(x * volume) / sum(volume)` of the last bars; no value where none of them had volume."""
    result = talib_one("VWMA", source, volume, length)
    # What rolling sums leave behind is not exactly zero, and its quotient would be any number at all.
    traded = talib_one("SUM", (volume != 0.0).astype(np.float64), length)
    result[traded == 0.0] = np.nan
    return result


def _limits_in_order(values: Values) -> Iterable[tuple[str, str]]:
    if float(values["slow_limit"]) >= float(values["fast_limit"]):
        yield "slow_limit", f"must be below fast_limit, which is {values['fast_limit']}"


@indicator(
    "mama",
    "MESA adaptive moving average",
    "Average that adapts to the length of the cycle in the price; its companion FAMA follows at half the speed.",
    parameters=(
        SOURCE,
        number(0.5, 0.01, 0.99, "fast_limit", "Highest share of the newest bar in the average."),
        number(0.05, 0.01, 0.99, "slow_limit", "Lowest share of the newest bar in the average."),
    ),
    outputs=("mama", "fama"),
    main="mama",
    look_back=lambda _values: _FIXED_LOOK_BACK_MAMA,
    recursive=True,
    rule=_limits_in_order,
)
def mama(source: Float64, *, fast_limit: float, slow_limit: float) -> tuple[Float64, ...]:
    """MAMA and its following average FAMA, from the Hilbert phase rate (Ehlers 2001)."""
    return talib_several("MAMA", source, fast_limit, slow_limit)


@indicator(
    "ht_trendline",
    "Instantaneous trendline",
    "The price with its dominant cycle taken out, so that the trend is left (Ehlers).",
    parameters=(SOURCE,),
    look_back=lambda _values: _FIXED_LOOK_BACK_TRENDLINE,
    recursive=True,
)
def ht_trendline(source: Float64) -> Float64:
    """Mean over the dominant cycle found by the Hilbert transform, smoothed over four bars (Ehlers 2001)."""
    return talib_one("HT_TRENDLINE", source)


@indicator(
    "midpoint",
    "Midpoint",
    "Half way between the highest and the lowest value of the last bars.",
    parameters=(SOURCE, bars(14)),
    look_back=length_less(1),
)
def midpoint(source: Float64, *, length: int) -> Float64:
    """`(max + min) / 2` of the last `length` values."""
    return talib_one("MIDPOINT", source, length)


DECLARATIONS: tuple[IndicatorDeclaration, ...] = (
    sma,
    ema,
    wma,
    rma,
    dema,
    tema,
    t3,
    trima,
    hma,
    zlema,
    kama,
    vidya,
    mcginley,
    alma,
    vwma,
    mama,
    ht_trendline,
    midpoint,
)
