"""One step of the simulation, and the loop that repeats it. Compiled.

A step is one close time T of the merged clock, with all slots that have a bar closing then. All state is in records,
so that a run may be cut between any two steps. The phases of a slot are functions of `phases`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tradebot.engine.backtest.kernel.apply import write_leg
from tradebot.engine.backtest.kernel.codes import Count, ExitReason, Stopped, TradeStatus, code, flag
from tradebot.engine.backtest.kernel.limits import (
    DAY_MS,
    NO_REFUSAL,
    breaks_daily_loss,
    breaks_drawdown,
    daily_floor,
    drawdown_share,
    start_day,
)
from tradebot.engine.backtest.kernel.orders import expired
from tradebot.engine.backtest.kernel.phases import (
    Output,
    close_bar,
    end_stale_entry,
    entry_at_open,
    exit_at_open,
    inside,
    liquidate_at_open,
    next_funding,
    note,
    refuse,
    resting_at_open,
    settle_funding,
)
from tradebot.engine.backtest.kernel.plan import plan
from tradebot.engine.backtest.kernel.quiet import nothing_happens, pass_bar, pass_quiet, write_row
from tradebot.engine.backtest.kernel.records import ROWS_A_STEP
from tradebot.engine.control.compiling import compiled_loop, compiled_part

_END = code(ExitReason.END)
_DAILY_LOSS_EXIT = code(ExitReason.DAILY_LOSS)
_DRAWDOWN_EXIT = code(ExitReason.DRAWDOWN)
_OPEN = code(TradeStatus.OPEN)
_ALREADY_OPEN = code(Count.ALREADY_OPEN)
_EXPIRED = code(Count.EXPIRED)
_DAILY_LOSS = code(Count.DAILY_LOSS)
_DRAWDOWN = code(Count.DRAWDOWN)
_DAILY_LOSS_REACHED = code(Count.DAILY_LOSS_REACHED)
_DRAWDOWN_REACHED = code(Count.DRAWDOWN_REACHED)
_ALREADY_PENDING = code(Count.ALREADY_PENDING)
_OPPOSITE_IGNORED = code(Count.OPPOSITE_IGNORED)
_DIRECTION = code(Count.DIRECTION)
_DATA_USED = code(Stopped.DATA_USED.value)
_TICK_LIMIT = code(Stopped.TICK_LIMIT.value)
_TRADES_FULL = code(Stopped.TRADES_FULL.value)
_ROWS_FULL = code(Stopped.ROWS_FULL.value)
_BANKRUPT = code(Stopped.BANKRUPT.value)
_FAR_FUTURE = code(2**62)
_NONE = code(0)
_NO = flag(False)
_ROWS_A_STEP = ROWS_A_STEP


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


@compiled_part
def open_phase(
    account: Any,
    strategies: Any,
    slots: Any,
    rules: Any,
    bars: Any,
    tiers: Any,
    out: Any,
    busy: Any,
    count: int,
) -> None:
    """After funding: liquidations, resting exits, market exits of all busy slots; then their entries, in slot order."""
    for n in range(count):
        s = busy[n]
        if slots[s].pending_side != 0:
            end_stale_entry(slots[s], rules[s], bars[s], out, s)
    for n in range(count):
        s = busy[n]
        if slots[s].side != 0:
            liquidate_at_open(
                account, strategies[rules[s].strategy], slots[s], rules[s], bars[s], tiers, out, s
            )
    for n in range(count):
        s = busy[n]
        if slots[s].side != 0:
            resting_at_open(
                account, strategies[rules[s].strategy], slots[s], rules[s], bars[s], tiers, out, s
            )
    for n in range(count):
        s = busy[n]
        if slots[s].pending_exit != 0:
            exit_at_open(account, strategies[rules[s].strategy], slots[s], rules[s], bars[s], tiers, out, s)
    for n in range(count):
        s = busy[n]
        if slots[s].pending_side != 0:
            entry_at_open(account, strategies, slots, rules, s, bars[s], tiers, out)


@compiled_part
def mark_account(
    account: Any, slots: Any, rules: Any, mark_highs: Any, mark_lows: Any, mark_closes: Any, shift: Any, rows: Any,
    daily: int, end: int, exposed: bool, out: Any,
) -> None:  # fmt: skip
    """on_close: orders whose time is over end, equity and drawdown are those of this close, a row is written."""
    unrealised = kept = value = net = dip = 0.0
    for s in range(len(slots)):
        slot = slots[s]
        here = slot.bar + shift[s]
        if slot.bar_end == end:
            slot.mark = mark_closes[here]
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
                dip += signed_quantity * (
                    (mark_lows[here] if slot.side > 0 else mark_highs[here]) - slot.mark
                )
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


@compiled_part
def plan_bar(account: Any, strategies: Any, slot: Any, rule: Any, bar: Any, out: Any, s: int) -> None:
    """on_close: what the closed bar decided, for the next open."""
    refusal = plan(slot, rule, strategies[rule.strategy], bar, account.equity)
    if refusal == NO_REFUSAL:
        return
    if refusal in (
        _ALREADY_OPEN,
        _ALREADY_PENDING,
        _OPPOSITE_IGNORED,
        _DIRECTION,
    ):  # the strategy's own rules
        out.counts[s, refusal] += 1
    else:
        note(out, s, bar.end, refusal, np.nan, 0.0)


@compiled_loop
def run_steps(  # noqa: C901  # one loop with the rules in their order; arrays handed to callees cost too much
    account_records: Any,
    strategies: Any,
    slots: Any,
    counts: Any,
    limits: Any,
    rules: Any,
    tiers: Any,
    bars: Any,
    times: Any,
    ends: Any,
    opens: Any,
    highs: Any,
    lows: Any,
    closes: Any,
    mark_opens: Any,
    mark_highs: Any,
    mark_lows: Any,
    mark_closes: Any,
    volumes: Any,
    sigmas: Any,
    sides: Any,
    exits_long: Any,
    exits_short: Any,
    decides: Any,
    coarse: Any,
    levels: Any,
    shift: Any,
    stop: Any,
    level_shift: Any,
    funding_times: Any,
    funding_rates: Any,
    funding_shift: Any,
    funding_stop: Any,
    trades: Any,
    rows: Any,
    log: Any,
    busy: Any,
    upcoming: Any,
    due: Any,
    written: Any,
    daily: int,
    tick_limit: int,
) -> int:
    """Repeat the step until the bars are used, a buffer is full, `tick_limit` is reached or the account is broke.

    Columns are concatenated over slots: bar number b of slot s stands at b + shift[s], its bars end before stop[s];
    funding rows by funding_shift and funding_stop, decision bars of `levels` float64[k, n] by level_shift likewise.
    `rows` float64[4, n] takes close time, equity, available cash and sum of notionals, with `daily` of the last step of
    each UTC day only; `busy`, `upcoming`
    and `due` int64[n] are scratch. Returns a `Stopped` value.
    """
    account = account_records[0]
    out = Output(trades, log, counts, written)
    slot_count = len(slots)
    room = rows.shape[1] - written[1] if daily == 0 else tick_limit
    last_tick = account.ticks + min(room, tick_limit)
    result = _DATA_USED
    for s in range(slot_count):
        due[s] = next_funding(slots[s], funding_times, funding_shift[s], funding_stop[s])
        here = slots[s].bar + 1 + shift[s]
        upcoming[s] = _FAR_FUTURE
        if here < stop[s]:
            upcoming[s] = ends[here] if rules[s].walks != 0 else times[here] + rules[s].timeframe_ms
    while account.bankrupt == 0:
        if account.ticks >= last_tick:
            result = _ROWS_FULL if room < tick_limit else _TICK_LIMIT
            break
        if written[0] + _ROWS_A_STEP * slot_count > len(trades):
            result = _TRADES_FULL
            break

        if slot_count == 1 and slots[0].bar + 1 + shift[0] < stop[0]:
            here = slots[0].bar + 1 + shift[0]
            last = min(stop[0], here + last_tick - account.ticks)
            if rules[0].final_bar >= 0:
                last = min(last, rules[0].final_bar + shift[0])
            passed, repeated = pass_quiet(
                account, slots[0], rules[0], daily_floor(account, strategies, limits),
                drawdown_share(strategies, limits), min(due[0], account.day_end), times, ends, opens, highs, lows,
                mark_highs, mark_lows, mark_closes, sides, exits_long, exits_short, decides, coarse, rows, here,
                written[1], last - here, daily,
            )  # fmt: skip
            counts[0, _ALREADY_OPEN] += repeated
            here += passed
            if daily == 0:
                written[1] += passed
            elif passed > 0:
                slot = slots[0]
                value = slot.quantity * slot.mark if slot.side != 0 else 0.0
                put_row(
                    rows,
                    written,
                    daily,
                    account.clock_ms,
                    account.equity,
                    account.wallet - slot.margin,
                    value,
                )
            upcoming[0] = _FAR_FUTURE
            if here < stop[0]:
                upcoming[0] = ends[here] if rules[0].walks != 0 else times[here] + rules[0].timeframe_ms
            if account.ticks >= last_tick:
                continue

        # the clock: the earliest close of the next bars of all slots
        end = _FAR_FUTURE
        for s in range(slot_count):
            end = min(end, upcoming[s])
        if end == _FAR_FUTURE:
            break
        start_day(account, end)
        count, exposed = _NONE, _NO
        for s in range(slot_count):
            if upcoming[s] != end:
                continue
            slot, rule = slots[s], rules[s]
            here = slot.bar + 1 + shift[s]
            upcoming[s] = _FAR_FUTURE
            if here + 1 < stop[s]:
                upcoming[s] = ends[here + 1] if rule.walks != 0 else times[here + 1] + rule.timeframe_ms
            if due[s] >= end and nothing_happens(
                slot, rule, here, opens, highs, lows, mark_highs, mark_lows, sides, exits_long, exits_short,
                decides, coarse,
            ):  # fmt: skip
                pass_bar(slot, rule, here, end, highs, lows, decides)
                if sides[here] != 0:
                    counts[s, _ALREADY_OPEN] += 1
                continue
            slot.bar += 1
            slot.bar_end = end
            slot.decision_before = slot.decision
            bar = bars[s]
            bar.time, bar.end = times[here], end
            bar.open, bar.high, bar.low, bar.close = opens[here], highs[here], lows[here], closes[here]
            bar.mark_open, bar.mark_high = mark_opens[here], mark_highs[here]
            bar.mark_low, bar.mark_close = mark_lows[here], mark_closes[here]
            bar.side = sides[here]
            bar.decides = decides[here] if rule.walks != 0 else slot.bar
            bar.coarse = coarse[here] if rule.walks != 0 else 0
            bar.volume_before = slot.pending_volume
            if rule.impact > 0.0:
                bar.volume_before = volumes[here - 1] if slot.bar > 0 else np.nan
                bar.sigma_before = sigmas[here - 1] if slot.bar > 0 else np.nan
            if bar.decides >= 0 and (bar.side != 0 or rule.series != 0):
                for k in range(levels.shape[0]):
                    bar.levels[k] = levels[k, bar.decides + level_shift[s]]
            busy[count] = s
            count += 1

        for n in range(count):
            s = busy[n]
            if due[s] <= bars[s].time:
                due[s] = settle_funding(
                    account, slots, s, rules[s], bars[s].mark_open, funding_times, funding_rates,
                    funding_shift[s], funding_stop[s], bars[s].time + 1, tiers,
                )  # fmt: skip
        open_phase(account, strategies, slots, rules, bars, tiers, out, busy, count)
        for n in range(count):
            s = busy[n]
            if due[s] < end:
                due[s] = settle_funding(
                    account, slots, s, rules[s], bars[s].mark_open, funding_times, funding_rates,
                    funding_shift[s], funding_stop[s], end, tiers,
                )  # fmt: skip
        for n in range(count):
            s = busy[n]
            if slots[s].side != 0 or slots[s].pending_side != 0:
                held = inside(account, strategies, slots, rules, s, bars[s], tiers, out)
                exposed = exposed or held
        for n in range(count):
            s = busy[n]
            close_bar(account, strategies[rules[s].strategy], slots[s], rules[s], bars[s], tiers, out, s)
        mark_account(
            account, slots, rules, mark_highs, mark_lows, mark_closes, shift, rows, daily, end, exposed, out,
        )  # fmt: skip
        if account.bankrupt != 0:
            break
        apply_limits(account, strategies, limits, slots, rules, out, end)
        for n in range(count):
            s = busy[n]
            if bars[s].decides >= 0 and (slots[s].side != 0 or bars[s].side != 0):
                here = slots[s].bar + shift[s]
                bars[s].exits = exits_long[here] if slots[s].side > 0 else exits_short[here]
                plan_bar(account, strategies, slots[s], rules[s], bars[s], out, s)
            if slots[s].pending_side != 0:  # the load has until the next bar to arrive
                slots[s].pending_volume = volumes[slots[s].bar + shift[s]]
    return _BANKRUPT if account.bankrupt != 0 else result
