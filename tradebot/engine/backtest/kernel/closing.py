"""on_close of the account: its equity, its exposure, the row of the step, and the limits it breaks. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from tradebot.engine.backtest.kernel.apply import write_leg
from tradebot.engine.backtest.kernel.codes import Count, ExitReason, TradeStatus, code
from tradebot.engine.backtest.kernel.limits import DAY_MS, breaks_daily_loss, breaks_drawdown
from tradebot.engine.backtest.kernel.orders import expired
from tradebot.engine.backtest.kernel.phases import note, refuse
from tradebot.engine.backtest.kernel.quiet import write_row
from tradebot.engine.control.compiling import compiled_loop, compiled_part

_END = code(ExitReason.END)
_DAILY_LOSS_EXIT = code(ExitReason.DAILY_LOSS)
_DRAWDOWN_EXIT = code(ExitReason.DRAWDOWN)
_OPEN = code(TradeStatus.OPEN)
_EXPIRED = code(Count.EXPIRED)
_DAILY_LOSS = code(Count.DAILY_LOSS)
_DRAWDOWN = code(Count.DRAWDOWN)
_DAILY_LOSS_REACHED = code(Count.DAILY_LOSS_REACHED)
_DRAWDOWN_REACHED = code(Count.DRAWDOWN_REACHED)


@compiled_part
def mark_account(
    account: Any,
    slots: Any,
    rules: Any,
    market: Any,
    rows: Any,
    daily: int,
    end: int,
    exposed: bool,
    out: Any,
) -> None:
    """on_close: orders whose time is over end, equity and drawdown are those of this close, a row is written."""
    unrealised = kept = value = net = dip = 0.0
    for s in range(len(slots)):
        slot = slots[s]
        here = slot.bar + market.shift[s]
        if slot.bar_end == end:
            slot.mark = market.mark_closes[here]
        if slot.reserve > 0.0 and expired(slot, rules[s], end):
            refuse(slot, rules[s], out, s, end, _EXPIRED)
        kept += slot.margin + slot.reserve
        if slot.side != 0:
            exposed = True
            signed_quantity = slot.side * slot.quantity
            unrealised += signed_quantity * (slot.mark - slot.entry_price)
            value += slot.quantity * slot.mark
            net += signed_quantity * slot.mark
            if slot.bar_end == end:
                adverse = market.mark_lows[here] if slot.side > 0 else market.mark_highs[here]
                dip += signed_quantity * (adverse - slot.mark)
    account.equity = account.wallet + unrealised
    account.worst_inside = min(account.worst_inside, (account.equity + dip) / account.peak - 1.0)
    account.peak = max(account.peak, account.equity)
    account.worst_drawdown = min(account.worst_drawdown, account.equity / account.peak - 1.0)
    account.clock_ms = end
    account.ticks += 1
    account.exposed_ticks += exposed
    put_row(rows, out.written, daily, end, account.equity, account.wallet - kept, value)
    if account.equity <= 0.0:
        account.bankrupt = 1
    elif value > 0.0:
        account.sum_exposure += value / account.equity
        account.most_exposure = max(account.most_exposure, value / account.equity)
        account.sum_net += abs(net) / account.equity
        account.most_net = max(account.most_net, abs(net) / account.equity)


@compiled_part
def put_row(
    rows: Any, written: Any, daily: int, end: int, equity: float, available: float, value: float
) -> None:
    """The row of a step; with `daily` it takes the place of an earlier one of the same UTC day."""
    row = written[1]
    if daily == 0 or row == 0 or (int(rows[0, row - 1]) - 1) // DAY_MS != (end - 1) // DAY_MS:
        written[1] = row + 1
    else:
        row -= 1
    write_row(rows, row, end, equity, available, value)


@compiled_part
def close_everything(slots: Any, rules: Any, strategy: int, limit: int, out: Any, time: int) -> None:
    """A strategy's limit broke: its pending entries end, its positions leave at their next open."""
    daily = limit == _DAILY_LOSS
    first = True
    for s in range(len(slots)):
        if rules[s].strategy != strategy:
            continue
        slot = slots[s]
        if first:
            note(out, s, time, _DAILY_LOSS_REACHED if daily else _DRAWDOWN_REACHED, np.nan, np.nan)
            first = False
        if slot.pending_side != 0:
            refuse(slot, rules[s], out, s, time, limit)
        if slot.side != 0 and slot.pending_exit == 0:
            slot.pending_exit = _DAILY_LOSS_EXIT if daily else _DRAWDOWN_EXIT


@compiled_part
def apply_limits(
    account: Any, strategies: Any, limits: Any, slots: Any, rules: Any, out: Any, end: int
) -> None:
    """on_close: what the equity of this close breaks."""
    for st in range(len(limits)):
        if breaks_daily_loss(account, strategies[st], limits[st]):
            close_everything(slots, rules, st, _DAILY_LOSS, out, end)
        if breaks_drawdown(account, strategies[st], limits[st]):
            close_everything(slots, rules, st, _DRAWDOWN, out, end)


@compiled_loop
def write_open_positions(slots: Any, rules: Any, trades: Any) -> int:
    """Rows for the positions still open, marked at their last close. Returns how many."""
    count = 0
    for s in range(len(slots)):
        slot = slots[s]
        if slot.side != 0:
            row = trades[count]
            write_leg(slot, row, slot.mark, slot.bar_end, slot.quantity, 0.0, 0.0)
            row.slot = s
            row.strategy = rules[s].strategy
            row.exit_reason = _END
            row.ambiguous = 0
            row.last_leg = 0
            row.status = _OPEN
            count += 1
    return count
