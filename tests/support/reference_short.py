"""The short form of a run: one strategy with a plain size, a percent stop, a percent target."""

from __future__ import annotations

from collections.abc import Sequence

from tests.support.reference_types import (
    ReferenceBars,
    ReferenceCosts,
    ReferenceInstrument,
    ReferenceLevel,
    ReferenceRisk,
    ReferenceRules,
    ReferenceRun,
    ReferenceSizing,
    ReferenceSlot,
    ReferenceSymbol,
    ReferenceTarget,
)


def run_of(
    slots: Sequence[ReferenceSlot],
    risk: ReferenceRisk,
    costs: ReferenceCosts,
    cash: float,
    strategy: str = "reference",
) -> ReferenceRun:
    """The same in the words of a whole run, at leverage 1 on perpetuals."""
    timeframe_ms = slots[0].timeframe_ms if slots else 60_000
    rules = ReferenceRules(
        name=strategy,
        timeframe_ms=timeframe_ms,
        direction=risk.direction,
        opposite=risk.opposite,
        sizing=ReferenceSizing(risk.sizing, risk.size),
        stop=None if risk.stop_percent is None else ReferenceLevel("percent", risk.stop_percent),
        targets=()
        if risk.target_percent is None
        else (ReferenceTarget(ReferenceLevel("percent", risk.target_percent)),),
        max_bars=risk.max_bars,
        cooldown_bars=risk.cooldown_bars,
        costs=costs,
    )
    return ReferenceRun([symbol_of(slot) for slot in slots], [rules], cash)


def symbol_of(slot: ReferenceSlot) -> ReferenceSymbol:
    instrument = ReferenceInstrument(
        slot.symbol, slot.tick, slot.lot, slot.min_quantity, slot.min_notional, slot.max_quantity
    )
    bars = ReferenceBars(slot.time, slot.timeframe_ms, slot.open, slot.high, slot.low, slot.close)
    return ReferenceSymbol(instrument, bars, slot.side, slot.exit_long, slot.exit_short, funding=slot.funding)
