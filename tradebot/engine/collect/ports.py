"""What collecting needs of the store; `store.Store` has all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from tradebot.engine.market import BarRow, Category, DatasetKey, Instrument


class StoredSpan(Protocol):
    """What is known about a stored dataset; times are open times, None without bars."""

    @property
    def rows(self) -> int:
        """Number of bars."""
        ...

    @property
    def first_ms(self) -> int | None:
        """The first bar."""
        ...

    @property
    def last_ms(self) -> int | None:
        """The last bar."""
        ...


class Written(Protocol):
    """What became of rows that were handed in."""

    @property
    def added(self) -> int:
        """New rows."""
        ...

    @property
    def rejected(self) -> int:
        """Rows that break the rules of a bar."""
        ...


class StorePort(Protocol):
    """Reading what is there and writing what was collected. Calls come from a thread of the collection."""

    def info(self, key: DatasetKey) -> StoredSpan | None:
        """What is stored of a dataset, None where nothing is."""
        ...

    def missing(self, key: DatasetKey, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
        """Half-open ranges on the grid that have no bars, rising."""
        ...

    def append_many(self, bars: Mapping[DatasetKey, Sequence[BarRow]]) -> Mapping[DatasetKey, int]:
        """Add bars after the last one of each dataset; others are passed over."""
        ...

    def merge(self, key: DatasetKey, rows: Sequence[BarRow]) -> Written:
        """Add bars anywhere; existing ones win. Simply newer ones are appended."""
        ...

    def funding_missing(
        self, category: Category, symbol: str, start_ms: int, end_ms: int
    ) -> list[tuple[int, int]]:
        """Half-open ranges in which funding rates may exist that are not stored."""
        ...

    def merge_funding(self, category: Category, symbol: str, rows: Sequence[tuple[int, str]]) -> Written:
        """Add funding rates (time, rate as text) anywhere; existing ones win."""
        ...

    def instruments(self) -> Mapping[tuple[Category, str], Instrument]:
        """Stored instruments."""
        ...

    def save_instruments(self, instruments: Sequence[Instrument], seen_ms: int) -> None:
        """Remember trading rules and when they were seen; those of other symbols stay."""
        ...


Listener = Callable[[DatasetKey, BarRow], None]
"""Told of each closed bar after it was stored, in order per dataset."""
