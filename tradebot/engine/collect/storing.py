"""Closed bars of many datasets on their way into the store: in order, each once, tried again while it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from tradebot.engine.collect.ports import Listener, StorePort
from tradebot.engine.collect.writer import StoreThread
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import TradebotError
from tradebot.engine.control.events import Level
from tradebot.engine.control.progress import counted
from tradebot.engine.exchange import Notice
from tradebot.engine.market import BarRow, DatasetKey

_RETRY_S = 5.0

Batch = dict[DatasetKey, list[BarRow]]
Gather = Callable[[Collection[DatasetKey]], Batch]
"""Hands over the bars that may be stored now, those of the named datasets left out."""
EndListener = Callable[[DatasetKey], None]
"""Told that a dataset is not followed any more, after its last bar."""


class BarWriter:
    """Stores what `gather` hands over and tells listeners of it. Lives on one event loop.

    A dataset that the store refuses (its file is locked, damaged, the disk is full) is tried again every few seconds
    and holds up no other one. Nothing more is gathered for it meanwhile, so what waits stays bounded by what it waits
    in.
    """

    def __init__(self, store: StorePort, thread: StoreThread, clock: Clock, notice: Notice) -> None:
        self._store = store
        self._thread = thread
        self._clock = clock
        self._notice = notice
        self._listeners: list[Listener] = []
        self._end_listeners: list[EndListener] = []
        self._leaving: list[DatasetKey] = []
        self._work = asyncio.Event()
        self._waiting: Batch = {}
        self._refused: dict[DatasetKey, str] = {}
        self._again_at_s = 0.0
        self._told_ms: dict[DatasetKey, int] = {}
        self.stored = 0

    @property
    def waiting(self) -> int:
        """Bars that were taken for storing and are not stored yet."""
        return sum(map(len, self._waiting.values()))

    def add_listener(self, listener: Listener) -> None:
        """Call `listener(key, row)` on the event loop for each closed bar after it was stored."""
        self._listeners.append(listener)

    def remove_listener(self, listener: Listener) -> None:
        """Call it no more."""
        self._listeners.remove(listener)

    def add_end_listener(self, listener: EndListener) -> None:
        """Call `listener(key)` when a dataset is left, after its last bar was stored and told."""
        self._end_listeners.append(listener)

    def leave(self, keys: Iterable[DatasetKey]) -> None:
        """These datasets get no more bars than those that are gathered next."""
        self._leaving.extend(keys)
        self.wake()

    def wake(self) -> None:
        """There may be something to gather."""
        self._work.set()

    async def run(self, gather: Gather) -> None:
        """Store until cancelled."""
        while True:
            await self._something_to_do()
            self._work.clear()
            leaving, held = len(self._leaving), frozenset(self._waiting)
            self._waiting |= gather(held)
            await self._store_waiting(everything=self._clock.monotonic() >= self._again_at_s)
            # What was held may have more bars to gather; its end comes after them.
            over = [key for key in self._leaving[:leaving] if key not in held and key not in self._waiting]
            self._leaving = [
                key for place, key in enumerate(self._leaving) if place >= leaving or key not in over
            ]
            self._tell_ends(over)

    async def finish(self, gather: Gather) -> None:
        """Store what is at hand now, once; for the end, when `run` has ended."""
        await self._store_waiting(everything=True)
        self._waiting |= gather(frozenset(self._waiting))
        await self._store_waiting(everything=False)
        self._tell_ends(key for key in self._leaving if key not in self._waiting)

    async def _something_to_do(self) -> None:
        """Wait for work, and while something is refused no longer than until it is tried again."""
        if not self._refused:
            if not self._waiting:
                await self._work.wait()
            return
        tasks = [
            asyncio.create_task(self._work.wait()),
            asyncio.create_task(self._clock.sleep(max(0.0, self._again_at_s - self._clock.monotonic()))),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    async def _store_waiting(self, everything: bool) -> None:
        """Store what waits; what was refused before only with `everything`."""
        batch = {key: rows for key, rows in self._waiting.items() if everything or key not in self._refused}
        if not batch:
            return
        left_out, refusals = await self._thread.call(lambda: write_bars(self._store, batch))
        self._note_refusals(batch, refusals)
        for key, rows in batch.items():
            if key in refusals:
                continue
            del self._waiting[key]
            out = left_out.get(key, frozenset())
            kept = [row for row in rows if row.time_ms not in out]
            self.stored += len(kept)
            for row in kept:
                self._tell(key, row)

    def _note_refusals(self, batch: Batch, refusals: Mapping[DatasetKey, str]) -> None:
        """Say once that a dataset is refused and once that it no longer is; many of them in one sentence."""
        new = {key: why for key, why in refusals.items() if self._refused.get(key) != why}
        if new:
            others = len(new) - 1
            also = f" {counted(others, 'other dataset')} cannot be stored either." if others else ""
            self._notice(Level.ERROR, next(iter(new.values())) + also)
        over = [key for key in batch if key in self._refused and key not in refusals]
        for key in over:
            del self._refused[key]
        if over:
            also = f" and {counted(len(over) - 1, 'other dataset')}" if len(over) > 1 else ""
            self._notice(Level.INFO, f"{over[0]}{also}: new bars can be stored again; those that waited are.")
            self.wake()
        self._refused.update(refusals)
        if refusals:
            self._again_at_s = self._clock.monotonic() + _RETRY_S

    def _tell(self, key: DatasetKey, row: BarRow) -> None:
        if row.time_ms <= self._told_ms.get(key, -1):
            return  # followed anew while it was still waiting
        self._told_ms[key] = row.time_ms
        for listener in list(self._listeners):
            try:
                listener(key, row)
            except Exception as error:  # noqa: BLE001 - a fault of one listener must not end the feed
                name = type(error).__name__
                self._notice(
                    Level.ERROR, f"A listener of closed bars failed on {key} ({name}); the feed goes on."
                )

    def _tell_ends(self, keys: Iterable[DatasetKey]) -> None:
        for key in keys:
            for listener in list(self._end_listeners):
                listener(key)


def write_bars(
    store: StorePort, batch: Mapping[DatasetKey, Sequence[BarRow]]
) -> tuple[dict[DatasetKey, frozenset[int]], dict[DatasetKey, str]]:
    """Append; what lies before a bar that another writer stored meanwhile is merged.

    Returns the times of rows that the store left out because they break the rules of a bar, and a sentence for each
    dataset that could not be stored now. Runs on the store's thread.
    """
    left_out: dict[DatasetKey, frozenset[int]] = {}
    refusals: dict[DatasetKey, str] = {}
    try:
        added: Mapping[DatasetKey, int] = store.append_many(batch)
    except TradebotError:
        added = {}  # one by one, to see which of them it is
    for key, rows in batch.items():
        try:
            count = added[key] if key in added else store.append_many({key: rows})[key]
            if count < len(rows) and (left := _merge_left(store, key, rows)):
                left_out[key] = left
        except TradebotError as error:
            refusals[key] = error.sentence
    return left_out, refusals


def _merge_left(store: StorePort, key: DatasetKey, rows: Sequence[BarRow]) -> frozenset[int]:
    """Merge those of the rows that are not held; the times of those that are not held then either."""
    left = _missing_times(store, key, rows)
    if left:
        store.merge(key, [row for row in rows if row.time_ms in left])
        left = _missing_times(store, key, rows)
    return left


def _missing_times(store: StorePort, key: DatasetKey, rows: Sequence[BarRow]) -> frozenset[int]:
    length = key.timeframe.ms
    ranges = store.missing(key, rows[0].time_ms, rows[-1].time_ms + length)
    missing = {at for start, end in ranges for at in range(start, end, length)}
    return frozenset(row.time_ms for row in rows if row.time_ms in missing)
