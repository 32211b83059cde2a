"""plan: what a closed bar's decision asks for, as pending market orders of a slot. Compiled.

Nothing here fills: what is planned at a close is matched at the slot's next open. Each function returns the
refusal (a `Count`) that the decision met, or NO_REFUSAL.
"""

from __future__ import annotations

from typing import Any

from tradebot.engine.backtest.codes import Count, EntryReason, ExitReason, Opposite, SizingKind
from tradebot.engine.backtest.grid import steps_down
from tradebot.engine.control.compiling import compiled

NO_REFUSAL = -1
_SIGNAL_ENTRY = int(EntryReason.SIGNAL)
_REVERSE_ENTRY = int(EntryReason.REVERSE)
_SIGNAL_EXIT = int(ExitReason.SIGNAL)
_REVERSE_EXIT = int(ExitReason.REVERSE)
_OPPOSITE_EXIT = int(ExitReason.OPPOSITE)
_TIME_EXIT = int(ExitReason.TIME)
_OPPOSITE_REVERSE = int(Opposite.REVERSE)
_OPPOSITE_IGNORE = int(Opposite.IGNORE)
_BY_EQUITY = int(SizingKind.EQUITY)
_BY_NOTIONAL = int(SizingKind.NOTIONAL)
_REFUSED_OPPOSITE_IGNORED = int(Count.OPPOSITE_IGNORED)
_REFUSED_ALREADY_OPEN = int(Count.ALREADY_OPEN)
_REFUSED_DIRECTION = int(Count.DIRECTION)
_REFUSED_COOLDOWN = int(Count.COOLDOWN)


@compiled
def wanted_lots(rule: Any, equity: float, close: float) -> float:
    """Whole lots that the sizing asks for at the decision's close and marked equity."""
    if rule.sizing == _BY_EQUITY:
        return steps_down(rule.sizing_value / 100.0 * equity / close, rule.lot)
    if rule.sizing == _BY_NOTIONAL:
        return steps_down(rule.sizing_value / close, rule.lot)
    return steps_down(rule.sizing_value, rule.lot)


@compiled
def allowed(rule: Any, side: int) -> bool:
    """Whether the direction of the strategy permits that side."""
    return bool((rule.long_allowed if side > 0 else rule.short_allowed) != 0)


@compiled
def plan_entry(slot: Any, rule: Any, bar: Any, equity: float, reason: int) -> None:
    """Leave a market entry for the next open."""
    slot.pending_side = bar.side
    slot.pending_reason = reason
    slot.pending_since = bar.time + rule.timeframe_ms
    slot.pending_lots = wanted_lots(rule, equity, bar.close)


@compiled
def plan_flat(slot: Any, rule: Any, bar: Any, equity: float) -> int:
    """An entry decision on a flat slot: refused by direction or cool-down, else pending."""
    if not allowed(rule, bar.side):
        return _REFUSED_DIRECTION
    if rule.cooldown_bars > 0 and slot.bar - slot.last_exit_bar < rule.cooldown_bars:
        return _REFUSED_COOLDOWN
    plan_entry(slot, rule, bar, equity, _SIGNAL_ENTRY)
    return NO_REFUSAL


@compiled
def plan_opposite(slot: Any, rule: Any, bar: Any, equity: float) -> int:
    """An entry decision against the open position: reverse, close or ignore it."""
    if rule.opposite == _OPPOSITE_IGNORE:
        return _REFUSED_OPPOSITE_IGNORED
    if rule.opposite == _OPPOSITE_REVERSE and allowed(rule, bar.side):
        slot.pending_exit = _REVERSE_EXIT
        plan_entry(slot, rule, bar, equity, _REVERSE_ENTRY)
    else:
        slot.pending_exit = _OPPOSITE_EXIT
    return NO_REFUSAL


@compiled
def plan_held(slot: Any, rule: Any, bar: Any, equity: float) -> int:
    """Decisions on an open position: opposite entry first, then the exit rule, then the time stop."""
    refusal = NO_REFUSAL
    if bar.side == -slot.side:
        refusal = plan_opposite(slot, rule, bar, equity)
    elif bar.side == slot.side:
        refusal = _REFUSED_ALREADY_OPEN
    if slot.pending_exit == 0:
        if (bar.exit_long if slot.side > 0 else bar.exit_short) != 0:
            slot.pending_exit = _SIGNAL_EXIT
        elif rule.max_bars > 0 and slot.bar - slot.entry_bar + 1 >= rule.max_bars:
            slot.pending_exit = _TIME_EXIT
    return refusal


@compiled
def plan(slot: Any, rule: Any, bar: Any, equity: float) -> int:
    """The decision of the bar just closed, at the equity marked at this close."""
    if slot.side != 0:
        return plan_held(slot, rule, bar, equity)
    if bar.side != 0:
        return plan_flat(slot, rule, bar, equity)
    return NO_REFUSAL
