"""What the plain reference of the backtest remembers, and how it fills, closes, rounds and sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.reference_types import (
    LONG,
    ReferenceCosts,
    ReferenceResult,
    ReferenceRisk,
    ReferenceSlot,
    ReferenceTrade,
)

GRID_TOLERANCE = 1e-6


def whole_steps_down(value: float, step: float) -> int:
    return math.floor(value / step + GRID_TOLERANCE)


def whole_steps_up(value: float, step: float) -> int:
    return math.ceil(value / step - GRID_TOLERANCE)


def ticks_of(price: float, tick: float) -> int:
    return math.floor(price / tick + 0.5)


@dataclass(slots=True)
class Position:
    side: int
    quantity: float
    entry_price: float
    entry_time: int
    entry_index: int
    entry_reason: str
    stop_ticks: int | None
    target_ticks: int | None
    fees: float
    slippage: float
    lowest: float
    highest: float
    funding: float = 0.0


@dataclass(frozen=True, slots=True)
class PendingEntry:
    side: int
    lots: int
    decided_at: int
    reason: str


@dataclass(slots=True)
class SlotState:
    slot: ReferenceSlot
    index: int = -1  # the bar being walked
    position: Position | None = None
    pending_exit: str | None = None  # the reason
    pending_entry: PendingEntry | None = None
    last_exit_index: int | None = None
    funding_done: int = 0  # how many funding rows are behind us
    mark: float = 0.0


class Run:
    """Everything that changes while the bars are walked."""

    def __init__(
        self,
        slots: Sequence[ReferenceSlot],
        risk: ReferenceRisk,
        costs: ReferenceCosts,
        cash: float,
        name: str,
    ) -> None:
        self.states = [SlotState(slot) for slot in sorted(slots, key=lambda slot: slot.symbol)]
        self.risk = risk
        self.costs = costs
        self.name = name
        self.wallet = cash
        self.peak = cash
        self.result = ReferenceResult()

    def available(self) -> float:
        """The wallet less the margin (quantity times entry) of every open position."""
        held = [state.position for state in self.states if state.position is not None]
        return self.wallet - sum(position.quantity * position.entry_price for position in held)

    def refuse(self, reason: str) -> None:
        self.result.refusals[reason] = self.result.refusals.get(reason, 0) + 1


# Fills -----------------------------------------------------------------------------------------------------


def market_fill(run: Run, slot: ReferenceSlot, side: int, reference: float) -> float:
    """Price of a market or stop order: `reference` made worse by slippage and half the spread, on the grid."""
    slip = (run.costs.slippage_percent + run.costs.half_spread_percent) / 100
    if side == LONG:
        return whole_steps_up(reference * (1 + slip), slot.tick) * slot.tick
    return max(1, whole_steps_down(reference * (1 - slip), slot.tick)) * slot.tick


def exit_by_market(
    run: Run, state: SlotState, reference: float, reason: str, *, at_open: bool, ambiguous: bool = False
) -> None:
    position = state.position
    assert position is not None
    price = market_fill(run, state.slot, -position.side, reference)
    position.slippage += position.quantity * abs(price - reference)
    close_position(
        run, state, price, run.costs.taker_fee_percent, reason, at_open=at_open, ambiguous=ambiguous
    )


def exit_by_limit(run: Run, state: SlotState, price: float, *, at_open: bool) -> None:
    close_position(run, state, price, run.costs.maker_fee_percent, "target", at_open=at_open, ambiguous=False)


def close_position(
    run: Run,
    state: SlotState,
    price: float,
    fee_percent: float,
    reason: str,
    *,
    at_open: bool,
    ambiguous: bool,
) -> None:
    position = state.position
    assert position is not None
    fee = position.quantity * price * fee_percent / 100
    position.fees += fee
    run.wallet += position.side * position.quantity * (price - position.entry_price) - fee
    time = state.slot.time[state.index]
    if not at_open:
        time += state.slot.timeframe_ms - 1
    write_trade(run, state, price, time, reason, ambiguous=ambiguous, status="closed")
    state.position = None
    state.pending_exit = None
    state.last_exit_index = state.index


def write_trade(
    run: Run, state: SlotState, price: float, time: int, reason: str, *, ambiguous: bool, status: str
) -> None:
    position, slot = state.position, state.slot
    assert position is not None
    pnl = (
        position.side * position.quantity * (price - position.entry_price) - position.fees + position.funding
    )
    stop = None if position.stop_ticks is None else position.stop_ticks * slot.tick
    distance = position.entry_price if stop is None else abs(position.entry_price - stop)
    below = min(position.lowest, price) - position.entry_price
    above = max(position.highest, price) - position.entry_price
    worst, best = (below, above) if position.side == LONG else (-above, -below)
    run.result.trades.append(
        ReferenceTrade(
            trade_id=len(run.result.trades) + 1,
            strategy=run.name,
            symbol=slot.symbol,
            side=position.side,
            entry_time=position.entry_time,
            entry_price=position.entry_price,
            exit_time=time,
            exit_price=price,
            qty=position.quantity,
            pnl=pnl,
            r=None if stop is None else pnl / (position.quantity * distance),
            fees=position.fees,
            funding=position.funding,
            slippage=position.slippage,
            entry_reason=position.entry_reason,
            exit_reason=reason,
            bars=state.index - position.entry_index,
            mae=worst / distance,
            mfe=best / distance,
            initial_stop=stop,
            ambiguous=ambiguous,
            status=status,
        )
    )


# Levels -------------------------------------------------------------------------------------------------


def reached_stop(position: Position, ticks: int) -> bool:
    """Touching is enough."""
    if position.stop_ticks is None:
        return False
    return ticks <= position.stop_ticks if position.side == LONG else ticks >= position.stop_ticks


def passed_target(position: Position, ticks: int) -> bool:
    """Touching is not enough: the price must have traded through."""
    if position.target_ticks is None:
        return False
    return ticks > position.target_ticks if position.side == LONG else ticks < position.target_ticks


def size_refusal(slot: ReferenceSlot, lots: int, affordable: int, price: float) -> str | None:
    """Why an order of so many lots may not be sent, or None. Quantities are compared in whole lots."""
    if lots <= 0:
        return "insufficient_margin" if affordable == 0 else "below_min_quantity"
    if lots < whole_steps_up(slot.min_quantity, slot.lot):
        return "below_min_quantity"
    if lots * slot.lot * price < slot.min_notional:
        return "below_min_notional"
    if slot.max_quantity is not None and lots > whole_steps_down(slot.max_quantity, slot.lot):
        return "above_max_quantity"
    return None


def stop_ticks(slot: ReferenceSlot, side: int, fill: float, percent: float | None) -> int | None:
    """Rounded towards the fill, and at least one tick away from it."""
    if percent is None:
        return None
    fill_ticks = ticks_of(fill, slot.tick)
    if side == LONG:
        return min(whole_steps_up(fill * (1 - percent / 100), slot.tick), fill_ticks - 1)
    return max(whole_steps_down(fill * (1 + percent / 100), slot.tick), fill_ticks + 1)


def target_ticks(slot: ReferenceSlot, side: int, fill: float, percent: float | None) -> int | None:
    """Rounded towards the fill, and at least one tick away from it."""
    if percent is None:
        return None
    fill_ticks = ticks_of(fill, slot.tick)
    if side == LONG:
        return max(whole_steps_down(fill * (1 + percent / 100), slot.tick), fill_ticks + 1)
    return min(whole_steps_up(fill * (1 - percent / 100), slot.tick), fill_ticks - 1)


def wanted_lots(risk: ReferenceRisk, slot: ReferenceSlot, equity: float, close: float) -> int:
    quantities = {
        "equity": risk.size / 100 * equity / close,
        "notional": risk.size / close,
        "fixed": risk.size,
    }
    return whole_steps_down(quantities[risk.sizing], slot.lot)
