"""How the plain reference fills entries and exits, and writes a row for each leg that leaves."""

from __future__ import annotations

import math

from tests.support.reference_bars import sigma_before, volume_before
from tests.support.reference_levels import set_levels
from tests.support.reference_limits import count_the_streak, has_room, lots_that_fit, size_refusal
from tests.support.reference_margin import bankruptcy_price, taker_rate
from tests.support.reference_state import (
    Account,
    Leg,
    PendingEntry,
    Position,
    SlotState,
    whole_steps_down,
    whole_steps_up,
)
from tests.support.reference_types import LONG, ReferenceLeg

# Prices ----------------------------------------------------------------------------------------------------


def market_fill(state: SlotState, side: int, reference: float, lots: int) -> float:
    """Price of a market or stop order: `reference` made worse by the costs, rounded against us to a tick.

    Costs are slippage + half the spread + impact x sigma x root(quantity / volume), sigma and volume of earlier bars.
    """
    slip, tick = slip_fraction(state, lots), state.instrument.tick
    if side == LONG:
        return whole_steps_up(reference * (1 + slip), tick) * tick
    return max(1, whole_steps_down(reference * (1 - slip), tick)) * tick


def slip_fraction(state: SlotState, lots: int) -> float:
    costs = state.rules.costs
    fraction = (costs.slippage_percent + costs.half_spread_percent) / 100
    if costs.impact > 0:
        sigma, volume = sigma_before(state), volume_before(state)
        if sigma > 0 and volume > 0:
            fraction += costs.impact * sigma * math.sqrt(state.quantity(lots) / volume)
    return fraction


# Entries ---------------------------------------------------------------------------------------------------


def fill_entry(
    account: Account,
    state: SlotState,
    order: PendingEntry,
    reference: float,
    *,
    slips: bool,
    fee_percent: float,
    inside: bool = False,
) -> None:
    """Open a position, or add to the one that is open, with what is left of the order after all limits.

    Room among the positions is asked first: without it there is nothing to reduce. Whether the rest fits is asked at
    the price of the order as it was decided; a smaller one then moves the price less. Exposure and volume cut limit
    orders too, at their fill.
    """
    state.pending_entry = None  # what it reserved is free again
    bar = state.bar
    time = bar.inside if inside else bar.time

    def price_of(lots: int) -> float:
        return market_fill(state, order.side, reference, lots) if slips else reference

    if not has_room(account, state):
        account.refuse(state, "max_positions", time)
        return
    lots = lots_that_fit(account, state, order, price_of(order.lots), time)
    if lots == 0:
        return
    price = price_of(lots)
    refusal = size_refusal(state, lots, price)
    if refusal is not None:
        account.refuse(state, refusal, time)
        return
    quantity = state.quantity(lots)
    fee = quantity * price * fee_percent / 100
    account.wallet -= fee
    position = state.position
    if position is None:
        position = state.position = opened(account, state, order, lots, price, time)
    else:
        add_to(state, position, order, lots, price)
    position.fees += fee
    position.slippage += quantity * abs(price - reference)
    position.filled_inside = position.filled_inside or inside
    position.filled_by_stop = position.filled_by_stop or (inside and slips)
    position.coarse = position.coarse or bar.coarse
    set_levels(state, position)


def opened(
    account: Account, state: SlotState, order: PendingEntry, lots: int, price: float, time: int
) -> Position:
    account.positions_opened += 1
    return Position(
        number=account.positions_opened,
        side=order.side,
        lots=lots,
        entry_price=price,
        last_fill=price,
        entry_time=time,
        entry_bar=state.bar.belongs,
        entry_reason=order.reason,
        decision=order.decision,
        lowest=price,
        highest=price,
    )


def add_to(state: SlotState, position: Position, order: PendingEntry, lots: int, price: float) -> None:
    """The entry becomes the average of both; extremes, entry time and reason stay those of the first fill."""
    held, added = state.quantity(position.lots), state.quantity(lots)
    position.entry_price = (held * position.entry_price + added * price) / (held + added)
    position.lots += lots
    position.adds += 1
    position.last_fill = price
    position.decision = order.decision


# Exits -----------------------------------------------------------------------------------------------------


def exit_by_market(
    account: Account,
    state: SlotState,
    reference: float,
    reason: str,
    *,
    at_open: bool,
    ambiguous: bool = False,
) -> None:
    """All that is left, whatever the volume."""
    position = state.position
    assert position is not None
    price = market_fill(state, -position.side, reference, position.lots)
    position.slippage += state.quantity(position.lots) * abs(price - reference)
    fee = state.quantity(position.lots) * price * taker_rate(state)
    time = state.bar.time if at_open else state.bar.inside
    leave(account, state, position.lots, price, fee, reason, time, ambiguous=ambiguous)


def exit_by_target(account: Account, state: SlotState, leg: Leg, price: float, *, at_open: bool) -> None:
    """A leg at its limit: the maker fee, no slippage; what would be left below the minimum quantity goes with it."""
    position = state.position
    assert position is not None
    leg.filled = True
    lots = position.lots if leg.takes_the_rest else min(leg.lots, position.lots)
    instrument = state.instrument
    if position.lots - lots < whole_steps_up(instrument.min_quantity, instrument.lot):
        lots = position.lots
    fee = state.quantity(lots) * price * state.rules.costs.maker_fee_percent / 100
    time = state.bar.time if at_open else state.bar.inside
    leave(account, state, lots, price, fee, "target", time)


def liquidate(account: Account, state: SlotState, *, at_open: bool, ambiguous: bool = False) -> None:
    """At the bankruptcy price, shifted by X / S, with the fee S B t: exactly the position's margin is lost."""
    position = state.position
    assert position is not None
    size = state.quantity(position.lots)
    bankruptcy = bankruptcy_price(position.side, position.entry_price, state.rules.leverage)
    price = bankruptcy - position.side * position.extra_margin / size
    fee = size * bankruptcy * taker_rate(state)
    time = state.bar.time if at_open else state.bar.inside
    leave(
        account,
        state,
        position.lots,
        price,
        fee,
        "liquidation",
        time,
        status="liquidated",
        ambiguous=ambiguous,
    )


def settle_delisted(account: Account, state: SlotState) -> None:
    """A symbol whose delivery has come by the close of its last bar: out at that close as it is, with the taker fee."""
    position, delivery = state.position, state.instrument.delivery_ms
    at_its_end = state.index == len(state.bars) - 1
    if position is None or delivery is None or not at_its_end or state.bar.close_time < delivery:
        return
    price = state.bar.close
    fee = state.quantity(position.lots) * price * taker_rate(state)
    leave(account, state, position.lots, price, fee, "delisted", state.bar.close_time)


def leave(
    account: Account,
    state: SlotState,
    lots: int,
    price: float,
    fee: float,
    reason: str,
    time: int,
    *,
    status: str = "closed",
    ambiguous: bool = False,
) -> None:
    """Pay out `lots` of the position, with their part of its fees, slippage, funding and extra margin."""
    position = state.position
    assert position is not None
    part = lots / position.lots
    fees, slippage, funding = (part * sum_ for sum_ in (position.fees, position.slippage, position.funding))
    gross = position.side * state.quantity(lots) * (price - position.entry_price)
    account.wallet += gross - fee
    pnl = gross - fees - fee + funding
    write_row(
        account,
        state,
        lots,
        price,
        time,
        reason,
        money=(pnl, fees + fee, funding, slippage),
        status=status,
        ambiguous=ambiguous,
    )
    position.realised += pnl
    position.lots -= lots
    position.fees -= fees
    position.slippage -= slippage
    position.funding -= funding
    position.extra_margin *= 1 - part
    if position.lots == 0:
        is_flat_again(account, state, position, time)


def is_flat_again(account: Account, state: SlotState, position: Position, time: int) -> None:
    """The position is over: an add that was waiting has nothing left to add to."""
    state.position = None
    state.pending_exit = None
    state.last_exit_bar = state.bar.belongs
    if state.pending_entry is not None and state.pending_entry.reason == "add":
        state.pending_entry = None
        account.refuse(state, "no_position", time)
    state.strategy.closed_pnl.append(position.realised)
    count_the_streak(account, state, position.realised, time)


# Rows ------------------------------------------------------------------------------------------------------


def write_row(
    account: Account,
    state: SlotState,
    lots: int,
    price: float,
    time: int,
    reason: str,
    *,
    money: tuple[float, float, float, float],
    status: str,
    ambiguous: bool,
) -> None:
    """One row of the trade log; excursions count every bar that the position survived, and the exit itself."""
    position = state.position
    assert position is not None
    pnl, fees, funding, slippage = money
    entry, risk = position.entry_price, position.risk
    unit = entry if risk is None else risk
    below = min(position.lowest, price, entry) - entry
    above = max(position.highest, price, entry) - entry
    worst, best = (below, above) if position.side == LONG else (-above, -below)
    stop = position.initial_stop_ticks
    quantity = state.quantity(lots)
    account.result.trades.append(
        ReferenceLeg(
            trade_id=position.number,
            strategy=state.rules.name,
            symbol=state.instrument.symbol,
            side=position.side,
            entry_time=position.entry_time,
            entry_price=entry,
            exit_time=time,
            exit_price=price,
            qty=quantity,
            pnl=pnl,
            r=None if risk is None else pnl / (quantity * risk),
            fees=fees,
            funding=funding,
            slippage=slippage,
            entry_reason=position.entry_reason,
            exit_reason=reason,
            bars=state.bar.belongs - position.entry_bar,
            mae=worst / unit,
            mfe=best / unit,
            initial_stop=None if stop is None else state.price(stop),
            ambiguous=ambiguous,
            status=status,
            coarse=position.coarse,
        )
    )


def report_open_positions(account: Account) -> None:
    """Open positions become rows at the price that marks the equity; no exit fee, since nothing was sold.

    Orders that still rest at the end are not counted: nothing refused them.
    """
    for state in account.states:
        position = state.position
        if position is None:
            continue
        gross = position.side * state.quantity(position.lots) * (state.mark - position.entry_price)
        pnl = gross - position.fees + position.funding
        write_row(
            account,
            state,
            position.lots,
            state.mark,
            state.bar.close_time,
            "end",
            money=(pnl, position.fees, position.funding, position.slippage),
            status="open",
            ambiguous=False,
        )
