"""Stop, targets, trailing and break-even of a position, in whole ticks. Compiled.

A stop is rounded towards the price (long up, short down) and so is a target; both stand at least a tick away from
the entry they belong to. Three stops live side by side: the initial or series stop, break-even, trailing; the one
nearest to the price binds and names the reason.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tradebot.engine.backtest.kernel.codes import ExitReason, LevelKind, code
from tradebot.engine.backtest.kernel.grid import steps_down, steps_nearest, steps_up
from tradebot.engine.backtest.kernel.records import MOST_TARGETS
from tradebot.engine.control.compiling import compiled_part

_NONE = code(LevelKind.NONE)
_PERCENT = code(LevelKind.PERCENT)
_ATR = code(LevelKind.ATR)
_R = code(LevelKind.R)
_SERIES = code(LevelKind.SERIES)
_STOP = code(ExitReason.STOP)
_BREAK_EVEN = code(ExitReason.BREAK_EVEN)
_TRAILING = code(ExitReason.TRAILING)


@compiled_part
def read_value(kind: int, setting: float, level: int, bar: Any) -> float:
    """What is frozen of a level at the decision: a distance for atr, a price for series, else nothing (0)."""
    if kind == _ATR:
        return float(setting * bar.levels[level])
    if kind == _SERIES:
        return float(bar.levels[level])
    return 0.0


@compiled_part
def below(side: int, price: float, kind: int, setting: float, value: float, risk: float) -> float:
    """The price that lies so far against a position of that side, seen from `price`; `side` -1 mirrors it."""
    if kind == _PERCENT:
        return price * (1.0 - side * setting / 100.0)
    if kind == _ATR:
        return price - side * value
    if kind == _R:
        return price - side * setting * risk
    if kind == _SERIES:
        return value
    return np.nan


@compiled_part
def nearer_above(side: int, price: float, tick: float) -> float:
    """Whole ticks towards the price: up for what lies below a long position, down for a short one."""
    return steps_up(price, tick) if side > 0 else steps_down(price, tick)


@compiled_part
def stop_ticks(side: int, entry: float, price: float, tick: float) -> float:
    """The stop at `price` in ticks, towards the entry, at least a whole tick away from it. NaN stays NaN.

    An average entry may lie between two ticks: 100.25 with a tick of 0.5 has its nearest stop at 99.5.
    """
    ticks = nearer_above(side, price, tick)
    nearest = steps_down(entry, tick) - 1.0 if side > 0 else steps_up(entry, tick) + 1.0
    return nearest if side * (ticks - nearest) > 0.0 else ticks


@compiled_part
def target_ticks(side: int, entry: float, price: float, tick: float) -> float:
    """The target at `price` in ticks, towards the entry, at least one tick away from it."""
    return stop_ticks(-side, entry, price, tick)


@compiled_part
def tighter(side: int, one: float, other: float) -> float:
    """Of two stops the one nearer to the price; NaN is none."""
    if np.isnan(one):
        return other
    if np.isnan(other):
        return one
    return max(one, other) if side > 0 else min(one, other)


@compiled_part
def bind_stop(slot: Any) -> None:
    """The nearest of the three stops binds; equal: the earlier kind."""
    slot.stop, slot.stop_reason = slot.base_stop, _STOP
    stop = tighter(slot.side, slot.stop, slot.break_even)
    if stop != slot.stop and not np.isnan(stop):
        slot.stop, slot.stop_reason = stop, _BREAK_EVEN
    stop = tighter(slot.side, slot.stop, slot.trail)
    if stop != slot.stop and not np.isnan(stop):
        slot.stop, slot.stop_reason = stop, _TRAILING


@compiled_part
def start_ticks(slot: Any, rule: Any) -> float:
    """Ticks that the best price must have reached before the trailing stop starts."""
    side, entry = slot.side, slot.entry_price
    ticks = nearer_above(side, entry * (1.0 + side * rule.trail_start_percent / 100.0), rule.tick)
    if np.isnan(rule.trail_start_r):
        return ticks
    return tighter(side, ticks, nearer_above(side, entry + side * rule.trail_start_r * slot.risk, rule.tick))


@compiled_part
def break_even_ticks(slot: Any, rule: Any) -> float:
    """Ticks that the best price must have reached before the stop goes to break-even."""
    price = slot.entry_price + slot.side * rule.break_even_r * slot.risk
    return nearer_above(slot.side, price, rule.tick)


@compiled_part
def reached(side: int, ticks: float, wanted: float) -> bool:
    """Whether a price of `ticks` lies at `wanted` or beyond it in favour of that side."""
    return bool(ticks >= wanted if side > 0 else ticks <= wanted)


@compiled_part
def ratchet(slot: Any, rule: Any) -> None:
    """Move break-even and trailing stop by the extremes so far; neither ever goes back."""
    side, best = slot.side, slot.highest if slot.side > 0 else slot.lowest
    best_ticks = steps_nearest(best, rule.tick)
    if not np.isnan(rule.break_even_r) and reached(side, best_ticks, break_even_ticks(slot, rule)):
        price = slot.entry_price * (1.0 + side * rule.break_even_percent / 100.0)
        slot.break_even = tighter(side, slot.break_even, nearer_above(side, price, rule.tick))
    if rule.trail_kind != _NONE and reached(side, best_ticks, start_ticks(slot, rule)):
        price = below(side, best, rule.trail_kind, rule.trail_setting, slot.trail_value, slot.risk)
        slot.trail = tighter(side, slot.trail, nearer_above(side, price, rule.tick))
    bind_stop(slot)


@compiled_part
def sort_targets(slot: Any, rule: Any) -> None:
    """The targets left in the order in which the price meets them; equal ones keep their order.

    A leg of no lots is left out, unless it is the last of a whole and takes the rest.
    """
    for here in range(slot.next_target + 1, slot.target_count):
        ticks, lots, target = slot.target_ticks[here], slot.target_lots[here], slot.target_rule[here]
        place = here
        while place > slot.next_target and slot.side * slot.target_ticks[place - 1] > slot.side * ticks:
            slot.target_ticks[place] = slot.target_ticks[place - 1]
            slot.target_lots[place] = slot.target_lots[place - 1]
            slot.target_rule[place] = slot.target_rule[place - 1]
            place -= 1
        slot.target_ticks[place], slot.target_lots[place], slot.target_rule[place] = ticks, lots, target
    kept = slot.next_target
    for place in range(slot.next_target, slot.target_count):
        rest = rule.whole != 0 and place == slot.target_count - 1
        if slot.target_lots[place] > 0.0 or rest:
            slot.target_ticks[kept] = slot.target_ticks[place]
            slot.target_lots[kept] = slot.target_lots[place]
            slot.target_rule[kept] = slot.target_rule[place]
            kept += 1
    slot.target_count = kept


@compiled_part
def set_targets(slot: Any, rule: Any) -> None:
    """All targets from the entry, nearest first."""
    slot.next_target = 0
    slot.target_count = rule.targets
    for target in range(rule.targets):
        price = below(
            -slot.side,
            slot.entry_price,
            rule.target_kind[target],
            rule.target_setting[target],
            slot.target_value[target],
            slot.risk,
        )
        slot.target_ticks[target] = target_ticks(slot.side, slot.entry_price, price, rule.tick)
        share = rule.target_share[target] / 100.0
        slot.target_lots[target] = steps_down(slot.original_lots * share, 1.0)
        slot.target_rule[target] = target
    sort_targets(slot, rule)


@compiled_part
def leg_lots(slot: Any, rule: Any) -> float:
    """Lots that leave at the next target: its share, and the rest where little or nothing else is to leave."""
    lots = min(slot.lots, slot.target_lots[slot.next_target])
    last = slot.next_target == slot.target_count - 1
    left = slot.lots - lots
    if (last and rule.whole != 0) or left < steps_up(rule.min_quantity, rule.lot):
        return float(slot.lots)
    return float(lots)


@compiled_part
def initial_stop_ticks(side: int, entry: float, value: float, rule: Any) -> float:
    """The initial stop of an entry at that price."""
    return stop_ticks(
        side, entry, below(side, entry, rule.stop_kind, rule.stop_setting, value, np.nan), rule.tick
    )


@compiled_part
def set_levels(slot: Any, rule: Any) -> None:
    """All levels of a position from its (average) entry; stops that stand already only get nearer.

    R is the distance of the stop that holds from then on, at least a tick: an earlier one may stand at the entry.
    """
    ticks = initial_stop_ticks(slot.side, slot.entry_price, slot.stop_value, rule)
    slot.base_stop = tighter(slot.side, slot.base_stop, ticks)
    slot.initial_stop = slot.base_stop * rule.tick + 0.0  # no negative zero
    slot.risk = abs(slot.entry_price - slot.initial_stop)
    if slot.risk < rule.tick:
        slot.risk = rule.tick
    set_targets(slot, rule)
    ratchet(slot, rule)
    set_quiet(slot, rule)


@compiled_part
def reread_series(slot: Any, rule: Any, bar: Any) -> None:
    """Levels that stand at a series, at a decision's close: only nearer to the price, unless they follow it."""
    if rule.stop_kind == _SERIES:
        ticks = nearer_above(slot.side, bar.levels[rule.stop_level], rule.tick)
        if not np.isnan(ticks):
            follow = rule.stop_follow != 0
            slot.base_stop = ticks if follow else tighter(slot.side, slot.base_stop, ticks)
            bind_stop(slot)
    moved = False
    for place in range(slot.next_target, slot.target_count):
        target = slot.target_rule[place]
        if rule.target_kind[target] == _SERIES:
            ticks = nearer_above(-slot.side, bar.levels[rule.target_level[target]], rule.tick)
            if not np.isnan(ticks):
                moved = True
                follow = rule.target_follow[target] != 0
                old = slot.target_ticks[place]
                slot.target_ticks[place] = ticks if follow else tighter(-slot.side, old, ticks)
    if moved:
        sort_targets(slot, rule)


@compiled_part
def set_quiet(slot: Any, rule: Any) -> None:
    """Prices strictly between these two touch no level and move none; a bar between them needs no exact test.

    With levels read from series every bar is looked at.
    """
    side = slot.side
    if rule.series != 0:
        slot.quiet_low, slot.quiet_high = np.inf, -np.inf
        return
    adverse = (slot.stop + side) * rule.tick
    favourable = side * np.inf
    if slot.next_target < slot.target_count:
        favourable = (slot.target_ticks[slot.next_target] - side) * rule.tick
    if rule.ratchets != 0:
        favourable = nearer_bound(side, favourable, ratchet_bound(slot, rule))
    if np.isnan(adverse):
        adverse = -side * np.inf
    slot.quiet_low = adverse if side > 0 else favourable
    slot.quiet_high = favourable if side > 0 else adverse


@compiled_part
def nearer_bound(side: int, one: float, other: float) -> float:
    """Of two bounds in favour of that side the nearer one."""
    return min(one, other) if side > 0 else max(one, other)


@compiled_part
def ratchet_bound(slot: Any, rule: Any) -> float:
    """The price that would move the trailing stop or break-even: just beyond the extreme, or a tick before a start."""
    side, best = slot.side, slot.highest if slot.side > 0 else slot.lowest
    best_ticks = steps_nearest(best, rule.tick)
    bound = side * np.inf
    if not np.isnan(rule.break_even_r):
        wanted = break_even_ticks(slot, rule)
        if not reached(side, best_ticks, wanted):
            bound = (wanted - side) * rule.tick
    if rule.trail_kind != _NONE:
        wanted = start_ticks(slot, rule)
        if reached(side, best_ticks, wanted):
            bound = nearer_bound(side, bound, np.nextafter(best, side * np.inf))
        else:
            bound = nearer_bound(side, bound, (wanted - side) * rule.tick)
    return float(bound)


@compiled_part
def missing_level(slot: Any, rule: Any, side: int, price: float) -> bool:
    """Whether some level of the pending order has no value: NaN, or a series on the wrong side of its price."""
    if np.isnan(slot.pending_trail_value) or np.isnan(slot.pending_stop_value):
        return True
    if rule.stop_kind == _SERIES and not side * (price - slot.pending_stop_value) > 0.0:
        return True
    for target in range(rule.targets):
        value = slot.pending_target_value[target]
        if np.isnan(value):
            return True
        if rule.target_kind[target] == _SERIES and not side * (value - price) > 0.0:
            return True
    return False


@compiled_part
def freeze_levels(slot: Any, rule: Any, bar: Any) -> None:
    """Keep what the levels of the pending order need of the decision's bar."""
    slot.pending_stop_value = read_value(rule.stop_kind, rule.stop_setting, rule.stop_level, bar)
    slot.pending_trail_value = read_value(rule.trail_kind, rule.trail_setting, rule.trail_level, bar)
    for target in range(rule.targets):
        slot.pending_target_value[target] = read_value(
            rule.target_kind[target], rule.target_setting[target], rule.target_level[target], bar
        )


@compiled_part
def thaw_levels(slot: Any) -> None:
    """The pending order filled: its frozen values are the position's."""
    slot.stop_value = slot.pending_stop_value
    slot.trail_value = slot.pending_trail_value
    for target in range(MOST_TARGETS):
        slot.target_value[target] = slot.pending_target_value[target]


@compiled_part
def forget_levels(slot: Any) -> None:
    """The slot is flat: nothing stands any more."""
    slot.base_stop = slot.break_even = slot.trail = slot.stop = np.nan
    slot.initial_stop = slot.risk = slot.liquidation = np.nan
    slot.next_target = slot.target_count = 0
