"""Asking by REST for the bars that a feed missed, and finding out which ones the exchange itself does not have."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

from tradebot.engine.collect.confirming import Fetched, fetch, next_look_ms, not_to_ask
from tradebot.engine.collect.ports import StorePort
from tradebot.engine.collect.sequence import BarSequence
from tradebot.engine.collect.windows import Range, Window, subtract
from tradebot.engine.collect.writer import StoreThread
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import TradebotError
from tradebot.engine.control.events import Level
from tradebot.engine.control.progress import counted
from tradebot.engine.exchange import PAGE_BARS, Exchange, ExchangeError, FailureKind, Notice
from tradebot.engine.market import BarRow, Category, DatasetKey
from tradebot.engine.market.times import iso_minute

_AT_ONCE = 16
_LOOKS_AT_ONCE = 8
# A hole is looked at once more after this time, before it is taken for one of the exchange itself.
_SECOND_LOOK_S = 300.0
_LOOK_AGAIN_S = 60.0
# Gaps that an earlier run left inside a dataset are made good beside the feed, the newest ones first.
_MOST_GAPS = 50
# A hole is looked at that often in all while it is followed; later runs go on with it.
_MOST_LOOKS = 4

_Answer = TypeVar("_Answer")


class Filler:
    """Fills sequences by REST, a few at a time; what fails is tried again with growing pauses, for as long as needed.

    `offered(key)` is called when bars were offered to a sequence, `doubtful(symbol)` when the exchange repeatedly has
    nothing of a symbol or refuses it. Lives on one event loop.
    """

    def __init__(
        self,
        exchange: Exchange,
        store: StorePort,
        thread: StoreThread,
        clock: Clock,
        notice: Notice,
        offered: Callable[[DatasetKey], None],
        doubtful: Callable[[str], None],
    ) -> None:
        self._exchange = exchange
        self._store = store
        self._thread = thread
        self._clock = clock
        self._notice = notice
        self._offered = offered
        self._doubtful = doubtful
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._look_slots = asyncio.Semaphore(_LOOKS_AT_ONCE)
        self._filling: dict[BarSequence, asyncio.Task[None]] = {}
        self._looking: dict[DatasetKey, set[asyncio.Task[None]]] = {}
        self._trouble: set[FailureKind | DatasetKey] = set()
        self._refused: set[DatasetKey] = set()
        self._differing: set[DatasetKey] = set()
        self.bars = 0
        self.holes = 0

    @property
    def under_way(self) -> int:
        """Datasets that are being filled now."""
        return len(self._filling)

    def start(self, sequence: BarSequence, closed_before_ms: int, now_ms: int) -> None:
        """Fill a sequence where it wants something and is not being filled already."""
        if sequence in self._filling:
            return
        wanted = sequence.wanted(closed_before_ms, now_ms)
        if wanted is not None:
            task = asyncio.create_task(self._fill(sequence, *wanted))
            self._filling[sequence] = task
            task.add_done_callback(lambda done: self._filled(sequence, done))

    def leave(self, sequence: BarSequence) -> None:
        """Nothing more is asked for a sequence."""
        task = self._filling.pop(sequence, None)
        if task is not None:
            task.cancel()
        for look in self._looking.pop(sequence.key, set()):
            look.cancel()

    async def close(self) -> None:
        """Ask nothing more."""
        tasks = [*self._filling.values(), *(task for looks in self._looking.values() for task in looks)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def look_at_gaps(self, key: DatasetKey) -> None:
        """Make good what an earlier run left out inside a dataset; known holes of the exchange are passed over."""
        now_ms = self._exchange.now_ms()
        gaps = await self._thread.call(lambda: inner_gaps(self._store, key, now_ms))
        for start, end in gaps[-_MOST_GAPS:]:
            self._look_later(key, start, end, 0.0)

    def note_differing(self, key: DatasetKey, rows: Sequence[BarRow]) -> None:
        """Say once of a dataset that the exchange gave a bar in two versions."""
        if rows and key not in self._differing:
            self._differing.add(key)
            when = iso_minute(rows[0].time_ms)
            self._notice(
                Level.WARNING,
                f"{key}: the exchange gave the bar of {when} UTC twice with different values; the first stays.",
            )

    # ------------------------------------------------------------------------------------------ filling

    def _filled(self, sequence: BarSequence, task: asyncio.Task[None]) -> None:
        self._filling.pop(sequence, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            sequence.asked(self._exchange.now_ms(), answered=False)
            name = type(error).__name__
            self._notice(
                Level.ERROR, f"{sequence.key}: missed bars could not be fetched ({name}); trying again."
            )

    async def _fill(self, sequence: BarSequence, start_ms: int, end_ms: int) -> None:
        """Ask bars by REST and hand them on; what the exchange does not have is passed after a few times."""
        key = sequence.key
        # One bar back where it is known, to see whether the exchange changed what it had confirmed.
        overlap = key.timeframe.ms if sequence.last_ms == start_ms - key.timeframe.ms else 0
        async with self._slots:
            rows = await self._ask(key, start_ms - overlap, end_ms)
        if rows is None:
            sequence.asked(self._exchange.now_ms(), answered=key in self._refused)
            return
        new = sum(row.time_ms >= start_ms for row in rows)
        self.bars += new
        self.note_differing(key, sequence.offer(rows))
        if all(row.time_ms != start_ms for row in rows):
            sequence.asked(self._exchange.now_ms())
            self._pass_hole(sequence)
            if not new and sequence.in_vain and sequence.in_vain % 6 == 0:
                self._doubtful(key.symbol)
        self._offered(key)

    async def _ask(self, key: DatasetKey, start_ms: int, end_ms: int) -> Sequence[BarRow] | None:
        """Bars by REST, None where they could not be had."""
        category = Category(key.category)
        return await self._had(
            key, self._exchange.klines(category, key.symbol, key.timeframe, start_ms, end_ms)
        )

    async def _had(self, key: DatasetKey, work: Coroutine[Any, Any, _Answer]) -> _Answer | None:
        """What was asked, None where it failed; a failure is said once, until it is over."""
        try:
            answer = await work
        except ExchangeError as error:
            own = error.kind in (FailureKind.REFUSED, FailureKind.NOT_FOUND, FailureKind.MALFORMED)
            trouble = key if own else error.kind
            if trouble not in self._trouble:
                self._trouble.add(trouble)
                self._notice(Level.WARNING, f"{key}: {error.sentence}")
            if error.kind is FailureKind.REFUSED:
                self._refused.add(key)
                self._doubtful(key.symbol)
            else:
                self._refused.discard(key)
            return None
        self._refused.discard(key)
        self._trouble.discard(key)
        self._trouble -= set(FailureKind)
        return answer

    # ------------------------------------------------------------------------------------------ holes

    def _pass_hole(self, sequence: BarSequence) -> None:
        first_ever = sequence.last_ms is None
        hole = sequence.pass_hole()
        if hole is None:
            return
        self.holes += 1
        key = sequence.key
        if not first_ever:
            self._notice(
                Level.WARNING, f"{key}: the exchange has no bars {_span(*hole)}; it is asked once more later."
            )
        self._look_later(key, *hole, _SECOND_LOOK_S)

    def _look_later(
        self, key: DatasetKey, start_ms: int, end_ms: int, after_s: float, looks: int = 1
    ) -> None:
        task = asyncio.create_task(self._look(key, start_ms, end_ms, after_s, looks))
        tasks = self._looking.setdefault(key, set())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _look(self, key: DatasetKey, start_ms: int, end_ms: int, after_s: float, looks: int) -> None:
        """Ask for a hole once more: what comes is stored in its place, the rest is remembered as the exchange's."""
        await self._clock.sleep(after_s)
        while True:
            async with self._look_slots:
                window = Window(start_ms, end_ms)
                got = await self._had(key, fetch(self._exchange, key, window, self._clock.sleep))
            if got is not None:
                try:
                    left = await self._thread.call(partial(self._settle, key, got, start_ms, end_ms))
                except TradebotError as error:
                    self._notice(Level.ERROR, error.sentence)
                else:
                    if got.rows:
                        self._say_came(key, len(got.rows), start_ms, end_ms)
                    if not got.unsure:
                        break
            await self._clock.sleep(_LOOK_AGAIN_S)
        for start, end in left:
            if looks == 1:
                self._notice(
                    Level.WARNING, f"{key}: the exchange has no bars {_span(start, end)}; they stay a gap."
                )
            if looks < _MOST_LOOKS:
                self._look_later(key, start, end, next_look_ms(looks) / 1000, looks + 1)

    def _say_came(self, key: DatasetKey, bars: int, start_ms: int, end_ms: int) -> None:
        self._notice(
            Level.INFO, f"{key}: {counted(bars, 'bar')} that were missing {_span(start_ms, end_ms)} came."
        )

    def _settle(self, key: DatasetKey, got: Fetched, start_ms: int, end_ms: int) -> list[Range]:
        """Store what came late and remember the rest as holes; on the store's thread."""
        if got.rows:
            self._store.merge(key, got.rows)
        info = self._store.info(key)
        if info is None or info.first_ms is None or info.first_ms >= end_ms:
            return []  # nothing lies before it: the symbol was listed later
        missing = self._store.missing(key, start_ms, end_ms)
        left = subtract(missing, got.unsure)
        if left:
            self._store.remember_holes(key, left, self._exchange.now_ms())
        return left


def inner_gaps(store: StorePort, key: DatasetKey, now_ms: int) -> list[Range]:
    """Short gaps between the first and the last bar of a dataset that are to be asked for now, rising."""
    info = store.info(key)
    if info is None or info.first_ms is None or info.last_ms is None:
        return []
    most = PAGE_BARS * key.timeframe.ms
    missing = store.missing(key, info.first_ms, info.last_ms)
    return [gap for gap in subtract(missing, not_to_ask(store.holes(key), now_ms)) if gap[1] - gap[0] <= most]


def _span(start_ms: int, end_ms: int) -> str:
    return f"from {iso_minute(start_ms)} to {iso_minute(end_ms)} UTC"
