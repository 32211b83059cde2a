"""Small builders: slots for the kernel from plain reference slots, and comparisons of what both report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from tests.support.reference_types import ReferenceCosts, ReferenceRisk, ReferenceSlot
from tradebot.engine.backtest.kernel.codes import (
    INTERVENTIONS,
    REFUSALS,
    EntryReason,
    ExitReason,
    TradeStatus,
)
from tradebot.engine.backtest.kernel.ledger import Costs, Ledger, RunSettings, StrategyRules, SymbolData
from tradebot.engine.market import Candles, Category, Instrument, Timeframe
from tradebot.engine.strategy import Decisions, Direction, Opposite, OrdersSpec, RiskSpec, Use

_SIZE_NAME = {"equity": "percent", "notional": "amount", "fixed": "quantity"}
_TIMEFRAME = {timeframe.ms: timeframe for timeframe in Timeframe}


def decimal(value: float) -> Decimal:
    return Decimal(repr(float(value)))


def symbol_data(slot: ReferenceSlot, funding: bool = True) -> SymbolData:
    candles = Candles(
        _TIMEFRAME[slot.timeframe_ms],
        np.array(slot.time, dtype=np.int64),
        *(np.array(column, dtype=float) for column in (slot.open, slot.high, slot.low, slot.close)),
        np.ones(len(slot.time)),
        np.ones(len(slot.time)),
    )
    instrument = Instrument(
        slot.symbol,
        Category.LINEAR,
        slot.symbol,
        "USDT",
        decimal(slot.tick),
        decimal(slot.lot),
        decimal(slot.min_quantity),
        decimal(slot.min_notional),
        None if slot.max_quantity is None else decimal(slot.max_quantity),
    )
    side = np.array(slot.side, dtype=np.int8)
    decisions = Decisions(
        side=side,
        strength=np.abs(side).astype(np.float32),
        exit_long=np.array(slot.exit_long, dtype=bool),
        exit_short=np.array(slot.exit_short, dtype=bool),
        conflicts=0,
        fired={},
        warm_up=0,
    )
    rows = slot.funding if funding else ()
    return SymbolData(
        slot.symbol,
        instrument,
        candles,
        decisions,
        np.array([time for time, _ in rows], dtype=np.int64),
        np.array([rate for _, rate in rows], dtype=float),
    )


def risk_spec(risk: ReferenceRisk) -> RiskSpec:
    def percent(value: float | None) -> Use | None:
        return None if value is None else Use("percent", {"percent": value})

    target = percent(risk.target_percent)
    return RiskSpec(
        Direction(risk.direction),
        Opposite(risk.opposite),
        Use(risk.sizing, {_SIZE_NAME[risk.sizing]: risk.size}),
        stop_loss=percent(risk.stop_percent),
        take_profit=() if target is None else (target,),
        max_bars=risk.max_bars,
        cooldown_bars=risk.cooldown_bars,
    )


def run_settings(costs: ReferenceCosts, cash: float) -> RunSettings:
    return RunSettings(
        cash,
        Costs(
            costs.taker_fee_percent,
            costs.maker_fee_percent,
            costs.slippage_percent,
            costs.half_spread_percent,
            costs.funding,
        ),
    )


def inputs(
    slots: Sequence[ReferenceSlot], risk: ReferenceRisk, costs: ReferenceCosts, cash: float
) -> tuple[list[SymbolData], list[StrategyRules], RunSettings]:
    settings = run_settings(costs, cash)
    timeframe = _TIMEFRAME[slots[0].timeframe_ms]
    rules = [StrategyRules(risk_spec(risk), OrdersSpec(), settings.costs, timeframe)]
    return [symbol_data(slot, costs.funding) for slot in slots], rules, settings


def trade_rows(ledger: Ledger) -> list[dict[str, object]]:
    """The trade log in the words of trades.csv; None where a column is empty."""
    return [
        {
            "trade_id": int(row["trade_id"]),
            "symbol": ledger.symbols[row["slot"]],
            "side": int(row["side"]),
            "entry_time": int(row["entry_time"]),
            "entry_price": float(row["entry_price"]),
            "exit_time": int(row["exit_time"]),
            "exit_price": float(row["exit_price"]),
            "qty": float(row["quantity"]),
            "pnl": float(row["pnl"]),
            "r": _number(row["r"]),
            "fees": float(row["fees"]),
            "funding": float(row["funding"]),
            "slippage": float(row["slippage"]),
            "entry_reason": EntryReason(row["entry_reason"]).name.lower(),
            "exit_reason": ExitReason(row["exit_reason"]).name.lower(),
            "bars": int(row["bars"]),
            "mae": float(row["mae"]),
            "mfe": float(row["mfe"]),
            "initial_stop": _number(row["initial_stop"]),
            "ambiguous": bool(row["ambiguous"]),
            "status": TradeStatus(row["status"]).name.lower(),
        }
        for row in ledger.trades
    ]


def run_rows(ledger: Ledger) -> list[dict[str, object]]:
    """The trade log with the columns that whole runs have beside."""
    return [
        row | {"strategy": ledger.strategies[record["strategy"]], "coarse": bool(record["coarse"])}
        for row, record in zip(trade_rows(ledger), ledger.trades, strict=True)
    ]


def refusals(ledger: Ledger) -> dict[str, int]:
    return {kind.name.lower(): ledger.count(kind) for kind in REFUSALS if ledger.count(kind)}


def interventions(ledger: Ledger) -> dict[str, int]:
    """By the words of the rules: a limit that was reached is called by its name."""
    return {
        kind.name.lower().removesuffix("_reached"): ledger.count(kind)
        for kind in INTERVENTIONS
        if ledger.count(kind)
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
