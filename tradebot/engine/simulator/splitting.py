"""Minutes inside of recorded bars: made up, but so that they add up to the recorded bar exactly."""

from __future__ import annotations

import numpy as np

from tradebot.engine.market import MINUTE_MS, Float64, Int64
from tradebot.engine.simulator.bars import Bars
from tradebot.engine.simulator.noise import UInt64, bits, hashed

# A bar with fewer lots for each of its minutes happens within one of them.
_LOTS_A_MINUTE = 8


def split(bars: Bars, parts: int, key: int) -> Bars:
    """`parts` minutes for each bar, in order; the key and the bar's time decide how.

    The first minute opens at the bar's open, the last one closes at its close, one touches its high and one its low,
    and volume and turnover add up to the bar's.
    """
    if parts == 1 or not len(bars):
        return bars
    minutes = bars.time[:, None] + MINUTE_MS * np.arange(parts)
    draws = hashed(key, minutes // MINUTE_MS)
    open_, close = _path(bars, parts, draws)
    high, low = np.maximum(open_, close), np.minimum(open_, close)
    rows = np.arange(len(bars))
    choice = draws[:, 0]
    high[rows, bits(choice, 16, 24) % parts] = bars.high
    low[rows, bits(choice, 40, 24) % parts] = bars.low
    volume = _shares(bars.volume, (1 + bits(draws, 0, 4)).astype(np.float64))
    calm = np.flatnonzero(bars.volume < _LOTS_A_MINUTE * parts)
    if len(calm):
        _happen_at_once(
            bars.slice_of(calm), calm, bits(choice[calm], 8, 24) % parts, (open_, high, low, close, volume)
        )
    turnover = _shares(bars.turnover, (volume.astype(np.float64) * (open_ + close)).astype(np.float64))
    return Bars(*(table.reshape(-1) for table in (minutes, open_, high, low, close, volume, turnover)))


def _path(bars: Bars, parts: int, draws: UInt64) -> tuple[Int64, Int64]:
    """Opens and closes of the minutes: a wandering way from open to close between low and high."""
    share = np.arange(1, parts + 1) / parts
    noise = bits(draws, 4, 12) / 4096.0 - 0.5
    swing = noise * np.sqrt(share * (1.0 - share)) * (bars.high - bars.low)[:, None]
    way = bars.open[:, None] + (bars.close - bars.open)[:, None] * share + swing
    close = np.clip(np.rint(way).astype(np.int64), bars.low[:, None], bars.high[:, None])
    close[:, -1] = bars.close
    return np.concatenate([bars.open[:, None], close[:, :-1]], axis=1), close


def _shares(totals: Int64, weights: Float64) -> Int64:
    """Each total in whole parts after the weights of its row; rows without any weight put it into the last part."""
    whole = np.cumsum(weights, axis=1)
    whole /= np.where(whole[:, -1:] > 0, whole[:, -1:], 1.0)
    reached = np.minimum(np.floor(whole * totals[:, None]).astype(np.int64), totals[:, None])
    reached[:, -1] = totals
    result: Int64 = np.diff(reached, axis=1, prepend=0)
    return result


def _happen_at_once(bars: Bars, rows: Int64, minute: Int64, tables: tuple[Int64, ...]) -> None:
    """Put everything that happens in these bars into one minute; before and after it nothing moves."""
    number = np.arange(tables[0].shape[1])[None, :]
    before, here = number < minute[:, None], number == minute[:, None]
    open_, high, low, close = (column[:, None] for column in (bars.open, bars.high, bars.low, bars.close))
    still = np.where(before, open_, close)
    for table, value in zip(tables, (open_, high, low, close, bars.volume[:, None]), strict=True):
        quiet = still if table is not tables[4] else np.zeros_like(still)
        table[rows] = np.where(here, value, quiet)
