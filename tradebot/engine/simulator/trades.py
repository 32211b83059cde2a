"""The trades inside each minute: they make up its bar exactly, and are the same whenever they are asked for.

The course of a minute (seconds.py) says at which price each second traded how many lots; a second's lots are split
into a few trades of the same moment. The first trade of a bar is its open, the last its close, the highest and lowest
its extremes, and together they are its volume; only a bar of less than four lots may open without a trade there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tradebot.engine.market import MINUTE_MS, Category
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.model import MarketModel
from tradebot.engine.simulator.noise import hashed, key_of
from tradebot.engine.simulator.seconds import SECONDS

_KEPT_MINUTES = 4096
# How far back the newest trades of a quiet coin are looked for.
_FURTHEST_SECONDS = 86_400
# At most so many trades in one second of a coin that much is traded of, and of others.
_BUSY, _CALM = 9, 3
_BUSY_TURNOVER = 1e8
_SEQUENCES_A_SECOND = 16


class Trade(NamedTuple):
    """One trade: UTC ms, ticks, lots, whether the taker bought, the tick direction's name, id and sequence."""

    time_ms: int
    price: int
    lots: int
    buy: bool
    direction: str
    id: str
    sequence: int


class Course(NamedTuple):
    """A minute second by second: its open, and at each second's end the last price and the volume so far."""

    open: int
    last: list[int]
    volume: list[int]


class _Seconds(NamedTuple):
    """What the trades of one minute are made of, by second."""

    course: Course
    rising: list[bool]
    draws: list[int]


class TradeTape:
    """The trades of one category. For one thread.

    `running` gives the course of a minute that somebody has computed already, or None.
    """

    def __init__(self, model: MarketModel, running: Callable[[str, int], Course | None]) -> None:
        self._model = model
        self._running = running
        self._kept: OrderedDict[tuple[str, int], _Seconds | None] = OrderedDict()

    def between(self, symbol: str, after_ms: int, until_ms: int) -> list[Trade]:
        """Trades with after_ms < time <= until_ms, oldest first."""
        result: list[Trade] = []
        for second in range(after_ms // 1000 + 1, until_ms // 1000 + 1):
            result += self._second(symbol, *divmod(second, SECONDS))
        return result

    def newest(self, symbol: str, number: int, now_ms: int) -> list[Trade]:
        """The last trades by now, at most `number` and of the last day, newest first."""
        result: list[Trade] = []
        newest = now_ms // 1000
        for second in range(newest, newest - _FURTHEST_SECONDS, -1):
            if len(result) >= number:
                break
            result += reversed(self._second(symbol, *divmod(second, SECONDS)))
        return result[:number]

    def minute(self, symbol: str, minute: int) -> list[Trade]:
        """All trades of a whole minute, oldest first, whatever the time is now."""
        return [trade for second in range(SECONDS) for trade in self._second(symbol, minute, second)]

    def _second(self, symbol: str, minute: int, second: int) -> list[Trade]:
        """The trades of one second: all of them at its beginning and at one price."""
        seconds = self._seconds(symbol, minute)
        if seconds is None:
            return []
        course, draw, rising = seconds.course, seconds.draws[second], seconds.rising[second]
        lots = course.volume[second] - (course.volume[second - 1] if second else 0)
        if lots == 0:
            return []
        coin, price = self._model.coins[symbol], course.last[second]
        moved = price != (course.last[second - 1] if second else course.open)
        most = _BUSY if coin.turnover_day > _BUSY_TURNOVER else _CALM
        time_ms = minute * MINUTE_MS + second * 1000
        first = (minute * SECONDS + second) * _SEQUENCES_A_SECOND
        result = []
        for number, part in enumerate(_split(lots, min(lots, 1 + (draw >> 8) % most), draw)):
            direction = ("" if moved and number == 0 else "Zero") + ("PlusTick" if rising else "MinusTick")
            # In a second without a move both sides take turns.
            buy = rising if moved else bool(draw >> (20 + number) & 1)
            sequence = first + number
            result.append(Trade(time_ms, price, part, buy, direction, _id(coin, draw, sequence), sequence))
        return result

    def _seconds(self, symbol: str, minute: int) -> _Seconds | None:
        if (symbol, minute) in self._kept:
            return self._kept[symbol, minute]
        made = self._kept[symbol, minute] = self._made(symbol, minute)
        while len(self._kept) > _KEPT_MINUTES:
            self._kept.popitem(last=False)
        return made

    def _made(self, symbol: str, minute: int) -> _Seconds | None:
        coin = self._model.coins[symbol]
        if minute < coin.launch_minute:
            return None
        course = self._running(symbol, minute)
        if course is None:
            if not self._model.traded([symbol], minute):
                return None
            bars, computed = self._model.courses([symbol], minute)
            course = Course(int(bars.open[0]), computed.last[0].tolist(), computed.volume[0].tolist())
        key = key_of(self._model.seed, coin.category.value, coin.symbol, "trades")
        draws = hashed(key, np.arange(minute * SECONDS, (minute + 1) * SECONDS, dtype=np.int64)).tolist()
        rising, before, rises = [], course.open, bool(draws[0] & 1)
        for price in course.last:
            rises = price > before if price != before else rises
            rising.append(rises)
            before = price
        return _Seconds(course, rising, draws)


def _split(lots: int, number: int, draw: int) -> list[int]:
    """Lots in so many parts of at least one each."""
    weights = [1 + (draw >> (32 + 3 * n) & 7) for n in range(number)]
    total, spare = sum(weights), lots - number
    parts = [1 + spare * weight // total for weight in weights]
    parts[-1] += lots - sum(parts)
    return parts


def _id(coin: Coin, draw: int, sequence: int) -> str:
    """Contracts name a trade by a UUID, spot by a number."""
    if coin.category is Category.SPOT:
        return f"22{draw % 10**6:06d}{sequence}"
    text = f"{draw:016x}{sequence * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF:016x}"
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-a{text[17:20]}-{text[20:]}"
