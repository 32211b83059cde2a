"""The simulation as Python sees it: given slots, rules and cash, stepped in pieces by the compiled kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from tradebot.engine.backtest.kernel.closing import write_open_positions
from tradebot.engine.backtest.kernel.codes import Count, Stopped
from tradebot.engine.backtest.kernel.columns import frozen
from tradebot.engine.backtest.kernel.ledger import Ledger, Looks, RunSettings, StrategyRules, SymbolData
from tradebot.engine.backtest.kernel.records import BAR, INTERVENTION, ROWS_A_STEP, TRADE, Records
from tradebot.engine.backtest.kernel.rules import limits_table, rules_table, tiers_table
from tradebot.engine.backtest.kernel.state import SimulationState
from tradebot.engine.backtest.kernel.step import run_steps
from tradebot.engine.backtest.kernel.windows import Column, Columns, Window
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import CancelToken

PIECE_TICKS = 50_000
WINDOW_BARS = 400_000
TRADE_BLOCK = 4_096
MOST_INTERVENTIONS = 20_000
_MOST_TRADE_BLOCK = 65_536


class Simulation:
    """One account and its slots on the merged clock of their bars.

    `state` may be copied, saved and given to another simulation over the same or longer data: pieces of any
    length give the same trades, rows and state as one run. Slots are ordered by strategy, then symbol. With `daily`
    only the last row of each UTC day is kept.
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
        daily: bool = False,
    ) -> None:
        if not 0.0 < settings.cash < np.inf:
            raise InputError(f"The starting cash must be above 0, was {settings.cash:g}.")
        self._strategies = list(strategies)
        self._slots = in_order(slots, len(strategies))
        self._cash = settings.cash
        self._piece_ticks = piece_ticks
        count = len(slots)
        self.state = (
            state.copy() if state else SimulationState.begin(count, settings.cash, len(self._strategies))
        )
        self._limits = limits_table(self._strategies)
        self._rules = rules_table(self._slots, self._strategies)
        self._tiers = frozen(tiers_table(self._slots, self._rules, settings))
        self._columns = Columns(self._slots, self._strategies, window_bars)
        self._funding = _funding_columns(self._slots)
        self._bars: Records = np.zeros(count, dtype=BAR)
        self._scratch = np.zeros((3, count), dtype=np.int64)
        self._trades: Records = np.zeros(max(trade_block, ROWS_A_STEP * count), dtype=TRADE)
        self._full_blocks: list[Records] = []
        self._log: Records = np.zeros(MOST_INTERVENTIONS, dtype=INTERVENTION)
        self._daily = daily
        self._total_ticks = self._columns.most_rows
        self._first_tick = int(self.state.account["ticks"][0])
        self._rows = np.empty((4, (self._columns.most_days if daily else self._total_ticks) + 1))
        self._written = np.zeros(3, dtype=np.int64)
        self._window: Window | None = None

    @property
    def total_ticks(self) -> int:
        """Upper bound of the steps in this data, for progress."""
        return self._total_ticks

    @property
    def rows(self) -> npt.NDArray[np.float64]:
        """What the ledger's rows are so far; a view that the next piece may outgrow."""
        rows: npt.NDArray[np.float64] = self._rows[:, : self._written[1]]
        return rows

    def advance(self, ticks: int | None = None) -> bool:
        """Take at most `ticks` steps (default: one piece). Returns whether there may be more."""
        left = self._piece_ticks if ticks is None else ticks
        while left > 0:
            if self._window is None:
                self._window = self._columns.window(self.state.slots["bar"] + 1)
                if self._window is None:
                    return False
            before = self._ticks
            stopped = Stopped(self._run(self._window, left))
            left -= self._ticks - before
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
                report(self._ticks, self.total_ticks)
        return self.ledger()

    def ledger(self) -> Ledger:
        """What happened since this simulation began, with the positions now open as rows of their own."""
        open_rows: Records = np.zeros(len(self._slots), dtype=TRADE)
        open_count = write_open_positions(self.state.slots, self._rules, open_rows)
        closed = self._trades[: self._written[0]]
        counts = self.state.counts.copy()
        for index, length in enumerate(self._columns.lengths):
            record = self.state.slots[index]
            if record["pending_side"] != 0 and record["pending_placed"] == 0 and record["bar"] + 1 == length:
                counts[index, Count.NO_NEXT_BAR] += 1
        return Ledger(
            symbols=tuple(slot.symbol for slot in self._slots),
            cash=self._cash,
            trades=_joined([*self._full_blocks, closed, open_rows[:open_count]]),
            rows=self._rows[:, : self._written[1]],
            counts=counts,
            exposed_rows=int(self.state.account["exposed_ticks"][0]),
            worst_drawdown=float(self.state.account["worst_drawdown"][0]),
            bankrupt=bool(self.state.account["bankrupt"][0]),
            strategies=tuple(strategy.name for strategy in self._strategies),
            slot_strategies=tuple(slot.strategy for slot in self._slots),
            interventions=self._log[: self._written[2]],
            looks=_looks(self.state.account, self._ticks),
        )

    @property
    def _ticks(self) -> int:
        """Steps taken by this simulation."""
        return int(self.state.account["ticks"][0]) - self._first_tick

    def _run(self, window: Window, ticks: int) -> int:
        state = self.state
        arguments: tuple[Any, ...] = (
            *(state.account, state.strategies, state.slots, state.counts),
            *(self._limits, self._rules, self._tiers, self._bars),
            *window.columns,
            *(window.levels, window.shift, window.stop, window.level_shift, *self._funding),
            *(self._trades, self._rows, self._log, *self._scratch, self._written, int(self._daily), ticks),
        )
        return run_steps(*arguments)

    def _start_block(self) -> None:
        self._full_blocks.append(self._trades[: self._written[0]])
        self._trades = np.zeros(
            max(len(self._trades), min(2 * len(self._trades), _MOST_TRADE_BLOCK)), dtype=TRADE
        )
        self._written[0] = 0


def in_order(slots: Sequence[SymbolData], strategies: int) -> list[SymbolData]:
    """Slots by (strategy, symbol). InputError where a slot names a strategy that is not there, or comes twice."""
    for slot in slots:
        if not 0 <= slot.strategy < strategies:
            raise InputError(
                f"{slot.symbol}: its slot belongs to strategy number {slot.strategy} of {strategies}; "
                "they are counted from 0."
            )
    ordered = sorted(slots, key=lambda slot: (slot.strategy, slot.symbol))
    for one, other in pairwise(ordered):
        if (one.strategy, one.symbol) == (other.strategy, other.symbol):
            raise InputError(f"{one.symbol} stands twice in one strategy; name each symbol once.")
    return ordered


def simulate(
    slots: Sequence[SymbolData],
    strategies: Sequence[StrategyRules],
    settings: RunSettings,
    report: Callable[[int, int], None] | None = None,
    cancel: CancelToken | None = None,
    *,
    daily: bool = False,
) -> Ledger:
    """Simulate all slots of all `strategies` on one account from their first to their last bar.

    With `daily` only the last row of each UTC day is kept, which is all that most figures need.
    """
    return Simulation(slots, strategies, settings, daily=daily).run(report, cancel)


def _joined(blocks: Sequence[Records]) -> Records:
    """The blocks one after another; as bytes, for record by record it takes ten times as long."""
    return np.concatenate([np.ascontiguousarray(block).view(np.uint8) for block in blocks]).view(TRADE)


def _looks(account: Records, steps: int) -> Looks:
    ticks = max(1, int(account["ticks"][0]))
    return Looks(
        steps=steps,
        exposure=float(account["sum_exposure"][0]) / ticks,
        most_exposure=float(account["most_exposure"][0]),
        net_exposure=float(account["sum_net"][0]) / ticks,
        most_net_exposure=float(account["most_net"][0]),
        worst_inside=float(account["worst_inside"][0]),
    )


def _funding_columns(slots: Sequence[SymbolData]) -> list[Column]:
    """Times and rates of all slots concatenated, then shift and stop of each slot."""
    counts = np.array([len(slot.funding_time) for slot in slots], dtype=np.int64)
    stop = np.cumsum(counts)
    times = np.concatenate([np.asarray(slot.funding_time, dtype=np.int64) for slot in slots])
    rates = np.concatenate([np.asarray(slot.funding_rate, dtype=np.float64) for slot in slots])
    return [frozen(column) for column in (times, rates, stop - counts, stop)]
