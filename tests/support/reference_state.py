"""What the plain reference of the backtest remembers between two bars, and how it rounds.

Prices are compared in whole ticks and quantities counted in whole lots; money is a plain float.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.support.reference_bars import WalkedBar, walked_bars
from tests.support.reference_types import (
    LONG,
    NOT_A_NUMBER,
    ReferenceEvent,
    ReferenceInstrument,
    ReferenceLevel,
    ReferenceResult,
    ReferenceRules,
    ReferenceRun,
    ReferenceSymbol,
)

GRID_TOLERANCE = 1e-6


def whole_steps_down(value: float, step: float) -> int:
    return math.floor(value / step + GRID_TOLERANCE)


def whole_steps_up(value: float, step: float) -> int:
    return math.ceil(value / step - GRID_TOLERANCE)


def ticks_of(price: float, tick: float) -> int:
    return math.floor(price / tick + 0.5)


def tighter(side: int, one: int, other: int) -> int:
    """Of two stops the one that is hit first: the higher one of a long, the lower one of a short."""
    return max(one, other) if side == LONG else min(one, other)


def worse(side: int, one: float, other: float) -> float:
    """Of two prices the one at which a position of this side leaves worse."""
    return min(one, other) if side == LONG else max(one, other)


def better(side: int, one: float, other: float) -> float:
    return max(one, other) if side == LONG else min(one, other)


@dataclass(slots=True)
class Leg:
    """One take-profit of a position; the farthest one takes all that is left where the shares make up the whole."""

    level: ReferenceLevel
    ticks: int
    lots: int
    takes_the_rest: bool = False
    filled: bool = False


@dataclass(slots=True)
class Position:
    """`entry_price` is the average of all its fills; fees, slippage and funding are those of the lots still held.

    `lowest` and `highest` reach up to the close of the previous bar. `extra_margin` is negative where funding was taken
    from the position's margin.
    """

    number: int
    side: int
    lots: int
    entry_price: float
    last_fill: float
    entry_time: int
    entry_bar: int  # the decision bar in which it was opened
    entry_reason: str
    decision: int  # the decision bar whose ATR holds
    lowest: float
    highest: float
    adds: int = 0
    stop_ticks: int | None = None
    initial_stop_ticks: int | None = None
    risk: float | None = None  # R, the distance of the initial stop
    legs: list[Leg] = field(default_factory=list)
    break_even_ticks: int | None = None
    trailing_ticks: int | None = None
    extra_margin: float = 0.0
    fees: float = 0.0
    slippage: float = 0.0
    funding: float = 0.0
    realised: float = 0.0  # pnl of the legs that have left
    filled_inside: bool = False  # in the bar being walked
    filled_by_stop: bool = False  # by a stop entry inside the bar being walked
    coarse: bool = False


@dataclass(slots=True)
class PendingEntry:
    """An entry that was decided and is not filled: a market order has no price, the others rest at theirs."""

    side: int
    lots: int
    price_ticks: int | None
    decided_at: int
    decision: int
    reason: str
    resting: bool = False  # it has met its first bar, so it reserves


@dataclass(slots=True)
class StrategyState:
    """What a strategy's limits remember."""

    rules: ReferenceRules
    closed_pnl: list[float] = field(default_factory=list)
    losses_in_a_row: int = 0
    paused_until: int | None = None  # the last close at which the loss streak refuses
    blocked_until: int | None = None  # 00:00 UTC after the day of the daily loss
    halted: bool = False  # by the drawdown


@dataclass(slots=True)
class SlotState:
    """One symbol of one strategy."""

    symbol: ReferenceSymbol
    strategy: StrategyState
    bars: list[WalkedBar]
    index: int = -1  # the bar being walked
    position: Position | None = None
    pending_exit: str | None = None  # the reason
    pending_entry: PendingEntry | None = None
    last_exit_bar: int | None = None  # the decision bar of the last exit
    funding_done: int = 0  # how many funding rows are behind us
    mark: float = NOT_A_NUMBER  # at the last close

    @property
    def bar(self) -> WalkedBar:
        return self.bars[self.index]

    @property
    def rules(self) -> ReferenceRules:
        return self.strategy.rules

    @property
    def instrument(self) -> ReferenceInstrument:
        return self.symbol.instrument

    def quantity(self, lots: int) -> float:
        return lots * self.symbol.instrument.lot

    def price(self, ticks: int) -> float:
        return ticks * self.symbol.instrument.tick

    def level_value(self, key: str, decision: int) -> float:
        """The column's value at the close of that decision bar, not a number where there is none."""
        column: Sequence[float] = self.symbol.levels.get(key, ())
        return column[decision] if decision < len(column) else NOT_A_NUMBER


class Account:
    """Everything that changes while the bars are walked."""

    def __init__(self, run: ReferenceRun) -> None:
        self.run = run
        self.strategies = [StrategyState(rules) for rules in run.strategies]
        self.states = [
            SlotState(
                symbol,
                self.strategies[symbol.strategy],
                walked_bars(symbol.bars, symbol.finer, symbol.instrument.tick),
            )
            for symbol in sorted(run.symbols, key=lambda symbol: (symbol.strategy, symbol.instrument.symbol))
        ]
        self.wallet = run.cash
        self.equity = run.cash  # marked at the last close
        self.peak = run.cash
        self.day = -1  # UTC day of the last close
        self.day_start_equity = run.cash
        self.positions_opened = 0
        self.result = ReferenceResult()

    def slots_of(self, strategy: StrategyState) -> list[SlotState]:
        return [state for state in self.states if state.strategy is strategy]

    def refuse(self, state: SlotState, reason: str, time: int) -> None:
        """Count an entry that was refused or cancelled."""
        self.result.refusals[reason] = self.result.refusals.get(reason, 0) + 1
        self.note(state.strategy, state.instrument.symbol, reason, time)

    def intervene(self, strategy: StrategyState, symbol: str, reason: str, time: int) -> None:
        """Count an order that was reduced or a limit that was reached."""
        self.result.interventions[reason] = self.result.interventions.get(reason, 0) + 1
        self.note(strategy, symbol, reason, time)

    def note(self, strategy: StrategyState, symbol: str, reason: str, time: int) -> None:
        self.result.events.append(ReferenceEvent(time, strategy.rules.name, symbol, reason))
