"""Endpoints about contracts over time: settled funding, open interest, how many accounts are long."""

from __future__ import annotations

import json
from collections.abc import Callable

from tradebot.engine.control.clock import Clock
from tradebot.engine.market import DAY_MS, HOUR_MS, MINUTE_MS
from tradebot.engine.simulator.errors import bad_parameter
from tradebot.engine.simulator.funding import rate_text
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.markets import Market
from tradebot.engine.simulator.parameters import (
    CONTRACTS,
    Parameters,
    category_of,
    cursor_time_ms,
    limit_of,
    time_cursor,
    time_window,
)
from tradebot.engine.simulator.wire import fixed

_STEPS_MS = {
    "5min": 5 * MINUTE_MS,
    "15min": 15 * MINUTE_MS,
    "30min": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "4h": 4 * HOUR_MS,
    "1d": DAY_MS,
}
# 2020-07-20: ratios of accounts are not known from earlier days.
_FIRST_RATIO_MS = 1_595_203_200_000


class HistoryEndpoints:
    """Answers with the JSON text of a `result`; raises Refusal."""

    def __init__(self, market: Market, clock: Clock, refuse_oversized: bool) -> None:
        self._market = market
        self._clock = clock
        self._refuse_oversized = refuse_oversized
        self.routes = {
            "/v5/market/funding/history": self.funding_history,
            "/v5/market/open-interest": self.open_interest,
            "/v5/market/account-ratio": self.account_ratio,
        }

    async def funding_history(self, given: Parameters) -> str:
        """Settled funding rates, newest first."""
        category = category_of(given, CONTRACTS)
        market, coin = self._asked(category, given)
        start, end = time_window(given)
        if start is not None and end is None:
            raise bad_parameter("params error: endTime is required when startTime is given")
        limit = limit_of(given, 200, 200, self._refuse_oversized)
        now = self._clock.now_ms()
        if coin.delisted_ms is not None:
            now = min(now, coin.delisted_ms)
        funding = market.model.funding
        times = funding.settlements(coin, start or 0, now if end is None else min(now, end))[:limit]
        listed = []
        for time_ms in times:
            rate = funding.rate(coin, time_ms)
            if rate is not None:
                listed.append(
                    {
                        "symbol": coin.symbol,
                        "fundingRate": rate_text(rate),
                        "fundingRateTimestamp": str(time_ms),
                    }
                )
        return json.dumps({"category": category, "list": listed}, separators=(",", ":"))

    async def open_interest(self, given: Parameters) -> str:
        """Open interest at whole steps of time, newest first."""
        category = category_of(given, CONTRACTS)
        market, coin = self._asked(category, given)
        limit = limit_of(given, 50, 200, self._refuse_oversized)
        times, cursor = self._steps(given, coin, "intervalTime", limit, coin.launch_ms)
        listed = [
            {
                "openInterest": fixed(market.quotes.open_interest(coin, time_ms), coin.lot_decimals),
                "timestamp": str(time_ms),
            }
            for time_ms in times
        ]
        result = {"symbol": coin.symbol, "category": category, "list": listed, "nextPageCursor": cursor}
        return json.dumps(result, separators=(",", ":"))

    async def account_ratio(self, given: Parameters) -> str:
        """Which part of the accounts is long at whole steps of time, newest first."""
        category = category_of(given, CONTRACTS)
        market, coin = self._asked(category, given)
        limit = limit_of(given, 50, 500, self._refuse_oversized)
        times, cursor = self._steps(given, coin, "period", limit, max(coin.launch_ms, _FIRST_RATIO_MS))
        ratio: Callable[[int], int] = lambda time_ms: market.quotes.account_ratio(coin, time_ms)  # noqa: E731 - a short name for the rows below
        listed = [
            {
                "symbol": coin.symbol,
                "buyRatio": fixed(ratio(time_ms), 4),
                "sellRatio": fixed(10_000 - ratio(time_ms), 4),
                "timestamp": str(time_ms),
            }
            for time_ms in times
        ]
        return json.dumps({"list": listed, "nextPageCursor": cursor}, separators=(",", ":"))

    def _steps(
        self, given: Parameters, coin: Coin, name: str, limit: int, oldest_ms: int
    ) -> tuple[list[int], str]:
        """The moments of a page, newest first, and the mark of the next one."""
        step = _STEPS_MS.get(given.get(name, ""))
        if step is None:
            raise bad_parameter(f"params error: {name} invalid")
        start, end = time_window(given)
        last = (
            self._clock.now_ms() if coin.delisted_ms is None else min(self._clock.now_ms(), coin.delisted_ms)
        )
        last = last if end is None else min(last, end)
        before = cursor_time_ms(given.get("cursor", ""))
        if before is not None:
            last = min(last, before - 1)
        first = max(oldest_ms, start or 0)
        newest, oldest = last // step, -(-first // step)
        times = [number * step for number in range(newest, max(oldest, newest - limit + 1) - 1, -1)]
        more = bool(times) and times[-1] > oldest * step
        return times, time_cursor(times[-1]) if more else ""

    def _asked(self, category: str, given: Parameters) -> tuple[Market, Coin]:
        market, symbol = self._market.of(category), given.get("symbol", "")
        coin = market.model.coins.get(symbol) if market is not None else None
        if market is None or coin is None:
            raise bad_parameter(f"params error: symbol invalid {symbol}".rstrip())
        return market, coin
