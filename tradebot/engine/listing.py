"""The list of datasets that screens draw, kept cheap: what did not change is not made again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tradebot.engine.market import DatasetKey
from tradebot.engine.messages import DataReport, DatasetView
from tradebot.engine.store import DatasetInfo, Store
from tradebot.engine.views import dataset_view, empty_dataset_view

_JOURNAL = ".journal"


class Listing:
    """Looks at a data folder again and again; `look` belongs on one thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: dict[DatasetKey, tuple[tuple[object, ...], DatasetView]] = {}
        self._shown: tuple[DatasetView, ...] = ()
        self.bytes = 0

    def look(
        self, states: Mapping[str, tuple[str, str]], reports: Mapping[str, DataReport]
    ) -> tuple[DatasetView, ...]:
        """Every dataset sorted by category, symbol and length of its bars; the same objects where nothing changed.

        `states` are (state, note) of those that are collected or followed, by the key's text; some may have no file
        yet. `reports` are their latest checks.
        """
        waiting = dict(states)
        infos = self._store.datasets()
        views = [self._view(info, waiting.pop(str(info.key), ("idle", "")), reports) for info in infos]
        for text, (state, note) in waiting.items():
            key = DatasetKey.parse(text)
            views.append((key, empty_dataset_view(key, state, note)))
        views.sort(key=lambda pair: _place(pair[0]))
        self.bytes = sum(info.bytes for info in infos)
        for gone in self._made.keys() - {info.key for info in infos}:
            del self._made[gone]
        shown = tuple(view for _, view in views)
        if len(shown) != len(self._shown) or any(a != b for a, b in zip(shown, self._shown, strict=True)):
            self._shown = shown
        return self._shown

    def _view(
        self, info: DatasetInfo, state: tuple[str, str], reports: Mapping[str, DataReport]
    ) -> tuple[DatasetKey, DatasetView]:
        report = reports.get(str(info.key))
        wanted = (id(info), info.rows, info.bytes, state, report)
        known = self._made.get(info.key)
        if known is None or known[0] != wanted:
            known = self._made[info.key] = (wanted, dataset_view(info, *state, report=report))
        return info.key, known[1]


def waiting_rows(folder: Path) -> int:
    """Rows stored beside their files because another program holds these, not yet in them."""
    rows = 0
    for journal in folder.glob(f"*/*.csv{_JOURNAL}"):
        try:
            rows += journal.read_bytes().count(b"\n")
        except OSError:
            continue  # merged in this moment
    return rows


def _place(key: DatasetKey) -> tuple[str, str, int, bool]:
    return key.category, key.symbol, key.timeframe.ms, key.mark
