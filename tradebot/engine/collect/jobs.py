"""The work of a collection: datasets whose windows are asked in any order and stored without a rewrite per page."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from tradebot.engine.collect.confirming import CONFIRMATIONS, Fetched
from tradebot.engine.collect.ports import StorePort
from tradebot.engine.collect.progress import DatasetProgress, DatasetState, Gap
from tradebot.engine.collect.request import Order
from tradebot.engine.collect.windows import Range, Unasked, Window
from tradebot.engine.collect.writer import StoreThread
from tradebot.engine.control.clock import Clock
from tradebot.engine.market import HOUR_MS, BarRow, DatasetKey

# Staged rows are settled into the CSV, which rewrites it where they are not simply newer, when this many wait and
# no fewer than the file holds: each bar is then rewritten a few times at most, however long the history is.
SETTLE_ROWS = 200_000
# Without a later bar an absent one this fresh may only be late.
_LATE_MS = HOUR_MS


@dataclass(frozen=True, slots=True)
class Stored:
    """What a dataset held before: bars, and the open times of the first and the last, None without bars."""

    rows: int = 0
    first_ms: int | None = None
    last_ms: int | None = None


class DatasetJob:
    """Collects one dataset. Windows are taken in order, answered in any order, and each answer is stored at once.

    A page that simply follows what is stored is appended to the CSV; any other one is staged beside it, where it
    survives a kill, and is settled into it at the end or when much has gathered.
    """

    def __init__(
        self,
        key: DatasetKey,
        missing: list[Range],
        stored: Stored,
        store: StorePort,
        thread: StoreThread,
        clock: Clock,
        order: Order = Order.OLDEST_FIRST,
        failure: str | None = None,
        known_hole_bars: int = 0,
        remembered: Sequence[Range] = (),
    ) -> None:
        self.key = key
        self.bars_added = 0
        self.bars_refused = 0
        self.known_hole_bars = known_hole_bars
        self.gaps: list[Gap] = []
        self.before_listing: list[Range] = []
        self._timeframe = key.timeframe
        self._newest_first = order is Order.NEWEST_FIRST
        self._remembered = tuple(remembered)
        self._unasked = Unasked(missing, key.timeframe, self._newest_first)
        self._store, self._thread, self._clock = store, thread, clock
        self._rows = stored.rows
        self._first_ms, self._last_ms = stored.first_ms, stored.last_ms
        self._taken = 0
        self._under_way: dict[int, Window] = {}
        self._in_turn = 0  # every window with a lower number was answered
        self._ahead: set[int] = set()  # answered before one with a lower number
        self._staged = 0
        self._holes: list[Range] = []
        self._total = sum(end - start for start, end in missing) // key.timeframe.ms
        self._done = 0
        self._failure = failure
        self._resting = False
        self._rest_sentence = ""
        self._retry_at_ms: int | None = None
        self._rests = 0
        self._began_at: float | None = None
        self._view: DatasetProgress | None = None

    # ------------------------------------------------------------------------------------------ asking

    @property
    def total_bars(self) -> int:
        """Bars that were missing at the start."""
        return self._total

    @property
    def begun(self) -> bool:
        """Whether a window was asked."""
        return self._taken > 0

    @property
    def waiting(self) -> bool:
        """Whether windows are left that nobody has answered."""
        return bool(self._unasked) or bool(self._under_way)

    @property
    def exhausted(self) -> bool:
        """Whether no window is left to take."""
        return self._failure is not None or not self._unasked

    @property
    def ready(self) -> bool:
        """Whether a window may be taken now."""
        return not self._resting and not self.exhausted

    @property
    def resting(self) -> bool:
        """Whether the dataset is put off after a failure."""
        return self._resting

    @property
    def rests(self) -> int:
        """How often the dataset was put off after a failure."""
        return self._rests

    def take(self) -> tuple[int, Window]:
        """The next window to ask, with its number for `accept`, `rest` or `fail`."""
        number, window = self._taken, self._unasked.take()
        self._under_way[number] = window
        self._taken += 1
        if self._began_at is None:
            self._began_at = self._clock.monotonic()
        self._view = None
        return number, window

    def confirmations(self, window: Window) -> int:
        """How many answers without a bar of this window make a hole of it: a remembered hole needs but one."""
        remembered = any(start <= window.start_ms and window.end_ms <= end for start, end in self._remembered)
        return 1 if remembered else CONFIRMATIONS

    def rest(self, number: int, sentence: str, until_ms: int) -> None:
        """Ask this window again later; nothing of the dataset is asked before `wake`."""
        self._unasked.give_back(self._under_way.pop(number))
        self._answered(number)
        if not self._resting:
            self._rests += 1
            self._resting, self._retry_at_ms = True, until_ms
        self._rest_sentence = sentence
        self._view = None

    def wake(self) -> None:
        """Go on after a rest."""
        self._resting, self._retry_at_ms, self._rest_sentence = False, None, ""
        self._view = None

    def fail(self, number: int, sentence: str) -> int:
        """Ask nothing more for this dataset; returns the bars given up by this window."""
        self._failure = self._failure or sentence
        window = self._under_way.pop(number)
        self._answered(number)
        self._note_gap(window.start_ms, window.end_ms)
        self._view = None
        return window.bars(self._timeframe)

    # ------------------------------------------------------------------------------------------ storing

    async def accept(self, number: int, fetched: Fetched) -> int:
        """Store the answer to a window; returns the bars settled by it. Raises the store's refusals.

        What to do is decided before the first wait, so that the store is called in the order of the decisions.
        """
        window = self._under_way.pop(number)
        in_turn = number == self._in_turn
        self._answered(number)
        self._holes += fetched.holes
        for start, end in fetched.unsure:
            self._note_gap(start, end)
        bars = window.bars(self._timeframe)
        self._done += bars
        self._view = None
        work = self._writing(fetched.rows, in_turn)
        if work is not None:
            added, refused = await self._thread.call(work)
            self.bars_added += added
            self.bars_refused += refused
        return bars

    def _answered(self, number: int) -> None:
        self._ahead.add(number)
        while self._in_turn in self._ahead:
            self._ahead.remove(self._in_turn)
            self._in_turn += 1

    def _writing(self, rows: Sequence[BarRow], in_turn: bool) -> Callable[[], tuple[int, int]] | None:
        """What the store has to do now, to be called on its thread: rows added and refused."""
        newer = len(rows) > 0 and (self._last_ms is None or rows[0].time_ms > self._last_ms)
        direct = newer and in_turn and not self._staged and not self._newest_first
        if not direct:
            self._staged += len(rows)
        self._note_rows(rows)
        settle = self._staged > 0 and self._should_settle()
        if not len(rows) and not settle:
            return None
        if settle:
            self._staged = 0

        def work() -> tuple[int, int]:
            added, refused = (0, 0)
            if rows:
                added, refused = self._append(rows) if direct else self._stage(rows)
            if settle:
                self._store.settle(self.key)
            return added, refused

        return work

    def _should_settle(self) -> bool:
        if not self._under_way and self.exhausted:
            return True
        return self._staged >= max(SETTLE_ROWS, self._rows - self._staged)

    def _note_rows(self, rows: Sequence[BarRow]) -> None:
        if not rows:
            return
        self._rows += len(rows)
        first, last = rows[0].time_ms, rows[-1].time_ms
        self._first_ms = first if self._first_ms is None else min(first, self._first_ms)
        self._last_ms = last if self._last_ms is None else max(last, self._last_ms)

    def _append(self, rows: Sequence[BarRow]) -> tuple[int, int]:
        """Rows added, and rows that the store refused."""
        added = self._store.append_many({self.key: rows})[self.key]
        if added == len(rows):
            return added, 0
        length = self._timeframe.ms
        left = self._store.missing(self.key, rows[0].time_ms, rows[-1].time_ms + length)
        absent = {at for start, end in left for at in range(start, end, length)}
        return added, sum(1 for row in rows if row.time_ms in absent)

    def _stage(self, rows: Sequence[BarRow]) -> tuple[int, int]:
        staged = self._store.stage(self.key, rows)
        return staged, len(rows) - staged

    async def settle(self) -> None:
        """Bring what is staged into the CSV. Raises the store's refusals."""
        staged, self._staged = self._staged, 0
        if staged:
            await self._thread.call(lambda: self._store.settle(self.key))

    # ------------------------------------------------------------------------------------------ closing

    async def close(self, now_ms: int) -> None:
        """No more answers come: remember the holes of the exchange; what was not had becomes a gap.

        Raises the store's refusals.
        """
        left = [*self._unasked.ranges, *((each.start_ms, each.end_ms) for each in self._under_way.values())]
        for start, end in left:
            self._note_gap(start, end)
        holes = self._certain_holes(now_ms)
        if holes:
            await self._thread.call(lambda: self._store.remember_holes(self.key, holes, now_ms))
        for start, end in self._holes:
            # Before the first bar that there is, the symbol was not listed yet: no gap.
            if self._first_ms is None or end <= self._first_ms:
                self.before_listing.append((start, end))
            else:
                self._note_gap(start, end)
        self.gaps = _joined(self.gaps)
        self._holes = []
        self._view = None

    def _certain_holes(self, now_ms: int) -> list[Range]:
        """Holes that are not only late: a later bar is there, or they are hours old."""
        settled_ms = self._timeframe.floor(now_ms - _LATE_MS)
        bound = settled_ms if self._last_ms is None else max(settled_ms, self._last_ms)
        return [(start, min(end, bound)) for start, end in sorted(self._holes) if start < bound]

    def _note_gap(self, start: int, end: int) -> None:
        self.gaps.append(Gap(self.key, start, end, (end - start) // self._timeframe.ms))

    # ------------------------------------------------------------------------------------------ looks

    def view(self) -> DatasetProgress:
        """Where the job stands; the same object until something changes."""
        if self._view is None:
            self._view = DatasetProgress(
                self.key,
                self._state(),
                self._done,
                self._total,
                self._failure or self._rest_sentence,
                self._rows,
                self._rate(),
                self._last_ms,
                self._retry_at_ms,
            )
        return self._view

    def _rate(self) -> float:
        elapsed = self._clock.monotonic() - self._began_at if self._began_at is not None else 0.0
        return self._done / elapsed if elapsed > 0 else 0.0

    def _state(self) -> DatasetState:
        if self._failure is not None:
            return DatasetState.FAILED
        if not self._unasked and not self._under_way:
            return DatasetState.DONE
        if self._resting:
            return DatasetState.WAITING
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
    """Hands out windows in turn over all datasets, so that none starves behind a long or a failing one."""

    def __init__(self, jobs: list[DatasetJob]) -> None:
        self._open = deque(job for job in jobs if not job.exhausted)

    def next(self, avoid: Container[DatasetJob] = ()) -> tuple[DatasetJob, int, Window] | None:
        """The next window to ask, not of the datasets to `avoid`; None where none can be handed out now."""
        for _ in range(len(self._open)):
            job = self._open.popleft()
            if job.exhausted:
                continue
            self._open.append(job)
            if job.ready and job not in avoid:
                return (job, *job.take())
        return None

    def add(self, job: DatasetJob) -> None:
        """A dataset has windows again (one was given back)."""
        if job not in self._open:
            self._open.append(job)
