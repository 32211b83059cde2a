"""Endpoints about what is listed: instruments and risk tiers."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tradebot.engine.control.clock import Clock
from tradebot.engine.simulator.errors import bad_parameter
from tradebot.engine.simulator.instruments import instrument
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.markets import Market
from tradebot.engine.simulator.parameters import (
    CONTRACTS,
    Parameters,
    category_of,
    cursor_symbol,
    limit_of,
    symbol_cursor,
)
from tradebot.engine.simulator.risk import risk_tiers

_STATUSES = ("PreLaunch", "Trading", "Delivering", "Closed")
_RISK_PAGE_SYMBOLS = 15
# Ids of one category must not meet those of another.
_FIRST_NUMBERS = {"linear": 5, "inverse": 20_001, "spot": 30_001}


class ListingEndpoints:
    """Answers with the JSON text of a `result`; raises Refusal."""

    def __init__(self, market: Market, clock: Clock, refuse_oversized: bool) -> None:
        self._market = market
        self._clock = clock
        self._refuse_oversized = refuse_oversized
        self.routes = {
            "/v5/market/instruments-info": self.instruments,
            "/v5/market/risk-limit": self.risk_limit,
        }

    async def instruments(self, given: Parameters) -> str:
        """Listed symbols by name, page by page; spot comes in one piece and without a cursor."""
        category = category_of(given)
        status = given.get("status") or "Trading"
        if status not in _STATUSES:
            raise bad_parameter("params error: status invalid")
        limit = limit_of(given, 500, 1000, self._refuse_oversized)
        after = cursor_symbol(given.get("cursor", ""))
        coins = self._coins(category)
        symbol, base = given.get("symbol"), given.get("baseCoin")
        if symbol and category != "option" and symbol not in coins:
            raise bad_parameter(f"params error: symbol invalid {symbol}")
        now = self._clock.now_ms()
        matching = [
            coin
            for name, coin in sorted(coins.items())
            if (not symbol or name == symbol)
            and (not base or coin.base_coin == base)
            and status_of(coin, now) == status
            and (category != "spot" or status == "Trading")
        ]
        numbers = {name: number for number, name in enumerate(coins, start=_FIRST_NUMBERS.get(category, 1))}
        if category == "spot":
            listed = [instrument(coin, numbers[coin.symbol], status) for coin in matching]
            return _text({"category": category, "list": listed})
        page, cursor = _page(matching, after, limit)
        listed = [instrument(coin, numbers[coin.symbol], status) for coin in page]
        return _text({"category": category, "list": listed, "nextPageCursor": cursor})

    async def risk_limit(self, given: Parameters) -> str:
        """Risk tiers of one symbol, or of all, fifteen symbols a page."""
        category = category_of(given, CONTRACTS)
        coins = self._coins(category)
        symbol = given.get("symbol")
        if symbol and symbol not in coins:
            raise bad_parameter(f"params error: symbol invalid {symbol}")
        now = self._clock.now_ms()
        matching = [
            coin
            for name, coin in sorted(coins.items())
            if (not symbol or name == symbol) and status_of(coin, now) == "Trading"
        ]
        page, cursor = _page(matching, cursor_symbol(given.get("cursor", "")), _RISK_PAGE_SYMBOLS)
        tiers = [tier for coin in page for tier in risk_tiers(coin)]
        return _text({"category": category, "list": tiers, "nextPageCursor": cursor})

    def _coins(self, category: str) -> dict[str, Coin]:
        market = self._market.of(category)
        return market.model.coins if market is not None else {}


def status_of(coin: Coin, now_ms: int) -> str:
    """Where a symbol is in its life."""
    if coin.trades_at(now_ms):
        return "Trading"
    return "PreLaunch" if now_ms < coin.launch_ms else "Closed"


def _page(coins: Sequence[Coin], after: str | None, limit: int) -> tuple[Sequence[Coin], str]:
    """The coins behind a symbol, at most `limit`, and the mark of the next page."""
    left = [coin for coin in coins if after is None or coin.symbol > after]
    page = left[:limit]
    return page, symbol_cursor(page[0].symbol, page[-1].symbol) if len(left) > limit else ""


def _text(result: dict[str, object]) -> str:
    return json.dumps(result, separators=(",", ":"))
