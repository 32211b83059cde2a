"""One step of the simulation in its three phases, and the loop that repeats it. Compiled.

A step is one open time T of the merged clock. All state is in `account`, `slots` and `counts`, so that a run may
be cut between any two steps. The phases of a slot are plain functions of records and may be called one by one
as a live bar unfolds: on_open = funding, resting orders, market exit, market entry; inside; on_close.
"""

from __future__ import annotations

from typing import Any

from tradebot.engine.backtest.apply import close_position, open_position, pay_funding, write_trade
from tradebot.engine.backtest.codes import Count, ExitReason, Stopped, TradeStatus
from tradebot.engine.backtest.match import (
    match_entry,
    match_inside,
    match_market_exit,
    match_resting_at_open,
)
from tradebot.engine.backtest.plan import NO_REFUSAL, plan
from tradebot.engine.backtest.quiet import pass_quiet
from tradebot.engine.control.compiling import compiled

_END = int(ExitReason.END)
_OPEN = int(TradeStatus.OPEN)
_ALREADY_OPEN = int(Count.ALREADY_OPEN)
_REDUCED = int(Count.REDUCED)
_DATA_USED = int(Stopped.DATA_USED.value)
_TICK_LIMIT = int(Stopped.TICK_LIMIT.value)
_TRADES_FULL = int(Stopped.TRADES_FULL.value)
_ROWS_FULL = int(Stopped.ROWS_FULL.value)
_BANKRUPT = int(Stopped.BANKRUPT.value)
_FAR_FUTURE = 2**62


@compiled
def open_resting(account: Any, slot: Any, rule: Any, bar: Any, row: Any) -> int:
    """on_open: a stop or target beyond the open fills there. Returns the rows written, 0 or 1."""
    reason, price, reference, fee_percent, ambiguous = match_resting_at_open(slot, rule, bar)
    if reason == 0:
        return 0
    close_position(account, slot, row, reason, price, reference, fee_percent, ambiguous, bar.time)
    return 1


@compiled
def open_exit(account: Any, slot: Any, rule: Any, bar: Any, row: Any) -> int:
    """on_open: the pending market exit fills, unless the position is gone. Returns the rows written, 0 or 1."""
    pending, slot.pending_exit = slot.pending_exit, 0
    if slot.side == 0:
        return 0
    reason, price, reference, fee_percent, ambiguous = match_market_exit(slot, rule, pending, bar.open)
    close_position(account, slot, row, reason, price, reference, fee_percent, ambiguous, bar.time)
    return 1


@compiled
def open_entry(account: Any, slot: Any, rule: Any, bar: Any, available: float) -> tuple[int, bool]:
    """on_open: the pending market entry fills or is refused. Returns (refusal or NO_REFUSAL, reduced)."""
    refusal, price, quantity, reduced = match_entry(slot, rule, bar, available)
    if refusal == NO_REFUSAL:
        open_position(account, slot, rule, bar, price, quantity)
    slot.pending_side = 0
    return refusal, reduced


@compiled
def inside(account: Any, slot: Any, rule: Any, bar: Any, row: Any) -> int:
    """Stop before target within the bar; what survives remembers its extremes. Returns the rows written."""
    reason, price, reference, fee_percent, ambiguous = match_inside(slot, rule, bar)
    if reason == 0:
        slot.lowest = min(slot.lowest, bar.low)
        slot.highest = max(slot.highest, bar.high)
        return 0
    end = bar.time + rule.timeframe_ms - 1
    close_position(account, slot, row, reason, price, reference, fee_percent, ambiguous, end)
    return 1


@compiled
def settle_funding(
    account: Any, slot: Any, price: float, times: Any, rates: Any, here: int, stop: int, before: int
) -> None:
    """Charge every funding time below `before` not yet passed on the position held now; the next one is `here`."""
    while here < stop and times[here] < before:
        if slot.side != 0:
            pay_funding(account, slot, price, rates[here])
        slot.funding_cursor += 1
        here += 1


@compiled
def write_open_positions(slots: Any, rules: Any, trades: Any) -> int:
    """Rows for the positions still open, marked at their last close. Returns how many."""
    count = 0
    for s in range(len(slots)):
        slot = slots[s]
        if slot.side != 0:
            row = trades[count]
            write_trade(slot, row, slot.mark, slot.bar_time + rules[s].timeframe_ms, 0.0, 0.0)
            row.slot = s
            row.exit_reason = _END
            row.ambiguous = 0
            row.status = _OPEN
            count += 1
    return count


@compiled
def run_steps(  # noqa: C901  # one loop with the rules in their order; arrays handed to callees cost too much
    account_records: Any,
    slots: Any,
    counts: Any,
    rules: Any,
    bars: Any,
    times: Any,
    opens: Any,
    highs: Any,
    lows: Any,
    closes: Any,
    sides: Any,
    exits_long: Any,
    exits_short: Any,
    shift: Any,
    stop: Any,
    funding_times: Any,
    funding_rates: Any,
    funding_shift: Any,
    funding_stop: Any,
    trades: Any,
    rows: Any,
    active: Any,
    written: Any,
    tick_limit: int,
) -> int:
    """Repeat the step until the bars are used, a buffer is full, `tick_limit` is reached or the account is broke.

    Columns are concatenated over slots: bar number b of slot s stands at b + shift[s], its bars end before
    stop[s]; funding rows likewise by funding_shift and funding_stop. `rows` float64[4, n] takes close time, equity,
    available cash and sum of notionals; `written` int64[2] counts trades and rows. Returns a `Stopped` value.
    """
    account = account_records[0]
    slot_count = len(slots)
    trade_count, row_count = written[0], written[1]
    row_limit = rows.shape[1]
    last_row = min(row_limit, row_count + tick_limit)
    result = _DATA_USED
    while account.bankrupt == 0:
        if row_count >= last_row:
            result = _ROWS_FULL if row_count >= row_limit else _TICK_LIMIT
            break
        if trade_count + 2 * slot_count > len(trades):
            result = _TRADES_FULL
            break

        if slot_count == 1 and slots[0].bar + 1 + shift[0] < stop[0]:
            here = slots[0].bar + 1 + shift[0]
            due = slots[0].funding_cursor + funding_shift[0]
            before = funding_times[due] if due < funding_stop[0] else _FAR_FUTURE
            passed, repeated = pass_quiet(
                account, slots[0], rules[0], before, times, opens, highs, lows, closes, sides,
                exits_long, exits_short, rows, here, row_count, min(stop[0] - here, last_row - row_count),
            )  # fmt: skip
            counts[0, _ALREADY_OPEN] += repeated
            row_count += passed
            if row_count >= last_row:
                continue

        # the clock: the earliest next bar of all slots
        time = _FAR_FUTURE
        active_count = 0
        for s in range(slot_count):
            here = slots[s].bar + 1 + shift[s]
            if here < stop[s]:
                if times[here] < time:
                    time = times[here]
                    active_count = 0
                if times[here] == time:
                    active[active_count] = s
                    active_count += 1
        if active_count == 0:
            break
        for n in range(active_count):
            s = active[n]
            slot, bar = slots[s], bars[s]
            slot.bar += 1
            here = slot.bar + shift[s]
            slot.bar_time = bar.time = time
            bar.open, bar.high, bar.low, bar.close = opens[here], highs[here], lows[here], closes[here]
            bar.side = sides[here]
            bar.exit_long, bar.exit_short = exits_long[here], exits_short[here]

        # on_open: funding, resting orders beyond the open, market exits, market entries
        for n in range(active_count):
            s = active[n]
            due = slots[s].funding_cursor + funding_shift[s]
            if due < funding_stop[s] and funding_times[due] <= time:
                settle_funding(
                    account,
                    slots[s],
                    bars[s].open,
                    funding_times,
                    funding_rates,
                    due,
                    funding_stop[s],
                    time + 1,
                )
        for n in range(active_count):
            s = active[n]
            if slots[s].side != 0:
                trades[trade_count].slot = s
                trade_count += open_resting(account, slots[s], rules[s], bars[s], trades[trade_count])
        for n in range(active_count):
            s = active[n]
            if slots[s].pending_exit != 0:
                trades[trade_count].slot = s
                trade_count += open_exit(account, slots[s], rules[s], bars[s], trades[trade_count])
        for n in range(active_count):
            s = active[n]
            if slots[s].pending_side != 0:
                margin = 0.0
                for other in range(slot_count):
                    margin += slots[other].quantity * slots[other].entry_price
                refusal, reduced = open_entry(account, slots[s], rules[s], bars[s], account.wallet - margin)
                counts[s, _REDUCED] += reduced
                if refusal != NO_REFUSAL:
                    counts[s, refusal] += 1

        # inside: funding within the bar, stop before target
        exposed = False
        for n in range(active_count):
            s = active[n]
            if slots[s].side != 0:
                exposed = True
                end = time + rules[s].timeframe_ms
                due = slots[s].funding_cursor + funding_shift[s]
                if due < funding_stop[s] and funding_times[due] < end:
                    settle_funding(
                        account,
                        slots[s],
                        bars[s].open,
                        funding_times,
                        funding_rates,
                        due,
                        funding_stop[s],
                        end,
                    )
                trades[trade_count].slot = s
                trade_count += inside(account, slots[s], rules[s], bars[s], trades[trade_count])

        # on_close: mark the account, then plan what the closed bars decided
        for n in range(active_count):
            slots[active[n]].mark = bars[active[n]].close
        unrealised = margin = notional = 0.0
        for s in range(slot_count):
            slot = slots[s]
            if slot.side != 0:
                exposed = True
                unrealised += slot.side * slot.quantity * (slot.mark - slot.entry_price)
                margin += slot.quantity * slot.entry_price
                notional += slot.quantity * slot.mark
        account.equity = account.wallet + unrealised
        account.peak = max(account.peak, account.equity)
        account.worst_drawdown = min(account.worst_drawdown, account.equity / account.peak - 1.0)
        account.clock_ms = time
        account.ticks += 1
        account.exposed_ticks += exposed
        rows[0, row_count] = time + rules[active[0]].timeframe_ms
        rows[1, row_count] = account.equity
        rows[2, row_count] = account.wallet - margin
        rows[3, row_count] = notional
        row_count += 1
        if account.equity <= 0.0:
            account.bankrupt = 1
            break
        for n in range(active_count):
            s = active[n]
            if slots[s].side != 0 or bars[s].side != 0:
                refusal = plan(slots[s], rules[s], bars[s], account.equity)
                if refusal != NO_REFUSAL:
                    counts[s, refusal] += 1
    written[0], written[1] = trade_count, row_count
    return _BANKRUPT if account.bankrupt != 0 else result
