"""Trend: whether there is one, which way it goes and where it ends."""

from __future__ import annotations

import numpy as np

from tradebot.engine.market import Float64
from tradebot.engine.strategy.indicators import regression
from tradebot.engine.strategy.indicators.common import (
    SOURCE,
    bars,
    delayed,
    fast_below_slow,
    length_less,
    number,
    ratio,
    talib_one,
    talib_several,
    whole,
)
from tradebot.engine.strategy.indicators.rolling import frozen, rolling_sum
from tradebot.engine.strategy.registry import IndicatorDeclaration, Parameter, Values, indicator

_RANGE = ("high", "low", "close")


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
    inputs=_RANGE,
    outputs=("adx", "plus_di", "minus_di"),
    main="adx",
    look_back=lambda values: 2 * whole(values, "length") - 1,
    recursive=True,
    plot="below",
)
def adx(high: Float64, low: Float64, close: Float64, *, length: int) -> tuple[Float64, ...]:
    """Wilder's ADX, +DI and -DI; all three from the bar on which the ADX has its first value."""
    plus_di, minus_di, _, line = _directional(high, low, close, length)
    return line, plus_di, minus_di


def _directional(high: Float64, low: Float64, close: Float64, length: int) -> Float64:
    from tradebot.engine.strategy.indicators import loops

    # TA-Lib walks the bars once for each of the four, this once for all of them.
    return loops.directional(frozen(high), frozen(low), frozen(close), length)


@indicator(
    "adxr",
    "Average directional index rating",
    "Mean of the ADX and of what it was a length ago: a slower measure of how strong the trend is.",
    parameters=(bars(14),),
    inputs=_RANGE,
    look_back=lambda values: 3 * whole(values, "length") - 2,
    recursive=True,
    plot="below",
)
def adxr(high: Float64, low: Float64, close: Float64, *, length: int) -> Float64:
    """`(adx[i] + adx[i - length + 1]) / 2` (Wilder 1978, as TA-Lib counts the bars)."""
    return talib_one("ADXR", high, low, close, length)


@indicator(
    "dx",
    "Directional movement index",
    "Difference of +DI and -DI over their sum, 0 to 100, not smoothed; with both of them.",
    parameters=(bars(14),),
    inputs=_RANGE,
    outputs=("dx", "plus_di", "minus_di"),
    main="dx",
    look_back=length_less(0),
    recursive=True,
    plot="below",
)
def dx(high: Float64, low: Float64, close: Float64, *, length: int) -> tuple[Float64, ...]:
    """`100 * abs(+DI - -DI) / (+DI + -DI)` (Wilder 1978); 0 where nothing moved."""
    plus_di, minus_di, line, _ = _directional(high, low, close, length)
    return line, plus_di, minus_di


@indicator(
    "aroon",
    "Aroon",
    "How recent the highest high (up) and lowest low (down) are, 100 is this bar; oscillator is up less down.",
    parameters=(bars(14),),
    inputs=("high", "low"),
    outputs=("up", "down", "oscillator"),
    main="oscillator",
    look_back=length_less(0),
    plot="below",
)
def aroon(high: Float64, low: Float64, *, length: int) -> tuple[Float64, ...]:
    """`100 * (length - bars since the extreme) / length` over `length + 1` bars (Chande 1995); of equals the latest."""
    down, up = talib_several("AROON", high, low, length)
    return up, down, up - down


def _step_within_maximum(values: Values) -> list[tuple[str, str]]:
    if float(values["step"]) <= float(values["maximum"]):
        return []
    return [("step", f"must not be above maximum, which is {values['maximum']}")]


@indicator(
    "psar",
    "Parabolic SAR",
    "Stop that trails below a rise or above a fall, ever faster, and changes sides when it is touched.",
    parameters=(
        number(0.02, 0.001, 1.0, "step", "By how much the pace grows with each new extreme."),
        number(0.2, 0.001, 1.0, "maximum", "The fastest pace."),
    ),
    inputs=("high", "low"),
    look_back=lambda _values: 1,
    recursive=True,
    rule=_step_within_maximum,
)
def psar(high: Float64, low: Float64, *, step: float, maximum: float) -> Float64:
    """Stop and reverse (Wilder 1978): `s + pace * (extreme - s)`, never inside the last two bars."""
    return talib_one("SAR", high, low, step, maximum)


@indicator(
    "supertrend",
    "Supertrend",
    "Line at a multiple of the ATR from the middle of the bar; direction is 1 while the close is above it, else -1.",
    parameters=(
        bars(10, about="Bars of the average true range."),
        number(3.0, 0.1, 100.0, "multiple", "Distance of the line, in average true ranges."),
    ),
    inputs=_RANGE,
    outputs=("value", "direction"),
    main="value",
    look_back=length_less(0),
    recursive=True,
)
def supertrend(
    high: Float64, low: Float64, close: Float64, *, length: int, multiple: float
) -> tuple[Float64, ...]:
    """`(high + low) / 2 -+ multiple * ATR`, only tightening until the close crosses it (Seban)."""
    return talib_several("SUPERTREND", high, low, close, length, multiple)


@indicator(
    "ichimoku",
    "Ichimoku cloud",
    "Conversion and base line, and the cloud (span_a, span_b) as it stands at this bar; nothing is read from ahead.",
    parameters=(
        bars(9, name="conversion", about="Bars of the conversion line (tenkan)."),
        bars(26, name="base", about="Bars of the base line (kijun)."),
        bars(52, name="span", about="Bars of the slow edge of the cloud (senkou B)."),
        bars(
            26, low=1, name="displacement", about="Bars by which the cloud is drawn ahead, this bar counted."
        ),
    ),
    inputs=_RANGE,
    outputs=("conversion", "base", "span_a", "span_b", "leading_a", "leading_b", "lagging_close"),
    look_back=lambda values: (
        max(whole(values, each) for each in ("conversion", "base", "span"))
        + whole(values, "displacement")
        - 2
    ),
)
def ichimoku(
    high: Float64, low: Float64, close: Float64, *, conversion: int, base: int, span: int, displacement: int
) -> tuple[Float64, ...]:
    """Middles of highest high and lowest low over three lengths (Hosoda), all known at the close of the bar.

    A chart draws the cloud `displacement - 1` bars ahead and the close as far behind (lagging span). Here `span_a`
    and `span_b` are what the chart shows at this bar, computed that many bars ago; `leading_a` and `leading_b` are
    computed now, and will stand there later; `lagging_close` is the close with which the lagging span, this bar's
    close, is compared.
    """
    middle = [talib_one("MIDPRICE", high, low, length) for length in (conversion, base, span)]
    leading_a, leading_b = (middle[0] + middle[1]) / 2.0, middle[2]
    moved = [delayed(each, displacement - 1) for each in (leading_a, leading_b, close)]
    return middle[0], middle[1], moved[0], moved[1], leading_a, leading_b, moved[2]


@indicator(
    "vortex",
    "Vortex",
    "Upward (plus) and downward (minus) movement over the true range; the trend is the larger one's.",
    parameters=(bars(14),),
    inputs=_RANGE,
    outputs=("plus", "minus"),
    look_back=length_less(0),
    plot="below",
)
def vortex(high: Float64, low: Float64, close: Float64, *, length: int) -> tuple[Float64, ...]:
    """Sums of `abs(high - low[i-1])` and of `abs(low - high[i-1])` over that of the true range; 0 without a range.

    Botes and Siepman 2010.
    """
    return talib_several("VORTEX", high, low, close, length)


@indicator(
    "trix",
    "TRIX",
    "Percent change from bar to bar of a triple exponential average, and its own average (signal).",
    parameters=(
        SOURCE,
        bars(18),
        bars(9, low=1, name="signal", about="Bars of the average of the line."),
    ),
    outputs=("trix", "signal"),
    main="trix",
    look_back=lambda values: 3 * whole(values, "length") + whole(values, "signal") - 3,
    recursive=True,
    plot="below",
)
def trix(source: Float64, *, length: int, signal: int) -> tuple[Float64, ...]:
    """`100 * (e[i] / e[i-1] - 1)`, e the EMA of the EMA of the EMA (Hutson 1983), and the EMA of that."""
    line = talib_one("TRIX", source, length)
    return line, talib_one("EMA", line, signal)


_KST_CHANGES = (10, 15, 20, 30)
_KST_MEANS = (10, 10, 10, 15)


def _kst_parameters() -> tuple[Parameter, ...]:
    changes = [
        bars(length, low=1, name=f"change_{k}", about=f"Bars of rate of change {k}, which has weight {k}.")
        for k, length in enumerate(_KST_CHANGES, 1)
    ]
    means = [
        bars(length, low=1, name=f"mean_{k}", about=f"Bars of the mean of rate of change {k}.")
        for k, length in enumerate(_KST_MEANS, 1)
    ]
    return (SOURCE, *changes, *means, bars(9, low=1, name="signal", about="Bars of the average of the line."))


def _kst_look_back(values: Values) -> int:
    slowest = max(whole(values, f"change_{k}") + whole(values, f"mean_{k}") for k in range(1, 5))
    return slowest + whole(values, "signal") - 2


@indicator(
    "kst",
    "Know sure thing",
    "Sum of four smoothed rates of change, the longer the weightier, and its own average (signal).",
    parameters=_kst_parameters(),
    outputs=("kst", "signal"),
    main="kst",
    look_back=_kst_look_back,
    plot="below",
)
def kst(source: Float64, *, signal: int, **lengths: int) -> tuple[Float64, ...]:
    """`1 * s1 + 2 * s2 + 3 * s3 + 4 * s4`, s the SMA of each rate of change in percent, and its SMA (Pring 1992)."""
    line = np.zeros(len(source))
    for k in range(1, 5):
        change = talib_one("ROC", source, lengths[f"change_{k}"])
        line += k * talib_one("SMA", change, lengths[f"mean_{k}"])
    return line, talib_one("SMA", line, signal)


@indicator(
    "schaff_trend_cycle",
    "Schaff trend cycle",
    "MACD put twice through a stochastic: 0 to 100, turns earlier than the MACD itself.",
    parameters=(
        SOURCE,
        bars(10, about="Bars of the cycle.", high=1_000),
        bars(23, name="fast", about="Bars of the fast average."),
        bars(50, name="slow", about="Bars of the slow average."),
        number(0.5, 0.01, 1.0, "factor", "Share of the newest value in each smoothing."),
    ),
    look_back=lambda values: whole(values, "slow") + 2 * whole(values, "length") - 3,
    recursive=True,
    plot="below",
    rule=fast_below_slow,
)
def schaff_trend_cycle(source: Float64, *, length: int, fast: int, slow: int, factor: float) -> Float64:
    """Smoothed stochastic of the smoothed stochastic of `ema(fast) - ema(slow)` (Schaff 1999).

    Without a range a stochastic stays as it was, 50 at first.
    """
    from tradebot.engine.strategy.indicators import loops

    line = talib_one("EMA", source, fast) - talib_one("EMA", source, slow)
    once = loops.schaff_stage(frozen(line), slow - 1, length, factor)
    return loops.schaff_stage(frozen(once), slow + length - 2, length, factor)


def _line(length: int, offset: int, name: str) -> tuple[Parameter, Parameter]:
    return (
        bars(length, low=1, name=name, about=f"Bars of the {name} line."),
        bars(offset, low=0, name=f"{name}_offset", about=f"Bars by which the {name} line is drawn ahead."),
    )


@indicator(
    "alligator",
    "Alligator",
    "Three slow averages, each as many bars old as it is drawn ahead: entwined at rest, spread in a trend.",
    parameters=(
        Parameter(name="source", kind=SOURCE.kind, default="hl2", help=SOURCE.help),
        *_line(13, 8, "jaw"),
        *_line(8, 5, "teeth"),
        *_line(5, 3, "lips"),
    ),
    outputs=("jaw", "teeth", "lips"),
    look_back=lambda values: max(
        whole(values, each) - 1 + whole(values, f"{each}_offset") for each in ("jaw", "teeth", "lips")
    ),
    recursive=True,
)
def alligator(source: Float64, **lengths: int) -> tuple[Float64, ...]:
    """Wilder's averages of 13, 8 and 5 bars as they were 8, 5 and 3 bars ago: what the chart shows here (Williams)."""
    return tuple(
        delayed(talib_one("RMA", source, lengths[each]), lengths[f"{each}_offset"])
        for each in ("jaw", "teeth", "lips")
    )


@indicator(
    "vertical_horizontal_filter",
    "Vertical horizontal filter",
    "Range of the last bars over the way the price went in them: high in trends, low in ranges.",
    parameters=(SOURCE, bars(28)),
    look_back=length_less(0),
    plot="below",
)
def vertical_horizontal_filter(source: Float64, *, length: int) -> Float64:
    """`(max - min) / sum(abs(change))` over the last `length` bars (White 1991); 0 where nothing moved."""
    reach = talib_one("MAX", source, length) - talib_one("MIN", source, length)
    return ratio(reach, rolling_sum(np.abs(np.diff(source, prepend=source[0])), length), 0.0)


@indicator(
    "random_walk_index",
    "Random walk index",
    "How far the price went, compared with a random walk of the same volatility: above 1 is a trend.",
    parameters=(bars(14),),
    inputs=_RANGE,
    outputs=("high", "low"),
    look_back=length_less(0),
    recursive=True,
    plot="below",
)
def random_walk_index(high: Float64, low: Float64, close: Float64, *, length: int) -> tuple[Float64, ...]:
    """`(high - low[i - length]) / (ATR * sqrt(length))` upwards, mirrored downwards (Poulos 1991).

    With the one length given, not the best of all up to it; 0 without a range.
    """
    walk = talib_one("ATR", high, low, close, length) * np.sqrt(length)
    return (
        ratio(high - delayed(low, length), walk, 0.0),
        ratio(delayed(high, length) - low, walk, 0.0),
    )


DECLARATIONS: tuple[IndicatorDeclaration, ...] = (
    *regression.DECLARATIONS,
    macd,
    adx,
    adxr,
    dx,
    aroon,
    psar,
    supertrend,
    ichimoku,
    vortex,
    trix,
    kst,
    schaff_trend_cycle,
    alligator,
    vertical_horizontal_filter,
    random_walk_index,
)
