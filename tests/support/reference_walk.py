"""The walk of the plain reference: what is done at each step of the clock, in the order in which it is done."""

from __future__ import annotations

from tests.support.reference_bars import clock
from tests.support.reference_decisions import read_decision
from tests.support.reference_fills import (
    exit_by_market,
    exit_by_target,
    fill_entry,
    liquidate,
    report_open_positions,
    settle_delisted,
)
from tests.support.reference_levels import binding_stop, passed_legs, reached_stop
from tests.support.reference_limits import check_daily_loss, check_drawdown, notional, start_the_day
from tests.support.reference_margin import (
    affordable_lots,
    available,
    charge_funding_due,
    charge_funding_inside_the_bar,
    position_liquidation_price,
    reserve_of_one,
)
from tests.support.reference_state import (
    GRID_TOLERANCE,
    Account,
    PendingEntry,
    Position,
    SlotState,
    better,
    worse,
)
from tests.support.reference_types import LONG, ReferenceEquity, ReferenceResult, ReferenceRun


def walk(run: ReferenceRun) -> ReferenceResult:
    """Walk all bars of all symbols on one clock and return what happened."""
    account = Account(run)
    for time, present in clock(account.states):
        charge_funding_due(account, present)
        cancel_entries_that_are_over(account, present)
        liquidate_at_the_open(account, present)
        exit_at_gapped_levels(account, present)
        fill_pending_exits(account, present)
        fill_or_rest_entries(account, present)
        charge_funding_inside_the_bar(account, present)
        for state in present:
            fill_entry_inside(account, state)
            meet_stop_or_liquidation(account, state)
            meet_targets(account, state)
        for state in present:
            if state.position is not None:
                note_extremes(state, state.position)
            settle_delisted(account, state)
        expire_entries(account, time)
        mark_at_close(account, present, time)
        if account.equity <= 0:
            account.result.bankrupt = True
            break
        check_daily_loss(account, time)
        check_drawdown(account, time)
        for state in present:
            read_decision(account, state)
    report_open_positions(account)
    return account.result


# The open --------------------------------------------------------------------------------------------------


def cancel_entries_that_are_over(account: Account, present: list[SlotState]) -> None:
    """Entries that come too late, before anybody else asks for cash.

    A first bar that opens more than one decision bar after the decision: `gap`. A limit or stop order whose
    `valid_bars` decision bars have passed while there were no bars: `expired`.
    """
    for state in present:
        order, opens = state.pending_entry, state.bar.time
        if order is None:
            continue
        if not order.resting and opens - order.decided_at > state.rules.timeframe_ms:
            cancel(account, state, "gap", opens)
        elif order.price_ticks is not None and opens >= ends_at(state, order):
            cancel(account, state, "expired", opens)


def ends_at(state: SlotState, order: PendingEntry) -> int:
    """A resting order lives in bars that open before this time."""
    return order.decided_at + state.rules.valid_bars * state.rules.timeframe_ms


def cancel(account: Account, state: SlotState, reason: str, time: int) -> None:
    state.pending_entry = None
    account.refuse(state, reason, time)


def liquidate_at_the_open(account: Account, present: list[SlotState]) -> None:
    """Where the mark opens at or beyond the liquidation price."""
    for state in present:
        position = state.position
        if position is None:
            continue
        position.coarse = position.coarse or state.bar.coarse
        price = position_liquidation_price(account, state, position)
        if price is not None and comes_to(state, position.side, state.bar.mark_open, price):
            liquidate(account, state, at_open=True)


def comes_to(state: SlotState, side: int, mark: float, price: float) -> bool:
    """Whether the mark stands at the liquidation price or beyond it; a float's last digits do not decide."""
    return side * (mark - price) <= GRID_TOLERANCE * state.instrument.tick


def exit_at_gapped_levels(account: Account, present: list[SlotState]) -> None:
    """A stop that the open has reached fills at the open, worse; targets that it has passed, better."""
    for state in present:
        position, bar = state.position, state.bar
        if position is None:
            continue
        stop = binding_stop(state, position)
        if stop is not None and reached_stop(position.side, stop[0], bar.open_ticks):
            exit_by_market(account, state, bar.open, stop[1], at_open=True)
            continue
        for leg in passed_legs(position, bar.open_ticks):
            if state.position is not None:
                exit_by_target(account, state, leg, bar.open, at_open=True)


def fill_pending_exits(account: Account, present: list[SlotState]) -> None:
    for state in present:
        if state.position is not None and state.pending_exit is not None:
            exit_by_market(account, state, state.bar.open, state.pending_exit, at_open=True)


def fill_or_rest_entries(account: Account, present: list[SlotState]) -> None:
    """Market orders at the open; limit and stop orders where the open has passed them, else they rest."""
    for state in present:
        order = state.pending_entry
        if order is None:
            continue
        taker, opened = state.rules.costs.taker_fee_percent, state.bar.open
        if order.price_ticks is None:
            fill_entry(account, state, order, opened, slips=True, fee_percent=taker)
        elif state.rules.entry == "stop":
            if order.side * (state.bar.open_ticks - order.price_ticks) >= 0:
                fill_entry(account, state, order, opened, slips=True, fee_percent=taker)
        elif order.side * (state.bar.open_ticks - order.price_ticks) < 0:
            # on its first bar it is filled on arrival, so it takes; later it rested, so it makes
            fee = state.rules.costs.maker_fee_percent if order.resting else taker
            fill_entry(account, state, order, opened, slips=False, fee_percent=fee)
        if state.pending_entry is order and not order.resting:
            rest(account, state, order)


def rest(account: Account, state: SlotState, order: PendingEntry) -> None:
    """From its first bar on the order reserves; there it is cut to what is affordable."""
    affordable = affordable_lots(account, state, reserve_of_one(state, order))
    if affordable == 0:
        cancel(account, state, "insufficient_margin", state.bar.time)
        return
    if affordable < order.lots:
        order.lots = affordable
        account.intervene(state.strategy, state.instrument.symbol, "reduced_margin", state.bar.time)
    order.resting = True


# Inside the bar --------------------------------------------------------------------------------------------


def fill_entry_inside(account: Account, state: SlotState) -> None:
    """A limit that the bar trades through fills at its price as maker; a stop that it touches, with slippage.

    It comes before the stop and the targets of the bar: the worse order for an add, and the only one possible for a
    limit between the open and the stop. A limit beyond the stop or the liquidation cannot come first.
    """
    order, bar, costs = state.pending_entry, state.bar, state.rules.costs
    if order is None or order.price_ticks is None:
        return
    price = state.price(order.price_ticks)
    if state.rules.entry == "stop":
        farthest = bar.high_ticks if order.side == LONG else bar.low_ticks
        if order.side * (farthest - order.price_ticks) >= 0:
            fill_entry(
                account, state, order, price, slips=True, fee_percent=costs.taker_fee_percent, inside=True
            )
    else:
        farthest = bar.low_ticks if order.side == LONG else bar.high_ticks
        if order.side * (farthest - order.price_ticks) < 0 and not ends_before(account, state, order):
            fill_entry(
                account, state, order, price, slips=False, fee_percent=costs.maker_fee_percent, inside=True
            )


def ends_before(account: Account, state: SlotState, order: PendingEntry) -> bool:
    """Whether the price comes to the position's stop or liquidation before it comes to a limit that adds to it."""
    position = state.position
    if position is None or order.price_ticks is None:
        return False
    stop = binding_stop(state, position)
    if stop is not None and position.side * (order.price_ticks - stop[0]) <= 0:
        return True
    price = position_liquidation_price(account, state, position)
    return price is not None and position.side * (state.price(order.price_ticks) - price) <= 0


def meet_stop_or_liquidation(account: Account, state: SlotState) -> None:
    """The stop or the liquidation, before any target, and of the two the one nearer to the open; if equal the stop.

    Nobody knows what the bar reached first, so the worse is assumed; the row is marked where a target was in range, and
    where the position was opened by a stop entry inside this very bar.
    """
    position, bar = state.position, state.bar
    if position is None:
        return
    side = position.side
    adverse, favourable = (bar.low_ticks, bar.high_ticks) if side == LONG else (bar.high_ticks, bar.low_ticks)
    ambiguous = bool(passed_legs(position, favourable)) or position.filled_by_stop
    stop = binding_stop(state, position)
    if stop is not None and not reached_stop(side, stop[0], adverse):
        stop = None
    if is_liquidated_inside(account, state, position, stop):
        liquidate(account, state, at_open=False, ambiguous=ambiguous)
    elif stop is not None:
        level = state.price(stop[0])
        # what was filled inside the bar was not there at its open
        reference = level if position.filled_inside else worse(side, bar.open, level)
        exit_by_market(account, state, reference, stop[1], at_open=False, ambiguous=ambiguous)


def is_liquidated_inside(
    account: Account, state: SlotState, position: Position, stop: tuple[int, str] | None
) -> bool:
    """Whether the mark comes to the liquidation price, and not first the price to a stop that it reaches."""
    price, side = position_liquidation_price(account, state, position), position.side
    farthest = state.bar.mark_low if side == LONG else state.bar.mark_high
    if price is None or not comes_to(state, side, farthest, price):
        return False
    return stop is None or side * (state.price(stop[0]) - price) < 0


def meet_targets(account: Account, state: SlotState) -> None:
    """Each leg that the bar trades through, at its level; not in a bar in which an entry was filled inside."""
    position, bar = state.position, state.bar
    if position is None or position.filled_inside:
        return
    favourable = bar.high_ticks if position.side == LONG else bar.low_ticks
    for leg in passed_legs(position, favourable):
        if state.position is not None:
            price = better(position.side, bar.open, state.price(leg.ticks))
            exit_by_target(account, state, leg, price, at_open=False)


# The close -------------------------------------------------------------------------------------------------


def mark_at_close(account: Account, present: list[SlotState], time: int) -> None:
    """Mark the symbols that have a bar here at the mark's close, and write the equity row."""
    start_the_day(account, time)
    for state in present:
        state.mark = state.bar.mark_close
    held = [state for state in account.states if state.position is not None]
    unrealised = sum(
        position.side * state.quantity(position.lots) * (state.mark - position.entry_price)
        for state in held
        if (position := state.position) is not None
    )
    equity = account.equity = account.wallet + unrealised
    account.peak = max(account.peak, equity)
    exposure = notional(account) / equity if equity > 0 else 0.0
    account.result.equity.append(
        ReferenceEquity(time, equity, available(account), exposure, equity / account.peak - 1)
    )


def note_extremes(state: SlotState, position: Position) -> None:
    """The bar's low and high; of a bar in which an entry was filled inside only its close."""
    bar = state.bar
    low, high = (bar.close, bar.close) if position.filled_inside else (bar.low, bar.high)
    position.lowest = min(position.lowest, low)
    position.highest = max(position.highest, high)
    position.filled_inside = position.filled_by_stop = False


def expire_entries(account: Account, time: int) -> None:
    """A limit or stop order that rests ends when its time is over, whether its symbol has a bar then or not."""
    for state in account.states:
        order = state.pending_entry
        if order is not None and order.resting and time >= ends_at(state, order):
            cancel(account, state, "expired", time)
