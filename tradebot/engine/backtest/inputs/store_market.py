"""The store as a strategy reads it: bars of any timeframe and symbol, funding, and what was read."""

from __future__ import annotations

import hashlib

import numpy as np

from tradebot.engine.backtest.kernel.ledger import RunSettings
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Candles, Category, DatasetKey, Timeframe
from tradebot.engine.store import Store
from tradebot.engine.strategy.market_data import FundingRates, Place

# Bars that may be missing in a row before the span without cutting off the history that warms the indicators up.
_MOST_MISSING_BARS = 10


class StoreMarket:
    """What a strategy reads while it decides for `symbol` on bars of `timeframe`, up to the end of the span.

    Each series of bars comes from its own file where that covers the span, else it is built from the finest that does.
    """

    def __init__(
        self, store: Store, category: Category, symbol: str, timeframe: Timeframe, settings: RunSettings
    ) -> None:
        self._store = store
        self._category = category
        self._symbol = symbol
        self._home: Place = (symbol, timeframe)
        self._settings = settings
        self.read: dict[Place, tuple[Candles, str]] = {}
        """The bars that were read, and the note that names their file."""
        self.funding_read: dict[str, FundingRates] = {}

    @property
    def symbol(self) -> str:
        """The symbol that is decided for."""
        return self._symbol

    @property
    def home(self) -> Place:
        """The symbol that is decided for, and the timeframe of the bars that are decided on."""
        return self._home

    def candles(self, symbol: str, timeframe: Timeframe) -> Candles:
        """Bars of the span and those before it, up to a hole. InputError where nothing covers the span."""
        place = (symbol, timeframe)
        if place not in self.read:
            try:
                self.read[place] = self._load(symbol, timeframe)
            except InputError as error:
                if place == self._home:
                    raise
                raise InputError(
                    f"The strategy reads {timeframe.value} bars of {symbol}. {error.sentence} "
                    f"Collect them with: {self._command(symbol)} --timeframes {timeframe.value}"
                ) from None
        return self.read[place][0]

    def _load(self, symbol: str, timeframe: Timeframe) -> tuple[Candles, str]:
        start, end = self._settings.start_ms, self._settings.end_ms
        span = self._store.load_or_build(self._category, symbol, timeframe, start, end)
        if start is None:
            return span
        whole = self._store.load_or_build(self._category, symbol, timeframe, None, end)
        return (after_the_last_hole(whole[0], start), whole[1]) if whole[1] == span[1] else span

    def funding(self, symbol: str) -> FundingRates:
        """The settled rates that are stored. InputError where there are none."""
        if symbol not in self.funding_read:
            stored = self._store.funding(self._category, symbol)
            if not len(stored):
                raise InputError(
                    f"The strategy reads the funding of {symbol}, but none is stored in {self._store.folder}. "
                    f"Collect it with: {self._command(symbol)}"
                )
            self.funding_read[symbol] = FundingRates(stored.time, stored.rate)
        return self.funding_read[symbol]

    def funding_hash(self, symbol: str) -> str:
        """SHA-256 of the times and rates that were read."""
        rates = self.funding(symbol)
        return hashlib.sha256(rates.time.tobytes() + rates.rate.tobytes()).hexdigest()

    def _command(self, symbol: str) -> str:
        category = "" if self._category is Category.LINEAR else f" --category {self._category.value}"
        return f"tradebot collect --symbols {symbol}{category}"

    def data_hash(self, symbol: str, timeframe: Timeframe | None) -> str:
        """The hash of the file that bars (for None: funding) were read from, and which part of it was."""
        if timeframe is None:
            return self.funding_hash(symbol)
        candles = self.candles(symbol, timeframe)
        key = file_key(self._category, symbol, self.read[symbol, timeframe][1], timeframe)
        first, last = (int(candles.time[0]), int(candles.time[-1])) if len(candles) else (0, 0)
        return f"{self._store.content_hash(key)} {key.name} {timeframe.value} {first} {last} {len(candles)}"


def after_the_last_hole(candles: Candles, start_ms: int) -> Candles:
    """Without what stands before a hole in the history: an average over a hole of months is of no price there was."""
    low = int(np.searchsorted(candles.time, start_ms))
    holes = np.flatnonzero(np.diff(candles.time[: low + 1]) > (_MOST_MISSING_BARS + 1) * candles.timeframe.ms)
    return candles.slice(int(holes[-1]) + 1, len(candles)) if len(holes) else candles


def file_key(category: Category, symbol: str, note: str, wanted: Timeframe) -> DatasetKey:
    """The file that a note of `Store.load_or_build` names first."""
    name = note.split(",")[0].removesuffix(".csv").rpartition("_")[2]
    return DatasetKey.of(category, symbol, Timeframe(name) if name in Timeframe.names() else wanted)


def funding_key(category: Category, symbol: str) -> DatasetKey:
    """The name of a symbol's file of funding among the datasets: `linear/BTCUSDT_funding`."""
    return DatasetKey(category.value, symbol, "funding")
