"""The store as a chart reads it: bars far enough before the window that indicators have settled in it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tradebot.engine.backtest.inputs.store_market import file_key
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Candles, Category, DatasetKey, Timeframe
from tradebot.engine.store import Store
from tradebot.engine.store.resample import can_build
from tradebot.engine.strategy.market_data import FundingRates, Place

__all__ = ["WHOLE_HISTORY_BARS", "ChartMarket", "StoredBars", "bars_behind"]

WHOLE_HISTORY_BARS = 700_000
"""Up to here values that depend on where the history starts are computed on all of it, as in a backtest."""
# Wilder's average of length n forgets all but 2e-9 of what stood before 20 n bars.
_SETTLED = 20
_LEAST_BEFORE = 500


class StoredBars:
    """All bars of a category as one answer sees them: each timeframe is looked for once, whatever reads it."""

    def __init__(self, store: Store, category: Category) -> None:
        self._store = store
        self._category = category
        self._read: dict[Place, tuple[Candles, str]] = {}

    def get(self, symbol: str, timeframe: Timeframe) -> tuple[Candles, str]:
        """The bars, and where they come from. InputError, with what there is, where there are none."""
        place = (symbol, timeframe)
        if place not in self._read:
            self._read[place] = self._store.load_or_build(self._category, symbol, timeframe)
        return self._read[place]


class ChartMarket:
    """What indicators on a chart may read of one symbol and others; made for one window.

    `look_backs` are the bars that nodes need before their first value, by place; places that are not named need none.
    """

    def __init__(
        self,
        store: Store,
        category: Category,
        stored: StoredBars,
        symbol: str,
        span: tuple[int, int],
        look_backs: Mapping[Place, int] | None = None,
        whole: bool = False,
    ) -> None:
        self._store = store
        self._category = category
        self._symbol = symbol
        self._span = span
        self._look_backs = dict(look_backs or {})
        self._whole = whole
        self._stored = stored
        self._cut: dict[Place, Candles] = {}

    @property
    def symbol(self) -> str:
        """The symbol of the chart."""
        return self._symbol

    def candles(self, symbol: str, timeframe: Timeframe) -> Candles:
        """The bars up to the window's end, from as far before it as indicators need, or all of them."""
        place = (symbol, timeframe)
        if place not in self._cut:
            bars, _ = self._stored.get(symbol, timeframe)
            if not self._whole or len(bars) > WHOLE_HISTORY_BARS:
                before = _LEAST_BEFORE + _SETTLED * self._look_backs.get(place, 0)
                low = int(np.searchsorted(bars.time, self._span[0] - timeframe.ms))
                high = int(np.searchsorted(bars.time, self._span[1]))
                bars = bars.slice(max(0, low - before), high)
            self._cut[place] = bars
        return self._cut[place]

    def funding(self, symbol: str) -> FundingRates:
        """The settled rates that are stored. InputError where there are none."""
        stored = self._store.funding(self._category, symbol)
        if not len(stored):
            raise InputError(f"No funding of {symbol} is stored; collecting its bars fetches it too.")
        return FundingRates(stored.time, stored.rate)

    def data_hash(self, symbol: str, timeframe: Timeframe | None) -> str:
        """Names the bars by their file, its state and which of them are read."""
        if timeframe is None:
            rates = self.funding(symbol)
            return f"funding {symbol} {len(rates)} {int(rates.time[-1])}"
        bars = self.candles(symbol, timeframe)
        key = file_key(self._category, symbol, self._stored.get(symbol, timeframe)[1], timeframe)
        first, last = (int(bars.time[0]), int(bars.time[-1])) if len(bars) else (0, 0)
        return f"{key} {self._store.stamps(key)} {timeframe.value} {first} {last} {len(bars)}"


def bars_behind(
    store: Store, category: Category, symbol: str, timeframe: Timeframe, start_ms: int
) -> Candles:
    """The finest stored bars inside the one bar of `timeframe` that opens at `start_ms`."""
    for finer in Timeframe:
        if not can_build(timeframe, finer):
            continue
        key = DatasetKey.of(category, symbol, finer)
        info = store.info(key)
        if info is not None and info.last_ms is not None and info.last_ms >= start_ms:
            return store.load(key, start_ms, start_ms + timeframe.ms)
    return Candles.empty(timeframe)
