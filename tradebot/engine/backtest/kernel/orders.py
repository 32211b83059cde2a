"""Entry orders: where they stand, how long they live, when they fill. Compiled, changes nothing but the order."""

from __future__ import annotations

from typing import Any

import numpy as np

from tradebot.engine.backtest.kernel.codes import LevelKind, OrderKind, code
from tradebot.engine.backtest.kernel.grid import steps_down, steps_nearest, steps_up
from tradebot.engine.control.compiling import compiled_part

_MARKET = code(OrderKind.MARKET)
_LIMIT = code(OrderKind.LIMIT)
_ATR = code(LevelKind.ATR)
_PERCENT = code(LevelKind.PERCENT)


@compiled_part
def order_ticks(rule: Any, bar: Any, side: int) -> float:
    """Price of a limit or stop entry in ticks, from the decision's close; NaN where its distance is missing.

    A limit stands better than the close, rounded away from it (buy down, sell up); a stop stands worse (buy up, sell
    down). Without a price of at least one tick there is none.
    """
    away = -side if rule.entry_kind == _LIMIT else side
    price = bar.close
    if rule.offset_kind == _PERCENT:
        price = bar.close * (1.0 + away * rule.offset_value / 100.0)
    elif rule.offset_kind == _ATR:
        price = bar.close + away * rule.offset_value * bar.levels[rule.offset_level]
    ticks = steps_up(price, rule.tick) if away > 0 else steps_down(price, rule.tick)
    return ticks if ticks >= 1.0 else np.nan


@compiled_part
def late(slot: Any, rule: Any, bar: Any) -> bool:
    """Whether an entry finds its first bar more than one decision bar after the decision."""
    return bool(slot.pending_placed == 0 and bar.time - slot.pending_since > rule.timeframe_ms)


@compiled_part
def expired(slot: Any, rule: Any, time: int) -> bool:
    """Whether a limit or stop entry has lived its decision bars at that time."""
    return bool(
        slot.pending_side != 0
        and slot.pending_kind != _MARKET
        and time >= slot.pending_since + rule.valid_bars * rule.timeframe_ms
    )


@compiled_part
def fills_at_open(slot: Any, rule: Any, bar: Any) -> bool:
    """Whether the open is strictly better than a limit, or at or beyond a stop. A market order always fills."""
    if slot.pending_kind == _MARKET:
        return True
    beyond = slot.pending_side * (steps_nearest(bar.open, rule.tick) - slot.pending_ticks)
    return bool(beyond < 0.0 if slot.pending_kind == _LIMIT else beyond >= 0.0)


@compiled_part
def fills_inside(slot: Any, rule: Any, bar: Any) -> bool:
    """Whether the bar trades through a resting limit, or touches a resting stop."""
    if slot.pending_side == 0 or slot.pending_placed == 0:
        return False
    if slot.pending_kind == _LIMIT:
        reached = steps_nearest(bar.low if slot.pending_side > 0 else bar.high, rule.tick)
        return bool(slot.pending_side * (reached - slot.pending_ticks) < 0.0)
    reached = steps_nearest(bar.high if slot.pending_side > 0 else bar.low, rule.tick)
    return bool(slot.pending_side * (reached - slot.pending_ticks) >= 0.0)


@compiled_part
def drop_order(slot: Any) -> None:
    """The entry order is no more, and keeps nothing reserved."""
    slot.pending_side = 0
    slot.pending_placed = 0
    slot.reserve = 0.0
