"""The order book: how much stands at each price, as a pure function of (seed, symbol, side, price, time).

Every depth of the same book, the REST one and the best prices of a ticker see the same sizes. A price keeps its size
for a while of its own, then gets another; the best one changes all the time. Every fifth price is always empty, except
while it is the best one.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np

from tradebot.engine.market import Category, Float64
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.noise import UInt64, hashed

_EMPTY_ONE_IN = 5
# How long a price keeps its size: 0.4 s to 8.6 s.
_SHORTEST_MS, _SPREAD_BITS = 400, 13
_BEST_MS = 100
_MASK = 0xFFFFFFFFFFFFFFFF
# The same arithmetic gives the same size for one price and for many.
_Number = TypeVar("_Number", float, Float64)


class Book(NamedTuple):
    """Prices in ticks to sizes in lots: bids from the highest down, asks from the lowest up."""

    bids: dict[int, int]
    asks: dict[int, int]


def book(coin: Coin, key: int, best: tuple[int, int], depth: int, now_ms: int) -> Book:
    """The best `depth` prices of each side; `best` are the highest bid and the lowest ask in ticks."""
    return Book(_side(coin, key, best[0], -1, depth, now_ms), _side(coin, key, best[1], 1, depth, now_ms))


def best_lots(coin: Coin, key: int, price: int, direction: int, now_ms: int) -> int:
    """Size of a best price, quicker than the whole book. `direction` is -1 for bids and 1 for asks."""
    draw = _one_hashed(key, 2 * price + (direction > 0))
    size = _one_hashed(0, (draw >> 1) + now_ms // _BEST_MS)
    return max(1, int(_usual_lots(coin, float(price)) * _heavy_tail(float(size & 1023))))


def _side(coin: Coin, key: int, best: int, direction: int, depth: int, now_ms: int) -> dict[int, int]:
    steps = 1 if depth == 1 else depth + depth // 2 + 24
    prices = best + direction * np.arange(steps, dtype=np.int64)
    prices = prices[prices > 0]
    draw = hashed(key, 2 * prices + (direction > 0))
    stands = (draw >> np.uint64(40)) % np.uint64(_EMPTY_ONE_IN) != 0
    stands[:1] = True
    prices, draw = prices[stands][:depth], draw[stands][:depth]
    sizes = _usual_lots(coin, prices.astype(np.float64)) * _heavy_tail(_size_draw(draw, now_ms))
    lots = np.maximum(1, sizes.astype(np.int64))
    lots[0] = best_lots(coin, key, best, direction, now_ms)
    return dict(zip(prices.tolist(), lots.tolist(), strict=True))


def _size_draw(draw: UInt64, now_ms: int) -> Float64:
    phase = (draw >> np.uint64(13)) & np.uint64(0x3FFF)
    length = np.uint64(_SHORTEST_MS) + (draw & np.uint64((1 << _SPREAD_BITS) - 1))
    bucket = (phase + np.uint64(now_ms)) // length
    size = hashed(0, (draw >> np.uint64(1)) + bucket)
    return (size & np.uint64(1023)).astype(np.float64)


def _heavy_tail(draw: _Number) -> _Number:
    part = draw / 512.0
    return 0.05 + part * part * part


def _usual_lots(coin: Coin, price: _Number) -> _Number:
    """A few seconds' turnover in lots."""
    value = coin.turnover_day / 20_000
    if coin.category is Category.INVERSE:
        return value + 0.0 * price
    return value * 10.0 ** (coin.tick_decimals + coin.lot_decimals) / price


def _one_hashed(key: int, counter: int) -> int:
    """`hashed` of one counter, without numpy's overhead."""
    number = (counter * 0x9E3779B97F4A7C15 + key) & _MASK
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    number = (number ^ (number >> 27)) * 0x94D049BB133111EB & _MASK
    return number ^ (number >> 31)
