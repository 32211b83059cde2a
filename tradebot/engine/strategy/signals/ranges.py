"""Signals of a bar against the range of the bars before it, and of pullbacks inside a trend."""

from __future__ import annotations

import numpy as np

from tradebot.engine.market import Float64
from tradebot.engine.strategy.registry import SignalDeclaration, Values, signal
from tradebot.engine.strategy.signals.common import (
    Sides,
    Supports,
    bars,
    bars_before,
    count,
    multiple,
    percent,
    series,
)
from tradebot.engine.strategy.signals.volume import above_average
from tradebot.engine.strategy.signals.windows import all_of, earlier, highest, lowest


@signal(
    "breakout",
    "Breakout",
    "True while a series is above the highest high of the bars before; the opposite while below their lowest low.",
    parameters=(
        series("source", "The series that breaks out.", default="close"),
        bars(20, "How many bars before this one make the range."),
        percent("percent", 0.0, "How far beyond the range it must be, in percent of the edge.", high=100.0),
    ),
    inputs=("high", "low"),
    supports=Supports.DIRECTION,
    look_back=bars_before(),
    words=lambda texts: (
        f"{texts['source']} is above the high of the {count(texts['bars'])} before{_beyond(texts['percent'])}",
        f"{texts['source']} is below the low of the {count(texts['bars'])} before{_beyond(texts['percent'])}",
    ),
)
def breakout(high: Float64, low: Float64, source: Float64, *, bars: int, percent: float) -> Sides:
    """`source[i] > max(high[i-bars..i-1]) * (1 + percent / 100)`, and
    `source[i] < min(low[i-bars..i-1]) * (1 - percent / 100)`. This bar is no part of the range.
    """
    top, bottom = earlier(highest(high, bars), 1), earlier(lowest(low, bars), 1)
    up = np.greater(source, top * (1.0 + percent / 100.0)) & ~np.isnan(bottom)
    return up, np.less(source, bottom * (1.0 - percent / 100.0)) & ~np.isnan(top)


def _beyond(percent: str) -> str:
    return "" if percent == "0" else f" by more than {percent} %"


def _another_trend(values: Values) -> list[tuple[str, str]]:
    if values["line"] == values["trend"]:
        return [("trend", f'must be another series than line, which is "{values["line"]}" too')]
    return []


@signal(
    "pullback",
    "Pullback",
    "True where the low touches a line and the bar closes above it again, while the line is above a slower one.",
    parameters=(
        series("line", "The series that price comes back to, such as a fast average."),
        series("trend", "The slower series that tells the trend: up while the line is above it."),
        bars(5, "For how many bars, this one included, the trend must have held."),
    ),
    inputs=("high", "low", "close"),
    supports=Supports.DIRECTION,
    look_back=bars_before(-1),
    rule=_another_trend,
    words=lambda texts: (
        f"the bar dips to {texts['line']} and closes above it while that is above {texts['trend']}",
        f"the bar rises to {texts['line']} and closes below it while that is below {texts['trend']}",
    ),
)
def pullback(
    high: Float64, low: Float64, close: Float64, line: Float64, trend: Float64, *, bars: int
) -> Sides:
    """`low[i] <= line[i] < close[i]` and `line > trend` on each of the last `bars` bars; and the mirror image,
    `close[i] < line[i] <= high[i]` and `line < trend` on each of them.
    """
    dips, rises = (low <= line) & (close > line), (high >= line) & (close < line)
    known = ~(np.isnan(low) | np.isnan(high))
    return all_of(line > trend, bars) & dips & known, all_of(line < trend, bars) & rises & known


_DIP_BARS = bars(100, "Of how many bars, this one included.")


@signal(
    "dip",
    "Dip",
    "True while a series is more than some percent below the highest high of the last bars.",
    parameters=(
        series("source", "The series that is watched.", default="close"),
        _DIP_BARS,
        percent("percent", 5.0, "How far below the high it must be.", high=100.0),
    ),
    inputs=("high",),
    supports=Supports.LONG,
    standing=True,
    look_back=bars_before(-1),
    words=lambda texts: (
        f"{texts['source']} is more than {texts['percent']} % below the high of {count(texts['bars'])}",
        f"{texts['source']} is less than {texts['percent']} % below the high of {count(texts['bars'])}",
    ),
)
def dip(high: Float64, source: Float64, *, bars: int, percent: float) -> Sides:
    """`source[i] < max(high[i-bars+1..i]) * (1 - percent / 100)`, and `>`."""
    level = highest(high, bars) * (1.0 - percent / 100.0)
    return source < level, source > level


@signal(
    "rally",
    "Rally",
    "True while a series is more than some percent above the lowest low of the last bars.",
    parameters=(
        series("source", "The series that is watched.", default="close"),
        _DIP_BARS,
        percent("percent", 5.0, "How far above the low it must be."),
    ),
    inputs=("low",),
    supports=Supports.SHORT,
    standing=True,
    look_back=bars_before(-1),
    words=lambda texts: (
        f"{texts['source']} is more than {texts['percent']} % above the low of {count(texts['bars'])}",
        f"{texts['source']} is less than {texts['percent']} % above the low of {count(texts['bars'])}",
    ),
)
def rally(low: Float64, source: Float64, *, bars: int, percent: float) -> Sides:
    """`source[i] > min(low[i-bars+1..i]) * (1 + percent / 100)`, and `<`."""
    level = lowest(low, bars) * (1.0 + percent / 100.0)
    return source > level, source < level


@signal(
    "narrow_range",
    "Narrow range",
    "True where a bar's range is smaller than each of the bars before; the opposite where it is larger than each.",
    parameters=(bars(6, "How many bars before this one are compared (6: the NR7 of Toby Crabel)."),),
    inputs=("high", "low"),
    supports=Supports.BOTH,
    look_back=bars_before(),
    words=lambda texts: (
        f"the bar is narrower than each of the {count(texts['bars'])} before",
        f"the bar is wider than each of the {count(texts['bars'])} before",
    ),
)
def narrow_range(high: Float64, low: Float64, *, bars: int) -> Sides:
    """With `r = high - low`: `r[i] < min(r[i-bars..i-1])`, and `r[i] > max(r[i-bars..i-1])` (Crabel, 1990)."""
    reach = high - low
    return reach < earlier(lowest(reach, bars), 1), reach > earlier(highest(reach, bars), 1)


@signal(
    "inside_bar",
    "Inside bar",
    "True where a bar lies inside the one before; the opposite where it encloses it.",
    parameters=(),
    inputs=("high", "low"),
    supports=Supports.BOTH,
    look_back=1,
    words=lambda _texts: ("the bar lies inside the one before", "the bar encloses the one before"),
)
def inside_bar(high: Float64, low: Float64) -> Sides:
    """`high[i] < high[i-1] and low[i] > low[i-1]`, and `high[i] > high[i-1] and low[i] < low[i-1]`."""
    top, bottom = earlier(high, 1), earlier(low, 1)
    return (high < top) & (low > bottom), (high > top) & (low < bottom)


@signal(
    "wide_bar",
    "Wide bar",
    "True where a rising bar's range is a multiple of the usual one; the opposite for a falling bar.",
    parameters=(
        bars(20, "How many bars before this one make the usual range."),
        multiple(2.0, "How many times the usual range it must exceed."),
    ),
    inputs=("open", "high", "low", "close"),
    supports=Supports.DIRECTION,
    look_back=bars_before(),
    words=lambda texts: (
        f"a rising bar is more than {texts['multiple']} times as wide as the {count(texts['bars'])} before",
        f"a falling bar is more than {texts['multiple']} times as wide as the {count(texts['bars'])} before",
    ),
)
def wide_bar(
    open_: Float64, high: Float64, low: Float64, close: Float64, *, bars: int, multiple: float
) -> Sides:
    """With `r = high - low`: `r[i] > multiple * mean(r[i-bars..i-1])` and `close[i] > open[i]`; and `close < open`.

    A range that is equal up to rounding (one part in 10 ** 12) is not above.
    """
    wide = above_average(high - low, bars, multiple)
    return wide & (close > open_), wide & (close < open_)


DECLARATIONS: tuple[SignalDeclaration, ...] = (
    breakout,
    pullback,
    dip,
    rally,
    narrow_range,
    inside_bar,
    wide_bar,
)
