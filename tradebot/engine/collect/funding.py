"""Collecting settled funding rates beside the bars."""

from __future__ import annotations

from functools import partial

from tradebot.engine.collect.ports import StorePort
from tradebot.engine.collect.writer import StoreThread
from tradebot.engine.exchange import Exchange
from tradebot.engine.market import HOUR_MS, Instrument

# A page has 200 payments, at most 8 hours apart: a span this long is one request where they are that far apart.
_PAGE_MS = 199 * 8 * HOUR_MS


async def collect_funding(
    exchange: Exchange,
    store: StorePort,
    thread: StoreThread,
    instrument: Instrument,
    since_ms: int,
    until_ms: int,
) -> int:
    """Store the funding rates of since_ms <= time < until_ms that are not stored; returns how many were new.

    They are stored as they come. Raises ExchangeError and the store's refusals.
    """
    category, symbol = instrument.category, instrument.symbol
    # Nothing is settled at the moment of the listing itself.
    start = max(since_ms, instrument.launch_ms + 1)
    missing = await thread.call(lambda: store.funding_missing(category, symbol, start, until_ms))
    added = 0
    for low, high in missing:
        end = high
        # Backwards, for where the first payment lies may not be known: behind it there is nothing.
        while end > low:
            begin = max(low, end - _PAGE_MS)
            rows = await exchange.funding_history(category, symbol, begin, end)
            if not rows:
                break
            written = await thread.call(partial(store.merge_funding, category, symbol, rows))
            added += written.added
            end = begin
    return added
