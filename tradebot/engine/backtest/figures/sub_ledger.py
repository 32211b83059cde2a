"""The share of one strategy in an account: its trades, and the course of its own profits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tradebot.engine.backtest.kernel.ledger import SymbolData
from tradebot.engine.backtest.kernel.records import Records
from tradebot.engine.market import Float64, Int64


def daily_profit(ends: Int64, trades: Records, slots: Sequence[SymbolData]) -> Float64:
    """Profit of these rows of a trade log up to each of the times `ends` (rising, UTC ms), the first of them 0.

    A row that ended before counts with its net profit, one that is held with its value at the last close; its costs
    and funding are booked when it ends, of one still open at the last of these times. `slots` are all of the run, in
    the order of the ledger.
    """
    profit = np.zeros(len(ends))
    if not len(trades):
        return profit
    first_open = np.searchsorted(ends, trades["entry_time"], side="right")
    first_closed = np.searchsorted(ends, trades["exit_time"], side="right")
    np.add.at(
        profit,
        np.minimum(first_closed, len(ends) - 1),
        np.where(first_closed < len(ends), trades["pnl"], 0.0),
    )
    profit = np.cumsum(profit)
    held = np.flatnonzero(first_closed > first_open)
    counts = (np.minimum(first_closed, len(ends)) - first_open)[held]
    row = np.repeat(held, counts)
    day = (
        np.arange(len(row))
        - np.repeat(np.cumsum(counts) - counts, counts)
        + np.repeat(first_open[held], counts)
    )
    for slot in np.unique(trades["slot"][row]).tolist():
        of_slot = trades["slot"][row] == slot
        rows, days = trades[row[of_slot]], day[of_slot]
        candles = slots[slot].candles
        bar = np.searchsorted(candles.close_time, ends[days], side="right") - 1
        price = np.where(bar >= 0, candles.close[np.maximum(bar, 0)], rows["entry_price"])
        np.add.at(profit, days, rows["side"] * rows["quantity"] * (price - rows["entry_price"]))
    profit[-1] = trades["pnl"].sum()
    return profit
