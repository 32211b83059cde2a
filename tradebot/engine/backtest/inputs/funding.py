"""Funding as a run needs it: recorded payments of the span, estimates where none are recorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tradebot.engine.market import HOUR_MS, Float64, Int64

ESTIMATED_RATE = 0.0001
ESTIMATED_INTERVAL_MS = 8 * HOUR_MS


@dataclass(frozen=True, slots=True, eq=False)
class FundingPlan:
    """Payments in rising order of time (UTC ms); `estimated` of them are not recorded but assumed."""

    time: Int64
    rate: Float64
    estimated: int


NO_FUNDING = FundingPlan(np.empty(0, dtype=np.int64), np.empty(0), 0)


def plan_funding(time: Int64, rate: Float64, start_ms: int, end_ms: int) -> FundingPlan:
    """Recorded payments with start <= time < end, and 0.01 % at 00:00, 08:00 and 16:00 UTC where they are missing.

    Missing is what lies before the first recorded payment, after the last, or between two that are more than 8 hours
    apart.
    """
    first = -(-start_ms // ESTIMATED_INTERVAL_MS) * ESTIMATED_INTERVAL_MS
    grid = np.arange(first, end_ms, ESTIMATED_INTERVAL_MS, dtype=np.int64)
    after = np.searchsorted(time, grid, side="left")
    outer = np.concatenate([[-(2**61)], time, [2**61]])  # far away, and their distance fits int64
    recorded = outer[after + 1] == grid
    holes = grid[~recorded & (outer[after + 1] - outer[after] > ESTIMATED_INTERVAL_MS)]
    inside = (time >= start_ms) & (time < end_ms)
    times = np.concatenate([time[inside], holes])
    rates = np.concatenate([rate[inside], np.full(len(holes), ESTIMATED_RATE)])
    order = np.argsort(times, kind="stable")
    return FundingPlan(times[order], rates[order], len(holes))
