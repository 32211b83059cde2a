"""Compaction: what waits is written, what is left over is removed, and files are written as the exchange's rows only.

Nothing that was collected goes: rows that are doubled word for word are kept once, the quarantine is never deleted, and
a file that is in order is not touched.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.control.progress import CancelToken, Progress, ProgressMeter, counted
from tradebot.engine.market import Category, DatasetKey
from tradebot.engine.store import column_cache
from tradebot.engine.store.layout import TableKind, journal_of, staged_of, table_kind
from tradebot.engine.store.lines import IrregularLineError, Lines, scan_times
from tradebot.engine.store.parsing import BOM
from tradebot.engine.store.staging import chunks
from tradebot.engine.store.tails import Tail

if TYPE_CHECKING:
    from tradebot.engine.store.store import Store

_LEFTOVER_AGE_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class CompactReport:
    """What a compaction did.

    `rows_written` waiting rows went into their files, `rows_removed` doubled ones out of them; `rewritten` are the
    names of files whose text changed, `removed` left-over files and caches that were deleted (`bytes_freed` bytes),
    `orphans` quarantine files whose table is gone, which stay. `failures` are sentences.
    """

    rows_written: int = 0
    rows_removed: int = 0
    rewritten: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    bytes_freed: int = 0
    orphans: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """One sentence for a person."""
        parts = []
        if self.rows_written:
            parts.append(f"{counted(self.rows_written, 'waiting row')} written")
        if self.rows_removed:
            parts.append(f"{counted(self.rows_removed, 'doubled row')} removed")
        if self.rewritten:
            parts.append(f"{counted(len(self.rewritten), 'file')} put in order")
        if self.removed:
            parts.append(
                f"{counted(len(self.removed), 'left-over file')} deleted ({self.bytes_freed / 1e6:,.1f} MB)"
            )
        if self.orphans:
            verb = "is" if len(self.orphans) == 1 else "are"
            parts.append(f"{', '.join(self.orphans)} {verb} kept, though the table is gone")
        if not parts and not self.failures:
            return "Everything is in order; nothing was changed."
        done = f"{'; '.join(parts)}." if parts else "Nothing was changed."
        return " ".join((done, *self.failures))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "rows_written": self.rows_written,
            "rows_removed": self.rows_removed,
            "rewritten": list(self.rewritten),
            "removed": list(self.removed),
            "bytes_freed": self.bytes_freed,
            "orphans": list(self.orphans),
            "failures": list(self.failures),
        }


def compact(
    store: Store,
    keys: Sequence[DatasetKey] | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: CancelToken | None = None,
) -> CompactReport:
    """Put datasets in order, by default all of the folder with its funding and its left-overs.

    What cannot be done is a sentence of the report; CancelledError between two files; ShortfallError for a store that
    is open for reading only.
    """
    store.check_writable()
    tables = _tables(store, keys)
    meter = ProgressMeter(len(tables), "files", store.parts.clock, progress or (lambda _: None))
    written = removed = 0
    rewritten: list[str] = []
    failures: list[str] = []
    for path in tables:
        if cancel is not None:
            cancel.check()
        try:
            written += _written(store, path)
            doubled = _tidied(store, path)
        except TradebotError as error:
            failures.append(error.sentence)
        else:
            if doubled is not None:
                rewritten.append(f"{path.parent.name}/{path.name}")
                removed += doubled
            if not _in_order(path):
                failures.append(
                    f"{path} holds lines that are no rows, come twice or out of order, and was left as it is: "
                    "`tradebot data check` names them, `tradebot data repair` puts them aside."
                )
        meter.advance(1, path.name)
    swept = _Sweep(store.folder, store.parts.clock.now_ms())
    for path in tables:
        swept.old_generations(store.parts.layout.cache(path))
    if keys is None:
        swept.left_over()
    return CompactReport(
        written,
        removed,
        tuple(rewritten),
        tuple(swept.removed),
        swept.bytes,
        tuple(swept.orphans),
        tuple(failures),
    )


def _tables(store: Store, keys: Sequence[DatasetKey] | None) -> list[Path]:
    if keys is not None:
        return [store.parts.layout.bars(key) for key in keys]
    paths = [file.path for file in store.parts.layout.bar_files()]
    for category in Category:
        paths += sorted((store.folder / category.value).glob("*_funding.csv"))
    return paths


def _written(store: Store, path: Path) -> int:
    """Rows that waited beside a table and are in it now."""
    tables, kind, added = store.parts.tables, table_kind(path), 0
    if journal_of(path).exists():
        added += tables.write_journal(path, kind)
    if staged_of(path).exists():
        added += tables.settle(path, kind).added
    return added


def _tidied(store: Store, path: Path) -> int | None:
    """Doubled rows taken out of a table whose text was not in order; None where it was."""
    kind, found = table_kind(path), [0]
    if not path.exists() or not _untidy(path, kind):
        return None

    def content(tail: Tail) -> Iterable[bytes] | None:
        found[0] = 0
        return _parts(path, kind, tail.stamp.size, found)

    return found[0] if store.parts.tables.rewrite(path, kind, content) else None


def _untidy(path: Path, kind: TableKind) -> bool:
    """Whether the text holds foreign line ends, a byte order mark or rows that are doubled word for word."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(len(kind.header))
    if head.startswith(BOM) or (head != kind.header and b"\r" in head):
        return True
    last = b""
    for _, text in chunks(path, min(size, len(kind.header)), size):
        if b"\r" in text or _doubled(last + text):
            return True
        last = text[text.rfind(b"\n", 0, -1) + 1 :]
    return False


def _in_order(path: Path) -> bool:
    """Whether every line begins with a time later than that of the line before."""
    if not path.exists():
        return True
    last_ms = -1
    for _, text in chunks(path, len(table_kind(path).header), path.stat().st_size):
        try:
            times = scan_times(text)
        except IrregularLineError:
            return False
        if times[0] <= last_ms or not bool(np.all(times[1:] > times[:-1])):
            return False
        last_ms = int(times[-1])
    return True


def _doubled(text: bytes) -> bool:
    try:
        times = scan_times(text)
    except IrregularLineError:
        return False  # `data check` names it; a person has to decide
    if bool(np.all(times[1:] != times[:-1])):
        return False
    return len(_distinct(Lines(text, times))) < len(times)


def _distinct(lines: Lines) -> Lines:
    """Without rows that equal the one before word for word."""
    starts = lines.starts().tolist()
    same = (np.flatnonzero(lines.times[1:] == lines.times[:-1]) + 1).tolist()
    text = lines.text
    again = {
        place
        for place in same
        if text[starts[place - 1] : starts[place]] == text[starts[place] : starts[place + 1]]
    }
    return lines.chosen(np.array([place for place in range(len(lines)) if place not in again], dtype=np.intp))


def _parts(path: Path, kind: TableKind, end: int, removed: list[int]) -> Iterator[bytes]:
    """The table's text in order; counts the rows left out in `removed`."""
    with path.open("rb") as file:
        first = file.readline()
    yield kind.header
    last = b""
    for _, piece in chunks(path, len(first), end):
        text = piece.replace(b"\r\n", b"\n")
        try:
            lines = Lines.of_text(last + text)
            kept = _distinct(lines)
        except IrregularLineError:
            yield text
        else:
            removed[0] += len(lines) - len(kept)
            yield kept.text[len(last) :]
        last = text[text.rfind(b"\n", 0, -1) + 1 :]


class _Sweep:
    """Deletes what nothing refers to any more, and notes it."""

    def __init__(self, folder: Path, now_ms: int) -> None:
        self.removed: list[str] = []
        self.orphans: list[str] = []
        self.bytes = 0
        self._folder = folder
        self._now_ms = now_ms

    def old_generations(self, cache: Path) -> None:
        """Delete all generations of a cache but the newest."""
        newest = column_cache.newest(cache)
        for path in column_cache.generation_files(cache):
            if newest is not None and path != newest.path:
                self._delete(path)

    def left_over(self) -> None:
        """Delete caches of tables that are gone and files of broken-off tries; note quarantines without a table."""
        for category in Category:
            folder = self._folder / category.value
            for cache in sorted((folder / ".cache").glob("*")):
                if not (folder / f"{cache.name.removesuffix('.written')}.csv").exists():
                    self._delete(cache)
            for path in sorted(folder.glob(".*.new")):
                if self._now_ms - path.stat().st_mtime_ns // 1_000_000 > _LEFTOVER_AGE_MS:
                    self._delete(path)
            for path in sorted(folder.glob("*.csv.quarantine")):
                if not path.with_name(path.name.removesuffix(".quarantine")).exists():
                    self.orphans.append(path.relative_to(self._folder).as_posix())

    def _delete(self, path: Path) -> None:
        files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
        try:
            size = sum(file.stat().st_size for file in files)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        except OSError:
            return  # somebody has it open or mapped: a later compaction deletes it
        self.removed.append(path.relative_to(self._folder).as_posix())
        self.bytes += size
