"""Recorded bars served as a market: the finest recorded timeframe is the tape that everything else is made of."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tradebot.engine.market import DAY_MS, MINUTE_MS, Float64, Int64, Timeframe
from tradebot.engine.simulator.bars import Bars, Interval, joined, minute_of
from tradebot.engine.simulator.days import minute_draw
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.model import PriceKind, RunningMinute
from tradebot.engine.simulator.noise import key_of
from tradebot.engine.simulator.recording import Recording
from tradebot.engine.simulator.seconds import RunningMinutes, running_minutes, to_turnover
from tradebot.engine.simulator.shadows import (
    premium_unit,
    seen_as,
    share_of,
    times_one_factor,
    usual_premium,
    wander,
)
from tradebot.engine.simulator.splitting import split

_KEPT_BARS = 4096
_BUSY_LOTS = 10**6


@dataclass(frozen=True, slots=True)
class RecordedSymbol:
    """What is recorded of one symbol: its tape, its mark prices where there are any, its settled funding rates."""

    coin: Coin
    tape: Recording
    mark: Recording | None
    funding: Mapping[int, float]


class RecordedFunding:
    """Funding as it was recorded; where nothing was, nothing is settled."""

    def __init__(self, rates: Mapping[str, Mapping[int, float]]) -> None:
        self._rates = rates
        self._times = {symbol: np.array(sorted(settled), dtype=np.int64) for symbol, settled in rates.items()}

    def next_settlement(self, coin: Coin, now_ms: int) -> int:
        """UTC ms of the first settlement after `now_ms`; after the last recorded one, by the symbol's interval."""
        times = self._times[coin.symbol]
        position = int(np.searchsorted(times, now_ms, side="right"))
        if position < len(times):
            return int(times[position])
        length = coin.funding_minutes * MINUTE_MS
        return (now_ms // length + 1) * length

    def settlements(self, coin: Coin, first_ms: int, last_ms: int) -> list[int]:
        """Recorded settlement times with first_ms <= time <= last_ms, newest first."""
        times = self._times[coin.symbol]
        found: list[int] = times[(times >= first_ms) & (times <= last_ms)].tolist()
        return found[::-1]

    def rate(self, coin: Coin, time_ms: int) -> float | None:
        """The recorded rate; None where there is none."""
        return self._rates[coin.symbol].get(time_ms)


class ReplayModel:
    """The recorded symbols of one category. Implements MarketModel; `seed` decides what happens inside of bars."""

    def __init__(self, seed: int, symbols: Sequence[RecordedSymbol], end_ms: int) -> None:
        self.seed = seed
        self.coins = {recorded.coin.symbol: recorded.coin for recorded in symbols}
        self.end_ms: int | None = end_ms
        self.funding = RecordedFunding({recorded.coin.symbol: recorded.funding for recorded in symbols})
        self._tapes = {
            recorded.coin.symbol: _Tape(recorded.tape, key_of(seed, recorded.coin.symbol, "tape"))
            for recorded in symbols
        }
        self._marks = {
            recorded.coin.symbol: _Tape(recorded.mark, key_of(seed, recorded.coin.symbol, "mark"), True)
            for recorded in symbols
            if recorded.mark is not None
        }

    def bars(
        self,
        symbol: str,
        interval: Interval,
        first: int,
        last: int,
        now_ms: int,
        kind: PriceKind = PriceKind.LAST,
    ) -> Bars:
        """Bars numbered first..last of an interval that have begun by `now_ms`, the running one included.

        Raises KeyError for an unknown symbol.
        """
        tape, shadowed = self._tape_of(symbol, kind)
        start, stop = interval.open_ms(first), min(interval.open_ms(last + 1), now_ms + 1)
        if start >= stop:
            return joined([])
        whole = not shadowed and tape.makes_up(interval)
        parts = tape.closed(start, stop, now_ms, whole)
        if stop > minute_of(now_ms) * MINUTE_MS:
            parts.append(self._running_row(symbol, tape, now_ms))
        bars = joined(parts)
        if shadowed:
            key = key_of(self.seed, symbol, "premium reach")
            bars = seen_as(kind, bars, lambda minutes: self._premium(symbol, minutes), key)
        return interval.gather(bars)

    def candles(
        self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int, kind: PriceKind = PriceKind.LAST
    ) -> Bars:
        """Whole bars with start_ms <= open time < end_ms, whatever the time is now."""
        interval = Interval(timeframe.interval)
        first, last = interval.number(timeframe.ceil(start_ms)), interval.number(timeframe.ceil(end_ms)) - 1
        return self.bars(symbol, interval, first, last, interval.open_ms(last + 1), kind)

    def numbers(self, symbol: str, interval: Interval, kind: PriceKind) -> Int64 | None:
        """Numbers of the bars that were recorded, rising."""
        return self._tape_of(symbol, kind)[0].numbers(interval)

    def minutes(self, symbol: str, start: int, stop: int) -> Bars:
        """Whole minutes start..stop-1 (since 1970) that were recorded."""
        if start >= stop:
            return joined([])
        stop_ms = stop * MINUTE_MS
        return joined(self._tapes[symbol].closed(start * MINUTE_MS, stop_ms, stop_ms, False))

    def traded(self, symbols: Sequence[str], minute: int) -> list[str]:
        """Those of the symbols that have a bar in this minute."""
        return [symbol for symbol in symbols if self._tapes[symbol].minute(minute) is not None]

    def courses(self, symbols: Sequence[str], minute: int) -> tuple[Bars, RunningMinutes]:
        """One minute of several symbols which have it: the bars it ends as, and its course second by second."""
        rows = [bar for bar in (self._tapes[symbol].minute(minute) for symbol in symbols) if bar is not None]
        bars = joined(rows)
        numbers = np.array([minute], dtype=np.int64)
        draws = np.concatenate([minute_draw(self._tapes[symbol].key, numbers) for symbol in symbols])
        course = running_minutes(bars.open, bars.high, bars.low, bars.close, bars.volume, draws)
        return bars, to_turnover(course, bars.turnover)

    def running(self, symbol: str, now_ms: int) -> RunningMinute | None:
        """The minute that runs at `now_ms`, as a trade stream would have built it by now; None in a hole."""
        if not self.traded([symbol], minute_of(now_ms)):
            return None
        bars, course = self.courses([symbol], minute_of(now_ms))
        second = now_ms % MINUTE_MS // 1000
        columns = (course.high, course.low, course.last, course.volume, course.turnover)
        return RunningMinute(
            minute_of(now_ms) * MINUTE_MS,
            int(bars.open[0]),
            *(int(values[0, second]) for values in columns),
        )

    def close_before(self, symbol: str, minute: int) -> int:
        """The last price in ticks before a minute; where there was none yet, the first one there will be."""
        return self._tapes[symbol].close_before(minute)

    def now_price(self, symbol: str, kind: PriceKind, last: int, minute: int) -> int:
        """Mark or index price (or premium) in a minute in which the last trade was at `last` ticks."""
        if kind is PriceKind.LAST:
            return last
        if kind is PriceKind.MARK and symbol in self._marks:
            bar = self._marks[symbol].minute(minute)
            scale = 10.0 ** (self.coins[symbol].tick_decimals - self.coins[symbol].mark_decimals)
            return last if bar is None else max(1, round(int(bar.open[0]) * scale))
        premium = float(self._premium(symbol, np.array([minute], dtype=np.int64))[0])
        if kind is PriceKind.PREMIUM:
            return premium_unit(premium)
        return times_one_factor(last, 1.0 - share_of(kind) * premium)

    def warm(self, symbols: Sequence[str], now_ms: int) -> None:
        """Everything is in memory already."""

    def _premium(self, symbol: str, minutes: Int64) -> Float64:
        return usual_premium(self.coins[symbol]) * wander(self._tapes[symbol].key, "premium", minutes)

    def _tape_of(self, symbol: str, kind: PriceKind) -> tuple[_Tape, bool]:
        """The tape that this kind of price is on, and whether it has to be made from the last price."""
        if kind is PriceKind.MARK and symbol in self._marks:
            return self._marks[symbol], False
        return self._tapes[symbol], kind is not PriceKind.LAST

    def _running_row(self, symbol: str, tape: _Tape, now_ms: int) -> Bars:
        """The running minute as a bar; of a recorded mark price only the open is known before it closes."""
        bar = tape.minute(minute_of(now_ms))
        if bar is None:
            return joined([])
        if tape is not self._tapes[symbol]:
            return Bars(bar.time, bar.open, bar.open, bar.open, bar.open, bar.volume * 0, bar.turnover * 0)
        running = self.running(symbol, now_ms)
        return (
            joined([]) if running is None else Bars(*(np.array([value], dtype=np.int64) for value in running))
        )


class _Tape:
    """The recorded bars of one price, and the minutes made up inside of them; a mark price has no volume."""

    def __init__(self, recording: Recording, key: int, only_prices: bool = False) -> None:
        self.key = key
        self._only_prices = only_prices
        self._recording = recording
        self._bars = recording.bars
        self._split: OrderedDict[int, Bars] = OrderedDict()
        self._numbers: dict[str, Int64] = {}

    def makes_up(self, interval: Interval) -> bool:
        """Whether every bar of the interval is made of whole recorded ones."""
        timeframe = self._recording.timeframe
        if timeframe is Timeframe.W1:
            return interval.name == timeframe.interval
        if interval.whole_days:
            return DAY_MS % timeframe.ms == 0
        return Timeframe.from_interval(interval.name).ms % timeframe.ms == 0

    def closed(self, start_ms: int, stop_ms: int, now_ms: int, whole: bool) -> list[Bars]:
        """What opens in start <= time < stop and is over by now: recorded bars where `whole`, minutes elsewhere."""
        length, time = self._recording.timeframe.ms, self._bars.time
        low = int(np.searchsorted(time, start_ms - length, side="right"))
        high = int(np.searchsorted(time, stop_ms))
        if not whole:
            return [self._minutes(low, high, start_ms, min(stop_ms, minute_of(now_ms) * MINUTE_MS))]
        done = min(high, int(np.searchsorted(time, now_ms - length, side="right")))
        parts = [self._bars.slice(low, done)]
        if done < high:
            parts.append(self._minutes(done, high, start_ms, min(stop_ms, minute_of(now_ms) * MINUTE_MS)))
        return parts

    def minute(self, minute: int) -> Bars | None:
        """One minute; None where nothing was recorded."""
        position = self._position(minute)
        if position is None:
            return None
        inside = self._inside(position)
        number = minute - int(inside.time[0]) // MINUTE_MS
        return inside.slice(number, number + 1)

    def close_before(self, minute: int) -> int:
        """The last price before a minute, or the first open."""
        moment = minute * MINUTE_MS
        position = int(np.searchsorted(self._bars.time, moment)) - 1
        if position < 0:
            return int(self._bars.open[0])
        if moment < self._bars.time[position] + self._recording.timeframe.ms:
            inside = self._inside(position)
            return int(inside.close[minute - int(inside.time[0]) // MINUTE_MS - 1])
        return int(self._bars.close[position])

    def numbers(self, interval: Interval) -> Int64:
        """Numbers of the interval's bars in which anything was recorded, rising."""
        known = self._numbers.get(interval.name)
        if known is None:
            times = self._bars.time
            if not self.makes_up(interval):
                times = (times[:, None] + MINUTE_MS * np.arange(self._recording.parts)).reshape(-1)
            known = self._numbers[interval.name] = np.unique(interval.numbers(times))
        return known

    def _minutes(self, low: int, high: int, start_ms: int, stop_ms: int) -> Bars:
        minutes = self._split_bars(self._bars.slice(low, high))
        begin, end = np.searchsorted(minutes.time, [start_ms, max(start_ms, stop_ms)])
        return minutes.slice(int(begin), int(end))

    def _position(self, minute: int) -> int | None:
        moment = minute * MINUTE_MS
        position = int(np.searchsorted(self._bars.time, moment, side="right")) - 1
        if position < 0 or moment >= self._bars.time[position] + self._recording.timeframe.ms:
            return None
        return position

    def _inside(self, position: int) -> Bars:
        known = self._split.get(position)
        if known is None:
            bar = self._bars.slice(position, position + 1)
            known = self._split[position] = self._split_bars(bar)
            while len(self._split) > _KEPT_BARS:
                self._split.popitem(last=False)
        return known

    def _split_bars(self, bars: Bars) -> Bars:
        if not self._only_prices:
            return split(bars, self._recording.parts, self.key)
        # With as much volume as this the price wanders through the whole bar.
        busy = replace(bars, volume=np.full_like(bars.time, _BUSY_LOTS))
        minutes = split(busy, self._recording.parts, self.key)
        none = np.zeros_like(minutes.time)
        return replace(minutes, volume=none, turnover=none)
