"""One gapless, ordered stream of closed bars per symbol and timeframe: stored history first, then live."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from typing import Protocol

import numpy as np

from tradebot.engine.collect.building import BarBuilder, ClosedBar
from tradebot.engine.collect.live import LiveFeed
from tradebot.engine.collect.ports import StoredSpan
from tradebot.engine.collect.writer import StoreThread
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import BarRow, Candles, Category, DatasetKey, Timeframe
from tradebot.engine.store.resample import buckets, can_build, complete_span, resample

# Bars that may wait for a consumer; a day and a half of minutes.
CAPACITY = 2_000
_LOOK_AGAIN_S = 0.25
# Stored bars are handed on in pieces, between which the loop gets its turn.
_PIECE = 500


class BarReaderPort(Protocol):
    """What the stream needs of the store."""

    def info(self, key: DatasetKey) -> StoredSpan | None:
        """What is stored of a dataset, None where nothing is."""
        ...

    def load(self, key: DatasetKey, start_ms: int | None = None, end_ms: int | None = None) -> Candles:
        """Bars with start <= open time < end."""
        ...


class OverrunError(Exception):
    """A consumer was so slow that bars were dropped for it; nothing is lost in the store.

    Asking for a stream from `resume_ms` on brings everything that it has not got.
    """

    def __init__(self, key: DatasetKey, resume_ms: int) -> None:
        super().__init__(f"A consumer of {key} fell behind; it can go on from {resume_ms}.")
        self.key = key
        self.resume_ms = resume_ms


class _Subscription:
    """Bars of one dataset that wait for one consumer."""

    def __init__(self, key: DatasetKey, capacity: int) -> None:
        self.key = key
        self.waiting: deque[BarRow] = deque()
        self.wake = asyncio.Event()
        self.overrun = False
        self.ended = False
        self._capacity = capacity

    def put(self, row: BarRow) -> None:
        """Never waits: what does not fit is dropped, together with what waited."""
        if len(self.waiting) >= self._capacity:
            self.waiting.clear()
            self.overrun = True
        if not self.overrun:
            self.waiting.append(row)
        self.wake.set()

    def end(self) -> None:
        """No more bars come."""
        self.ended = True
        self.wake.set()

    def start_anew(self) -> None:
        """What comes from here on belongs to the next reading of the store."""
        self.waiting.clear()
        self.overrun = False
        self.ended = False


class ClosedBars:
    """Streams of closed bars for any number of consumers. `feeds` are looked up by category when a stream begins.

    A timeframe that is followed is taken as it is; others are built from the symbol's 1m bars as those close, by the
    rules of `store.resample`. Lives on the event loop of the feeds.
    """

    def __init__(
        self,
        feeds: Mapping[Category, LiveFeed],
        store: BarReaderPort,
        clock: Clock,
        thread: StoreThread | None = None,
        capacity: int = CAPACITY,
    ) -> None:
        self._feeds = feeds
        self._store = store
        self._clock = clock
        self._thread = thread or StoreThread()
        self._capacity = capacity
        self._heard: set[LiveFeed] = set()
        self._subscriptions: dict[DatasetKey, list[_Subscription]] = {}

    async def stream(
        self, category: Category, symbol: str, timeframe: Timeframe, start_ms: int
    ) -> AsyncIterator[ClosedBar]:
        """Bars that open at or after `start_ms`: what is stored, then each new one as it closes; each once, in order.

        The stream waits while the history of a followed dataset is still being collected, and ends when the dataset
        is left. Raises InputError where neither the timeframe nor 1m of the symbol is followed, OverrunError where
        the consumer is too slow.
        """
        key = self._source(category, symbol, timeframe)
        feed = self._feeds[category]
        subscription = _Subscription(key, self._capacity)
        self._listen(feed).setdefault(key, []).append(subscription)
        shaped = _Shaper(key.timeframe, timeframe, start_ms)
        try:
            while await self._begun(feed, key):
                subscription.start_anew()
                async for bar in self._stored(key, shaped):
                    yield bar
                async for bar in self._live(subscription, shaped):
                    yield bar
        finally:
            self._subscriptions[key].remove(subscription)

    def close(self) -> None:
        """Read nothing more."""
        self._thread.close()

    def _source(self, category: Category, symbol: str, timeframe: Timeframe) -> DatasetKey:
        followed = self._feeds[category].followed() if category in self._feeds else frozenset()
        own = DatasetKey.of(category, symbol, timeframe)
        minutes = DatasetKey.of(category, symbol, Timeframe.M1)
        for key in (own, minutes):
            if key in followed:
                return key
        raise InputError(
            f"{own} is not followed, nor is {minutes}, which it could be built from: start collecting one of them "
            "and follow it live."
        )

    def _listen(self, feed: LiveFeed) -> dict[DatasetKey, list[_Subscription]]:
        if feed not in self._heard:
            self._heard.add(feed)
            feed.add_listener(self._on_bar)
            feed.add_end_listener(self._on_end)
        return self._subscriptions

    def _on_bar(self, key: DatasetKey, row: BarRow) -> None:
        for subscription in self._subscriptions.get(key, ()):
            subscription.put(row)

    def _on_end(self, key: DatasetKey) -> None:
        for subscription in self._subscriptions.get(key, ()):
            subscription.end()

    async def _begun(self, feed: LiveFeed, key: DatasetKey) -> bool:
        """Wait for the history before the live bars; False where the dataset was left."""
        while key in feed.followed():
            if feed.begun(key):
                return True
            await self._clock.sleep(_LOOK_AGAIN_S)
        return False

    async def _stored(self, key: DatasetKey, shaped: _Shaper) -> AsyncIterator[ClosedBar]:
        candles = await self._thread.call(lambda: self._read(key))
        for number, bar in enumerate(shaped.history(candles)):
            if number % _PIECE == _PIECE - 1:
                await asyncio.sleep(0)
            yield bar

    def _read(self, key: DatasetKey) -> Candles:
        return self._store.load(key) if self._store.info(key) is not None else Candles.empty(key.timeframe)

    async def _live(self, subscription: _Subscription, shaped: _Shaper) -> AsyncIterator[ClosedBar]:
        """Until the dataset is left; bars that were read from the store already are passed over.

        What was dropped while the consumer went through its history is read again instead of raised.
        """
        if subscription.overrun:
            return
        while True:
            while subscription.waiting:
                for bar in shaped.live(subscription.waiting.popleft()):
                    yield bar
            if subscription.overrun:
                raise OverrunError(subscription.key, shaped.resume_ms)
            if subscription.ended:
                return
            subscription.wake.clear()
            await subscription.wake.wait()


class _Shaper:
    """Turns source bars, each once and in order, into bars of the target timeframe with their gaps marked."""

    def __init__(self, source: Timeframe, target: Timeframe, start_ms: int) -> None:
        self._source = source
        self._target = target
        self._builder: BarBuilder | None = None
        self._last_ms: int | None = None
        self.next_source_ms = target.ceil(start_ms)
        if source is not target and not can_build(target, source):
            raise ValueError(f"{target.value} bars cannot be built from {source.value} bars")

    @property
    def resume_ms(self) -> int:
        """The open time of the first target bar that was not handed on."""
        return self._target.floor(self.next_source_ms)

    def history(self, candles: Candles) -> Iterator[ClosedBar]:
        """Bars of everything that is stored of the source; what was handed on before is passed over."""
        if self._source is self._target:
            yield from self._marked(_bars_of(candles.between(self.next_source_ms, None)))
            return
        if self._builder is None and len(candles):
            first, last = int(candles.time[0]), int(candles.time[-1])
            _, end = complete_span(first, last, self._source, self._target)
            self._builder = BarBuilder(self._source, self._target, first)
            built = _built(candles, self._target, self.next_source_ms)
            self.next_source_ms = max(self.next_source_ms, end)
            yield from self._marked(built)
        for bar in _bars_of(candles.between(self.next_source_ms, None)):
            yield from self._marked(self._build(bar))

    def live(self, row: BarRow) -> Iterator[ClosedBar]:
        """Bars that a new source bar completes; one that was handed in before is passed over."""
        if self._builder is None and self._source is not self._target:
            # The first bar there is, even where it lies before the start: it tells which built bar is a partial one.
            self._builder = BarBuilder(self._source, self._target, row.time_ms)
        if row.time_ms < self.next_source_ms:
            return
        opened, high, low, close, volume, turnover = (float(text or "nan") for text in row[1:])
        bar = ClosedBar(row.time_ms, opened, high, low, close, volume, turnover)
        if self._source is self._target:
            yield from self._marked([bar])
        else:
            yield from self._marked(self._build(bar))

    def _build(self, bar: ClosedBar) -> list[ClosedBar]:
        if self._builder is None:
            return []
        self.next_source_ms = bar.time_ms + self._source.ms
        return self._builder.add(bar)

    def _marked(self, bars: Iterator[ClosedBar] | list[ClosedBar]) -> Iterator[ClosedBar]:
        for bar in bars:
            last_ms, self._last_ms = self._last_ms, bar.time_ms
            self.next_source_ms = max(self.next_source_ms, bar.time_ms + self._target.ms)
            if last_ms is not None and last_ms + self._target.ms != bar.time_ms:
                yield replace(bar, gap_before=True)
            else:
                yield bar


def _bars_of(candles: Candles) -> Iterator[ClosedBar]:
    for low in range(0, len(candles), _PIECE):
        part = candles.slice(low, low + _PIECE)
        columns = (part.time, part.open, part.high, part.low, part.close, part.volume, part.turnover)
        for values in zip(*(column.tolist() for column in columns), strict=True):
            yield ClosedBar(*values)


def _built(candles: Candles, target: Timeframe, start_ms: int) -> list[ClosedBar]:
    """The whole target bars of source bars, from `start_ms` on."""
    built = resample(candles, target).between(start_ms, None)
    opened, counts = np.unique(buckets(candles.time, target), return_counts=True)
    parts = counts[np.searchsorted(opened, built.time)]
    whole = target.ms // candles.timeframe.ms
    return [
        bar if count == whole else replace(bar, complete=False)
        for bar, count in zip(_bars_of(built), parts.tolist(), strict=True)
    ]
