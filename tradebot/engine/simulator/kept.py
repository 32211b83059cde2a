"""Days of minutes that were generated lately, in half the memory."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np

from tradebot.engine.market import MINUTE_MS
from tradebot.engine.simulator.bars import Bars
from tradebot.engine.simulator.days import MINUTES


class KeptDay:
    """The minutes of one day in half the memory: prices fit into 32 bits, times follow from the day."""

    __slots__ = ("_prices", "_sums", "day")

    def __init__(self, day: int, bars: Bars) -> None:
        self.day = day
        self._prices = np.stack([bars.open, bars.high, bars.low, bars.close]).astype(np.int32)
        self._sums = np.stack([bars.volume, bars.turnover])

    def bars(self, low: int, high: int) -> Bars:
        """Minutes low..high-1 of the day."""
        begin = self.day * MINUTES
        time = np.arange(begin + low, begin + high, dtype=np.int64) * MINUTE_MS
        return Bars(time, *self._prices[:, low:high].astype(np.int64), *self._sums[:, low:high])


class KeptDays:
    """The days used last, at most `most` of them; thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._days: OrderedDict[tuple[str, int], KeptDay] = OrderedDict()

    def get(self, symbol: str, day: int) -> KeptDay | None:
        """A day that is kept."""
        with self._lock:
            kept = self._days.get((symbol, day))
            if kept is not None:
                self._days.move_to_end((symbol, day))
            return kept

    def has(self, symbol: str, day: int) -> bool:
        """Whether a day is kept; asking does not count as a use."""
        return (symbol, day) in self._days

    def add(self, symbol: str, day: KeptDay) -> None:
        """Keep a day, and forget what was used least lately."""
        with self._lock:
            self._days[symbol, day.day] = day
            while len(self._days) > self._most:
                self._days.popitem(last=False)
