"""The topic of running and closed bars."""

from __future__ import annotations

from typing import NamedTuple

from tradebot.engine.simulator.bars import Interval, minute_of
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.markets import Market
from tradebot.engine.simulator.topic import Subscriber, Topic
from tradebot.engine.simulator.wire import trimmed


class _Part(NamedTuple):
    """The closed minutes of an unfinished bar (ticks, lots, ticks times lots)."""

    open: int
    high: int
    low: int
    close: int
    volume: int
    turnover: int


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
        text = self._running_text(now_ms)
        if text:
            subscriber.send(text)

    def update(self, now_ms: int) -> None:
        """Send the running bar."""
        self.close_until(now_ms)
        text = self._running_text(now_ms)
        if text:
            self.broadcast(text)

    def close_until(self, now_ms: int) -> None:
        """Send every bar that has closed by now, each exactly once."""
        minute = minute_of(now_ms)
        end = minute_of(self.interval.open_ms(self._number + 1))
        while end <= minute:
            self._extend(end)
            # Where nothing was ever traded there is no bar to close.
            if self._part is not None:
                self.broadcast(self._text(self._part, True, now_ms))
            self._number, self._part = self._number + 1, None
            end = minute_of(self.interval.open_ms(self._number + 1))
        self._extend(minute)

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
        """The running bar as a message; empty where nothing is traded now."""
        minute = self._market.tape.running(self.coin.symbol, now_ms)
        if minute is None:
            return ""
        running = _Part(*minute[1:])
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
