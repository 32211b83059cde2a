"""What collecting needs of the store; `store.Store` has all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from tradebot.engine.market import BarRow, Category, DatasetKey, Instrument, RiskTier


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


class KnownHole(Protocol):
    """Bars start_ms <= open time < end_ms that the exchange did not have when it was last asked, at `seen_ms`."""

    @property
    def start_ms(self) -> int:
        """The first of them."""
        ...

    @property
    def end_ms(self) -> int:
        """Behind the last of them."""
        ...

    @property
    def seen_ms(self) -> int:
        """When the exchange was last asked."""
        ...

    @property
    def confirmations(self) -> int:
        """How many separate looks have found it."""
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

    def stage(self, key: DatasetKey, rows: Sequence[BarRow]) -> int:
        """Keep bars in any order beside the dataset's file, safe from a kill; returns how many were kept.

        They count as stored for `info` and `missing`.
        """
        ...

    def settle(self, key: DatasetKey) -> Written:
        """Bring staged bars into the dataset's file."""
        ...

    def holes(self, key: DatasetKey) -> Sequence[KnownHole]:
        """Bars that the exchange is known not to have."""
        ...

    def all_holes(self) -> Mapping[DatasetKey, Sequence[KnownHole]]:
        """The same of every dataset that has some."""
        ...

    def keys(self) -> Sequence[DatasetKey]:
        """Every stored dataset."""
        ...

    def staged_keys(self) -> Sequence[DatasetKey]:
        """Datasets with staged bars, which a run that was killed may have left."""
        ...

    def remember_holes(self, key: DatasetKey, ranges: Sequence[tuple[int, int]], seen_ms: int) -> object:
        """Keep half-open ranges that the exchange was asked for in vain."""
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

    def risk_limits(self, category: Category) -> Mapping[str, tuple[RiskTier, ...]]:
        """Stored tiers of the risk limits by symbol."""
        ...

    def risk_limits_seen_ms(self, category: Category) -> int | None:
        """When the stored risk limits of a category were last seen, None where none are stored."""
        ...

    def save_risk_limits(
        self, category: Category, tiers: Mapping[str, tuple[RiskTier, ...]], seen_ms: int
    ) -> object:
        """Remember risk limits and when they were seen."""
        ...


Listener = Callable[[DatasetKey, BarRow], None]
"""Told of each closed bar after it was stored, in order per dataset."""
