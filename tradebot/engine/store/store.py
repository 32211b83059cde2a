"""The data layer of one folder: the only place that writes market data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tradebot.engine.control.clock import Clock, SystemClock
from tradebot.engine.control.errors import InputError, TradebotError
from tradebot.engine.market import BarRow, Candles, Category, DatasetKey, Int64, Timeframe
from tradebot.engine.market.times import iso_ms
from tradebot.engine.store.built import BuiltBars, Stamps
from tradebot.engine.store.check_findings import CheckReport, unreadable
from tradebot.engine.store.checking import check_bars
from tradebot.engine.store.funding import Funding, funding_lines, missing_payments, read_funding
from tradebot.engine.store.importing import (
    NO_OVERLAP,
    ImportOptions,
    ImportReport,
    Overlap,
    ReadImport,
    check_overlap,
    overlap,
    read_import,
)
from tradebot.engine.store.incoming import Refusal, sound_lines
from tradebot.engine.store.inventory import DatasetInfo, Inventory, Summary, summary_of, with_ranges
from tradebot.engine.store.layout import (
    FUNDING,
    FileStamp,
    Layout,
    journal_of,
    kind_of,
    quarantine_of,
    staged_of,
    stamp_of,
    table_kind,
)
from tradebot.engine.store.lineage import Lineage
from tradebot.engine.store.lines import NO_LINES, Lines, merge_sorted
from tradebot.engine.store.locks import FolderLock
from tradebot.engine.store.notices import Notices
from tradebot.engine.store.provenance import Provenance
from tradebot.engine.store.reading import BarReader, read_file
from tradebot.engine.store.records import Records
from tradebot.engine.store.refusals import nothing_to_build_from, unknown_dataset
from tradebot.engine.store.resample import can_build, complete_span, resample
from tradebot.engine.store.side_files import Journal, add_to_quarantine, read_journal
from tradebot.engine.store.staging import runs, staged_lines
from tradebot.engine.store.tables import MergeResult, Tables

_LIST_BUDGET_BYTES = 48_000_000
_SAVE_INVENTORY_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class StoreParts:
    """What the functions of this room that work on a whole folder need of a store."""

    layout: Layout
    tables: Tables
    lock: FolderLock
    provenance: Provenance
    notices: Notices
    clock: Clock


class Store(Records):
    """Market data of one folder, CSV first; safe to use from several threads and processes.

    With `read_only` nothing is written, no cache either. With `fsync` every append reaches the disk before it
    returns (against power cuts; a kill of the process loses nothing either way).
    """

    def __init__(
        self, folder: Path, clock: Clock | None = None, read_only: bool = False, fsync: bool = False
    ) -> None:
        self.folder = folder
        layout = Layout(folder)
        super().__init__(layout, FolderLock(layout.lock), Notices(), read_only)
        self._clock = clock or SystemClock()
        lineage = Lineage()
        self._tables = Tables(self._lock, self._notices, lineage, fsync, read_only)
        self._reader = BarReader(self._layout.cache, self._lock, lineage, read_only)
        self._inventory = Inventory(self._layout.inventory, read_only)
        self._provenance = Provenance(self._layout.source)
        self._built = BuiltBars()
        if not read_only:
            self.write_waiting()

    @property
    def parts(self) -> StoreParts:
        """For the functions of this room only."""
        return StoreParts(
            self._layout, self._tables, self._lock, self._provenance, self._notices, self._clock
        )

    # -- reading bars

    def load(self, key: DatasetKey, start_ms: int | None = None, end_ms: int | None = None) -> Candles:
        """Bars with start <= open time < end. InputError for an unknown dataset or a bad row (file and line)."""
        path = self._layout.bars(key)
        self._tables.look(path)
        try:
            return self._reader.load(path, key.timeframe).between(start_ms, end_ms)
        except FileNotFoundError:
            raise unknown_dataset(self._layout, key) from None

    def load_or_build(
        self,
        category: Category,
        symbol: str,
        timeframe: Timeframe,
        start_ms: int | None = None,
        end_ms: int | None = None,
        mark: bool = False,
    ) -> tuple[Candles, str]:
        """Bars of a timeframe, and a text that names the file they come from. With `mark` those of the mark price,
        which are never mixed with traded ones.

        Of the symbol's own file of that timeframe and those of finer ones, the one is used that covers most of
        the asked span by first and last bar; where equal the own file, then the finest. InputError where none
        covers any of it.
        """
        best: tuple[int, int, DatasetKey] | None = None
        for candidate in Timeframe:
            if candidate is not timeframe and not can_build(timeframe, candidate):
                continue
            key = DatasetKey.of(category, symbol, candidate, mark)
            info = self.info(key)
            if info is None or info.first_ms is None or info.last_ms is None:
                continue
            low, high = complete_span(info.first_ms, info.last_ms, candidate, timeframe)
            low = low if start_ms is None else max(low, start_ms)
            high = high if end_ms is None else min(high, end_ms)
            rank = (max(0, high - low), 1 if candidate is timeframe else -candidate.ms, key)
            if rank[0] > 0 and (best is None or rank[:2] > best[:2]):
                best = rank
        if best is None:
            raise nothing_to_build_from(
                self._layout, DatasetKey.of(category, symbol, timeframe, mark), self.datasets()
            )
        key = best[2]
        path = self._layout.bars(key)
        if key.timeframe is timeframe:
            return self.load(key, start_ms, end_ms), path.name
        built = self._built.get(key, timeframe, self.stamps(key), lambda: resample(self.load(key), timeframe))
        return built.between(start_ms, end_ms), f"{path.name}, {timeframe.value} bars built from it"

    def missing(self, key: DatasetKey, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
        """Half-open ranges on the grid inside [start, end) that hold no bars; all of it for an unknown dataset.

        Looks at the times only. InputError with the line of a bad one.
        """
        path = self._layout.bars(key)
        return self._summary(key, path).missing(start_ms, end_ms, key.timeframe)

    # -- listing

    def datasets(self) -> list[DatasetInfo]:
        """Every dataset of the folder, sorted by key; cheap: what has not been scanned yet is estimated.

        Each call scans up to 48 MB more, so that repeated calls become exact (`DatasetInfo.exact`).
        """
        budget = _LIST_BUDGET_BYTES
        infos = []
        files = self._layout.bar_files()
        self._tables.look_for_gone({file.path for file in files})
        for file in files:
            key, path, stamp = file.key, file.path, file.stamp
            self._tables.look(path, remember=False)
            try:
                if file.waiting:
                    infos.append(self._summary(key, path).info(key, path))
                    continue
                info, read = self._inventory.cheap(key, path, stamp, budget)
            except FileNotFoundError:
                continue
            except InputError as error:
                info = DatasetInfo(
                    key, path, stamp.size, 0, None, None, None, None, (), False, error.sentence
                )
                read = 0
            budget -= read
            infos.append(info)
        self._inventory.save(_SAVE_INVENTORY_BYTES)
        return infos

    def info(self, key: DatasetKey) -> DatasetInfo | None:
        """One dataset exactly, None where there is none; InputError with the line of a bad row."""
        path = self._layout.bars(key)
        self._tables.look(path)
        if stamp_of(path) is None and not self._waits(path):
            return None
        info = self._summary(key, path).info(key, path)
        self._inventory.save(_SAVE_INVENTORY_BYTES)
        return info

    def check(self, key: DatasetKey) -> CheckReport:
        """All that can be said against a dataset; InputError only where there is none."""
        path = self._layout.bars(key)
        try:
            _, data = read_file(path)
        except FileNotFoundError:
            raise unknown_dataset(self._layout, key) from None
        except (
            InputError
        ) as error:  # a folder in its place, a lock, a disk that fails: the others are checked
            return unreadable(str(key), path, error.sentence)
        try:
            imported_from = self.imported_from(key)
        except InputError as error:  # bars are sound or not wherever they come from
            self._notices.add(error.sentence)
            imported_from = None
        return check_bars(
            key, path, data, self._waiting(path), imported_from, self._clock.now_ms(), self.holes(key)
        )

    def stamps(self, key: DatasetKey) -> Stamps:
        """The states of a dataset's files, which change whenever its rows do; nothing is read."""
        path = self._layout.bars(key)
        return tuple(stamp_of(part) for part in (path, journal_of(path), staged_of(path)))

    def content_hash(self, key: DatasetKey) -> str:
        """SHA-256 of the dataset's CSV (and of rows that wait beside it), computed again when they change."""
        path = self._layout.bars(key)
        parts = path, journal_of(path), staged_of(path)
        stamps = self.stamps(key)
        if not any(stamps):
            raise unknown_dataset(self._layout, key)
        known = self._inventory.content_hash(path, stamps)
        if known is not None:
            return known
        digest = hashlib.sha256()
        for part, stamp in zip(parts, stamps, strict=True):
            if stamp is not None:
                digest.update(read_file(part)[1])
        self._inventory.keep_hash(path, stamps, digest.hexdigest())
        self._inventory.save(_SAVE_INVENTORY_BYTES)
        return digest.hexdigest()

    # -- writing bars

    def append(self, key: DatasetKey, rows: Sequence[BarRow]) -> int:
        """Add closed bars after the last one; returns how many were new.

        Rows at or before the last bar are passed over. Rows that break the rules of a bar go to the quarantine
        file beside the CSV, with a notice. Durable against a kill at any moment; waits in a journal while another
        program locks the file. ShortfallError when the disk is full or writing is not allowed.
        """
        return self.append_many({key: rows})[key]

    def append_many(self, bars: Mapping[DatasetKey, Sequence[BarRow]]) -> dict[DatasetKey, int]:
        """`append` for many datasets under one lock: the cheap way to store one bar of each of 600 symbols.

        Where one cannot be written, the others are, and its refusal is raised afterwards.
        """
        self.check_writable()
        appended: dict[DatasetKey, int] = {}
        refusal: TradebotError | None = None
        sound = {key: self._sound(key, rows) for key, rows in bars.items()}
        with self._lock.held():
            for key, (lines, refused) in sound.items():
                path = self._layout.bars(key)
                try:
                    self._quarantine(path, refused)
                    appended[key] = self._tables.append(path, kind_of(key), lines).added if len(lines) else 0
                except TradebotError as error:
                    refusal = refusal or error
        if refusal is not None:
            raise refusal
        return appended

    def merge(self, key: DatasetKey, rows: Sequence[BarRow]) -> MergeResult:
        """Add closed bars in any order and overlap; where a time is held already, the existing row stays.

        Simply newer rows are appended, anything else is one atomic replacement of the file. For the rest as `append`.
        """
        self.check_writable()
        path = self._layout.bars(key)
        lines, refused = self._sound(key, rows)
        self._quarantine(path, refused)
        result = self._tables.merge(path, kind_of(key), lines)
        doubled = len(rows) - len(refused) - len(lines)
        return replace(result, existing=result.existing + doubled, rejected=len(refused))

    def stage(self, key: DatasetKey, rows: Sequence[BarRow]) -> int:
        """Gather closed bars in any order beside the dataset until `settle`; returns how many are sound.

        As cheap as an append whatever the dataset's size, and as durable; `load`, `info` and `missing` take the rows
        into account at once. Where a time is held already, the existing row stays. Bad rows as in `append`.
        """
        self.check_writable()
        path = self._layout.bars(key)
        lines, refused = self._sound(key, rows)
        self._quarantine(path, refused)
        if len(lines):
            self._tables.stage(path, lines)
        return len(lines)

    def settle(self, key: DatasetKey) -> MergeResult:
        """Take what was staged into the CSV in one atomic replacement; does nothing where nothing is.

        A kill at any moment leaves the old or the new file, and the rows that are not in it staged.
        """
        self.check_writable()
        return self._tables.settle(self._layout.bars(key), kind_of(key))

    def keys(self) -> list[DatasetKey]:
        """Every dataset of the folder, sorted; without a look into the files."""
        return [file.key for file in self._layout.bar_files()]

    def staged_keys(self) -> list[DatasetKey]:
        """Datasets with staged rows, which a run that was ended may have left."""
        return [
            file.key for file in self._layout.bar_files() if file.waiting and staged_of(file.path).exists()
        ]

    def write_waiting(self) -> None:
        """Write what waits in journals, where the files are free again."""
        self.check_writable()
        for category in Category:
            for journal in sorted((self.folder / category.value).glob("*.csv.journal")):
                path = journal.with_name(journal.name.removesuffix(".journal"))
                try:
                    self._tables.merge(path, table_kind(path), NO_LINES)
                except TradebotError as error:
                    self._notices.add(error.sentence)

    # -- funding and imports

    def funding(self, category: Category, symbol: str) -> Funding:
        """Payments held of a symbol, none where there is no file."""
        return read_funding(self._layout.funding(category, symbol))

    def merge_funding(self, category: Category, symbol: str, rows: Sequence[tuple[int, str]]) -> MergeResult:
        """Add payments (UTC ms, rate in the exchange's digits) in any order; existing ones stay."""
        self.check_writable()
        path = self._layout.funding(category, symbol)
        lines = funding_lines(rows)
        result = self._tables.merge(path, FUNDING, lines)
        return replace(result, existing=result.existing + len(rows) - len(lines))

    def funding_missing(
        self, category: Category, symbol: str, start_ms: int, end_ms: int
    ) -> list[tuple[int, int]]:
        """Half-open ranges inside [start, end) in which payments may exist that are not held."""
        return missing_payments(self.funding(category, symbol).time, start_ms, end_ms)

    def import_file(self, file: Path, options: ImportOptions | None = None) -> ImportReport:
        """Bring a file of bars, mark prices or funding payments into the folder; existing rows stay as they are.

        Layouts: see `ImportFormat`. InputError, with the line where one is wrong, for a file that cannot be taken
        in; nothing is stored then.
        """
        self.check_writable()
        return self.keep_import(read_import(file, options or ImportOptions(), self._clock.now_ms()))

    def keep_import(self, read: ReadImport) -> ImportReport:
        """Store a file that was read; InputError where imported bars must not be mixed with the folder's, or
        contradict most of the bars of their times.
        """
        self.check_writable()
        report, name = read.report, read.report.file.name
        found = NO_OVERLAP if report.key is None else self._overlap(read, report.key)
        with self._lock.held():
            self._provenance.allow_import()
            check_overlap(read, found)
            # Before the rows, so that a kill between the two cannot leave imported rows unmarked.
            imported_at = iso_ms(self._clock.now_ms())
            self._provenance.note_import(report.dataset, name, read.sha256, imported_at)
        if report.key is not None:
            path = self._layout.bars(report.key)
            result = self._tables.merge(path, read.kind, read.lines)
            self._summary(report.key, path)  # so that the next listing is exact
        else:
            path = self._layout.funding(report.category, report.symbol)
            result = self._tables.merge(path, FUNDING, read.lines)
        return replace(
            report, rows_added=result.added, rows_existing=result.existing, differing=found.differing
        )

    # -- provenance and notices

    def source(self) -> str | None:
        """The source whose bars the folder holds ("mainnet", "testnet", "simulator seed 1"), None while open."""
        return self._provenance.source()

    def claim_source(self, source: str) -> None:
        """Make the folder one of `source`; InputError where it holds bars of another one."""
        if self.read_only:
            if self.source() != source:
                raise InputError(f"{self.folder} is open for reading only and holds no bars of {source}.")
            return
        with self._lock.held():
            self._provenance.claim(source)

    def imported_from(self, key: DatasetKey) -> str | None:
        """Name of the file that was imported into a dataset last, None where none was."""
        entry = self._provenance.imports().get(str(key))
        return str(entry.get("file")) if entry else None

    def notices(self) -> list[str]:
        """Sentences for the person since the last call: repaired files, waiting rows, refused rows."""
        return self._notices.take()

    # -- helpers

    def _overlap(self, read: ReadImport, key: DatasetKey) -> Overlap:
        """How a file's bars fit those held; none overlaps where the held ones cannot be read at all."""
        try:
            return overlap(read, self.load(key))
        except InputError:
            return NO_OVERLAP  # there is no such dataset yet, or a bad row in it that the check names

    def _sound(self, key: DatasetKey, rows: Sequence[BarRow]) -> tuple[Lines, list[Refusal]]:
        self._layout.bars(key)
        return sound_lines(rows, key.timeframe, kind_of(key))

    def _quarantine(self, path: Path, refused: Sequence[Refusal]) -> None:
        if not refused:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock.held():
            for refusal in refused:
                add_to_quarantine(path, refusal.why, refusal.text.encode())
        self._notices.add(
            f"{len(refused)} of the new rows for {path} were refused and kept in {quarantine_of(path).name}: "
            f"{refused[0].why}."
        )

    def _summary(self, key: DatasetKey, path: Path) -> Summary:
        """The dataset's times in short, with its journal; InputError with the line of a bad row."""
        self._tables.look(path)
        # What waits first: settled meanwhile, it is seen twice, which does no harm.
        waiting = self._waiting_ranges(key, path)
        stamp = stamp_of(path)
        if stamp is None or stamp.size == 0:
            nothing = Candles.empty(key.timeframe).time
            summary: Summary | None = summary_of(nothing, key.timeframe, stamp or FileStamp(0, 0), 0, 0)
        else:
            summary = self._inventory.exact(path, key.timeframe)
        if summary is None:
            times = self.load(key).time  # says which line is bad
            return summary_of(times, key.timeframe, stamp or FileStamp(0, 0), 0, 0)
        return with_ranges(summary, *waiting, key.timeframe)

    def _waiting(self, path: Path) -> Journal:
        """All rows that wait beside the table."""
        journal, staged = read_journal(path), staged_lines(path)
        return Journal(merge_sorted(journal.lines, staged), journal.stamp) if len(staged) else journal

    def _waits(self, path: Path) -> bool:
        return journal_of(path).exists() or staged_of(path).exists()

    def _waiting_ranges(self, key: DatasetKey, path: Path) -> tuple[Int64, Int64]:
        """Half-open ranges of time filled by rows of the journal and by staged ones."""
        starts, ends = runs(read_journal(path).lines.times, key.timeframe)
        staged = self._tables.staged_ranges(path, key.timeframe)
        if staged is None:
            return starts, ends
        return np.concatenate((starts, staged[0])), np.concatenate((ends, staged[1]))
