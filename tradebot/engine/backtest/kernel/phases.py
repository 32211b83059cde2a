"""The phases of one slot's bar: at the open, inside, at the close. Compiled.

Plain functions of records that may be called one by one as a live bar unfolds. What happens is written into `Output`:
closed legs, counts of refusals, and the log of interventions.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tradebot.engine.backtest.kernel.apply import enter, leave
from tradebot.engine.backtest.kernel.codes import Count, EntryReason, ExitReason, OrderKind, code, flag
from tradebot.engine.backtest.kernel.grid import steps_down
from tradebot.engine.backtest.kernel.levels import leg_lots, ratchet, reread_series, set_quiet
from tradebot.engine.backtest.kernel.limits import NO_REFUSAL, notional, pauses, symbol_notional
from tradebot.engine.backtest.kernel.margin import committed, pay_funding, reserve_cost
from tradebot.engine.backtest.kernel.match import (
    affordable_lots,
    beside_limits,
    entry_price,
    match_adverse,
    match_favourable,
    match_liquidation_at_open,
    match_market_exit,
    match_resting_at_open,
    target_in_range,
)
from tradebot.engine.backtest.kernel.orders import drop_order, expired, fills_at_open, fills_inside, late
from tradebot.engine.control.compiling import compiled_part

_GAP = code(Count.GAP)
_EXPIRED = code(Count.EXPIRED)
_NO_POSITION = code(Count.NO_POSITION)
_INSUFFICIENT_MARGIN = code(Count.INSUFFICIENT_MARGIN)
_REDUCED_MARGIN = code(Count.REDUCED_MARGIN)
_EXPOSURE = code(Count.EXPOSURE)
_REDUCED_EXPOSURE = code(Count.REDUCED_EXPOSURE)
_NO_VOLUME = code(Count.NO_VOLUME)
_REDUCED_VOLUME = code(Count.REDUCED_VOLUME)
_MAX_POSITIONS = code(Count.MAX_POSITIONS)
_LOSS_STREAK_REACHED = code(Count.LOSS_STREAK_REACHED)
_ADD = code(EntryReason.ADD)
_TARGET = code(ExitReason.TARGET)
_DELISTED = code(ExitReason.DELISTED)
_LIMIT = code(OrderKind.LIMIT)
_STOP_ORDER = code(OrderKind.STOP)
_CERTAIN = flag(False)
_FAR_FUTURE = code(2**62)
_AT_OPEN = flag(False)
_INSIDE = flag(True)


class Output(NamedTuple):
    """What a run writes: `trades` TRADE[n], `log` INTERVENTION[m], `counts` int64[slots, len(Count)].

    `written` int64[3]: how many trades, rows and log entries there are.
    """

    trades: Any
    log: Any
    counts: Any
    written: Any


@compiled_part
def note(out: Any, s: int, time: int, reason: int, wanted: float, allowed: float) -> None:
    """Count what became of slot s's order or position, and log it while there is room."""
    out.counts[s, reason] += 1
    here = out.written[2]
    if here < len(out.log):
        entry = out.log[here]
        entry.time, entry.slot, entry.reason = time, s, reason
        entry.wanted, entry.allowed = wanted, allowed
        out.written[2] = here + 1


@compiled_part
def refuse(slot: Any, rule: Any, out: Any, s: int, time: int, reason: int) -> None:
    """The pending entry ends without a fill."""
    note(out, s, time, reason, slot.pending_lots * rule.lot, 0.0)
    drop_order(slot)


@compiled_part
def close_leg(
    account: Any,
    strategy: Any,
    slot: Any,
    rule: Any,
    bar: Any,
    tiers: Any,
    out: Any,
    s: int,
    fill: Any,
    time: int,
) -> None:
    """An exit filled: apply it, and end an add whose position is gone."""
    reason, price, reference, fee, ambiguous = fill
    lots = leg_lots(slot, rule) if reason == _TARGET else slot.lots
    row = out.trades[out.written[0]]
    row.slot = s
    leave(
        account, strategy, slot, rule, bar, tiers, row, reason, price, reference, fee, ambiguous, lots, time
    )
    out.written[0] += 1
    if slot.side != 0:
        return
    if slot.pending_side != 0 and slot.pending_reason == _ADD:
        refuse(slot, rule, out, s, time, _NO_POSITION)
    if pauses(strategy, rule, slot.realised, slot.bar_end):
        note(out, s, time, _LOSS_STREAK_REACHED, np.nan, np.nan)


# --------------------------------------------------------------------------------------------- at the open


@compiled_part
def next_funding(slot: Any, times: Any, shift: int, stop: int) -> int:
    """The next funding time of the slot, or the far future."""
    here = slot.funding_cursor + shift
    return int(times[here]) if here < stop else _FAR_FUTURE


@compiled_part
def settle_funding(
    account: Any, slots: Any, s: int, rule: Any, price: float, times: Any, rates: Any, shift: int, stop: int,
    before: int, tiers: Any,
) -> int:  # fmt: skip
    """Charge every funding time below `before` not yet passed on the position held now. Returns the next one."""
    slot = slots[s]
    while next_funding(slot, times, shift, stop) < before:
        if slot.side != 0:
            rate = rates[slot.funding_cursor + shift]
            pay_funding(account, slot, rule, price, rate, account.wallet - committed(slots), tiers)
        slot.funding_cursor += 1
    return next_funding(slot, times, shift, stop)


@compiled_part
def liquidate_at_open(
    account: Any, strategy: Any, slot: Any, rule: Any, bar: Any, tiers: Any, out: Any, s: int
) -> None:
    """on_open: the mark opens beyond the liquidation price."""
    fill = match_liquidation_at_open(slot, rule, bar)
    if fill[0] != 0:
        close_leg(account, strategy, slot, rule, bar, tiers, out, s, fill, bar.time)


@compiled_part
def resting_at_open(
    account: Any, strategy: Any, slot: Any, rule: Any, bar: Any, tiers: Any, out: Any, s: int
) -> None:
    """on_open: the stop, or every target, that the open lies beyond fills there."""
    while slot.side != 0:
        fill = match_resting_at_open(slot, rule, bar)
        if fill[0] == 0:
            return
        close_leg(account, strategy, slot, rule, bar, tiers, out, s, fill, bar.time)


@compiled_part
def exit_at_open(
    account: Any, strategy: Any, slot: Any, rule: Any, bar: Any, tiers: Any, out: Any, s: int
) -> None:
    """on_open: the pending market exit fills, unless the position is gone."""
    pending, slot.pending_exit = slot.pending_exit, 0
    if slot.side != 0:
        fill = match_market_exit(slot, rule, bar, pending, bar.open)
        close_leg(account, strategy, slot, rule, bar, tiers, out, s, fill, bar.time)


@compiled_part
def end_stale_entry(slot: Any, rule: Any, bar: Any, out: Any, s: int) -> None:
    """on_open: an entry that comes too late, or whose time passed without bars, ends before others ask for cash."""
    if late(slot, rule, bar):
        refuse(slot, rule, out, s, bar.time, _GAP)
    elif expired(slot, rule, bar.time):
        refuse(slot, rule, out, s, bar.time, _EXPIRED)


@compiled_part
def cut(
    lots: float, most: float, rule: Any, out: Any, s: int, time: int, reduced: int, refused: int
) -> tuple[float, int]:
    """At most `most` lots: (lots, refusal where there are none, else NO_REFUSAL)."""
    if most <= 0.0:
        return 0.0, refused
    if most < lots:
        note(out, s, time, reduced, lots * rule.lot, most * rule.lot)
        return most, NO_REFUSAL
    return lots, NO_REFUSAL


@compiled_part
def place_order(slot: Any, rule: Any, available: float, out: Any, s: int, time: int) -> None:
    """A limit or stop entry meets its first bar: cut to what is affordable, which it then keeps reserved."""
    cost = reserve_cost(slot.pending_ticks * rule.tick, rule)
    affordable = max(0.0, steps_down(available / cost, rule.lot))
    lots, refusal = cut(
        slot.pending_lots, affordable, rule, out, s, time, _REDUCED_MARGIN, _INSUFFICIENT_MARGIN
    )
    if refusal != NO_REFUSAL:
        refuse(slot, rule, out, s, time, refusal)
        return
    slot.pending_lots = lots
    slot.reserve = slot.pending_lots * rule.lot * cost
    slot.pending_placed = 1


@compiled_part
def within_exposure(account: Any, slots: Any, rules: Any, s: int, price: float) -> float:
    """Lots that the exposure limits leave room for, by the marked equity and marks of the last close."""
    rule = rules[s]
    room = np.inf
    if rule.max_exposure < np.inf:
        room = rule.max_exposure * account.equity - notional(slots)
    if rule.max_symbol_exposure < np.inf:
        room = min(
            room, rule.max_symbol_exposure * account.equity - symbol_notional(slots, rules, rule.symbol)
        )
    return max(0.0, steps_down(room / price, rule.lot)) if room < np.inf else np.inf


@compiled_part
def within_volume(rule: Any, bar: Any) -> float:
    """Lots that the share of the previous bar's volume leaves room for; an unknown volume is no cap."""
    if rule.volume_share <= 0.0 or np.isnan(bar.volume_before):
        return np.inf
    return steps_down(rule.volume_share * bar.volume_before, rule.lot)


@compiled_part
def size_at_fill(
    account: Any,
    strategy: Any,
    slots: Any,
    rules: Any,
    s: int,
    bar: Any,
    reference: float,
    time: int,
    out: Any,
) -> tuple[float, int]:
    """The pending entry cut by margin, exposure and volume, then held against the minimums.

    What it costs is asked at the price of the order as it was decided; a smaller one then moves the price less.
    """
    slot, rule = slots[s], rules[s]
    slot.reserve = 0.0
    if slot.side == 0 and 0 < rule.max_positions <= strategy.open_positions:
        return 0.0, _MAX_POSITIONS
    lots = slot.pending_lots
    price = entry_price(slot, rule, bar, reference, lots)
    most = affordable_lots(slot, rule, price, account.wallet - committed(slots))
    lots, refusal = cut(lots, most, rule, out, s, time, _REDUCED_MARGIN, _INSUFFICIENT_MARGIN)
    if refusal == NO_REFUSAL:
        most = within_exposure(account, slots, rules, s, price)
        lots, refusal = cut(lots, most, rule, out, s, time, _REDUCED_EXPOSURE, _EXPOSURE)
    if refusal == NO_REFUSAL:
        lots, refusal = cut(lots, within_volume(rule, bar), rule, out, s, time, _REDUCED_VOLUME, _NO_VOLUME)
    if refusal == NO_REFUSAL:
        refusal = beside_limits(rule, lots, entry_price(slot, rule, bar, reference, lots))
    return lots, refusal


@compiled_part
def fill_entry(
    account: Any, strategies: Any, slots: Any, rules: Any, s: int, bar: Any, tiers: Any, out: Any,
    reference: float, fee_percent: float, inside: bool,
) -> None:  # fmt: skip
    """The pending entry fills around `reference`, or is refused."""
    slot, rule = slots[s], rules[s]
    strategy = strategies[rule.strategy]
    time = bar.end - 1 if inside else bar.time
    lots, refusal = size_at_fill(account, strategy, slots, rules, s, bar, reference, time, out)
    if refusal != NO_REFUSAL:
        refuse(slot, rule, out, s, time, refusal)
        return
    price = entry_price(slot, rule, bar, reference, lots)
    enter(account, strategy, slot, rule, bar, tiers, price, reference, lots, fee_percent, inside)


@compiled_part
def entry_at_open(
    account: Any, strategies: Any, slots: Any, rules: Any, s: int, bar: Any, tiers: Any, out: Any
) -> None:
    """on_open: the pending entry fills, or rests from its first bar on."""
    slot, rule = slots[s], rules[s]
    if not fills_at_open(slot, rule, bar):
        if slot.pending_placed == 0:
            place_order(slot, rule, account.wallet - committed(slots), out, s, bar.time)
        return
    # a limit filled on arrival takes, later it rested, so it makes
    made = slot.pending_kind == _LIMIT and slot.pending_placed != 0
    fee_percent = rule.maker_percent if made else rule.taker_percent
    fill_entry(account, strategies, slots, rules, s, bar, tiers, out, bar.open, fee_percent, _AT_OPEN)


# ------------------------------------------------------------------------------------------ inside the bar


@compiled_part
def entry_inside(
    account: Any, strategies: Any, slots: Any, rules: Any, s: int, bar: Any, tiers: Any, out: Any
) -> None:
    """A resting entry fills at its price."""
    slot, rule = slots[s], rules[s]
    fee_percent = rule.maker_percent if slot.pending_kind == _LIMIT else rule.taker_percent
    reference = slot.pending_ticks * rule.tick
    fill_entry(account, strategies, slots, rules, s, bar, tiers, out, reference, fee_percent, _INSIDE)


@compiled_part
def entry_before_exit(slot: Any, rule: Any) -> bool:
    """Whether the resting entry fills before what ends the position.

    An add by a stop order is assumed to come first, for that is the worse; a limit beyond the stop cannot.
    """
    if slot.side == 0 or slot.pending_kind != _LIMIT:
        return True
    price = slot.pending_ticks * rule.tick
    before_stop = np.isnan(slot.stop) or slot.side * (slot.pending_ticks - slot.stop) > 0.0
    return bool(before_stop and (np.isnan(slot.liquidation) or slot.side * (price - slot.liquidation) > 0.0))


@compiled_part
def exits_inside(
    account: Any, strategy: Any, slot: Any, rule: Any, bar: Any, tiers: Any, out: Any, s: int
) -> None:
    """Stop or liquidation before any target; a position entered inside this bar meets no target in it."""
    entered = slot.inside_bar == slot.bar
    fill = match_adverse(slot, rule, bar, entered)
    if fill[0] != 0:
        reason, price, reference, fee, _ = fill
        ambiguous = target_in_range(slot, rule, bar) or (entered and rule.entry_kind == _STOP_ORDER)
        close_leg(
            account, strategy, slot, rule, bar, tiers, out, s,
            (reason, price, reference, fee, ambiguous), bar.end - 1,
        )  # fmt: skip
        return
    while slot.side != 0 and not entered:
        fill = match_favourable(slot, rule, bar)
        if fill[0] == 0:
            return
        close_leg(account, strategy, slot, rule, bar, tiers, out, s, fill, bar.end - 1)


@compiled_part
def remember_extremes(slot: Any, bar: Any) -> None:
    """What survives the bar saw its low and high, or only its close where it was entered inside it."""
    if slot.inside_bar == slot.bar:
        slot.lowest, slot.highest = min(slot.lowest, bar.close), max(slot.highest, bar.close)
    else:
        slot.lowest, slot.highest = min(slot.lowest, bar.low), max(slot.highest, bar.high)


@compiled_part
def inside(
    account: Any, strategies: Any, slots: Any, rules: Any, s: int, bar: Any, tiers: Any, out: Any
) -> bool:
    """The entry that the bar reaches, then the exits. Returns whether there was a position."""
    slot, rule = slots[s], rules[s]
    if fills_inside(slot, rule, bar) and entry_before_exit(slot, rule):
        entry_inside(account, strategies, slots, rules, s, bar, tiers, out)
    held = slot.side != 0
    if held:
        exits_inside(account, strategies[rule.strategy], slot, rule, bar, tiers, out, s)
    if slot.side != 0:
        remember_extremes(slot, bar)
        slot.coarse |= bar.coarse
    return bool(held)


# --------------------------------------------------------------------------------------------- at the close


@compiled_part
def delist(account: Any, strategy: Any, slot: Any, rule: Any, bar: Any, tiers: Any, out: Any, s: int) -> None:
    """The symbol trades no more: its position is settled at the last close."""
    if slot.side != 0:
        fee = slot.quantity * bar.close * rule.taker_percent / 100.0
        fill = (_DELISTED, bar.close, bar.close, fee, _CERTAIN)
        close_leg(account, strategy, slot, rule, bar, tiers, out, s, fill, bar.end)


@compiled_part
def close_bar(
    account: Any, strategy: Any, slot: Any, rule: Any, bar: Any, tiers: Any, out: Any, s: int
) -> None:
    """on_close: a symbol may end, and levels follow the price or a series."""
    if slot.bar == rule.final_bar:
        delist(account, strategy, slot, rule, bar, tiers, out, s)
    if bar.decides >= 0:
        slot.decision = bar.decides
    if slot.side != 0 and (rule.ratchets != 0 or rule.series != 0):
        if rule.series != 0 and bar.decides >= 0:
            reread_series(slot, rule, bar)
        if rule.ratchets != 0:
            ratchet(slot, rule)
        set_quiet(slot, rule)
