"""The tape of the simulated exchange: every price of every symbol as a pure function of (seed, symbol, time)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradebot.engine.market import DAY_MS, MINUTE_MS, Int64, Timeframe
from tradebot.engine.simulator.bars import Bars, Interval, joined, minute_of
from tradebot.engine.simulator.days import (
    MARKET_DAILY,
    MINUTES,
    DriverDays,
    coin_days,
    driver_days,
    minute_draw,
)
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.noise import UInt64, key_of
from tradebot.engine.simulator.seconds import RunningMinutes, running_minutes
from tradebot.engine.simulator.walks import Walk, WalkSettings

# 2020-01-01, before the first listing.
_FIRST_DAY = 18_262
# Days generated in one go: large enough to hide numpy's overhead, small enough for the processor's cache.
_BATCH_DAYS = 16
_PAGED_DAYS = 4
# Spans up to this many days are kept, longer ones are generated and dropped.
_KEPT_SPAN_DAYS = 4
_MARKET = WalkSettings(daily=MARKET_DAILY, pull_days=240, bound=0.65, trend=0.16)


class _Driven(NamedTuple):
    coin: Coin
    key: int
    walks: tuple[Walk, Walk]


class RunningMinute(NamedTuple):
    """The unfinished minute of one symbol: its open time in ms; its values so far in ticks, lots, ticks times lots."""

    time: int
    open: int
    high: int
    low: int
    last: int
    volume: int
    turnover: int


class _KeptDay:
    """The minutes of one day in half the memory: prices fit into 32 bits, times follow from the day."""

    __slots__ = ("_prices", "_sums", "day")

    def __init__(self, day: int, bars: Bars) -> None:
        self.day = day
        self._prices = np.stack([bars.open, bars.high, bars.low, bars.close]).astype(np.int32)
        self._sums = np.stack([bars.volume, bars.turnover])

    def bars(self, low: int, high: int) -> Bars:
        """Minutes low..high-1 of the day."""
        begin = self.day * MINUTES
        time = np.arange(begin + low, begin + high, dtype=np.int64) * MINUTE_MS
        return Bars(time, *self._prices[:, low:high].astype(np.int64), *self._sums[:, low:high])


class PriceModel:
    """Prices of the listed coins; thread-safe. Two models with the same seed and coins agree in every tick."""

    def __init__(self, seed: int, coins: Sequence[Coin], kept_days: int = 1536) -> None:
        self.seed = seed
        self.coins = {coin.symbol: coin for coin in coins}
        self._kept_days = kept_days
        self._lock = threading.Lock()
        self._market = Walk(key_of(seed, "market"), _FIRST_DAY, _MARKET)
        self._market_days: OrderedDict[int, DriverDays] = OrderedDict()
        self._driven: dict[str, _Driven] = {}
        self._days: OrderedDict[tuple[str, int], _KeptDay] = OrderedDict()

    def bars(self, symbol: str, interval: Interval, first: int, last: int, now_ms: int) -> Bars:
        """Bars numbered first..last of an interval that have begun by `now_ms`, the running one included.

        Numbers before the listing or after now give nothing. Raises KeyError for an unknown symbol.
        """
        coin = self.coins[symbol]
        start = max(minute_of(interval.open_ms(first)), coin.launch_minute)
        now_minute = minute_of(now_ms)
        stop = min(minute_of(interval.open_ms(last + 1)), now_minute + 1)
        if start >= stop:
            return joined([])
        paging_until = now_minute // MINUTES - 1
        parts = self._closed(symbol, start, min(stop, now_minute), interval.whole_days, paging_until)
        if stop > now_minute:
            parts.append(self._running_row(symbol, now_ms))
        return interval.gather(joined(parts))

    def candles(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> Bars:
        """Whole bars with start_ms <= open time < end_ms, whatever the time is now."""
        interval = Interval(timeframe.interval)
        first, last = interval.number(timeframe.ceil(start_ms)), interval.number(timeframe.ceil(end_ms)) - 1
        return self.bars(symbol, interval, first, last, interval.open_ms(last + 1))

    def minutes(self, symbol: str, start: int, stop: int) -> Bars:
        """Whole minutes start..stop-1 (since 1970), not before the listing."""
        start = max(start, self.coins[symbol].launch_minute)
        return joined(self._closed(symbol, start, stop, False)) if start < stop else joined([])

    def running(self, symbol: str, now_ms: int) -> RunningMinute:
        """The minute that runs at `now_ms`, as a trade stream would have built it by now."""
        minute, course = self.courses([symbol], minute_of(now_ms))
        second = now_ms % MINUTE_MS // 1000
        return RunningMinute(
            minute_of(now_ms) * MINUTE_MS,
            int(minute.open[0]),
            *(
                int(values[0, second])
                for values in (course.high, course.low, course.last, course.volume, course.turnover)
            ),
        )

    def courses(self, symbols: Sequence[str], minute: int) -> tuple[Bars, RunningMinutes]:
        """One minute of several symbols: the bars it will end as, and its course second by second."""
        day, position = divmod(minute, MINUTES)
        rows = [self._day(symbol, day).bars(position, position + 1) for symbol in symbols]
        bars = joined(rows)
        draws: UInt64 = np.concatenate(
            [minute_draw(self._driver(symbol).key, np.array([minute], dtype=np.int64)) for symbol in symbols]
        )
        return bars, running_minutes(bars.open, bars.high, bars.low, bars.close, bars.volume, draws)

    def warm(self, symbols: Sequence[str], now_ms: int) -> None:
        """Generate the last 24 hours of these symbols, so that what asks next is quick."""
        minute = minute_of(now_ms)
        for symbol in symbols:
            first = max(minute - MINUTES, self.coins[symbol].launch_minute) // MINUTES
            with self._lock:
                missing = [
                    day for day in range(first, minute // MINUTES + 1) if (symbol, day) not in self._days
                ]
            if missing:
                self._make(symbol, missing[0], missing[-1])

    def market_mood(self, symbol: str, day: int) -> float:
        """Log change of the price over the three days before a midnight: what longs pay for in funding."""
        driven = self._driver(symbol)
        days = np.maximum(np.array([day - 3, day], dtype=np.int64), driven.walks[1].first_day)
        level = driven.coin.market_factor * driven.walks[0].level(days) + driven.walks[1].level(days)
        return float(level[1] - level[0])

    def _running_row(self, symbol: str, now_ms: int) -> Bars:
        running = self.running(symbol, now_ms)
        row = (running.time, running.open, running.high, running.low, running.last)
        return Bars(
            *(np.array([value], dtype=np.int64) for value in (*row, running.volume, running.turnover))
        )

    def _closed(
        self, symbol: str, start: int, stop: int, by_day: bool, paging_until: int | None = None
    ) -> list[Bars]:
        """Minutes start..stop-1 in order; whole days as one bar each where `by_day`."""
        if start >= stop:
            return []
        first, last = start // MINUTES, (stop - 1) // MINUTES
        parts = []
        if last - first < _KEPT_SPAN_DAYS:
            for day in range(first, last + 1):
                begin = day * MINUTES
                part = self._day(symbol, day, paging_until).bars(
                    max(start - begin, 0), min(stop - begin, MINUTES)
                )
                parts.append(_DAILY.gather(part) if by_day else part)
            return parts
        for day in range(first, last + 1, _BATCH_DAYS):
            begin = day * MINUTES
            batch = self._generate(symbol, day, min(day + _BATCH_DAYS - 1, last))
            part = batch.slice(max(start - begin, 0), min(stop - begin, len(batch)))
            parts.append(_DAILY.gather(part) if by_day else part)
        return parts

    def _day(self, symbol: str, day: int, paging_until: int | None = None) -> _KeptDay:
        """One day, kept. Where its neighbour was read before, a client pages through history: the next days are made
        with it, as several cost little more than one; not later ones than `paging_until`."""
        with self._lock:
            kept = self._days.get((symbol, day))
            if kept is not None:
                self._days.move_to_end((symbol, day))
                return kept
            backwards, forwards = (symbol, day + 1) in self._days, (symbol, day - 1) in self._days
        first = last = day
        if paging_until is not None and backwards:
            first = max(day - _PAGED_DAYS + 1, self.coins[symbol].launch_ms // DAY_MS)
        elif paging_until is not None and forwards:
            last = max(day, min(day + _PAGED_DAYS - 1, paging_until))
        return self._make(symbol, first, last)[day - first]

    def _make(self, symbol: str, first: int, last: int) -> list[_KeptDay]:
        """Generate days and keep them."""
        bars = self._generate(symbol, first, last)
        made = [
            _KeptDay(day, bars.slice(number * MINUTES, (number + 1) * MINUTES))
            for number, day in enumerate(range(first, last + 1))
        ]
        for kept in made:
            self._keep(symbol, kept)
        return made

    def _keep(self, symbol: str, kept: _KeptDay) -> None:
        with self._lock:
            self._days[symbol, kept.day] = kept
            while len(self._days) > self._kept_days:
                self._days.popitem(last=False)

    def _generate(self, symbol: str, first: int, last: int) -> Bars:
        driven = self._driver(symbol)
        days = np.arange(first, last + 1, dtype=np.int64)
        market = self._market_span(days)
        made = coin_days(driven.key, driven.coin, days, driven.walks, market)
        return Bars(
            made.time * MINUTE_MS, made.open, made.high, made.low, made.close, made.volume, made.turnover
        )

    def _market_span(self, days: Int64) -> DriverDays:
        with self._lock:
            kept = [self._market_days.get(day) for day in days.tolist()]
        found = [days for days in kept if days is not None]
        if len(found) < len(kept):
            made = driver_days(key_of(self.seed, "market"), self._market, days)
            # Half the precision is plenty for a path within one day, and every reader gets the same halves.
            paths, volatilities = made.path.astype(np.float32), made.volatility.astype(np.float32)
            found = [DriverDays(path, rest) for path, rest in zip(paths, volatilities, strict=True)]
            with self._lock:
                self._market_days.update(zip(days.tolist(), found, strict=True))
        return DriverDays(
            np.stack([days.path for days in found]).astype(np.float64),
            np.stack([days.volatility for days in found]).astype(np.float64),
        )

    def _driver(self, symbol: str) -> _Driven:
        driven = self._driven.get(symbol)
        if driven is None:
            coin = self.coins[symbol]
            share = coin.market_share
            daily = coin.market_factor * MARKET_DAILY * ((1.0 - share) / share) ** 0.5
            settings = WalkSettings(daily=daily, pull_days=240, bound=27 * daily, trend=0.16, own=0.6)
            key = key_of(self.seed, symbol)
            walk = Walk(key, coin.launch_ms // DAY_MS, settings, self._market, young_days=5.0)
            driven = self._driven.setdefault(symbol, _Driven(coin, key, (self._market, walk)))
        return driven


_DAILY = Interval("D")
