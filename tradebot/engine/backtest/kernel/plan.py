"""plan: what a closed bar's decision asks for, as pending orders of a slot. Compiled.

Nothing here fills: what is planned at a close is matched at the slot's next open. Each function returns the
refusal (a `Count`) that the decision met, or NO_REFUSAL.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tradebot.engine.backtest.kernel.codes import (
    Count,
    EntryReason,
    ExitReason,
    LevelKind,
    Opposite,
    OrderKind,
    code,
)
from tradebot.engine.backtest.kernel.grid import steps_nearest, steps_up
from tradebot.engine.backtest.kernel.levels import freeze_levels, missing_level
from tradebot.engine.backtest.kernel.limits import NO_REFUSAL, blocked
from tradebot.engine.backtest.kernel.orders import order_ticks
from tradebot.engine.backtest.kernel.sizing import wanted_lots
from tradebot.engine.control.compiling import compiled_part

_SIGNAL_ENTRY = code(EntryReason.SIGNAL)
_REVERSE_ENTRY = code(EntryReason.REVERSE)
_ADD_ENTRY = code(EntryReason.ADD)
_SIGNAL_EXIT = code(ExitReason.SIGNAL)
_REVERSE_EXIT = code(ExitReason.REVERSE)
_OPPOSITE_EXIT = code(ExitReason.OPPOSITE)
_TIME_EXIT = code(ExitReason.TIME)
_OPPOSITE_REVERSE = code(Opposite.REVERSE)
_OPPOSITE_IGNORE = code(Opposite.IGNORE)
_MARKET = code(OrderKind.MARKET)
_NO_SPACING = code(LevelKind.NONE)
_ATR = code(LevelKind.ATR)
_REFUSED_OPPOSITE_IGNORED = code(Count.OPPOSITE_IGNORED)
_REFUSED_ALREADY_OPEN = code(Count.ALREADY_OPEN)
_REFUSED_ALREADY_PENDING = code(Count.ALREADY_PENDING)
_REFUSED_DIRECTION = code(Count.DIRECTION)
_REFUSED_COOLDOWN = code(Count.COOLDOWN)
_REFUSED_NO_LEVEL = code(Count.NO_LEVEL)
_REFUSED_SIZE_ZERO = code(Count.SIZE_ZERO)


@compiled_part
def allowed(rule: Any, side: int) -> bool:
    """Whether the direction of the strategy permits that side."""
    return bool((rule.long_allowed if side > 0 else rule.short_allowed) != 0)


@compiled_part
def plan_entry(slot: Any, rule: Any, strategy: Any, bar: Any, equity: float, reason: int) -> int:
    """Leave an entry order for the next open, with price, size and frozen levels of this close."""
    limit = blocked(strategy, bar)
    if limit != NO_REFUSAL:
        return limit
    ticks, price = 0.0, bar.close
    if rule.entry_kind != _MARKET:
        ticks = order_ticks(rule, bar, bar.side)
        price = ticks * rule.tick
    freeze_levels(slot, rule, bar)
    if np.isnan(ticks) or missing_level(slot, rule, bar.side, price):
        return _REFUSED_NO_LEVEL
    lots = wanted_lots(slot, rule, strategy, bar, bar.side, price, equity)
    if np.isnan(lots):
        return _REFUSED_NO_LEVEL
    if lots <= 0.0:
        return _REFUSED_SIZE_ZERO
    slot.pending_side = bar.side
    slot.pending_kind = rule.entry_kind
    slot.pending_ticks = ticks
    slot.pending_lots = lots
    slot.pending_reason = reason
    slot.pending_since = bar.end
    slot.pending_placed = 0
    return NO_REFUSAL


@compiled_part
def plan_flat(slot: Any, rule: Any, strategy: Any, bar: Any, equity: float) -> int:
    """An entry decision on a flat slot: refused while one is pending, by direction or cool-down."""
    if slot.pending_side != 0:
        return _REFUSED_ALREADY_PENDING
    if not allowed(rule, bar.side):
        return _REFUSED_DIRECTION
    if rule.cooldown_bars > 0 and slot.decision - slot.last_exit < rule.cooldown_bars:
        return _REFUSED_COOLDOWN
    return plan_entry(slot, rule, strategy, bar, equity, _SIGNAL_ENTRY)


@compiled_part
def plan_opposite(slot: Any, rule: Any, strategy: Any, bar: Any, equity: float) -> int:
    """An entry decision against the open position: reverse, close or ignore it.

    A reversal whose entry is refused closes all the same.
    """
    if slot.pending_side != 0:
        return _REFUSED_ALREADY_PENDING
    if rule.opposite == _OPPOSITE_IGNORE:
        return _REFUSED_OPPOSITE_IGNORED
    reverse = rule.opposite == _OPPOSITE_REVERSE and allowed(rule, bar.side)
    if slot.pending_exit == 0:
        slot.pending_exit = _REVERSE_EXIT if reverse else _OPPOSITE_EXIT
    if reverse:
        return plan_entry(slot, rule, strategy, bar, equity, _REVERSE_ENTRY)
    return NO_REFUSAL


@compiled_part
def beyond_last_fill(slot: Any, rule: Any, bar: Any) -> bool:
    """Whether this close lies the spacing beyond the last fill in favour; not where the spacing is missing."""
    if rule.spacing_kind == _NO_SPACING:
        return True
    distance = rule.spacing_setting / 100.0 * slot.last_fill
    if rule.spacing_kind == _ATR:
        distance = rule.spacing_setting * bar.levels[rule.spacing_level]
    # both in whole ticks, the one that must be reached rounded up (down for a short position)
    wanted = slot.side * steps_up(slot.side * (slot.last_fill + slot.side * distance), rule.tick)
    return bool(slot.side * (steps_nearest(bar.close, rule.tick) - wanted) >= 0.0)


@compiled_part
def plan_add(slot: Any, rule: Any, strategy: Any, bar: Any, equity: float) -> int:
    """An entry decision on the side of the open position: another order, where pyramiding has room for it."""
    if slot.pending_side != 0:
        return _REFUSED_ALREADY_PENDING
    if slot.pending_exit != 0 or slot.adds >= rule.max_adds or not beyond_last_fill(slot, rule, bar):
        return _REFUSED_ALREADY_OPEN
    return plan_entry(slot, rule, strategy, bar, equity, _ADD_ENTRY)


@compiled_part
def plan_held(slot: Any, rule: Any, strategy: Any, bar: Any, equity: float) -> int:
    """Decisions on an open position: opposite entry first, then the exit rule, then the time stop, then an add."""
    refusal = NO_REFUSAL
    if bar.side == -slot.side:
        refusal = plan_opposite(slot, rule, strategy, bar, equity)
    if slot.pending_exit == 0:
        if bar.exits != 0:
            slot.pending_exit = _SIGNAL_EXIT
        elif rule.max_bars > 0 and slot.decision - slot.entry_decision >= rule.max_bars:
            slot.pending_exit = _TIME_EXIT
    if bar.side == slot.side:
        refusal = plan_add(slot, rule, strategy, bar, equity)
    return refusal


@compiled_part
def plan(slot: Any, rule: Any, strategy: Any, bar: Any, equity: float) -> int:
    """The decision of the bar just closed, at the equity marked at this close."""
    if slot.side != 0:
        return plan_held(slot, rule, strategy, bar, equity)
    if bar.side != 0:
        return plan_flat(slot, rule, strategy, bar, equity)
    return NO_REFUSAL
