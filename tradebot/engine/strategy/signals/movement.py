"""Signals of how a series moves: rises, slopes, turns, outgrows another."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tradebot.engine.market import Float64
from tradebot.engine.strategy.registry import SignalDeclaration, Values, signal
from tradebot.engine.strategy.signals.common import (
    Sides,
    Supports,
    bars,
    bars_before,
    choice,
    count,
    percent,
    series,
    whole,
)
from tradebot.engine.strategy.signals.windows import all_of, earlier, highest, latched, lowest


@signal(
    "rising",
    "Rising or falling",
    "True where a series rose on each of the last bars; the opposite where it fell on each.",
    parameters=(series("source", "The series that is watched."), bars(1, "How many rises in a row.")),
    supports=Supports.DIRECTION,
    standing=True,
    look_back=bars_before(),
    words=lambda texts: (
        f"{texts['source']} {_each('rises', 'has risen', texts)}",
        f"{texts['source']} {_each('falls', 'has fallen', texts)}",
    ),
)
def rising(source: Float64, *, bars: int) -> Sides:
    """`source[k] > source[k-1]` for each of the last `bars` bars k up to i, and the mirror image."""
    before = earlier(source, 1)
    return all_of(source > before, bars), all_of(source < before, bars)


def _each(now: str, since: str, texts: Mapping[str, str]) -> str:
    return now if texts["bars"] == "1" else f"{since} on each of the last {count(texts['bars'])}"


@signal(
    "slope",
    "Slope",
    "True where a series has risen by more than some percent a bar, on average over the last bars.",
    parameters=(
        series("source", "The series that is watched."),
        bars(10, "Over how many bars the slope is taken."),
        percent("percent", 0.0, "The slope that must be exceeded, in percent a bar."),
    ),
    supports=Supports.DIRECTION,
    standing=True,
    look_back=bars_before(),
    words=lambda texts: (_slope("rises", texts), _slope("falls", texts)),
)
def slope(source: Float64, *, bars: int, percent: float) -> Sides:
    """`source[i] - source[i-bars] > percent / 100 * bars * |source[i-bars]|`, and the mirror image.

    From 100 to 103 in 10 bars is 0.3 percent a bar.
    """
    before = earlier(source, bars)
    change, least = source - before, percent / 100.0 * bars * np.abs(before)
    return change > least, change < -least


def _slope(verb: str, texts: Mapping[str, str]) -> str:
    over = f"over {count(texts['bars'])}"
    least = "" if texts["percent"] == "0" else f" by more than {texts['percent']} % a bar"
    return f"{texts['source']} {verb} {over}{least}"


@signal(
    "turn",
    "Turn",
    "True on the first rise after a fall; the opposite on the first fall after a rise.",
    parameters=(series("source", "The series that is watched."),),
    supports=Supports.DIRECTION,
    look_back=2,
    words=lambda texts: (f"{texts['source']} turns up", f"{texts['source']} turns down"),
)
def turn(source: Float64) -> Sides:
    """`source[i-2] > source[i-1] < source[i]`, and the mirror image."""
    before = earlier(source, 1)
    rises, falls = source > before, source < before
    up, down = np.zeros_like(rises), np.zeros_like(rises)
    np.logical_and(rises[1:], falls[:-1], out=up[1:])
    np.logical_and(falls[1:], rises[:-1], out=down[1:])
    return up, down


@signal(
    "trend",
    "Trend",
    "True while the last change of a series was a rise, also while it stands still, as a slower timeframe does.",
    parameters=(series("source", "The series that is watched."),),
    supports=Supports.DIRECTION,
    standing=True,
    look_back=1,
    recursive=True,
    words=lambda texts: (f"{texts['source']} is rising", f"{texts['source']} is falling"),
)
def trend(source: Float64) -> Sides:
    """Whether `source` rose at the last bar up to i at which it changed at all, and whether it fell there.

    A missing value forgets everything before it: 1, 2, 2, missing, 2, 1 is neither, true, true, neither, neither,
    opposite.
    """
    before = earlier(source, 1)
    up, down, missing = source > before, source < before, np.isnan(source)
    return latched(up, down | missing), latched(down, up | missing)


_MEASURES = {"body": ("closes above its open", "closes below its open"),
             "close": ("closes above the close before", "closes below the close before")}  # fmt: skip


def _consecutive_words(texts: Mapping[str, str]) -> tuple[str, str]:
    up, down = _MEASURES[texts["measure"]]
    if texts["bars"] == "1":
        return f"the bar {up}", f"the bar {down}"
    each = f"each of the last {count(texts['bars'])}"
    return f"{each} {up}", f"{each} {down}"


def _consecutive_before(values: Values) -> int:
    return whole(values["bars"]) - (values["measure"] == "body")


@signal(
    "consecutive",
    "Bars in a row",
    "True where a number of bars in a row went up; the opposite where they went down.",
    parameters=(
        bars(3, "How many bars in a row."),
        choice("measure", _MEASURES, "body: close against the bar's open; close: against the close before."),
    ),
    inputs=("open", "close"),
    supports=Supports.DIRECTION,
    look_back=_consecutive_before,
    words=_consecutive_words,
)
def consecutive(open_: Float64, close: Float64, *, bars: int, measure: str) -> Sides:
    """`close[k] > open[k]` (or `close[k] > close[k-1]`) for each of the last `bars` bars k, and the mirror image."""
    start = open_ if measure == "body" else earlier(close, 1)
    return all_of(close > start, bars), all_of(close < start, bars)


@signal(
    "relative_strength",
    "Relative strength",
    "True where a has grown by more than b over the last bars; the opposite where it has grown by less.",
    parameters=(
        series("a", "The series that should be the stronger one."),
        series("b", "What it is measured against."),
        bars(20, "Over how many bars growth is taken."),
        percent("percent", 0.0, "How much more it must have grown, in percentage points."),
    ),
    supports=Supports.DIRECTION,
    standing=True,
    look_back=bars_before(),
    words=lambda texts: (_growth("more", texts), _growth("less", texts)),
)
def relative_strength(a: Float64, b: Float64, *, bars: int, percent: float) -> Sides:
    """`100 * (a[i] / a[i-bars] - b[i] / b[i-bars]) > percent`, and `< -percent`; neither where a divisor is 0 or less.

    From 100 to 110 against from 50 to 52 is 10 - 4 = 6 percentage points more.
    """
    old_a, old_b = earlier(a, bars), earlier(b, bars)
    positive = (old_a > 0.0) & (old_b > 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ahead = 100.0 * (a / old_a - b / old_b)
    return (ahead > percent) & positive, (ahead < -percent) & positive


def _growth(how: str, texts: Mapping[str, str]) -> str:
    least = "" if texts["percent"] == "0" else f" by {texts['percent']} points"
    return f"{texts['a']} grew {how} than {texts['b']} over {count(texts['bars'])}{least}"


@signal(
    "new_high",
    "New high or low",
    "True where a series exceeds all its values of the last bars; the opposite where it undercuts them.",
    parameters=(
        series("source", "The series that is watched.", default="close"),
        bars(50, "How many earlier bars are compared."),
    ),
    supports=Supports.DIRECTION,
    look_back=bars_before(),
    words=lambda texts: (
        f"{texts['source']} is at a new high of {count(texts['bars'])}",
        f"{texts['source']} is at a new low of {count(texts['bars'])}",
    ),
)
def new_high(source: Float64, *, bars: int) -> Sides:
    """`source[i] > max(source[i-bars..i-1])`, and `source[i] < min(source[i-bars..i-1])`."""
    return source > earlier(highest(source, bars), 1), source < earlier(lowest(source, bars), 1)


DECLARATIONS: tuple[SignalDeclaration, ...] = (
    rising,
    slope,
    turn,
    trend,
    consecutive,
    relative_strength,
    new_high,
)
