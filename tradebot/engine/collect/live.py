"""The live feed: closed bars into the store as they close, latest quotes beside them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from tradebot.engine.collect.ports import Listener, StorePort
from tradebot.engine.collect.quotes import LatestQuotes
from tradebot.engine.collect.sequence import BarSequence
from tradebot.engine.collect.writer import StoreThread
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import TradebotError
from tradebot.engine.control.events import Level
from tradebot.engine.exchange import (
    Connector,
    Exchange,
    ExchangeError,
    KlineUpdate,
    Notice,
    PublicStream,
    StreamPool,
    StreamSettings,
    StreamStatus,
    Update,
    connect_websocket,
    kline_topic,
    stream_url,
    ticker_topic,
)
from tradebot.engine.market import BarRow, Category, DatasetKey
from tradebot.engine.market.times import iso_minute

_TICK_S = 0.5
# A bar that the stream has not confirmed by then is asked for; the exchange confirms within a second as a rule.
_CONFIRM_GRACE_MS = 1_000
_OFFSET_EVERY_S = 300.0
_FILLS_AT_ONCE = 8
_STORE_RETRY_S = 5.0


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """How the feed is doing: its connections, datasets followed, bars stored, bars asked for by REST, waiting keys."""

    streams: tuple[StreamStatus, ...]
    datasets: int
    bars_stored: int
    bars_filled: int
    behind: int


class LiveFeed:
    """Follows datasets and quotes of one category. Lives on one event loop between `start` and `close`.

    `follow` subscribes; bars are held back until `begin` says that the history before them is stored. From then on
    each closed bar is stored once and in order; what the stream missed is asked by REST before the next bar is
    stored. Listeners hear of a bar after it was stored.
    """

    def __init__(
        self,
        exchange: Exchange,
        store: StorePort,
        category: Category,
        clock: Clock,
        rng: random.Random,
        notice: Notice,
        connector: Connector = connect_websocket,
        settings: StreamSettings | None = None,
        thread: StoreThread | None = None,
    ) -> None:
        self.category = category
        self.quotes = LatestQuotes(category)
        self._exchange = exchange
        self._store = store
        self._clock = clock
        self._notice = notice
        self._listeners: list[Listener] = []
        self._sequences: dict[DatasetKey, BarSequence] = {}
        self._by_topic: dict[str, DatasetKey] = {}
        self._subscribed: set[str] = set()
        self._refused: set[str] = set()
        self._heard = asyncio.Event()
        self._filling: dict[DatasetKey, asyncio.Task[None]] = {}
        self._fill_slots = asyncio.Semaphore(_FILLS_AT_ONCE)
        self._work = asyncio.Event()
        self._moved: set[DatasetKey] = set()
        self.thread = thread or StoreThread()
        self._tasks: list[asyncio.Task[None]] = []
        self._bars_stored = 0
        self._bars_filled = 0
        self._lost = False
        url = stream_url(exchange.url, category)
        self._pool = StreamPool(
            lambda: PublicStream(url, category, self, connector, clock, rng, settings), clock, notice
        )

    # ------------------------------------------------------------------------------------------ use

    def start(self) -> None:
        """Begin to work; must be called on the running event loop."""
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._keep_running(work)) for work in (self._tick, self._store_bars)
            ]

    async def close(self) -> None:
        """Disconnect; bars that were taken for storing are stored first."""
        await self._pool.close()
        tasks = [*self._filling.values(), *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks = []
        await self.thread.drain()
        self.thread.close()

    async def _keep_running(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - one unforeseen fault must not end the feed in silence
                name = type(error).__name__
                self._notice(Level.ERROR, f"A part of the live feed stopped by a fault ({name}) and goes on.")
            await self._clock.sleep(_TICK_S)

    def add_listener(self, listener: Listener) -> None:
        """Call `listener(key, row)` on the event loop for each closed bar after it was stored."""
        self._listeners.append(listener)

    def remove_listener(self, listener: Listener) -> None:
        """Call it no more."""
        self._listeners.remove(listener)

    def follow(self, keys: Iterable[DatasetKey]) -> list[DatasetKey]:
        """Subscribe to the bars of these datasets; they are held back until `begin`.

        Returns those that were not followed before.
        """
        topics, new = [], []
        for key in keys:
            if key not in self._sequences:
                topic = kline_topic(key.symbol, key.timeframe)
                self._sequences[key] = BarSequence(key)
                self._by_topic[topic] = key
                topics.append(topic)
                new.append(key)
        self._pool.subscribe(topics)
        return new

    def unfollow(self, keys: Iterable[DatasetKey]) -> None:
        """Leave these datasets as they are."""
        topics = []
        for key in keys:
            if self._sequences.pop(key, None) is not None:
                topic = kline_topic(key.symbol, key.timeframe)
                del self._by_topic[topic]
                self._subscribed.discard(topic)
                topics.append(topic)
        self._pool.unsubscribe(topics)

    def watch(self, symbols: Iterable[str]) -> None:
        """Keep the latest quotes of these symbols in `quotes`."""
        self._pool.subscribe([ticker_topic(symbol) for symbol in symbols])

    def unwatch(self, symbols: Iterable[str]) -> None:
        """Drop these symbols from `quotes`."""
        names = list(symbols)
        self._pool.unsubscribe([ticker_topic(symbol) for symbol in names])
        for symbol in names:
            self.quotes.forget(symbol)

    async def subscribed(self, timeout_s: float = 15.0) -> bool:
        """Wait until every followed dataset is heard or refused; False where that took too long."""
        deadline = self._clock.monotonic() + timeout_s
        while not self._all_heard():
            if self._clock.monotonic() >= deadline:
                return False
            await self._clock.sleep(0.05)
        return True

    async def begin(self, keys: Iterable[DatasetKey]) -> None:
        """The history of these followed datasets is stored: go on from the last stored bar, or from now without any."""
        for key in list(keys):
            last_ms = await self._last_stored(key)
            sequence = self._sequences.get(key)
            if sequence is None or sequence.next_ms is not None:
                continue
            if last_ms is not None:
                sequence.begin(last_ms + key.timeframe.ms)
            else:
                sequence.begin(self._exchange.closed_before_ms(key.timeframe))
            self._release(key)

    async def _last_stored(self, key: DatasetKey) -> int | None:
        info = await self.thread.call(lambda: self._store.info(key))
        return info.last_ms if info is not None else None

    def status(self) -> FeedStatus:
        """Figures for a display."""
        now = self._exchange.now_ms()
        behind = sum(1 for sequence in self._sequences.values() if self._closed_but_missing(sequence, now))
        return FeedStatus(
            tuple(self._pool.status()),
            len(self._sequences),
            self._bars_stored,
            self._bars_filled,
            behind,
        )

    # ------------------------------------------------------------------------------------------ stream

    def on_update(self, update: Update) -> None:
        """A bar or a quote."""
        if not isinstance(update, KlineUpdate):
            self.quotes.apply(update)
        elif update.closed:
            key = DatasetKey.of(self.category, update.symbol, update.timeframe)
            sequence = self._sequences.get(key)
            if sequence is not None:
                sequence.offer([update.row])
                self._release(key)

    def on_subscribed(self, topics: frozenset[str]) -> None:
        """From here on these topics are heard."""
        self._subscribed |= topics
        if self._lost and self._all_heard():
            self._lost = False
            self._notice(Level.INFO, "The stream of the exchange is back; missed bars are fetched.")

    def on_lost(self, sentence: str) -> None:
        """A connection is gone; it comes back by itself."""
        if not self._lost:
            self._notice(Level.WARNING, sentence)
        self._lost = True

    def on_refused(self, topic: str, sentence: str) -> None:
        """The exchange does not know the topic; its bars are asked by REST alone."""
        self._refused.add(topic)
        self._notice(Level.WARNING, sentence)

    def _all_heard(self) -> bool:
        return all(topic in self._subscribed or topic in self._refused for topic in self._by_topic)

    # ------------------------------------------------------------------------------------------ filling

    def _release(self, key: DatasetKey) -> None:
        """Something was offered: store what follows on, ask for what is missing in between."""
        self._moved.add(key)
        self._work.set()
        self._fill_if_wanted(self._sequences[key])

    def _closed_before(self, key: DatasetKey, now_ms: int) -> int:
        return key.timeframe.floor(now_ms - self._exchange.settle_ms - _CONFIRM_GRACE_MS)

    def _closed_but_missing(self, sequence: BarSequence, now_ms: int) -> bool:
        following = sequence.next_ms
        return following is not None and following < self._closed_before(sequence.key, now_ms)

    async def _tick(self) -> None:
        """Bars that the stream did not confirm are found by the clock."""
        measured = float("-inf")
        while True:
            await self._clock.sleep(_TICK_S)
            for sequence in list(self._sequences.values()):
                self._fill_if_wanted(sequence)
            if self._clock.monotonic() - measured >= _OFFSET_EVERY_S:
                measured = self._clock.monotonic()
                try:
                    await self._exchange.server_time_ms()
                except ExchangeError:
                    continue  # the last offset serves on; the stream says when the exchange is gone

    def _fill_if_wanted(self, sequence: BarSequence) -> None:
        key = sequence.key
        if key in self._filling:
            return
        now = self._exchange.now_ms()
        wanted = sequence.wanted(self._closed_before(key, now), now)
        if wanted is not None:
            task = asyncio.create_task(self._fill(sequence, *wanted))
            self._filling[key] = task
            task.add_done_callback(lambda done: self._filled(key, done))

    def _filled(self, key: DatasetKey, task: asyncio.Task[None]) -> None:
        self._filling.pop(key, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._sequences[key].asked(self._exchange.now_ms())
            name = type(error).__name__
            self._notice(Level.ERROR, f"{key}: missed bars could not be fetched ({name}); trying again.")

    async def _fill(self, sequence: BarSequence, start_ms: int, end_ms: int) -> None:
        """Ask bars by REST and hand them on; what the exchange does not have is passed after a few times."""
        key = sequence.key
        async with self._fill_slots:
            try:
                rows = await self._exchange.klines(self.category, key.symbol, key.timeframe, start_ms, end_ms)
            except ExchangeError as error:
                sequence.asked(self._exchange.now_ms())
                self._notice(Level.WARNING, f"{key}: {error.sentence}")
                return
        self._bars_filled += len(rows)
        sequence.offer(rows)
        if not rows or rows[0].time_ms > start_ms:
            sequence.asked(self._exchange.now_ms())
            hole = sequence.pass_hole()
            if hole is not None:
                span = f"{iso_minute(hole[0])} to {iso_minute(hole[1])} UTC"
                self._notice(Level.WARNING, f"{key}: the exchange has no bars from {span}; they stay a gap.")
        self._moved.add(key)
        self._work.set()

    # ------------------------------------------------------------------------------------------ storing

    async def _store_bars(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            batch: dict[DatasetKey, list[BarRow]] = {}
            for key in self._moved:
                sequence = self._sequences.get(key)
                rows = sequence.take() if sequence is not None else []
                if rows:
                    batch[key] = rows
            self._moved.clear()
            if batch:
                await self._store_batch(batch)

    async def _store_batch(self, batch: dict[DatasetKey, list[BarRow]]) -> None:
        try:
            await self.thread.call(lambda: self._store.append_many(batch))
        except TradebotError as error:
            self._notice(Level.ERROR, error.sentence)
            await self._clock.sleep(_STORE_RETRY_S)
            for key, rows in batch.items():
                self._sequences[key].begin(rows[0].time_ms)
                self._sequences[key].offer(rows)
                self._moved.add(key)
            self._work.set()
            return
        for key, rows in batch.items():
            self._bars_stored += len(rows)
            for row in rows:
                self._tell(key, row)

    def _tell(self, key: DatasetKey, row: BarRow) -> None:
        for listener in list(self._listeners):
            try:
                listener(key, row)
            except Exception as error:  # noqa: BLE001 - a fault of one listener must not end the feed
                name = type(error).__name__
                self._notice(
                    Level.ERROR, f"A listener of closed bars failed on {key} ({name}); the feed goes on."
                )
