"""The bars on which fills are walked: finer ones where they are complete, else the decision bar itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tradebot.engine.backtest.kernel.ledger import EngineBars
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Candles, Timeframe
from tradebot.engine.strategy import StrategySpec

_Kind = TypeVar("_Kind", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class WalkedBars:
    """Engine bars, and how many decision bars are walked as themselves because finer ones are missing.

    `source`: the finer bars that were read, None where there are none; `note` names their file.
    """

    bars: EngineBars
    coarse: int
    source: Candles | None = None
    note: str = ""


def engine_timeframe(specs: Sequence[StrategySpec]) -> Timeframe:
    """The finest execution (or decision) timeframe among the strategies of a run: all of them are walked on it.

    InputError where the bars of some strategy are not made of whole bars of it.
    """
    finest = min((spec.execution or spec.timeframe for spec in specs), key=lambda each: each.ms)
    for spec in specs:
        if not _divides(finest, spec.timeframe):
            raise InputError(
                "strategy.execution: all strategies of a run are walked on the same bars, here "
                f'{finest.value}, but the {spec.timeframe.value} bars of "{spec.name}" are not made of whole ones; '
                'give one of the strategies a finer execution timeframe, such as "1m".'
            )
    return finest


def _divides(finer: Timeframe, timeframe: Timeframe) -> bool:
    same_grid = finer.grid_offset_ms % finer.ms == timeframe.grid_offset_ms % finer.ms
    return timeframe.ms % finer.ms == 0 and same_grid


def walked_bars(
    decisions: Candles, finer: Candles | None, timeframe: Timeframe, note: str = ""
) -> WalkedBars:
    """The engine bars of a slot that decides on `decisions`; `finer` are bars of `timeframe`, None: there are none.

    A decision bar with all of its finer bars is walked on them, any other as itself (`coarse`). Finer bars where there
    is no decision bar are left out.
    """
    length, ratio = decisions.timeframe.ms, decisions.timeframe.ms // timeframe.ms
    source = Candles.empty(timeframe) if finer is None else finer
    low = np.searchsorted(source.time, decisions.time)
    high = np.searchsorted(source.time, decisions.time + length)
    whole = high - low == ratio
    counts = np.where(whole, ratio, 1)
    last = np.cumsum(counts) - 1
    size = int(last[-1]) + 1 if len(last) else 0
    decision = np.full(size, -1, dtype=np.int64)
    decision[last] = np.arange(len(decisions))
    lengths = np.full(size, timeframe.ms, dtype=np.int64)
    lengths[last[~whole]] = length
    coarse = np.zeros(size, dtype=np.bool_)
    coarse[last[~whole]] = True
    edges = np.zeros(len(source) + 1, dtype=np.int64)
    edges[low[whole]] += 1  # no two decision bars begin, or end, at the same finer bar
    edges[high[whole]] -= 1
    kept = np.cumsum(edges[:-1]) > 0
    plain = size == len(source) and bool(kept.all())

    def column(fine: npt.NDArray[_Kind], own: npt.NDArray[_Kind]) -> npt.NDArray[_Kind]:
        if plain:
            return fine
        values = np.empty(size, dtype=own.dtype)
        values[~coarse] = fine[kept]
        values[coarse] = own[~whole]
        return values

    bars = EngineBars(
        column(source.time, decisions.time),
        lengths,
        column(source.open, decisions.open),
        column(source.high, decisions.high),
        column(source.low, decisions.low),
        column(source.close, decisions.close),
        column(source.volume, decisions.volume),
        decision,
        coarse,
    )
    return WalkedBars(bars, int(np.count_nonzero(~whole)), finer, note)
