"""Prices in whole ticks and quantities in whole lots.

A float that stands for a grid value is off by a few units in the last place, never by a millionth of a step:
`GRID_TOLERANCE` is what separates the two, in steps. The compiled kernel and the reference use the same rule.
"""

from __future__ import annotations

import math
from decimal import Decimal

GRID_TOLERANCE = 1e-6


def decimal_text(value: Decimal) -> str:
    """Plain notation without an exponent or trailing zeros: Decimal("1E-8") -> "0.00000001"."""
    text = format(value.normalize(), "f")
    return "0" if text == "-0" else text


def steps_down(value: float, step: float) -> int:
    """Largest number of whole steps not above `value`: 10.0000000001 / 0.1 -> 100."""
    return math.floor(value / step + GRID_TOLERANCE)


def steps_up(value: float, step: float) -> int:
    """Smallest number of whole steps not below `value`."""
    return math.ceil(value / step - GRID_TOLERANCE)


def steps_nearest(value: float, step: float) -> int:
    """Number of steps nearest to `value`: the tick of a recorded price."""
    return math.floor(value / step + 0.5)
