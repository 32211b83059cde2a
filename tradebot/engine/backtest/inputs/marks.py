"""Mark prices of the engine bars: recorded ones, else last prices shifted by the basis that was known last."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tradebot.engine.backtest.kernel.ledger import MarkColumns
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Candles, Category, DatasetKey, Float64, Int64, Timeframe
from tradebot.engine.store import Store


@dataclass(frozen=True, slots=True, eq=False)
class TradedBars:
    """Columns of the bars that marks are wanted for: open time and length in ms, last prices."""

    time: Int64
    length_ms: Int64
    open: Float64
    high: Float64
    low: Float64
    close: Float64


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Mark columns aligned with the engine bars, None where nothing of the mark price is stored.

    `estimated` bars have no recorded mark of their own. `sources`: the bars that were read, with a note on their file.
    """

    columns: MarkColumns | None
    estimated: int
    sources: tuple[tuple[Candles, str], ...] = ()


def stored_marks(store: Store, category: Category, symbol: str) -> list[Timeframe]:
    """The timeframes that mark bars of a symbol are stored of, without a look into the files."""
    return [each for each in Timeframe if any(store.stamps(DatasetKey.of(category, symbol, each, mark=True)))]


def load_marks(
    store: Store, category: Category, symbol: str, timeframe: Timeframe, traded: TradedBars
) -> Marks:
    """The marks of these bars (of `timeframe` where they are not coarse): from the file of that timeframe or a finer
    one, and where that is not enough from all files of coarser ones too."""
    held = stored_marks(store, category, symbol)
    sources: list[tuple[Candles, str]] = []
    start, end = int(traded.time[0]), int(traded.time[-1]) + int(traded.length_ms[-1])
    if any(each.ms <= timeframe.ms for each in held):
        with suppress(InputError):  # none covers the span
            sources.append(store.load_or_build(category, symbol, timeframe, start, end, mark=True))
    if not sources or not len(sources[0][0]) or not _recorded(traded, sources[0][0])[0].all():
        for coarser in (each for each in held if each.ms > timeframe.ms):
            key = DatasetKey.of(category, symbol, coarser, mark=True)
            sources.append((store.load(key, start - coarser.ms, end), key.file_name))
    sources = [source for source in sources if len(source[0])]
    if not sources:
        return Marks(None, len(traded.time))
    columns, estimated = mark_columns(traded, [candles for candles, _ in sources])
    return Marks(columns, estimated, tuple(sources))


def mark_columns(traded: TradedBars, sources: Sequence[Candles]) -> tuple[MarkColumns, int]:
    """(columns, how many of them are estimated) from mark bars, the finest first.

    A mark bar of the same open time and length is taken as it is. Elsewhere the last prices are shifted by the last
    known basis: mark close / last close - 1 at the latest close of a mark bar that is not after the bar's open, for
    which a last price of that moment is known; 0 before the first. Last close 100 and mark close 101 at 01:00 make of a
    last low of 200 in the bar of 01:00 a mark low of 202.
    """
    recorded, at = _recorded(traded, sources[0])
    marks = sources[0]
    if recorded.all() and int(at[-1] - at[0]) == len(at) - 1:  # they stand side by side: nothing is copied
        same = marks.slice(int(at[0]), int(at[-1]) + 1)
        return MarkColumns(same.open, same.high, same.low, same.close), 0
    shift = 1.0 + _known_basis(traded, sources)

    def column(own: Float64, mark: Float64) -> Float64:
        return np.where(recorded, mark[at], own * shift)

    columns = MarkColumns(
        column(traded.open, marks.open),
        column(traded.high, marks.high),
        column(traded.low, marks.low),
        column(traded.close, marks.close),
    )
    return columns, int(np.count_nonzero(~recorded))


def _recorded(traded: TradedBars, marks: Candles) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.intp]]:
    """(whether there is a mark bar of the same time and length, its position; any position where there is none)."""
    at = np.minimum(np.searchsorted(marks.time, traded.time), len(marks) - 1)
    return (traded.length_ms == marks.timeframe.ms) & (marks.time[at] == traded.time), at


def _known_basis(traded: TradedBars, sources: Sequence[Candles]) -> Float64:
    """The basis known at the open of each bar, as a fraction of the last price."""
    closes = traded.time + traded.length_ms
    times, bases = [], []
    for marks in sources:
        mark_closes = marks.close_time
        bar = np.minimum(np.searchsorted(closes, mark_closes), len(closes) - 1)
        known = closes[bar] == mark_closes
        times.append(mark_closes[known])
        bases.append(marks.close[known] / traded.close[bar[known]] - 1.0)
    time, basis = np.concatenate(times[::-1]), np.concatenate(bases[::-1])
    order = np.argsort(time, kind="stable")  # of equal times the finest comes last
    last = np.searchsorted(time[order], traded.time, side="right") - 1
    return np.concatenate([[0.0], basis[order]])[last + 1]


def mark_key(category: Category, symbol: str, note: str, wanted: Timeframe) -> DatasetKey:
    """The file that a note of `Store.load_or_build` about mark bars names first."""
    try:
        return DatasetKey.parse(f"{category.value}/{note.split(',')[0]}")
    except ValueError:
        return DatasetKey.of(category, symbol, wanted, mark=True)
