"""Bars of every interval out of minutes: exact sums, highest highs, first opens, last closes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tradebot.engine.market import MINUTE_MS, Int64, Timeframe

_MONTH = "M"


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars in whole ticks, lots, and ticks times lots, columns of equal length, `time` (UTC ms) rising."""

    time: Int64
    open: Int64
    high: Int64
    low: Int64
    close: Int64
    volume: Int64
    turnover: Int64

    def __len__(self) -> int:
        return len(self.time)

    def columns(self) -> tuple[Int64, ...]:
        """All seven columns in Bybit's order."""
        return self.time, self.open, self.high, self.low, self.close, self.volume, self.turnover

    def slice(self, low: int, high: int) -> Bars:
        """Bars low..high-1 by position."""
        return Bars(*(column[low:high] for column in self.columns()))

    def slice_of(self, positions: Int64) -> Bars:
        """Bars at these positions."""
        return Bars(*(column[positions] for column in self.columns()))


def joined(parts: Sequence[Bars]) -> Bars:
    """Bars one after the other; no parts give no bars."""
    if not parts:
        return Bars(*(np.zeros(0, dtype=np.int64) for _ in range(7)))
    if len(parts) == 1:
        return parts[0]
    return Bars(
        *(np.concatenate(columns) for columns in zip(*(part.columns() for part in parts), strict=True))
    )


def grouped(bars: Bars, first_of_group: Int64, times: Int64) -> Bars:
    """Each group of neighbouring bars as one bar; `first_of_group` are positions, `times` the new open times."""
    after = np.append(first_of_group[1:], len(bars))
    return Bars(
        times,
        bars.open[first_of_group],
        np.maximum.reduceat(bars.high, first_of_group),
        np.minimum.reduceat(bars.low, first_of_group),
        bars.close[after - 1],
        np.add.reduceat(bars.volume, first_of_group),
        np.add.reduceat(bars.turnover, first_of_group),
    )


class Interval:
    """A Bybit interval: "1" ... "720" minutes, "D", "W" (from Monday), "M" (calendar month). Bars are numbered.

    Raises ValueError for a name that Bybit does not know.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._timeframe = None if name == _MONTH else Timeframe.from_interval(name)

    @property
    def whole_days(self) -> bool:
        """Whether every bar begins at midnight."""
        return self._timeframe is None or self._timeframe.ms >= Timeframe.D1.ms

    def number(self, time_ms: int) -> int:
        """Number of the bar that the moment falls into."""
        if self._timeframe is None:
            return int(np.datetime64(time_ms, "ms").astype("datetime64[M]").astype(np.int64))
        return (time_ms - self._timeframe.grid_offset_ms) // self._timeframe.ms

    def open_ms(self, number: int) -> int:
        """Open time of a bar; the close of a bar is the open of the next number."""
        if self._timeframe is None:
            return int(np.datetime64(number, "M").astype("datetime64[ms]").astype(np.int64))
        return number * self._timeframe.ms + self._timeframe.grid_offset_ms

    def numbers(self, times: Int64) -> Int64:
        """Number of the bar that each moment falls into."""
        if self._timeframe is None:
            months: Int64 = times.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
            return months
        return (times - self._timeframe.grid_offset_ms) // self._timeframe.ms

    def gather(self, bars: Bars) -> Bars:
        """Finer bars, in order and without a cut through one of ours at the front, as bars of this interval."""
        if not len(bars) or self._timeframe is Timeframe.M1:
            return bars
        numbers = self.numbers(bars.time)
        first = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
        times = np.array([self.open_ms(int(number)) for number in numbers[first].tolist()], dtype=np.int64)
        return grouped(bars, first, times)


def minute_of(time_ms: int) -> int:
    """Minutes since 1970 of a moment."""
    return time_ms // MINUTE_MS
