"""Keeping the risk limits of perpetuals with the date they were seen, asked for once a day at most."""

from __future__ import annotations

from tradebot.engine.collect.ports import StorePort
from tradebot.engine.collect.writer import StoreThread
from tradebot.engine.exchange import Exchange
from tradebot.engine.market import DAY_MS, Category


async def refresh_risk_limits(
    exchange: Exchange, store: StorePort, category: Category, thread: StoreThread
) -> int:
    """Ask for the tiers of all symbols of a category where the stored ones are a day old; how many symbols came.

    Spot has none. Raises ExchangeError and the store's refusals.
    """
    if category is Category.SPOT:
        return 0
    now_ms = exchange.now_ms()
    seen_ms = await thread.call(lambda: store.risk_limits_seen_ms(category))
    if seen_ms is not None and now_ms - seen_ms < DAY_MS:
        return 0
    tiers = await exchange.risk_limits(category)
    if tiers:
        await thread.call(lambda: store.save_risk_limits(category, tiers, now_ms))
    return len(tiers)
