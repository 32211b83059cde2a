"""How followed symbols went over the last day: an hourly close each, from the ends of their stored files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np

from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.jobs import lower_thread_priority
from tradebot.engine.data_messages import DatasetView
from tradebot.engine.health_messages import TrendView
from tradebot.engine.market import HOUR_MS, Category, DatasetKey, Float64, Int64, Timeframe
from tradebot.engine.store import Store
from tradebot.engine.store.recent import recent_bars

__all__ = ["HOURS", "Trends", "hourly_closes"]

HOURS = 24
READ_SECONDS = 60.0
MOST_AT_ONCE = 25
_LOOK_SECONDS = 1.0
_EMPTY_SECONDS = 5.0

Quoted = tuple[Category, str]
Closes = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of a symbol, from which dataset, and where its first hour begins."""

    key: DatasetKey
    start_ms: int
    closes: Closes


class Trends:
    """Keeps the trends of the symbols that are quoted; `run` lives on a loop, `views` may be read from any thread.

    A symbol is read when it is new and then once a minute; one without stored bars, which costs nothing, more often.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        now_ms: Callable[[], int],
        quoted: Callable[[], Sequence[Quoted]],
        datasets: Callable[[], Sequence[DatasetView]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._now_ms = now_ms
        self._quoted = quoted
        self._datasets = datasets
        self._read_at: dict[Quoted, float] = {}
        self._views: dict[Quoted, TrendView] = {}
        self._known: dict[Quoted, _Known] = {}
        self._shown: tuple[TrendView, ...] = ()

    @property
    def views(self) -> tuple[TrendView, ...]:
        """The latest ones, sorted by symbol, those without any stored hour left out."""
        return self._shown

    async def run(self) -> None:
        """Look once a second what is due, and read it on a thread of below-normal priority, until cancelled."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, "trends", initializer=lower_thread_priority) as reader:
            while True:
                quoted = self._symbols()
                if any(map(self._is_due, quoted)) or quoted != tuple(self._views):
                    await loop.run_in_executor(reader, self.look)
                await self._clock.sleep(_LOOK_SECONDS)

    def look(self) -> None:
        """Read what is due, some symbols at a time so that it never takes long; belongs on one thread.

        What is not quoted any more is forgotten.
        """
        now_ms, datasets, quoted = self._now_ms(), self._datasets(), self._symbols()
        views = dict(self._views)
        for each in islice(filter(self._is_due, quoted), MOST_AT_ONCE):
            self._read_at[each] = self._clock.monotonic()
            views[each] = TrendView(each[1], self._closes(each, datasets, now_ms))
        self._views = {each: views[each] for each in quoted if each in views}
        self._read_at = {each: self._read_at[each] for each in self._views}
        self._known = {each: known for each, known in self._known.items() if each in self._views}
        self._shown = tuple(view for view in self._views.values() if not _is_empty(view))

    def _symbols(self) -> tuple[Quoted, ...]:
        """What is quoted; a symbol that is in several categories once, as a trend is told by its symbol."""
        first = {symbol: (category, symbol) for category, symbol in reversed(self._quoted())}
        return tuple(sorted(first.values(), key=lambda each: each[1]))

    def _is_due(self, quoted: Quoted) -> bool:
        read_at, view = self._read_at.get(quoted), self._views.get(quoted)
        if read_at is None or view is None:
            return True
        pause = _EMPTY_SECONDS if _is_empty(view) else READ_SECONDS
        return self._clock.monotonic() - read_at >= pause

    def _closes(self, quoted: Quoted, datasets: Sequence[DatasetView], now_ms: int) -> Closes:
        start_ms = _first_hour(now_ms)
        key = _best(quoted, datasets, start_ms)
        if key is None:
            return (None,) * HOURS
        before: Closes = (None,) * HOURS
        read_from_ms = start_ms
        known = self._known.get(quoted)
        if known is not None and known.key == key and None not in known.closes:
            # Whole so far: only what came since the hour that was under way is read.
            gone = min(HOURS, (start_ms - known.start_ms) // HOUR_MS)
            before = known.closes[gone:] + (None,) * gone
            read_from_ms = max(start_ms, known.start_ms + (HOURS - 1) * HOUR_MS)
        try:
            bars = recent_bars(self._store, key, read_from_ms, now_ms)
        except (InputError, OSError):
            return before  # damaged, or replaced in this moment; the listing says the former
        read = hourly_closes(bars.time, bars.values[3], start_ms)
        closes = tuple(old if new is None else new for old, new in zip(before, read, strict=True))
        self._known[quoted] = _Known(key, start_ms, closes)
        return closes


def hourly_closes(time: Int64, close: Float64, start_ms: int) -> Closes:
    """The last close of each of the 24 hours from `start_ms`, None for an hour without bars.

    `time` are open times of bars of an hour or less (UTC ms, rising), `close` their closes.
    """
    edges = start_ms + HOUR_MS * np.arange(HOURS + 1)
    places = np.searchsorted(time, edges)
    return tuple(
        float(close[until - 1]) if until > since else None
        for since, until in zip(places[:-1].tolist(), places[1:].tolist(), strict=True)
    )


def _is_empty(view: TrendView) -> bool:
    return all(close is None for close in view.closes)


def _first_hour(now_ms: int) -> int:
    """Where the first of the 24 hours begins, the last of which is the one under way."""
    return now_ms // HOUR_MS * HOUR_MS - (HOURS - 1) * HOUR_MS


def _best(quoted: Quoted, datasets: Sequence[DatasetView], start_ms: int) -> DatasetKey | None:
    """The dataset that covers most of the last day, the finest where several cover as much."""
    category, symbol = quoted
    best: tuple[int, int, DatasetKey] | None = None
    for each in datasets:
        if each.symbol != symbol or each.category != category.value or each.mark or not each.rows:
            continue
        length = Timeframe(each.timeframe).ms
        covered = each.last_ms + length - max(each.first_ms, start_ms)
        if length <= HOUR_MS and covered > 0 and (best is None or (covered, -length) > best[:2]):
            best = covered, -length, DatasetKey.parse(each.key)
    return None if best is None else best[2]
