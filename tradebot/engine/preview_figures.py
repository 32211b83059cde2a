"""What a preview shows of a run: headline figures, the equity line, signals, the last candles, refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tradebot.engine.backtest.figures import metrics as m
from tradebot.engine.backtest.figures import trade_metrics as t
from tradebot.engine.backtest.inputs.slots import SlotInput
from tradebot.engine.backtest.kernel.codes import Count, EntryReason, ExitReason, TradeStatus
from tradebot.engine.backtest.kernel.ledger import Ledger
from tradebot.engine.backtest.kernel.state import Records
from tradebot.engine.control.progress import counted
from tradebot.engine.market import DAY_MS, Int64
from tradebot.engine.messages import PreviewCandles, PreviewMark, PreviewSignals

_BARS_AFTER = 4
_MOST_GROUPED = 8
_LOOKED_AT = 2_000  # of the last trades, for those on the candles


def closed_trades(ledger: Ledger) -> Records:
    """The closed legs: all of the log but the open positions at its end."""
    trades = ledger.trades
    closed: Records = trades[
        : len(trades) - int(np.count_nonzero(trades[-len(ledger.symbols) :]["status"] == TradeStatus.OPEN))
    ]
    return closed


def figures_of(ledger: Ledger, start_ms: int) -> dict[str, float | None]:
    """The headline figures, by the conventions of a backtest's metrics."""
    _, daily = m.daily_equity(ledger.rows[0], ledger.rows[1], ledger.cash, start_ms)
    closed = closed_trades(ledger)
    pnl = np.ascontiguousarray(closed["pnl"])
    notional = float(np.sum(closed["quantity"] * closed["entry_price"]))
    costs = float(closed["fees"].sum() + closed["slippage"].sum() - closed["funding"].sum())
    return {
        "total_return": m.total_return(daily),
        "sharpe": m.sharpe(m.returns_of(daily)),
        "max_drawdown": m.max_drawdown(daily),
        "profit_factor": t.profit_factor(pnl),
        "trades": float(len(closed)),
        "win_rate": t.win_rate(pnl),
        "cost_per_trade": costs / notional if notional > 0 else None,
        "exposure": ledger.exposed_rows / ledger.steps if ledger.steps else None,
    }


def reduced(times: Any, values: Any, columns: int) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The lowest and highest value of every half column, in their order of time: what a braille line can show.

    Few calls on the whole, because each gives the interpreter to another thread and waits for it again.
    """
    count = len(values)
    halves = max(1, 2 * columns)
    if count <= 2 * halves:
        chosen_times, chosen = times, values
    else:
        edges = np.linspace(0, count, halves + 1).astype(np.int64)
        low, high = np.minimum.reduceat(values, edges[:-1]), np.maximum.reduceat(values, edges[:-1])
        first, last = values[edges[:-1]], values[edges[1:] - 1]
        rising = last >= first
        chosen = np.stack((np.where(rising, low, high), np.where(rising, high, low)), axis=1).ravel()
        chosen_times = np.stack((times[edges[:-1]], times[edges[1:] - 1]), axis=1).ravel()
        chosen[0], chosen[-1] = values[0], values[-1]
    return tuple(chosen_times.astype(np.int64).tolist()), tuple(np.round(chosen, 2).tolist())


def signals_of(inputs: list[SlotInput], ledger: Ledger) -> PreviewSignals:
    """How often the strategy decided, how long it held, how far its first stops were."""
    long = sum(int(np.count_nonzero(one.data.decisions.side > 0)) for one in inputs)
    short = sum(int(np.count_nonzero(one.data.decisions.side < 0)) for one in inputs)
    days = sum(len(one.data.candles) * one.data.candles.timeframe.ms for one in inputs) / DAY_MS
    trades, closed = ledger.trades, closed_trades(ledger)
    stops = np.abs(trades["initial_stop"] / trades["entry_price"] - 1.0)
    stops = stops[~np.isnan(stops)]
    return PreviewSignals(
        long,
        short,
        (long + short) / days if days > 0 else 0.0,
        round(float(np.mean(closed["exit_time"] - closed["entry_time"]))) if len(closed) else None,
        float(np.median(stops)) * 100 if len(stops) else None,
    )


def candles_of(one: SlotInput, ledger: Ledger, bars: int) -> PreviewCandles:
    """The last bars of a symbol; where nothing was opened or closed on them, those that end soon after it last was.

    Up to eight times as many where the last position needs them to be seen from its entry on.
    """
    candles = one.data.candles
    last_trades = ledger.trades[-_LOOKED_AT:]
    of_slot = last_trades[last_trades["slot"] == ledger.symbols.index(one.data.symbol)]
    end = len(candles)
    if len(of_slot):
        closed = of_slot["status"] != TradeStatus.OPEN
        moments = np.where(closed, of_slot["exit_time"], of_slot["entry_time"])
        latest = int(np.argmax(moments))
        at = int(np.searchsorted(candles.time, moments[latest], side="right"))
        if at < end - bars:
            end = min(end, at + _BARS_AFTER)
        begun = int(np.searchsorted(candles.time, of_slot["entry_time"][latest], side="right"))
        needed = end - begun + _BARS_AFTER
        bars = needed if bars < needed <= _MOST_GROUPED * bars else bars
    shown = candles.slice(max(0, end - bars), end)
    return PreviewCandles(
        tuple(shown.time.tolist()),
        tuple(shown.open.tolist()),
        tuple(shown.high.tolist()),
        tuple(shown.low.tolist()),
        tuple(shown.close.tolist()),
        one.data.instrument.price_decimals,
        _marks(of_slot, shown.time),
    )


def _marks(trades: Records, times: Int64) -> tuple[PreviewMark, ...]:
    """Entries and exits on these bars; the legs of one position have one entry."""
    if not len(times) or not len(trades):
        return ()
    first = int(times[0])
    marks: dict[tuple[int, str, int], PreviewMark] = {}
    for trade in trades[trades["exit_time"] >= first]:
        side = "long" if trade["side"] > 0 else "short"
        entry, leave = int(trade["entry_time"]), int(trade["exit_time"])
        number = int(trade["trade_id"])
        if entry >= first:
            bar = int(np.searchsorted(times, entry, side="right")) - 1
            reason = EntryReason(int(trade["entry_reason"])).name.lower()
            price = float(trade["entry_price"])
            marks[number, "entry", bar] = PreviewMark(bar, "entry", side, price, reason)
        if int(trade["status"]) != TradeStatus.OPEN and leave < int(times[-1]) + 2 * _step(times):
            bar = int(np.searchsorted(times, leave, side="right")) - 1
            reason = ExitReason(int(trade["exit_reason"])).name.lower()
            marks[number, "exit", bar] = PreviewMark(bar, "exit", side, float(trade["exit_price"]), reason)
    return tuple(marks.values())


def _step(times: Int64) -> int:
    return int(times[1] - times[0]) if len(times) > 1 else 1


_REFUSED = {
    Count.GAP: "came just before a gap in the data",
    Count.INSUFFICIENT_MARGIN: "could not be paid from the free balance",
    Count.BELOW_MIN_QUANTITY: "came to less than the smallest order quantity",
    Count.BELOW_MIN_NOTIONAL: "came to less than the smallest order value",
    Count.ABOVE_MAX_QUANTITY: "came to more than the largest market order",
    Count.COOLDOWN: "fell into the cool-down",
    Count.SIZE_ZERO: "came to a size of 0",
    Count.NO_LEVEL: "had no value for stop, target or size",
    Count.EXPOSURE: "would have passed the limit of exposure",
    Count.NO_VOLUME: "found no volume to trade against",
    Count.MAX_POSITIONS: "found all positions taken",
    Count.DAILY_LOSS: "came after the daily loss limit",
    Count.DRAWDOWN: "came after the drawdown limit",
    Count.LOSS_STREAK: "fell into the pause after a run of losses",
    Count.EXPIRED: "waited for a price that did not come in time",
}
"""Refusals worth saying; what is usual, as a decision while a position is open, is not among them."""
_MADE_SMALLER = {
    Count.REDUCED_MARGIN: "made smaller, to what the free balance affords",
    Count.REDUCED_EXPOSURE: "made smaller, to the limit of exposure",
    Count.REDUCED_VOLUME: "made smaller, to the share of the volume",
}
_REACHED = {
    Count.DRAWDOWN_REACHED: ("drawdown", "time"),
    Count.DAILY_LOSS_REACHED: ("daily loss", "day"),
    Count.LOSS_STREAK_REACHED: ("run of losses", "time"),
}


def refusal_notes(ledger: Ledger) -> tuple[str, ...]:
    """Sentences about limits that were reached, entry decisions that became nothing and orders that became smaller.

    Those of each kind with the most frequent first.
    """
    reached = [
        f"The limit of {what} was reached {counted(count, unit)}."
        for kind, (what, unit) in _REACHED.items()
        if (count := ledger.count(kind))
    ]
    return (
        *reached,
        *_frequent(ledger, "entry decision", _REFUSED),
        *_frequent(ledger, "order", _MADE_SMALLER),
    )


def _frequent(ledger: Ledger, one: str, words: Mapping[Count, str]) -> list[str]:
    """`3 entry decisions fell into the cool-down.`, the most frequent first; what never happened is left out."""
    counts = sorted(((ledger.count(kind), said) for kind, said in words.items()), reverse=True)
    return [f"{counted(count, one)} {said}." for count, said in counts if count]
