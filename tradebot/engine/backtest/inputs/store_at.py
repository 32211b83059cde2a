"""The store as it stood at one moment: what a strategy could have read then, and nothing that came later."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np

from tradebot.engine.market import Candles, Category, DatasetKey, Timeframe
from tradebot.engine.store import Store
from tradebot.engine.store.funding import Funding

_Bars = tuple[Candles, str]


@dataclass(frozen=True, slots=True)
class _Memory:
    """What was read of the store once, so that many moments cost no more reading."""

    bars: dict[tuple[object, ...], _Bars] = field(default_factory=dict)
    funding: dict[tuple[Category, str], Funding] = field(default_factory=dict)


class StoreAt:
    """A store from which only bars that open at or after `start_ms` and have closed by `end_ms` can be read, and only
    funding settled by then (None: no bound).

    It has what `StoreMarket` reads. Made from another one it shares what that has read.
    """

    def __init__(
        self, store: Store, start_ms: int | None, end_ms: int | None, like: StoreAt | None = None
    ) -> None:
        self._store = store
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._memory: _Memory = _Memory() if like is None else like._memory

    @property
    def folder(self) -> Path:
        """The folder of the data."""
        return self._store.folder

    def as_store(self) -> Store:
        """This view where a store is expected for reading."""
        return cast(Store, self)

    def between(self, start_ms: int | None, end_ms: int | None) -> StoreAt:
        """The same store with other bounds."""
        return StoreAt(self._store, start_ms, end_ms, self)

    def load_or_build(
        self,
        category: Category,
        symbol: str,
        timeframe: Timeframe,
        start_ms: int | None = None,
        end_ms: int | None = None,
        mark: bool = False,
    ) -> _Bars:
        """As of a store. The file is chosen by all that is held, so that every moment reads the same one."""
        key = (category, symbol, timeframe, start_ms, end_ms, mark)
        if key not in self._memory.bars:
            self._memory.bars[key] = self._store.load_or_build(
                category, symbol, timeframe, start_ms, end_ms, mark
            )
        candles, note = self._memory.bars[key]
        return self._clipped(candles), note

    def load(self, key: DatasetKey, start_ms: int | None = None, end_ms: int | None = None) -> Candles:
        """As of a store."""
        known = (key, start_ms, end_ms)
        if known not in self._memory.bars:
            self._memory.bars[known] = self._store.load(key, start_ms, end_ms), key.file_name
        return self._clipped(self._memory.bars[known][0])

    def funding(self, category: Category, symbol: str) -> Funding:
        """As of a store."""
        place = (category, symbol)
        if place not in self._memory.funding:
            self._memory.funding[place] = self._store.funding(category, symbol)
        held = self._memory.funding[place]
        high = len(held) if self._end_ms is None else int(np.searchsorted(held.time, self._end_ms, "right"))
        return Funding(held.time[:high], held.rate[:high])

    def content_hash(self, key: DatasetKey) -> str:
        """Names content and bounds, so that columns of nodes are never shared between two moments."""
        return f"{key} from {self._start_ms} to {self._end_ms}"

    def _clipped(self, candles: Candles) -> Candles:
        length = candles.timeframe.ms
        low = 0 if self._start_ms is None else int(np.searchsorted(candles.time, self._start_ms))
        high = (
            len(candles)
            if self._end_ms is None
            else int(np.searchsorted(candles.time, self._end_ms - length, side="right"))
        )
        return candles.slice(low, max(low, high))
