"""The exchange's rules for which klines a request gets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tradebot.engine.market import Int64
from tradebot.engine.simulator.bars import Interval


@dataclass(frozen=True, slots=True)
class KlineWindow:
    """What a kline request asks for; times in UTC ms."""

    interval: Interval
    start_ms: int | None
    end_ms: int | None
    limit: int

    def numbers(self, launch_ms: int, now_ms: int) -> tuple[int, int]:
        """First and last bar number of the reply; nothing where the first lies after the last.

        Bars from floor(start) to `end`, both inclusive; only `start`: the first `limit` from there on;
        every other request: the newest `limit`. Nothing before the listing, nothing that has not begun.
        """
        interval = self.interval
        oldest, newest = interval.number(launch_ms), interval.number(now_ms)
        first = oldest if self.start_ms is None else max(oldest, interval.number(self.start_ms))
        last = newest if self.end_ms is None else min(newest, interval.number(self.end_ms))
        if self.start_ms is not None and self.end_ms is None:
            return first, min(last, first + self.limit - 1)
        return max(first, last - self.limit + 1), last

    def numbers_among(self, existing: Int64, now_ms: int) -> tuple[int, int]:
        """As `numbers`, of an exchange that has these bars only (rising numbers): holes count as nothing."""
        interval = self.interval
        last_ms = now_ms if self.end_ms is None else min(now_ms, self.end_ms)
        high = int(np.searchsorted(existing, interval.number(last_ms), side="right"))
        low = 0
        if self.start_ms is not None:
            low = int(np.searchsorted(existing, interval.number(self.start_ms)))
        if low >= high:
            return 0, -1
        if self.start_ms is not None and self.end_ms is None:
            high = min(high, low + self.limit)
        low = max(low, high - self.limit)
        return int(existing[low]), int(existing[high - 1])
