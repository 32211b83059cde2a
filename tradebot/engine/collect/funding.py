"""Collecting settled funding rates beside the bars."""

from __future__ import annotations

from tradebot.engine.collect.ports import StorePort
from tradebot.engine.collect.writer import StoreThread
from tradebot.engine.exchange import Exchange, FundingRow
from tradebot.engine.market import Instrument


async def collect_funding(
    exchange: Exchange,
    store: StorePort,
    thread: StoreThread,
    instrument: Instrument,
    since_ms: int,
    until_ms: int,
) -> int:
    """Store the funding rates of since_ms <= time < until_ms that are not stored; returns how many were new.

    Raises ExchangeError and the store's refusals.
    """
    category, symbol = instrument.category, instrument.symbol
    # Nothing is settled at the moment of the listing itself.
    start = max(since_ms, instrument.launch_ms + 1)
    missing = await thread.call(lambda: store.funding_missing(category, symbol, start, until_ms))
    rows: list[FundingRow] = []
    for low, high in missing:
        rows.extend(await exchange.funding_history(category, symbol, low, high))
    if not rows:
        return 0
    return (await thread.call(lambda: store.merge_funding(category, symbol, rows))).added
