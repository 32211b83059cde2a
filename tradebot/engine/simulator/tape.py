"""The running minute of many symbols at once, and their last 24 hours: what tickers and the stream are built on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradebot.engine.market import MINUTE_MS
from tradebot.engine.simulator.bars import minute_of
from tradebot.engine.simulator.model import MarketModel, RunningMinute
from tradebot.engine.simulator.trades import Course, TradeTape

_DAY_MINUTES = 1440
_HOUR_MINUTES = 60


class ClosedDay(NamedTuple):
    """The closed minutes of the rolling 24 hours that end with the running minute (ticks, lots, ticks times lots)."""

    open_24h: int
    open_1h: int
    high: int
    low: int
    volume: int
    turnover: int


class _Course(NamedTuple):
    open: int
    high: list[int]
    low: list[int]
    last: list[int]
    volume: list[int]
    turnover: list[int]


class LiveTape:
    """Keeps one minute of each symbol that is asked for; the next minute replaces it. For one thread."""

    def __init__(self, model: MarketModel) -> None:
        self._model = model
        self._minute = -1
        self._courses: dict[str, _Course] = {}
        self._days: dict[str, ClosedDay] = {}
        self._untraded: dict[str, int] = {}
        self.trades = TradeTape(model, self._course)

    def load(self, symbols: Sequence[str], now_ms: int) -> None:
        """Make the running minute of these symbols ready in one go; quicker than one by one."""
        self._turn(minute_of(self._still(now_ms)))
        missing = [
            symbol for symbol in symbols if symbol not in self._courses and symbol not in self._untraded
        ]
        traded = self._model.traded(missing, self._minute) if missing else []
        if len(traded) < len(missing):
            for symbol in set(missing) - set(traded):
                self._untraded[symbol] = self._model.close_before(symbol, self._minute)
        if not traded:
            return
        bars, course = self._model.courses(traded, self._minute)
        tables = [
            values.tolist()
            for values in (course.high, course.low, course.last, course.volume, course.turnover)
        ]
        for symbol, open_, *rows in zip(traded, bars.open.tolist(), *tables, strict=True):
            self._courses[symbol] = _Course(open_, *rows)

    def running(self, symbol: str, now_ms: int) -> RunningMinute | None:
        """The minute that runs at `now_ms`, as it is by then; all of one second see the same.

        None where the exchange has no bar of this minute: in a hole of a recording and after its end.
        """
        if self._model.end_ms is not None and now_ms >= self._model.end_ms:
            return None
        return self._running(symbol, now_ms)

    def _running(self, symbol: str, now_ms: int) -> RunningMinute | None:
        self.load([symbol], now_ms)
        course = self._courses.get(symbol)
        if course is None:
            return None
        second = now_ms % MINUTE_MS // 1000
        return RunningMinute(
            self._minute * MINUTE_MS,
            course.open,
            course.high[second],
            course.low[second],
            course.last[second],
            course.volume[second],
            course.turnover[second],
        )

    def standing(self, symbol: str, now_ms: int) -> RunningMinute:
        """The running minute, or one without trades at the last price where there is none.

        After the end of a recording it is the last one for ever.
        """
        running = self._running(symbol, self._still(now_ms))
        if running is not None:
            return running
        price = self._untraded[symbol]
        return RunningMinute(self._minute * MINUTE_MS, price, price, price, price, 0, 0)

    def price_before(self, symbol: str, now_ms: int) -> int:
        """Price in ticks one second earlier, the minute's open in its first second."""
        now_ms = self._still(now_ms)
        self.load([symbol], now_ms)
        course = self._courses.get(symbol)
        if course is None:
            return self._untraded[symbol]
        second = now_ms % MINUTE_MS // 1000
        return course.last[second - 1] if second else course.open

    def closed_day(self, symbol: str, now_ms: int) -> ClosedDay | None:
        """The closed minutes of the rolling 24 hours; None where there are none."""
        self._turn(minute_of(self._still(now_ms)))
        day = self._days.get(symbol)
        if day is None:
            bars = self._model.minutes(symbol, self._minute - _DAY_MINUTES + 1, self._minute)
            if not len(bars):
                return None
            hour = int(np.searchsorted(bars.time, (self._minute - _HOUR_MINUTES + 1) * MINUTE_MS))
            day = ClosedDay(
                int(bars.open[0]),
                int(bars.open[hour] if hour < len(bars) else bars.close[-1]),
                int(bars.high.max()),
                int(bars.low.min()),
                int(bars.volume.sum()),
                int(bars.turnover.sum()),
            )
            self._days[symbol] = day
        return day

    def _course(self, symbol: str, minute: int) -> Course | None:
        """The course of the running minute where it is loaded."""
        known = self._courses.get(symbol) if minute == self._minute else None
        return None if known is None else Course(known.open, known.last, known.volume)

    def _still(self, now_ms: int) -> int:
        """The moment, or the last one of a recording where it is over."""
        end_ms = self._model.end_ms
        return now_ms if end_ms is None else min(now_ms, end_ms - 1)

    def _turn(self, minute: int) -> None:
        if minute != self._minute:
            self._minute = minute
            self._courses.clear()
            self._days.clear()
            self._untraded.clear()
