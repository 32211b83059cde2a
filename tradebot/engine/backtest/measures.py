"""Measures over every row of a run, in one pass. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from tradebot.engine.control.compiling import compiled, compiled_loop


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


@compiled_loop
def add_legs(
    row_times: Any, closes_at: Any, lows: Any, highs: Any, closes: Any, trades: Any, dips: Any, nets: Any
) -> None:
    """Add the legs of one slot to the rows of the account: how far each was below its close inside the bar, and its
    signed notional at the close (not where `nets` is empty).

    `closes_at`: close times of the slot's bars, rising; `trades`: its rows of the log, whose entries rise. A leg counts
    on the bars at whose close it is held.
    """
    first = first_row = 0
    for t in range(len(trades)):
        trade = trades[t]
        signed = trade.side * trade.quantity
        entry, leave = trade.entry_time, trade.exit_time
        while first < len(closes_at) and closes_at[first] <= entry:
            first += 1
        if first >= len(closes_at):
            break
        while first_row < len(row_times) and row_times[first_row] < closes_at[first]:
            first_row += 1
        row = first_row
        for bar in range(first, len(closes_at)):
            if closes_at[bar] > leave:
                break
            while row < len(row_times) and row_times[row] < closes_at[bar]:
                row += 1
            if row >= len(row_times):
                break
            adverse = lows[bar] if signed > 0.0 else highs[bar]
            dips[row] += signed * (adverse - closes[bar])
            if len(nets) > 0:
                nets[row] += signed * closes[bar]


@compiled_loop
def worst_inside(equities: Any, dips: Any, cash: float) -> float:
    """Lowest (equity + dip) / highest equity at an earlier close - 1, the start cash included."""
    peak, worst = cash, 0.0
    for n in range(len(equities)):
        worst = min(worst, (equities[n] + dips[n]) / peak - 1.0)
        peak = max(peak, equities[n])
    return worst
