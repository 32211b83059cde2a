"""Small results made by hand: trades and daily equity as a test wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np

from tradebot.engine.backtest.figures.curves import CURVE
from tradebot.engine.backtest.figures.report import Metrics, equity_figures, trade_figures
from tradebot.engine.backtest.kernel.codes import EntryReason, ExitReason, TradeStatus
from tradebot.engine.backtest.kernel.ledger import Costs, RunSettings
from tradebot.engine.backtest.kernel.records import TRADE, Records
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.market import DAY_MS, Category, Timeframe

START = 1_704_067_200_000  # 2024-01-01T00:00:00Z, a Monday
CASH = 1000.0


def trades_of(rows: Sequence[Mapping[str, object]]) -> Records:
    """Records TRADE; what a row does not say is that of a long of 1 at 100 without a stop, closed by a signal."""
    usual: dict[str, object] = {
        "side": 1,
        "entry_time": START,
        "exit_time": START + DAY_MS - 1,
        "entry_price": 100.0,
        "exit_price": 100.0,
        "quantity": 1.0,
        "initial_stop": np.nan,
        "r": np.nan,
        "entry_reason": EntryReason.SIGNAL,
        "exit_reason": ExitReason.SIGNAL,
        "status": TradeStatus.CLOSED,
    }
    trades: Records = np.zeros(len(rows), dtype=TRADE)
    for number, (record, row) in enumerate(zip(trades, rows, strict=True)):
        for name, value in {**usual, "trade_id": number + 1, **row}.items():
            record[name] = value
        if "pnl" not in row:
            moved = record["side"] * record["quantity"] * (record["exit_price"] - record["entry_price"])
            record["pnl"] = moved - record["fees"] + record["funding"]
    return trades


def result_of(
    trades: Records,
    equity: Sequence[float] = (CASH,),
    symbols: Sequence[str] = ("AAAUSDT",),
    toml: str = "",
    start_ms: int = START,
    strategies: Sequence[str] = (),
) -> BacktestResult:
    """A result with this equity at the end of each day from `start_ms` on."""
    curve = np.zeros(len(equity), dtype=CURVE)
    curve["time"] = start_ms + DAY_MS * np.arange(1, len(equity) + 1)
    curve["equity"] = equity
    daily = np.array([CASH, *equity])
    returns = daily[1:] / daily[:-1] - 1.0
    figures = {**equity_figures(daily, returns, returns), **trade_figures(trades)}
    known = {field.name for field in fields(Metrics)}
    metrics = Metrics(
        **{name: value for name, value in figures.items() if name in known},
        max_drawdown_bars=None,
        exposure=None,
        turnover=None,
        final_equity=float(equity[-1]),
        buy_hold_return=None,
    )
    return BacktestResult(
        result_id="made-by-hand",
        created_ms=start_ms,
        strategy="By hand",
        strategy_toml=toml,
        category=Category.LINEAR,
        timeframe=Timeframe.H1,
        symbols=tuple(symbols),
        price_decimals=(2,) * len(symbols),
        settings=RunSettings(CASH, Costs()),
        start_ms=start_ms,
        end_ms=start_ms + DAY_MS * len(equity),
        bars=24 * len(equity),
        files=(),
        metrics=metrics,
        refusals={},
        interventions={},
        conflicts=0,
        flags=(),
        warnings=(),
        versions={},
        trades=trades,
        curve=curve,
        slot_strategies=tuple(strategies) or ("By hand",) * len(symbols),
    )
