"""Timeframes: their names, lengths and the UTC grid that their bars stand on."""

from __future__ import annotations

from enum import Enum

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
# 1970-01-01 was a Thursday; Bybit's weekly bars open on Monday 00:00 UTC.
_MONDAY_OFFSET_MS = 4 * DAY_MS


class Timeframe(Enum):
    """The length of a bar. The value is the name used in file names and strategies.

    >>> Timeframe("15m").ms
    900000
    """

    M1 = "1m"
    M3 = "3m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H2 = "2h"
    H4 = "4h"
    H6 = "6h"
    H12 = "12h"
    D1 = "1d"
    W1 = "1w"

    @property
    def ms(self) -> int:
        """Length of one bar in milliseconds."""
        return _LENGTH_MS[self]

    @property
    def interval(self) -> str:
        """The name Bybit's `interval` parameter and `kline` topics use, e.g. "60" for 1h, "D" for 1d."""
        return _INTERVAL[self]

    @classmethod
    def from_interval(cls, interval: str) -> Timeframe:
        """Timeframe of a Bybit interval name. Raises ValueError for a name we do not know."""
        for timeframe, name in _INTERVAL.items():
            if name == interval:
                return timeframe
        raise ValueError(f"no timeframe has the interval {interval!r}")

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """All names, shortest bar first."""
        return tuple(timeframe.value for timeframe in cls)

    @property
    def grid_offset_ms(self) -> int:
        """Remainder of every open time on this grid, modulo the bar's length (only weeks have one)."""
        return _MONDAY_OFFSET_MS if self is Timeframe.W1 else 0

    def floor(self, time_ms: int) -> int:
        """Open time of the bar that `time_ms` falls into."""
        offset = self.grid_offset_ms
        return (time_ms - offset) // self.ms * self.ms + offset

    def ceil(self, time_ms: int) -> int:
        """Open time of the first bar that opens at or after `time_ms`."""
        return self.floor(time_ms + self.ms - 1)

    def on_grid(self, time_ms: int) -> bool:
        """Whether a bar of this timeframe may open at `time_ms`."""
        return (time_ms - self.grid_offset_ms) % self.ms == 0


_LENGTH_MS = {
    Timeframe.M1: MINUTE_MS,
    Timeframe.M3: 3 * MINUTE_MS,
    Timeframe.M5: 5 * MINUTE_MS,
    Timeframe.M15: 15 * MINUTE_MS,
    Timeframe.M30: 30 * MINUTE_MS,
    Timeframe.H1: HOUR_MS,
    Timeframe.H2: 2 * HOUR_MS,
    Timeframe.H4: 4 * HOUR_MS,
    Timeframe.H6: 6 * HOUR_MS,
    Timeframe.H12: 12 * HOUR_MS,
    Timeframe.D1: DAY_MS,
    Timeframe.W1: WEEK_MS,
}
_INTERVAL = {
    Timeframe.M1: "1",
    Timeframe.M3: "3",
    Timeframe.M5: "5",
    Timeframe.M15: "15",
    Timeframe.M30: "30",
    Timeframe.H1: "60",
    Timeframe.H2: "120",
    Timeframe.H4: "240",
    Timeframe.H6: "360",
    Timeframe.H12: "720",
    Timeframe.D1: "D",
    Timeframe.W1: "W",
}
