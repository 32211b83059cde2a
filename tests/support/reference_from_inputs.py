"""What the kernel is given, in the plain words of the reference: numbers and columns, no rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.support.reference_from_spec import rules_from_spec
from tests.support.reference_types import (
    NOT_A_NUMBER,
    ReferenceBars,
    ReferenceCosts,
    ReferenceInstrument,
    ReferencePrices,
    ReferenceRules,
    ReferenceRun,
    ReferenceSymbol,
    ReferenceTier,
)
from tradebot.engine.backtest.kernel.ledger import RunSettings, StrategyRules, SymbolData

PRICES = ("open", "high", "low", "close")


def reference_run(
    slots: Sequence[SymbolData], strategies: Sequence[StrategyRules], settings: RunSettings
) -> ReferenceRun:
    """The run that `simulate` is asked for."""
    return ReferenceRun(
        [_symbol(slot) for slot in slots],
        [_rules(rules) for rules in strategies],
        settings.cash,
        settings.maintenance_rate_percent,
    )


def _rules(rules: StrategyRules) -> ReferenceRules:
    own = rules.costs
    costs = ReferenceCosts(
        own.taker_fee_percent,
        own.maker_fee_percent,
        own.slippage_percent,
        own.half_spread_percent,
        own.funding,
        own.max_volume_share_percent,
        own.impact,
    )
    return rules_from_spec(rules.risk, rules.orders, costs, rules.timeframe.ms, rules.name)


def _symbol(slot: SymbolData) -> ReferenceSymbol:
    rules, decided = slot.instrument, slot.decisions
    most = rules.max_market_quantity
    tiers: tuple[ReferenceTier, ...] = ()
    if slot.tiers is not None:
        columns = (slot.tiers.limit, slot.tiers.maintenance_rate, slot.tiers.deduction)
        tiers = tuple(
            ReferenceTier(*step) for step in zip(*(column.tolist() for column in columns), strict=True)
        )
    instrument = ReferenceInstrument(
        slot.symbol,
        float(rules.tick_size),
        float(rules.lot_size),
        float(rules.min_quantity),
        float(rules.min_notional),
        None if most is None else float(most),
        rules.category.value == "spot",
        slot.delivery_ms,
        tiers,
    )
    bars, finer = _bars(slot)
    return ReferenceSymbol(
        instrument,
        bars,
        decided.side.tolist(),
        decided.exit_long.tolist(),
        decided.exit_short.tolist(),
        {key: column.tolist() for key, column in decided.levels.items()},
        slot.strategy,
        finer,
        list(zip(slot.funding_time.tolist(), slot.funding_rate.tolist(), strict=True)),
    )


def _bars(slot: SymbolData) -> tuple[ReferenceBars, ReferenceBars | None]:
    """The decision bars, and the finer ones where there are any; marks where the bar that is walked has one."""
    candles, engine = slot.candles, slot.engine
    time, length = candles.time.tolist(), candles.timeframe.ms
    if engine is None:
        every = range(len(time))
        return _columns(candles, time, length, _marks(slot.mark, every), every), None
    whole = [i for i, coarse in enumerate(engine.coarse.tolist()) if not coarse]
    finer_time = [int(engine.time[i]) for i in whole]
    finer_length = int(engine.length_ms[whole[0]]) if whole else length
    finer = _columns(engine, finer_time, finer_length, _marks(slot.mark, whole), whole)
    at = {int(engine.decision[i]): i for i, coarse in enumerate(engine.coarse.tolist()) if coarse}
    marks = _marks(slot.mark, [at.get(number) for number in range(len(time))])
    return _columns(candles, time, length, marks, range(len(time))), finer


def _columns(
    source: Any, time: list[int], length: int, marks: ReferencePrices | None, rows: Sequence[int]
) -> ReferenceBars:
    prices = ([float(getattr(source, name)[i]) for i in rows] for name in PRICES)
    return ReferenceBars(time, length, *prices, [float(source.volume[i]) for i in rows], marks)


def _marks(mark: Any, rows: Sequence[int | None]) -> ReferencePrices | None:
    if mark is None:
        return None
    return ReferencePrices(
        *([NOT_A_NUMBER if i is None else float(getattr(mark, name)[i]) for i in rows] for name in PRICES)
    )
