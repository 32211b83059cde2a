"""Whole runs, as the reference is given them, said in the words of the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.engine.backtest.build import decimal
from tests.support.reference_types import (
    ReferenceBars,
    ReferenceCosts,
    ReferenceLevel,
    ReferenceRules,
    ReferenceRun,
    ReferenceSymbol,
)
from tradebot.engine.backtest import simulate
from tradebot.engine.backtest.kernel.ledger import (
    Costs,
    EngineBars,
    Ledger,
    MarkColumns,
    RunSettings,
    StrategyRules,
    SymbolData,
    TierColumns,
)
from tradebot.engine.market import Candles, Category, Instrument, Timeframe
from tradebot.engine.strategy import Decisions, Direction, Opposite, RiskSpec, Use
from tradebot.engine.strategy.spec import BreakEven, EntryOrder, LossStreak, OrdersSpec, Pyramiding

_TIMEFRAME = {timeframe.ms: timeframe for timeframe in Timeframe}
_SIZE = {
    "equity": "percent",
    "notional": "amount",
    "fixed": "quantity",
    "risk": "percent",
    "volatility": "target_percent",
    "kelly": "fraction",
}


@dataclass(frozen=True, slots=True)
class KernelRun:
    """What `simulate` is given."""

    slots: list[SymbolData]
    strategies: list[StrategyRules]
    settings: RunSettings


def kernel_run(run: ReferenceRun) -> KernelRun:
    """The same run for the kernel."""
    strategies = [strategy_rules(rules) for rules in run.strategies]
    return KernelRun(
        [symbol_data(symbol, strategies[symbol.strategy]) for symbol in run.symbols],
        strategies,
        RunSettings(run.cash, maintenance_rate_percent=run.maintenance_rate_percent),
    )


def simulate_run(run: ReferenceRun) -> Ledger:
    """What the kernel makes of it."""
    given = kernel_run(run)
    return simulate(given.slots, given.strategies, given.settings)


def strategy_rules(rules: ReferenceRules) -> StrategyRules:
    risk = RiskSpec(
        Direction(rules.direction),
        Opposite(rules.opposite),
        sizing(rules),
        leverage=rules.leverage,
        stop_loss=use(rules.stop),
        take_profit=tuple(use(target.level, share_percent=target.share_percent) for target in rules.targets),
        trailing_stop=rules.trailing
        and use(
            rules.trailing.level, start_percent=rules.trailing.start_percent, start_r=rules.trailing.start_r
        ),
        break_even=None
        if rules.break_even_at_r is None
        else BreakEven(rules.break_even_at_r, rules.break_even_offset_percent),
        max_bars=rules.max_bars,
        cooldown_bars=rules.cooldown_bars,
        max_positions=rules.max_positions,
        max_exposure_percent=rules.max_exposure_percent,
        max_symbol_exposure_percent=rules.max_symbol_exposure_percent,
        max_daily_loss_percent=rules.max_daily_loss_percent,
        max_drawdown_percent=rules.max_drawdown_percent,
        loss_streak=LossStreak(rules.streak_losses, rules.streak_pause_bars) if rules.streak_losses else None,
        pyramiding=Pyramiding(rules.max_adds, use(rules.add_spacing)) if rules.max_adds else None,
    )
    orders = OrdersSpec(EntryOrder(rules.entry), use(rules.offset), rules.valid_bars)
    return StrategyRules(risk, orders, costs(rules.costs), _TIMEFRAME[rules.timeframe_ms], rules.name)


def costs(costs: ReferenceCosts) -> Costs:
    return Costs(
        costs.taker_fee_percent,
        costs.maker_fee_percent,
        costs.slippage_percent,
        costs.half_spread_percent,
        costs.funding,
        costs.max_volume_share_percent,
        costs.impact,
    )


def sizing(rules: ReferenceRules) -> Use:
    kind = rules.sizing.kind
    parameters: dict[str, object] = {_SIZE[kind]: rules.sizing.value}
    if kind == "volatility":
        parameters["length"] = int(rules.sizing.key.partition(":")[2])
    if kind == "kelly":
        parameters |= {"min_trades": rules.sizing.min_trades, "start_percent": rules.sizing.start_percent}
    return Use(kind, parameters)  # type: ignore[arg-type]  # plain test data


def use(level: ReferenceLevel | None, **others: object) -> Use | None:
    if level is None:
        return None
    parameters: dict[str, object] = {name: value for name, value in others.items() if value is not None}
    name = level.key.partition(":")[2]
    match level.kind:
        case "percent":
            parameters["percent"] = level.value
        case "atr":
            parameters |= {"length": int(name), "multiple": level.value}
        case "r":
            parameters["multiple"] = level.value
        case "series":
            parameters |= {"series": name, "follow": level.follow}
    return Use(level.kind, parameters)  # type: ignore[arg-type]  # plain test data


def symbol_data(symbol: ReferenceSymbol, rules: StrategyRules) -> SymbolData:
    bars, instrument = symbol.bars, symbol.instrument
    side = np.array(symbol.side, dtype=np.int8)
    engine, marks = engine_bars(symbol)
    funding = symbol.funding if rules.costs.funding else ()
    return SymbolData(
        instrument.symbol,
        Instrument(
            instrument.symbol,
            Category.SPOT if instrument.spot else Category.LINEAR,
            instrument.symbol,
            "USDT",
            decimal(instrument.tick),
            decimal(instrument.lot),
            decimal(instrument.min_quantity),
            decimal(instrument.min_notional),
            None if instrument.max_quantity is None else decimal(instrument.max_quantity),
        ),
        Candles(
            _TIMEFRAME[bars.length_ms],
            np.array(bars.time, dtype=np.int64),
            *(np.array(column, dtype=float) for column in (bars.open, bars.high, bars.low, bars.close)),
            volumes(bars),
            volumes(bars),
        ),
        Decisions(
            side=side,
            strength=np.abs(side).astype(np.float32),
            exit_long=np.array(symbol.exit_long, dtype=bool),
            exit_short=np.array(symbol.exit_short, dtype=bool),
            conflicts=0,
            fired={},
            warm_up=0,
            levels=level_columns(symbol, rules),
        ),
        np.array([time for time, _ in funding], dtype=np.int64),
        np.array([rate for _, rate in funding], dtype=float),
        strategy=symbol.strategy,
        engine=engine,
        mark=marks,
        tiers=TierColumns(
            np.array([tier.limit for tier in instrument.tiers]),
            np.array([tier.maintenance_rate for tier in instrument.tiers]),
            np.array([tier.deduction for tier in instrument.tiers]),
        )
        if instrument.tiers
        else None,
        delivery_ms=instrument.delivery_ms,
    )


def volumes(bars: ReferenceBars) -> np.ndarray:
    return np.array(bars.volume, dtype=float) if len(bars.volume) else np.full(len(bars.time), np.nan)


def level_columns(symbol: ReferenceSymbol, rules: StrategyRules) -> dict[str, np.ndarray]:
    """The columns given, and one without any value for each that is read and not given."""
    from tradebot.engine.backtest.kernel.rules import level_keys

    nothing = np.full(len(symbol.bars.time), np.nan)
    given = {key: np.array(column, dtype=float) for key, column in symbol.levels.items()}
    return dict.fromkeys(level_keys(rules), nothing) | given


def engine_bars(symbol: ReferenceSymbol) -> tuple[EngineBars | None, MarkColumns | None]:
    """The finer bars where those of a decision bar are complete, else the decision bar; and their marks."""
    finer, bars = symbol.finer, symbol.bars
    if finer is None:
        return None, mark_columns([(bars, i) for i in range(len(bars.time))])
    at = {time: i for i, time in enumerate(finer.time)}
    parts = bars.length_ms // finer.length_ms
    rows: list[tuple[ReferenceBars, int]] = []
    decision: list[int] = []
    for number, time in enumerate(bars.time):
        inner = [at[t] for t in range(time, time + bars.length_ms, finer.length_ms) if t in at]
        whole = len(inner) == parts
        rows += [(finer, i) for i in inner] if whole else [(bars, number)]
        decision += ([-1] * (parts - 1) if whole else []) + [number]

    def column(name: str) -> np.ndarray:
        return np.array([getattr(source, name)[i] for source, i in rows])

    engine = EngineBars(
        column("time").astype(np.int64),
        np.array([source.length_ms for source, _ in rows], dtype=np.int64),
        *(column(name) for name in ("open", "high", "low", "close")),
        np.array([volumes(source)[i] for source, i in rows]),
        np.array(decision, dtype=np.int64),
        np.array([source is bars for source, _ in rows]),
    )
    return engine, mark_columns(rows)


def mark_columns(rows: Sequence[tuple[ReferenceBars, int]]) -> MarkColumns | None:
    """The marks of these bars; a bar without marks of its own has its prices."""
    if all(source.mark is None for source, _ in rows):
        return None

    def column(name: str) -> np.ndarray:
        return np.array([getattr(source.mark or source, name)[i] for source, i in rows], dtype=float)

    return MarkColumns(column("open"), column("high"), column("low"), column("close"))
