"""Sums, means and spreads of the last bars that never drift, and what else the groups of indicators share.

A running sum that adds the newest value and takes the oldest away keeps a rest of every large value it has ever
seen: after a stretch of bars without volume it is almost, not exactly, zero, and a ratio of two such rests is noise.
Here a window is put together from the end of one block of `length` values and the beginning of the next (van Herk,
1992, did so for extremes): nothing is ever subtracted, so zeros stay zeros and flat prices have no spread.
"""

from __future__ import annotations

from types import ModuleType
from typing import TypeVar

import numpy as np

from tradebot.engine.market import Float64, Int64

_MANY = 250
"""From so many values on a tree is quicker than going through them, measured on a year of minutes."""

_Column = TypeVar("_Column", Float64, Int64)


def rolling_sum(values: Float64, length: int) -> Float64:
    """Sum of the last `length` values, NaN before there are so many: `[1, 2, 4]` by 2 is `[NaN, 3, 6]`."""
    result = np.empty_like(values)
    _kernels().rolling_sum(frozen(values), length, result)
    return result


def rolling_mean(values: Float64, length: int) -> Float64:
    """Mean of the last `length` values, NaN before there are so many."""
    return rolling_sum(values, length) / length


def rolling_moments(values: Float64, length: int) -> tuple[Float64, Float64]:
    """Mean, and sum of the squared distances from it, of the last `length` values; NaN before there are so many."""
    mean, squares = np.empty_like(values), np.empty_like(values)
    _kernels().rolling_moments(frozen(values), length, mean, squares)
    return mean, squares


def rolling_deviation(values: Float64, length: int, lost: int = 0) -> Float64:
    """Standard deviation of the last `length` values: of the population, of a sample where `lost` is 1."""
    return np.sqrt(rolling_moments(values, length)[1] / (length - lost))


def after(count: int, values: Float64) -> Float64:
    """The values as a column that begins with `count` bars without one."""
    return np.concatenate((np.full(count, np.nan), values))


def percent_rank(values: Float64, length: int) -> Float64:
    """Percent of the `length` values before each one that are not above it; NaN where there are fewer."""
    result = np.empty_like(values)
    _by_order(length).percent_rank(frozen(values), length, result)
    return result


def percentile(values: Float64, length: int, percent: float) -> Float64:
    """The percentile of the last `length` values, between two of them in proportion."""
    result = np.empty_like(values)
    _by_order(length).percentile(frozen(values), length, percent, result)
    return result


def _by_order(length: int) -> ModuleType:
    """The loops over so many ordered values: few are gone through, many are counted in a tree."""
    if length < _MANY:
        return _kernels()
    from tradebot.engine.strategy.indicators import ranks

    return ranks


def halfway(start: float, target: Float64) -> Float64:
    """A column from `start`, each value the middle of the value and the target one bar before."""
    result = np.empty_like(target)
    _kernels().halfway(start, frozen(target), result)
    return result


def anchored_vwap(period: Int64, price: Float64, volume: Float64, deviations: float) -> tuple[Float64, ...]:
    """Mean of the prices since the period began, by volume, and so many standard deviations above and below it."""
    result = np.empty((3, len(price)))
    _kernels().anchored_vwap(frozen(period), frozen(price), frozen(volume), deviations, result)
    return result[0], result[1], result[2]


def money_flow(price: Float64, volume: Float64, length: int) -> Float64:
    """Percent of `price * volume` on rising bars, of that on rising and falling ones among the last `length` bars."""
    result = np.empty_like(price)
    _kernels().money_flow(frozen(price), frozen(volume), length, result)
    return result


def running_range(period: Int64, open_: Float64, high: Float64, low: Float64) -> tuple[Float64, ...]:
    """Open, highest high and lowest low of the period so far."""
    columns = np.array((open_, high, low))
    result = np.empty_like(columns)
    _kernels().running_range(frozen(period), columns, result)
    return result[0], result[1], result[2]


def frozen(column: _Column) -> _Column:
    """A contiguous view that nobody writes through: the one kind of column that the loops are compiled for."""
    view = np.ascontiguousarray(column).view()
    view.flags.writeable = False
    return view


def _kernels() -> ModuleType:
    from tradebot.engine.strategy.indicators import (
        kernels,  # here: it imports numba, which takes half a second
    )

    return kernels
