"""The list of datasets that screens draw, kept cheap: what did not change is not made again."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tradebot.engine.control.errors import InputError
from tradebot.engine.market import DAY_MS, HOUR_MS, DatasetKey
from tradebot.engine.messages import DatasetView
from tradebot.engine.store import DatasetInfo, Store
from tradebot.engine.store.check_book import CheckBook
from tradebot.engine.views import dataset_view, empty_dataset_view

COVERAGE_BUCKETS = 24
_BESIDE = ("journal", "staged")
_BYTES_A_ROW = 62
_LONGEST_AXIS_MS = 730 * DAY_MS
Axis = tuple[int, int]


class Listing:
    """Looks at a data folder again and again; `look` belongs on one thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: dict[DatasetKey, tuple[tuple[object, ...], DatasetView]] = {}
        self._shown: tuple[DatasetView, ...] = ()
        self._axis: Axis = (0, 0)
        self.bytes = 0

    def look(
        self, states: Mapping[str, tuple[str, str]], checks: CheckBook, checked: int, now_ms: int
    ) -> tuple[DatasetView, ...]:
        """Every dataset sorted by category, symbol and length of its bars; the same objects where nothing changed.

        `states` are (state, note) of those that are collected or followed, by the key's text; some may have no file
        yet. `checks` are the outcomes of their latest checks, and `checked` another number once there are new ones.
        """
        waiting = dict(states)
        infos = self._store.datasets()
        self._axis = _axis(infos, now_ms)
        views = [
            self._view(info, waiting.pop(str(info.key), ("idle", "")), checks, checked) for info in infos
        ]
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
        self, info: DatasetInfo, state: tuple[str, str], checks: CheckBook, checked: int
    ) -> tuple[DatasetKey, DatasetView]:
        wanted = (info.rows, info.bytes, info.gap_count, info.exact, info.problem, state, checked, self._axis)
        known = self._made.get(info.key)
        if known is None or known[0] != wanted:
            check = checks.outcome(str(info.key), info.path)
            view = dataset_view(info, *state, check, self._axis, self._coverage(info))
            known = self._made[info.key] = (wanted, view)
        return info.key, known[1]

    def _coverage(self, info: DatasetInfo) -> tuple[float, ...]:
        if info.first_ms is None or info.last_ms is None:
            return ()
        end_ms = info.last_ms + info.key.timeframe.ms
        missing: list[Axis] = []
        if info.gap_count:
            try:
                missing = self._store.missing(info.key, info.first_ms, end_ms)
            except (InputError, OSError):
                return ()  # changed or damaged in this moment; the next look says so
        return coverage(info.first_ms, end_ms, missing, self._axis)


def _axis(infos: Sequence[DatasetInfo], now_ms: int) -> Axis:
    """The time that all strips show: from the oldest bar, two years at most, to now; moved in whole hours only."""
    end_ms = -(-now_ms // HOUR_MS) * HOUR_MS
    oldest_ms = min((info.first_ms for info in infos if info.first_ms is not None), default=end_ms - DAY_MS)
    start_ms = max(oldest_ms // HOUR_MS * HOUR_MS, end_ms - _LONGEST_AXIS_MS)
    return min(start_ms, end_ms - HOUR_MS), end_ms


def coverage(first_ms: int, end_ms: int, missing: Sequence[Axis], axis: Axis) -> tuple[float, ...]:
    """The share of each of 24 equal parts of `axis` that bars from first_ms to end_ms without `missing` cover."""
    edges = np.linspace(axis[0], axis[1], COVERAGE_BUCKETS + 1)
    held = np.diff(np.clip(edges, first_ms, end_ms))
    if missing:
        borders = np.array(missing, dtype=np.float64)
        lengths = np.cumsum(borders[:, 1] - borders[:, 0])
        before = np.column_stack((np.concatenate((np.zeros(1), lengths[:-1])), lengths)).ravel()
        held -= np.diff(np.interp(edges, borders.ravel(), before))
    return tuple(np.clip(held / np.diff(edges), 0.0, 1.0).tolist())


def free_bytes(folder: Path) -> int:
    """Room on the disk of a folder, which need not be there yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def waiting_rows(folder: Path) -> int:
    """About how many rows are stored beside their files, not yet in them: staged, or while others hold the file."""
    rows = 0
    for name in _BESIDE:
        for waiting in folder.glob(f"*/*.csv.{name}"):
            try:
                rows += waiting.stat().st_size // _BYTES_A_ROW
            except OSError:
                continue  # merged in this moment
    return rows


def _place(key: DatasetKey) -> tuple[str, str, int, bool]:
    return key.category, key.symbol, key.timeframe.ms, key.mark
