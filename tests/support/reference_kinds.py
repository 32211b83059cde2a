"""Every kind of signal as a plain rule for one bar, written from the sentences and formulas of its declaration.

A rule asks `look(name, at)` for a value: of a parameter (a series or a number) or of a column of the bars. A value
that is missing, or before the first bar, raises `MissingValueError`: then the signal says nothing on that bar.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from tests.support.reference_look import Column, Look, MissingValueError, Reading


def readings(kind: str, columns: Mapping[str, Column], values: Mapping[str, Any]) -> list[Reading]:
    """What a signal of this kind says on every bar."""
    look = Look(columns, values)
    count = len(columns["close"])
    if kind in STATEFUL:
        return STATEFUL[kind](look, count)
    result: list[Reading] = []
    for i in range(count):
        try:
            result.append(RULES[kind](look, i))
        except MissingValueError:
            result.append(None)
    return result


# Crossing and levels ---------------------------------------------------------------------------------------


def cross(look: Look, i: int) -> Reading:
    a0, b0, a1, b1 = look("a", i - 1), look("b", i - 1), look("a", i), look("b", i)
    if i == 0:  # numbers have no bar before the first either
        raise MissingValueError
    return a0 <= b0 and a1 > b1, a0 >= b0 and a1 < b1


def compare(look: Look, i: int) -> Reading:
    a, b = look("a", i), look("b", i)
    return {
        ">": (a > b, a < b),
        ">=": (a >= b, a < b),
        "<": (a < b, a > b),
        "<=": (a <= b, a > b),
    }[look["op"]]


def between(look: Look, i: int) -> Reading:
    x, low, high = look("source", i), look("lower", i), look("upper", i)
    return low < x < high, x < low or x > high


def outside(look: Look, i: int) -> Reading:
    x, low, high = look("source", i), look("lower", i), look("upper", i)
    return x < low or x > high, low < x < high


def distance(look: Look, i: int) -> Reading:
    a, b = look("a", i), look("b", i)
    least = look["percent"] / 100 * abs(b)
    return a - b > least, b - a > least


def aligned(look: Look, i: int) -> Reading:
    fast, middle, slow = look("fast", i), look("middle", i), look("slow", i)
    return fast > middle > slow, fast < middle < slow


def funding(look: Look, i: int) -> Reading:
    rate = look("source", i)
    return rate < look["below"] / 100, rate > look["above"] / 100


def threshold(look: Look, count: int) -> list[Reading]:
    """A schmitt trigger on each level that has a release."""
    result: list[Reading] = []
    below = above = False
    values = look.values
    for i in range(count):
        try:
            x = look("source", i)
        except MissingValueError:
            below = above = False
            result.append(None)
            continue
        if "lower" in values:
            stays = below and "lower_release" in values and x < values["lower_release"]
            below = x < values["lower"] or stays
        if "upper" in values:
            stays = above and "upper_release" in values and x > values["upper_release"]
            above = x > values["upper"] or stays
        result.append((below, above))
    return result


# Movement --------------------------------------------------------------------------------------------------


def rising(look: Look, i: int) -> Reading:
    steps = list(pairwise(look.span("source", i - look["bars"], i)))
    return all(old < new for old, new in steps), all(old > new for old, new in steps)


def slope(look: Look, i: int) -> Reading:
    old, new = look("source", i - look["bars"]), look("source", i)
    least = look["percent"] / 100 * look["bars"] * abs(old)
    return new - old > least, old - new > least


def turn(look: Look, i: int) -> Reading:
    first, second, third = look.span("source", i - 2, i)
    return first > second < third, first < second > third


def trend(look: Look, count: int) -> list[Reading]:
    result: list[Reading] = []
    last, way = None, 0
    for i in range(count):
        try:
            x = look("source", i)
        except MissingValueError:
            last, way = None, 0
            result.append(None)
            continue
        if last is not None and x != last:
            way = 1 if x > last else -1
        last = x
        result.append((way > 0, way < 0))
    return result


def consecutive(look: Look, i: int) -> Reading:
    up = down = True
    for k in range(i - look["bars"] + 1, i + 1):
        start = look("open", k) if look["measure"] == "body" else look("close", k - 1)
        up, down = up and look("close", k) > start, down and look("close", k) < start
    return up, down


def relative_strength(look: Look, i: int) -> Reading:
    old = i - look["bars"]
    a, b, old_a, old_b = look("a", i), look("b", i), look("a", old), look("b", old)
    if old_a <= 0 or old_b <= 0:
        return False, False
    ahead = 100 * (a / old_a - b / old_b)
    return ahead > look["percent"], ahead < -look["percent"]


def new_high(look: Look, i: int) -> Reading:
    earlier, x = look.span("source", i - look["bars"], i - 1), look("source", i)
    return all(x > each for each in earlier), all(x < each for each in earlier)


# Ranges ----------------------------------------------------------------------------------------------------


def breakout(look: Look, i: int) -> Reading:
    first, x, share = i - look["bars"], look("source", i), look["percent"] / 100
    top, bottom = max(look.span("high", first, i - 1)), min(look.span("low", first, i - 1))
    return x > top * (1 + share), x < bottom * (1 - share)


def pullback(look: Look, i: int) -> Reading:
    first = i - look["bars"] + 1
    gaps = [look("line", k) - look("trend", k) for k in range(first, i + 1)]
    low, high, close, line = look("low", i), look("high", i), look("close", i), look("line", i)
    return (
        all(gap > 0 for gap in gaps) and low <= line < close,
        all(gap < 0 for gap in gaps) and close < line <= high,
    )


def dip(look: Look, i: int) -> Reading:
    level = max(look.span("high", i - look["bars"] + 1, i)) * (1 - look["percent"] / 100)
    x = look("source", i)
    return x < level, x > level


def rally(look: Look, i: int) -> Reading:
    level = min(look.span("low", i - look["bars"] + 1, i)) * (1 + look["percent"] / 100)
    x = look("source", i)
    return x > level, x < level


def reaches(look: Look, first: int, last: int) -> list[float]:
    return [look("high", k) - look("low", k) for k in range(first, last + 1)]


def narrow_range(look: Look, i: int) -> Reading:
    *earlier, now = reaches(look, i - look["bars"], i)
    return all(now < each for each in earlier), all(now > each for each in earlier)


def inside_bar(look: Look, i: int) -> Reading:
    high, low, top, bottom = look("high", i), look("low", i), look("high", i - 1), look("low", i - 1)
    return high < top and low > bottom, high > top and low < bottom


def wide_bar(look: Look, i: int) -> Reading:
    *earlier, now = reaches(look, i - look["bars"], i)
    wide = against_mean(now, earlier, look["multiple"]) > 0
    open_, close = look("open", i), look("close", i)
    return wide and close > open_, wide and close < open_


def against_mean(now: float, earlier: list[float], multiple: float) -> int:
    """Above (1), below (-1) or equal to (0) a multiple of the mean, equal being what rounding cannot tell apart."""
    usual = multiple * statistics.fmean(earlier)
    if math.isclose(now, usual, rel_tol=1e-11, abs_tol=0):
        return 0
    return 1 if now > usual else -1


def volume_spike(look: Look, i: int) -> Reading:
    side = against_mean(look("source", i), look.span("source", i - look["bars"], i - 1), look["multiple"])
    return side > 0, side < 0


# Bands -----------------------------------------------------------------------------------------------------


def one_of_two(true: bool, opposite: bool) -> Reading:
    return (False, False) if true and opposite else (true, opposite)


def band_touch(look: Look, i: int) -> Reading:
    low, high, lower, upper = look("low", i), look("high", i), look("lower", i), look("upper", i)
    return one_of_two(low <= lower, high >= upper)


def band_break(look: Look, i: int) -> Reading:
    x, lower, upper = look("source", i), look("lower", i), look("upper", i)
    return one_of_two(x > upper, x < lower)


def band_return(look: Look, i: int) -> Reading:
    was, low0, high0 = look("source", i - 1), look("lower", i - 1), look("upper", i - 1)
    is_, low1, high1 = look("source", i), look("lower", i), look("upper", i)
    inside = low1 < is_ < high1
    return one_of_two(was < low0 and inside, was > high0 and inside)


def squeeze(look: Look, i: int) -> Reading:
    lower, upper = look("lower", i), look("upper", i)
    channel_lower, channel_upper = look("channel_lower", i), look("channel_upper", i)
    return (
        channel_lower < lower and upper < channel_upper,
        lower < channel_lower and channel_upper < upper,
    )


# Swings ----------------------------------------------------------------------------------------------------


def is_pivot(look: Look, name: str, at: int, sign: int) -> bool:
    """Whether the bar is below (sign -1) or above (+1) all bars of its window. Raises where one is missing."""
    first, last = at - look["left"], at + look["right"]
    window = [sign * value for value in look.span(name, first, last)]
    own = window.pop(look["left"])
    return all(own > other for other in window)


def swing(look: Look, i: int) -> Reading:
    at = i - look["right"]
    return one_of_two(is_pivot(look, "low", at, -1), is_pivot(look, "high", at, 1))


def structure(look: Look, count: int) -> list[Reading]:
    result: list[Reading] = []
    highs: list[float] = []
    lows: list[float] = []
    for i in range(count):
        try:
            look("high", i), look("low", i)
        except MissingValueError:
            highs, lows = [], []
            result.append(None)
            continue
        for pivots, name, sign in ((highs, "high", 1), (lows, "low", -1)):
            try:
                if is_pivot(look, name, i - look["right"], sign):
                    pivots.append(look(name, i - look["right"]))
            except MissingValueError:
                continue
        if len(highs) < 2 or len(lows) < 2:
            result.append((False, False))
            continue
        up = highs[-1] > highs[-2] and lows[-1] > lows[-2]
        result.append((up, highs[-1] < highs[-2] and lows[-1] < lows[-2]))
    return result


def divergence(look: Look, i: int) -> Reading:
    left, right, bars = look["left"], look["right"], look["bars"]
    for name in ("high", "low", "source"):
        look.span(name, i - left - right - bars, i)
    p2 = i - right
    found = []
    for name, sign in (("low", -1), ("high", 1)):
        p1 = next((p for p in range(p2 - 1, p2 - bars - 1, -1) if is_pivot(look, name, p, sign)), None)
        if p1 is None or not is_pivot(look, name, p2, sign):
            found.append(False)
            continue
        price = sign * (look(name, p2) - look(name, p1))  # positive: further out
        oscillator = sign * (look("source", p2) - look("source", p1))
        regular = price > 0 and oscillator < 0
        found.append(regular if look["kind"] == "regular" else price < 0 and oscillator > 0)
    return one_of_two(*found)


# Patterns and the clock ------------------------------------------------------------------------------------


def candlestick(look: Look, i: int) -> Reading:
    x = look("source", i)
    return x > 0, x < 0


def moment(look: Look, i: int) -> datetime:
    name = "time" if look["at"] == "open" else "close_time"
    return datetime.fromtimestamp(look(name, i) / 1000, UTC)


def in_hours(now: datetime, start: str, end: str) -> Reading:
    clock = f"{now:%H:%M}"  # such times sort as texts
    inside = start <= clock < end if start < end else clock >= start or clock < end
    return inside, not inside


def time_of_day(look: Look, i: int) -> Reading:
    return in_hours(moment(look, i), look["start"], look["end"])


def session(look: Look, i: int) -> Reading:
    hours = {
        "london": ("08:00", "17:00"),
        "sydney": ("21:00", "06:00"),
        "tokyo": ("00:00", "09:00"),
        "new_york": ("13:00", "22:00"),
        "london_new_york": ("13:00", "17:00"),
    }
    return in_hours(moment(look, i), *hours[look["session"]])


DAYS = {
    "mon-fri": "Mon Tue Wed Thu Fri",
    "sat-mon": "Sat Sun Mon",
    "wed": "Wed",
    "mon, wed-thu,sun": "Mon Wed Thu Sun",
}


def day_of_week(look: Look, i: int) -> Reading:
    inside = f"{moment(look, i):%a}" in DAYS[look["days"]].split()
    return inside, not inside


def every(look: Look, i: int) -> Reading:
    now = moment(look, i)
    due = (60 * now.hour + now.minute) % look["minutes"] == look["offset"]
    return due, not due


RULES: dict[str, Callable[[Look, int], Reading]] = {
    each.__name__: each
    for each in (
        cross, compare, between, outside, distance, aligned, funding, rising, slope, turn, consecutive,
        relative_strength, new_high, breakout, pullback, dip, rally, narrow_range, inside_bar, wide_bar,
        volume_spike, band_touch, band_break, band_return, squeeze, swing, divergence, candlestick,
        time_of_day, session, day_of_week, every,
    )
}  # fmt: skip
STATEFUL: dict[str, Callable[[Look, int], list[Reading]]] = {
    "threshold": threshold,
    "trend": trend,
    "structure": structure,
}
