"""The data files that a run used: what was read of each, with the hash that tells whether it is still the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tradebot.engine.backtest.inputs.store_market import StoreMarket, file_key, funding_key
from tradebot.engine.market import Candles, Category, DatasetKey
from tradebot.engine.store import Store


@dataclass(frozen=True, slots=True)
class DataFile:
    """One data file that a run used. `note` says what was made of it; times are open times, UTC ms."""

    key: DatasetKey
    note: str
    rows: int
    first_ms: int
    last_ms: int
    missing_bars: int
    gaps: int
    content_hash: str


def bars_file(store: Store, key: DatasetKey, candles: Candles, note: str, with_hash: bool) -> DataFile:
    """The file of bars that was read, in whole or in part."""
    missing, gaps = missing_bars(candles)
    return DataFile(
        key=key,
        note=note,
        rows=len(candles),
        first_ms=int(candles.time[0]) if len(candles) else 0,
        last_ms=int(candles.time[-1]) if len(candles) else 0,
        missing_bars=missing,
        gaps=gaps,
        content_hash=store.content_hash(key) if with_hash else "",
    )


def read_beside(store: Store, category: Category, market: StoreMarket, with_hash: bool) -> list[DataFile]:
    """The files of other timeframes and symbols that the indicators read, and of funding read as a series."""
    files = [
        bars_file(store, file_key(category, symbol, note, timeframe), candles, note, with_hash)
        for (symbol, timeframe), (candles, note) in market.read.items()
        if (symbol, timeframe) != market.home
    ]
    for symbol, rates in market.funding_read.items():
        key = funding_key(category, symbol)
        content_hash = market.funding_hash(symbol) if with_hash else ""
        first, last = int(rates.time[0]), int(rates.time[-1])
        note = f"{key.file_name}, read as a series"
        files.append(DataFile(key, note, len(rates), first, last, 0, 0, content_hash))
    return files


def missing_bars(candles: Candles) -> tuple[int, int]:
    """(bars missing between the first and the last, in how many gaps)."""
    if len(candles) == 0:
        return 0, 0
    length = candles.timeframe.ms
    expected = (int(candles.time[-1]) - int(candles.time[0])) // length + 1
    if expected == len(candles):
        return 0, 0
    return expected - len(candles), int(np.count_nonzero(np.diff(candles.time) != length))
