"""The work of a collection: datasets whose windows are asked in any order and written in the right one."""

from __future__ import annotations

from collections import deque

from tradebot.engine.collect.ports import StorePort
from tradebot.engine.collect.progress import DatasetProgress, DatasetState, Gap
from tradebot.engine.collect.windows import Fetched, Window
from tradebot.engine.collect.writer import StoreThread
from tradebot.engine.market import BarRow, DatasetKey

# Rows handed to the store at once. Newer bars are appended, cheap at any size: a kill loses little. Older ones are
# merged, which rewrites the file: the more is stored, the more is gathered first, within a bound of memory.
APPEND_ROWS = 5_000
MERGE_ROWS_LOW = 20_000
MERGE_ROWS_HIGH = 200_000
# Answered windows that may wait for an earlier one; beyond it the workers turn to other datasets.
MAX_AHEAD = 64


class DatasetJob:
    """Collects one dataset. Windows are taken in order, answered in any order, written in order."""

    def __init__(
        self,
        key: DatasetKey,
        windows: list[Window],
        stored_rows: int,
        store: StorePort,
        thread: StoreThread,
        failure: str | None = None,
    ) -> None:
        self.key = key
        self.bars_added = 0
        self.bars_refused = 0
        self.gaps: list[Gap] = []
        self._timeframe = key.timeframe
        self._windows = windows
        self._stored_rows = stored_rows
        self._store = store
        self._thread = thread
        self._taken = 0
        self._accepted = 0  # windows whose rows are in the buffer or written
        self._waiting: dict[int, Fetched] = {}
        self._buffer: list[BarRow] = []
        self._buffer_newer = True
        self._total = sum(window.bars(self._timeframe) for window in windows)
        self._done = 0
        self._failure = failure
        self._view: DatasetProgress | None = None

    @property
    def total_bars(self) -> int:
        """Bars that were missing at the start."""
        return self._total

    @property
    def begun(self) -> bool:
        """Whether a window was asked."""
        return self._taken > 0

    @property
    def exhausted(self) -> bool:
        """Whether no window is left to take."""
        return self._failure is not None or self._taken == len(self._windows)

    @property
    def too_far_ahead(self) -> bool:
        """Whether so many answers wait for an earlier window that no more should be asked."""
        return self._taken - self._accepted >= MAX_AHEAD

    def take(self) -> tuple[int, Window]:
        """The next window to ask, with its number for `accept`."""
        number = self._taken
        self._taken += 1
        self._view = None
        return number, self._windows[number]

    async def accept(self, number: int, fetched: Fetched) -> int:
        """Take in the answer to a window; writes when enough is gathered. Returns the bars settled by it."""
        window = self._windows[number]
        self._waiting[number] = fetched
        self._note_gaps(fetched.holes)
        bars = window.bars(self._timeframe)
        self._done += bars
        self._view = None
        while self._accepted in self._waiting:
            newer = self._windows[self._accepted].newer
            if newer != self._buffer_newer:
                await self.flush()
                self._buffer_newer = newer
                continue
            self._buffer.extend(self._waiting.pop(self._accepted).rows)
            self._accepted += 1
            if len(self._buffer) >= self._batch_rows():
                await self.flush()
        if self._accepted == len(self._windows):
            await self.flush()
        return bars

    def _batch_rows(self) -> int:
        if self._buffer_newer:
            return APPEND_ROWS
        return max(MERGE_ROWS_LOW, min(MERGE_ROWS_HIGH, self._stored_rows))

    async def flush(self) -> None:
        """Hand what is gathered to the store and wait until it is written. Raises the store's refusals."""
        rows, self._buffer = self._buffer, []
        if not rows:
            return
        self._stored_rows += len(rows)
        write = self._append if self._buffer_newer else self._merge
        added, refused = await self._thread.call(lambda: write(rows))
        self.bars_added += added
        self.bars_refused += refused

    def _append(self, rows: list[BarRow]) -> tuple[int, int]:
        """Rows added, and rows that the store refused."""
        added = self._store.append_many({self.key: rows})[self.key]
        if added == len(rows):
            return added, 0
        length = self._timeframe.ms
        left = self._store.missing(self.key, rows[0].time_ms, rows[-1].time_ms + length)
        absent = {at for start, end in left for at in range(start, end, length)}
        return added, sum(1 for row in rows if row.time_ms in absent)

    def _merge(self, rows: list[BarRow]) -> tuple[int, int]:
        written = self._store.merge(self.key, rows)
        return written.added, written.rejected

    async def fail(self, number: int, sentence: str) -> int:
        """Ask nothing more for this dataset: the window is a gap, answers under way are still taken in."""
        self._failure = self._failure or sentence
        window = self._windows[number]
        return await self.accept(number, Fetched([], [(window.start_ms, window.end_ms)]))

    def close(self) -> None:
        """No more answers come: what was not written becomes a gap."""
        open_windows = self._windows[self._accepted :]
        if open_windows:
            kept = [gap for gap in self.gaps if gap.start_ms < open_windows[0].start_ms]
            self.gaps = kept
            for window in open_windows:
                self._note_gaps([(window.start_ms, window.end_ms)])
        self.gaps = _joined(self.gaps)
        self._view = None

    def _note_gaps(self, holes: list[tuple[int, int]]) -> None:
        length = self._timeframe.ms
        self.gaps.extend(Gap(self.key, start, end, (end - start) // length) for start, end in holes)

    def view(self) -> DatasetProgress:
        """Where the job stands; the same object until something changes."""
        if self._view is None:
            self._view = DatasetProgress(
                self.key, self._state(), self._done, self._total, self._failure or ""
            )
        return self._view

    def _state(self) -> DatasetState:
        if self._failure is not None:
            return DatasetState.FAILED
        if self._accepted == len(self._windows):
            return DatasetState.DONE
        return DatasetState.COLLECTING if self._taken else DatasetState.WAITING


def _joined(gaps: list[Gap]) -> list[Gap]:
    """Gaps in order, touching ones as one."""
    joined: list[Gap] = []
    for gap in sorted(gaps, key=lambda item: item.start_ms):
        if joined and joined[-1].end_ms == gap.start_ms:
            last = joined.pop()
            joined.append(Gap(gap.key, last.start_ms, gap.end_ms, last.bars + gap.bars))
        else:
            joined.append(gap)
    return joined


class Queue:
    """Hands out windows dataset after dataset, passing over those that are too far ahead of their writing."""

    def __init__(self, jobs: list[DatasetJob]) -> None:
        self._open = deque(job for job in jobs if not job.exhausted)

    def next(self) -> tuple[DatasetJob, int, Window] | None:
        """The next window to ask, or None where none can be handed out now."""
        while self._open and self._open[0].exhausted:
            self._open.popleft()
        for job in self._open:
            if not job.exhausted and not job.too_far_ahead:
                return (job, *job.take())
        return None

    @property
    def empty(self) -> bool:
        """Whether every window was handed out."""
        return all(job.exhausted for job in self._open)
