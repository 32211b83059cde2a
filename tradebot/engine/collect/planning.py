"""The plan of a collection: per dataset, which bars the exchange should have and the store lacks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tradebot.engine.collect.confirming import fetch, not_to_ask
from tradebot.engine.collect.jobs import DatasetJob, Stored
from tradebot.engine.collect.listing import TRADING, ended_sentences
from tradebot.engine.collect.ports import KnownHole, StorePort
from tradebot.engine.collect.request import CollectRequest
from tradebot.engine.collect.windows import Range, Window, subtract
from tradebot.engine.collect.writer import StoreThread
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import counted
from tradebot.engine.exchange import PAGE_BARS, Exchange
from tradebot.engine.market import WEEK_MS, Category, DatasetKey, Instrument, Timeframe
from tradebot.engine.market.times import iso_minute

# Looking for the first bar costs a request; it pays where more windows than this may turn out to be empty.
_WINDOWS_WORTH_A_PROBE = 100
_WINDOWS_WORTH_A_PROBE_UNKNOWN = 10
# Symbols looked at side by side: those whose listing is not told cost a request each.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """The datasets to collect, the instruments whose funding belongs to it, and what is to be said about it."""

    jobs: list[DatasetJob]
    funding: list[Instrument]
    information: tuple[str, ...]


async def make_plan(
    exchange: Exchange,
    store: StorePort,
    thread: StoreThread,
    clock: Clock,
    request: CollectRequest,
    instruments: list[Instrument],
) -> Plan:
    """Ask the store what is missing, from each symbol's launch on. Raises what the exchange and the store raise."""
    holes = await thread.call(store.all_holes)
    planner = _Planner(exchange, store, thread, clock, request, holes)
    turn = asyncio.Semaphore(_AT_ONCE)

    async def plan_one(instrument: Instrument) -> tuple[list[DatasetJob], Instrument]:
        async with turn:
            return await planner.symbol(instrument)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(plan_one(instrument)) for instrument in instruments]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    planned = [task.result() for task in tasks]
    found = [after for before, (_, after) in zip(instruments, planned, strict=True) if after is not before]
    if found:
        seen_ms = exchange.now_ms()
        await thread.call(lambda: store.save_instruments(found, seen_ms))
    has_funding = request.funding and request.category is not Category.SPOT
    funding = [item for item in instruments if has_funding and item.funding_interval_minutes > 0]
    jobs = [job for each, _ in planned for job in each]
    listed_later = [
        f"{each.symbol} was listed at {iso_minute(each.launch_ms)} UTC, after the span asked for."
        for _, each in planned
        if request.until_ms is not None and each.launch_ms >= request.until_ms
    ]
    ended = ended_sentences(instruments)
    return Plan(jobs, funding, (*listed_later, *ended, *_about_known_holes(jobs)))


def _about_known_holes(jobs: Sequence[DatasetJob]) -> tuple[str, ...]:
    with_holes = [job for job in jobs if job.known_hole_bars]
    if not with_holes:
        return ()
    bars = counted(sum(job.known_hole_bars for job in with_holes), "bar")
    datasets = str(with_holes[0].key) if len(with_holes) == 1 else f"{len(with_holes):,} datasets"
    return (
        f"{bars} of {datasets} are known to be missing at the exchange itself and were not asked for again "
        "(--ask-holes-again does).",
    )


class _Planner:
    """Finds out what one request has to ask."""

    def __init__(
        self,
        exchange: Exchange,
        store: StorePort,
        thread: StoreThread,
        clock: Clock,
        request: CollectRequest,
        holes: Mapping[DatasetKey, Sequence[KnownHole]],
    ) -> None:
        self._exchange, self._store, self._thread = exchange, store, thread
        self._clock, self._request, self._holes = clock, request, holes

    async def symbol(self, instrument: Instrument) -> tuple[list[DatasetJob], Instrument]:
        """The jobs of a symbol, and its instrument with its launch time where that was found out."""
        jobs = []
        for key in self._request.keys([instrument.symbol]):
            try:
                job, instrument = await self._dataset(key, instrument)
            except InputError as error:
                # One broken file must not keep the others from being collected.
                job = self._job(key, [], Stored(), failure=error.sentence)
            jobs.append(job)
        return jobs, instrument

    async def _dataset(self, key: DatasetKey, instrument: Instrument) -> tuple[DatasetJob, Instrument]:
        timeframe, request, now_ms = key.timeframe, self._request, self._exchange.now_ms()
        end = self._exchange.closed_before_ms(timeframe)
        if request.until_ms is not None:
            end = min(end, timeframe.ceil(request.until_ms))
        start = max(timeframe.ceil(request.since_ms), timeframe.floor(instrument.launch_ms))
        if instrument.status != TRADING:
            end = min(end, await self._trading_end_ms(key, instrument, start, end))
        stored, raw = await self._thread.call(lambda: self._look_up(key, start, end))
        missing, holes = raw, self._holes.get(key, ())
        if not request.ask_holes_again:
            missing = subtract(raw, not_to_ask(holes, now_ms))
        left_out = _bars(raw, timeframe) - _bars(missing, timeframe)
        first = stored.first_ms
        # What lies before the first bar is no hole but the time before the listing.
        if first is not None and left_out:
            left_out -= _bars(subtract(_until(raw, first), missing), timeframe)
        elif first is None:
            left_out = 0
        if missing and _worth_a_probe(missing, first, instrument, timeframe):
            first_ms = await self._first_bar_ms(key, missing[0][0], end)
            if first_ms > missing[0][0]:
                if instrument.launch_ms == 0:
                    instrument = replace(instrument, launch_ms=first_ms)
                bound = timeframe.floor(first_ms)
                missing = [(max(low, bound), high) for low, high in missing if high > bound]
        remembered = [(hole.start_ms, hole.end_ms) for hole in holes]
        return self._job(key, missing, stored, known_hole_bars=left_out, remembered=remembered), instrument

    def _look_up(self, key: DatasetKey, start: int, end: int) -> tuple[Stored, list[Range]]:
        """On the store's thread: what is there, and what is missing."""
        info = self._store.info(key)
        stored = Stored() if info is None else Stored(info.rows, info.first_ms, info.last_ms)
        return stored, self._store.missing(key, start, end) if start < end else []

    def _job(
        self,
        key: DatasetKey,
        missing: list[Range],
        stored: Stored,
        failure: str | None = None,
        known_hole_bars: int = 0,
        remembered: Sequence[Range] = (),
    ) -> DatasetJob:
        return DatasetJob(
            key,
            missing,
            stored,
            self._store,
            self._thread,
            self._clock,
            self._request.order,
            failure,
            known_hole_bars,
            remembered,
        )

    async def _trading_end_ms(
        self, key: DatasetKey, instrument: Instrument, start_ms: int, end_ms: int
    ) -> int:
        """Behind the last bar of a symbol that is not traded any more; the bar in which trading ended is whole there.

        Where the exchange does not tell when that was, daily bars from the last stored bar on do, to a day or two.
        """
        if instrument.delivery_ms:
            return key.timeframe.ceil(instrument.delivery_ms)
        daily = Timeframe.D1
        info = await self._thread.call(lambda: self._store.info(key))
        last_ms = info.last_ms if info is not None and info.last_ms is not None else start_ms
        first = daily.floor(max(start_ms, last_ms))
        rows = await self._exchange.klines(
            Category(key.category), key.symbol, daily, first, daily.ceil(end_ms), key.mark
        )
        return (rows[-1].time_ms if rows else first) + 2 * daily.ms

    async def _first_bar_ms(self, key: DatasetKey, start_ms: int, end_ms: int) -> int:
        """Not later than the open time of the first bar at or after start_ms, and at most a week before it.

        Weekly bars tell it: a thousand of them fit into one request.
        """
        weekly = Timeframe.W1
        first, last = weekly.floor(start_ms), weekly.floor(end_ms)
        if first == last:
            return start_ms
        found = await fetch(
            self._exchange,
            DatasetKey.of(Category(key.category), key.symbol, weekly, key.mark),
            Window(first, last),
            _at_once,
        )
        if found.unsure:
            return start_ms
        if found.rows:
            return max(start_ms, found.rows[0].time_ms)
        # No week has closed since the listing: it is at most this and the last week old.
        return max(start_ms, last - WEEK_MS)


async def _at_once(seconds: float) -> None:
    """No pause: hundreds of symbols are looked at, and a bar too many costs little."""


def _bars(ranges: Sequence[Range], timeframe: Timeframe) -> int:
    return sum(end - start for start, end in ranges) // timeframe.ms


def _until(ranges: Sequence[Range], end_ms: int) -> list[Range]:
    """The part of the ranges before `end_ms`."""
    return [(start, min(end, end_ms)) for start, end in ranges if start < end_ms]


def _worth_a_probe(
    missing: Sequence[Range], first_stored: int | None, instrument: Instrument, timeframe: Timeframe
) -> bool:
    """Whether there may be a long stretch before the first bar that the exchange has."""
    limit = _WINDOWS_WORTH_A_PROBE_UNKNOWN if instrument.launch_ms == 0 else _WINDOWS_WORTH_A_PROBE
    before = missing if first_stored is None else _until(missing, first_stored)
    return _bars(before, timeframe) > limit * PAGE_BARS
