"""Stretches of bars in which nothing can happen to a single slot, passed in one tight loop. Compiled.

Only a short cut: a bar is passed here when the full step would fill nothing, plan nothing, pay nothing and move no
level, and leaves the same state and rows behind, bit for bit (a test runs both). Everything else is left to the step.
`before` is the end of the last bar that may be passed: that of the UTC day, or the next funding time. Bars end a
`length` after they open, or at `ends` where they differ (`walks`). With `daily` rows are left to the caller.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tradebot.engine.backtest.kernel.limits import NEAR
from tradebot.engine.backtest.kernel.market import end_of
from tradebot.engine.control.compiling import compiled_part


@compiled_part
def write_row(rows: Any, row: int, end: int, equity: float, available: float, value: float) -> None:
    """One row of the curve: close time, equity, available cash, sum of notionals."""
    rows[0, row], rows[1, row], rows[2, row], rows[3, row] = end, equity, available, value


@compiled_part
def nothing_happens(slot: Any, rule: Any, market: Any, here: int) -> bool:
    """Whether the slot's next bar leaves everything as it is; that no funding is due in it is the caller's."""
    if slot.pending_side != 0 or slot.pending_exit != 0 or slot.bar + 1 == rule.final_bar:
        return False
    side = market.sides[here]
    if slot.side == 0:
        return bool(side == 0)
    if side == -slot.side or (side != 0 and slot.adds < rule.max_adds):
        return False
    if market.exits_long[here] if slot.side > 0 else market.exits_short[here]:
        return False
    low, high = slot.quiet_low, slot.quiet_high
    if not (market.lows[here] > low and market.highs[here] < high and low < market.opens[here] < high):
        return False
    if not (market.mark_lows[here] > slot.quiet_mark_low and market.mark_highs[here] < slot.quiet_mark_high):
        return False
    decision = slot.bar + 1
    if rule.walks != 0:
        decision = market.decides[here]
        if market.coarse[here]:
            return False
    return bool(rule.max_bars == 0 or decision - slot.entry_decision < rule.max_bars)


@compiled_part
def pass_bar(slot: Any, rule: Any, market: Any, here: int, end: int) -> None:
    """The slot's next bar is over, and nothing happened in it. The mark follows at the step's close, as for all."""
    slot.bar += 1
    slot.bar_end = end
    slot.decision_before = slot.decision
    if rule.walks == 0:
        slot.decision = slot.bar
    elif market.decides[here] >= 0:
        slot.decision = market.decides[here]
    if slot.side != 0:
        slot.lowest = min(slot.lowest, market.lows[here])
        slot.highest = max(slot.highest, market.highs[here])


@compiled_part
def pass_flat(
    account: Any, rule: Any, before: int, market: Any, rows: Any, here: int, row: int, most: int, daily: int
) -> int:
    """Bars without a position and without an entry decision. Returns how many."""
    wallet, walks, length = account.wallet, rule.walks != 0, rule.timeframe_ms
    times, ends, sides = market.times, market.ends, market.sides
    for passed in range(most):
        bar = np.uintp(here + passed)  # unsigned: no index counts from the end
        end = ends[bar] if walks else times[bar] + length
        if sides[bar] != 0 or end > before:
            return passed
        if daily == 0:
            write_row(rows, row + passed, end, wallet, wallet, 0.0)
    return most


@compiled_part
def pass_held(
    account: Any, slot: Any, rule: Any, floor: float, peak_share: float, before: int, market: Any, exits: Any,
    rows: Any, here: int, row: int, most: int, daily: int,
) -> tuple[int, int]:  # fmt: skip
    """Bars with a position that no order, level, exit, opposite entry, limit or funding touches.

    `floor`: equity at which a daily loss limit breaks; `peak_share`: share of the peak at which a drawdown limit does.
    Returns how many bars were passed and how many entry decisions met the position already open.
    """
    times, ends, sides, decides, coarse = (
        market.times,
        market.ends,
        market.sides,
        market.decides,
        market.coarse,
    )
    opens, highs, lows = market.opens, market.highs, market.lows
    mark_highs, mark_lows, mark_closes = market.mark_highs, market.mark_lows, market.mark_closes
    walks, length, marked = rule.walks != 0, rule.timeframe_ms, rule.marked != 0
    wallet, entry, side = account.wallet, slot.entry_price, slot.side
    low, mark_low = slot.quiet_low, slot.quiet_mark_low
    high, mark_high = slot.quiet_high, slot.quiet_mark_high
    if not marked:
        low, high = max(low, mark_low), min(high, mark_high)
    signed_quantity = slot.side * slot.quantity
    available = wallet - slot.margin
    lowest, highest = slot.lowest, slot.highest
    peak, worst = account.peak, account.worst_drawdown
    exposure, most_exposure = account.sum_exposure, account.most_exposure
    net, worst_inside = account.sum_net, account.worst_inside
    equity, bottom = account.equity, max(0.0, floor)
    adding = side if slot.adds < rule.max_adds else 0
    last_decision = slot.entry_decision + rule.max_bars if rule.max_bars > 0 else 2**62
    repeated = 0
    passed = 0
    for passed in range(most):
        bar = np.uintp(here + passed)  # unsigned: no index counts from the end
        end = ends[bar] if walks else times[bar] + length
        said = sides[bar]
        if end > before or exits[bar] or (said != 0 and (said == -side or said == adding)):
            break
        if not (lows[bar] > low and highs[bar] < high and low < opens[bar] < high):
            break
        if marked and not (mark_lows[bar] > mark_low and mark_highs[bar] < mark_high):
            break
        if walks and (coarse[bar] or decides[bar] >= last_decision):
            break
        now = wallet + signed_quantity * (mark_closes[bar] - entry)
        if now <= bottom or (peak_share > 0.0 and now <= peak_share * max(peak, now) * NEAR):
            break
        dip = signed_quantity * ((mark_lows[bar] if side > 0 else mark_highs[bar]) - mark_closes[bar])
        if (
            now + dip <= peak * (1.0 + worst_inside) * NEAR
        ):  # else it is not the worst, and a division is saved
            worst_inside = min(worst_inside, (now + dip) / peak - 1.0)
        equity, peak = now, max(peak, now)
        lowest, highest = min(lowest, lows[bar]), max(highest, highs[bar])
        if equity <= peak * (1.0 + worst) * NEAR:
            worst = min(worst, equity / peak - 1.0)
        value = slot.quantity * mark_closes[bar]
        exposure += value / equity
        net += value / equity
        most_exposure = max(most_exposure, value / equity)
        repeated += said != 0
        if daily == 0:
            write_row(rows, row + passed, end, equity, available, value)
    else:
        passed = most
    slot.lowest, slot.highest = lowest, highest
    account.peak, account.worst_drawdown, account.equity = peak, worst, equity
    account.sum_exposure, account.most_exposure = exposure, most_exposure
    account.sum_net, account.most_net = net, max(account.most_net, most_exposure)
    account.worst_inside = worst_inside
    return passed, repeated


@compiled_part
def pass_quiet(
    account: Any, slot: Any, rule: Any, floor: float, peak_share: float, before: int, market: Any, rows: Any,
    here: int, row: int, most: int, daily: int,
) -> tuple[int, int]:  # fmt: skip
    """Pass up to `most` quiet bars of a run with one slot, whose next bar stands at `here`.

    Returns how many were passed and how many entry decisions met the position already open.
    """
    if slot.pending_side != 0 or slot.pending_exit != 0:
        return 0, 0
    repeated = 0
    if slot.side == 0:
        account.equity = account.wallet
        passed = pass_flat(account, rule, before, market, rows, here, row, most, daily)
    else:
        if rule.max_bars > 0 and rule.walks == 0:
            most = max(0, min(most, slot.entry_decision + rule.max_bars - 1 - slot.bar))
        exits = market.exits_long if slot.side > 0 else market.exits_short
        passed, repeated = pass_held(
            account, slot, rule, floor, peak_share, before, market, exits, rows, here, row, most, daily
        )
        account.exposed_ticks += passed
    if passed > 0:
        last = here + passed - 1
        slot.bar += passed
        slot.mark = market.mark_closes[last]
        slot.bar_end = end_of(market, rule, last)
        account.clock_ms = slot.bar_end
        account.ticks += passed
        count_decisions(slot, rule.walks, market.decides, here, last)
    return passed, repeated


@compiled_part
def count_decisions(slot: Any, walks: int, decides: Any, here: int, last: int) -> None:
    """The decision bars that closed with the bars from `here` to `last`."""
    if walks == 0:
        slot.decision = slot.bar
        slot.decision_before = slot.bar - 1
        return
    slot.decision_before = slot.decision
    for bar in range(last - 1, here - 1, -1):
        if decides[bar] >= 0:
            slot.decision_before = decides[bar]
            break
    slot.decision = decides[last] if decides[last] >= 0 else slot.decision_before
