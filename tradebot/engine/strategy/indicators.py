"""The indicators that come with the program, computed by TA-Lib.

TA-Lib spreads a NaN over the rest of a series and fills its warm-up with NaN; `compute.py` therefore calls these
functions on each stretch without NaN alone, so that a missing value restarts the indicator after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tradebot.engine.market import Float64
from tradebot.engine.strategy.registry import (
    IndicatorDeclaration,
    Parameter,
    ParameterKind,
    Value,
    Values,
    indicator,
)

_LONGEST = 100_000  # what TA-Lib accepts

_SOURCE = Parameter(
    name="source", kind=ParameterKind.SERIES, default="close", help="The series it is computed from."
)


def _length(default: int, low: int = 2, name: str = "length", about: str = "Number of bars.") -> Parameter:
    return Parameter(
        name=name,
        kind=ParameterKind.INTEGER,
        default=default,
        low=low,
        high=_LONGEST,
        unit="bars",
        help=about,
    )


def _whole(values: Values, name: str) -> int:
    value: Value = values[name]
    return int(value)


def _talib() -> Any:
    import talib  # here: it costs 0.1 s, and a help text needs no indicator

    return talib


@indicator(
    "sma",
    "Simple moving average",
    "Mean of the last bars.",
    parameters=(_SOURCE, _length(20)),
    look_back=lambda values: _whole(values, "length") - 1,
)
def sma(source: Float64, *, length: int) -> Float64:
    """Mean of the last `length` values."""
    return _talib().SMA(source, length)  # type: ignore[no-any-return]  # TA-Lib has no types


@indicator(
    "ema",
    "Exponential moving average",
    "Mean that weighs recent bars more: alpha = 2 / (length + 1), started with the mean of the first bars.",
    parameters=(_SOURCE, _length(20)),
    look_back=lambda values: _whole(values, "length") - 1,
    recursive=True,
)
def ema(source: Float64, *, length: int) -> Float64:
    """`e[i] = e[i-1] + 2 / (length + 1) * (x[i] - e[i-1])`, started with the mean of the first `length` values."""
    return _talib().EMA(source, length)  # type: ignore[no-any-return]  # TA-Lib has no types


@indicator(
    "rsi",
    "Relative strength index",
    "Share of the gains in all movement, 0 to 100 (Wilder).",
    parameters=(_SOURCE, _length(14)),
    look_back=lambda values: _whole(values, "length"),
    recursive=True,
    plot="below",
)
def rsi(source: Float64, *, length: int) -> Float64:
    """`100 * gain / (gain + loss)`, both smoothed by Wilder; 0 for a series that never moved."""
    return _talib().RSI(source, length)  # type: ignore[no-any-return]  # TA-Lib has no types


@indicator(
    "atr",
    "Average true range",
    "Wilder's mean of the true range, in price.",
    parameters=(_length(14, low=1),),
    inputs=("high", "low", "close"),
    look_back=lambda values: _whole(values, "length"),
    recursive=True,
    plot="below",
)
def atr(high: Float64, low: Float64, close: Float64, *, length: int) -> Float64:
    """Wilder's mean of `max(high, close[i-1]) - min(low, close[i-1])`."""
    return _talib().ATR(high, low, close, length)  # type: ignore[no-any-return]  # TA-Lib has no types


def _fast_below_slow(values: Values) -> Iterable[tuple[str, str]]:
    fast, slow = _whole(values, "fast"), _whole(values, "slow")
    if fast >= slow:
        yield "fast", f"must be shorter than slow, which is {slow}, but is {fast}"


@indicator(
    "macd",
    "Moving average convergence divergence",
    "Difference of two exponential averages, its own average (signal), and their difference (histogram).",
    parameters=(
        _SOURCE,
        _length(12, name="fast", about="Bars of the fast average."),
        _length(26, name="slow", about="Bars of the slow average."),
        _length(9, low=1, name="signal", about="Bars of the average of the difference."),
    ),
    outputs=("macd", "signal", "histogram"),
    main="macd",
    look_back=lambda values: _whole(values, "slow") + _whole(values, "signal") - 2,
    recursive=True,
    plot="below",
    rule=_fast_below_slow,
)
def macd(source: Float64, *, fast: int, slow: int, signal: int) -> tuple[Float64, ...]:
    """`ema(fast) - ema(slow)`, its ema over `signal` bars, and the difference of the two."""
    return _talib().MACD(source, fast, slow, signal)  # type: ignore[no-any-return]  # TA-Lib has no types


@indicator(
    "bbands",
    "Bollinger bands",
    "Mean of the last bars, and a number of standard deviations above and below it.",
    parameters=(
        _SOURCE,
        _length(20),
        Parameter(
            name="deviations",
            kind=ParameterKind.NUMBER,
            default=2.0,
            low=0.1,
            high=20.0,
            help="Distance of the bands from the middle, in standard deviations (of the whole population).",
        ),
    ),
    outputs=("upper", "middle", "lower"),
    look_back=lambda values: _whole(values, "length") - 1,
)
def bbands(source: Float64, *, length: int, deviations: float) -> tuple[Float64, ...]:
    """`mean + deviations * s`, `mean`, `mean - deviations * s`, with s over the last `length` values."""
    return _talib().BBANDS(source, length, deviations, deviations)  # type: ignore[no-any-return]  # as above


@indicator(
    "adx",
    "Average directional index",
    "Strength of a trend whatever its direction, 0 to 100, with the directional indicators +DI and -DI (Wilder).",
    parameters=(_length(14),),
    inputs=("high", "low", "close"),
    outputs=("adx", "plus_di", "minus_di"),
    main="adx",
    look_back=lambda values: 2 * _whole(values, "length") - 1,
    recursive=True,
    plot="below",
)
def adx(high: Float64, low: Float64, close: Float64, *, length: int) -> tuple[Float64, ...]:
    """Wilder's ADX, +DI and -DI; all three from the bar on which the ADX has its first value."""
    talib = _talib()
    columns = (high, low, close, length)
    return talib.ADX(*columns), talib.PLUS_DI(*columns), talib.MINUS_DI(*columns)


DECLARATIONS: tuple[IndicatorDeclaration, ...] = (sma, ema, rsi, atr, macd, bbands, adx)
