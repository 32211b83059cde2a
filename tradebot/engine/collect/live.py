"""The live feed: closed bars into the store as they close, latest quotes and trades beside them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Iterable

from tradebot.engine.collect.feed_status import FeedStatus
from tradebot.engine.collect.filling import Filler
from tradebot.engine.collect.ports import Listener, StorePort
from tradebot.engine.collect.quotes import LatestQuotes
from tradebot.engine.collect.sequence import BarSequence, is_sound
from tradebot.engine.collect.storing import BarWriter, Batch, EndListener
from tradebot.engine.collect.trades import RecentTrades, TradeListener
from tradebot.engine.collect.watching import ListingWatch, TimeKeeper
from tradebot.engine.collect.writer import StoreThread
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import TradebotError
from tradebot.engine.control.events import Level
from tradebot.engine.control.progress import counted
from tradebot.engine.exchange import (
    Connector,
    Exchange,
    KlineUpdate,
    Notice,
    PacedConnector,
    PublicStream,
    StreamPool,
    StreamSettings,
    TickerUpdate,
    Update,
    connect_websocket,
    kline_topic,
    stream_url,
    ticker_topic,
    trade_topic,
)
from tradebot.engine.market import BarRow, Category, DatasetKey, Timeframe
from tradebot.engine.market.times import iso_minute

_TICK_S = 0.5
_READ_AGAIN_S = 5.0
# A bar that the stream has not confirmed by then is asked for; the exchange confirms within a second as a rule.
_CONFIRM_GRACE_MS = 1_000
# A dataset of a symbol that is not listed any more ends after this many answers without a bar.
_ASKED_IN_VAIN = 3


class LiveFeed:
    """Follows datasets, quotes and trades of one category. Lives on one event loop between `start` and `close`.

    `follow` subscribes; bars are held back until `begin` says that the history before them is stored. From then on
    each closed bar is stored once and in order; what the stream missed is asked by REST before the next bar is
    stored. Listeners hear of a bar after it was stored. A bar counts as closed when the stream confirms it, or when
    the clock says so and the exchange's REST interface gives it; the first of them counts, a later version of the
    same bar never alters what is stored.
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
        self.trades = RecentTrades()
        self.thread = thread or StoreThread()
        self._exchange = exchange
        self._store = store
        self._clock = clock
        self._notice = notice
        self._trade_listeners: list[TradeListener] = []
        self._sequences: dict[DatasetKey, BarSequence] = {}
        self._by_topic: dict[str, DatasetKey] = {}
        self._frames: frozenset[Timeframe] = frozenset()
        self._subscribed: set[str] = set()
        self._refused: set[str] = set()
        self._moved: set[DatasetKey] = set()
        self._left: Batch = {}
        self._writer = BarWriter(store, self.thread, clock, notice)
        self._listing = ListingWatch(exchange, category, clock, self._end)
        self._filler = Filler(exchange, store, self.thread, clock, notice, self._offered, self._listing.doubt)
        self._tasks: list[asyncio.Task[None]] = []
        self._beside: set[asyncio.Task[None]] = set()
        self._time = TimeKeeper(exchange, clock)
        self._ended: dict[str, None] = {}
        self._unsound = 0
        self._differing = 0
        self._lost = False
        url, paced = stream_url(exchange.url, category), PacedConnector(connector, clock)
        self._pool = StreamPool(
            lambda: PublicStream(url, category, self, paced, clock, rng, settings, exchange.now_ms),
            clock,
            notice,
        )

    # ------------------------------------------------------------------------------------------ use

    def start(self) -> None:
        """Begin to work; must be called on the running event loop."""
        if not self._tasks:
            works = (self._tick, self._store_bars, self._time.run, self._listing.run)
            self._tasks = [asyncio.create_task(self._keep_running(work)) for work in works]

    async def close(self) -> None:
        """Disconnect; bars that were taken for storing are stored first."""
        await self._pool.close()
        tasks = [*self._tasks, *self._beside]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._filler.close()
        self._tasks = []
        await self.thread.drain()
        self._writer.leave(self._sequences)
        await self._writer.finish(self._gather)
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
        self._writer.add_listener(listener)

    def remove_listener(self, listener: Listener) -> None:
        """Call it no more."""
        self._writer.remove_listener(listener)

    def add_end_listener(self, listener: EndListener) -> None:
        """Call `listener(key)` when a dataset is left or the feed is closed, after its last bar was told."""
        self._writer.add_end_listener(listener)

    def add_trade_listener(self, listener: TradeListener) -> None:
        """Call `listener(trade)` on the event loop for each trade of a watched symbol."""
        self._trade_listeners.append(listener)

    def remove_trade_listener(self, listener: TradeListener) -> None:
        """Call it no more."""
        self._trade_listeners.remove(listener)

    def follow(self, keys: Iterable[DatasetKey]) -> list[DatasetKey]:
        """Subscribe to the bars of these datasets; they are held back until `begin`.

        Returns those that were not followed before. A symbol that was taken off the exchange may be followed anew.
        ValueError for a mark dataset: the stream has no mark bars.
        """
        topics, new = [], []
        for key in keys:
            if key.mark:
                raise ValueError(f"{key} cannot be followed: the stream has no mark bars")
            if key not in self._sequences:
                topic = kline_topic(key.symbol, key.timeframe)
                self._sequences[key] = BarSequence(key, self._exchange.closed_before_ms(key.timeframe))
                self._by_topic[topic] = key
                self._refused.discard(topic)
                self._ended.pop(key.symbol, None)
                topics.append(topic)
                new.append(key)
        self._frames = frozenset(key.timeframe for key in self._sequences)
        self._pool.subscribe(topics)
        return new

    def followed(self) -> frozenset[DatasetKey]:
        """Datasets that are followed now, begun or not."""
        return frozenset(self._sequences)

    def begun(self, key: DatasetKey) -> bool:
        """Whether a dataset is followed and everything before its next bar is stored."""
        sequence = self._sequences.get(key)
        return sequence is not None and sequence.next_ms is not None

    def unfollow(self, keys: Iterable[DatasetKey]) -> None:
        """Leave these datasets; what has closed and was heard is stored, nothing more is asked."""
        topics, left = [], []
        for key in keys:
            sequence = self._sequences.pop(key, None)
            if sequence is not None:
                topic = kline_topic(key.symbol, key.timeframe)
                del self._by_topic[topic]
                self._subscribed.discard(topic)
                topics.append(topic)
                left.append(key)
                self._filler.leave(sequence)
                self._differing += sequence.differing
                if rows := sequence.take():
                    self._left.setdefault(key, []).extend(rows)
        self._frames = frozenset(key.timeframe for key in self._sequences)
        self._writer.leave(left)
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

    def watch_trades(self, symbols: Iterable[str]) -> None:
        """Keep the latest trades of these symbols in `trades` and tell the trade listeners."""
        self._pool.subscribe([trade_topic(symbol) for symbol in symbols])

    def unwatch_trades(self, symbols: Iterable[str]) -> None:
        """Drop these symbols from `trades`."""
        names = list(symbols)
        self._pool.unsubscribe([trade_topic(symbol) for symbol in names])
        for symbol in names:
            self.trades.forget(symbol)

    async def subscribed(self, timeout_s: float = 15.0) -> bool:
        """Wait until every followed dataset is heard or refused; False where that took too long."""
        deadline = self._clock.monotonic() + timeout_s
        while not self._all_heard():
            if self._clock.monotonic() >= deadline:
                return False
            await self._clock.sleep(0.05)
        return True

    async def begin(self, keys: Iterable[DatasetKey]) -> None:
        """The history of these followed datasets is stored: go on from the last stored bar, without any from
        where following began.

        Short gaps that are left inside them are made good beside the feed. One whose file cannot be read is left out
        until it can.
        """
        for key in list(keys):
            if not await self._has_begun(key):
                self._notice(
                    Level.ERROR, f"{key}: its file cannot be read, so it is followed once that is mended."
                )
                self._do_beside(self._begin_later(key))

    async def _begin_later(self, key: DatasetKey) -> None:
        sequence = self._sequences.get(key)
        while sequence is not None and self._sequences.get(key) is sequence:
            await self._clock.sleep(_READ_AGAIN_S)
            if await self._has_begun(key):
                self._notice(
                    Level.INFO, f"{key}: its file can be read again; it is followed from its last bar."
                )
                return

    async def _has_begun(self, key: DatasetKey) -> bool:
        """Begin a followed dataset; False where it cannot be read."""
        try:
            last_ms = await self._last_stored(key)
        except TradebotError:
            return False
        sequence = self._sequences.get(key)
        if sequence is not None and sequence.next_ms is None:
            if last_ms is not None:
                sequence.begin(last_ms + key.timeframe.ms)
                self._do_beside(self._filler.look_at_gaps(key))
            else:
                # Of the history there is nothing: what has closed while it was asked for is not missed.
                sequence.begin(sequence.followed_from_ms)
            self._offered(key)
        return True

    async def _last_stored(self, key: DatasetKey) -> int | None:
        info = await self.thread.call(lambda: self._store.info(key))
        return info.last_ms if info is not None else None

    def _do_beside(self, work: Awaitable[None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except TradebotError as error:
                self._notice(Level.ERROR, error.sentence)

        task = asyncio.create_task(guarded())
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    @property
    def waiting_bars(self) -> int:
        """Closed bars that are on their way into the store."""
        return self._writer.waiting

    def status(self) -> FeedStatus:
        """Figures for a display."""
        now = self._exchange.now_ms()
        closed = self._closed_before_all(now)
        sequences = self._sequences.values()
        return FeedStatus(
            tuple(self._pool.status()),
            len(sequences),
            self._writer.stored,
            self._filler.bars,
            sum((one.next_ms or now) < closed[one.key.timeframe] for one in sequences),
            self._filler.under_way,
            self._filler.holes,
            self._differing + sum(one.differing for one in sequences),
            self._unsound,
            tuple(self._ended),
        )

    # ------------------------------------------------------------------------------------------ stream

    def on_update(self, update: Update) -> None:
        """A bar, a quote or a trade."""
        if isinstance(update, TickerUpdate):
            self.quotes.apply(update)
        elif isinstance(update, KlineUpdate):
            if update.closed:
                self._hear_closed(update)
        elif self.trades.apply(update):
            for listener in self._trade_listeners:
                listener(update)

    def _hear_closed(self, update: KlineUpdate) -> None:
        key = DatasetKey.of(self.category, update.symbol, update.timeframe)
        sequence = self._sequences.get(key)
        if sequence is None:
            return
        if not is_sound(update.row):
            self._unsound += 1
            return
        self._filler.note_differing(key, sequence.offer([update.row]))
        self._offered(key)

    def on_subscribed(self, topics: frozenset[str]) -> None:
        """From here on these topics are heard."""
        self._subscribed |= topics
        self._refused -= topics
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
        if topic in self._by_topic:
            self._listing.doubt(self._by_topic[topic].symbol)

    def _all_heard(self) -> bool:
        return all(topic in self._subscribed or topic in self._refused for topic in self._by_topic)

    # ------------------------------------------------------------------------------------------ by the clock

    def _offered(self, key: DatasetKey) -> None:
        """Something was offered: store what follows on, ask for what is missing in between."""
        self._moved.add(key)
        self._writer.wake()
        sequence = self._sequences.get(key)
        if sequence is not None:
            now = self._exchange.now_ms()
            self._filler.start(sequence, self._closed_before(key.timeframe, now), now)

    def _closed_before(self, timeframe: Timeframe, now_ms: int) -> int:
        return timeframe.floor(now_ms - self._exchange.settle_ms - _CONFIRM_GRACE_MS)

    def _closed_before_all(self, now_ms: int) -> dict[Timeframe, int]:
        return {frame: self._closed_before(frame, now_ms) for frame in self._frames}

    async def _tick(self) -> None:
        """Bars that the stream did not confirm are found by the clock; so is a computer that slept."""
        while True:
            away_s = await self._time.sleep(_TICK_S)
            if away_s:
                self._pool.reconnect(
                    f"The computer slept or its clock was set ({away_s:.0f} s); connecting again."
                )
            now = self._exchange.now_ms()
            closed = self._closed_before_all(now)
            for sequence in list(self._sequences.values()):
                self._filler.start(sequence, closed[sequence.key.timeframe], now)

    # ------------------------------------------------------------------------------------------ end of a symbol

    def _end(self, symbol: str) -> bool:
        """The symbol is not listed any more: leave its datasets, each once its last bar has closed."""
        sequences = [sequence for key, sequence in self._sequences.items() if key.symbol == symbol]
        if symbol not in self._ended and sequences:
            self._ended[symbol] = None
            self.unwatch([symbol])
            self.unwatch_trades([symbol])
            last = max((one.last_ms or 0 for one in sequences), default=0)
            self._notice(
                Level.WARNING,
                f"{symbol} is not traded on the exchange any more; its {counted(len(sequences), 'dataset')} "
                f"end{f' at {iso_minute(last)} UTC' if last else ' here'}.",
            )
        over = [one.key for one in sequences if one.next_ms is not None and one.in_vain >= _ASKED_IN_VAIN]
        self.unfollow(over)
        return len(over) == len(sequences)

    # ------------------------------------------------------------------------------------------ storing

    async def _store_bars(self) -> None:
        await self._writer.run(self._gather)

    def _gather(self, but: Collection[DatasetKey]) -> Batch:
        """The closed bars that follow on; those of the datasets in `but` stay where they are."""
        batch = {key: rows for key, rows in self._left.items() if key not in but}
        self._left = {key: rows for key, rows in self._left.items() if key in but}
        for key in self._moved.difference(but):
            sequence = self._sequences.get(key)
            rows: list[BarRow] = sequence.take() if sequence is not None else []
            if rows:
                batch.setdefault(key, []).extend(rows)
        self._moved.intersection_update(but)
        return batch
