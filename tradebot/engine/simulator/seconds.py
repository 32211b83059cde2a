"""Inside a minute: which second touches which price, and how volume and turnover grow.

A minute is cut by three moments into four stretches. The price starts at the open, is at the first extreme at the
first cut, at the other extreme at the second, and at the close in second 59. Every lot of a stretch counts in the
turnover at the price of the moment that began the stretch: so the turnover of a whole minute is four products, is
exact, and what a running minute has shown never has to be taken back. The price moves only with a trade: each of the
four prices is traded at, and the trades of a minute (trades.py) make up its bar.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tradebot.engine.market import Int64
from tradebot.engine.simulator.noise import UInt64, bits, hashed

SECONDS = 60
# With fewer lots not each of the four stretches has one.
_LOTS_FOR_ALL = 4


@dataclass(frozen=True, slots=True)
class Stretches:
    """The four stretches of each minute, one row each: start second, price in ticks, lots."""

    start: Int64
    price: Int64
    lots: Int64

    def turnover(self) -> Int64:
        """Ticks times lots of each whole minute."""
        total: Int64 = (self.price * self.lots).sum(axis=0)
        return total


@dataclass(frozen=True, slots=True)
class RunningMinutes:
    """What each minute looks like at each of its seconds: arrays of shape (minutes, 60).

    `last`, `high`, `low` in ticks, `volume` in lots, `turnover` in ticks times lots, all since the minute began.
    """

    last: Int64
    high: Int64
    low: Int64
    volume: Int64
    turnover: Int64


def stretches(open_: Int64, high: Int64, low: Int64, close: Int64, lots: Int64, draw: UInt64) -> Stretches:
    """Cut minutes into stretches; every argument has one entry per minute, prices in ticks."""
    first_cut = 1 + (bits(draw, 0, 8) * 29 >> 8)
    second_cut = 30 + (bits(draw, 8, 8) * 29 >> 8)
    # Three minutes in four go against their direction first.
    usual = bits(draw, 16, 2) != 0
    # With few lots the way must be short: no extreme is passed that open and close are not beyond.
    usual |= (lots > 0) & (lots < _LOTS_FOR_ALL)
    low_first = (close >= open_) == usual
    price = np.stack([open_, np.where(low_first, low, high), np.where(low_first, high, low), close])
    last_second = np.full_like(first_cut, SECONDS - 1)
    start = np.stack([np.zeros_like(first_cut), first_cut, second_cut, last_second])
    weight = np.stack(
        [
            first_cut * (4 + bits(draw, 18, 4)),
            (second_cut - first_cut) * (4 + bits(draw, 22, 4)),
            (last_second - second_cut) * (4 + bits(draw, 26, 4)),
            4 + bits(draw, 30, 4),
        ]
    )
    parts = lots * weight // weight.sum(axis=0)
    parts[3] = lots - parts[0] - parts[1] - parts[2]
    _trade_at_each(parts, lots, weight, price)
    return Stretches(start, price, parts)


def _trade_at_each(parts: Int64, lots: Int64, weight: Int64, price: Int64) -> None:
    """Give every stretch at least one lot; where there are too few, the prices that only a trade can explain."""
    thin = np.flatnonzero((parts == 0).any(axis=0) & (lots >= _LOTS_FOR_ALL))
    if len(thin):
        some = weight[:, thin]
        parts[:, thin] = 1 + (lots[thin] - _LOTS_FOR_ALL) * some // some.sum(axis=0)
        parts[3, thin] = lots[thin] - parts[:3, thin].sum(axis=0)
    few = np.flatnonzero((lots > 0) & (lots < _LOTS_FOR_ALL))
    if len(few):
        # The close comes first, where its price is first reached; the open is the last close and needs no trade.
        spare = lots[few] - 1
        straight = price[2, few] == price[3, few]
        first = np.minimum(spare, price[1, few] != price[0, few])
        rest = spare - first
        second = np.where(straight, 1, np.minimum(rest, 1))
        parts[:, few] = np.stack([np.zeros_like(spare), first, second, lots[few] - first - second])


def running_minutes(
    open_: Int64, high: Int64, low: Int64, close: Int64, lots: Int64, draw: UInt64
) -> RunningMinutes:
    """The second-by-second course of minutes; second 59 is the finished minute."""
    cut = stretches(open_, high, low, close, lots, draw)
    rows = np.arange(len(open_))[:, None]
    second = np.arange(SECONDS)[None, :]
    stretch = sum((second >= cut.start[k][:, None]).astype(np.int64) for k in (1, 2, 3))
    begin = cut.start[stretch, rows]
    ends = np.concatenate([cut.start[1:], np.full((1, len(open_)), SECONDS)])
    end = ends[stretch, rows]
    price_from = cut.price[stretch, rows]
    price_to = np.concatenate([cut.price[1:], cut.price[3:]])[stretch, rows]
    noise = hashed(0, draw.view(np.int64)[:, None] + second)
    last = _path(begin, end, second, price_from, price_to, noise, high - low)
    last = np.clip(last, low[:, None], high[:, None])

    weight = np.cumsum(1 + bits(noise, 0, 3), axis=1)
    weight = np.concatenate([np.zeros((len(open_), 1), dtype=np.int64), weight], axis=1)
    done = weight[rows, second + 1] - weight[rows, begin]
    full = weight[rows, end] - weight[rows, begin]
    # Rounded up: a stretch begins with a trade.
    in_stretch = -(-cut.lots[stretch, rows] * done // full)
    none = np.zeros((1, len(open_)), dtype=np.int64)
    lots_before = np.concatenate([none, np.cumsum(cut.lots, axis=0)])
    turnover_before = np.concatenate([none, np.cumsum(cut.lots * cut.price, axis=0)])
    volume = lots_before[stretch, rows] + in_stretch
    moves = (np.diff(volume, axis=1, prepend=0) > 0) | (second == begin)
    last = np.take_along_axis(last, np.maximum.accumulate(np.where(moves, second, 0), axis=1), axis=1)
    return RunningMinutes(
        last=last,
        high=np.maximum.accumulate(last, axis=1),
        low=np.minimum.accumulate(last, axis=1),
        volume=volume,
        turnover=turnover_before[stretch, rows] + in_stretch * price_from,
    )


def to_turnover(course: RunningMinutes, turnover: Int64) -> RunningMinutes:
    """A course whose turnover ends at `turnover` (one entry a minute): the same share of it at every second."""
    whole = course.turnover[:, -1]
    if np.array_equal(whole, turnover):
        return course
    share = course.turnover / np.maximum(whole, 1)[:, None]
    value = np.floor(share * turnover[:, None]).astype(np.int64)
    value[:, -1] = turnover
    return replace(course, turnover=np.minimum(value, turnover[:, None]))


def _path(
    begin: Int64, end: Int64, second: Int64, price_from: Int64, price_to: Int64, noise: UInt64, span: Int64
) -> Int64:
    """A wandering way from each stretch's first price to the next one's; exact where a stretch begins."""
    share = (second - begin) / (end - begin)
    # Neighbouring seconds share part of their noise, so that the price wanders instead of trembling.
    fine = bits(noise, 8, 16) / 65536.0 - 0.5
    coarse = np.repeat(fine[:, ::5], 5, axis=1)
    swing = (1.2 * coarse + 0.5 * fine) * np.sqrt(share * (1.0 - share)) * span[:, None]
    path: Int64 = np.rint(price_from + (price_to - price_from) * share + swing).astype(np.int64)
    return path
