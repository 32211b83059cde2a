"""Levels: prices of the UTC day, week or month, its opening range, and the last swings, as many traders draw them."""

from __future__ import annotations

import numpy as np

from tradebot.engine.market import DAY_MS, MINUTE_MS, Float64
from tradebot.engine.strategy.indicators.common import bars, choice, talib_one, whole
from tradebot.engine.strategy.indicators.rolling import running_range
from tradebot.engine.strategy.indicators.sessions import (
    PERIOD,
    begins_inside,
    period_numbers,
    previous_period,
)
from tradebot.engine.strategy.registry import (
    BoolArray,
    IndicatorDeclaration,
    Parameter,
    ParameterKind,
    indicator,
)

_PRICES = ("open", "high", "low", "close")
_MOST_BARS = 1_000  # beside a swing
_FIBONACCI = (0.382, 0.618, 1.0)
_CAMARILLA = (1.1 / 12.0, 1.1 / 6.0, 1.1 / 4.0)


@indicator(
    "previous_period",
    "Previous day, week or month",
    "Open, high, low and close of the last finished UTC day, week or month.",
    parameters=(PERIOD,),
    inputs=("time", *_PRICES),
    outputs=_PRICES,
    recursive=True,
)
def levels_before(
    time: Float64, open_: Float64, high: Float64, low: Float64, close: Float64, *, period: str
) -> tuple[Float64, ...]:
    """Of the last period that has bars; no value until one is finished whose beginning is in the history."""
    return previous_period(time, period, open_, high, low, close)


@indicator(
    "current_period",
    "Day, week or month so far",
    "Open, and highest and lowest price so far, of the current UTC day, week or month.",
    parameters=(PERIOD,),
    inputs=("time", "open", "high", "low"),
    outputs=("open", "high", "low"),
    recursive=True,
)
def levels_now(
    time: Float64, open_: Float64, high: Float64, low: Float64, *, period: str
) -> tuple[Float64, ...]:
    """This bar included; the first period counts from where the history starts."""
    return running_range(period_numbers(time, period), open_, high, low)


@indicator(
    "pivot_points",
    "Pivot points",
    "Levels of support and resistance from the last finished UTC day, week or month.",
    parameters=(
        choice("classic", ("classic", "fibonacci", "camarilla"), "kind", "How the levels are computed."),
        PERIOD,
    ),
    inputs=("time", "high", "low", "close"),
    outputs=("pivot", "r1", "r2", "r3", "s1", "s2", "s3"),
    main="pivot",
    recursive=True,
)
def pivot_points(
    time: Float64, high: Float64, low: Float64, close: Float64, *, kind: str, period: str
) -> tuple[Float64, ...]:
    """`p = (high + low + close) / 3` of the period before; classic: `2p - low`, `p + range`, `high + 2 (p - low)`.

    Fibonacci: p and 0.382, 0.618, 1 of the range; camarilla (Stott): the close and 1.1/12, 1.1/6, 1.1/4 of it. No
    value where `previous_period` has none.
    """
    _, top, bottom, last = previous_period(time, period, close, high, low, close)
    pivot, spread = (top + bottom + last) / 3.0, top - bottom
    if kind == "classic":
        above = (2.0 * pivot - bottom, pivot + spread, top + 2.0 * (pivot - bottom))
        below = (2.0 * pivot - top, pivot - spread, bottom - 2.0 * (top - pivot))
        return pivot, *above, *below
    middle, shares = (pivot, _FIBONACCI) if kind == "fibonacci" else (last, _CAMARILLA)
    return (
        pivot,
        *(middle + share * spread for share in shares),
        *(middle - share * spread for share in shares),
    )


@indicator(
    "opening_range",
    "Opening range",
    "Highest and lowest price of the first minutes of the UTC day, once they are over.",
    parameters=(
        Parameter(
            name="minutes",
            kind=ParameterKind.INTEGER,
            default=60,
            low=1,
            high=1_439,
            unit="min",
            help="How long the range is taken, from 00:00 UTC.",
        ),
    ),
    inputs=("time", "close_time", "high", "low"),
    outputs=("high", "low"),
    recursive=True,
)
def opening_range(
    time: Float64, close_time: Float64, high: Float64, low: Float64, *, minutes: int
) -> tuple[Float64, ...]:
    """Of the bars that open in these minutes, from the close of the last of them until the day ends (Crabel, 1990).

    No value before, on a day without bars in them, and on a first day whose beginning is not in the history.
    """
    day = period_numbers(time, "day")
    end = day * float(DAY_MS) + minutes * MINUTE_MS
    inside = time < end
    _, top, bottom = running_range(day, high, np.where(inside, high, -np.inf), np.where(inside, low, np.inf))
    known = (close_time >= end) & np.isfinite(top)
    if begins_inside(time, "day"):
        known &= day > day[0]
    return np.where(known, top, np.nan), np.where(known, bottom, np.nan)


@indicator(
    "swing_points",
    "Swing points",
    "The last swing high and swing low: bars that stand out from those before and after them.",
    parameters=(
        bars(
            5, low=1, name="left", about="Bars before a swing that it must stand out from.", high=_MOST_BARS
        ),
        bars(
            3,
            low=1,
            name="right",
            about="Bars after it that it must stand out from; it is known so many bars later.",
            high=_MOST_BARS,
        ),
    ),
    inputs=("high", "low"),
    outputs=("high", "low"),
    look_back=lambda values: whole(values, "left") + whole(values, "right"),
    recursive=True,
)
def swing_points(high: Float64, low: Float64, *, left: int, right: int) -> tuple[Float64, ...]:
    """The last high above each of `left` highs before and `right` after it (lows mirrored); equal ones make no swing.

    No value until the first one is known.
    """
    return _last_above(high, left, right), -_last_above(-low, left, right)


def _last_above(column: Float64, left: int, right: int) -> Float64:
    """The last value that is known to stand above its neighbours, on each bar from the one that makes it known."""
    size, window = len(column), left + right
    before, after = _highest(column, left), _highest(column, right)
    swings = np.zeros(size, dtype=np.int64)  # on the bar that makes a swing known, its place plus one
    middle = column[left : size - right]
    stands_out: BoolArray = (middle > before[left - 1 : size - right - 1]) & (middle > after[window:])
    swings[window:] = np.where(stands_out, np.arange(left, size - right) + 1, 0)
    last = np.maximum.accumulate(swings)
    return np.where(last > 0, column[last - 1], np.nan)


def _highest(column: Float64, length: int) -> Float64:
    return column if length == 1 else talib_one("MAX", column, length)


DECLARATIONS: tuple[IndicatorDeclaration, ...] = (
    levels_before,
    levels_now,
    pivot_points,
    opening_range,
    swing_points,
)
