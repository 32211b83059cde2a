"""Measures over every row of a run, in one pass. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from tradebot.engine.control.compiling import compiled, compiled_loop, compiled_part


@compiled_loop
def share_of(values: Any, equities: Any) -> tuple[float, float]:
    """(mean, highest) of |value| / equity over the steps with equity above 0; (0, 0) without one."""
    total = highest = 0.0
    steps = 0
    for n in range(len(equities)):
        if equities[n] > 0.0:
            share = abs(values[n]) / equities[n]
            total += share
            if share > highest:
                highest = share
            steps += 1
    return (total / steps if steps > 0 else 0.0), highest


@compiled
def last_of_each(times: Any, length_ms: int) -> Any:
    """Positions of the last of the rising close times in each stretch of `length_ms`, one at its end included."""
    found = np.empty(len(times), dtype=np.int64)
    count = 0
    end = -np.inf  # of the stretch that the row before belongs to
    for n in range(len(times)):
        if times[n] > end:
            if n > 0:
                found[count] = n - 1
                count += 1
            end = (np.floor((times[n] - 1.0) / length_ms) + 1.0) * length_ms
    if len(times) > 0:
        found[count] = len(times) - 1
        count += 1
    return found[:count].copy()


@compiled_part
def count_until(times: Any, time: Any) -> int:
    """How many of the rising times are not above `time`; at once where no bar is missing, else by searching."""
    size = len(times)
    if size < 2 or time < times[0]:
        return 1 if size == 1 and time >= times[0] else 0
    likely = min(size, int((time - times[0]) // (times[1] - times[0])) + 1)
    if times[likely - 1] <= time and (likely == size or times[likely] > time):
        return likely
    return int(np.searchsorted(times, time, side="right"))


@compiled_part
def add_leg(
    row_times: Any,
    row: int,
    closes_at: Any,
    first: int,
    end: int,
    adverse: Any,
    closes: Any,
    signed: float,
    dips: Any,
    nets: Any,
) -> None:
    """Add a leg that is held at the closes of the bars first..end-1 to the rows; `row` is that of the first bar."""
    last = row + end - 1 - first
    if (
        last < len(row_times) and row_times[last] == closes_at[end - 1]
    ):  # no step is without a bar of this slot
        for bar in range(first, end):
            dips[row + bar - first] += signed * (adverse[bar] - closes[bar])
        if len(nets) > 0:
            for bar in range(first, end):
                nets[row + bar - first] += signed * closes[bar]
        return
    for bar in range(first, end):
        while row < len(row_times) and row_times[row] < closes_at[bar]:
            row += 1
        if row >= len(row_times):
            return
        dips[row] += signed * (adverse[bar] - closes[bar])
        if len(nets) > 0:
            nets[row] += signed * closes[bar]


@compiled_loop
def add_legs(
    row_times: Any, closes_at: Any, lows: Any, highs: Any, closes: Any, trades: Any, dips: Any, nets: Any
) -> None:
    """Add the legs of one slot to the rows of the account: how far each was below its close inside the bar, and its
    signed notional at the close (not where `nets` is empty).

    `closes_at`: close times of the slot's bars, rising; `trades`: its rows of the log. A leg counts on the bars at
    whose close it is held.
    """
    for t in range(len(trades)):
        trade = trades[t]
        first, end = count_until(closes_at, trade.entry_time), count_until(closes_at, trade.exit_time)
        if first < end:
            row = count_until(row_times, closes_at[first] - 1)
            signed = trade.side * trade.quantity
            adverse = lows if signed > 0.0 else highs
            add_leg(row_times, row, closes_at, first, end, adverse, closes, signed, dips, nets)


@compiled_loop
def worst_inside(equities: Any, dips: Any, cash: float) -> float:
    """Lowest (equity + dip) / highest equity at an earlier close - 1, the start cash included."""
    peak, worst = cash, 0.0
    for n in range(len(equities)):
        worst = min(worst, (equities[n] + dips[n]) / peak - 1.0)
        peak = max(peak, equities[n])
    return worst
