"""Limits on the account and on a strategy: what refuses entries, and what closes everything. Compiled.

Daily loss, drawdown and loss streak look back at the last close; exposure and the number of positions are looked at
when an order fills.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tradebot.engine.backtest.kernel.codes import Count, code
from tradebot.engine.control.compiling import compiled_part

NO_REFUSAL = code(-1)
_DAILY_LOSS = code(Count.DAILY_LOSS)
_DRAWDOWN = code(Count.DRAWDOWN)
_LOSS_STREAK = code(Count.LOSS_STREAK)
NEAR = 1.0 + 1e-12
DAY_MS = 86_400_000


@compiled_part
def start_day(account: Any, end: int) -> None:
    """The step that closes at `end` belongs to the UTC day that ends then or later; each notes the equity before."""
    if end > account.day_end:
        account.day_end = ((end - 1) // DAY_MS + 1) * DAY_MS
        account.day_equity = account.equity


@compiled_part
def blocked(strategy: Any, bar: Any) -> int:
    """The limit that refuses an entry decided at this bar's close, or NO_REFUSAL."""
    if bar.time < strategy.blocked_until:
        return _DAILY_LOSS
    if strategy.stopped != 0:
        return _DRAWDOWN
    if bar.end <= strategy.paused_until:
        return _LOSS_STREAK
    return NO_REFUSAL


@compiled_part
def breaks_daily_loss(account: Any, strategy: Any, limit: Any) -> bool:
    """Whether the equity of this close breaks the daily loss limit for the first time today; it is noted."""
    if strategy.blocked_until >= account.day_end:
        return False
    if not account.equity <= (1.0 - limit.daily_loss) * account.day_equity * NEAR:
        return False
    strategy.blocked_until = account.day_end
    return True


@compiled_part
def breaks_drawdown(account: Any, strategy: Any, limit: Any) -> bool:
    """Whether the equity of this close breaks the drawdown limit for the first time; it is noted."""
    if strategy.stopped != 0 or not account.equity <= (1.0 - limit.drawdown) * account.peak * NEAR:
        return False
    strategy.stopped = 1
    return True


@compiled_part
def daily_floor(account: Any, strategies: Any, limits: Any) -> float:
    """The highest equity at which some daily limit not broken yet would break; -inf: none."""
    floor = -np.inf
    for st in range(len(limits)):
        strategy, limit = strategies[st], limits[st]
        if strategy.blocked_until < account.day_end and not np.isnan(limit.daily_loss):
            floor = max(floor, (1.0 - limit.daily_loss) * account.day_equity * NEAR)
    return floor


@compiled_part
def drawdown_share(strategies: Any, limits: Any) -> float:
    """The share of the peak at which some drawdown limit not broken yet would break; 0: none."""
    share = 0.0
    for st in range(len(limits)):
        if strategies[st].stopped == 0 and not np.isnan(limits[st].drawdown):
            share = max(share, 1.0 - limits[st].drawdown)
    return share


@compiled_part
def pauses(strategy: Any, rule: Any, profit: float, end: int) -> bool:
    """A whole position closed in the bar that ends at `end`: whether it completes a run of losses; it is noted."""
    if profit > 0.0:
        strategy.losses_in_a_row = 0
        return False
    strategy.losses_in_a_row += 1
    if rule.streak == 0 or strategy.losses_in_a_row < rule.streak:
        return False
    strategy.losses_in_a_row = 0
    strategy.paused_until = end + rule.pause_ms
    return True


@compiled_part
def notional(slots: Any) -> float:
    """Sum of all positions' values at their last marks."""
    total = 0.0
    for s in range(len(slots)):
        total += slots[s].quantity * slots[s].mark
    return total


@compiled_part
def symbol_notional(slots: Any, rules: Any, symbol: int) -> float:
    """Value of the positions of all strategies in one symbol at their last marks."""
    total = 0.0
    for s in range(len(slots)):
        if rules[s].symbol == symbol:
            total += slots[s].quantity * slots[s].mark
    return total
