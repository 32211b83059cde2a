"""Higher timeframes built from finer bars."""

from __future__ import annotations

import numpy as np

from tradebot.engine.market import Candles, Int64, Timeframe


def can_build(target: Timeframe, source: Timeframe) -> bool:
    """Whether bars of `target` are made of whole bars of `source`, which must be finer."""
    aligned = target.grid_offset_ms % source.ms == source.grid_offset_ms % source.ms
    return source.ms < target.ms and target.ms % source.ms == 0 and aligned


def buckets(time: Int64, timeframe: Timeframe) -> Int64:
    """Open time of the bar of `timeframe` that each time falls into."""
    offset = timeframe.grid_offset_ms
    return (time - offset) // timeframe.ms * timeframe.ms + offset


def complete_span(first_ms: int, last_ms: int, source: Timeframe, target: Timeframe) -> tuple[int, int]:
    """Half-open range of `target` bars that source bars from `first_ms` to `last_ms` (open times) cover."""
    return target.ceil(first_ms), target.floor(last_ms + source.ms)


def resample(candles: Candles, timeframe: Timeframe) -> Candles:
    """Bars of a higher timeframe.

    Only complete, closed bars: those that begin at or after the first fine bar and end at or before the close of
    the last one. Where fine bars are missing inside, the bar is built from those that are there; a bar without any
    is missing. Open of the first, close of the last, highest high, lowest low, sums of volume and turnover.

    ValueError where `timeframe` is not a multiple of the candles' own.
    """
    if not can_build(timeframe, candles.timeframe):
        raise ValueError(f"{timeframe.value} bars cannot be built from {candles.timeframe.value} bars")
    if not len(candles):
        return Candles.empty(timeframe)
    start, end = complete_span(int(candles.time[0]), int(candles.time[-1]), candles.timeframe, timeframe)
    inside = candles.between(start, end)
    if not len(inside):
        return Candles.empty(timeframe)
    bucket = buckets(inside.time, timeframe)
    firsts = np.concatenate((np.zeros(1, np.intp), np.flatnonzero(bucket[1:] != bucket[:-1]) + 1))
    lasts = np.concatenate((firsts[1:], np.array([len(bucket)], np.intp))) - 1
    return Candles(
        timeframe,
        bucket[firsts],
        inside.open[firsts],
        np.maximum.reduceat(inside.high, firsts),
        np.minimum.reduceat(inside.low, firsts),
        inside.close[lasts],
        np.add.reduceat(inside.volume, firsts),
        np.add.reduceat(inside.turnover, firsts),
    )
