"""Writing the CSV tables of a data folder so that a kill at any moment loses and doubles nothing.

An append is one write of complete lines; text without a line end at the end of a file is what a kill left of such a
write: it is ignored on reading and moved to a quarantine file when the table is next written. Anything that is not
simply newer is one atomic replacement. While another program keeps the file locked, rows go to a journal beside it.
"""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.control.files import replace_patiently
from tradebot.engine.market import Int64
from tradebot.engine.store.layout import FileStamp, TableKind, journal_of, quarantine_of, stamp_of
from tradebot.engine.store.lineage import Lineage
from tradebot.engine.store.lines import IrregularLineError, Lines, merge_sorted
from tradebot.engine.store.locks import FolderLock
from tradebot.engine.store.notices import Notices
from tradebot.engine.store.parsing import split_table
from tradebot.engine.store.rows import form_problem
from tradebot.engine.store.side_files import (
    Journal,
    add_to_quarantine,
    append_to_journal,
    clear_journal,
    not_written,
    read_journal,
)

_TAIL_BYTES = 4096
_TRIES = 4
_HOUR_NS = 3600 * 10**9
_NOTHING = FileStamp(0, 0)


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What became of the rows given: `appended` after the last one held, `inserted` before it, `existing` at times
    already held (or given twice).

    `rejected` rows break the rules of a bar and went to the quarantine file. `journaled` says that the file was
    locked by another program, so that the new rows wait in the journal (they are read all the same).
    """

    appended: int = 0
    inserted: int = 0
    existing: int = 0
    rejected: int = 0
    journaled: bool = False

    @property
    def added(self) -> int:
        """New rows."""
        return self.appended + self.inserted


@dataclass(frozen=True, slots=True)
class _Tail:
    """What an append needs to know of a table: its state and the time of its last row (-1 without rows)."""

    stamp: FileStamp
    last_ms: int


class Tables:
    """Appends and merges lines of text; the one writer of a data folder's tables."""

    def __init__(self, lock: FolderLock, notices: Notices, lineage: Lineage, fsync: bool) -> None:
        self._lock = lock
        self._notices = notices
        self._lineage = lineage
        self._fsync = fsync
        self._tails: dict[Path, _Tail] = {}
        self._waiting: set[Path] = set()

    def append(self, path: Path, kind: TableKind, lines: Lines) -> MergeResult:
        """Add rising lines; those not after the last row count as existing."""
        with self._lock.held():
            if journal_of(path).exists():
                newer = lines.after(_last(read_journal(path).lines.times))
                result = self.merge(path, kind, newer)
                return replace(result, existing=result.existing + len(lines) - len(newer))
            try:
                tail = self._tail(path, kind)
                newer = lines if len(lines) and lines.times[0] > tail.last_ms else lines.after(tail.last_ms)
                if len(newer):
                    self._write(path, kind, tail, newer)
            except PermissionError:
                return self._keep_in_journal(path, kind, lines)
            except OSError as error:
                raise not_written(path, error) from None
            return MergeResult(appended=len(newer), existing=len(lines) - len(newer))

    def merge(self, path: Path, kind: TableKind, lines: Lines) -> MergeResult:
        """Add lines in any order; of equal times the row in the file stays, of new ones the first.

        An empty `lines` writes what waits in the journal.
        """
        fresh = lines.sorted_unique()
        for attempt in range(1, _TRIES + 1):
            with ExitStack() as stack:
                if attempt == _TRIES:
                    # Others appended while each try built its file: let them wait this time.
                    stack.enter_context(self._lock.held())
                try:
                    result = self._try_merge(path, kind, fresh, len(lines))
                except PermissionError:
                    return self._keep_in_journal(path, kind, fresh)
                except FileNotFoundError:
                    continue  # deleted by hand meanwhile
                except OSError as error:
                    raise not_written(path, error) from None
                if result is not None:
                    return result
        raise ShortfallError(
            f"{path} was changed or deleted by another program each time the new rows were to be written; "
            "stop that program, then try again: nothing stored before is lost."
        )

    def _try_merge(self, path: Path, kind: TableKind, fresh: Lines, given: int) -> MergeResult | None:
        """One try; None when the file changed meanwhile."""
        with self._lock.held():
            journal = read_journal(path)
            wanted = merge_sorted(journal.lines, fresh)
            if not len(wanted):
                return MergeResult(existing=given)
            tail = self._tail(path, kind)
            if wanted.times[0] > tail.last_ms:
                self._write(path, kind, tail, wanted)
                self._journal_written(path, journal)
                last = max(tail.last_ms, _last(journal.lines.times))
                return _counted(given, _absent(fresh.times, journal.lines.times), last)
        data = path.read_bytes() if tail.stamp != _NOTHING else b""
        if len(data) != tail.stamp.size:
            return None
        existing = _lines_of_table(data, path, kind)
        merged = merge_sorted(existing, wanted)
        new = _absent(_absent(fresh.times, journal.lines.times), existing.times)
        if len(merged) > len(existing):
            temporary = self._build(path, kind.header + merged.text)
            try:
                with self._lock.held():
                    if stamp_of(path) != tail.stamp:
                        return None
                    replace_patiently(temporary, path)
                    stamp = FileStamp.of(path.stat())
                    self._tails[path] = _Tail(stamp, int(merged.times[-1]))
            finally:
                temporary.unlink(missing_ok=True)
        with self._lock.held():
            self._journal_written(path, journal)
        return _counted(given, new, max(tail.last_ms, _last(journal.lines.times)))

    def _build(self, path: Path, content: bytes) -> Path:
        """The finished new content beside the file, safely on disk."""
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.new")
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise not_written(path, error) from None
        _sweep(path, temporary.stat().st_mtime_ns)
        return temporary

    def _write(self, path: Path, kind: TableKind, tail: _Tail, lines: Lines) -> None:
        """Append lines that are newer than the last row in one write; PermissionError where locked."""
        content = lines.text if tail.stamp.size else kind.header + lines.text
        if tail.stamp == _NOTHING:
            path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            try:
                written = file.write(content)
                while written < len(content):
                    written += file.write(content[written:])
                if self._fsync:
                    os.fsync(file.fileno())
            except OSError as error:
                file.truncate(tail.stamp.size)
                raise not_written(path, error) from None
        after = FileStamp.of(path.stat())
        self._tails[path] = _Tail(after, int(lines.times[-1]))
        if after.size == tail.stamp.size + len(content):
            self._lineage.appended(path, tail.stamp, after)

    def _keep_in_journal(self, path: Path, kind: TableKind, lines: Lines) -> MergeResult:
        """Let rows wait beside a file that another program keeps locked."""
        try:
            with self._lock.held():
                fresh = lines.sorted_unique()
                journal = read_journal(path)
                held = _absent_positions(fresh.times, journal.lines.times)
                known = self._tails.get(path)
                last = max(known.last_ms if known else -1, _last(journal.lines.times))
                if known is None or (len(fresh) and fresh.times[0] <= known.last_ms):
                    existing = _lines_of_table(path.read_bytes(), path, kind)
                    last = max(last, _last(existing.times))
                    held &= _absent_positions(fresh.times, existing.times)
                new = fresh.chosen(np.flatnonzero(held))
                if len(new):
                    append_to_journal(path, new.text, self._fsync)
        except PermissionError as error:
            raise not_written(path, error) from None
        if path not in self._waiting:
            self._waiting.add(path)
            self._notices.add(
                f"{path} cannot be written because another program keeps it open or it is write-protected; "
                f"new rows wait in {journal_of(path).name} and are written once it is free."
            )
        result = _counted(len(lines), new.times, last)
        return MergeResult(result.appended, result.inserted, result.existing, journaled=True)

    def _journal_written(self, path: Path, journal: Journal) -> None:
        if journal.stamp is None:
            return
        clear_journal(path, journal)
        self._waiting.discard(path)
        self._notices.add(f"{path} can be written again; {len(journal.lines)} waiting rows were added to it.")

    def _tail(self, path: Path, kind: TableKind) -> _Tail:
        """State and last time of the table, after repairing a torn end and tidying line ends.

        InputError where the last line or the header is not the contract's.
        """
        stamp = stamp_of(path)
        if stamp is None:
            return _Tail(_NOTHING, -1)
        known = self._tails.get(path)
        if known is not None and known.stamp == stamp:
            return known
        with path.open("rb") as file:
            head = file.read(len(kind.header))
            file.seek(max(0, stamp.size - _TAIL_BYTES))
            end = file.read()
        if end and not end.endswith(b"\n"):
            self._cut_torn_end(path)
            return self._tail(path, kind)
        if stamp.size and (head != kind.header or end.endswith(b"\r\n")):
            self._tidy(path, kind)
            return self._tail(path, kind)
        tail = _Tail(stamp, self._last_time(path, kind, end) if stamp.size > len(kind.header) else -1)
        self._tails[path] = tail
        return tail

    def _last_time(self, path: Path, kind: TableKind, end: bytes) -> int:
        line = end.removesuffix(b"\n").rpartition(b"\n")[2]
        fields = line.decode("utf-8", "replace").split(",")
        problem = form_problem(fields, kind)
        if problem:
            number = path.read_bytes().count(b"\n")
            raise InputError(f"{path}, line {number}: {problem}; correct or delete that line.")
        return int(fields[0])

    def _cut_torn_end(self, path: Path) -> None:
        with path.open("r+b") as file:
            data = file.read()
            whole = data.rfind(b"\n") + 1
            torn = data[whole:]
            add_to_quarantine(path, f"the torn last line of {path.name}", torn)
            file.truncate(whole)
        self._notices.add(
            f"{path} ended in half a line, as a kill or a power cut leaves it; the {len(torn)} characters were "
            f"moved to {quarantine_of(path).name} and the file is whole again."
        )

    def _tidy(self, path: Path, kind: TableKind) -> None:
        text = split_table(path.read_bytes(), path, kind)
        temporary = self._build(path, kind.header + text.body)
        try:
            replace_patiently(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        self._notices.add(
            f"{path} had Windows line ends or a byte order mark, as an editor leaves them; "
            "it was rewritten with plain line ends."
        )


def _sweep(path: Path, now_ns: int) -> None:
    """Delete what a kill left of earlier tries."""
    for leftover in path.parent.glob(f".{path.name}.*.new"):
        try:
            if now_ns - leftover.stat().st_mtime_ns > _HOUR_NS:
                leftover.unlink()
        except OSError:
            continue  # another process has just used or deleted its own


def _lines_of_table(data: bytes, path: Path, kind: TableKind) -> Lines:
    """The complete rows of a file's content, which must rise; InputError with the line where they do not."""
    if not data:
        return Lines(b"", np.empty(0, np.int64))
    body = split_table(data, path, kind).body
    try:
        lines = Lines.of_text(body)
    except IrregularLineError:
        lines = None
    if lines is not None and bool(np.all(lines.times[1:] > lines.times[:-1])):
        return lines
    previous = -1
    for number, line in enumerate(body.removesuffix(b"\n").split(b"\n"), start=2):
        stamp = line.partition(b",")[0]
        if not (stamp.isdigit() and len(stamp) <= 13 and int(stamp) > previous):
            shown = stamp[:40].decode("utf-8", "replace")
            raise InputError(
                f'{path}, line {number}: the timestamp is "{shown}", expected a whole number of milliseconds '
                "above the one of the row before; correct or delete that line."
            )
        previous = int(stamp)
    raise AssertionError(f"{path}: lines were refused that are in order")


def _absent_positions(times: Int64, held: Int64) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """For each of `times` whether the rising `held` does not contain it."""
    if not len(held):
        return np.ones(len(times), dtype=np.bool_)
    places = np.minimum(np.searchsorted(held, times), len(held) - 1)
    return np.asarray(held[places] != times)


def _absent(times: Int64, held: Int64) -> Int64:
    return times[_absent_positions(times, held)]


def _last(times: Int64) -> int:
    return int(times[-1]) if len(times) else -1


def _counted(given: int, new: Int64, last_ms: int) -> MergeResult:
    appended = int(np.count_nonzero(new > last_ms))
    return MergeResult(appended, len(new) - appended, given - len(new))
