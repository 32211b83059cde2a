"""Retention: the oldest bars of a timeframe go when they are too old, or when its files together are too large.

Nothing is cut without a rule. A cut writes the file anew beside the old one and puts it in place in one step, so that
a dataset that is followed live goes on unharmed. Funding payments and remembered holes follow the bars.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tradebot.engine.control.errors import InputError, TradebotError
from tradebot.engine.control.progress import CancelToken, Progress, ProgressMeter, counted
from tradebot.engine.control.settings import RetentionSettings
from tradebot.engine.market import DAY_MS, Category, DatasetKey, Timeframe
from tradebot.engine.market.times import iso_date, iso_minute, iso_ms, parse_time
from tradebot.engine.store.holes import from_time, write_holes
from tradebot.engine.store.inventory import DatasetInfo
from tradebot.engine.store.layout import TableKind, table_kind
from tradebot.engine.store.lines import IrregularLineError, line_starts, scan_times
from tradebot.engine.store.staging import chunks
from tradebot.engine.store.tails import Tail

if TYPE_CHECKING:
    from tradebot.engine.store.store import Store

_MEGABYTE = 1_000_000
_LEFT_WHOLE = "left whole: ends before the border; delete the file yourself if you want it gone"
# Looks at how much a border by size really leaves, until it leaves no more than the limit.
_MOST_LOOKS = 50


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """What to keep by timeframe name: bars younger than `age_ms`, and the newest of `size_bytes` for all its files."""

    age_ms: Mapping[str, int] = field(default_factory=dict)
    size_bytes: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: RetentionSettings) -> RetentionRules:
        """The rules that the settings say."""
        return cls(
            {name: -parse_time(text, 0) for name, text in settings.age.items()},
            {name: round(size * _MEGABYTE) for name, size in settings.megabytes.items()},
        )

    @property
    def empty(self) -> bool:
        """Whether everything is kept."""
        return not self.age_ms and not self.size_bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """What goes, or went, of one file: `rows` rows of `bytes` bytes, all before `before_ms` (UTC)."""

    dataset: str
    before_ms: int
    rows: int
    bytes: int

    @property
    def sentence(self) -> str:
        """One line for a person."""
        before = iso_minute(self.before_ms) if self.before_ms % DAY_MS else iso_date(self.before_ms)
        return (
            f"{self.dataset}: {counted(self.rows, 'row')} before {before} ({self.bytes / _MEGABYTE:,.1f} MB)"
        )


@dataclass(frozen=True, slots=True)
class PruneReport:
    """What a pruning cut, or with `dry_run` would cut; `failures` are sentences about files that could not be.

    `left_whole` names the datasets that end before the border of age: a finished archive is not emptied.
    """

    cuts: tuple[Cut, ...]
    failures: tuple[str, ...]
    dry_run: bool
    left_whole: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all cuts."""
        return sum(cut.rows for cut in self.cuts)

    @property
    def bytes(self) -> int:
        """Bytes of all cuts."""
        return sum(cut.bytes for cut in self.cuts)

    @property
    def lines(self) -> tuple[str, ...]:
        """A line for each cut, and for each dataset left whole."""
        whole = (f"{name}: {_LEFT_WHOLE}" for name in self.left_whole)
        return (*(cut.sentence for cut in self.cuts), *whole)

    @property
    def sentence(self) -> str:
        """What was done in all, for a person."""
        whole = []
        if self.left_whole:
            whole.append(f"{counted(len(self.left_whole), 'dataset')} of an earlier time left whole.")
        if not self.cuts and not self.failures:
            if whole:
                return " ".join(("Nothing was cut.", *whole))
            return "Nothing is older or larger than the rules of [retention] keep; nothing was cut."
        done = "would be cut from" if self.dry_run else "cut from"
        sentence = (
            f"{counted(self.rows, 'row')} {done} {counted(len(self.cuts), 'file')}, "
            f"{self.bytes / _MEGABYTE:,.1f} MB."
        )
        return " ".join((sentence, *whole, *self.failures))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "dry_run": self.dry_run,
            "rows": self.rows,
            "bytes": self.bytes,
            "cuts": [
                {
                    "dataset": cut.dataset,
                    "before": iso_ms(cut.before_ms),
                    "rows": cut.rows,
                    "bytes": cut.bytes,
                }
                for cut in self.cuts
            ],
            "left_whole": list(self.left_whole),
            "failures": list(self.failures),
        }


def prune(
    store: Store,
    rules: RetentionRules,
    now_ms: int,
    dry_run: bool,
    progress: Callable[[Progress], None] | None = None,
    cancel: CancelToken | None = None,
) -> PruneReport:
    """Cut the oldest bars that the rules do not keep; with `dry_run` only say which.

    A file that cannot be read or replaced is left as it is and said; CancelledError between two files.
    InputError where there is no rule, ShortfallError for a store that is open for reading only.
    """
    if rules.empty:
        raise InputError(
            "There is no rule of what to keep, so nothing was cut; write one into the settings, e.g. "
            '[retention] age = { "1m" = "400d" }.'
        )
    if not dry_run:
        store.check_writable()
    failures: list[str] = []
    left: set[tuple[str, str]] = set()
    infos = _readable(store, failures, left)
    borders, left_whole = _borders(infos, rules, now_ms)
    meter = ProgressMeter(len(borders), "files", store.parts.clock, progress or (lambda _: None))
    cuts: list[Cut] = []
    firsts = {info.key: info.first_ms for info in infos if info.first_ms is not None}
    pruned: set[tuple[str, str]] = set()
    for info, before_ms in borders:
        if cancel is not None:
            cancel.check()
        owner = info.key.category, info.key.symbol
        try:
            cut = _cut_bars(store, info, before_ms, dry_run)
        except TradebotError as error:
            failures.append(error.sentence)
            left.add(owner)
        else:
            cuts += [cut] if cut is not None else []
            firsts[info.key] = before_ms
            pruned.add(owner)
        meter.advance(1, str(info.key))
    for category, symbol in sorted(pruned - left):
        first_ms = min(at for key, at in firsts.items() if (key.category, key.symbol) == (category, symbol))
        path = store.parts.layout.funding(Category(category), symbol)
        try:
            cut = _cut(store, path, f"{category}/{symbol}_funding", first_ms, dry_run)
        except TradebotError as error:
            failures.append(error.sentence)
        else:
            cuts += [cut] if cut is not None else []
    return PruneReport(tuple(cuts), tuple(failures), dry_run, left_whole)


def _cut_bars(store: Store, info: DatasetInfo, before_ms: int, dry_run: bool) -> Cut | None:
    if dry_run:
        return _cut(store, info.path, str(info.key), before_ms, dry_run)
    store.settle(info.key)
    cut = _cut(store, info.path, str(info.key), before_ms, dry_run)
    _cut_holes(store, info.key, before_ms)
    return cut


def _readable(store: Store, failures: list[str], left: set[tuple[str, str]]) -> list[DatasetInfo]:
    """Every dataset exactly; what cannot be read is said, and its symbol noted as left alone."""
    infos = []
    for listed in store.datasets():
        try:
            info = store.info(listed.key)
        except TradebotError as error:
            failures.append(error.sentence)
            left.add((listed.key.category, listed.key.symbol))
            continue
        if info is not None and info.first_ms is not None:
            infos.append(info)
    return infos


def _borders(
    infos: list[DatasetInfo], rules: RetentionRules, now_ms: int
) -> tuple[list[tuple[DatasetInfo, int]], tuple[str, ...]]:
    """For each dataset that is to be cut the open time of the first bar to keep; and the names of those that age
    leaves whole, for it would empty them.
    """
    borders: list[tuple[DatasetInfo, int]] = []
    whole: list[str] = []
    for timeframe in Timeframe:
        same = [info for info in infos if info.key.timeframe is timeframe]
        by_age = by_size = -1
        if timeframe.value in rules.age_ms:
            by_age = timeframe.ceil(now_ms - rules.age_ms[timeframe.value])
        if timeframe.value in rules.size_bytes:
            by_size = _border_by_size(same, timeframe, rules.size_bytes[timeframe.value])
        for info in same:
            if info.first_ms is None or info.last_ms is None:
                continue
            ended = info.last_ms < by_age
            before_ms = by_size if ended else max(by_age, by_size)
            if info.first_ms < before_ms:
                borders.append((info, before_ms))
            elif ended:
                whole.append(str(info.key))
    return borders, tuple(sorted(whole))


@dataclass(frozen=True, slots=True)
class _Extent:
    """Rows of one file: `rows_bytes` in total, of open times from `first_ms` to before `end_ms`."""

    path: Path
    kind: TableKind
    first_ms: int
    end_ms: int
    rows_bytes: int

    def bytes_from(self, time_ms: int) -> float:
        """About how much of it is at or after a time: bars are taken as evenly spread."""
        kept = min(self.end_ms - self.first_ms, max(0, self.end_ms - time_ms))
        return self.rows_bytes * kept / (self.end_ms - self.first_ms)

    def cut(self, before_ms: int) -> _Extent:
        """What a cut really leaves; as estimated where the file cannot be read."""
        if before_ms <= self.first_ms:
            return self
        first_ms = min(before_ms, self.end_ms - 1)
        try:
            size = self.path.stat().st_size
            left = size - _place_of(self.path, self.kind, size, before_ms)[0]
        except (InputError, OSError):
            left = round(self.bytes_from(before_ms))
        return replace(self, first_ms=first_ms, rows_bytes=left)


def _border_by_size(infos: list[DatasetInfo], timeframe: Timeframe, limit: int) -> int:
    """The earliest time from which on the rows of the files together are not larger than `limit`; -1 where all are.

    The oldest bars go first whichever file they are in. Estimated, then compared with what would really be left, so
    that a second pruning finds nothing more to cut.
    """
    extents = [
        _Extent(
            info.path,
            table_kind(info.path),
            info.first_ms,
            info.last_ms + timeframe.ms,
            max(0, info.bytes - len(table_kind(info.path).header)),
        )
        for info in infos
        if info.first_ms is not None and info.last_ms is not None
    ]
    border = -1
    for _ in range(_MOST_LOOKS):
        if sum(extent.rows_bytes for extent in extents) <= limit:
            break
        border = _estimated_border(extents, timeframe, limit)
        extents = [extent.cut(border) for extent in extents]
    return border


def _estimated_border(extents: list[_Extent], timeframe: Timeframe, limit: int) -> int:
    low = min(extent.first_ms for extent in extents)
    high = max(extent.end_ms for extent in extents)
    while high - low > timeframe.ms:
        middle = timeframe.floor((low + high) // 2)
        if middle <= low:
            break
        if sum(extent.bytes_from(middle) for extent in extents) <= limit:
            high = middle
        else:
            low = middle
    return high


def _cut(store: Store, path: Path, name: str, before_ms: int, dry_run: bool) -> Cut | None:
    """Cut a table's rows before a time; None where it has none."""
    kind = table_kind(path)
    found: list[tuple[int, int]] = []

    def content(tail: Tail) -> Iterable[bytes] | None:
        offset, rows = _place_of(path, kind, tail.stamp.size, before_ms)
        found[:] = [(rows, offset - len(kind.header))]
        if not rows:
            return None
        return _parts(path, kind, offset, tail.stamp.size)

    if dry_run:
        stamp = path.stat().st_size if path.exists() else 0
        offset, rows = _place_of(path, kind, stamp, before_ms) if stamp else (0, 0)
        found = [(rows, offset - len(kind.header))]
    elif not store.parts.tables.rewrite(path, kind, content):
        return None
    rows, size = found[0]
    return Cut(name, before_ms, rows, size) if rows else None


def _place_of(path: Path, kind: TableKind, end: int, before_ms: int) -> tuple[int, int]:
    """Byte of the first row at or after a time, and how many rows stand before it."""
    offset, rows = min(end, len(kind.header)), 0
    for place, text in chunks(path, offset, end):
        try:
            times = scan_times(text)
        except IrregularLineError:
            raise InputError(
                f"{path} holds a line that is no row and is left as it is; `tradebot data check` names it."
            ) from None
        later = np.flatnonzero(times >= before_ms)
        if len(later):
            return place + int(line_starts(text)[later[0]]), rows + int(later[0])
        rows += len(times)
        offset = place + len(text)
    return offset, rows


def _parts(path: Path, kind: TableKind, offset: int, end: int) -> Iterator[bytes]:
    yield kind.header
    for _, text in chunks(path, offset, end):
        yield text


def _cut_holes(store: Store, key: DatasetKey, before_ms: int) -> None:
    file = store.parts.layout.holes(Category(key.category))
    with store.parts.lock.held():
        known = store.holes_by_name(Category(key.category))
        held = known.get(key.name, ())
        kept = from_time(held, before_ms)
        if kept != held:
            write_holes(file, {**known, key.name: kept})
