"""The metrics of a result in plain Python, by the formulas of backtest-rules section 2; None = undefined.

The base series is daily: a row belongs to the UTC day in which its bar was open, so a bar that closes at
midnight is the end of its own day and not the beginning of the next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import NormalDist

from tests.support.reference_types import ReferenceEquity, ReferenceTrade

DAY_MS = 86_400_000
DAYS_A_YEAR = 365


def reference_metrics(
    equity: Sequence[ReferenceEquity], trades: Sequence[ReferenceTrade], cash: float
) -> dict[str, float | None]:
    """The keys of result.json except buy_hold_return; CAGR and what rests on it are None under 30 days."""
    daily = daily_equity([(row.time, row.equity) for row in equity], cash)
    returns = returns_of(daily)
    days = len(returns)
    growth = cagr(daily, days) if days >= 30 else None
    return {
        "total_return": daily[-1] / daily[0] - 1,
        "cagr": growth,
        "volatility": volatility(returns),
        "sharpe": sharpe(returns),
        "sortino": sortino(returns),
        "calmar": calmar(growth, max_drawdown(daily)),
        "max_drawdown": max_drawdown(daily),
        "max_drawdown_days": max_drawdown_days(daily),
        "ulcer": ulcer(daily),
        "var_95": percentile(returns, 5) if returns else None,
        "cvar_95": cvar(returns),
        **trade_metrics(trades),
        "exposure": sum(row.exposure != 0 for row in equity) / len(equity) if equity else None,
        "turnover": turnover(trades, daily, days),
        "final_equity": daily[-1],
    }


def daily_equity(rows: Sequence[tuple[int, float]], cash: float) -> list[float]:
    """The start equity, then the last value of every UTC day; a day without a row repeats the day before."""
    values = [cash]
    day: int | None = None
    for time, equity in rows:
        today = (time - 1) // DAY_MS
        if day is None:
            values.append(equity)
        elif today == day:
            values[-1] = equity
        else:
            values.extend([values[-1]] * (today - day - 1))
            values.append(equity)
        day = today
    return values


def returns_of(daily: Sequence[float]) -> list[float]:
    return [now / before - 1 for before, now in pairwise(daily)]


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def sample_deviation(values: Sequence[float]) -> float | None:
    """Standard deviation with n - 1."""
    if len(values) < 2:
        return None
    middle = mean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


def cagr(daily: Sequence[float], days: int) -> float | None:
    if days < 1 or daily[-1] <= 0:
        return None
    return float((daily[-1] / daily[0]) ** (DAYS_A_YEAR / days) - 1)


def volatility(returns: Sequence[float]) -> float | None:
    deviation = sample_deviation(returns)
    return None if deviation is None else deviation * math.sqrt(DAYS_A_YEAR)


def sharpe(returns: Sequence[float]) -> float | None:
    deviation = sample_deviation(returns)
    return mean(returns) / deviation * math.sqrt(DAYS_A_YEAR) if deviation else None


def sortino(returns: Sequence[float]) -> float | None:
    if not returns:
        return None
    downside = math.sqrt(mean([min(value, 0.0) ** 2 for value in returns]))
    return mean(returns) * DAYS_A_YEAR / (downside * math.sqrt(DAYS_A_YEAR)) if downside else None


def calmar(growth: float | None, drawdown: float) -> float | None:
    return None if growth is None or drawdown == 0 else growth / abs(drawdown)


def drawdowns(daily: Sequence[float]) -> list[float]:
    """E / highest E so far - 1, one for every day after the start; the start counts as a peak."""
    peak, below = daily[0], []
    for value in daily[1:]:
        peak = max(peak, value)
        below.append(value / peak - 1)
    return below


def max_drawdown(daily: Sequence[float]) -> float:
    return min(drawdowns(daily), default=0.0)


def max_drawdown_days(daily: Sequence[float]) -> int:
    """Longest time from a peak until it was reached again; one that was not counts to the end."""
    longest = peak = 0
    for day, value in enumerate(daily):
        if value >= daily[peak]:
            if day - peak > 1:
                longest = max(longest, day - peak)
            peak = day
    return max(longest, len(daily) - 1 - peak)


def ulcer(daily: Sequence[float]) -> float | None:
    below = drawdowns(daily)
    return math.sqrt(mean([value**2 for value in below])) if below else None


def percentile(values: Sequence[float], percent: float) -> float:
    """Linear between the order statistics."""
    ordered = sorted(values)
    position = percent / 100 * (len(ordered) - 1)
    lower = math.floor(position)
    upper = min(lower + 1, len(ordered) - 1)
    return ordered[lower] + (position - lower) * (ordered[upper] - ordered[lower])


def cvar(returns: Sequence[float]) -> float | None:
    """Mean of the worst floor((n - 1) x 0.05) + 1: of equal ones at the border no more than are needed."""
    if not returns:
        return None
    return mean(sorted(returns)[: (len(returns) - 1) * 5 // 100 + 1])


def tail_ratio(returns: Sequence[float]) -> float:
    return abs(percentile(returns, 95)) / abs(percentile(returns, 5))


def omega(returns: Sequence[float], theta: float = 0.0) -> float:
    return math.fsum(max(r - theta, 0.0) for r in returns) / math.fsum(max(theta - r, 0.0) for r in returns)


def probabilistic_sharpe(returns: Sequence[float], benchmark: float = 0.0) -> float:
    """Everything per period; kurtosis in full (normal = 3), moments by n."""
    n, middle, deviation = len(returns), mean(returns), sample_deviation(returns)
    assert deviation
    second = mean([(r - middle) ** 2 for r in returns])
    skew = mean([(r - middle) ** 3 for r in returns]) / second**1.5
    kurtosis = mean([(r - middle) ** 4 for r in returns]) / second**2
    ratio = middle / deviation
    spread = math.sqrt(1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2)
    return NormalDist().cdf((ratio - benchmark) * math.sqrt(n - 1) / spread)


def trade_metrics(trades: Sequence[ReferenceTrade]) -> dict[str, float | None]:
    """Rates over whole positions that closed; sums of fees, funding and slippage over all rows."""
    closed = [legs for legs in positions(trades) if all(leg.status != "open" for leg in legs)]
    results = [math.fsum(leg.pnl for leg in legs) for legs in closed]
    wins = [pnl for pnl in results if pnl > 0]
    losses = [-pnl for pnl in results if pnl < 0]
    multiples = [
        pnl / risked
        for pnl, legs in zip(results, closed, strict=True)
        if (risked := risked_by(legs)) is not None
    ]
    spread = sample_deviation(multiples)
    rate = len(wins) / len(closed) if closed else None
    payoff = mean(wins) / mean(losses) if wins and losses else None
    costs = math.fsum(trade.fees + trade.slippage - trade.funding for trade in trades)
    gross = math.fsum(trade.pnl for trade in trades) + costs
    traded = traded_value(trades)
    return {
        "trades": len(closed),
        "liquidations": sum(legs[-1].status == "liquidated" for legs in closed),
        "longest_losing_run": longest_losing_run(results),
        "average_bars": mean([legs[-1].bars for legs in closed]) if closed else None,
        "kelly": None if rate is None or payoff is None else rate - (1 - rate) / payoff,
        "expectancy_r": mean(multiples) if multiples else None,
        "cost_ratio": costs / gross if gross > 1e-12 * traded else None,
        "break_even_bps": gross / traded * 10_000 if traded else None,
        "profit_factor": math.fsum(wins) / math.fsum(losses) if losses else None,
        "win_rate": rate,
        "expectancy": mean(results) if closed else None,
        "payoff": payoff,
        "sqn": math.sqrt(len(multiples)) * mean(multiples) / spread if spread else None,
        "fees": math.fsum(trade.fees for trade in trades),
        "funding": math.fsum(trade.funding for trade in trades),
        "slippage_cost": math.fsum(trade.slippage for trade in trades),
    }


def positions(trades: Sequence[ReferenceTrade]) -> list[list[ReferenceTrade]]:
    """The legs of each position, in the order of the last legs."""
    found: dict[int, list[ReferenceTrade]] = {}
    for trade in trades:
        found[trade.trade_id] = [*found.pop(trade.trade_id, []), trade]
    return list(found.values())


def longest_losing_run(results: Sequence[float]) -> int:
    """Most positions in a row that lost; one without profit or loss ends a run."""
    longest = run = 0
    for pnl in results:
        run = run + 1 if pnl < 0 else 0
        longest = max(longest, run)
    return longest


def risked_by(legs: Sequence[ReferenceTrade]) -> float | None:
    """What the position stood to lose at its stop, None without one."""
    if any(leg.initial_stop is None for leg in legs):
        return None
    return math.fsum(leg.qty * abs(leg.entry_price - (leg.initial_stop or 0.0)) for leg in legs)


def turnover(trades: Sequence[ReferenceTrade], daily: Sequence[float], days: int) -> float | None:
    """Traded notional over the mean of the daily series, a year of days; an open trade was traded once."""
    average = mean(daily)
    return traded_value(trades) / average * DAYS_A_YEAR / days if days and average > 0 else None


def traded_value(trades: Sequence[ReferenceTrade]) -> float:
    """The notionals of all fills; of an open position only those of its entry."""
    entries = [trade.qty * trade.entry_price for trade in trades]
    exits = [trade.qty * trade.exit_price for trade in trades if trade.status != "open"]
    return math.fsum([*entries, *exits])
