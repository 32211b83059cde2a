"""apply: what a fill does to wallet, position and trade log. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from tradebot.engine.backtest.kernel.codes import ExitReason, TradeStatus, code
from tradebot.engine.backtest.kernel.levels import forget_levels, set_levels, set_quiet, thaw_levels
from tradebot.engine.backtest.kernel.margin import set_margin
from tradebot.engine.backtest.kernel.orders import drop_order
from tradebot.engine.backtest.kernel.records import NEVER
from tradebot.engine.control.compiling import compiled_part

_CLOSED = code(TradeStatus.CLOSED)
_LIQUIDATED = code(TradeStatus.LIQUIDATED)
_LIQUIDATION = code(ExitReason.LIQUIDATION)
_TARGET = code(ExitReason.TARGET)
_NEVER = NEVER


@compiled_part
def begin_position(account: Any, strategy: Any, slot: Any, time: int) -> None:
    """A flat slot becomes a position of no size yet."""
    account.trade_count += 1
    strategy.open_positions += 1
    slot.trade_id = account.trade_count
    slot.side = slot.pending_side
    slot.quantity = slot.lots = slot.entry_price = 0.0
    slot.entry_time = time
    slot.entry_decision = slot.decision
    slot.entry_reason = slot.pending_reason
    slot.entry_kind = slot.pending_kind
    slot.decided_ms = slot.pending_since
    slot.entry_fee = slot.entry_slippage = slot.funding = slot.realised = slot.extra_margin = 0.0
    slot.legs = 0
    slot.adds = -1  # the first fill counts up to none
    slot.coarse = 0
    forget_levels(slot)


@compiled_part
def enter(
    account: Any,
    strategy: Any,
    slot: Any,
    rule: Any,
    bar: Any,
    tiers: Any,
    price: float,
    reference: float,
    lots: float,
    fee_percent: float,
    inside: bool,
) -> None:
    """The pending entry filled: a new position, or more of the open one at the average price."""
    time = bar.end - 1 if inside else bar.time
    if slot.side == 0:
        begin_position(account, strategy, slot, time)
        slot.lowest = slot.highest = price
    quantity = lots * rule.lot
    fee = quantity * price * fee_percent / 100.0
    slot.lots += lots
    whole = slot.lots * rule.lot
    slot.entry_price = (
        (slot.quantity * slot.entry_price + quantity * price) / whole if slot.quantity > 0.0 else price
    )
    slot.quantity = whole
    slot.original_lots = slot.lots
    slot.entry_fee += fee
    slot.entry_slippage += quantity * abs(price - reference)
    slot.adds += 1
    slot.last_fill = price
    slot.inside_bar = slot.bar if inside else _NEVER
    slot.coarse |= bar.coarse
    account.wallet -= fee
    thaw_levels(slot)
    set_margin(slot, rule, tiers)
    set_levels(slot, rule)
    if slot.adds == 0:
        slot.first_liquidation = slot.liquidation
        slot.first_target = slot.target_ticks[0] * rule.tick if slot.target_count > 0 else np.nan
    drop_order(slot)


@compiled_part
def write_leg(
    slot: Any, row: Any, price: float, time: int, quantity: float, exit_fee: float, exit_slippage: float
) -> None:
    """The row of a part of the position that leaves, or is marked, at `price`.

    Entry fee, entry slippage and funding are apportioned by quantity; reason and status are the caller's.
    """
    share = quantity / slot.quantity
    lowest = min(slot.lowest, price, slot.entry_price)  # the average entry may lie beside all prices since
    highest = max(slot.highest, price, slot.entry_price)
    worst = lowest - slot.entry_price if slot.side > 0 else slot.entry_price - highest
    best = highest - slot.entry_price if slot.side > 0 else slot.entry_price - lowest
    scale = slot.entry_price if np.isnan(slot.risk) else slot.risk
    fees = slot.entry_fee * share + exit_fee
    funding = slot.funding * share
    pnl = slot.side * quantity * (price - slot.entry_price) - fees + funding
    row.trade_id = slot.trade_id
    row.side = slot.side
    row.entry_time = slot.entry_time
    row.entry_price = slot.entry_price
    row.exit_time = time
    row.exit_price = price
    row.quantity = quantity
    row.pnl = pnl
    row.r = pnl / (quantity * slot.risk)
    row.fees = fees
    row.funding = funding
    row.slippage = slot.entry_slippage * share + exit_slippage
    row.entry_reason = slot.entry_reason
    row.bars = slot.decision_before - slot.entry_decision
    row.mae = worst / scale
    row.mfe = best / scale
    row.initial_stop = slot.initial_stop
    row.leg = slot.legs + 1
    row.last_leg = 1 if share == 1.0 else 0
    row.adds = slot.adds
    row.entry_kind = slot.entry_kind
    row.decided_ms = slot.decided_ms
    row.initial_target = slot.first_target
    row.liquidation_price = slot.first_liquidation
    row.coarse = slot.coarse


@compiled_part
def leave(
    account: Any,
    strategy: Any,
    slot: Any,
    rule: Any,
    bar: Any,
    tiers: Any,
    row: Any,
    reason: int,
    price: float,
    reference: float,
    fee: float,
    ambiguous: bool,
    lots: float,
    time: int,
) -> None:
    """An exit filled: profit and fee into the wallet, a row into the log, the position smaller or gone."""
    quantity = slot.quantity if lots == slot.lots else lots * rule.lot
    slot.coarse |= bar.coarse
    write_leg(slot, row, price, time, quantity, fee, quantity * abs(price - reference))
    row.strategy = rule.strategy
    row.exit_reason = reason
    row.ambiguous = 1 if ambiguous else 0
    row.status = _LIQUIDATED if reason == _LIQUIDATION else _CLOSED
    account.wallet += slot.side * quantity * (price - slot.entry_price) - fee
    slot.realised += row.pnl
    slot.legs += 1
    if reason == _TARGET:
        slot.next_target += 1
    if lots == slot.lots:
        end_position(strategy, slot)
        return
    left = (slot.quantity - quantity) / slot.quantity
    slot.entry_fee *= left
    slot.entry_slippage *= left
    slot.funding *= left
    slot.extra_margin *= left
    slot.lots -= lots
    slot.quantity = slot.lots * rule.lot
    set_margin(slot, rule, tiers)
    set_quiet(slot, rule)


@compiled_part
def end_position(strategy: Any, slot: Any) -> None:
    """The last leg left: the slot is flat, and the strategy has one result more."""
    strategy.open_positions -= 1
    strategy.closed += 1
    if slot.realised > 0.0:
        strategy.won += 1
        strategy.sum_won += slot.realised
    elif slot.realised < 0.0:
        strategy.lost += 1
        strategy.sum_lost -= slot.realised
    slot.side = 0
    slot.quantity = slot.lots = slot.margin = 0.0
    slot.pending_exit = 0
    slot.last_exit = slot.decision + 1
    forget_levels(slot)
