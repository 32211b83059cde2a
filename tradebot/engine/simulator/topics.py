"""Topics of the public stream: what each of them sends, and when a bar is closed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from tradebot.engine.simulator.bars import Interval, minute_of
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.prices import PriceModel
from tradebot.engine.simulator.quotes import Fields, Quotes
from tradebot.engine.simulator.tape import LiveTape
from tradebot.engine.simulator.wire import trimmed


class Market(NamedTuple):
    """What every topic reads from."""

    model: PriceModel
    tape: LiveTape
    quotes: Quotes


class Subscriber(Protocol):
    """A connection, as topics see it."""

    def send(self, text: str) -> None:
        """Queue one text frame."""
        ...


class _Part(NamedTuple):
    """The closed minutes of an unfinished bar (ticks, lots, ticks times lots)."""

    open: int
    high: int
    low: int
    close: int
    volume: int
    turnover: int


class Topic:
    """One topic and who listens to it. `period_s` is the real time between two updates."""

    kind = ""
    period_s = 1.0

    def __init__(self, name: str, coin: Coin) -> None:
        self.name = name
        self.coin = coin
        self.subscribers: set[Subscriber] = set()

    @property
    def symbol(self) -> str:
        """The symbol it is about."""
        return self.coin.symbol

    def broadcast(self, text: str) -> None:
        """Send one frame to everybody who listens."""
        for subscriber in self.subscribers:
            subscriber.send(text)

    def join(self, subscriber: Subscriber, now_ms: int) -> None:
        """Begin to send to a connection, a snapshot first."""
        raise NotImplementedError

    def update(self, now_ms: int) -> None:
        """Send what the topic is now."""
        raise NotImplementedError

    def close_until(self, now_ms: int) -> None:
        """Send what has closed by now, where the topic knows such a thing."""


class KlineTopic(Topic):
    """`kline.{interval}.{symbol}`: the running bar, and each bar once more with `confirm` when it is closed."""

    kind = "kline"

    def __init__(self, name: str, coin: Coin, interval: Interval, market: Market, now_ms: int) -> None:
        super().__init__(name, coin)
        self.interval = interval
        self._market = market
        self._number = interval.number(now_ms)
        self._part: _Part | None = None
        self._part_end = minute_of(interval.open_ms(self._number))

    def join(self, subscriber: Subscriber, now_ms: int) -> None:
        """Begin to send to a connection, the running bar first."""
        self.close_until(now_ms)
        self.subscribers.add(subscriber)
        subscriber.send(self._running_text(now_ms))

    def update(self, now_ms: int) -> None:
        """Send the running bar."""
        self.close_until(now_ms)
        self.broadcast(self._running_text(now_ms))

    def close_until(self, now_ms: int) -> None:
        """Send every bar that has closed by now, each exactly once."""
        minute = minute_of(now_ms)
        for part in self._finished(minute):
            self.broadcast(self._text(part, True, now_ms))
            self._number += 1
            self._part = None
        self._extend(minute)

    def _finished(self, minute: int) -> Iterator[_Part]:
        end = minute_of(self.interval.open_ms(self._number + 1))
        while end <= minute:
            self._extend(end)
            if self._part is not None:
                yield self._part
            end = minute_of(self.interval.open_ms(self._number + 1))

    def _extend(self, minute: int) -> None:
        """Take the minutes up to this one into the running bar."""
        if minute <= self._part_end:
            return
        bars = self._market.model.minutes(self.coin.symbol, self._part_end, minute)
        self._part_end = minute
        if len(bars):
            more = _Part(
                int(bars.open[0]),
                int(bars.high.max()),
                int(bars.low.min()),
                int(bars.close[-1]),
                int(bars.volume.sum()),
                int(bars.turnover.sum()),
            )
            self._part = more if self._part is None else _merged(self._part, more)

    def _running_text(self, now_ms: int) -> str:
        running = _Part(*self._market.tape.running(self.coin.symbol, now_ms)[1:])
        whole = running if self._part is None else _merged(self._part, running)
        return self._text(whole, False, now_ms)

    def _text(self, bar: _Part, confirm: bool, now_ms: int) -> str:
        interval, coin = self.interval, self.coin
        places = coin.tick_decimals
        return (
            f'{{"topic":"{self.name}","data":[{{"start":{interval.open_ms(self._number)},'
            f'"end":{interval.open_ms(self._number + 1) - 1},"interval":"{interval.name}",'
            f'"open":"{trimmed(bar.open, places)}","close":"{trimmed(bar.close, places)}",'
            f'"high":"{trimmed(bar.high, places)}","low":"{trimmed(bar.low, places)}",'
            f'"volume":"{trimmed(bar.volume, coin.lot_decimals)}",'
            f'"turnover":"{trimmed(bar.turnover, coin.turnover_decimals)}",'
            f'"confirm":{"true" if confirm else "false"},"timestamp":{now_ms}}}],'
            f'"ts":{now_ms},"type":"snapshot"}}'
        )


def _merged(first: _Part, then: _Part) -> _Part:
    return _Part(
        first.open,
        max(first.high, then.high),
        min(first.low, then.low),
        then.close,
        first.volume + then.volume,
        first.turnover + then.turnover,
    )


class TickerTopic(Topic):
    """`tickers.{symbol}`: a snapshot for each listener first, then only the fields that changed."""

    kind = "tickers"

    def __init__(self, name: str, coin: Coin, market: Market) -> None:
        super().__init__(name, coin)
        self._market = market
        self._sent: Fields = {}
        self._sequence = 0

    def join(self, subscriber: Subscriber, now_ms: int) -> None:
        """Begin to send to a connection, the whole ticker first."""
        # The others get the difference up to now, so that the next one is right for all of them.
        self.update(now_ms)
        self.subscribers.add(subscriber)
        subscriber.send(self._text("snapshot", self._sent, now_ms))

    def update(self, now_ms: int) -> None:
        """Send the fields that changed since the last message."""
        fields = self._market.quotes.fields(self.coin, now_ms)
        changed = {name: text for name, text in fields.items() if self._sent.get(name) != text}
        self._sent = fields
        if changed and self.subscribers:
            self.broadcast(self._text("delta", {"symbol": self.coin.symbol, **changed}, now_ms))

    def _text(self, kind: str, fields: Fields, now_ms: int) -> str:
        self._sequence += 1
        data = json.dumps(fields, separators=(",", ":"))
        sequence = now_ms * 10 + self._sequence % 10
        return f'{{"topic":"{self.name}","type":"{kind}","data":{data},"cs":{sequence},"ts":{now_ms}}}'


def make_topic(category: str, name: str, market: Market, now_ms: int) -> Topic | None:
    """The topic of that name as it begins now; None where there is none."""
    kind, _, rest = name.partition(".")
    interval_name, _, symbol = rest.rpartition(".")
    coin = market.model.coins.get(symbol)
    if category != "linear" or coin is None or not coin.trades_at(now_ms):
        return None
    if kind == "tickers" and not interval_name:
        return TickerTopic(name, coin, market)
    if kind != "kline":
        return None
    try:
        interval = Interval(interval_name)
    except ValueError:
        return None
    return KlineTopic(name, coin, interval, market, now_ms)
