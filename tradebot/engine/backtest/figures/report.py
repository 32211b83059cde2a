"""The figures of one run: `compute_metrics` applies the conventions of `metrics` to a ledger."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tradebot.engine.backtest.figures import metrics as m
from tradebot.engine.backtest.figures import significance as s
from tradebot.engine.backtest.figures import trade_metrics as t
from tradebot.engine.backtest.figures.benchmark import buy_hold_return, costed_hold_equity
from tradebot.engine.backtest.figures.positions import closed_positions
from tradebot.engine.backtest.figures.sub_ledger import daily_profit
from tradebot.engine.backtest.figures.trials import TrialCount
from tradebot.engine.backtest.kernel.codes import TradeStatus
from tradebot.engine.backtest.kernel.ledger import Costs, Ledger, SymbolData
from tradebot.engine.backtest.kernel.records import Records
from tradebot.engine.market import HOUR_MS, Float64

LEAST_DAYS_FOR_YEARLY = m.LEAST_DAYS_FOR_CAGR


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures of a run; fractions, money in the quote coin, drawdowns and value at risk negative, None: undefined.

    `trades` counts whole closed positions (liquidated ones too), on which all figures of trades rest; `legs` are the
    rows that closed them. Costs and turnover include open positions. `max_drawdown` and its days are those of daily
    equity, `max_drawdown_bars` that of every bar's close, `max_drawdown_intrabar` that from a close's peak to the
    adverse extremes of a bar. `turnover` is the traded value over mean daily equity, per year. `cost_ratio` is (fees +
    slippage + funding paid) / profit before them, `break_even_bps` that profit in hundredths of a percent of the traded
    value: costs of so much would use it up. `gross_exposure` is the sum of notionals over equity, `net_exposure` that
    of signed ones as a number >= 0. `buy_hold_return` is the mean of the symbols' last close / first open - 1; `alpha`,
    `beta` and `information_ratio` are against the same held after entry costs and funding. `win_rate_low` and `_high`:
    Wilson's 95 % interval. `psr`: probability that the true Sharpe ratio is above 0; `dsr` the same against the best
    that so many `trials` on this data would show by chance; `least_days`: days of such returns that would be enough for
    95 %.
    """

    total_return: float | None
    cagr: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float | None
    max_drawdown_days: int | None
    max_drawdown_recovered: bool
    max_drawdown_bars: float | None
    volatility: float | None
    ulcer: float | None
    var_95: float | None
    cvar_95: float | None
    profit_factor: float | None
    win_rate: float | None
    expectancy: float | None
    expectancy_r: float | None
    payoff: float | None
    sqn: float | None
    exposure: float | None
    turnover: float | None
    trades: int
    open_trades: int
    ambiguous_trades: int
    fees: float
    funding: float
    slippage_cost: float
    cost_ratio: float | None
    final_equity: float
    buy_hold_return: float | None
    days: int
    sharpe_adjusted: float | None = None
    psr: float | None = None
    least_days: float | None = None
    dsr: float | None = None
    trials: int | None = None
    skew: float | None = None
    kurtosis: float | None = None
    tail_ratio: float | None = None
    omega: float | None = None
    martin: float | None = None
    alpha: float | None = None
    beta: float | None = None
    information_ratio: float | None = None
    win_rate_low: float | None = None
    win_rate_high: float | None = None
    kelly: float | None = None
    legs: int = 0
    liquidations: int = 0
    average_bars: float | None = None
    average_hours: float | None = None
    longest_losing_run: int = 0
    break_even_bps: float | None = None
    gross_exposure: float | None = None
    max_gross_exposure: float | None = None
    net_exposure: float | None = None
    max_net_exposure: float | None = None
    max_drawdown_intrabar: float | None = None

    def to_dict(self) -> dict[str, float | int | bool | None]:
        """The figures by name, as they stand in result.json."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def compute_metrics(ledger: Ledger, slots: Sequence[SymbolData], costs: Costs | None = None) -> Metrics:
    """All figures of a run over these slots, in the ledger's order, but `dsr` and `trials` (see `with_trials`).

    `costs` are those of holding as the benchmark (None: without). Of the rows only the last of each day is read.
    """
    start_ms = min((int(slot.candles.time[0]) for slot in slots if len(slot.candles)), default=0)
    ends, daily = m.daily_equity(ledger.rows[0], ledger.rows[1], ledger.cash, start_ms)
    returns = m.returns_of(daily)
    held = m.returns_of(costed_hold_equity(ends, slots, ledger.cash, costs or Costs()))
    looks = ledger.looks if ledger.steps else None
    return Metrics(
        **equity_figures(daily, returns, held),
        **trade_figures(ledger.trades),
        max_drawdown_bars=ledger.worst_drawdown,
        exposure=ledger.exposed_rows / ledger.steps if ledger.steps else None,
        turnover=_turnover(ledger.trades, daily),
        final_equity=ledger.final_equity,
        buy_hold_return=buy_hold_return(slots),
        gross_exposure=None if looks is None else looks.exposure,
        max_gross_exposure=None if looks is None else looks.most_exposure,
        max_drawdown_intrabar=None if looks is None else looks.worst_inside,
        net_exposure=None if looks is None else looks.net_exposure,
        max_net_exposure=None if looks is None else looks.most_net_exposure,
    )


def part_metrics(
    ledger: Ledger,
    slots: Sequence[SymbolData],
    trades: Records,
    of: Sequence[int],
    costs: Costs | None = None,
) -> Metrics:
    """The figures of one strategy of an account: of its rows of the trade log and its slots `of`.

    Equity is the account's start cash and the strategy's own profits by UTC day; what only the account has (drawdown at
    every bar, notionals over equity) is None.
    """
    start_ms = min((int(slot.candles.time[0]) for slot in slots if len(slot.candles)), default=0)
    ends, _ = m.daily_equity(ledger.rows[0], ledger.rows[1], ledger.cash, start_ms)
    daily = ledger.cash + daily_profit(ends, trades, slots)
    own = [slots[slot] for slot in of]
    held = m.returns_of(costed_hold_equity(ends, own, ledger.cash, costs or Costs()))
    return Metrics(
        **equity_figures(daily, m.returns_of(daily), held),
        **trade_figures(trades),
        max_drawdown_bars=None,
        exposure=_exposed_share(ledger, trades),
        turnover=_turnover(trades, daily),
        final_equity=ledger.cash + float(trades["pnl"].sum()),
        buy_hold_return=buy_hold_return(own),
    )


def _exposed_share(ledger: Ledger, trades: Records) -> float | None:
    """Share of the steps in which these trades held a position."""
    if not ledger.steps:
        return None
    edges = np.zeros(ledger.steps + 1, dtype=np.int64)
    np.add.at(edges, np.searchsorted(ledger.rows[0], trades["entry_time"], side="right"), 1)
    # An exit inside a bar is noted a millisecond before its close: that bar counts, one left at its open does not.
    np.add.at(edges, np.searchsorted(ledger.rows[0], trades["exit_time"] + 1, side="right"), -1)
    return float(np.count_nonzero(np.cumsum(edges)[:-1] > 0)) / ledger.steps


def with_trials(metrics: Metrics, count: TrialCount) -> Metrics:
    """The figures with the Sharpe ratio deflated by the trials on the same data."""
    best = s.expected_best_sharpe(count.trials, count.variance)
    ratio, skew, full = daily_sharpe(metrics), metrics.skew, metrics.kurtosis
    dsr = None
    if ratio is not None and skew is not None and full is not None:
        dsr = s.probability_above(ratio, skew, full, metrics.days, best)
    return replace(metrics, dsr=dsr, trials=count.trials)


def daily_sharpe(metrics: Metrics) -> float | None:
    """The Sharpe ratio per day, not annualised, as the trial ledger notes it."""
    return None if metrics.sharpe is None else metrics.sharpe / math.sqrt(m.DAYS_PER_YEAR)


def equity_figures(daily: Float64, returns: Float64, held: Float64) -> dict[str, Any]:
    """Figures of daily equity, its returns, and the returns of holding on the same days."""
    long_enough = len(daily) - 1 >= LEAST_DAYS_FOR_YEARLY
    underwater, recovered = m.longest_drawdown(daily)
    against = m.beta_alpha(returns, held)
    return {
        "days": len(daily) - 1,
        "total_return": m.total_return(daily),
        "cagr": m.cagr(daily) if long_enough else None,
        "sharpe": m.sharpe(returns),
        "sharpe_adjusted": s.adjusted_sharpe(returns),
        "psr": s.probabilistic_sharpe(returns),
        "least_days": s.least_track_record(returns),
        "sortino": m.sortino(returns),
        "calmar": m.calmar(daily) if long_enough else None,
        "martin": m.martin(daily) if long_enough else None,
        "max_drawdown": m.max_drawdown(daily),
        "max_drawdown_days": underwater,
        "max_drawdown_recovered": recovered,
        "volatility": m.volatility(returns),
        "ulcer": m.ulcer(daily),
        "var_95": m.value_at_risk(returns),
        "cvar_95": m.conditional_value_at_risk(returns),
        "skew": s.skewness(returns),
        "kurtosis": s.kurtosis(returns),
        "tail_ratio": m.tail_ratio(returns),
        "omega": m.omega(returns),
        "beta": None if against is None else against[0],
        "alpha": None if against is None or not long_enough else against[1],
        "information_ratio": m.information_ratio(returns, held),
    }


def trade_figures(trades: Records) -> dict[str, Any]:
    """Figures of a trade log: records TRADE, closed legs in the order of their exits, then what is still open."""
    # Here, because listing results must not load the kernel.
    from tradebot.engine.backtest.figures import trade_sums as ts

    rows: list[float] = ts.trade_sums(trades, int(TradeStatus.OPEN), int(TradeStatus.LIQUIDATED)).tolist()
    sums = rows
    if rows[ts.REPEATED]:
        whole = closed_positions(trades)
        sums = ts.trade_sums(whole, int(TradeStatus.OPEN), int(TradeStatus.LIQUIDATED)).tolist()
    closed = int(sums[ts.CLOSED])
    wins, losses, won, lost = sums[ts.WINS : ts.LOST + 1]
    payoff = won / wins / (lost / losses) if wins and losses else None
    rate = wins / closed if closed else None
    wilson = t.wilson_interval(int(wins), closed)
    fees, funding, slippage, profit = rows[ts.FEES : ts.PROFIT + 1]
    gross, traded = profit + fees + slippage - funding, rows[ts.TRADED]
    return {
        "trades": closed,
        "legs": int(rows[ts.CLOSED]),
        "open_trades": len(trades) - int(rows[ts.CLOSED]),
        "ambiguous_trades": int(rows[ts.AMBIGUOUS]),
        "liquidations": int(sums[ts.LIQUIDATED]),
        "profit_factor": won / lost if lost > 0 else None,
        "win_rate": rate,
        "win_rate_low": None if wilson is None else wilson[0],
        "win_rate_high": None if wilson is None else wilson[1],
        "expectancy": (won - lost) / closed if closed else None,
        "expectancy_r": sums[ts.R_SUM] / sums[ts.R_COUNT] if sums[ts.R_COUNT] else None,
        "payoff": payoff,
        "sqn": _sqn(*sums[ts.R_COUNT : ts.R_SQUARES + 1]),
        "kelly": None if rate is None or payoff is None else rate - (1.0 - rate) / payoff,
        "longest_losing_run": int(sums[ts.LONGEST_LOSING_RUN]),
        "average_bars": sums[ts.BARS] / closed if closed else None,
        "average_hours": sums[ts.HELD_MS] / closed / HOUR_MS if closed else None,
        "fees": fees,
        "funding": funding,
        "slippage_cost": slippage,
        # a profit that only rounding left is none
        "cost_ratio": (fees + slippage - funding) / gross if gross > 1e-12 * traded else None,
        "break_even_bps": gross / traded * 10_000.0 if traded > 0 else None,
    }


def _sqn(count: float, total: float, squares: float) -> float | None:
    """`trade_metrics.sqn` from the sums over R."""
    spread = math.sqrt(squares / (count - 1.0)) if count > 1.0 else 0.0
    return math.sqrt(count) * total / count / spread if spread > 1e-12 else None


def liquidated(trades: Records) -> npt.NDArray[np.bool_]:
    """Which rows of a trade log are positions that the exchange took."""
    found: npt.NDArray[np.bool_] = trades["status"] == int(TradeStatus.LIQUIDATED)
    return found


def traded_value(trades: Records) -> float:
    """Sum of the notionals of all fills; the exits of positions still open are none."""
    exits = np.where(trades["status"] != TradeStatus.OPEN, trades["exit_price"], 0.0)
    return float(np.sum(trades["quantity"] * (trades["entry_price"] + exits)))


def _turnover(trades: Records, daily: Float64) -> float | None:
    mean_equity = float(np.mean(daily))
    days = len(daily) - 1
    value = traded_value(trades)
    return value / mean_equity * m.DAYS_PER_YEAR / days if mean_equity > 0 and days > 0 else None
