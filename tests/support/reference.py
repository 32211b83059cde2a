"""The rules of the backtest in plain Python, one function a rule, in the order in which a bar is walked.

`simulate_reference_run(run: ReferenceRun) -> ReferenceResult` walks several strategies and symbols with all rules.
`simulate_reference` walks one strategy on unleveraged positions, as the rules were before there was margin;
`reference_short.run_of` says its arguments in the words of a whole run. The data stand in `reference_types`; random
runs are made by `random_runs`, rules of a specification by `reference_from_spec`.

Written from the rules alone (docs: backtest-rules, strategy-format), to be compared with the compiled kernel.
Clarity comes before speed. Recorded prices are used as they stand for fills, marks and funding; whatever is
compared is compared in whole ticks; whatever is computed is put on the tick grid.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.support.reference_orders import (
    PendingEntry,
    Position,
    Run,
    SlotState,
    exit_by_limit,
    exit_by_market,
    market_fill,
    passed_target,
    reached_stop,
    size_refusal,
    stop_ticks,
    target_ticks,
    ticks_of,
    wanted_lots,
    whole_steps_down,
    write_trade,
)
from tests.support.reference_types import (
    LONG,
    SHORT,
    ReferenceCosts,
    ReferenceEquity,
    ReferenceResult,
    ReferenceRisk,
    ReferenceRun,
    ReferenceSlot,
    ReferenceTrade,
)
from tests.support.reference_walk import walk

__all__ = [
    "LONG",
    "SHORT",
    "ReferenceCosts",
    "ReferenceEquity",
    "ReferenceResult",
    "ReferenceRisk",
    "ReferenceSlot",
    "ReferenceTrade",
    "simulate_reference",
    "simulate_reference_run",
]


def simulate_reference_run(run: ReferenceRun) -> ReferenceResult:
    """Walk all bars of all symbols and strategies of the run on one clock and return what happened."""
    return walk(run)


def simulate_reference(
    slots: Sequence[ReferenceSlot],
    risk: ReferenceRisk,
    costs: ReferenceCosts,
    cash: float,
    strategy: str = "reference",
) -> ReferenceResult:
    """Walk all bars of all slots and return what happened."""
    run = Run(slots, risk, costs, cash, strategy)
    for time, present in clock(run.states):
        charge_funding_due(run, present, time)
        exit_at_gapped_levels(run, present)
        fill_pending_exits(run, present)
        fill_pending_entries(run, present)
        charge_funding_inside_the_bar(run, present, time)
        touch_stops_and_targets(run, present)
        equity = mark_at_close(run, present, time)
        if equity <= 0:
            run.result.bankrupt = True
            break
        for state in present:
            read_decision(run, state, equity)
    report_open_positions(run)
    return run.result


def clock(states: list[SlotState]) -> Iterator[tuple[int, list[SlotState]]]:
    """The union of all open times, rising, each with the slots that have a bar there, moved on to that bar."""
    waiting = [state for state in states if state.slot.time]
    while waiting:
        time = min(state.slot.time[state.index + 1] for state in waiting)
        present = [state for state in waiting if state.slot.time[state.index + 1] == time]
        for state in present:
            state.index += 1
        yield time, present
        waiting = [state for state in waiting if state.index + 1 < len(state.slot.time)]


# 1 and 5: funding ------------------------------------------------------------------------------------------


def charge_funding_due(run: Run, present: list[SlotState], time: int) -> None:
    """Funding up to and at the open, on the position held before any fill at this open."""
    for state in present:
        charge_funding_before(run, state, time + 1)


def charge_funding_inside_the_bar(run: Run, present: list[SlotState], time: int) -> None:
    """Funding after the open and before the close, on the position held after the fills at the open."""
    for state in present:
        charge_funding_before(run, state, time + state.slot.timeframe_ms)


def charge_funding_before(run: Run, state: SlotState, end: int) -> None:
    """All funding rows not yet passed with time < `end`, at the open of the bar being walked; none when flat."""
    rows = state.slot.funding
    while state.funding_done < len(rows) and rows[state.funding_done][0] < end:
        rate = rows[state.funding_done][1]
        state.funding_done += 1
        position = state.position
        if position is not None and run.costs.funding:
            paid = position.side * position.quantity * state.slot.open[state.index] * rate
            run.wallet -= paid
            position.funding -= paid


# 2 to 4: the open ------------------------------------------------------------------------------------------


def exit_at_gapped_levels(run: Run, present: list[SlotState]) -> None:
    """A stop that the open has reached fills at the open, worse; a target that it has passed, better."""
    for state in present:
        position = state.position
        if position is None:
            continue
        opened = state.slot.open[state.index]
        ticks = ticks_of(opened, state.slot.tick)
        if reached_stop(position, ticks):
            exit_by_market(run, state, opened, "stop", at_open=True)
        elif passed_target(position, ticks):
            exit_by_limit(run, state, opened, at_open=True)


def fill_pending_exits(run: Run, present: list[SlotState]) -> None:
    for state in present:
        if state.position is not None and state.pending_exit is not None:
            exit_by_market(run, state, state.slot.open[state.index], state.pending_exit, at_open=True)


def fill_pending_entries(run: Run, present: list[SlotState]) -> None:
    for state in present:
        pending = state.pending_entry
        if pending is None:
            continue
        state.pending_entry = None
        if state.slot.time[state.index] - pending.decided_at > state.slot.timeframe_ms:
            run.refuse("gap")
        else:
            enter(run, state, pending)


def enter(run: Run, state: SlotState, pending: PendingEntry) -> None:
    slot = state.slot
    opened = slot.open[state.index]
    price = market_fill(run, slot, pending.side, opened)
    taker = run.costs.taker_fee_percent
    affordable = max(0, whole_steps_down(run.available() / (price * (1 + 2 * taker / 100)), slot.lot))
    if affordable < pending.lots:
        run.result.reduced += 1
    lots = min(affordable, pending.lots)
    refusal = size_refusal(slot, lots, affordable, price)
    if refusal is not None:
        run.refuse(refusal)
        return
    quantity = lots * slot.lot
    fee = quantity * price * taker / 100
    run.wallet -= fee
    state.position = Position(
        side=pending.side,
        quantity=quantity,
        entry_price=price,
        entry_time=slot.time[state.index],
        entry_index=state.index,
        entry_reason=pending.reason,
        stop_ticks=stop_ticks(slot, pending.side, price, run.risk.stop_percent),
        target_ticks=target_ticks(slot, pending.side, price, run.risk.target_percent),
        fees=fee,
        slippage=quantity * abs(price - opened),
        lowest=price,
        highest=price,
    )


# 6: inside the bar -----------------------------------------------------------------------------------------


def touch_stops_and_targets(run: Run, present: list[SlotState]) -> None:
    """The stop before the target, whichever the bar reached first: nobody knows, so the worse is assumed."""
    for state in present:
        position = state.position
        if position is None:
            continue
        slot, i = state.slot, state.index
        high, low = ticks_of(slot.high[i], slot.tick), ticks_of(slot.low[i], slot.tick)
        adverse, favourable = (low, high) if position.side == LONG else (high, low)
        target_passed = passed_target(position, favourable)
        if reached_stop(position, adverse):
            assert position.stop_ticks is not None
            worse = min if position.side == LONG else max
            reference = worse(slot.open[i], position.stop_ticks * slot.tick)
            exit_by_market(run, state, reference, "stop", at_open=False, ambiguous=target_passed)
        elif target_passed:
            assert position.target_ticks is not None
            better = max if position.side == LONG else min
            exit_by_limit(run, state, better(slot.open[i], position.target_ticks * slot.tick), at_open=False)


# 7: the close ----------------------------------------------------------------------------------------------


def mark_at_close(run: Run, present: list[SlotState], time: int) -> float:
    """Mark the slots that have a bar here, write the equity row, return the equity."""
    for state in present:
        state.mark = state.slot.close[state.index]
        if state.position is not None:
            state.position.lowest = min(state.position.lowest, state.slot.low[state.index])
            state.position.highest = max(state.position.highest, state.slot.high[state.index])
    unrealised = margin = notional = 0.0
    for state in run.states:
        position = state.position
        if position is not None:
            unrealised += position.side * position.quantity * (state.mark - position.entry_price)
            margin += position.quantity * position.entry_price
            notional += position.quantity * state.mark
    equity = run.wallet + unrealised
    run.peak = max(run.peak, equity)
    exposure = notional / equity if equity > 0 else 0.0
    closed_at = time + present[0].slot.timeframe_ms
    run.result.equity.append(
        ReferenceEquity(closed_at, equity, run.wallet - margin, exposure, equity / run.peak - 1)
    )
    return equity


# 8: the decision of the bar just closed --------------------------------------------------------------------


def read_decision(run: Run, state: SlotState, equity: float) -> None:
    if state.position is None:
        decide_when_flat(run, state, equity)
    else:
        decide_when_open(run, state, state.position, equity)


def decide_when_flat(run: Run, state: SlotState, equity: float) -> None:
    side = state.slot.side[state.index]
    if side == 0:
        return
    cooldown, exited = run.risk.cooldown_bars, state.last_exit_index
    if not allowed(run.risk, side):
        run.refuse("direction")
    elif cooldown > 0 and exited is not None and state.index - exited < cooldown:
        run.refuse("cooldown")
    else:
        order_entry(run, state, side, "signal", equity)


def decide_when_open(run: Run, state: SlotState, position: Position, equity: float) -> None:
    i, slot, risk = state.index, state.slot, run.risk
    side = slot.side[i]
    reason: str | None = None
    if side == -position.side:
        if risk.opposite == "ignore":
            run.refuse("opposite_ignored")
        elif risk.opposite == "reverse" and allowed(risk, side):
            reason = "reverse"
            order_entry(run, state, side, "reverse", equity)
        else:
            reason = "opposite"
    elif side == position.side:
        run.refuse("already_open")
    if reason is None and (slot.exit_long[i] if position.side == LONG else slot.exit_short[i]):
        reason = "signal"
    if reason is None and 0 < risk.max_bars <= i - position.entry_index + 1:
        reason = "time"
    state.pending_exit = reason


def allowed(risk: ReferenceRisk, side: int) -> bool:
    return risk.direction == "both" or risk.direction == ("long" if side == LONG else "short")


def order_entry(run: Run, state: SlotState, side: int, reason: str, equity: float) -> None:
    """Pending until the slot's next open; on its last bar there is none."""
    slot, i = state.slot, state.index
    if i + 1 == len(slot.time):
        run.refuse("no_next_bar")
        return
    lots = wanted_lots(run.risk, slot, equity, slot.close[i])
    state.pending_entry = PendingEntry(side, lots, slot.time[i] + slot.timeframe_ms, reason)


# The end ---------------------------------------------------------------------------------------------------


def report_open_positions(run: Run) -> None:
    """Open positions become rows at the last mark; no exit fee, since nothing was sold."""
    for state in run.states:
        if state.position is not None:
            closed_at = state.slot.time[state.index] + state.slot.timeframe_ms
            write_trade(run, state, state.mark, closed_at, "end", ambiguous=False, status="open")
