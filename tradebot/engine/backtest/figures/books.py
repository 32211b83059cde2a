"""Where the profit came from, and whether the books balance: every coin is in exactly one place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tradebot.engine.backtest.figures.report import liquidated
from tradebot.engine.backtest.kernel.ledger import Ledger
from tradebot.engine.backtest.kernel.records import Records

_RELATIVE = 1e-9


@dataclass(frozen=True, slots=True)
class ProfitSplit:
    """The net profit of a trade log in its parts, in the quote coin; the parts add up to `total` exactly.

    `price`: by the move of the price before slippage, of what was not liquidated. `liquidation`: the same of liquidated
    legs: the margin that was lost. `fees` and `slippage` are what they took (<= 0, fees above 0 are rebates),
    `funding` what was received (+) or paid (-).
    """

    price: float
    fees: float
    slippage: float
    funding: float
    liquidation: float
    total: float


def split_profit(trades: Records) -> ProfitSplit:
    """The parts of the net profit of records TRADE, positions still open at their last mark."""
    gross = trades["pnl"] + trades["fees"] + trades["slippage"] - trades["funding"]
    lost = liquidated(trades)
    fees, slippage, funding = (float(trades[name].sum()) for name in ("fees", "slippage", "funding"))
    total = float(trades["pnl"].sum())
    liquidation = float(gross[lost].sum())
    # The rounding of the sums goes into the price, so that the parts add up to the last digit.
    price = total - liquidation + fees + slippage - funding
    return ProfitSplit(price, -fees + 0.0, -slippage + 0.0, funding, liquidation, total)


def imbalance(ledger: Ledger) -> str | None:
    """What is wrong with the books of a run, as a sentence with the amount; None where they balance.

    Start cash and the net profits of all rows must be the final equity, and the profit of each row must be side x
    quantity x (exit - entry) - fees + funding, to one part in 10^9 of what was moved.
    """
    trades = ledger.trades
    moved = ledger.cash + float(np.sum(trades["quantity"] * (trades["entry_price"] + trades["exit_price"])))
    total = ledger.cash + float(trades["pnl"].sum())
    missing = ledger.final_equity - total
    if not abs(missing) <= _RELATIVE * moved:
        return (
            f"The books do not balance: start cash and profits are {total:,.8f}, but the final equity is "
            f"{ledger.final_equity:,.8f}, {missing:+,.8f} more. This is an error of the simulation; do not trust this "
            "result, and report it with the strategy."
        )
    by_price = trades["side"] * trades["quantity"] * (trades["exit_price"] - trades["entry_price"])
    wrong = trades["pnl"] - (by_price - trades["fees"] + trades["funding"])
    size = trades["quantity"] * (trades["entry_price"] + trades["exit_price"])
    bad = ~(np.abs(wrong) <= _RELATIVE * size)
    if bad.any():
        row = int(np.argmax(bad))
        return (
            f"The books do not balance: the profit of trade {int(trades['trade_id'][row])} is "
            f"{float(trades['pnl'][row]):,.8f}, {float(wrong[row]):+,.8f} more than price, fees and funding make. This "
            "is an error of the simulation; do not trust this result, and report it with the strategy."
        )
    return None
