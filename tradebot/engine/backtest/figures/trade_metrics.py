"""Figures of the trade log: what was won and lost, how often, how evenly.

`pnl` are net profits of closed trades in the quote coin, after fees and funding; a trade of exactly 0 is no winner.
Every function gives None where its formula has no value.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from tradebot.engine.market import Float64

_NO_SPREAD = 1e-12


def profit_factor(pnl: Float64) -> float | None:
    """Sum of the winners over |sum of the losers|, net of fees and funding; None without a loser."""
    lost = -float(np.sum(pnl[pnl < 0]))
    return float(np.sum(pnl[pnl > 0])) / lost if lost > 0 else None


def win_rate(pnl: Float64) -> float | None:
    """Share of the closed trades with a net profit above 0."""
    return float(np.count_nonzero(pnl > 0)) / len(pnl) if len(pnl) else None


def wilson_interval(wins: int, trades: int, confidence: float = 0.95) -> tuple[float, float] | None:
    """Wilson's interval of a win rate (E. B. Wilson 1927): 6 wins of 10 give 0.313 to 0.832. None without trades."""
    if trades == 0:
        return None
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    rate = wins / trades
    spread = 1.0 + z * z / trades
    middle = (rate + z * z / (2.0 * trades)) / spread
    half = z * math.sqrt(rate * (1.0 - rate) / trades + z * z / (4.0 * trades * trades)) / spread
    return max(0.0, middle - half), min(1.0, middle + half)


def mean_or_none(values: Float64) -> float | None:
    """The mean, None of nothing."""
    return float(np.mean(values)) if len(values) else None


def payoff(pnl: Float64) -> float | None:
    """Mean winner / |mean loser|; None without both."""
    won, lost = mean_or_none(pnl[pnl > 0]), mean_or_none(pnl[pnl < 0])
    return won / -lost if won is not None and lost is not None else None


def kelly(pnl: Float64) -> float | None:
    """Kelly's share of the account, W - (1 - W) / payoff with W the win rate; None without winners and losers.

    Below 0 where the trades lose on the whole. Half of the trades win twice what the others lose: 0.25.
    """
    rate, ratio = win_rate(pnl), payoff(pnl)
    return rate - (1.0 - rate) / ratio if rate is not None and ratio is not None else None


def sqn(r: Float64) -> float | None:
    """System quality number (V. Tharp): sqrt(N) x mean(R) / std(R, ddof 1) over closed trades that had a stop."""
    known = r[~np.isnan(r)]
    spread = float(np.std(known, ddof=1)) if len(known) > 1 else 0.0
    return math.sqrt(len(known)) * float(np.mean(known)) / spread if spread > _NO_SPREAD else None


def longest_losing_run(pnl: Float64) -> tuple[int, int]:
    """(most losers in a row, the position of the first of them), the earliest such run; (0, 0) without a loser.

    `pnl` in the order of the exits; a trade of exactly 0 ends a run.
    """
    edges = np.flatnonzero(np.diff(pnl < 0, prepend=False, append=False))
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return 0, 0
    longest = int(np.argmax(ends - starts))
    return int(ends[longest] - starts[longest]), int(starts[longest])
