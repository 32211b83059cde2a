"""Measures over every row of a run, in one pass. Compiled.

Rows are float64[k, n], one column a step: close time, equity, available cash, sum of notionals, ...
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tradebot.engine.control.compiling import compiled

EQUITY = 1


@compiled
def share_of_equity(rows: Any, row: int) -> tuple[float, float]:
    """(mean, highest) of |rows[row]| / equity over the steps with equity above 0; (0, 0) without one."""
    total = highest = 0.0
    steps = 0
    for n in range(rows.shape[1]):
        equity = rows[EQUITY, n]
        if equity > 0.0:
            share = abs(rows[row, n]) / equity
            total += share
            if share > highest:
                highest = share
            steps += 1
    return (total / steps if steps > 0 else 0.0), highest


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
