"""Whether the data files of a run are still those that it read: anyone may edit them at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tradebot.engine.market import Category, DatasetKey, Timeframe
from tradebot.engine.store import Store

FileStates = Mapping[DatasetKey, tuple[object, ...]]
"""The states of files by dataset: sizes and times of change, as the store tells them without reading."""


def states_of(store: Store, keys: Iterable[DatasetKey]) -> FileStates:
    """The states of these files now."""
    return {key: tuple(store.stamps(key)) for key in keys}


def states_of_symbol(store: Store, category: Category, symbol: str) -> FileStates:
    """The states of all files that bars of a symbol may be read from."""
    return states_of(store, [DatasetKey.of(category, symbol, timeframe) for timeframe in Timeframe])


def changed_files(store: Store, states: FileStates) -> list[DatasetKey]:
    """The files that are not as they were."""
    return [key for key, state in states.items() if tuple(store.stamps(key)) != state]
