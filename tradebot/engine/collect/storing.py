"""Closed bars of many datasets on their way into the store: in order, each once, tried again while it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

from tradebot.engine.collect.ports import Listener, StorePort
from tradebot.engine.collect.writer import StoreThread
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import TradebotError
from tradebot.engine.control.events import Level
from tradebot.engine.exchange import Notice
from tradebot.engine.market import BarRow, DatasetKey

_RETRY_S = 5.0

Batch = dict[DatasetKey, list[BarRow]]
Gather = Callable[[], Batch]
"""Hands over the bars that may be stored now."""
EndListener = Callable[[DatasetKey], None]
"""Told that a dataset is not followed any more, after its last bar."""


class BarWriter:
    """Stores what `gather` hands over and tells listeners of it. Lives on one event loop.

    Nothing more is gathered while the store refuses, so what waits stays bounded by what it waits in.
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
        self._told_ms: dict[DatasetKey, int] = {}
        self.stored = 0

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
        left: list[DatasetKey] = []
        while True:
            if not self._waiting:
                await self._work.wait()
                self._work.clear()
                self._waiting = gather()
                left, self._leaving = self._leaving, []
            if self._waiting and not await self._store_waiting():
                await self._clock.sleep(_RETRY_S)
                continue
            self._tell_ends(left)
            left = []

    async def finish(self, gather: Gather) -> None:
        """Store what is at hand now, once; for the end, when `run` has ended."""
        for batch in (self._waiting, gather()):
            self._waiting = batch
            if batch and not await self._store_waiting():
                return
        self._tell_ends(self._leaving)

    async def _store_waiting(self) -> bool:
        """False where the store refused; the bars then wait on."""
        batch = self._waiting
        try:
            refused = await self._thread.call(lambda: write_bars(self._store, batch))
        except TradebotError as error:
            self._notice(Level.ERROR, error.sentence)
            return False
        self._waiting = {}
        for key, rows in batch.items():
            out = refused.get(key, frozenset())
            kept = [row for row in rows if row.time_ms not in out]
            self.stored += len(kept)
            for row in kept:
                self._tell(key, row)
        return True

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
) -> dict[DatasetKey, frozenset[int]]:
    """Append; what lies before a bar that another writer stored meanwhile is merged.

    Returns the times of rows that the store refused because they break the rules of a bar. Runs on the store's thread.
    """
    added = store.append_many(batch)
    refused = {}
    for key, rows in batch.items():
        if added[key] == len(rows):
            continue
        left = _missing_times(store, key, rows)
        if left:
            store.merge(key, [row for row in rows if row.time_ms in left])
            left = _missing_times(store, key, rows)
        if left:
            refused[key] = left
    return refused


def _missing_times(store: StorePort, key: DatasetKey, rows: Sequence[BarRow]) -> frozenset[int]:
    length = key.timeframe.ms
    ranges = store.missing(key, rows[0].time_ms, rows[-1].time_ms + length)
    missing = {at for start, end in ranges for at in range(start, end, length)}
    return frozenset(row.time_ms for row in rows if row.time_ms in missing)
