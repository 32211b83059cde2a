"""What the indicator declarations share: their usual parameters and rules, and the door to TA-Lib.

TA-Lib spreads a NaN over the rest of a series and fills its warm-up with NaN; `compute.py` therefore calls the
functions of this package on each stretch without NaN alone, so that a missing value restarts the indicator after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tradebot.engine.market import Float64
from tradebot.engine.strategy.registry import LookBack, Parameter, ParameterKind, Value, Values

LONGEST = 100_000
"""The highest number of bars that TA-Lib accepts."""

SOURCE = Parameter(
    name="source", kind=ParameterKind.SERIES, default="close", help="The series it is computed from."
)


def bars(
    default: int,
    low: int = 2,
    name: str = "length",
    about: str = "Number of bars.",
    high: int = LONGEST,
) -> Parameter:
    """A whole number of bars."""
    return Parameter(
        name=name, kind=ParameterKind.INTEGER, default=default, low=low, high=high, unit="bars", help=about
    )


def number(default: float, low: float, high: float, name: str, about: str, unit: str = "") -> Parameter:
    """A number between `low` and `high`, both allowed."""
    return Parameter(
        name=name, kind=ParameterKind.NUMBER, default=default, low=low, high=high, unit=unit, help=about
    )


def choice(default: str, choices: tuple[str, ...], name: str, about: str) -> Parameter:
    """One of a few words."""
    return Parameter(name=name, kind=ParameterKind.CHOICE, default=default, choices=choices, help=about)


def whole(values: Values, name: str) -> int:
    """The value of a parameter that counts bars."""
    value: Value = values[name]
    return int(value)


def length_less(less: int = 1, name: str = "length") -> LookBack:
    """A look-back of the length less `less`: 1 where the first value needs `length` bars, 0 where it needs one more."""

    def look_back(values: Values) -> int:
        return whole(values, name) - less

    return look_back


def fast_below_slow(values: Values) -> Iterable[tuple[str, str]]:
    """The rule of indicators that take a fast from a slow average."""
    fast, slow = whole(values, "fast"), whole(values, "slow")
    if fast >= slow:
        yield "fast", f"must be shorter than slow, which is {slow}, but is {fast}"


def ratio(above: Float64, below: Float64, empty: float) -> Float64:
    """`above / below`, and `empty` where `below` is zero; a NaN on either side stays one."""
    if np.count_nonzero(below) == len(below):  # several times faster, and nearly always so
        return above / below
    result = np.full(len(above), empty)
    np.divide(above, below, out=result, where=below != 0.0)
    return result


def delayed(column: Float64, count: int) -> Float64:
    """What stood in the column `count` bars earlier; NaN on the first bars."""
    result = np.full(len(column), np.nan)
    result[count:] = column[: len(column) - count]
    return result


def talib_one(function: str, *arguments: Any) -> Float64:
    """The column that a TA-Lib function of this name returns."""
    column: Float64 = getattr(_talib(), function)(*arguments)
    return column if column.dtype == np.float64 else column.astype(np.float64)


def talib_several(function: str, *arguments: Any) -> tuple[Float64, ...]:
    """The columns that a TA-Lib function of this name returns."""
    columns = getattr(_talib(), function)(*arguments)
    return tuple(each if each.dtype == np.float64 else each.astype(np.float64) for each in columns)


def _talib() -> Any:
    import talib  # here: it costs 0.1 s, and a help text needs no indicator

    return talib
