"""Whole positions: the legs of one trade id added up, because half of a position is no trade of its own.

A position that takes half of its profit early would count as two winners, one that loses as one loser: win rate and
mean R of legs look better than the account.
"""

from __future__ import annotations

import numpy as np

from tradebot.engine.backtest.kernel.codes import TradeStatus
from tradebot.engine.backtest.kernel.records import Records

_SUMMED = ("quantity", "pnl", "fees", "funding", "slippage")


def closed_positions(trades: Records) -> Records:
    """One record TRADE for each position that is closed altogether, in the order of their last exits.

    Entry, sides, stop and times are those of its legs (the exit that of the last); quantity, profit and costs are added
    up; the exit price is the mean by quantity; R is the whole profit over the whole risk; MAE and MFE are the widest.
    Liquidated where its last leg was, ambiguous and coarse where any leg was. Legs of a position still open are left
    out.
    """
    closed: Records = trades[trades["status"] != TradeStatus.OPEN]
    if not len(trades) or int(np.bincount(trades["trade_id"]).max()) == 1:
        return closed
    still_open = trades["trade_id"][trades["status"] == TradeStatus.OPEN]
    legs: Records = closed[~np.isin(closed["trade_id"], still_open)]
    if not len(legs):
        return legs
    order = np.argsort(legs["trade_id"], kind="stable")
    legs = legs[order]
    first = np.flatnonzero(np.diff(legs["trade_id"], prepend=-1))
    last = np.append(first[1:], len(legs)) - 1
    whole: Records = legs[last].copy()
    for name in _SUMMED:
        whole[name] = np.add.reduceat(legs[name], first)
    for name, widest in (
        ("mae", np.minimum),
        ("mfe", np.maximum),
        ("ambiguous", np.maximum),
        ("coarse", np.maximum),
    ):
        whole[name] = widest.reduceat(legs[name], first)
    left = np.add.reduceat(legs["quantity"] * legs["exit_price"], first)
    at_risk = np.add.reduceat(legs["quantity"] * np.abs(legs["entry_price"] - legs["initial_stop"]), first)
    whole["exit_price"] = left / whole["quantity"]
    whole["r"] = whole["pnl"] / at_risk
    ended: Records = whole[np.argsort(order[last], kind="stable")]
    return ended
