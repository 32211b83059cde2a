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
    """Mean of the daily returns up to the value at risk: of the worst floor((n - 1) x share) + 1 of them.

    Counted, so that days of equal return (an account at rest) beyond that number do not dilute it.
    """
    if len(returns) == 0:
        return None
    last = int((len(returns) - 1) * share)
    return float(np.mean(np.partition(returns, last)[: last + 1]))


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


def martin(equity: Float64) -> float | None:
    """CAGR / ulcer index, the annualised ulcer performance index; None without a drawdown."""
    growth, pain = cagr(equity), ulcer(equity)
    return growth / pain if growth is not None and pain is not None and pain > _NO_SPREAD else None


def beta_alpha(returns: Float64, benchmark: Float64) -> tuple[float, float] | None:
    """(beta, alpha) of daily returns on those of a benchmark: beta = cov / var, alpha compounded over a year.

    alpha = (1 + mean(r) - beta x mean(b)) ** 365 - 1. None where the benchmark never varies or the lengths differ.
    """
    if len(returns) != len(benchmark) or len(returns) < 2:
        return None
    away = benchmark - np.mean(benchmark)
    variance = float(np.mean(away**2))
    if math.sqrt(variance) <= _NO_SPREAD:
        return None
    beta = float(np.mean(away * returns)) / variance
    daily = float(np.mean(returns)) - beta * float(np.mean(benchmark))
    growth = DAYS_PER_YEAR * math.log1p(daily) if daily > -1.0 else -math.inf
    return (beta, math.expm1(growth)) if growth < 700 else None


def information_ratio(returns: Float64, benchmark: Float64) -> float | None:
    """mean(r - b) / std(r - b, ddof 1) x sqrt(365); None where the difference never varies or the lengths differ."""
    return sharpe(returns - benchmark) if len(returns) == len(benchmark) else None
