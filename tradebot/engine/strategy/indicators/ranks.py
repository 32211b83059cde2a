"""Compiled loops over the order of the last values, whose cost grows with the logarithm of how many those are.

Values are taken in blocks of the window's length. Within a block and the one before it each value has a rank; a binary
indexed tree (Fenwick, 1994) counts the values of the window by rank, so that one comes and one goes, and the n-th of
them is found, in a number of steps that is the logarithm of the length. Import this inside a function: it needs numba.
"""

from __future__ import annotations

import numpy as np

from tradebot.engine.control.compiling import compiled
from tradebot.engine.market import Float64, Int64
from tradebot.engine.strategy.indicators.rolling import frozen


@compiled
def _dense_ranks(values: Float64) -> tuple[Int64, Float64]:
    """The rank of each value among the distinct ones, from 0, and these in rising order."""
    order = np.argsort(values)
    ranks, distinct = np.empty(len(values), np.int64), np.empty(len(values))
    count = 0
    for at in order:
        if count == 0 or values[at] > distinct[count - 1]:
            distinct[count] = values[at]
            count += 1
        ranks[at] = count - 1
    return ranks, distinct[:count]


@compiled
def _put(tree: Int64, rank: int, change: int) -> None:
    """Let there be `change` more values of this rank."""
    place = rank + 1
    while place < len(tree):
        tree[place] += change
        place += place & -place


@compiled
def _not_above(tree: Int64, rank: int) -> int:
    """How many values have at most this rank."""
    count, place = 0, rank + 1
    while place > 0:
        count += tree[place]
        place -= place & -place
    return count


@compiled
def _rank_of(tree: Int64, position: int) -> int:
    """The rank of the value that stands at this position, from 0, of all that are counted."""
    step = 1
    while 2 * step < len(tree):
        step *= 2
    place, before = 0, position
    while step > 0:
        further = place + step
        if further < len(tree) and tree[further] <= before:
            place = further
            before -= tree[further]
        step //= 2
    return place


@compiled
def percentile(values: Float64, length: int, percent: float, result: Float64) -> None:
    """The percentile of the last `length` values, between two of them in proportion."""
    place = percent / 100.0 * (length - 1)
    low = min(int(place), length - 1)
    high = min(low + 1, length - 1)
    result[: length - 1] = np.nan
    for start in range(length - 1, len(values), length):
        stop, first = min(start + length, len(values)), start - length + 1
        ranks, distinct = _dense_ranks(values[first:stop])
        tree = np.zeros(len(distinct) + 1, np.int64)
        for at in range(length):
            _put(tree, ranks[at], 1)
        for i in range(start, stop):
            if i > start:
                _put(tree, ranks[i - first], 1)
                _put(tree, ranks[i - length - first], -1)
            below = distinct[_rank_of(tree, low)]
            above = distinct[_rank_of(tree, high)]
            result[i] = below + (above - below) * (place - low)


@compiled
def percent_rank(values: Float64, length: int, result: Float64) -> None:
    """Percent of the `length` values before each one that are not above it."""
    result[:length] = np.nan
    for start in range(length, len(values), length):
        stop, first = min(start + length, len(values)), start - length
        ranks, distinct = _dense_ranks(values[first:stop])
        tree = np.zeros(len(distinct) + 1, np.int64)
        for at in range(length):
            _put(tree, ranks[at], 1)
        for i in range(start, stop):
            if i > start:
                _put(tree, ranks[i - 1 - first], 1)
                _put(tree, ranks[i - 1 - length - first], -1)
            result[i] = 100.0 * _not_above(tree, ranks[i - first]) / length


def rehearse() -> None:
    """Run every loop once with the types it always has, so that its compiled version exists afterwards."""
    values, result = frozen(np.array([2.0, 1.0, 3.0, 1.0])), np.empty(4)
    percentile(values, 2, 50.0, result)
    percent_rank(values, 2, result)
