"""Holding stored bars against the exchange's: a sample of a dataset, or all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import numpy as np

from tradebot.engine.collect.windows import Window
from tradebot.engine.collect.writer import StoreThread
from tradebot.engine.exchange import PAGE_BARS, Exchange
from tradebot.engine.market import BarRow, Candles, Category, DatasetKey
from tradebot.engine.market.times import iso_minute, iso_ms

_SAMPLE_WINDOWS = 5
_COLUMNS = ("open", "high", "low", "close", "volume", "turnover")


class Verify(Enum):
    """How much of a dataset is compared; a sample is five windows of 1,000 bars from its first to its last."""

    NOTHING = "nothing"
    SAMPLE = "sample"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A stored bar that differs from the exchange's in `column`."""

    time_ms: int
    column: str
    stored: float
    exchange: str

    @property
    def shown(self) -> str:
        """For a sentence."""
        return f"{iso_minute(self.time_ms)} UTC ({self.column} {self.stored:g}, the exchange has {self.exchange})"

    def to_json(self) -> dict[str, Any]:
        """For a document."""
        return {
            "time": iso_ms(self.time_ms),
            "column": self.column,
            "stored": self.stored,
            "exchange": self.exchange,
        }


class Loading(Protocol):
    """The store as comparing needs it."""

    def load(self, key: DatasetKey, start_ms: int | None = None, end_ms: int | None = None) -> Candles:
        """Stored bars."""
        ...


async def verify_dataset(
    exchange: Exchange, store: Loading, thread: StoreThread, key: DatasetKey, verify: Verify
) -> tuple[int, tuple[Contradiction, ...]]:
    """How many stored bars were compared, and those that differ, at most one contradiction for each.

    Raises ExchangeError and InputError where the dataset cannot be read.
    """
    candles = await thread.call(lambda: store.load(key))
    compared, found = 0, []
    for window in _windows(candles, key, verify):
        rows = await exchange.klines(
            Category(key.category), key.symbol, key.timeframe, window.start_ms, window.end_ms, mark=key.mark
        )
        stored = candles.between(window.start_ms, window.end_ms)
        both = _common(stored, rows)
        compared += len(both)
        found += [each for each in (_difference(stored, at, row) for at, row in both) if each is not None]
    return compared, tuple(found)


def _windows(candles: Candles, key: DatasetKey, verify: Verify) -> list[Window]:
    """Windows over the stored bars, of which a sample takes a few evenly spread ones."""
    if not len(candles.time):
        return []
    length = PAGE_BARS * key.timeframe.ms
    first, end = int(candles.time[0]), int(candles.time[-1]) + key.timeframe.ms
    starts = range(first, end, length)
    if verify is Verify.SAMPLE and len(starts) > _SAMPLE_WINDOWS:
        places = np.linspace(0, len(starts) - 1, _SAMPLE_WINDOWS).round().astype(int).tolist()
        return [Window(starts[place], min(starts[place] + length, end)) for place in places]
    return [Window(start, min(start + length, end)) for start in starts]


def _common(stored: Candles, rows: Sequence[BarRow]) -> list[tuple[int, BarRow]]:
    """Positions of stored bars with the exchange's rows of the same time."""
    position = {time: place for place, time in enumerate(stored.time.tolist())}
    return [(position[row.time_ms], row) for row in rows if row.time_ms in position]


def _difference(stored: Candles, place: int, row: BarRow) -> Contradiction | None:
    for column in _COLUMNS:
        theirs = getattr(row, column)
        ours = float(getattr(stored, column)[place])
        # A bar of the mark price has no volume, an imported one may have no turnover.
        if theirs != "" and not np.isnan(ours) and ours != float(theirs):
            return Contradiction(row.time_ms, column, ours, theirs)
    return None
