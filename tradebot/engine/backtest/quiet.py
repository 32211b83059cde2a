"""Stretches of bars in which nothing can happen to a single slot, passed in one tight loop. Compiled.

Only a short cut: a bar is passed here when the full step would fill nothing, plan nothing and pay nothing, and
leaves the same state and rows behind, bit for bit (a test runs both). Everything else is left to the step.
"""

from __future__ import annotations

from typing import Any

from tradebot.engine.backtest.codes import Count
from tradebot.engine.control.compiling import compiled

_ALREADY_OPEN = int(Count.ALREADY_OPEN)


@compiled
def pass_flat(
    account: Any,
    timeframe_ms: int,
    before: int,
    times: Any,
    sides: Any,
    rows: Any,
    here: int,
    row: int,
    most: int,
) -> int:
    """Bars without a position and without an entry decision, up to the funding time `before`. Returns how many."""
    wallet = account.wallet
    for passed in range(most):
        bar = here + passed
        if sides[bar] != 0 or times[bar] >= before:
            return passed
        rows[0, row + passed] = times[bar] + timeframe_ms
        rows[1, row + passed] = wallet
        rows[2, row + passed] = wallet
        rows[3, row + passed] = 0.0
    return most


@compiled
def pass_held(
    account: Any,
    slot: Any,
    timeframe_ms: int,
    before: int,
    times: Any,
    opens: Any,
    highs: Any,
    lows: Any,
    closes: Any,
    sides: Any,
    exits: Any,
    rows: Any,
    here: int,
    row: int,
    most: int,
) -> tuple[int, int]:
    """Bars with a position that no order, exit, opposite entry or funding (due from `before` on) touches.

    Returns how many bars were passed and how many entry decisions met the position already open.
    """
    wallet, entry, low, high = account.wallet, slot.entry_price, slot.quiet_low, slot.quiet_high
    signed_quantity = slot.side * slot.quantity
    margin = slot.quantity * entry
    lowest, highest = slot.lowest, slot.highest
    peak, worst = account.peak, account.worst_drawdown
    repeated = 0
    passed = 0
    for passed in range(most):
        bar = here + passed
        if sides[bar] == -slot.side or exits[bar] or times[bar] + timeframe_ms > before:
            break
        if not (lows[bar] > low and highs[bar] < high and low < opens[bar] < high):
            break
        equity = wallet + signed_quantity * (closes[bar] - entry)
        if equity <= 0.0:
            break
        lowest, highest = min(lowest, lows[bar]), max(highest, highs[bar])
        peak = max(peak, equity)
        worst = min(worst, equity / peak - 1.0)
        repeated += sides[bar] != 0
        rows[0, row + passed] = times[bar] + timeframe_ms
        rows[1, row + passed] = equity
        rows[2, row + passed] = wallet - margin
        rows[3, row + passed] = slot.quantity * closes[bar]
    else:
        passed = most
    slot.lowest, slot.highest = lowest, highest
    account.peak, account.worst_drawdown = peak, worst
    return passed, repeated


@compiled
def pass_quiet(
    account: Any,
    slot: Any,
    rule: Any,
    before: int,
    times: Any,
    opens: Any,
    highs: Any,
    lows: Any,
    closes: Any,
    sides: Any,
    exits_long: Any,
    exits_short: Any,
    rows: Any,
    here: int,
    row: int,
    most: int,
) -> tuple[int, int]:
    """Pass up to `most` quiet bars of a run with one slot, whose next bar stands at `here`.

    Returns how many were passed and how many entry decisions met the position already open.
    """
    if slot.pending_side != 0 or slot.pending_exit != 0:
        return 0, 0
    repeated = 0
    if slot.side == 0:
        passed = pass_flat(account, rule.timeframe_ms, before, times, sides, rows, here, row, most)
    else:
        if rule.max_bars > 0:
            most = max(0, min(most, slot.entry_bar + rule.max_bars - 2 - slot.bar))
        passed, repeated = pass_held(
            account, slot, rule.timeframe_ms, before, times, opens, highs, lows, closes, sides,
            exits_long if slot.side > 0 else exits_short, rows, here, row, most,
        )  # fmt: skip
        account.exposed_ticks += passed
    if passed > 0:
        slot.bar += passed
        slot.mark = closes[here + passed - 1]
        account.equity = rows[1, row + passed - 1]
        slot.bar_time = account.clock_ms = times[here + passed - 1]
        account.ticks += passed
    return passed, repeated
