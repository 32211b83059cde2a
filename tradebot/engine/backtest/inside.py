"""What an account went through between the closes: drawdown at the extremes of the bars, and net exposure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tradebot.engine.backtest.columns import frozen
from tradebot.engine.backtest.ledger import Ledger, SymbolData
from tradebot.engine.backtest.records import Records
from tradebot.engine.market import Float64, Int64


@dataclass(frozen=True, slots=True)
class Inside:
    """`max_drawdown`: the worst fall from a close's peak to the adverse extremes of a bar, all positions at theirs at
    once. `net_exposure` and `max_net_exposure`: mean and highest of |sum of signed notionals| over equity."""

    max_drawdown: float
    net_exposure: float
    max_net_exposure: float


def look_inside(ledger: Ledger, slots: Sequence[SymbolData], gross: tuple[float, float]) -> Inside | None:
    """From the bars and the trade log, as pessimistic as bars allow; None without a step.

    `slots` in the order of the ledger; `gross` is (mean, highest) of the gross exposure, which is the net one where
    there is one slot. Marked at mark prices where there are some. A position that was added to counts
    with its whole quantity from its first entry on; the bar in which a leg ends counts with its exit.
    """
    # Here, because listing results must not load the kernel.
    from tradebot.engine.backtest.measures import add_legs, share_of, worst_inside

    if not ledger.steps:
        return None
    dips, nets = np.zeros(ledger.steps), np.zeros(ledger.steps if len(slots) > 1 else 0)
    for number, slot in enumerate(slots):
        trades: Records = ledger.trades
        if len(slots) > 1:
            trades = trades[trades["slot"] == number]
        if len(trades):
            add_legs(ledger.rows[0], *_columns(slot), trades, dips, nets)
    worst = float(worst_inside(ledger.rows[1], dips, ledger.cash))
    if not len(nets):
        return Inside(worst, *gross)
    mean, highest = share_of(nets, ledger.rows[1])
    return Inside(worst, float(mean), float(highest))


def _columns(slot: SymbolData) -> tuple[Int64, Float64, Float64, Float64]:
    """Close times, lows, highs and closes of the bars that are walked, of the mark price where it is known."""
    bars, candles = slot.engine, slot.candles
    closes_at = candles.close_time if bars is None else bars.time + bars.length_ms
    prices = slot.mark or bars or candles
    return frozen(closes_at), frozen(prices.low), frozen(prices.high), frozen(prices.close)
