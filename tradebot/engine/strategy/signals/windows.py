"""Windows over columns: the highest, the sum, all or any of the last bars, each as long as its column.

A window is put together from windows of half its width, so that its cost grows with the logarithm of the width and its
value depends on nothing outside: a missing value (NaN) is forgotten once it has left, and a history that starts
elsewhere gives the same bits. A window that begins before the first bar is NaN, or False.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from tradebot.engine.market import Float64
from tradebot.engine.strategy.registry import BoolArray

_Pairwise = Callable[[Any, Any], Any]


def earlier(column: Float64, bars: int) -> Float64:
    """The value of `bars` bars ago, NaN where there is none."""
    result = np.full(len(column), np.nan)
    if bars < len(column):
        result[bars:] = column[: len(column) - bars]
    return result


def earlier_truth(column: BoolArray, bars: int) -> BoolArray:
    """The truth of `bars` bars ago, False where there is none."""
    result = np.zeros(len(column), dtype=np.bool_)
    if bars < len(column):
        result[bars:] = column[: len(column) - bars]
    return result


def highest(column: Float64, bars: int) -> Float64:
    """The highest of the last `bars` values, this one included."""
    return _numbers(column, bars, _overlapping(np.maximum, column, bars))


def lowest(column: Float64, bars: int) -> Float64:
    """The lowest of the last `bars` values, this one included."""
    return _numbers(column, bars, _overlapping(np.minimum, column, bars))


def total(column: Float64, bars: int) -> Float64:
    """The sum of the last `bars` values, this one included."""
    size = len(column)
    if bars > size:
        return np.full(size, np.nan)
    result = np.zeros(size - bars + 1)
    # block[s] is the sum of the `width` values from s on; a window takes one block for each binary digit of `bars`.
    block, width, taken, rest = column, 1, 0, bars
    while rest:
        if rest & 1:
            result += block[taken : taken + len(result)]
            taken += width
        rest >>= 1
        if rest:
            block = block[:-width] + block[width:]
            width *= 2
    return _numbers(column, bars, result)


def all_of(column: BoolArray, bars: int) -> BoolArray:
    """Whether all of the last `bars` are true; False where there are fewer."""
    return _truths(column, bars, _overlapping(np.logical_and, column, bars))


def any_of(column: BoolArray, bars: int) -> BoolArray:
    """Whether any of the last `bars` is true, of those that there are."""
    before = np.zeros(min(bars, len(column) + 1) - 1, dtype=np.bool_)
    padded = np.concatenate((before, column))
    return np.asarray(_overlapping(np.logical_or, padded, len(before) + 1), dtype=np.bool_)


def count_of(column: BoolArray, bars: int) -> npt.NDArray[np.int32]:
    """How many of the last `bars` are true, of those that there are."""
    count = np.cumsum(column, dtype=np.int32)
    result = count.copy()
    if bars < len(column):
        result[bars:] -= count[:-bars]
    return result


def latched(on: BoolArray, off: BoolArray) -> BoolArray:
    """True from a bar of `on` until the next one of `off`; no bar may be both."""
    places = np.flatnonzero(on | off)
    return held_from(places, on[places], len(on))


def held_from(places: npt.NDArray[np.intp], values: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """A column in which each value stands from its place (rising) up to the next one; 0 before the first."""
    begins = np.zeros(size, dtype=np.bool_)
    begins[places] = True
    standing: npt.NDArray[Any] = np.concatenate((np.zeros(1, dtype=values.dtype), values))
    return standing[np.cumsum(begins, dtype=np.int32)]


def _overlapping(pairwise: _Pairwise, column: Any, bars: int) -> Any:
    """For an operation to which it is nothing new to see a value twice; one result per whole window."""
    if bars > len(column):
        return column[:0]
    result, width = column, 1
    while width < bars:
        step = min(width, bars - width)
        result = pairwise(result[:-step], result[step:])
        width += step
    return result


def _numbers(column: Float64, bars: int, whole_windows: Float64) -> Float64:
    result = np.full(len(column), np.nan)
    result[min(bars, len(column) + 1) - 1 :] = whole_windows
    return result


def _truths(column: BoolArray, bars: int, whole_windows: BoolArray) -> BoolArray:
    result = np.zeros(len(column), dtype=np.bool_)
    result[min(bars, len(column) + 1) - 1 :] = whole_windows
    return result
