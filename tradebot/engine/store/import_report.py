"""What a person states about a file to import, and what an import did."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradebot.engine.control.progress import counted
from tradebot.engine.market import Category, DatasetKey, Timeframe
from tradebot.engine.market.times import iso_minute, iso_ms
from tradebot.engine.store.import_layouts import ImportFormat


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the person states about a file; it overrides what the file's name says.

    `clock_offset_ms` is how far the file's clock is ahead of UTC; only files with dates instead of epoch stamps
    need it.
    """

    category: str | None = None
    symbol: str | None = None
    timeframe: str | None = None
    clock_offset_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. `first_ms`, `last_ms`, `gap_count` and `missing_rows` are those of the file's own rows.

    `timeframe` is None for funding payments. `differing` of the `rows_existing` have other values in the file than
    the rows held already, which stay.
    """

    file: Path
    format: ImportFormat
    category: Category
    symbol: str
    timeframe: Timeframe | None
    rows_read: int
    rows_added: int
    rows_existing: int
    duplicates: int
    first_ms: int
    last_ms: int
    gap_count: int
    missing_rows: int
    notes: tuple[str, ...] = ()
    mark: bool = False
    differing: int = 0

    @property
    def key(self) -> DatasetKey | None:
        """The dataset of bars, None for funding payments."""
        return (
            DatasetKey.of(self.category, self.symbol, self.timeframe, self.mark) if self.timeframe else None
        )

    @property
    def dataset(self) -> str:
        """The dataset's name, e.g. `spot/BTCUSDT_1m` or `linear/BTCUSDT_funding`."""
        return str(self.key) if self.timeframe else f"{self.category.value}/{self.symbol}_funding"

    @property
    def sentence(self) -> str:
        """One sentence for a person."""
        parts = [f"{counted(self.rows_added, 'bar' if self.timeframe else 'payment')} added"]
        if self.rows_existing:
            verb = "was" if self.rows_existing == 1 else "were"
            parts.append(f"{self.rows_existing:,} {verb} there already")
        if self.differing:
            parts.append(f"{self.differing:,} of them with other values, and the ones held stay")
        if self.duplicates:
            parts.append(f"{counted(self.duplicates, 'doubled row')} dropped")
        if self.gap_count:
            parts.append(f"{counted(self.missing_rows, 'bar')} missing in {counted(self.gap_count, 'gap')}")
        span = f"{iso_minute(self.first_ms)} to {iso_minute(self.last_ms)} UTC"
        return f"{self.file.name} ({self.format.value}) to {self.dataset}: {', '.join(parts)}; {span}."

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "file": str(self.file),
            "format": self.format.value,
            "dataset": self.dataset,
            "rows_read": self.rows_read,
            "rows_added": self.rows_added,
            "rows_existing": self.rows_existing,
            "rows_differing": self.differing,
            "duplicates": self.duplicates,
            "first": iso_ms(self.first_ms),
            "last": iso_ms(self.last_ms),
            "gaps": self.gap_count,
            "missing_rows": self.missing_rows,
            "notes": list(self.notes),
        }
