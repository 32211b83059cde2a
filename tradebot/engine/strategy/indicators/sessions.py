"""UTC days, weeks and months of bars, for what begins anew with each of them."""

from __future__ import annotations

import numpy as np

from tradebot.engine.market import DAY_MS, Float64, Int64
from tradebot.engine.strategy.indicators.common import choice

PERIOD = choice(
    "day",
    ("day", "week", "month"),
    "period",
    "Calendar period in UTC: days begin at 00:00, weeks on Monday.",
)


def period_numbers(time: Float64, period: str) -> Int64:
    """A number for the day, week or month that each time (UTC ms) is in; later ones are higher."""
    day = time.astype(np.int64) // DAY_MS
    if period == "week":
        return (day + 3) // 7  # day 0 was a Thursday
    if period == "month":
        return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return day


def begins_inside(time: Float64, period: str) -> bool:
    """Whether the first bar is inside a period that began before it."""
    return bool(period_numbers(time[:1] - 1.0, period)[0] == period_numbers(time[:1], period)[0])


def previous_period(
    time: Float64, period: str, open_: Float64, high: Float64, low: Float64, close: Float64
) -> tuple[Float64, ...]:
    """Open, high, low and close of the last finished period that has bars, on each bar of the next.

    NaN until there is one. A first period whose beginning is not in the history does not count.
    """
    numbers = period_numbers(time, period)
    begins = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
    ends = np.append(begins[1:], len(numbers)) - 1
    finished = np.repeat(np.arange(len(begins)), ends - begins + 1) - 1
    cut = int(begins_inside(time, period))
    columns = (
        open_[begins],
        np.maximum.reduceat(high, begins),
        np.minimum.reduceat(low, begins),
        close[ends],
    )
    return tuple(np.where(finished >= cut, column[finished], np.nan) for column in columns)
