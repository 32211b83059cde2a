"""What the plain reference makes of a decision at the close of its bar."""

from __future__ import annotations

from tests.support.reference_levels import NoLevelError, demand_levels, distance, read_series_levels
from tests.support.reference_limits import is_cooling_down, pause_refusal
from tests.support.reference_sizing import order_price_ticks, wanted_lots
from tests.support.reference_state import (
    Account,
    PendingEntry,
    Position,
    SlotState,
    whole_steps_down,
    whole_steps_up,
)
from tests.support.reference_types import LONG


def read_decision(account: Account, state: SlotState) -> None:
    """The decision of the bar just closed, where an engine bar closes together with a decision bar."""
    if state.bar.decision < 0:
        return
    if state.position is None:
        decide_when_flat(account, state)
    else:
        read_series_levels(state, state.position, state.bar.decision)
        decide_when_open(account, state, state.position)


def decide_when_flat(account: Account, state: SlotState) -> None:
    side = state.symbol.side[state.bar.decision]
    if side == 0:
        return
    if state.pending_entry is not None:
        refuse(account, state, "already_pending")
    elif not is_allowed(state, side):
        refuse(account, state, "direction")
    elif is_cooling_down(state):
        refuse(account, state, "cooldown")
    else:
        order_entry(account, state, side, "signal")


def decide_when_open(account: Account, state: SlotState, position: Position) -> None:
    """First what the entry says against the position, then the exit, then the time; an add where none of them ends it.

    An exit that a limit has already forced at this close keeps its reason.
    """
    i = state.bar.decision
    side = state.symbol.side[i]
    reason = None
    if side == -position.side:
        reason = oppose(account, state, side)
    exits = state.symbol.exit_long if position.side == LONG else state.symbol.exit_short
    if reason is None and exits[i]:
        reason = "signal"
    if reason is None and 0 < state.rules.max_bars <= i - position.entry_bar + 1:
        reason = "time"
    if state.pending_exit is None:
        state.pending_exit = reason
    if side == position.side:
        repeat(account, state, position)


def oppose(account: Account, state: SlotState, side: int) -> str | None:
    """An entry decision against the open position: the reason for which it is closed, or None.

    While an add is pending every entry decision is dropped, this one too. A reversal closes as `reverse` also where its
    entry is refused, by a pause or for its size; where the direction forbids the other side it is an `opposite`.
    """
    rules = state.rules
    if state.pending_entry is not None:
        refuse(account, state, "already_pending")
        return None
    if rules.opposite == "ignore":
        refuse(account, state, "opposite_ignored")
        return None
    if rules.opposite == "reverse" and is_allowed(state, side):
        order_entry(account, state, side, "reverse")
        return "reverse"
    return "opposite"


def repeat(account: Account, state: SlotState, position: Position) -> None:
    """An entry decision on the side of the open position: one more entry where the rules allow adding."""
    if state.pending_entry is not None:
        refuse(account, state, "already_pending")
    elif state.pending_exit is not None or not may_add(state, position):
        refuse(account, state, "already_open")
    else:
        order_entry(account, state, position.side, "add")


def may_add(state: SlotState, position: Position) -> bool:
    """Fewer adds than allowed, and the close at least the spacing beyond the last fill; compared in ticks.

    Without a spacing any close will do; without the ATR it needs, none.
    """
    rules, side, tick = state.rules, position.side, state.instrument.tick
    if position.adds >= rules.max_adds:
        return False
    if rules.add_spacing is None:
        return True
    try:
        away = distance(state, rules.add_spacing, position.last_fill, state.bar.decision)
    except NoLevelError:
        return False
    wanted = position.last_fill + side * away
    if side == LONG:
        return state.bar.close_ticks >= whole_steps_up(wanted, tick)
    return state.bar.close_ticks <= whole_steps_down(wanted, tick)


def is_allowed(state: SlotState, side: int) -> bool:
    direction = state.rules.direction
    return direction == "both" or direction == ("long" if side == LONG else "short")


def order_entry(account: Account, state: SlotState, side: int, reason: str) -> None:
    """Pending until the slot's next open; the size and, for limits and stops, the price are fixed now."""
    decision = state.bar.decision
    refusal = pause_refusal(state)
    if refusal is None and state.index + 1 == len(state.bars):
        refusal = "no_next_bar"
    if refusal is not None:
        refuse(account, state, refusal)
        return
    try:
        ticks = order_price_ticks(state, side, decision)
        price = state.bar.close if ticks is None else state.price(ticks)
        demand_levels(state, side, price, decision)
        lots = wanted_lots(account, state, side, price, decision)
    except NoLevelError:
        refuse(account, state, "no_level")
        return
    if lots <= 0:
        refuse(account, state, "size_zero")
        return
    state.pending_entry = PendingEntry(side, lots, ticks, state.bar.close_time, decision, reason)


def refuse(account: Account, state: SlotState, reason: str) -> None:
    account.refuse(state, reason, state.bar.close_time)
