"""What collecting needs of the store; `store.Store` has all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from tradebot.engine.control.clock import Clock
from tradebot.engine.market import BarRow, DatasetKey, Instrument, Int64


class StoredSpan(Protocol):
    """What is known about a stored dataset."""

    @property
    def rows(self) -> int:
        """Number of bars."""
        ...

    @property
    def first_ms(self) -> int:
        """Open time of the first bar."""
        ...

    @property
    def last_ms(self) -> int:
        """Open time of the last bar."""
        ...


class StoredFunding(Protocol):
    """Stored funding rates."""

    @property
    def time(self) -> Int64:
        """Settlement times, UTC ms, rising."""
        ...


class StorePort(Protocol):
    """Reading what is there and writing what was collected. Calls come from one thread at a time."""

    def info(self, key: DatasetKey) -> StoredSpan | None:
        """What is stored of a dataset, None where nothing is."""
        ...

    def missing(self, key: DatasetKey, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
        """Half-open ranges on the grid that have no bars, rising."""
        ...

    def append(self, key: DatasetKey, rows: Sequence[BarRow]) -> int:
        """Add bars strictly after the last one."""
        ...

    def merge(self, key: DatasetKey, rows: Sequence[BarRow]) -> object:
        """Add bars anywhere; existing ones win."""
        ...

    def funding(self, category: str, symbol: str) -> StoredFunding:
        """Stored funding rates of a symbol."""
        ...

    def merge_funding(self, category: str, symbol: str, rows: Sequence[tuple[int, str]]) -> object:
        """Add funding rates (time, rate as text) anywhere; existing ones win."""
        ...

    def instruments(self) -> Mapping[tuple[str, str], Instrument]:
        """Stored instruments by (category, symbol)."""
        ...

    def save_instruments(self, instruments: list[Instrument], seen_ms: int) -> object:
        """Remember trading rules and when they were seen."""
        ...


Listener = Callable[[DatasetKey, BarRow], None]
"""Told of each closed bar after it was stored, in order per dataset."""

__all__ = ["Clock", "Listener", "StorePort", "StoredFunding", "StoredSpan"]
