"""Intervals of daily figures by the stationary bootstrap: days drawn again in blocks, so that what follows stays so.

Source: D. Politis and J. Romano, "The stationary bootstrap" (1994).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tradebot.engine.backtest.figures.metrics import DAYS_PER_YEAR
from tradebot.engine.market import Float64, Int64

DRAWS = 2000
_LEAST_DAYS = 20
_MOST_CELLS = 1_000_000


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What the same days in another order and number would have given; each pair holds 95 % of the draws.

    `sharpe` is annualised, `chance_of_no_edge` the share of draws whose Sharpe ratio is not above 0, `mean_block` the
    mean length of the blocks in days.
    """

    sharpe: tuple[float, float]
    total_return: tuple[float, float]
    max_drawdown: tuple[float, float]
    chance_of_no_edge: float
    mean_block: float
    draws: int


def bootstrap(
    returns: Float64, rng: np.random.Generator, holding_days: float = 0.0, draws: int = DRAWS
) -> Bootstrap | None:
    """Intervals from daily returns, in blocks of max(sqrt(n), holding time) days in the mean.

    None for less than 20 days, and for returns that never vary.
    """
    size = len(returns)
    if size < _LEAST_DAYS or float(np.std(returns)) < 1e-12:
        return None
    block = min(float(size), max(math.sqrt(size), holding_days))
    sharpes, totals, worst = np.empty(draws), np.empty(draws), np.empty(draws)
    step = max(1, _MOST_CELLS // size)
    for low in range(0, draws, step):
        rows = slice(low, min(draws, low + step))
        drawn = returns[stationary_days(size, block, rows.stop - rows.start, rng)]
        spread = np.std(drawn, axis=1, ddof=1)
        mean = np.mean(drawn, axis=1)
        sharpes[rows] = np.divide(mean, spread, out=np.zeros(len(mean)), where=spread > 1e-12)
        equity = np.cumprod(1.0 + drawn, axis=1)
        totals[rows] = equity[:, -1] - 1.0
        peaks = np.maximum(np.maximum.accumulate(equity, axis=1), 1.0)
        worst[rows] = np.min(equity / peaks, axis=1) - 1.0
    return Bootstrap(
        sharpe=_interval(sharpes * math.sqrt(DAYS_PER_YEAR)),
        total_return=_interval(totals),
        max_drawdown=_interval(np.minimum(worst, 0.0)),
        chance_of_no_edge=float(np.mean(sharpes <= 0.0)),
        mean_block=block,
        draws=draws,
    )


def stationary_days(size: int, mean_block: float, draws: int, rng: np.random.Generator) -> Int64:
    """Positions of days, one row a draw: blocks that begin anywhere, of geometric length, and run round the end."""
    begins = rng.random((draws, size)) < 1.0 / mean_block
    begins[:, 0] = True
    starts = rng.integers(0, size, (draws, size))
    place = np.arange(size)
    begun = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    days: Int64 = (np.take_along_axis(starts, begun, axis=1) + place - begun) % size
    return days


def _interval(values: Float64) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975]).tolist()
    return low, high
