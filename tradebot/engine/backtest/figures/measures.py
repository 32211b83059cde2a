"""Passes over every row of a run. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from tradebot.engine.control.compiling import compiled


@compiled
def last_of_each(times: Any, length_ms: int) -> Any:
    """Positions of the last of the rising close times in each stretch of `length_ms`, one at its end included."""
    found = np.empty(len(times), dtype=np.int64)
    count = 0
    end = -np.inf  # of the stretch that the row before belongs to
    for n in range(len(times)):
        if times[n] > end:
            if n > 0:
                found[count] = n - 1
                count += 1
            end = (np.floor((times[n] - 1.0) / length_ms) + 1.0) * length_ms
    if len(times) > 0:
        found[count] = len(times) - 1
        count += 1
    return found[:count].copy()
