"""Sums over a trade log in one pass, from which its figures are made. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from tradebot.engine.control.compiling import compiled, compiled_part

CLOSED, LIQUIDATED, AMBIGUOUS, WINS, LOSSES = 0, 1, 2, 3, 4
WON, LOST = 5, 6
R_COUNT, R_SUM, R_SQUARES = 7, 8, 9
FEES, FUNDING, SLIPPAGE, PROFIT = 10, 11, 12, 13
BARS, HELD_MS, TRADED = 14, 15, 16
LONGEST_LOSING_RUN, REPEATED = 17, 18
SIZE = 19


@compiled_part
def add_result(sums: Any, profit: float, losing: int) -> int:
    """Take in whether a row won or lost; `losing` rows before it lost in a row. Returns how many now."""
    if profit > 0.0:
        sums[WINS] += 1
        sums[WON] += profit
    if not profit < 0.0:
        return 0
    sums[LOSSES] += 1
    sums[LOST] -= profit
    sums[LONGEST_LOSING_RUN] = max(sums[LONGEST_LOSING_RUN], losing + 1)
    return losing + 1


@compiled_part
def squares_of_r(trades: Any, open_status: int, mean: float) -> float:
    """Sum of squared distances to the mean R of the rows that are not open."""
    total = 0.0
    for n in range(len(trades)):
        if trades[n].status != open_status and not np.isnan(trades[n].r):
            total += (trades[n].r - mean) ** 2
    return total


@compiled
def trade_sums(trades: Any, open_status: int, liquidated_status: int) -> Any:
    """float64[19] by the numbers above, of records TRADE.

    Counts, wins, losses, R, bars and times are those of the rows that are not open; fees, funding, slippage, profit and
    traded value those of all. R_SQUARES is the sum of squared distances to the mean R. REPEATED counts rows of a
    position that an earlier row, of those not open, belongs to as well.
    """
    sums = np.zeros(SIZE)
    highest = 0
    for n in range(len(trades)):
        if trades[n].trade_id > highest:
            highest = trades[n].trade_id
    seen = np.zeros(highest + 1, dtype=np.bool_)
    losing = 0
    for n in range(len(trades)):
        trade = trades[n]
        sums[AMBIGUOUS] += trade.ambiguous
        sums[FEES] += trade.fees
        sums[FUNDING] += trade.funding
        sums[SLIPPAGE] += trade.slippage
        sums[PROFIT] += trade.pnl
        sums[TRADED] += trade.quantity * trade.entry_price
        if seen[trade.trade_id]:
            sums[REPEATED] += 1
        seen[trade.trade_id] = True
        if trade.status == open_status:
            continue
        sums[TRADED] += trade.quantity * trade.exit_price
        sums[CLOSED] += 1
        sums[BARS] += trade.bars
        sums[HELD_MS] += trade.exit_time - trade.entry_time
        if trade.status == liquidated_status:
            sums[LIQUIDATED] += 1
        losing = add_result(sums, trade.pnl, losing)
        if not np.isnan(trade.r):
            sums[R_COUNT] += 1
            sums[R_SUM] += trade.r
    if sums[R_COUNT] > 0:
        sums[R_SQUARES] = squares_of_r(trades, open_status, sums[R_SUM] / sums[R_COUNT])
    return sums
