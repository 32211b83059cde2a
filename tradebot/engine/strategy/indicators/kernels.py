"""The compiled loops of the indicators that no library has; imported on first use, because numba is slow to import.

All read contiguous, frozen columns and fill the columns they are given; `rolling.py` is their door.
"""

from __future__ import annotations

import numpy as np

from tradebot.engine.control.compiling import compiled
from tradebot.engine.market import Float64, Int64
from tradebot.engine.strategy.indicators import ranks, rolling


@compiled
def rolling_sum(values: Float64, length: int, result: Float64) -> None:
    """Sum of each window, from blocks of `length` (see `rolling.py`)."""
    ended = np.empty(length)  # sums of the previous block from each place to its end
    for start in range(0, len(values), length):
        total = 0.0
        for i in range(start, min(start + length, len(values))):
            total += values[i]
            count = i - start + 1
            if count == length:
                result[i] = total
            else:
                result[i] = np.nan if start == 0 else ended[count] + total
        if start + length <= len(values):
            total = 0.0
            for place in range(length - 1, -1, -1):
                total += values[start + place]
                ended[place] = total


@compiled
def money_flow(price: Float64, volume: Float64, length: int, result: Float64) -> None:
    """Percent of `price * volume` that stands on rising bars, of that on rising and falling ones of each window.

    Sums from blocks of `length` (see `rolling.py`); 50 where nothing was traded on such bars, NaN before the first
    window is full. The first bar has no direction.
    """
    up, down = np.empty(length), np.empty(length)  # of the block at hand
    ended_up, ended_down = (
        np.empty(length),
        np.empty(length),
    )  # sums of the block before, from each place to its end
    result[: min(length, len(price))] = np.nan
    for start in range(1, len(price), length):
        risen, fallen = 0.0, 0.0
        for i in range(start, min(start + length, len(price))):
            place = i - start
            flow = price[i] * volume[i]
            # Products, because a branch costs several times as much where it is random.
            up[place] = flow * (price[i] > price[i - 1])
            down[place] = flow * (price[i] < price[i - 1])
            risen += up[place]
            fallen += down[place]
            if place + 1 == length:
                above, below = risen, fallen
            elif start > 1:
                above, below = ended_up[place + 1] + risen, ended_down[place + 1] + fallen
            else:
                continue
            total = above + below
            result[i] = 100.0 * (above / total) if total != 0.0 else 50.0
        if start + length <= len(price):
            risen, fallen = 0.0, 0.0
            for place in range(length - 1, -1, -1):
                risen += up[place]
                fallen += down[place]
                ended_up[place], ended_down[place] = risen, fallen


@compiled
def rolling_moments(values: Float64, length: int, mean: Float64, squares: Float64) -> None:
    """Mean and sum of squared distances of each window, from blocks of `length` (see `rolling.py`).

    Within a block by Welford (1962), the two parts of a window joined by Chan, Golub and LeVeque (1979).
    """
    ended_mean, ended_squares = np.empty(length), np.empty(length)  # of the previous block from each place on
    part = 1.0 / np.arange(1.0, length + 1.0)  # a division would take most of the time
    for start in range(0, len(values), length):
        here, spread = 0.0, 0.0
        for i in range(start, min(start + length, len(values))):
            count = i - start + 1
            distance = values[i] - here
            here += distance * part[count - 1]
            spread += distance * (values[i] - here)
            if count == length:
                mean[i], squares[i] = here, spread
            elif start == 0:
                mean[i], squares[i] = np.nan, np.nan
            else:
                apart = here - ended_mean[count]
                mean[i] = ended_mean[count] + apart * (count / length)
                squares[i] = (
                    ended_squares[count] + spread + apart * apart * (count * (length - count) / length)
                )
        if start + length <= len(values):
            here, spread = 0.0, 0.0
            for count in range(1, length + 1):
                i = start + length - count
                distance = values[i] - here
                here += distance * part[count - 1]
                spread += distance * (values[i] - here)
                ended_mean[length - count], ended_squares[length - count] = here, spread


@compiled
def percent_rank(values: Float64, length: int, result: Float64) -> None:
    """Percent of the `length` values before each one that are not above it."""
    result[:length] = np.nan
    for i in range(length, len(values)):
        count = 0
        for earlier in values[i - length : i]:
            count += earlier <= values[i]
        result[i] = 100.0 * count / length


@compiled
def percentile(values: Float64, length: int, percent: float, result: Float64) -> None:
    """The percentile of the last `length` values, between two of them in proportion; they are kept in order."""
    ordered = np.sort(values[:length])
    place = percent / 100.0 * (length - 1)
    low = min(int(place), length - 1)
    high = min(low + 1, length - 1)
    result[: length - 1] = np.nan
    for i in range(length - 1, len(values)):
        if i >= length:
            gone, new = values[i - length], values[i]
            at = np.searchsorted(ordered, gone)
            while at + 1 < length and ordered[at + 1] < new:
                ordered[at] = ordered[at + 1]
                at += 1
            while at > 0 and ordered[at - 1] > new:
                ordered[at] = ordered[at - 1]
                at -= 1
            ordered[at] = new
        result[i] = ordered[low] + (ordered[high] - ordered[low]) * (place - low)


@compiled
def anchored_vwap(period: Int64, price: Float64, volume: Float64, deviations: float, result: Float64) -> None:
    """Mean of the prices since the period began, by volume, and so many standard deviations above and below it.

    The three are rows of `result` (West, 1979). Until a period has traded anything, its mean is the latest price.
    """
    weight, here, squares = 0.0, 0.0, 0.0
    for i in range(len(price)):
        if i == 0 or period[i] != period[i - 1]:
            weight, squares = 0.0, 0.0
        if weight == 0.0:
            here = price[i]
        if volume[i] > 0.0:
            weight += volume[i]
            distance = price[i] - here
            here += distance * (volume[i] / weight)
            squares += volume[i] * distance * (price[i] - here)
        width = deviations * np.sqrt(squares / weight) if weight > 0.0 else 0.0
        result[0, i], result[1, i], result[2, i] = here, here + width, here - width


@compiled
def running_range(period: Int64, columns: Float64, result: Float64) -> None:
    """Open, highest high and lowest low of the period so far; `columns` holds open, high and low as rows."""
    for i in range(len(period)):
        if i == 0 or period[i] != period[i - 1]:
            result[:, i] = columns[:, i]
        else:
            result[0, i] = result[0, i - 1]
            result[1, i] = max(result[1, i - 1], columns[1, i])
            result[2, i] = min(result[2, i - 1], columns[2, i])


@compiled
def halfway(start: float, target: Float64, result: Float64) -> None:
    """Each value is the middle of the value and the target one bar before."""
    result[0] = start
    for i in range(1, len(target)):
        result[i] = (result[i - 1] + target[i - 1]) / 2.0


def rehearse() -> None:
    """Run every loop once with the types it always has, so that its compiled version exists afterwards."""
    ranks.rehearse()
    values, periods = rolling.frozen(np.arange(4.0)), np.zeros(4, dtype=np.int64)
    rolling.rolling_sum(values, 2)
    rolling.rolling_moments(values, 2)
    rolling.percent_rank(values, 2)
    rolling.percentile(values, 2, 50.0)
    rolling.anchored_vwap(periods, values, values, 1.0)
    rolling.money_flow(values, values, 2)
    rolling.running_range(periods, values, values, values)
    rolling.halfway(0.0, values)
