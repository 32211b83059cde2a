"""The plan of a collection: per dataset, which bars the exchange should have and the store lacks."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tradebot.engine.collect.jobs import DatasetJob
from tradebot.engine.collect.ports import StorePort
from tradebot.engine.collect.request import CollectRequest
from tradebot.engine.collect.windows import Window, split
from tradebot.engine.collect.writer import StoreThread
from tradebot.engine.control.errors import InputError
from tradebot.engine.exchange import Exchange
from tradebot.engine.market import WEEK_MS, Category, DatasetKey, Instrument, Timeframe
from tradebot.engine.market.times import iso_minute

# Looking for the first bar costs a request; it pays where more windows than this may turn out to be empty.
_WINDOWS_WORTH_A_PROBE = 100
_WINDOWS_WORTH_A_PROBE_UNKNOWN = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """The datasets to collect, the instruments whose funding belongs to it, and what is to be said beforehand."""

    jobs: list[DatasetJob]
    funding: list[Instrument]
    sentences: tuple[str, ...]


async def make_plan(
    exchange: Exchange,
    store: StorePort,
    thread: StoreThread,
    request: CollectRequest,
    instruments: list[Instrument],
) -> Plan:
    """Ask the store what is missing, from each symbol's launch on. Raises what the exchange and the store raise."""
    jobs: list[DatasetJob] = []
    sentences: list[str] = []
    found: list[Instrument] = []
    for instrument in instruments:
        launched = instrument
        for timeframe in request.timeframes:
            try:
                job, launched = await _plan_dataset(exchange, store, thread, request, launched, timeframe)
            except InputError as error:
                # One broken file must not keep the others from being collected.
                key = DatasetKey.of(request.category, instrument.symbol, timeframe)
                job = DatasetJob(key, [], 0, store, thread, failure=error.sentence)
            jobs.append(job)
        if request.until_ms is not None and launched.launch_ms >= request.until_ms:
            sentences.append(
                f"{instrument.symbol} was listed at {iso_minute(launched.launch_ms)} UTC, after the span asked for."
            )
        if launched is not instrument:
            found.append(launched)
    if found:
        seen_ms = exchange.now_ms()
        await thread.call(lambda: store.save_instruments(found, seen_ms))
    has_funding = request.funding and request.category is not Category.SPOT
    funding = [item for item in instruments if has_funding and item.funding_interval_minutes > 0]
    return Plan(jobs, funding, tuple(sentences))


async def _plan_dataset(
    exchange: Exchange,
    store: StorePort,
    thread: StoreThread,
    request: CollectRequest,
    instrument: Instrument,
    timeframe: Timeframe,
) -> tuple[DatasetJob, Instrument]:
    """The job of one dataset, and the instrument with its launch time where it was found out."""
    key = DatasetKey.of(request.category, instrument.symbol, timeframe)
    end = exchange.closed_before_ms(timeframe)
    if request.until_ms is not None:
        end = min(end, timeframe.ceil(request.until_ms))
    start = max(timeframe.ceil(request.since_ms), timeframe.floor(instrument.launch_ms))
    info = await thread.call(lambda: store.info(key))
    missing = await thread.call(lambda: store.missing(key, start, end)) if start < end else []
    last_ms = info.last_ms if info is not None else None
    windows = split(missing, last_ms, timeframe)
    first_stored = info.first_ms if info is not None else None
    if _worth_a_probe(windows, first_stored, instrument):
        first_ms = await _first_bar_ms(exchange, key, windows[0].start_ms, end)
        if first_ms > windows[0].start_ms:
            if instrument.launch_ms == 0:
                instrument = replace(instrument, launch_ms=first_ms)
            bound = timeframe.floor(first_ms)
            missing = [(max(low, bound), high) for low, high in missing if high > bound]
            windows = split(missing, last_ms, timeframe)
    stored = info.rows if info is not None else 0
    return DatasetJob(key, windows, stored, store, thread), instrument


def _worth_a_probe(windows: list[Window], first_stored: int | None, instrument: Instrument) -> bool:
    """Whether there may be a long stretch before the first bar that the exchange has."""
    unknown = instrument.launch_ms == 0
    limit = _WINDOWS_WORTH_A_PROBE_UNKNOWN if unknown else _WINDOWS_WORTH_A_PROBE
    before = [window for window in windows if first_stored is None or window.start_ms < first_stored]
    return len(before) > limit


async def _first_bar_ms(exchange: Exchange, key: DatasetKey, start_ms: int, end_ms: int) -> int:
    """Not later than the open time of the first bar at or after start_ms, and at most a week before it.

    Weekly bars tell it: a thousand of them fit into one request.
    """
    weekly = Timeframe.W1
    rows = await exchange.klines(
        Category(key.category), key.symbol, weekly, weekly.floor(start_ms), weekly.ceil(end_ms)
    )
    if rows:
        return max(start_ms, rows[0].time_ms)
    # No week has closed since the listing: it is at most this and the last week old.
    return max(start_ms, weekly.floor(end_ms) - WEEK_MS)
