"""Splitting what is missing into requests, and making out of the answers what the exchange has."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tradebot.engine.exchange import PAGE_BARS, Exchange
from tradebot.engine.market import BarRow, Category, DatasetKey, Timeframe

Range = tuple[int, int]
# Absent bars with fewer bars between them are asked again in one request, for requests are what is scarce.
_ASK_TOGETHER = 100


@dataclass(frozen=True, slots=True)
class Window:
    """Bars start_ms <= open time < end_ms of one request."""

    start_ms: int
    end_ms: int

    def bars(self, timeframe: Timeframe) -> int:
        """How many bars the window holds."""
        return (self.end_ms - self.start_ms) // timeframe.ms


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bars of a window, rising, and the ranges inside it that the exchange was asked for twice in vain."""

    rows: Sequence[BarRow]
    holes: list[Range]


class Unasked:
    """The missing ranges of a dataset that nobody has asked for yet, cut into windows of at most 1000 bars.

    Windows are cut when they are taken: years of minutes of hundreds of symbols are a million windows.
    """

    def __init__(self, missing: Iterable[Range], timeframe: Timeframe, newest_first: bool = False) -> None:
        self._ranges = deque(missing)
        self._length = PAGE_BARS * timeframe.ms
        self._newest_first = newest_first

    def __bool__(self) -> bool:
        return bool(self._ranges)

    @property
    def ranges(self) -> tuple[Range, ...]:
        """What is left, rising."""
        return tuple(sorted(self._ranges))

    def take(self) -> Window:
        """The next window. Raises IndexError where nothing is left."""
        if self._newest_first:
            start, end = self._ranges.pop()
            cut = max(start, end - self._length)
            if cut > start:
                self._ranges.append((start, cut))
            return Window(cut, end)
        start, end = self._ranges.popleft()
        cut = min(end, start + self._length)
        if cut < end:
            self._ranges.appendleft((cut, end))
        return Window(start, cut)

    def give_back(self, window: Window) -> None:
        """The window is to be asked later, before everything else that is left."""
        put = self._ranges.append if self._newest_first else self._ranges.appendleft
        put((window.start_ms, window.end_ms))


def subtract(ranges: Iterable[Range], known: Iterable[Range]) -> list[Range]:
    """What is left of rising half-open ranges without the `known` ones (in any order)."""
    taken = sorted(known)
    left: list[Range] = []
    for start, end in ranges:
        at = start
        for low, high in taken:
            if high <= at:
                continue
            if low >= end:
                break
            if low > at:
                left.append((at, low))
            at = max(at, high)
        if at < end:
            left.append((at, end))
    return left


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

    What an answer leaves out is asked again, and only that; a request that brings nothing new leaves a hole of the
    exchange itself. Raises ExchangeError.
    """
    timeframe = key.timeframe
    rows = await _ask(exchange, key, window.start_ms, window.end_ms)
    open_ranges = absent(rows, window.start_ms, window.end_ms, timeframe)
    if not open_ranges:
        return Fetched(rows, [])
    known = {row.time_ms: row for row in rows}
    holes: list[Range] = []
    while open_ranges:
        still_open: list[Range] = []
        for group in _together(open_ranges, timeframe):
            again = await _ask(exchange, key, group[0][0], group[-1][1])
            new = {row.time_ms: row for row in again if row.time_ms not in known}
            if not new:
                holes += group
                continue
            known |= new
            for start, end in group:
                inside = [new[time_ms] for time_ms in sorted(new) if start <= time_ms < end]
                still_open += absent(inside, start, end, timeframe)
        open_ranges = still_open
    return Fetched([known[time_ms] for time_ms in sorted(known)], sorted(holes))


def _together(ranges: Sequence[Range], timeframe: Timeframe) -> list[list[Range]]:
    """Rising ranges in groups that are worth one request each."""
    groups: list[list[Range]] = []
    for each in ranges:
        if groups and each[0] - groups[-1][-1][1] < _ASK_TOGETHER * timeframe.ms:
            groups[-1].append(each)
        else:
            groups.append([each])
    return groups


async def _ask(exchange: Exchange, key: DatasetKey, start_ms: int, end_ms: int) -> Sequence[BarRow]:
    category = Category(key.category)
    if key.mark:
        return await exchange.klines(category, key.symbol, key.timeframe, start_ms, end_ms, mark=True)
    return await exchange.klines(category, key.symbol, key.timeframe, start_ms, end_ms)
