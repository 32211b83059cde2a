"""The heart beat of the public stream: sends each topic's updates at its rate and bars when they close."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from tradebot.engine.control.clock import Clock
from tradebot.engine.market import DAY_MS, MINUTE_MS
from tradebot.engine.simulator.bars import Interval
from tradebot.engine.simulator.topics import KlineTopic, Market, Subscriber, TickerTopic, Topic

# Beats a second: closed bars are late by at most one beat, and each topic has its own beat within its period.
_BEATS = 20
# In the last minutes of a day the next one is generated, a few symbols a beat, so that midnight costs nothing.
_PREPARE_MS = 10 * MINUTE_MS
_PREPARED_A_BEAT = 3


class Feed:
    """All topics that somebody listens to. `clock` is the exchange's time, `real_clock` paces the messages."""

    def __init__(self, market: Market, clock: Clock, real_clock: Clock, ticker_rate: float) -> None:
        self._market = market
        self._clock = clock
        self._real_clock = real_clock
        self._ticker_period = max(1, round(_BEATS / ticker_rate))
        self._topics: dict[str, Topic] = {}
        self._due: dict[tuple[int, int], dict[str, Topic]] = {}
        self._minute = -1
        self._beat_number = 0
        self._prepared: tuple[int, int] = (-1, 0)

    def knows(self, name: str) -> bool:
        """Whether a topic of this name can be listened to now."""
        return self._parse(name) is not None

    def join(self, name: str, subscriber: Subscriber) -> None:
        """Send a topic to a connection from now on, beginning with a snapshot."""
        topic = self._topics.get(name)
        if topic is None:
            topic = self._parse(name)
            if topic is None:
                return
            self._topics[name] = topic
            self._beat_of(topic)[name] = topic
        topic.join(subscriber, self._clock.now_ms())

    def leave(self, names: Iterable[str], subscriber: Subscriber) -> None:
        """Stop sending topics to a connection."""
        for name in names:
            topic = self._topics.get(name)
            if topic is None:
                continue
            topic.subscribers.discard(subscriber)
            if not topic.subscribers:
                del self._topics[name]
                del self._beat_of(topic)[name]

    async def warm(self, names: Iterable[str]) -> None:
        """Generate what many new topics need beside the loop."""
        symbols = sorted(
            {name.rpartition(".")[2] for name in names} - {t.coin.symbol for t in self._topics.values()}
        )
        if len(symbols) > 3:
            await asyncio.to_thread(self._market.model.warm, symbols, self._clock.now_ms())

    async def run(self) -> None:
        """Beat until cancelled."""
        due = self._real_clock.monotonic()
        while True:
            self.beat()
            due = max(due + 1 / _BEATS, self._real_clock.monotonic())
            await self._real_clock.sleep(due - self._real_clock.monotonic())

    def beat(self) -> None:
        """Send what is due: bars that have closed, then the updates of this beat."""
        now = self._clock.now_ms()
        self._beat_number += 1
        if now // MINUTE_MS != self._minute:
            self._minute = now // MINUTE_MS
            for topic in self._topics.values():
                if isinstance(topic, KlineTopic):
                    topic.close_until(now)
            self._market.tape.load(self._symbols(), now)
        for (period, beat), topics in self._due.items():
            if self._beat_number % period == beat:
                for topic in topics.values():
                    topic.update(now)
        self._prepare_next_day(now)

    def _symbols(self) -> list[str]:
        return sorted({topic.coin.symbol for topic in self._topics.values()})

    def _parse(self, name: str) -> Topic | None:
        kind, _, rest = name.partition(".")
        interval_name, _, symbol = rest.rpartition(".")
        now = self._clock.now_ms()
        coin = self._market.model.coins.get(symbol)
        if coin is None or now < coin.launch_ms:
            return None
        if kind == "tickers" and not interval_name:
            return TickerTopic(name, coin, self._market)
        if kind != "kline":
            return None
        try:
            interval = Interval(interval_name)
        except ValueError:
            return None
        return KlineTopic(name, coin, interval, self._market, now)

    def _beat_of(self, topic: Topic) -> dict[str, Topic]:
        """The topics that share this one's beat; topics are spread over the period by their name."""
        period = self._ticker_period if isinstance(topic, TickerTopic) else _BEATS
        beat = sum(topic.name.encode()) % period
        return self._due.setdefault((period, beat), {})

    def _prepare_next_day(self, now: int) -> None:
        tomorrow = now // DAY_MS + 1
        if tomorrow * DAY_MS - now > _PREPARE_MS:
            return
        day, done = self._prepared if self._prepared[0] == tomorrow else (tomorrow, 0)
        symbols = self._symbols()[done : done + _PREPARED_A_BEAT]
        self._market.model.warm(symbols, tomorrow * DAY_MS)
        self._prepared = (day, done + len(symbols))
