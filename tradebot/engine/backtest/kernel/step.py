"""One step of the simulation, and the loop that repeats it. Compiled.

A step is one close time of the merged clock, with all slots that have a bar closing then. All state is in records, so
that a run may be cut between any two steps. Every part here becomes part of the loop; the phases of one slot's bar are
functions of `phases`, what the account does at the close stands in `closing`, stretches without any event in `quiet`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tradebot.engine.backtest.kernel.closing import apply_limits, mark_account, put_row
from tradebot.engine.backtest.kernel.codes import Count, Stopped, code, flag
from tradebot.engine.backtest.kernel.limits import NO_REFUSAL, daily_floor, drawdown_share, start_day
from tradebot.engine.backtest.kernel.market import Clock, FundingRows, Market, end_of
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
    resting_at_open,
    settle_funding,
)
from tradebot.engine.backtest.kernel.plan import plan
from tradebot.engine.backtest.kernel.quiet import nothing_happens, pass_bar, pass_quiet
from tradebot.engine.backtest.kernel.records import ROWS_A_STEP
from tradebot.engine.control.compiling import compiled_loop, compiled_part

_ALREADY_OPEN = code(Count.ALREADY_OPEN)
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
_YES = flag(True)
_ROWS_A_STEP = ROWS_A_STEP


@compiled_part
def set_clock(clock: Any, slots: Any, rules: Any, market: Any, funding: Any) -> None:
    """When the next bar of each slot closes and its next funding is due."""
    for s in range(len(slots)):
        clock.due[s] = next_funding(slots[s], funding.times, funding.shift[s], funding.stop[s])
        set_upcoming(clock, rules[s], market, s, slots[s].bar + 1 + market.shift[s])


@compiled_part
def set_upcoming(clock: Any, rule: Any, market: Any, s: int, here: int) -> None:
    """The slot's next bar stands at `here`."""
    clock.upcoming[s] = end_of(market, rule, here) if here < market.stop[s] else _FAR_FUTURE


@compiled_part
def quiet_stretch(
    account: Any, strategies: Any, limits: Any, slots: Any, rules: Any, market: Any, clock: Any, rows: Any, out: Any,
    daily: int, last_tick: int,
) -> None:  # fmt: skip
    """Pass the bars of a run's only slot in which nothing can happen, with their rows."""
    slot, rule = slots[0], rules[0]
    here = slot.bar + 1 + market.shift[0]
    if here >= market.stop[0]:
        return
    last = min(market.stop[0], here + last_tick - account.ticks)
    if rule.final_bar >= 0:
        last = min(last, rule.final_bar + market.shift[0])
    passed, repeated = pass_quiet(
        account, slot, rule, daily_floor(account, strategies, limits), drawdown_share(strategies, limits),
        min(clock.due[0], account.day_end), market, rows, here, out.written[1], last - here, daily,
    )  # fmt: skip
    out.counts[0, _ALREADY_OPEN] += repeated
    if daily == 0:
        out.written[1] += passed
    elif passed > 0:
        value = slot.quantity * slot.mark if slot.side != 0 else 0.0
        available = account.wallet - slot.margin
        put_row(rows, out.written, daily, account.clock_ms, account.equity, available, value)
    set_upcoming(clock, rule, market, 0, here + passed)


@compiled_part
def take_bar(slot: Any, rule: Any, bar: Any, market: Any, s: int, here: int, end: int) -> None:
    """The slot's next bar, which stands at `here`, becomes its present one."""
    slot.bar += 1
    slot.bar_end = end
    slot.decision_before = slot.decision
    bar.time, bar.end = market.times[here], end
    bar.open, bar.high = market.opens[here], market.highs[here]
    bar.low, bar.close = market.lows[here], market.closes[here]
    bar.mark_open, bar.mark_high = market.mark_opens[here], market.mark_highs[here]
    bar.mark_low, bar.mark_close = market.mark_lows[here], market.mark_closes[here]
    bar.side = market.sides[here]
    bar.decides = market.decides[here] if rule.walks != 0 else slot.bar
    bar.coarse = market.coarse[here] if rule.walks != 0 else 0
    bar.volume_before = slot.pending_volume
    if rule.impact > 0.0:
        bar.volume_before = market.volumes[here - 1] if slot.bar > 0 else np.nan
        bar.sigma_before = market.sigmas[here - 1] if slot.bar > 0 else np.nan
    if bar.decides >= 0 and (bar.side != 0 or rule.series != 0):
        for k in range(market.levels.shape[0]):
            bar.levels[k] = market.levels[k, bar.decides + market.level_shift[s]]


@compiled_part
def take_bars(slots: Any, rules: Any, bars: Any, market: Any, clock: Any, counts: Any, end: int) -> int:
    """The bars of all slots that close at `end`. Returns how many slots are busy: something may happen in them."""
    count = _NONE
    for s in range(len(slots)):
        if clock.upcoming[s] != end:
            continue
        slot, rule = slots[s], rules[s]
        here = slot.bar + 1 + market.shift[s]
        set_upcoming(clock, rule, market, s, here + 1)
        if clock.due[s] >= end and nothing_happens(slot, rule, market, here):
            pass_bar(slot, rule, market, here, end)
            if market.sides[here] != 0:
                counts[s, _ALREADY_OPEN] += 1
            continue
        take_bar(slot, rule, bars[s], market, s, here, end)
        clock.busy[count] = s
        count += 1
    return count


@compiled_part
def funding_phase(
    account: Any,
    slots: Any,
    rules: Any,
    bars: Any,
    tiers: Any,
    clock: Any,
    funding: Any,
    count: int,
    inside_bar: bool,
) -> None:
    """Funding due at the open of the busy slots' bars, or with `inside_bar` all of it up to their close."""
    for n in range(count):
        s = clock.busy[n]
        before = bars[s].end if inside_bar else bars[s].time + 1
        if clock.due[s] < before:
            clock.due[s] = settle_funding(
                account, slots, s, rules[s], bars[s].mark_open, funding.times, funding.rates, funding.shift[s],
                funding.stop[s], before, tiers,
            )  # fmt: skip


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
def inside_phase(
    account: Any,
    strategies: Any,
    slots: Any,
    rules: Any,
    bars: Any,
    tiers: Any,
    out: Any,
    busy: Any,
    count: int,
) -> bool:
    """What the ranges of the bars reach, slot by slot. Returns whether some slot held a position."""
    exposed = _NO
    for n in range(count):
        s = busy[n]
        if slots[s].side != 0 or slots[s].pending_side != 0:
            held = inside(account, strategies, slots, rules, s, bars[s], tiers, out)
            exposed = exposed or held
    return exposed


@compiled_part
def close_phase(
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
    """Extremes, levels and what else the closes of the bars move."""
    for n in range(count):
        s = busy[n]
        close_bar(account, strategies[rules[s].strategy], slots[s], rules[s], bars[s], tiers, out, s)


@compiled_part
def plan_phase(
    account: Any,
    strategies: Any,
    slots: Any,
    rules: Any,
    bars: Any,
    market: Any,
    out: Any,
    busy: Any,
    count: int,
) -> None:
    """What the closed bars decided, in slot order, for the next opens."""
    for n in range(count):
        s = busy[n]
        here = slots[s].bar + market.shift[s]
        if bars[s].decides >= 0 and (slots[s].side != 0 or bars[s].side != 0):
            bars[s].exits = market.exits_long[here] if slots[s].side > 0 else market.exits_short[here]
            plan_bar(account, strategies, slots[s], rules[s], bars[s], out, s)
        if slots[s].pending_side != 0:  # the load has until the next bar to arrive
            slots[s].pending_volume = market.volumes[here]


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
def run_steps(
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

    Columns are those of `Market` and `FundingRows`, what is written that of `Output`. `rows` float64[4, n] takes close
    time, equity, available cash and sum of notionals, with `daily` of the last step of each UTC day only. `busy`,
    `upcoming` and `due` int64[slots] are scratch. Flat, so that a call from Python costs microseconds. Returns a
    `Stopped` value.
    """
    account = account_records[0]
    out = Output(trades, log, counts, written)
    market = Market(
        times, ends, opens, highs, lows, closes, mark_opens, mark_highs, mark_lows, mark_closes, volumes, sigmas,
        sides, exits_long, exits_short, decides, coarse, levels, shift, stop, level_shift,
    )  # fmt: skip
    funding = FundingRows(funding_times, funding_rates, funding_shift, funding_stop)
    clock = Clock(upcoming, due, busy)
    room = rows.shape[1] - written[1] if daily == 0 else tick_limit
    last_tick = account.ticks + min(room, tick_limit)
    set_clock(clock, slots, rules, market, funding)
    while account.bankrupt == 0:
        if account.ticks >= last_tick:
            return _ROWS_FULL if room < tick_limit else _TICK_LIMIT
        if written[0] + _ROWS_A_STEP * len(slots) > len(trades):
            return _TRADES_FULL
        if len(slots) == 1:
            quiet_stretch(
                account, strategies, limits, slots, rules, market, clock, rows, out, daily, last_tick
            )
            if account.ticks >= last_tick:
                continue
        end = _FAR_FUTURE
        for s in range(len(slots)):
            end = min(end, upcoming[s])
        if end == _FAR_FUTURE:
            return _DATA_USED
        start_day(account, end)
        count = take_bars(slots, rules, bars, market, clock, counts, end)
        funding_phase(account, slots, rules, bars, tiers, clock, funding, count, _NO)
        open_phase(account, strategies, slots, rules, bars, tiers, out, busy, count)
        funding_phase(account, slots, rules, bars, tiers, clock, funding, count, _YES)
        exposed = inside_phase(account, strategies, slots, rules, bars, tiers, out, busy, count)
        close_phase(account, strategies, slots, rules, bars, tiers, out, busy, count)
        mark_account(account, slots, rules, market, rows, daily, end, exposed, out)
        if account.bankrupt == 0:
            apply_limits(account, strategies, limits, slots, rules, out, end)
            plan_phase(account, strategies, slots, rules, bars, market, out, busy, count)
    return _BANKRUPT
