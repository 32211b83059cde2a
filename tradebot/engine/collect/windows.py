"""Splitting what is missing into requests, and finding out what an answer leaves out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tradebot.engine.exchange import PAGE_BARS
from tradebot.engine.market import BarRow, Timeframe

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Window:
    """Bars start_ms <= open time < end_ms of one request."""

    start_ms: int
    end_ms: int

    def bars(self, timeframe: Timeframe) -> int:
        """How many bars the window holds."""
        return (self.end_ms - self.start_ms) // timeframe.ms


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
