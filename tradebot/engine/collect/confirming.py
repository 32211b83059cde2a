"""When a bar counts as missing at the exchange itself: one rule for history, repair and feed.

A page may lack rows by chance, so that a bar is absent says little and that it is absent twice not much more:

1. A bar must be absent from `CONFIRMATIONS` separate answers of one run, asked with growing pauses in between. It is
   asked together with bars around it, and an answer that itself lacks a bar known to be there counts for nothing,
   nor does an empty one where anything is known to be there. What is neither had nor confirmed after `_MOST_IN_VAIN`
   rounds without a new bar is a gap of that run and is not remembered.
2. A confirmed hole is remembered with the number of looks that found it. It is looked at again by a run that comes an
   hour, then a day, then seven days after the last look, later every ninety days; one answer is enough then. A hole
   that is none heals that way, and one that is costs a request now and then.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from tradebot.engine.collect.ports import KnownHole
from tradebot.engine.collect.windows import Range, Window, absent
from tradebot.engine.exchange import PAGE_BARS, Exchange
from tradebot.engine.market import DAY_MS, HOUR_MS, BarRow, Category, DatasetKey, Timeframe

CONFIRMATIONS = 3
"""Answers without a bar that make a hole of it."""
_PAUSES_S = (1.0, 4.0, 8.0)
_MOST_IN_VAIN = 8
_AROUND = 100
# Absent bars with fewer bars between them are asked again in one request, for requests are what is scarce.
_ASK_TOGETHER = 100
_NEXT_LOOK_MS = (HOUR_MS, DAY_MS, 7 * DAY_MS, 90 * DAY_MS)

Pause = Callable[[float], Awaitable[None]]
"""Waits that many seconds."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bars of a window, rising, the ranges inside it that the exchange has confirmed not to have, and those that
    were neither had nor confirmed.
    """

    rows: Sequence[BarRow]
    holes: list[Range]
    unsure: list[Range]


def next_look_ms(confirmations: int) -> int:
    """How long after its last look a hole that so many looks have found is looked at again."""
    return _NEXT_LOOK_MS[min(max(confirmations, 1), len(_NEXT_LOOK_MS)) - 1]


def not_to_ask(holes: Iterable[KnownHole], now_ms: int) -> list[Range]:
    """The remembered holes that are not to be looked at now."""
    return [
        (hole.start_ms, hole.end_ms)
        for hole in holes
        if now_ms < hole.seen_ms + next_look_ms(hole.confirmations)
    ]


async def fetch(
    exchange: Exchange, key: DatasetKey, window: Window, pause: Pause, confirmations: int = CONFIRMATIONS
) -> Fetched:
    """All bars of a window that the exchange has, however it cuts or orders its pages. Raises ExchangeError.

    Only what an answer leaves out is asked again, with some bars around it; `confirmations` is 1 where the whole
    window is a remembered hole.
    """
    rows = await ask(exchange, key, window.start_ms, window.end_ms)
    if not absent(rows, window.start_ms, window.end_ms, key.timeframe):
        return Fetched(rows, [], [])
    search = _Search(key.timeframe, window, confirmations)
    search.heard(window.start_ms, window.end_ms, rows)
    # One end of the window alone is a page that was cut: the rest is there to be asked, as it is.
    narrow = bool(rows) and len(search.open) == 1 and window.bars(key.timeframe) > 1
    narrow = narrow and (search.open[0][0] == window.start_ms or search.open[0][1] == window.end_ms)
    in_vain = 0 if narrow else 1
    while in_vain <= _MOST_IN_VAIN:
        if in_vain:
            await pause(_PAUSES_S[min(in_vain, len(_PAUSES_S)) - 1])
        known, whole = len(search.rows), True
        for low, high in _requests(search.open, key.timeframe, 0 if narrow else _AROUND):
            whole &= search.heard(low, high, await ask(exchange, key, low, high))
        if not search.open:
            break
        in_vain = 0 if len(search.rows) > known else in_vain + 1
        # Where pages are cut again and again, bars around what is absent would be all that ever comes.
        narrow = not in_vain or (not narrow and not whole)
    return Fetched(search.rows, search.holes, search.open)


async def ask(exchange: Exchange, key: DatasetKey, start_ms: int, end_ms: int) -> Sequence[BarRow]:
    """What the exchange gives of a dataset at once."""
    category = Category(key.category)
    if key.mark:
        return await exchange.klines(category, key.symbol, key.timeframe, start_ms, end_ms, mark=True)
    return await exchange.klines(category, key.symbol, key.timeframe, start_ms, end_ms)


class _Search:
    """What the answers to one window have proved so far; each answer is judged by all that is known in the end."""

    def __init__(self, timeframe: Timeframe, window: Window, confirmations: int) -> None:
        self._timeframe = timeframe
        self._window = window
        self._confirmations = confirmations
        self._known: dict[int, BarRow] = {}
        self._answers: list[tuple[int, int, int]] = []  # start, end, bars in it
        self.rows: list[BarRow] = []
        self.holes: list[Range] = []
        self.open: list[Range] = []

    def heard(self, start_ms: int, end_ms: int, rows: Sequence[BarRow]) -> bool:
        """An answer to start_ms..end_ms; whether it holds everything known of that span."""
        self._answers.append((start_ms, end_ms, len(rows)))
        self._known.update((row.time_ms, row) for row in rows)
        window = self._window
        times = sorted(self._known)
        low, high = bisect_left(times, window.start_ms), bisect_left(times, window.end_ms)
        self.rows = [self._known[time_ms] for time_ms in times[low:high]]
        whole = [
            (start, end, bars)
            for start, end, bars in self._answers
            if bisect_left(times, end) - bisect_left(times, start) == bars
        ]
        # An empty answer shows nothing that is known to be there, unless nothing is known at all.
        spans = [(start, end) for start, end, bars in whole if bars or not times]
        self.holes, self.open = [], []
        for first, last in absent(self.rows, window.start_ms, window.end_ms, self._timeframe):
            proofs = sum(start <= first and last <= end for start, end in spans)
            (self.holes if proofs >= self._confirmations else self.open).append((first, last))
        return self._answers[-1] in whole


def _requests(ranges: Sequence[Range], timeframe: Timeframe, around: int) -> list[Range]:
    """Rising ranges as spans worth one request each, with bars around them as far as a page holds."""
    spans: list[Range] = []
    for start, end in ranges:
        if spans and start - spans[-1][1] < _ASK_TOGETHER * timeframe.ms:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    requests = []
    for start, end in spans:
        room = max(0, min(around, (PAGE_BARS - (end - start) // timeframe.ms) // 2)) * timeframe.ms
        requests.append((start - room, end + room))
    return requests
