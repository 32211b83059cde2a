"""The market as a strategy reads it: bars by symbol and timeframe, funding, and what is visible at a bar's close.

A value is visible from the close of its bar until the next bar of that timeframe should have closed: never earlier, and
not where that next bar is missing. For the same timeframe this means equal close times; a 4h value stands at each
finer close of the four hours after it. A settled funding rate is visible from its settlement until the next one, for
at most a day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from tradebot.engine.control.errors import InputError
from tradebot.engine.market import DAY_MS, Candles, Float64, Int64, Timeframe

Place = tuple[str, Timeframe]
"""Where a node is computed: on the bars of this symbol and timeframe."""


@dataclass(frozen=True, slots=True, eq=False)
class FundingRates:
    """Settled funding in rising order of time (UTC ms); `rate` is the fraction that longs pay shorts."""

    time: Int64
    rate: Float64

    def __len__(self) -> int:
        return len(self.time)


NO_RATES = FundingRates(np.empty(0, np.int64), np.empty(0))


class MarketData(Protocol):
    """What a strategy may read while it decides for one symbol; everything is read when it is first asked for.

    Bars may reach further back than those of the strategy's own timeframe, and none is closed before it ends.
    """

    @property
    def symbol(self) -> str:
        """The symbol that is decided for."""

    def candles(self, symbol: str, timeframe: Timeframe) -> Candles:
        """Closed bars. InputError, with what to do, where there are none."""

    def funding(self, symbol: str) -> FundingRates:
        """Settled funding rates. InputError, with what to do, where there are none."""

    def data_hash(self, symbol: str, timeframe: Timeframe | None) -> str:
        """Names the content of these bars (of the funding for None): equal texts, equal columns."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldMarket:
    """A market that is in memory already: `bars` by (symbol, timeframe), `rates` by symbol."""

    symbol: str
    bars: Mapping[Place, Candles]
    rates: Mapping[str, FundingRates] = field(default_factory=dict)
    _hashes: dict[tuple[str, Timeframe | None], str] = field(default_factory=dict)

    def candles(self, symbol: str, timeframe: Timeframe) -> Candles:
        """The bars that were handed in. InputError where none were."""
        held = self.bars.get((symbol, timeframe))
        if held is None:
            given = ", ".join(f"{each.value} of {name}" if name else each.value for name, each in self.bars)
            raise InputError(
                f"The strategy reads {timeframe.value} bars{' of ' + symbol if symbol else ''}, but only these bars "
                f"were handed to it: {given}."
            )
        return held

    def funding(self, symbol: str) -> FundingRates:
        """The rates that were handed in. InputError where none were."""
        held = self.rates.get(symbol)
        if held is None:
            of = f" of {symbol}" if symbol else ""
            raise InputError(f"The strategy reads the funding{of}, but none was handed to it.")
        return held

    def data_hash(self, symbol: str, timeframe: Timeframe | None) -> str:
        """A hash of the columns' content, computed once."""
        key = (symbol, timeframe)
        if key not in self._hashes:
            self._hashes[key] = self._hash(symbol, timeframe)
        return self._hashes[key]

    def _hash(self, symbol: str, timeframe: Timeframe | None) -> str:
        columns: tuple[Float64 | Int64, ...]
        if timeframe is None:
            rates = self.funding(symbol)
            columns = (rates.time, rates.rate)
        else:
            bars = self.candles(symbol, timeframe)
            columns = (bars.time, bars.open, bars.high, bars.low, bars.close, bars.volume, bars.turnover)
        digest = hashlib.blake2b(digest_size=16)
        for column in columns:
            digest.update(np.ascontiguousarray(column).view(np.uint8).data)
        return digest.hexdigest()


def one_market(candles: Candles, symbol: str, timeframe: Timeframe) -> HeldMarket:
    """A market of nothing but these bars, which stand for `timeframe`."""
    return HeldMarket(symbol, {(symbol, timeframe): candles})


def visible(values: Float64, source: Candles, closes: Int64) -> Float64:
    """Values of `source`'s bars as they are visible at each close time (rising), NaN where none is.

    4h values 1, 2 that close at 04:00 and 08:00, read at 03:45, 04:00, 07:45, 08:00, 12:00: NaN, 1, 1, 2, NaN.
    """
    begins = source.close_time
    if len(begins) == len(closes) and np.array_equal(begins, closes):
        return values
    low = np.searchsorted(closes, begins)
    high = np.searchsorted(closes, begins + source.timeframe.ms)
    return _spread(values, low, high, len(closes))


def first_visible(position: int, source: Candles, closes: Int64) -> int:
    """The first close at which the value of `source`'s bar `position` is visible; their number where none is."""
    if position >= len(source):
        return len(closes)
    return int(np.searchsorted(closes, int(source.time[position]) + source.timeframe.ms))


def funding_at(rates: FundingRates, closes: Int64) -> Float64:
    """The last settled rate at each close time (rising); NaN before the first and more than a day after the last."""
    low = np.searchsorted(closes, rates.time)
    high = np.minimum(
        np.append(low[1:], len(closes)), np.searchsorted(closes, rates.time + DAY_MS, side="right")
    )
    return _spread(rates.rate, low, high, len(closes))


def _spread(
    values: Float64,
    low: np.ndarray[tuple[int], np.dtype[np.intp]],
    high: np.ndarray[tuple[int], np.dtype[np.intp]],
    size: int,
) -> Float64:
    """Value k at the positions [low[k], high[k]), which rise and do not overlap; NaN elsewhere."""
    result = np.full(size, np.nan)
    if len(values):
        edges = np.stack((low, high), axis=1).ravel()
        between = np.stack((values, np.full(len(values), np.nan)), axis=1).ravel()[:-1]
        result[edges[0] : edges[-1]] = np.repeat(between, np.diff(edges))
    return result
