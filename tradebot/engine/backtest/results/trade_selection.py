"""Which rows of a trade log a person wants to see, and in what order: words to positions."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from tradebot.engine.backtest.kernel.codes import ExitReason, TradeStatus
from tradebot.engine.backtest.kernel.state import Records
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Int64
from tradebot.engine.strategy.registry import BoolArray

SORTS = ("pnl", "r", "bars", "fees", "symbol")
_NUMBER = re.compile(r"(pnl|r|bars|fees)(>=|<=|>|<)(-?\d+(?:\.\d+)?)")
_COMPARE = {">": np.greater, "<": np.less, ">=": np.greater_equal, "<=": np.less_equal}


@dataclass(frozen=True, slots=True, eq=False)
class TradeSelection:
    """`positions` of the rows in the log, in the order to show; `legs` counts, for each row of the log, its legs from 0
    among the rows of the same trade."""

    positions: Int64
    legs: Int64


def select_trades(result: BacktestResult, find: str = "", sort: str = "") -> TradeSelection:
    """The rows that every word of `find` fits, newest first or as `sort` says (`-pnl`: highest first).

    A word is a side, win or loss, open, ambiguous, a reason of exit, a part of a symbol, or a bound (`r>1`, `pnl<-10`,
    `bars>=30`). `btc short stop` keeps the shorts of BTCUSDT that were stopped. InputError for a word that fits nothing
    known, or another sort.
    """
    trades = result.trades
    kept = np.ones(len(trades), dtype=np.bool_)
    for word in find.lower().split():
        kept &= _fits(result, word)
    positions = np.flatnonzero(kept)[::-1]
    if sort:
        positions = positions[_order(result, trades[positions], sort)]
    return TradeSelection(positions.astype(np.int64), leg_numbers(trades))


def leg_numbers(trades: Records) -> Int64:
    """How many rows of the same trade stand before each row: 0 for the only leg of a trade."""
    order = np.argsort(trades["trade_id"], kind="stable")
    ids = trades["trade_id"][order]
    place = np.arange(len(ids))
    first = np.maximum.accumulate(np.where(np.r_[True, ids[1:] != ids[:-1]], place, 0)) if len(ids) else place
    legs = np.zeros(len(ids), dtype=np.int64)
    legs[order] = place - first
    return legs


def _fits(result: BacktestResult, word: str) -> BoolArray:
    trades = result.trades
    plain: dict[str, BoolArray] = {
        "long": trades["side"] > 0,
        "short": trades["side"] < 0,
        "win": trades["pnl"] > 0.0,
        "loss": trades["pnl"] <= 0.0,
        "open": trades["status"] == TradeStatus.OPEN,
        "ambiguous": trades["ambiguous"] != 0,
    }
    if word in plain:
        return plain[word]
    number = _NUMBER.fullmatch(word)
    if number is not None:
        column, sign, bound = number.groups()
        found: BoolArray = _COMPARE[sign](trades[column], float(bound))
        return found
    reasons = [reason for reason in ExitReason if reason.name.lower() == word and reason.value]
    if reasons:
        return np.asarray(trades["exit_reason"] == reasons[0].value)
    slots = [slot for slot, symbol in enumerate(result.symbols) if word in symbol.lower()]
    if slots:
        return np.isin(trades["slot"], slots)
    known = ", ".join((*plain, *(reason.name.lower() for reason in ExitReason if reason.value)))
    raise InputError(
        f'No trade fits "{word}". Known are a part of a symbol, r>1, pnl<0, bars>9 and: {known}.'
    )


def _order(result: BacktestResult, trades: Records, sort: str) -> Int64:
    column, falling = sort.removeprefix("-"), sort.startswith("-")
    if column not in SORTS:
        raise InputError(f"Trades are sorted by {', '.join(SORTS)}, not by {column}.")
    if column == "symbol":
        rank = np.argsort(np.argsort(np.array(result.symbols)))
        values = rank[trades["slot"]].astype(np.float64)
    else:
        values = trades[column].astype(np.float64)
    return np.argsort(-values if falling else values, kind="stable")  # NaN last either way
