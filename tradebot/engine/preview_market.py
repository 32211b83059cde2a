"""How a preview reads stored bars: only as far back as it needs, and without reading whole files for a hash.

Columns of nodes are shared between runs by what names their data. A file that only grows keeps its name here, so that
a bar of the live feed every minute does not make every node be computed again.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from tradebot.engine.backtest.inputs.store_market import StoreMarket, file_key
from tradebot.engine.backtest.kernel.ledger import RunSettings
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.market import Candles, Category, DatasetKey, Timeframe
from tradebot.engine.store import Store
from tradebot.engine.store.built import Stamps
from tradebot.engine.strategy.node_cache import Columns, NodeCache

# A recursive average of length n forgets all but 0.7 % of what stood before 2.5 n bars.
_HISTORY_FACTOR = 5


@dataclass(frozen=True, slots=True)
class _Known:
    number: int
    stamps: Stamps
    rows: int
    checksums: tuple[int, ...]


class FileHistories:
    """Numbers for data files that change when rows that were there change, not when rows are appended. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known: dict[DatasetKey, _Known] = {}
        self._next = 0

    def number(self, key: DatasetKey, stamps: Stamps | None = None) -> int:
        """The number of a dataset's content. Where its files changed, its columns are compared by checksums (6 ms for
        a year of minutes)."""
        stamps = self._store.stamps(key) if stamps is None else stamps
        with self._lock:
            known = self._known.get(key)
        if known is not None and known.stamps == stamps:
            return known.number
        columns = _columns(self._store.load(key))
        rows = len(columns[0])
        grown = (
            known is not None and rows >= known.rows and _checksums(columns, 0, known.rows) == known.checksums
        )
        with self._lock:
            if not grown or known is None:
                self._next += 1
                now = _Known(self._next, stamps, rows, _checksums(columns, 0, rows))
            else:
                now = _Known(
                    known.number, stamps, rows, _checksums(columns, known.rows, rows, known.checksums)
                )
            self._known[key] = now
        return now.number


def _columns(candles: Candles) -> list[np.ndarray[Any, Any]]:
    values = (getattr(candles, each.name) for each in fields(candles))
    return [column for column in values if isinstance(column, np.ndarray)]


def _checksums(
    columns: list[np.ndarray[Any, Any]], start: int, end: int, before: tuple[int, ...] = ()
) -> tuple[int, ...]:
    """CRC-32 of each column's rows start..end-1, continued from those `before`."""
    seeds = before or (0,) * len(columns)
    return tuple(
        zlib.crc32(np.ascontiguousarray(column[start:end]).view(np.uint8).data, seed)
        for column, seed in zip(columns, seeds, strict=True)
    )


class PreviewMarket(StoreMarket):
    """The store as a preview reads it: `before_ms` bounds how far before the span the bars of a timeframe reach."""

    def __init__(
        self,
        store: Store,
        category: Category,
        symbol: str,
        timeframe: Timeframe,
        settings: RunSettings,
        histories: FileHistories,
        before_ms: Callable[[str, Timeframe], int],
    ) -> None:
        super().__init__(store, category, symbol, timeframe, settings)
        self._category_read = category
        self._start_ms = settings.start_ms
        self._histories = histories
        self._before_ms = before_ms
        self._cut: dict[tuple[str, Timeframe], Candles] = {}

    def candles(self, symbol: str, timeframe: Timeframe) -> Candles:
        """Bars of the span and as many before it as the indicators need. InputError where nothing covers the span."""
        place = symbol, timeframe
        if place not in self._cut:
            bars = super().candles(symbol, timeframe)
            if self._start_ms is not None:
                needed = _HISTORY_FACTOR * self._before_ms(symbol, timeframe) + timeframe.ms
                first = int(np.searchsorted(bars.time, self._start_ms - needed))
                bars = bars.slice(first, len(bars))
            self._cut[place] = bars
        return self._cut[place]

    def data_hash(self, symbol: str, timeframe: Timeframe | None) -> str:
        """The number of the file's history and which part of it is read; of funding, the hash of the rows."""
        if timeframe is None:
            return super().data_hash(symbol, timeframe)
        bars = self.candles(symbol, timeframe)
        key = file_key(self._category_read, symbol, self.read[symbol, timeframe][1], timeframe)
        first, last = (int(bars.time[0]), int(bars.time[-1])) if len(bars) else (0, 0)
        return f"{self._histories.number(key)} {key} {timeframe.value} {first} {last} {len(bars)}"


class DataLook:
    """What is stored, as one request sees it: every file is looked at once, however often it is asked about."""

    def __init__(self, store: Store, histories: FileHistories) -> None:
        self._store = store
        self._histories = histories
        self._files: dict[tuple[Category, str], tuple[tuple[DatasetKey, Stamps], ...]] = {}
        self._states: dict[tuple[Category, str], tuple[object, ...]] = {}

    def files(self, category: Category, symbol: str) -> tuple[tuple[DatasetKey, Stamps], ...]:
        """The files of bars and marks of a symbol, each with what changes whenever it does."""
        place = category, symbol
        if place not in self._files:
            keys = [
                DatasetKey.of(category, symbol, timeframe, mark)
                for timeframe in Timeframe
                for mark in (False, True)
            ]
            stamped = ((key, self._store.stamps(key)) for key in keys)
            self._files[place] = tuple((key, stamps) for key, stamps in stamped if any(stamps))
        return self._files[place]

    def state(self, category: Category, symbol: str) -> tuple[object, ...]:
        """Names what is stored of a symbol: equal values, equal rows in every file as far as they reach."""
        place = category, symbol
        if place not in self._states:
            files = [
                (key.name, self._histories.number(key, stamps))
                for key, stamps in self.files(category, symbol)
            ]
            rules = self._store.instruments().get((category, symbol))
            self._states[place] = symbol, *files, len(self._store.funding(category, symbol)), rules
        return self._states[place]


class WatchedNodes(NodeCache):
    """A shared cache as one run sees it: before each node it asks whether the run is still wanted, and counts."""

    def __init__(self, shared: NodeCache, cancel: CancelToken, counted: Callable[[], None]) -> None:
        super().__init__(0)
        self._shared = shared
        self._cancel = cancel
        self._counted = counted

    def get(self, key: str, compute: Callable[[], Columns]) -> Columns:
        """The columns of this key. Raises CancelledError where the run was cancelled."""
        self._cancel.check()
        columns = self._shared.get(key, compute)
        self._counted()
        return columns
