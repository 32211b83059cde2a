"""The trades inside each minute: they make up its bar exactly, and are the same whenever they are asked for.

The course of a minute (seconds.py) says at which price each second traded how many lots; a second's lots are split
into a few trades of the same moment. The first trade of a bar is its open, the last its close, the highest and lowest
its extremes, and together they are its volume; only a bar of less than four lots may open without a trade there.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import numpy as np

from tradebot.engine.market import MINUTE_MS, Category
from tradebot.engine.simulator.bars import minute_of
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.model import MarketModel
from tradebot.engine.simulator.noise import hashed, key_of
from tradebot.engine.simulator.seconds import SECONDS

_KEPT_MINUTES = 4096
# How far back the newest trades of a quiet coin are looked for.
_FURTHEST_MINUTES = 1440
# At most so many trades in one second of a coin that much is traded of, and of others.
_BUSY, _CALM = 9, 3
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


class TradeTape:
    """The trades of one category. For one thread."""

    def __init__(self, model: MarketModel) -> None:
        self._model = model
        self._kept: OrderedDict[tuple[str, int], list[Trade]] = OrderedDict()

    def between(self, symbol: str, after_ms: int, until_ms: int) -> list[Trade]:
        """Trades with after_ms < time <= until_ms, oldest first."""
        result: list[Trade] = []
        for minute in range(minute_of(after_ms), minute_of(until_ms) + 1):
            result += self.minute(symbol, minute)
        return [trade for trade in result if after_ms < trade.time_ms <= until_ms]

    def newest(self, symbol: str, number: int, now_ms: int) -> list[Trade]:
        """The last trades by now, at most `number` and of the last day, newest first."""
        minute = minute_of(now_ms)
        result = [trade for trade in reversed(self.minute(symbol, minute)) if trade.time_ms <= now_ms]
        for earlier in range(minute - 1, minute - _FURTHEST_MINUTES, -1):
            if len(result) >= number:
                break
            result += reversed(self.minute(symbol, earlier))
        return result[:number]

    def minute(self, symbol: str, minute: int) -> list[Trade]:
        """All trades of a whole minute, oldest first, whatever the time is now."""
        known = self._kept.get((symbol, minute))
        if known is None:
            known = self._kept[symbol, minute] = self._made(symbol, minute)
            while len(self._kept) > _KEPT_MINUTES:
                self._kept.popitem(last=False)
        return known

    def _made(self, symbol: str, minute: int) -> list[Trade]:
        coin = self._model.coins[symbol]
        if minute < coin.launch_minute or not self._model.traded([symbol], minute):
            return []
        if coin.delisted_ms is not None and minute * MINUTE_MS >= coin.delisted_ms:
            return []
        bars, course = self._model.courses([symbol], minute)
        lots = np.diff(course.volume[0], prepend=0).tolist()
        return _trades(coin, self._model.seed, minute, int(bars.open[0]), course.last[0].tolist(), lots)


def _trades(
    coin: Coin, seed: int, minute: int, open_: int, prices: list[int], lots: list[int]
) -> list[Trade]:
    key = key_of(seed, coin.category.value, coin.symbol, "trades")
    draws = hashed(key, np.arange(minute * SECONDS, (minute + 1) * SECONDS, dtype=np.int64)).tolist()
    most = _BUSY if coin.turnover_day > 1e8 else _CALM
    before, rising = open_, bool(draws[0] & 1)
    result: list[Trade] = []
    for second, (price, amount, draw) in enumerate(zip(prices, lots, draws, strict=True)):
        if amount == 0:
            continue
        moved = price != before
        if moved:
            rising = price > before
        before = price
        time_ms = minute * MINUTE_MS + second * 1000
        for number, part in enumerate(_split(amount, min(amount, 1 + (draw >> 8) % most), draw)):
            direction = ("" if moved and number == 0 else "Zero") + ("PlusTick" if rising else "MinusTick")
            sequence = (minute * SECONDS + second) * _SEQUENCES_A_SECOND + number
            # In a second without a move both sides take turns.
            buy = rising if moved else bool(draw >> (20 + number) & 1)
            result.append(Trade(time_ms, price, part, buy, direction, _id(coin, draw, sequence), sequence))
    return result


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
