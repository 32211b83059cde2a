"""The columns of all slots as the kernel reads them: one slot's as they are, several side by side in stretches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tradebot.engine.backtest.kernel.columns import frozen
from tradebot.engine.backtest.kernel.ledger import EngineBars, StrategyRules, SymbolData
from tradebot.engine.backtest.kernel.rules import level_keys
from tradebot.engine.backtest.kernel.slippage import bar_volatility
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import DAY_MS, Candles, Float64, Int64
from tradebot.engine.market.times import iso_minute

SIGMA_BARS = 20
Column = npt.NDArray[Any]


@dataclass(slots=True)
class Window:
    """Bars of all slots over one stretch of time, concatenated: bar b of slot s stands at b + shift[s]."""

    columns: list[Column]
    levels: Float64
    shift: Int64
    stop: Int64
    level_shift: Int64


@dataclass(slots=True)
class SlotColumns:
    """One slot's columns in the order of the kernel's arguments, and its level columns by decision bar.

    With finer bars: `closing` are those that close a decision bar, `decision` the numbers of these.
    """

    bars: list[Column]
    levels: list[Float64]
    bar_ms: int
    closing: Int64 | None
    decision: Int64 | None
    decisions: int

    def __len__(self) -> int:
        return len(self.bars[0])

    def closed_by(self, time_ms: int) -> int:
        """How many bars have closed by that time."""
        if self.closing is None:
            return int(np.searchsorted(self.bars[0], time_ms - self.bar_ms, side="right"))
        return int(np.searchsorted(self.bars[1], time_ms, side="right"))

    def close_of(self, bar: int) -> int:
        """Close time of that bar."""
        return int(self.bars[1][bar]) if self.closing is not None else int(self.bars[0][bar]) + self.bar_ms

    def decision_from(self, bar: int) -> int:
        """The first decision bar that closes with that bar or a later one."""
        if self.closing is None or self.decision is None:
            return bar
        place = int(np.searchsorted(self.closing, bar))
        return int(self.decision[place]) if place < len(self.decision) else self.decisions


class Columns:
    """The columns of all slots; a window of them is made for the stretch that comes next.

    `lengths`: how many bars each slot has.
    """

    def __init__(
        self, slots: Sequence[SymbolData], strategies: Sequence[StrategyRules], window_bars: int
    ) -> None:
        use = _Use(
            walks=any(slot.engine is not None for slot in slots),
            marks=any(slot.mark is not None for slot in slots),
            volume=any(
                rule.costs.max_volume_share_percent > 0 or rule.costs.impact > 0 for rule in strategies
            ),
            impact=any(rule.costs.impact > 0 for rule in strategies),
        )
        rows = max((len(level_keys(rule)) for rule in strategies), default=0)
        self._slots = [_slot_columns(slot, strategies[slot.strategy], use, rows) for slot in slots]
        self.lengths = np.array([len(slot) for slot in self._slots], dtype=np.int64)
        self._stretch_ms = max(1, window_bars // max(1, len(slots))) * min(
            (slot.bar_ms for slot in self._slots), default=1
        )

    @property
    def most_rows(self) -> int:
        """Upper bound of the steps in this data."""
        filled = [slot for slot in self._slots if len(slot)]
        if not filled:
            return 0
        first = min(int(slot.bars[0][0]) for slot in filled)
        last = max(int(slot.bars[0][-1]) for slot in filled)
        return min(int(self.lengths.sum()), (last - first) // min(slot.bar_ms for slot in filled) + 1)

    @property
    def most_days(self) -> int:
        """Upper bound of the UTC days in this data."""
        filled = [slot.bars[0] for slot in self._slots if len(slot)]
        if not filled:
            return 0
        return int(max(times[-1] for times in filled) - min(times[0] for times in filled)) // DAY_MS + 3

    def window(self, seen: Int64) -> Window | None:
        """The bars that come after the `seen` ones of each slot; None where there are no more.

        One slot's are all there at once, of several a stretch is copied, each with one bar before. A stretch ends with
        a close time, so that bars of different lengths that close together are never parted.
        """
        left = np.flatnonzero(seen < self.lengths)
        if len(left) == 0:
            return None
        if len(self._slots) == 1:
            only = self._slots[0]
            zero = frozen(np.zeros(1, dtype=np.int64))
            return Window(only.bars, _stacked(only.levels), zero, frozen(self.lengths), zero)
        end_ms = max(
            min(int(self._slots[s].bars[0][seen[s]]) for s in left) + self._stretch_ms,
            min(self._slots[s].close_of(int(seen[s])) for s in left),  # a bar longer than the stretch
        )
        stops = [max(int(seen[s]), slot.closed_by(end_ms)) for s, slot in enumerate(self._slots)]
        starts = [max(0, int(bar) - 1) for bar in seen]
        return self._joined(starts, stops)

    def _joined(self, starts: Sequence[int], stops: Sequence[int]) -> Window:
        spans = list(zip(self._slots, starts, stops, strict=True))
        made: dict[tuple[int, ...], Column] = {}
        columns = []
        for place in range(len(self._slots[0].bars)):
            parts = [slot.bars[place] for slot in self._slots]
            key = tuple(map(id, parts))  # columns that stand for others are joined once
            if key not in made:
                made[key] = frozen(np.concatenate([slot.bars[place][low:high] for slot, low, high in spans]))
            columns.append(made[key])
        offsets = np.cumsum([0, *(high - low for _, low, high in spans)])
        shift, stop = offsets[:-1] - starts, offsets[:-1] - starts + stops
        decided = [(slot, slot.decision_from(low), slot.decision_from(high)) for slot, low, high in spans]
        rows = len(self._slots[0].levels)
        levels = [
            np.concatenate([slot.levels[k][low:high] for slot, low, high in decided]) for k in range(rows)
        ]
        level_offsets = np.cumsum([0, *(high - low for _, low, high in decided)])
        level_shift = level_offsets[:-1] - [low for _, low, _ in decided]
        return Window(columns, _stacked(levels), *(frozen(part) for part in (shift, stop, level_shift)))


@dataclass(frozen=True, slots=True)
class _Use:
    """Which optional columns some slot of the run needs; without, another column stands in their place unread."""

    walks: bool
    marks: bool
    volume: bool
    impact: bool


def _bar_ms(slot: SymbolData) -> int:
    if slot.engine is None or len(slot.engine.length_ms) == 0:
        return slot.candles.timeframe.ms
    return int(slot.engine.length_ms.min())


def _stacked(levels: Sequence[Float64]) -> Float64:
    if len(levels) == 1:
        return frozen(levels[0].reshape(1, -1))
    return frozen(np.stack(levels) if levels else np.empty((0, 0)))


def _slot_columns(slot: SymbolData, rules: StrategyRules, use: _Use, rows: int) -> SlotColumns:
    bars = _walked(slot)
    prices, marks = _prices(slot)
    if not slot.sound:
        _refuse_bad_prices(slot)
    time = _ints(bars.time)
    volume = _floats(bars.volume) if use.volume else prices[0]
    sigma = prices[0]
    if use.impact:
        sigma = np.empty(len(time))
        bar_volatility(prices[3], SIGMA_BARS, sigma)
        sigma = frozen(sigma)
    ends, decides, coarse, *said = _decisions(slot, time)
    keys = level_keys(rules)
    missing = [key for key in keys if key not in slot.decisions.levels]
    if missing:
        raise InputError(
            f"{slot.symbol}: the decisions lack the columns {', '.join(missing)} that the levels read."
        )
    levels = [_floats(slot.decisions.levels[key]) for key in keys]
    nothing = frozen(np.broadcast_to(np.float64(np.nan), len(slot.candles)))
    levels += [nothing] * (rows - len(levels))
    columns = [time, ends, *prices, *marks, volume, sigma, *said, decides, coarse]
    if slot.engine is None:
        return SlotColumns(columns, levels, _bar_ms(slot), None, None, len(slot.candles))
    closing = np.flatnonzero(slot.engine.decision >= 0)
    decision = slot.engine.decision[closing]
    return SlotColumns(columns, levels, _bar_ms(slot), closing, decision, len(slot.candles))


def _decisions(slot: SymbolData, time: Int64) -> list[Column]:
    """Close times, decision numbers and coarse flags of the engine bars, then side and exits at their closes."""
    said = slot.decisions
    engine = slot.engine
    if engine is None:
        sides = frozen(np.asarray(said.side, dtype=np.int8))
        exits = [frozen(np.asarray(column, dtype=np.bool_)) for column in (said.exit_long, said.exit_short)]
        return [time, time, exits[0], sides, *exits]
    closing = np.flatnonzero(engine.decision >= 0)
    decision = engine.decision[closing]
    spread: list[Column] = []
    for column, kind in ((said.side, np.int8), (said.exit_long, np.bool_), (said.exit_short, np.bool_)):
        wide = np.zeros(len(time), dtype=kind)
        wide[closing] = column[decision]
        spread.append(frozen(wide))
    ends = frozen(time + engine.length_ms)
    return [ends, _ints(engine.decision), frozen(np.asarray(engine.coarse, dtype=np.bool_)), *spread]


def _floats(column: npt.ArrayLike) -> Float64:
    return frozen(np.asarray(column, dtype=np.float64))


def _ints(column: npt.ArrayLike) -> Int64:
    return frozen(np.asarray(column, dtype=np.int64))


def _walked(slot: SymbolData) -> Candles | EngineBars:
    return slot.candles if slot.engine is None else slot.engine


def _prices(slot: SymbolData) -> tuple[list[Float64], list[Float64]]:
    """Open, high, low, close of the bars that are walked, and of their marks."""
    bars, mark = _walked(slot), slot.mark
    prices = [_floats(column) for column in (bars.open, bars.high, bars.low, bars.close)]
    if mark is None:
        return prices, prices
    return prices, [_floats(column) for column in (mark.open, mark.high, mark.low, mark.close)]


def _refuse_bad_prices(slot: SymbolData) -> None:
    prices, marks = _prices(slot)
    for what, columns in (("price", prices), ("mark price", marks)):
        for column in columns if marks is not prices or what == "price" else ():
            if len(column) and not (column.min() > 0.0 and column.max() < np.inf):  # also where one is NaN
                bad = int(np.argmin((column > 0.0) & (column < np.inf)))
                raise InputError(
                    f"{slot.symbol}: the bar of {iso_minute(int(_walked(slot).time[bad]))} UTC has the {what} "
                    f"{column[bad]}, expected a number above 0; correct or delete it."
                )


def looked_over(slot: SymbolData) -> SymbolData:
    """The same slot, its prices looked at once for several runs. InputError where one is not above zero."""
    _refuse_bad_prices(slot)
    return replace(slot, sound=True)
