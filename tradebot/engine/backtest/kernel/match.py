"""match: which orders a phase of a bar fills, at what price and at which fee. Compiled, changes no state.

An exit's fill is (reason, price, reference, fee, ambiguous); reason 0: nothing fills. The reference is the price
without slippage, the fee is in the quote coin. Recorded prices are compared with levels in whole ticks.
"""

from __future__ import annotations

from typing import Any

from tradebot.engine.backtest.kernel.codes import Count, ExitReason, OrderKind, code, flag
from tradebot.engine.backtest.kernel.grid import steps_down, steps_nearest, steps_up
from tradebot.engine.backtest.kernel.levels import leg_lots
from tradebot.engine.backtest.kernel.limits import NO_REFUSAL
from tradebot.engine.backtest.kernel.margin import entry_cost, liquidated, settlement
from tradebot.engine.backtest.kernel.slippage import market_price
from tradebot.engine.control.compiling import compiled_part

_TARGET = code(ExitReason.TARGET)
_LIQUIDATION = code(ExitReason.LIQUIDATION)
_LIMIT = code(OrderKind.LIMIT)
_BELOW_MIN_QUANTITY = code(Count.BELOW_MIN_QUANTITY)
_BELOW_MIN_NOTIONAL = code(Count.BELOW_MIN_NOTIONAL)
_ABOVE_MAX_QUANTITY = code(Count.ABOVE_MAX_QUANTITY)
_NOTHING = code(ExitReason.NONE)
_CERTAIN = flag(False)
_NOTIONAL_TOLERANCE = 1.0 - 1e-9

_ExitFill = tuple[int, float, float, float, bool]


@compiled_part
def no_exit() -> _ExitFill:
    """Nothing fills."""
    return _NOTHING, 0.0, 0.0, 0.0, _CERTAIN


@compiled_part
def match_market_exit(slot: Any, rule: Any, bar: Any, reason: int, reference: float) -> _ExitFill:
    """The whole position leaves as taker around `reference`."""
    price = market_price(-slot.side, reference, rule, bar, slot.quantity)
    return reason, price, reference, slot.quantity * price * rule.taker_percent / 100.0, _CERTAIN


@compiled_part
def match_target(slot: Any, rule: Any, price: float) -> _ExitFill:
    """The next leg leaves at `price` as maker."""
    fee = leg_lots(slot, rule) * rule.lot * price * rule.maker_percent / 100.0
    return _TARGET, price, price, fee, _CERTAIN


@compiled_part
def match_liquidation(slot: Any, rule: Any) -> _ExitFill:
    """The exchange takes the position over at its bankruptcy price."""
    price, fee = settlement(slot, rule)
    return _LIQUIDATION, price, price, fee, _CERTAIN


@compiled_part
def stop_touched(slot: Any, adverse_ticks: float) -> bool:
    """Whether a price of that many ticks triggers the stop; touching is enough. No stop (NaN): never."""
    return bool(adverse_ticks <= slot.stop if slot.side > 0 else adverse_ticks >= slot.stop)


@compiled_part
def target_passed(slot: Any, favourable_ticks: float) -> bool:
    """Whether a price of that many ticks trades through the next target; touching is not enough."""
    if slot.next_target >= slot.target_count:
        return False
    target = slot.target_ticks[slot.next_target]
    return bool(favourable_ticks > target if slot.side > 0 else favourable_ticks < target)


@compiled_part
def quiet(slot: Any, low: float, high: float) -> bool:
    """Whether that range is so far from stop and target that the exact test in ticks is not needed."""
    return bool(low > slot.quiet_low and high < slot.quiet_high)


@compiled_part
def quiet_mark(slot: Any, low: float, high: float) -> bool:
    """Whether marks in that range are far from liquidating the position."""
    return bool(low > slot.quiet_mark_low and high < slot.quiet_mark_high)


@compiled_part
def match_liquidation_at_open(slot: Any, rule: Any, bar: Any) -> _ExitFill:
    """The mark opens at or beyond the liquidation price."""
    if not quiet_mark(slot, bar.mark_open, bar.mark_open) and liquidated(slot, rule, bar.mark_open):
        return match_liquidation(slot, rule)
    return no_exit()


@compiled_part
def match_resting_at_open(slot: Any, rule: Any, bar: Any) -> _ExitFill:
    """Stop and next target of a position held before this open: both fill at the open, the stop first."""
    if quiet(slot, bar.open, bar.open):
        return no_exit()
    ticks = steps_nearest(bar.open, rule.tick)
    if stop_touched(slot, ticks):
        return match_market_exit(slot, rule, bar, slot.stop_reason, bar.open)
    if target_passed(slot, ticks):
        return match_target(slot, rule, bar.open)
    return no_exit()


@compiled_part
def stop_reference(slot: Any, rule: Any, bar: Any, entered_inside: bool) -> float:
    """Where a stop touched inside the bar fills: at the stop, or at the open where that lies beyond it.

    The price came to a position that was entered inside the bar after the open: for it the stop itself counts.
    """
    stop = slot.stop * rule.tick
    if entered_inside:
        return float(stop)
    return float(min(bar.open, stop) if slot.side > 0 else max(bar.open, stop))


@compiled_part
def match_adverse(slot: Any, rule: Any, bar: Any, entered_inside: bool) -> _ExitFill:
    """Stop or liquidation within the bar, whichever is nearer; equal: the stop."""
    stopped = False
    if not quiet(slot, bar.low, bar.high):
        stopped = stop_touched(slot, steps_nearest(bar.low if slot.side > 0 else bar.high, rule.tick))
    if not quiet_mark(slot, bar.mark_low, bar.mark_high) and liquidated(
        slot, rule, bar.mark_low if slot.side > 0 else bar.mark_high
    ):
        nearer = slot.side * (slot.liquidation - slot.stop * rule.tick) > 0.0
        if nearer or not stopped:
            return match_liquidation(slot, rule)
    if stopped:
        return match_market_exit(
            slot, rule, bar, slot.stop_reason, stop_reference(slot, rule, bar, entered_inside)
        )
    return no_exit()


@compiled_part
def match_favourable(slot: Any, rule: Any, bar: Any) -> _ExitFill:
    """The next target within the bar, better where the bar opened beyond it."""
    if quiet(slot, bar.low, bar.high):
        return no_exit()
    if not target_passed(slot, steps_nearest(bar.high if slot.side > 0 else bar.low, rule.tick)):
        return no_exit()
    target = slot.target_ticks[slot.next_target] * rule.tick
    return match_target(slot, rule, max(bar.open, target) if slot.side > 0 else min(bar.open, target))


@compiled_part
def target_in_range(slot: Any, rule: Any, bar: Any) -> bool:
    """Whether the bar trades through the next target somewhere."""
    return target_passed(slot, steps_nearest(bar.high if slot.side > 0 else bar.low, rule.tick))


@compiled_part
def entry_price(slot: Any, rule: Any, bar: Any, reference: float, lots: float) -> float:
    """Price of the pending entry around `reference`: a limit order fills at it, others pay slippage."""
    if slot.pending_kind == _LIMIT:
        return reference
    return market_price(slot.pending_side, reference, rule, bar, lots * rule.lot)


@compiled_part
def affordable_lots(slot: Any, rule: Any, price: float, available: float) -> float:
    """Whole lots that the available balance can open at that price."""
    return max(0.0, steps_down(available / entry_cost(slot.pending_side, price, rule), rule.lot))


@compiled_part
def beside_limits(rule: Any, lots: float, price: float) -> int:
    """The minimum or maximum of the instrument that an order of these lots meets, or NO_REFUSAL."""
    if lots <= 0.0 or lots < steps_up(rule.min_quantity, rule.lot):
        return _BELOW_MIN_QUANTITY
    if lots * rule.lot * price < rule.min_notional * _NOTIONAL_TOLERANCE:
        return _BELOW_MIN_NOTIONAL
    if lots > steps_down(rule.max_quantity, rule.lot):
        return _ABOVE_MAX_QUANTITY
    return NO_REFUSAL
