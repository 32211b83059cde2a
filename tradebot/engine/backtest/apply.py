"""apply: what a fill or a funding payment does to wallet, position and trade log. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from tradebot.engine.backtest.codes import TradeStatus
from tradebot.engine.backtest.grid import steps_down, steps_nearest, steps_up
from tradebot.engine.control.compiling import compiled

_CLOSED = int(TradeStatus.CLOSED)


@compiled
def set_levels(slot: Any, rule: Any) -> None:
    """Stop and target from the actual fill, each rounded towards the price, at least one tick away from it.

    Without a stop or target its percent is NaN, and so becomes its level.
    """
    price, tick = slot.entry_price, rule.tick
    price_ticks = steps_nearest(price, tick)
    stop = slot.side * rule.stop_percent / 100.0
    target = slot.side * rule.target_percent / 100.0
    if slot.side > 0:
        stop_ticks = steps_up(price * (1.0 - stop), tick)
        target_ticks = steps_down(price * (1.0 + target), tick)
        slot.stop_ticks = price_ticks - 1.0 if stop_ticks >= price_ticks else stop_ticks
        slot.target_ticks = price_ticks + 1.0 if target_ticks <= price_ticks else target_ticks
    else:
        stop_ticks = steps_down(price * (1.0 - stop), tick)
        target_ticks = steps_up(price * (1.0 + target), tick)
        slot.stop_ticks = price_ticks + 1.0 if stop_ticks <= price_ticks else stop_ticks
        slot.target_ticks = price_ticks - 1.0 if target_ticks >= price_ticks else target_ticks
    slot.initial_stop = slot.stop_ticks * tick + 0.0  # no negative zero
    below, above = slot.stop_ticks, slot.target_ticks
    if slot.side < 0:
        below, above = above, below
    slot.quiet_low = -np.inf if np.isnan(below) else (below + 1.0) * tick
    slot.quiet_high = np.inf if np.isnan(above) else (above - 1.0) * tick


@compiled
def open_position(account: Any, slot: Any, rule: Any, bar: Any, price: float, quantity: float) -> None:
    """The pending entry became a position: fee from the wallet, levels set, excursions start at the fill."""
    account.trade_count += 1
    slot.trade_id = account.trade_count
    slot.side = slot.pending_side
    slot.quantity = quantity
    slot.entry_price = price
    slot.entry_time = bar.time
    slot.entry_bar = slot.bar
    slot.entry_reason = slot.pending_reason
    slot.entry_fee = quantity * price * rule.taker_percent / 100.0
    slot.entry_slippage = quantity * abs(price - bar.open)
    slot.funding = 0.0
    slot.lowest = price
    slot.highest = price
    set_levels(slot, rule)
    account.wallet -= slot.entry_fee


@compiled
def write_trade(slot: Any, row: Any, price: float, time: int, exit_fee: float, exit_slippage: float) -> None:
    """Fill the row of a position that ends, or is marked, at `price`; reason and status are the caller's."""
    lowest, highest = min(slot.lowest, price), max(slot.highest, price)
    worst = lowest - slot.entry_price if slot.side > 0 else slot.entry_price - highest
    best = highest - slot.entry_price if slot.side > 0 else slot.entry_price - lowest
    risk = abs(slot.entry_price - slot.initial_stop)
    scale = slot.entry_price if np.isnan(risk) else risk
    fees = slot.entry_fee + exit_fee
    pnl = slot.side * slot.quantity * (price - slot.entry_price) - fees + slot.funding
    row.trade_id = slot.trade_id
    row.side = slot.side
    row.entry_time = slot.entry_time
    row.entry_price = slot.entry_price
    row.exit_time = time
    row.exit_price = price
    row.quantity = slot.quantity
    row.pnl = pnl
    row.r = pnl / (slot.quantity * risk)
    row.fees = fees
    row.funding = slot.funding
    row.slippage = slot.entry_slippage + exit_slippage
    row.entry_reason = slot.entry_reason
    row.bars = slot.bar - slot.entry_bar
    row.mae = worst / scale
    row.mfe = best / scale
    row.initial_stop = slot.initial_stop


@compiled
def close_position(
    account: Any,
    slot: Any,
    row: Any,
    reason: int,
    price: float,
    reference: float,
    fee_percent: float,
    ambiguous: bool,
    time: int,
) -> None:
    """An exit filled: profit and fee into the wallet, a row into the log, the slot flat."""
    fee = slot.quantity * price * fee_percent / 100.0
    write_trade(slot, row, price, time, fee, slot.quantity * abs(price - reference))
    row.exit_reason = reason
    row.ambiguous = 1 if ambiguous else 0
    row.status = _CLOSED
    account.wallet += slot.side * slot.quantity * (price - slot.entry_price) - fee
    slot.side = 0
    slot.quantity = 0.0
    slot.pending_exit = 0
    slot.last_exit_bar = slot.bar
    slot.stop_ticks = np.nan
    slot.target_ticks = np.nan
    slot.initial_stop = np.nan


@compiled
def pay_funding(account: Any, slot: Any, price: float, rate: float) -> None:
    """One funding time: with a positive rate the long side pays, the short side receives."""
    payment = slot.side * slot.quantity * price * rate
    account.wallet -= payment
    slot.funding -= payment
