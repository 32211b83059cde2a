"""Splitting what is missing into requests, and putting the answers back in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tradebot.engine.exchange import PAGE_BARS, Exchange
from tradebot.engine.market import BarRow, Category, DatasetKey, Timeframe

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Window:
    """Bars start_ms <= open time < end_ms of one request; `newer` when they come after all stored bars."""

    start_ms: int
    end_ms: int
    newer: bool

    def bars(self, timeframe: Timeframe) -> int:
        """How many bars the window holds."""
        return (self.end_ms - self.start_ms) // timeframe.ms


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bars of a window, rising, and the ranges inside it that the exchange does not have."""

    rows: list[BarRow]
    holes: list[Range]


def split(missing: Iterable[Range], last_ms: int | None, timeframe: Timeframe) -> list[Window]:
    """Windows of at most 1000 bars over the missing ranges; `last_ms` is the last stored bar, None for none."""
    windows: list[Window] = []
    length = PAGE_BARS * timeframe.ms
    for start, end in missing:
        newer = last_ms is None or start > last_ms
        windows.extend(Window(at, min(at + length, end), newer) for at in range(start, end, length))
    return windows


def absent(rows: Sequence[BarRow], start_ms: int, end_ms: int, timeframe: Timeframe) -> list[Range]:
    """Ranges of the grid in start_ms..end_ms that have no row; `rows` rise and lie inside."""
    if len(rows) * timeframe.ms == end_ms - start_ms:
        return []
    ranges = []
    expected = start_ms
    for row in rows:
        if row.time_ms > expected:
            ranges.append((expected, row.time_ms))
        expected = row.time_ms + timeframe.ms
    if expected < end_ms:
        ranges.append((expected, end_ms))
    return ranges


async def fetch(exchange: Exchange, key: DatasetKey, window: Window) -> Fetched:
    """All bars of a window that the exchange has, however it cuts or orders its pages.

    What an answer leaves out is asked once more; the search ends when that brings nothing new, so what is left are
    holes of the exchange itself. Raises ExchangeError.
    """
    timeframe, category = key.timeframe, Category(key.category)
    rows = await exchange.klines(category, key.symbol, timeframe, window.start_ms, window.end_ms)
    while holes := absent(rows, window.start_ms, window.end_ms, timeframe):
        known = {row.time_ms: row for row in rows}
        again = await exchange.klines(category, key.symbol, timeframe, holes[0][0], holes[-1][1])
        known.update((row.time_ms, row) for row in again if row.time_ms not in known)
        if len(known) == len(rows):
            return Fetched(rows, holes)
        rows = [known[time_ms] for time_ms in sorted(known)]
    return Fetched(rows, [])
