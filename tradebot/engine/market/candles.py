"""Bars of one symbol and timeframe: as text rows on their way to disk, as numpy columns in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tradebot.engine.market.timeframe import Timeframe

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


class BarRow(NamedTuple):
    """One closed bar in the exchange's own digits. `time_ms` is the open time, UTC.

    Numbers stay text so that what is stored is what was sent; `turnover` may be empty.
    """

    time_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    turnover: str


@dataclass(frozen=True, slots=True, eq=False)
class Candles:
    """Closed bars in columns of equal length, `time` (open time, UTC ms) strictly rising.

    Prices are in the quote coin, `volume` in the base coin, `turnover` in the quote coin (NaN where unknown).
    Columns may be read-only memory maps; nobody writes into them.
    """

    timeframe: Timeframe
    time: Int64
    open: Float64
    high: Float64
    low: Float64
    close: Float64
    volume: Float64
    turnover: Float64

    def __len__(self) -> int:
        return len(self.time)

    @property
    def close_time(self) -> Int64:
        """Close time of each bar (open time + length), UTC ms: when its values become known."""
        return self.time + self.timeframe.ms

    def between(self, start_ms: int | None, end_ms: int | None) -> Candles:
        """Bars with start_ms <= open time < end_ms, as views without copying."""
        low = 0 if start_ms is None else int(np.searchsorted(self.time, start_ms, side="left"))
        high = len(self) if end_ms is None else int(np.searchsorted(self.time, end_ms, side="left"))
        return self.slice(low, high)

    def slice(self, low: int, high: int) -> Candles:
        """Bars low..high-1 by position, as views without copying."""
        return Candles(
            self.timeframe,
            self.time[low:high],
            self.open[low:high],
            self.high[low:high],
            self.low[low:high],
            self.close[low:high],
            self.volume[low:high],
            self.turnover[low:high],
        )

    @classmethod
    def from_rows(cls, timeframe: Timeframe, rows: Sequence[BarRow]) -> Candles:
        """Columns from text rows in rising order of time."""

        def column(index: int) -> Float64:
            return np.array([float(row[index] or "nan") for row in rows], dtype=np.float64)

        time = np.array([row.time_ms for row in rows], dtype=np.int64)
        return cls(timeframe, time, *(column(index) for index in range(1, 7)))

    @classmethod
    def empty(cls, timeframe: Timeframe) -> Candles:
        """No bars."""
        return cls.from_rows(timeframe, [])
