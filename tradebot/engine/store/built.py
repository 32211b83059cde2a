"""Bars that were built from finer ones, kept while the files they come from stay as they are."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import fields

import numpy as np

from tradebot.engine.market import Candles, DatasetKey, Timeframe
from tradebot.engine.store.layout import FileStamp

Stamps = tuple[FileStamp | None, ...]
"""The states of a dataset's files: of the table, and of the rows that wait beside it."""

_BUDGET_BYTES = 48_000_000


class BuiltBars:
    """The latest built bars within a budget of bytes; what was not asked for longest goes first. Thread-safe.

    An hour's bars of a year of minutes take 0.6 MB, five minutes' 6 MB.
    """

    def __init__(self, budget_bytes: int = _BUDGET_BYTES) -> None:
        self._budget = budget_bytes
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[DatasetKey, Timeframe], tuple[Stamps, Candles, int]] = OrderedDict()
        self._bytes = 0

    def get(
        self, key: DatasetKey, timeframe: Timeframe, stamps: Stamps, build: Callable[[], Candles]
    ) -> Candles:
        """The bars of `timeframe` built from the dataset `key` in the state `stamps`; read-only."""
        place = key, timeframe
        with self._lock:
            held = self._held.get(place)
            if held is not None and held[0] == stamps:
                self._held.move_to_end(place)
                return held[1]
        candles = build()
        columns = [getattr(candles, each.name) for each in fields(candles)]
        arrays = [column for column in columns if isinstance(column, np.ndarray)]
        for array in arrays:
            array.flags.writeable = False
        size = sum(array.nbytes for array in arrays)
        with self._lock:
            before = self._held.pop(place, None)
            self._bytes -= before[2] if before is not None else 0
            self._held[place] = stamps, candles, size
            self._bytes += size
            while self._bytes > self._budget:
                self._bytes -= self._held.popitem(last=False)[1][2]
        return candles
