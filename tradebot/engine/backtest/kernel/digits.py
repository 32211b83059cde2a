"""Decimals that prices were recorded with, found in the floats themselves. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from tradebot.engine.control.compiling import compiled

MOST_DECIMALS = 12
_TOLERANCE = 1e-15  # relative: a few units in the last place of a float


@compiled
def decimals_seen(prices: Any, least: int) -> int:
    """Fewest decimals, at least `least` and at most 12, with which every price can be written exactly."""
    decimals = least
    scale = 10.0**decimals
    for n in range(len(prices)):
        scaled = prices[n] * scale
        while decimals < MOST_DECIMALS and abs(scaled - np.rint(scaled)) > scaled * _TOLERANCE:
            decimals += 1
            scale = 10.0**decimals
            scaled = prices[n] * scale
    return decimals
