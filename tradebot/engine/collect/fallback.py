"""A store without staging, seen as one with it: rows are gathered in memory until they are settled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tradebot.engine.market import BarRow, Category, DatasetKey


class Gathering:
    """Everything the store does, and what it does not do yet."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._rows: dict[DatasetKey, list[BarRow]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def stage(self, key: DatasetKey, rows: Sequence[BarRow]) -> int:
        """Gather."""
        self._rows.setdefault(key, []).extend(rows)
        return len(rows)

    def settle(self, key: DatasetKey) -> Any:
        """Merge what was gathered."""
        return self._store.merge(key, self._rows.pop(key, []))

    def holes(self, _key: DatasetKey) -> Any:
        """None are known."""
        return ()

    def remember_holes(self, key: DatasetKey, ranges: Any, seen_ms: int) -> None:
        """Forget them."""

    def risk_limits_seen_ms(self, _category: Category) -> int | None:
        """Just now: nothing can be kept."""
        return 10**15


def with_staging(store: Any) -> Any:
    """The store itself where it can stage, else wrapped."""
    return store if hasattr(store, "stage") else Gathering(store)
