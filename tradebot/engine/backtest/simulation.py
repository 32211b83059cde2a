"""The simulation as Python sees it: given slots, rules and cash, stepped in pieces by the compiled kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tradebot.engine.backtest.codes import Count, Stopped
from tradebot.engine.backtest.columns import frozen
from tradebot.engine.backtest.ledger import Ledger, RunSettings, StrategyRules, SymbolData
from tradebot.engine.backtest.rules import rules_table
from tradebot.engine.backtest.state import BAR, TRADE, Records, SimulationState
from tradebot.engine.backtest.step import run_steps, write_open_positions
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.market import Int64
from tradebot.engine.market.times import iso_minute

PIECE_TICKS = 50_000
WINDOW_BARS = 400_000
TRADE_BLOCK = 4_096
_MOST_TRADE_BLOCK = 65_536

_COLUMNS = ("time", "open", "high", "low", "close", "side", "exit_long", "exit_short")
_TYPES = (np.int64, np.float64, np.float64, np.float64, np.float64, np.int8, np.bool_, np.bool_)
_Column = npt.NDArray[Any]


@dataclass(slots=True)
class _Window:
    """Bars of all slots over one stretch of time, concatenated: bar b of slot s stands at b + shift[s]."""

    columns: list[_Column]
    shift: Int64
    stop: Int64


class Simulation:
    """One account and its slots on the merged clock of their bars.

    `state` may be copied, saved and given to another simulation over the same or longer data: pieces of any
    length give the same trades, rows and state as one run. Slots are ordered by symbol.
    """

    def __init__(
        self,
        slots: Sequence[SymbolData],
        strategies: Sequence[StrategyRules],
        settings: RunSettings,
        state: SimulationState | None = None,
        piece_ticks: int = PIECE_TICKS,
        window_bars: int = WINDOW_BARS,
        trade_block: int = TRADE_BLOCK,
    ) -> None:
        self._slots: list[SymbolData] = sorted(slots, key=lambda slot: slot.symbol)
        if not 0.0 < settings.cash < np.inf:
            raise InputError(f"The starting cash must be above 0, was {settings.cash:g}.")
        self._cash = settings.cash
        self._piece_ticks = piece_ticks
        self._window_bars = window_bars
        self.state = state.copy() if state else SimulationState.begin(len(slots), settings.cash)
        self._rules = rules_table(self._slots, strategies)
        self._inputs = [_slot_columns(slot) for slot in self._slots]
        self._funding = _funding_columns(self._slots)
        self._bars: Records = np.zeros(len(slots), dtype=BAR)
        self._active = np.zeros(len(slots), dtype=np.int64)
        self._trades: Records = np.zeros(max(trade_block, 2 * len(slots)), dtype=TRADE)
        self._full_blocks: list[Records] = []
        self._rows = np.empty((4, self._most_rows() + 1))
        self._written = np.zeros(2, dtype=np.int64)
        self._window: _Window | None = None

    @property
    def total_ticks(self) -> int:
        """Upper bound of the steps in this data, for progress."""
        return self._rows.shape[1] - 1

    def advance(self, ticks: int | None = None) -> bool:
        """Take at most `ticks` steps (default: one piece). Returns whether there may be more."""
        left = self._piece_ticks if ticks is None else ticks
        while left > 0:
            if self._window is None:
                self._window = self._next_window()
                if self._window is None:
                    return False
            before = int(self._written[1])
            stopped = Stopped(self._run(self._window, left))
            left -= int(self._written[1]) - before
            if stopped is Stopped.DATA_USED:
                self._window = None
            elif stopped is Stopped.TRADES_FULL:
                self._start_block()
            elif stopped is Stopped.ROWS_FULL:
                self._rows = np.concatenate([self._rows, np.empty((4, self._piece_ticks))], axis=1)
            elif stopped is Stopped.BANKRUPT:
                return False
        return True

    def run(
        self, report: Callable[[int, int], None] | None = None, cancel: CancelToken | None = None
    ) -> Ledger:
        """Run to the end, telling (steps done, steps at most) after each piece.

        Raises CancelledError soon after `cancel` was asked for.
        """
        more = True
        while more:
            more = self.advance()
            if cancel is not None:
                cancel.check()
            if report is not None:
                report(int(self._written[1]), self.total_ticks)
        return self.ledger()

    def ledger(self) -> Ledger:
        """What happened since this simulation began, with the positions now open as rows of their own."""
        open_rows: Records = np.zeros(len(self._slots), dtype=TRADE)
        open_count = write_open_positions(self.state.slots, self._rules, open_rows)
        closed = self._trades[: self._written[0]]
        counts = self.state.counts.copy()
        for index, slot in enumerate(self._slots):
            record = self.state.slots[index]
            if record["pending_side"] != 0 and record["bar"] + 1 == len(slot.candles):
                counts[index, Count.NO_NEXT_BAR] += 1
        return Ledger(
            symbols=tuple(slot.symbol for slot in self._slots),
            cash=self._cash,
            trades=np.concatenate([*self._full_blocks, closed, open_rows[:open_count]]),
            rows=self._rows[:, : self._written[1]],
            counts=counts,
            exposed_rows=int(self.state.account["exposed_ticks"][0]),
            worst_drawdown=float(self.state.account["worst_drawdown"][0]),
            bankrupt=bool(self.state.account["bankrupt"][0]),
        )

    def _run(self, window: _Window, ticks: int) -> int:
        state = self.state
        arguments: tuple[Any, ...] = (
            *(state.account, state.slots, state.counts, self._rules, self._bars),
            *window.columns,
            *(window.shift, window.stop, *self._funding),
            *(self._trades, self._rows, self._active, self._written, ticks),
        )
        return run_steps(*arguments)

    def _start_block(self) -> None:
        self._full_blocks.append(self._trades[: self._written[0]])
        self._trades = np.zeros(
            max(len(self._trades), min(2 * len(self._trades), _MOST_TRADE_BLOCK)), dtype=TRADE
        )
        self._written[0] = 0

    def _most_rows(self) -> int:
        filled = [slot.candles for slot in self._slots if len(slot.candles)]
        if not filled:
            return 0
        first = min(int(candles.time[0]) for candles in filled)
        last = max(int(candles.time[-1]) for candles in filled)
        return min(sum(map(len, filled)), (last - first) // filled[0].timeframe.ms + 1)

    def _next_window(self) -> _Window | None:
        """The bars that come next: all of them where there is one slot, else a stretch copied side by side."""
        seen = self.state.slots["bar"] + 1
        lengths = np.array([len(columns[0]) for columns in self._inputs], dtype=np.int64)
        left = np.flatnonzero(seen < lengths)
        if len(left) == 0:
            return None
        if len(self._inputs) == 1:
            return _Window(self._inputs[0], frozen(np.zeros(1, dtype=np.int64)), frozen(lengths))
        length_ms = max(1, self._window_bars // len(self._inputs)) * self._slots[0].candles.timeframe.ms
        end_ms = min(int(self._inputs[s][0][seen[s]]) for s in left) + length_ms
        ends = [int(np.searchsorted(columns[0], end_ms)) for columns in self._inputs]
        parts = [[column[seen[s] : ends[s]] for column in self._inputs[s]] for s in range(len(ends))]
        columns = [frozen(np.concatenate([part[c] for part in parts])) for c in range(len(_COLUMNS))]
        counts = np.maximum(0, np.array(ends, dtype=np.int64) - seen)
        stop = np.cumsum(counts)
        return _Window(columns, frozen(stop - counts - seen), frozen(stop))


def simulate(
    slots: Sequence[SymbolData],
    strategies: Sequence[StrategyRules],
    settings: RunSettings,
    report: Callable[[int, int], None] | None = None,
    cancel: CancelToken | None = None,
) -> Ledger:
    """Simulate all slots of all `strategies` on one account from their first to their last bar."""
    return Simulation(slots, strategies, settings).run(report, cancel)


def _slot_columns(slot: SymbolData) -> list[_Column]:
    candles, decisions = slot.candles, slot.decisions
    for prices in (candles.open, candles.high, candles.low, candles.close):
        if len(prices) and not (prices.min() > 0.0 and prices.max() < np.inf):  # also where one is NaN
            bad = int(np.argmin((prices > 0.0) & (prices < np.inf)))
            raise InputError(
                f"{slot.symbol}: the bar of {iso_minute(int(candles.time[bad]))} UTC has the price {prices[bad]}, "
                "expected a number above 0; correct or delete it."
            )
    columns = (
        candles.time,
        candles.open,
        candles.high,
        candles.low,
        candles.close,
        decisions.side,
        decisions.exit_long,
        decisions.exit_short,
    )
    return [frozen(np.asarray(column, dtype=kind)) for column, kind in zip(columns, _TYPES, strict=True)]


def _funding_columns(slots: Sequence[SymbolData]) -> list[_Column]:
    """Times and rates of all slots concatenated, then shift and stop of each slot."""
    counts = np.array([len(slot.funding_time) for slot in slots], dtype=np.int64)
    stop = np.cumsum(counts)
    times = np.concatenate([np.asarray(slot.funding_time, dtype=np.int64) for slot in slots])
    rates = np.concatenate([np.asarray(slot.funding_rate, dtype=np.float64) for slot in slots])
    return [frozen(column) for column in (times, rates, stop - counts, stop)]
