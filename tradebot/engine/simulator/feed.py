"""The heart beat of the public stream: sends each topic's updates at its rate and bars when they close."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tradebot.engine.control.clock import Clock
from tradebot.engine.market import DAY_MS, HOUR_MS, MINUTE_MS
from tradebot.engine.simulator.offload import Offload, in_thread
from tradebot.engine.simulator.topics import Market, Subscriber, Topic, make_topic

# In the last minutes of a day the next one is generated, a few symbols a beat, so that midnight costs nothing.
_PREPARE_MS = 10 * MINUTE_MS
_PREPARE_MOST_MS = 12 * HOUR_MS
_PREPARED_A_BEAT = 3
Key = tuple[str, str]
"""Category and name of a topic or symbol: the same name may be listed in several categories."""


@dataclass(frozen=True, slots=True)
class FeedPace:
    """Beats a second of the wire: closed bars are late by at most one beat, whatever the exchange's time does.

    `ticker_rate` and `kline_rate` are updates a second and topic.
    """

    beats: float = 20.0
    ticker_rate: float = 1.0
    kline_rate: float = 1.0


class Feed:
    """All topics that somebody listens to. `clock` is the exchange's time, `real_clock` paces the messages.

    Each beat looks at the exchange's time anew, so bars that closed since the last beat are all sent, in order and
    each once, however far the time has moved meanwhile.
    """

    def __init__(
        self,
        market: Market,
        clock: Clock,
        real_clock: Clock,
        pace: FeedPace | None = None,
        offload: Offload = in_thread,
    ) -> None:
        self._market = market
        self._clock = clock
        self._real_clock = real_clock
        self._pace = pace or FeedPace()
        self._offload = offload
        self._topics: dict[Key, Topic] = {}
        self._due: dict[tuple[int, int], dict[Key, Topic]] = {}
        self._minute = -1
        self._beat_number = 0
        self._beaten_ms = clock.now_ms()
        self._prepared: tuple[int, int] = (-1, 0)
        self._ends: dict[Key, int] = {}

    @property
    def names(self) -> tuple[Key, ...]:
        """Category and name of every topic that somebody listens to."""
        return tuple(self._topics)

    def knows(self, name: str, category: str = "linear") -> bool:
        """Whether a topic of this name can be listened to now."""
        return self._make(name, category) is not None

    def join(self, name: str, subscriber: Subscriber, category: str = "linear") -> None:
        """Send a topic to a connection from now on, beginning with a snapshot."""
        key = (category, name)
        topic = self._topics.get(key)
        if topic is None:
            topic = self._make(name, category)
            if topic is None:
                return
            self._topics[key] = topic
            self._beat_of(topic)[key] = topic
        topic.join(subscriber, self._clock.now_ms())

    def leave(self, names: Iterable[str], subscriber: Subscriber, category: str = "linear") -> None:
        """Stop sending topics to a connection."""
        for name in names:
            topic = self._topics.get((category, name))
            if topic is None:
                continue
            topic.subscribers.discard(subscriber)
            if not topic.subscribers:
                self._drop((category, name))

    def end_at(self, category: str, symbol: str, time_ms: int) -> None:
        """From that moment (UTC ms, a whole minute) on the symbol is no longer traded.

        Its last bars are sent, then its topics go quiet for ever.
        """
        self._ends[category, symbol] = time_ms

    async def warm(self, names: Iterable[str], category: str = "linear") -> None:
        """Generate what many new topics need without holding up the others."""
        symbols = sorted({(category, name.rpartition(".")[2]) for name in names} - set(self._symbols()))
        if len(symbols) > 3:
            now = self._clock.now_ms()
            await self._offload(lambda: self._market.warm(symbols, now))

    async def run(self) -> None:
        """Beat until cancelled."""
        due = self._real_clock.monotonic()
        while True:
            self.beat()
            due = max(due + 1 / self._pace.beats, self._real_clock.monotonic())
            await self._real_clock.sleep(due - self._real_clock.monotonic())

    def beat(self) -> None:
        """Send what is due: bars that have closed, then the updates of this beat."""
        now = self._clock.now_ms()
        self._beat_number += 1
        if now // MINUTE_MS != self._minute:
            self._minute = now // MINUTE_MS
            self._end_topics(now)
            for topic in list(self._topics.values()):
                topic.close_until(now)
            self._market.load(self._symbols(), now)
        for (period, beat), topics in self._due.items():
            if self._beat_number % period == beat:
                for topic in list(topics.values()):
                    topic.update(now)
        self._prepare_next_day(now)
        self._beaten_ms = now

    def _end_topics(self, now: int) -> None:
        due = {ended: time_ms for ended, time_ms in self._ends.items() if time_ms <= now}
        if not due:
            return
        for key, topic in list(self._topics.items()):
            end_ms = due.get((key[0], topic.symbol))
            if end_ms is not None:
                topic.close_until(end_ms)
                self._drop(key)
        for ended in due:
            del self._ends[ended]

    def _symbols(self) -> list[Key]:
        return sorted({(category, topic.symbol) for (category, _), topic in self._topics.items()})

    def _make(self, name: str, category: str) -> Topic | None:
        return make_topic(category, name, self._market, self._clock.now_ms())

    def _drop(self, key: Key) -> None:
        topic = self._topics.pop(key)
        del self._beat_of(topic)[key]

    def _beat_of(self, topic: Topic) -> dict[Key, Topic]:
        """The topics that share this one's beat; topics are spread over the period by their name."""
        rates = {"tickers": self._pace.ticker_rate, "kline": self._pace.kline_rate}
        period_s = 1 / rates[topic.kind] if topic.kind in rates else topic.period_s
        period = max(1, round(self._pace.beats * period_s))
        beat = sum(topic.name.encode()) % period
        return self._due.setdefault((period, beat), {})

    def _prepare_next_day(self, now: int) -> None:
        tomorrow = now // DAY_MS + 1
        if tomorrow * DAY_MS - now > _PREPARE_MOST_MS:
            return
        # Where time runs fast the beats of ten minutes would not be enough for all symbols.
        needed = 2 * (now - self._beaten_ms) * len(self._topics) // _PREPARED_A_BEAT
        if tomorrow * DAY_MS - now > max(_PREPARE_MS, needed):
            return
        day, done = self._prepared if self._prepared[0] == tomorrow else (tomorrow, 0)
        symbols = self._symbols()[done : done + _PREPARED_A_BEAT]
        self._market.warm(symbols, tomorrow * DAY_MS)
        self._prepared = (day, done + len(symbols))
