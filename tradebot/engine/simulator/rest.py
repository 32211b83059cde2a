"""The REST half of the simulated exchange: market endpoints of Bybit V5."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote, unquote

from tradebot.engine.control.clock import Clock
from tradebot.engine.market import MINUTE_MS
from tradebot.engine.simulator.bars import Interval
from tradebot.engine.simulator.errors import bad_parameter
from tradebot.engine.simulator.klines import KlineWindow
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.offload import Offload, in_thread
from tradebot.engine.simulator.prices import PriceModel
from tradebot.engine.simulator.quotes import Quotes, instrument, rate_text
from tradebot.engine.simulator.wire import kline_rows

Parameters = Mapping[str, str]
_CATEGORIES = ("spot", "linear", "inverse", "option")
_STATUSES = ("PreLaunch", "Trading", "Delivering", "Closed")
# Longer spans than this are generated beside the loop, so that the stream does not stutter.
_INLINE_MINUTES = 8 * 1440


class MarketEndpoints:
    """Answers market requests with the JSON text of their `result`; raises Refusal."""

    def __init__(
        self,
        model: PriceModel,
        quotes: Quotes,
        clock: Clock,
        oversized_limit_refused: bool,
        offload: Offload = in_thread,
    ) -> None:
        self._model = model
        self._quotes = quotes
        self._clock = clock
        self._refuse_oversized = oversized_limit_refused
        self._offload = offload
        self.routes: dict[str, Callable[[Parameters], Awaitable[str]]] = {
            "/v5/market/time": self.time,
            "/v5/market/kline": self.kline,
            "/v5/market/instruments-info": self.instruments,
            "/v5/market/tickers": self.tickers,
            "/v5/market/funding/history": self.funding_history,
        }

    async def time(self, _: Parameters) -> str:
        """Server time."""
        now = self._clock.now_ms()
        return f'{{"timeSecond":"{now // 1000}","timeNano":"{now}000000"}}'

    async def kline(self, given: Parameters) -> str:
        """Candles, newest first; the window rules stand in klines.py."""
        category = given.get("category") or "linear"
        if category not in _CATEGORIES:
            raise bad_parameter("Illegal category")
        try:
            interval = Interval(given.get("interval", ""))
        except ValueError:
            raise bad_parameter("Invalid period!") from None
        coin = self._coin(category, given, "Not supported symbols")
        window = KlineWindow(
            interval,
            _whole(given, "start"),
            _whole(given, "end"),
            self._limit(given, default=200, most=1000),
        )
        now = self._clock.now_ms()
        if coin.delisted_ms is not None:
            now = min(now, coin.delisted_ms - 1)
        first, last = window.numbers(coin.launch_ms, now)
        if first > last or now < coin.launch_ms:
            rows = "[]"
        elif interval.open_ms(last) - interval.open_ms(first) > _INLINE_MINUTES * MINUTE_MS:
            rows = await self._offload(lambda: self._rows(coin, interval, first, last, now))
        else:
            rows = self._rows(coin, interval, first, last, now)
        return f'{{"symbol":"{coin.symbol}","category":"{category}","list":{rows}}}'

    async def instruments(self, given: Parameters) -> str:
        """Listed perpetuals by name, page by page."""
        category = _category(given)
        status = given.get("status") or "Trading"
        if status not in _STATUSES:
            raise bad_parameter("params error: status invalid")
        limit = self._limit(given, default=500, most=1000)
        after = _cursor_symbol(given.get("cursor", ""))
        symbol, base = given.get("symbol"), given.get("baseCoin")
        now = self._clock.now_ms()
        matching = [
            coin
            for name, coin in sorted(self._model.coins.items())
            if category == "linear"
            and (not symbol or name == symbol)
            and (not base or coin.base_coin == base)
            and _status(coin, now) == status
        ]
        if symbol and category == "linear" and symbol not in self._model.coins:
            raise bad_parameter(f"params error: symbol invalid {symbol}")
        left = [coin for coin in matching if after is None or coin.symbol > after]
        page = left[:limit]
        numbers = {name: number for number, name in enumerate(self._model.coins, start=5)}
        listed = [instrument(coin, numbers[coin.symbol], status) for coin in page]
        result: dict[str, object] = {"category": category, "list": listed}
        if category != "spot":
            more = len(left) > limit
            result["nextPageCursor"] = _cursor(page[0].symbol, page[-1].symbol) if more else ""
        return json.dumps(result, separators=(",", ":"))

    async def tickers(self, given: Parameters) -> str:
        """One ticker or all of a category."""
        category = _category(given)
        now = self._clock.now_ms()
        trading = [coin for coin in self._model.coins.values() if _status(coin, now) == "Trading"]
        if given.get("symbol"):
            coin = self._coin(category, given, f"params error: symbol invalid {given['symbol']}")
            trading = [coin] if coin in trading else []
        elif category != "linear":
            trading = []
        await self._warm(trading, now)
        listed = [self._quotes.rest_fields(coin, now) for coin in trading]
        return json.dumps({"category": category, "list": listed}, separators=(",", ":"))

    async def funding_history(self, given: Parameters) -> str:
        """Settled funding rates, newest first."""
        category = _category(given)
        if category not in {"linear", "inverse"}:
            raise bad_parameter("params error: category invalid")
        coin = self._coin(category, given, f"params error: symbol invalid {given.get('symbol', '')}".rstrip())
        start, end = _whole(given, "startTime"), _whole(given, "endTime")
        if start is not None and end is None:
            raise bad_parameter("params error: endTime is required when startTime is given")
        if start is not None and end is not None and start > end:
            raise bad_parameter("params error: startTime must not be later than endTime")
        limit = self._limit(given, default=200, most=200)
        now = self._clock.now_ms()
        last = now if end is None else min(now, end)
        funding = self._quotes.funding
        first = start or max(0, last - (limit + 1) * coin.funding_minutes * MINUTE_MS)
        times = funding.settlements(coin, first, last)[:limit]
        listed = [
            {
                "symbol": coin.symbol,
                "fundingRate": rate_text(funding.rate(coin, time)),
                "fundingRateTimestamp": str(time),
            }
            for time in times
        ]
        return json.dumps({"category": category, "list": listed}, separators=(",", ":"))

    async def _warm(self, coins: list[Coin], now: int) -> None:
        """Generate what the tickers of many symbols need beside the loop."""
        if len(coins) > 1:
            symbols = [coin.symbol for coin in coins]
            await self._offload(lambda: self._model.warm(symbols, now))

    def _rows(self, coin: Coin, interval: Interval, first: int, last: int, now: int) -> str:
        return kline_rows(self._model.bars(coin.symbol, interval, first, last, now), coin)

    def _coin(self, category: str, given: Parameters, message: str) -> Coin:
        coin = self._model.coins.get(given.get("symbol", ""))
        if coin is None or category != "linear":
            raise bad_parameter(message)
        return coin

    def _limit(self, given: Parameters, default: int, most: int) -> int:
        limit = _whole(given, "limit")
        if limit is None:
            return default
        if limit < 1 or (limit > most and self._refuse_oversized):
            raise bad_parameter(f"params error: limit must be between 1 and {most}")
        return min(limit, most)


def _category(given: Parameters) -> str:
    category = given.get("category", "")
    if category not in _CATEGORIES:
        raise bad_parameter("params error: category invalid")
    return category


def _status(coin: Coin, now_ms: int) -> str:
    if coin.trades_at(now_ms):
        return "Trading"
    return "PreLaunch" if now_ms < coin.launch_ms else "Closed"


def _whole(given: Parameters, name: str) -> int | None:
    """A whole number that is not negative; None where it is missing or empty."""
    text = given.get(name, "")
    if text == "":
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise bad_parameter(f"params error: {name} invalid")
    return int(text)


def _cursor(first: str, last: str) -> str:
    """A page mark the way the exchange writes it: percent-encoded already."""
    return quote(f"first={first}&last={last}", safe="")


def _cursor_symbol(cursor: str) -> str | None:
    """The symbol after which the next page begins. Clients send the mark as it came or encoded once more."""
    if not cursor:
        return None
    first, _, last = unquote(unquote(cursor)).partition("&last=")
    if not first.startswith("first=") or not last:
        raise bad_parameter("params error: cursor invalid")
    return last
