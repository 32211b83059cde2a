"""Measures over every row of a run, in one pass. Compiled.

Rows are float64[k, n], one column a step: close time, equity, available cash, sum of notionals, ...
"""

from __future__ import annotations

from typing import Any

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
