"""Bars as candles of a window: several bars to a candle, a place for each that is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tradebot.engine.chart_messages import Column
from tradebot.engine.market import Candles, Float64, Timeframe

__all__ = ["Window", "forming_bar", "price_decimals"]

_MOST_DECIMALS = 10


@dataclass(frozen=True, slots=True)
class Window:
    """`count` candles of `unit_ms` each from `start_ms` on."""

    start_ms: int
    unit_ms: int
    count: int

    @classmethod
    def of(cls, timeframe: Timeframe, group: int, count: int, start_ms: int | None, last_ms: int) -> Window:
        """The window from `start_ms` on, or the one whose last candle holds the bar that opens at `last_ms`.

        Candles stand on a grid of their own length, so that the same bars make the same candle wherever the window is.
        """
        unit = timeframe.ms * group
        offset = timeframe.grid_offset_ms
        wanted = last_ms - unit * (count - 1) if start_ms is None else start_ms
        return cls((wanted - offset) // unit * unit + offset, unit, count)

    @property
    def end_ms(self) -> int:
        """Open time of the first candle behind the window."""
        return self.start_ms + self.unit_ms * self.count

    def candles(self, bars: Candles) -> tuple[Column, Column, Column, Column, Column]:
        """Open, high, low, close and volume of each candle.

        Two bars (1, 3, 0.5, 2) and (2, 2.5, 1.5, 1.8) make the candle (1, 3, 0.5, 1.8).
        """
        part = bars.between(self.start_ms, self.end_ms)
        firsts, slots = self._slots(part)
        if not len(part):
            nothing = (None,) * self.count
            return nothing, nothing, nothing, nothing, nothing
        lasts = np.append(firsts[1:], len(part)) - 1
        return (
            self._spread(slots, part.open[firsts]),
            self._spread(slots, np.maximum.reduceat(part.high, firsts)),
            self._spread(slots, np.minimum.reduceat(part.low, firsts)),
            self._spread(slots, part.close[lasts]),
            self._spread(slots, np.add.reduceat(part.volume, firsts)),
        )

    def last_values(self, bars: Candles, values: Float64) -> Column:
        """The value of each candle's last bar; `values` is a column of `bars`."""
        low = int(np.searchsorted(bars.time, self.start_ms))
        part = bars.between(self.start_ms, self.end_ms)
        if not len(part):
            return (None,) * self.count
        firsts, slots = self._slots(part)
        lasts = np.append(firsts[1:], len(part)) - 1
        return self._spread(slots, values[low + lasts])

    def _slots(self, part: Candles) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
        """The first bar of each candle that has one, and the candle's place in the window."""
        places = (part.time - self.start_ms) // self.unit_ms
        firsts = np.flatnonzero(np.diff(places, prepend=-1))
        return firsts, places[firsts]

    def _spread(self, slots: npt.NDArray[np.int64], values: Float64) -> Column:
        whole = np.full(self.count, np.nan)
        whole[slots] = values
        return tuple(None if value != value else value for value in whole.tolist())


def forming_bar(bars: Candles) -> tuple[float, float, float, float, float] | None:
    """One bar of all of these: open, high, low, close, volume; None of none."""
    if not len(bars):
        return None
    return (
        float(bars.open[0]),
        float(bars.high.max()),
        float(bars.low.min()),
        float(bars.close[-1]),
        float(bars.volume.sum()),
    )


def price_decimals(bars: Candles) -> int:
    """The decimals that the last prices are written with, where the tick is not known."""
    prices = (*bars.close[-100:].tolist(), *bars.open[-100:].tolist())
    texts = (f"{price:.{_MOST_DECIMALS}f}".rstrip("0") for price in prices)
    return max((len(text.partition(".")[2]) for text in texts), default=2)
