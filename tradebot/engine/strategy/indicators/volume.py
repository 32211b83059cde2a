"""Volume: how much is traded, and whether it goes with the price. The averages by volume are in `vwap.py`.

A bar without volume counts as what it is, none. Where a share or a quotient of volumes has no value because nothing
was traded at all, the docstring says which neutral value stands there.
"""

from __future__ import annotations

import numpy as np

from tradebot.engine.market import Float64
from tradebot.engine.strategy.indicators.common import (
    SOURCE,
    bars,
    fast_below_slow,
    length_less,
    number,
    ratio,
    talib_one,
    whole,
)
from tradebot.engine.strategy.indicators.rolling import (
    after,
    frozen,
    money_flow,
    rolling_deviation,
    rolling_mean,
    rolling_sum,
)
from tradebot.engine.strategy.registry import BoolArray, IndicatorDeclaration, indicator

_BARS = ("high", "low", "close", "volume")
_FAST = "Bars of the fast average."
_SLOW = "Bars of the slow average."


@indicator(
    "obv",
    "On-balance volume",
    "Running total of volume: added on bars that close higher, taken away on bars that close lower.",
    parameters=(SOURCE,),
    inputs=("volume",),
    recursive=True,
    plot="below",
)
def obv(volume: Float64, source: Float64) -> Float64:
    """Begins with the volume of the first bar; an equal value leaves it (Granville, 1963)."""
    from tradebot.engine.strategy.indicators import loops

    return loops.on_balance(frozen(source), frozen(volume))


@indicator(
    "ad",
    "Accumulation/distribution line",
    "Running total of volume, by where each bar closes between its low (-1) and its high (+1).",
    inputs=_BARS,
    recursive=True,
    plot="below",
)
def ad(high: Float64, low: Float64, close: Float64, volume: Float64) -> Float64:
    """Total of `((close - low) - (high - close)) / (high - low) * volume` (Chaikin); a flat bar adds nothing."""
    return talib_one("AD", high, low, close, volume)


@indicator(
    "adosc",
    "Chaikin oscillator",
    "Fast less slow average of the accumulation/distribution line.",
    parameters=(bars(3, name="fast", about=_FAST), bars(10, low=3, name="slow", about=_SLOW)),
    inputs=_BARS,
    look_back=length_less(1, "slow"),
    recursive=True,
    plot="below",
    rule=fast_below_slow,
)
def adosc(high: Float64, low: Float64, close: Float64, volume: Float64, *, fast: int, slow: int) -> Float64:
    """`ema(ad, fast) - ema(ad, slow)`, both begun at the first bar (Chaikin)."""
    return talib_one("ADOSC", high, low, close, volume, fast, slow)


@indicator(
    "cmf",
    "Chaikin money flow",
    "Volume of bars that close near their high less that of bars that close near their low, -1 to 1.",
    parameters=(bars(20),),
    inputs=_BARS,
    look_back=length_less(1),
    plot="below",
)
def cmf(high: Float64, low: Float64, close: Float64, volume: Float64, *, length: int) -> Float64:
    """Sum of `((close - low) - (high - close)) / (high - low) * volume` over that of volume (Chaikin); 0 without any.

    A flat bar adds nothing above.
    """
    flow = ratio((close - low) - (high - close), high - low, 0.0) * volume
    return ratio(rolling_sum(flow, length), rolling_sum(volume, length), 0.0)


@indicator(
    "mfi",
    "Money flow index",
    "Share of the traded value on rising bars, 0 to 100: an RSI that counts volume.",
    parameters=(bars(14),),
    inputs=("hlc3", "volume"),
    look_back=length_less(0),
    plot="below",
)
def mfi(typical: Float64, volume: Float64, *, length: int) -> Float64:
    """`100 * up / (up + down)` of hlc3 * volume (Quong, Soudack, 1989); 50 where neither was traded.

    TA-Lib gives 0 there, and wherever less than 1.0 of the quote coin was traded: a quiet market would be oversold.
    """
    return money_flow(typical, volume, length)


@indicator(
    "force_index",
    "Force index",
    "Change of the close times volume, averaged: who pushes, and how hard.",
    parameters=(bars(13),),
    inputs=("close", "volume"),
    look_back=length_less(0),
    recursive=True,
    plot="below",
)
def force_index(close: Float64, volume: Float64, *, length: int) -> Float64:
    """`ema((close - close[i-1]) * volume)` (Elder, 1993)."""
    return after(1, talib_one("EMA", np.diff(close) * volume[1:], length))


@indicator(
    "ease_of_movement",
    "Ease of movement",
    "How far the price moves for the volume it takes: high above 0 when it rises easily.",
    parameters=(
        bars(14),
        number(10_000.0, 1e-6, 1e12, "divisor", "What volume is divided by, so that the figures are handy."),
    ),
    inputs=("high", "low", "volume"),
    look_back=length_less(0),
    plot="below",
)
def ease_of_movement(high: Float64, low: Float64, volume: Float64, *, length: int, divisor: float) -> Float64:
    """`sma(divisor * (hl2 - hl2[i-1]) * (high - low) / volume)` (Arms, 1983); a bar without volume counts as 0."""
    moved = np.diff((high + low) / 2.0) * (high - low)[1:]
    return after(1, rolling_mean(ratio(divisor * moved, volume[1:], 0.0), length))


@indicator(
    "volume_sma",
    "Volume average",
    "Mean volume of the last bars.",
    parameters=(bars(20),),
    inputs=("volume",),
    look_back=length_less(1),
    plot="below",
)
def volume_sma(volume: Float64, *, length: int) -> Float64:
    """Mean of the last `length` volumes; exactly 0 where nothing was traded."""
    return rolling_mean(volume, length)


@indicator(
    "relative_volume",
    "Relative volume",
    "Volume of the bar in mean volumes of the last bars: 2 is twice as much as usual.",
    parameters=(bars(20),),
    inputs=("volume",),
    look_back=length_less(1),
    plot="below",
)
def relative_volume(volume: Float64, *, length: int) -> Float64:
    """`volume / sma(volume)`, this bar included; 0 where nothing was traded."""
    return ratio(volume, rolling_mean(volume, length), 0.0)


@indicator(
    "volume_zscore",
    "Volume z-score",
    "Distance of the volume from its mean, in standard deviations: above 3 is rare.",
    parameters=(bars(20),),
    inputs=("volume",),
    look_back=length_less(1),
    plot="below",
)
def volume_zscore(volume: Float64, *, length: int) -> Float64:
    """`(volume - mean) / deviation` of the last `length` bars, as a population; 0 where all are equal."""
    return ratio(volume - rolling_mean(volume, length), rolling_deviation(volume, length), 0.0)


@indicator(
    "volume_oscillator",
    "Volume oscillator",
    "Fast less slow average of volume, in percent of the slow one.",
    parameters=(bars(5, name="fast", about=_FAST), bars(10, low=3, name="slow", about=_SLOW)),
    inputs=("volume",),
    look_back=length_less(1, "slow"),
    plot="below",
    rule=fast_below_slow,
)
def volume_oscillator(volume: Float64, *, fast: int, slow: int) -> Float64:
    """`100 * (sma(fast) - sma(slow)) / sma(slow)`; 0 where nothing was traded (Achelis, 1995)."""
    usual = rolling_mean(volume, slow)
    return 100.0 * ratio(rolling_mean(volume, fast) - usual, usual, 0.0)


@indicator(
    "pvo",
    "Percentage volume oscillator",
    "The MACD of volume, in percent of the slow average.",
    parameters=(
        bars(12, name="fast", about=_FAST),
        bars(26, low=3, name="slow", about=_SLOW),
        bars(9, name="signal", about="Bars of the average of the oscillator."),
    ),
    inputs=("volume",),
    outputs=("pvo", "signal", "histogram"),
    main="pvo",
    look_back=lambda values: whole(values, "slow") + whole(values, "signal") - 2,
    recursive=True,
    plot="below",
    rule=fast_below_slow,
)
def pvo(volume: Float64, *, fast: int, slow: int, signal: int) -> tuple[Float64, ...]:
    """`100 * (ema(fast) - ema(slow)) / ema(slow)`, its ema, and the difference; 0 where nothing was traded."""
    usual = talib_one("EMA", volume, slow)[slow - 1 :]
    line = 100.0 * ratio(talib_one("EMA", volume, fast)[slow - 1 :] - usual, usual, 0.0)
    average = talib_one("EMA", line, signal)
    return tuple(after(slow - 1, each) for each in (line, average, line - average))


@indicator(
    "pvt",
    "Price volume trend",
    "Running total of volume times the relative change of the close.",
    inputs=("close", "volume"),
    look_back=lambda _: 1,
    recursive=True,
    plot="below",
)
def pvt(close: Float64, volume: Float64) -> Float64:
    """Total of `volume * (close / close[i-1] - 1)`, begun at the second bar."""
    return after(1, np.cumsum(volume[1:] * ratio(np.diff(close), close[:-1], 0.0)))


@indicator(
    "nvi",
    "Negative volume index",
    "Moves with the price on bars with less volume than before only: what the quiet money does. Begins at 1,000.",
    inputs=("close", "volume"),
    recursive=True,
    plot="below",
)
def nvi(close: Float64, volume: Float64) -> Float64:
    """1,000, times `close / close[i-1]` on every bar whose volume is below the one before (Dysart; Fosback, 1976)."""
    return _index(close, volume[1:] < volume[:-1])


@indicator(
    "pvi",
    "Positive volume index",
    "Moves with the price on bars with more volume than before only: what the crowd does. Begins at 1,000.",
    inputs=("close", "volume"),
    recursive=True,
    plot="below",
)
def pvi(close: Float64, volume: Float64) -> Float64:
    """1,000, times `close / close[i-1]` on every bar whose volume is above the one before (Dysart; Fosback, 1976)."""
    return _index(close, volume[1:] > volume[:-1])


@indicator(
    "klinger",
    "Klinger oscillator",
    "Fast less slow average of volume that counts as bought or sold, and the average of that (signal).",
    parameters=(
        bars(34, name="fast", about=_FAST),
        bars(55, low=3, name="slow", about=_SLOW),
        bars(13, name="signal", about="Bars of the average of the oscillator."),
    ),
    inputs=("hlc3", "volume"),
    outputs=("klinger", "signal"),
    main="klinger",
    look_back=lambda values: whole(values, "slow") + whole(values, "signal") - 1,
    recursive=True,
    plot="below",
    rule=fast_below_slow,
)
def klinger(typical: Float64, volume: Float64, *, fast: int, slow: int, signal: int) -> tuple[Float64, ...]:
    """`ema(v, fast) - ema(v, slow)` and its ema, v the volume, negative where hlc3 fell.

    The form that charts draw (TradingView); Klinger (1997) also weighted v by the width of the bars.
    """
    signed = np.where(np.diff(typical) >= 0.0, volume[1:], -volume[1:])
    line = (talib_one("EMA", signed, fast) - talib_one("EMA", signed, slow))[slow - 1 :]
    return after(slow, line), after(slow, talib_one("EMA", line, signal))


@indicator(
    "vzo",
    "Volume zone oscillator",
    "Share of volume on rising less that on falling bars, -100 to 100.",
    parameters=(bars(14),),
    inputs=("close", "volume"),
    look_back=length_less(0),
    recursive=True,
    plot="below",
)
def vzo(close: Float64, volume: Float64, *, length: int) -> Float64:
    """`100 * ema(v) / ema(volume)`, v negative where the close did not rise; 0 without volume.

    Khalil and Steckler, 2011.
    """
    signed = np.where(np.diff(close) > 0.0, volume[1:], -volume[1:])
    return after(
        1, 100.0 * ratio(talib_one("EMA", signed, length), talib_one("EMA", volume[1:], length), 0.0)
    )


@indicator(
    "market_facilitation",
    "Market facilitation index",
    "Distance between high and low for each unit of volume.",
    inputs=("high", "low", "volume"),
    plot="below",
)
def market_facilitation(high: Float64, low: Float64, volume: Float64) -> Float64:
    """`(high - low) / volume` (Williams, 1995); 0 for a bar without volume."""
    return ratio(high - low, volume, 0.0)


def _index(close: Float64, counts: BoolArray) -> Float64:
    growth = np.ones(len(close))
    growth[1:] = np.where(counts, ratio(close[1:], close[:-1], 1.0), 1.0)
    return 1000.0 * np.multiply.accumulate(growth)


DECLARATIONS: tuple[IndicatorDeclaration, ...] = (
    obv,
    volume_sma,
    relative_volume,
    volume_zscore,
    ad,
    adosc,
    cmf,
    mfi,
    force_index,
    ease_of_movement,
    volume_oscillator,
    pvo,
    pvt,
    nvi,
    pvi,
    klinger,
    vzo,
    market_facilitation,
)
