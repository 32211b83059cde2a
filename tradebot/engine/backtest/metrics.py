"""The metrics of a run, with the conventions that make them comparable.

Base: equity marked at every bar, resampled to UTC calendar days (last value of the day, filled forward over days
without bars, the start equity before the first); r are the simple daily returns, A = 365, risk-free rate 0.
A bare function computes whenever its formula can be computed and gives None where it cannot (a division by
zero, too few values); `compute_metrics` adds what is undefined for the reader, such as a CAGR under 30 days.
Returns and drawdowns are fractions, money is in the quote coin.
"""

from __future__ import annotations

import math

import numpy as np

from tradebot.engine.market import DAY_MS, Float64, Int64

DAYS_PER_YEAR = 365
LEAST_DAYS_FOR_CAGR = 30
_NO_SPREAD = 1e-12


def daily_equity(
    time: Int64 | Float64, equity: Float64, start_equity: float, start_ms: int
) -> tuple[Int64, Float64]:
    """Equity at the end of each UTC day from that of `start_ms`: (ends of the days, values).

    The first pair is (start of the first day, `start_equity`). `time` are close times, rising; a bar that closes at
    midnight belongs to the day that ends then.
    """
    first_day = start_ms // DAY_MS
    last_day = (int(time[-1]) - 1) // DAY_MS if len(time) else first_day - 1
    ends = np.arange(first_day, last_day + 2, dtype=np.int64) * DAY_MS
    last_bar = np.searchsorted(time, ends, side="right") - 1
    values = np.where(
        last_bar >= 0, equity[np.maximum(last_bar, 0)] if len(time) else start_equity, start_equity
    )
    values[0] = start_equity
    return ends, values


def returns_of(equity: Float64) -> Float64:
    """Simple returns from each value to the next; ends before the first value that is not above 0."""
    dead = np.flatnonzero(equity[:-1] <= 0.0)
    alive = equity[: dead[0] + 1] if len(dead) else equity
    return alive[1:] / alive[:-1] - 1.0


def equity_of(returns: Float64) -> Float64:
    """Equity that starts at 1 and grows by `returns`; one value more than returns."""
    return np.concatenate([[1.0], np.cumprod(1.0 + returns)])


def total_return(equity: Float64) -> float | None:
    """E_n / E_0 - 1."""
    return float(equity[-1] / equity[0] - 1.0) if len(equity) and equity[0] > 0 else None


def cagr(equity: Float64) -> float | None:
    """(E_n / E_0) ** (365 / days) - 1 of daily equity."""
    days = len(equity) - 1
    if days < 1 or equity[0] <= 0 or equity[-1] < 0:
        return None
    growth = math.log(equity[-1] / equity[0]) * DAYS_PER_YEAR / days if equity[-1] > 0 else -math.inf
    return math.expm1(growth) if growth < 700 else None


def volatility(returns: Float64) -> float | None:
    """Standard deviation (ddof 1) x sqrt(365)."""
    return float(np.std(returns, ddof=1)) * math.sqrt(DAYS_PER_YEAR) if len(returns) > 1 else None


def sharpe(returns: Float64) -> float | None:
    """mean(r) / std(r, ddof 1) x sqrt(365); None for returns that never vary."""
    spread = float(np.std(returns, ddof=1)) if len(returns) > 1 else 0.0
    return float(np.mean(returns)) / spread * math.sqrt(DAYS_PER_YEAR) if spread > _NO_SPREAD else None


def sortino(returns: Float64) -> float | None:
    """mean(r) x 365 / (sqrt(mean(min(r, 0)^2)) x sqrt(365)), the mean over all days; None without a losing day."""
    if len(returns) == 0:
        return None
    downside = math.sqrt(float(np.mean(np.minimum(returns, 0.0) ** 2)))
    return float(np.mean(returns)) / downside * math.sqrt(DAYS_PER_YEAR) if downside > _NO_SPREAD else None


def drawdowns(equity: Float64) -> Float64:
    """E / highest E so far - 1 at each value; the first value counts as a peak."""
    peak = np.maximum.accumulate(equity)
    return equity / peak - 1.0


def max_drawdown(equity: Float64) -> float:
    """min(E / cummax(E) - 1), 0 where equity never fell."""
    return float(np.min(drawdowns(equity))) if len(equity) else 0.0


def calmar(equity: Float64) -> float | None:
    """CAGR / |max drawdown| over the whole period; None without a drawdown."""
    growth, worst = cagr(equity), max_drawdown(equity)
    return growth / -worst if growth is not None and worst < -_NO_SPREAD else None


def longest_drawdown(equity: Float64) -> tuple[int, bool]:
    """Most steps from a peak to its recovery, and whether it was recovered; one that was not counts to the end."""
    longest, recovered, peak_at = 0, True, 0
    for step in range(1, len(equity)):
        at_or_above = equity[step] >= equity[peak_at]
        if step - peak_at > longest and not (at_or_above and step - peak_at == 1):
            longest, recovered = step - peak_at, bool(at_or_above)
        if at_or_above:
            peak_at = step
    return longest, recovered


def ulcer(equity: Float64) -> float | None:
    """sqrt(mean(drawdown^2)) over the days, the start not counted."""
    return math.sqrt(float(np.mean(drawdowns(equity)[1:] ** 2))) if len(equity) > 1 else None


def value_at_risk(returns: Float64, share: float = 0.05) -> float | None:
    """The `share` quantile of the daily returns (historical, linear between values): a loss is negative."""
    return float(np.quantile(returns, share)) if len(returns) else None


def conditional_value_at_risk(returns: Float64, share: float = 0.05) -> float | None:
    """Mean of the daily returns that are not above the value at risk."""
    threshold = value_at_risk(returns, share)
    return None if threshold is None else float(np.mean(returns[returns <= threshold]))


def tail_ratio(returns: Float64) -> float | None:
    """|95th percentile| / |5th percentile|."""
    if len(returns) == 0:
        return None
    low, high = np.quantile(returns, [0.05, 0.95])
    return float(abs(high) / abs(low)) if abs(low) > _NO_SPREAD else None


def omega(returns: Float64, threshold: float = 0.0) -> float | None:
    """Sum of the returns above the threshold over the sum of those below."""
    below = float(np.sum(np.maximum(threshold - returns, 0.0)))
    return float(np.sum(np.maximum(returns - threshold, 0.0))) / below if below > _NO_SPREAD else None


def profit_factor(pnl: Float64) -> float | None:
    """Sum of the winners over |sum of the losers|, net of fees and funding; None without a loser."""
    lost = -float(np.sum(pnl[pnl < 0]))
    return float(np.sum(pnl[pnl > 0])) / lost if lost > 0 else None


def win_rate(pnl: Float64) -> float | None:
    """Share of the closed trades with a net profit above 0."""
    return float(np.count_nonzero(pnl > 0)) / len(pnl) if len(pnl) else None


def mean_or_none(values: Float64) -> float | None:
    """The mean, None of nothing."""
    return float(np.mean(values)) if len(values) else None


def payoff(pnl: Float64) -> float | None:
    """Mean winner / |mean loser|; None without both."""
    won, lost = mean_or_none(pnl[pnl > 0]), mean_or_none(pnl[pnl < 0])
    return won / -lost if won is not None and lost is not None else None


def sqn(r: Float64) -> float | None:
    """System quality number: sqrt(N) x mean(R) / std(R, ddof 1) over the closed trades that had a stop."""
    known = r[~np.isnan(r)]
    spread = float(np.std(known, ddof=1)) if len(known) > 1 else 0.0
    return math.sqrt(len(known)) * float(np.mean(known)) / spread if spread > _NO_SPREAD else None
