"""Collecting settled funding rates beside the bars."""

from __future__ import annotations

from tradebot.engine.collect.ports import StorePort
from tradebot.engine.collect.writer import StoreThread
from tradebot.engine.exchange import Exchange, FundingRow
from tradebot.engine.market import MINUTE_MS, Instrument


async def collect_funding(
    exchange: Exchange,
    store: StorePort,
    thread: StoreThread,
    instrument: Instrument,
    since_ms: int,
    until_ms: int,
) -> int:
    """Store the funding rates of since_ms <= time < until_ms that lie before or after the stored ones.

    Returns how many were stored. Raises ExchangeError and the store's refusals.
    """
    category, symbol = instrument.category, instrument.symbol
    start = max(since_ms, instrument.launch_ms)
    stored = await thread.call(lambda: store.funding(category.value, symbol))
    times = [int(stored.time[0]), int(stored.time[-1])] if len(stored.time) else None
    interval = instrument.funding_interval_minutes * MINUTE_MS
    rows: list[FundingRow] = []
    for low, high in _ranges(times, start, until_ms, interval):
        rows.extend(await exchange.funding_history(category, symbol, low, high))
    if rows:
        await thread.call(lambda: store.merge_funding(category.value, symbol, rows))
    return len(rows)


def _ranges(times: list[int] | None, start: int, end: int, interval: int) -> list[tuple[int, int]]:
    """What to ask: before the first and after the last stored time, where a settlement fits in between."""
    if times is None:
        return [(start, end)] if start < end else []
    first, last = times
    ranges = [(start, first), (last + 1, end)]
    return [(low, high) for low, high in ranges if high - low >= interval]
