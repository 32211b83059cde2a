"""match: which intents a phase of a bar fills, at what price and at which fee. Compiled, changes no state.

An exit's fill is (reason, price, reference, fee percent, ambiguous); reason 0: nothing fills. The reference is
the price without slippage. Recorded prices are compared with levels in whole ticks.
"""

from __future__ import annotations

from typing import Any

from tradebot.engine.backtest.codes import Count, ExitReason
from tradebot.engine.backtest.grid import steps_down, steps_nearest, steps_up
from tradebot.engine.backtest.plan import NO_REFUSAL
from tradebot.engine.control.compiling import compiled

_STOP = int(ExitReason.STOP)
_TARGET = int(ExitReason.TARGET)
_GAP = int(Count.GAP)
_INSUFFICIENT_MARGIN = int(Count.INSUFFICIENT_MARGIN)
_BELOW_MIN_QUANTITY = int(Count.BELOW_MIN_QUANTITY)
_BELOW_MIN_NOTIONAL = int(Count.BELOW_MIN_NOTIONAL)
_ABOVE_MAX_QUANTITY = int(Count.ABOVE_MAX_QUANTITY)

_ExitFill = tuple[int, float, float, float, bool]


@compiled
def market_price(side: int, price: float, rule: Any) -> float:
    """Price of a market buy (+1) or sell (-1) at `price`: slippage, then rounded against us to a tick."""
    if side > 0:
        return steps_up(price * (1.0 + rule.slip), rule.tick) * rule.tick  # type: ignore[no-any-return]  # the grid functions are compiled
    return max(1.0, steps_down(price * (1.0 - rule.slip), rule.tick)) * rule.tick  # type: ignore[no-any-return]  # the grid functions are compiled


@compiled
def match_market_exit(slot: Any, rule: Any, reason: int, reference: float) -> _ExitFill:
    """The whole position leaves as taker around `reference`."""
    return reason, market_price(-slot.side, reference, rule), reference, rule.taker_percent, False


@compiled
def stop_touched(slot: Any, adverse_ticks: float) -> bool:
    """Whether a price of that many ticks triggers the stop; touching is enough. No stop (NaN): never."""
    return bool(adverse_ticks <= slot.stop_ticks if slot.side > 0 else adverse_ticks >= slot.stop_ticks)


@compiled
def target_passed(slot: Any, favourable_ticks: float) -> bool:
    """Whether a price of that many ticks trades through the target; touching is not enough."""
    return bool(
        favourable_ticks > slot.target_ticks if slot.side > 0 else favourable_ticks < slot.target_ticks
    )


@compiled
def quiet(slot: Any, low: float, high: float) -> bool:
    """Whether that range is so far from stop and target that the exact test in ticks is not needed."""
    return bool(low > slot.quiet_low and high < slot.quiet_high)


@compiled
def match_resting_at_open(slot: Any, rule: Any, bar: Any) -> _ExitFill:
    """Stop and target of a position held before this open: both fill at the open, the stop first."""
    if quiet(slot, bar.open, bar.open):
        return 0, 0.0, 0.0, 0.0, False
    ticks = steps_nearest(bar.open, rule.tick)
    if stop_touched(slot, ticks):
        return match_market_exit(slot, rule, _STOP, bar.open)
    if target_passed(slot, ticks):
        return _TARGET, bar.open, bar.open, rule.maker_percent, False
    return 0, 0.0, 0.0, 0.0, False


@compiled
def match_inside(slot: Any, rule: Any, bar: Any) -> _ExitFill:
    """Stop before target within the bar; ambiguous when the target was in its range as well."""
    if quiet(slot, bar.low, bar.high):
        return 0, 0.0, 0.0, 0.0, False
    high_ticks = steps_nearest(bar.high, rule.tick)
    low_ticks = steps_nearest(bar.low, rule.tick)
    adverse, favourable = (low_ticks, high_ticks) if slot.side > 0 else (high_ticks, low_ticks)
    passed = target_passed(slot, favourable)
    if stop_touched(slot, adverse):
        stop = slot.stop_ticks * rule.tick
        level = min(bar.open, stop) if slot.side > 0 else max(bar.open, stop)
        reason, price, reference, fee_percent, _ = match_market_exit(slot, rule, _STOP, level)
        return reason, price, reference, fee_percent, passed
    if passed:
        target = slot.target_ticks * rule.tick
        price = max(bar.open, target) if slot.side > 0 else min(bar.open, target)
        return _TARGET, price, price, rule.maker_percent, False
    return 0, 0.0, 0.0, 0.0, False


@compiled
def match_entry(slot: Any, rule: Any, bar: Any, available: float) -> tuple[int, float, float, bool]:
    """The pending entry at this open: (refusal or NO_REFUSAL, price, quantity, reduced to the affordable)."""
    if bar.time - slot.pending_since > rule.timeframe_ms:
        return _GAP, 0.0, 0.0, False
    price = market_price(slot.pending_side, bar.open, rule)
    unit_cost = price * (1.0 + 2.0 * rule.taker_percent / 100.0)
    affordable = max(0.0, steps_down(available / unit_cost, rule.lot))
    lots = min(affordable, slot.pending_lots)
    quantity = lots * rule.lot
    refusal = NO_REFUSAL
    if affordable <= 0.0:
        refusal = _INSUFFICIENT_MARGIN
    elif lots <= 0.0 or lots < steps_up(rule.min_quantity, rule.lot):
        refusal = _BELOW_MIN_QUANTITY
    elif quantity * price < rule.min_notional:
        refusal = _BELOW_MIN_NOTIONAL
    elif lots > steps_down(rule.max_quantity, rule.lot):
        refusal = _ABOVE_MAX_QUANTITY
    return refusal, price, quantity, affordable < slot.pending_lots
