"""The figures of one run: `compute_metrics` applies the conventions of `metrics` to a ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from tradebot.engine.backtest import metrics as m
from tradebot.engine.backtest.codes import TradeStatus
from tradebot.engine.backtest.ledger import Ledger, SymbolData
from tradebot.engine.market import Float64

LEAST_DAYS_FOR_YEARLY = m.LEAST_DAYS_FOR_CAGR


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures of a run; fractions, money in the quote coin, drawdowns and value at risk negative, None: undefined.

    `trades` counts closed legs, on which win rate, factor, expectancy, payoff and SQN rest; costs and turnover
    include open positions. `max_drawdown` and its days are those of daily equity, `max_drawdown_bars` that of every
    bar's close. `turnover` is the traded value over mean daily equity, per year. `cost_ratio` is (fees + slippage +
    funding paid) / profit before them. `buy_hold_return` is the mean of the symbols' last close / first open - 1.
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

    def to_dict(self) -> dict[str, float | int | bool | None]:
        """The figures by name, as they stand in result.json."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def compute_metrics(ledger: Ledger, slots: Sequence[SymbolData]) -> Metrics:
    """All figures of a run over these slots."""
    rows = ledger.rows
    start_ms = min((int(slot.candles.time[0]) for slot in slots if len(slot.candles)), default=0)
    _, daily = m.daily_equity(rows[0], rows[1], ledger.cash, start_ms)
    returns = m.returns_of(daily)
    days = len(daily) - 1
    trades = ledger.trades
    closed = trades[trades["status"] == TradeStatus.CLOSED]
    pnl = np.ascontiguousarray(closed["pnl"])
    long_enough = days >= LEAST_DAYS_FOR_YEARLY
    underwater, recovered = m.longest_drawdown(daily)
    fees, funding, slippage = (float(trades[name].sum()) for name in ("fees", "funding", "slippage"))
    gross = float(trades["pnl"].sum()) + fees + slippage - funding
    r = np.ascontiguousarray(closed["r"])
    return Metrics(
        total_return=m.total_return(daily),
        cagr=m.cagr(daily) if long_enough else None,
        sharpe=m.sharpe(returns),
        sortino=m.sortino(returns),
        calmar=m.calmar(daily) if long_enough else None,
        max_drawdown=m.max_drawdown(daily),
        max_drawdown_days=underwater,
        max_drawdown_recovered=recovered,
        max_drawdown_bars=ledger.worst_drawdown,
        volatility=m.volatility(returns),
        ulcer=m.ulcer(daily),
        var_95=m.value_at_risk(returns),
        cvar_95=m.conditional_value_at_risk(returns),
        profit_factor=m.profit_factor(pnl),
        win_rate=m.win_rate(pnl),
        expectancy=m.mean_or_none(pnl),
        expectancy_r=m.mean_or_none(r[~np.isnan(r)]),
        payoff=m.payoff(pnl),
        sqn=m.sqn(r),
        exposure=ledger.exposed_rows / ledger.steps if ledger.steps else None,
        turnover=_turnover(ledger, daily),
        trades=len(closed),
        open_trades=len(trades) - len(closed),
        ambiguous_trades=int(trades["ambiguous"].sum()),
        fees=fees,
        funding=funding,
        slippage_cost=slippage,
        cost_ratio=(fees + slippage - funding) / gross if gross > 0 else None,
        final_equity=ledger.final_equity,
        buy_hold_return=buy_hold_return(slots),
        days=days,
    )


def buy_hold_return(slots: Sequence[SymbolData]) -> float | None:
    """Equal parts of the cash in every symbol from its first open to its last close, without costs."""
    grown = [slot.candles.close[-1] / slot.candles.open[0] - 1.0 for slot in slots if len(slot.candles)]
    return float(np.mean(grown)) if grown else None


def _turnover(ledger: Ledger, daily: Float64) -> float | None:
    trades = ledger.trades
    exits = np.where(trades["status"] == TradeStatus.CLOSED, trades["exit_price"], 0.0)
    traded = float(np.sum(trades["quantity"] * (trades["entry_price"] + exits)))
    mean_equity = float(np.mean(daily))
    days = len(daily) - 1
    return traded / mean_equity * m.DAYS_PER_YEAR / days if mean_equity > 0 and days > 0 else None
