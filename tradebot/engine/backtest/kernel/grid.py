"""Whole ticks and lots, compiled; the same rules as `tradebot.engine.market.rounding` (a test compares).

Steps are whole numbers held in floats, so that any size of price and lot fits.
"""

from __future__ import annotations

import numpy as np

from tradebot.engine.control.compiling import compiled

GRID_TOLERANCE = 1e-6


@compiled
def steps_down(value: float, step: float) -> float:
    """Largest number of whole steps not above `value`."""
    return np.floor(value / step + GRID_TOLERANCE)  # type: ignore[no-any-return]  # numpy's stub


@compiled
def steps_up(value: float, step: float) -> float:
    """Smallest number of whole steps not below `value`."""
    return np.ceil(value / step - GRID_TOLERANCE)  # type: ignore[no-any-return]  # numpy's stub


@compiled
def steps_nearest(value: float, step: float) -> float:
    """Steps nearest to `value`: the tick of a recorded price."""
    return np.floor(value / step + 0.5)  # type: ignore[no-any-return]  # numpy's stub
