"""Writing the CSV tables of a data folder so that a kill at any moment loses and doubles nothing.

An append is one write of complete lines; text without a line end at the end of a file is what a kill left of such a
write: it is ignored on reading and moved to a quarantine file when the table is next written. Anything that is not
simply newer is one atomic replacement. While another program keeps the file locked, rows go to a journal beside it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tradebot.engine.control.errors import ShortfallError
from tradebot.engine.market import Int64, Timeframe
from tradebot.engine.store.layout import FileStamp, TableKind, journal_of, quarantine_of, staged_of, stamp_of
from tradebot.engine.store.lineage import Lineage
from tradebot.engine.store.lines import NO_LINES, Lines, merge_sorted
from tradebot.engine.store.locks import FolderLock
from tradebot.engine.store.notices import Notices
from tradebot.engine.store.replacing import build_beside
from tradebot.engine.store.row_times import absent, absent_positions, last_time, lines_of_table
from tradebot.engine.store.settling import NotRisingError, Settling
from tradebot.engine.store.side_files import (
    Journal,
    add_to_quarantine,
    append_lines,
    clear_journal,
    not_written,
    read_journal,
)
from tradebot.engine.store.staging import StagedRows, Staging, clear_staged, staged_rows
from tradebot.engine.store.tails import NOTHING, Tail, Tails

_TRIES = 4


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


class Tables:
    """Appends and merges lines of text; the one writer of a data folder's tables."""

    def __init__(
        self, lock: FolderLock, notices: Notices, lineage: Lineage, fsync: bool, read_only: bool = False
    ) -> None:
        self._lock = lock
        self._read_only = read_only
        self._notices = notices
        self._lineage = lineage
        self._fsync = fsync
        self._tails = Tails(notices)
        self._staging = Staging(fsync)
        self._waiting: set[Path] = set()

    def append(self, path: Path, kind: TableKind, lines: Lines) -> MergeResult:
        """Add rising lines; those not after the last row count as existing."""
        with self._lock.held():
            if journal_of(path).exists():
                newer = lines.after(last_time(read_journal(path).lines.times))
                result = self.merge(path, kind, newer)
                return replace(result, existing=result.existing + len(lines) - len(newer))
            try:
                tail = self._tails.tail(path, kind)
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
        return self._tried(
            path,
            lambda: self._try_merge(path, kind, fresh, len(lines)),
            lambda: self._keep_in_journal(path, kind, fresh),
        )

    def stage(self, path: Path, lines: Lines) -> None:
        """Gather lines in any order beside the table, for `settle`."""
        with self._lock.held():
            try:
                self._staging.add(path, lines)
            except OSError as error:
                raise not_written(path, error) from None

    def staged_ranges(self, path: Path, timeframe: Timeframe) -> tuple[Int64, Int64] | None:
        """Starts and ends of the half-open ranges of time that staged rows fill; None where none are staged."""
        return self._staging.ranges(path, timeframe)

    def settle(self, path: Path, kind: TableKind) -> MergeResult:
        """Take the staged rows into the table, by one replacement or, where all are newer, by appending them.

        At most a few megabytes are in memory beside 24 bytes for each staged row. Where the table is locked, the rows
        stay staged.
        """
        if not staged_of(path).exists():
            return MergeResult()
        if journal_of(path).exists():
            self.merge(path, kind, NO_LINES)
        return self._tried(path, lambda: self._try_settle(path, kind), lambda: self._settled_later(path))

    def _tried(
        self, path: Path, write: Callable[[], MergeResult | None], when_locked: Callable[[], MergeResult]
    ) -> MergeResult:
        """The result of `write`, which gives None when the table changed meanwhile and is then tried again."""
        for attempt in range(1, _TRIES + 1):
            with ExitStack() as stack:
                if attempt == _TRIES:
                    # Others appended while each try built its file: let them wait this time.
                    stack.enter_context(self._lock.held())
                try:
                    result = write()
                except PermissionError:
                    return when_locked()
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

    def _try_settle(self, path: Path, kind: TableKind) -> MergeResult | None:
        """One try; None when the table or the staged rows changed meanwhile."""
        with self._lock.held():
            tail = self._tails.tail(path, kind)
        staged = staged_rows(path)
        if staged is None:
            return MergeResult()
        work = Settling(path, kind, tail.stamp.size, staged)
        if len(staged) and 0 <= tail.last_ms < staged.times[0]:
            with self._lock.held():
                if stamp_of(path) != tail.stamp:
                    return None
                for lines in work.rest():
                    self._write(path, kind, self._tails.tail(path, kind), lines)
        elif len(staged) and not self._replaced(path, kind, tail, work, staged):
            return None
        with self._lock.held():
            clear_staged(path, staged.stamp)
            self._quarantine_staged(path, work.refused)
        appended = int(np.count_nonzero(staged.times > tail.last_ms))
        existing = len(staged) - work.added - len(work.refused)
        return MergeResult(
            min(appended, work.added), max(0, work.added - appended), existing, len(work.refused)
        )

    def _replaced(self, path: Path, kind: TableKind, tail: Tail, work: Settling, staged: StagedRows) -> bool:
        """Whether the table was replaced by one with the staged rows in it; False when it changed meanwhile."""
        try:
            temporary = build_beside(path, work.parts())
        except NotRisingError:
            lines_of_table(path.read_bytes(), path, kind)  # raises, and says which line
            return False
        try:
            with self._lock.held():
                if (stamp_of(path) or NOTHING) != tail.stamp or not staged.unchanged():
                    return False
                if work.added:
                    self._tails.put_in_place(path, temporary)
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def write_journal(self, path: Path, kind: TableKind) -> int:
        """Write the rows that wait in the journal; returns how many were new."""
        waiting = len(read_journal(path).lines)
        if self.merge(path, kind, NO_LINES).journaled or journal_of(path).exists():
            return 0
        return waiting

    def put_in_place(self, path: Path, temporary: Path) -> None:
        """Replace a table by a finished file; hold the folder's lock. OSError where the system refuses."""
        self._tails.put_in_place(path, temporary)

    def look(self, path: Path, remember: bool = True) -> None:
        """Say so where another program changed the table since we last saw or left it.

        Costs nothing while the table stands still. Without `remember` a table never seen before is passed over.
        """
        if self._tails.is_known(path):
            if not self._tails.is_new(path, stamp_of(path)):
                return
        elif not remember:
            return
        try:
            if self._read_only:
                self._tails.look(path)  # nothing of ours writes here, and the lock might not be had
                return
            with self._lock.held():
                self._tails.look(path)
        except (OSError, ShortfallError):
            return  # the next look says it; reading the table says what is wrong with it

    def look_for_gone(self, present: set[Path]) -> None:
        """Say which bar tables we know of are not among the `present` ones any more."""
        for path in self._tails.known_paths() - present:
            if not path.name.endswith("_funding.csv"):
                self.look(path)

    def rewrite(self, path: Path, kind: TableKind, content: Callable[[Tail], Iterable[bytes] | None]) -> bool:
        """Replace the table in one step by other content made of it, and say whether that was done.

        `content` is given the table's state and answers with the parts, header first, or None where nothing is to
        do. It is asked again when the table changed meanwhile.
        ShortfallError where the table is locked.
        """
        done = self._tried(
            path,
            lambda: self._try_rewrite(path, kind, content),
            lambda: MergeResult(journaled=True),
        )
        if done.journaled:
            raise ShortfallError(
                f"{path} cannot be replaced because another program keeps it open or it is write-protected; close "
                "that program, then try again: nothing was changed."
            )
        return done.added > 0

    def _try_rewrite(
        self, path: Path, kind: TableKind, content: Callable[[Tail], Iterable[bytes] | None]
    ) -> MergeResult | None:
        with self._lock.held():
            tail = self._tails.tail(path, kind)
        parts = content(tail) if tail.stamp != NOTHING else None
        if parts is None:
            return MergeResult()
        temporary = build_beside(path, parts)
        try:
            with self._lock.held():
                if stamp_of(path) != tail.stamp:
                    return None
                self._tails.put_in_place(path, temporary)
        finally:
            temporary.unlink(missing_ok=True)
        return MergeResult(appended=1)

    def _settled_later(self, path: Path) -> MergeResult:
        self._notices.add(
            f"{path} cannot be replaced because another program keeps it open or it is write-protected; the older "
            f"rows wait in {staged_of(path).name}, are read all the same, and are written once it is free."
        )
        return MergeResult(journaled=True)

    def _quarantine_staged(self, path: Path, refused: list[bytes]) -> None:
        if not refused:
            return
        add_to_quarantine(path, f"damaged lines of {staged_of(path).name}", b"\n".join(refused))
        self._notices.add(
            f"{len(refused)} damaged lines of {staged_of(path).name} are no rows, as a power cut leaves them; they "
            f"were kept in {quarantine_of(path).name}."
        )

    def _try_merge(self, path: Path, kind: TableKind, fresh: Lines, given: int) -> MergeResult | None:
        """One try; None when the file changed meanwhile."""
        with self._lock.held():
            journal = read_journal(path)
            wanted = merge_sorted(journal.lines, fresh)
            if not len(wanted):
                return MergeResult(existing=given)
            tail = self._tails.tail(path, kind)
            if wanted.times[0] > tail.last_ms:
                self._write(path, kind, tail, wanted)
                self._journal_written(path, journal)
                last = max(tail.last_ms, last_time(journal.lines.times))
                return _counted(given, absent(fresh.times, journal.lines.times), last)
        data = path.read_bytes() if tail.stamp != NOTHING else b""
        if len(data) != tail.stamp.size:
            return None
        existing = lines_of_table(data, path, kind)
        merged = merge_sorted(existing, wanted)
        new = absent(absent(fresh.times, journal.lines.times), existing.times)
        if len(merged) > len(existing):
            temporary = self._build(path, kind.header + merged.text)
            try:
                with self._lock.held():
                    if stamp_of(path) != tail.stamp:
                        return None
                    self._tails.put_in_place(path, temporary)
            finally:
                temporary.unlink(missing_ok=True)
        with self._lock.held():
            self._journal_written(path, journal)
        return _counted(given, new, max(tail.last_ms, last_time(journal.lines.times)))

    def _build(self, path: Path, content: bytes) -> Path:
        """The finished new content beside the file, safely on disk."""
        return build_beside(path, (content,))

    def _write(self, path: Path, kind: TableKind, tail: Tail, lines: Lines) -> None:
        """Append lines that are newer than the last row in one write; PermissionError where locked."""
        content = lines.text if tail.stamp.size else kind.header + lines.text
        if tail.stamp == NOTHING:
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
        self._tails.appended(path, Tail(after, int(lines.times[-1])), content)
        if after.size == tail.stamp.size + len(content):
            self._lineage.appended(path, tail.stamp, after)

    def _keep_in_journal(self, path: Path, kind: TableKind, lines: Lines) -> MergeResult:
        """Let rows wait beside a file that another program keeps locked."""
        try:
            with self._lock.held():
                fresh = lines.sorted_unique()
                journal = read_journal(path)
                held = absent_positions(fresh.times, journal.lines.times)
                known = self._tails.known(path)
                last = max(known.last_ms if known else -1, last_time(journal.lines.times))
                if known is None or (len(fresh) and fresh.times[0] <= known.last_ms):
                    existing = lines_of_table(path.read_bytes(), path, kind)
                    last = max(last, last_time(existing.times))
                    held &= absent_positions(fresh.times, existing.times)
                new = fresh.chosen(np.flatnonzero(held))
                if len(new):
                    append_lines(journal_of(path), new.text, None, self._fsync)
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


def _counted(given: int, new: Int64, last_ms: int) -> MergeResult:
    appended = int(np.count_nonzero(new > last_ms))
    return MergeResult(appended, len(new) - appended, given - len(new))
