"""The REST half of the simulated exchange: market endpoints of Bybit V5."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tradebot.engine.control.clock import Clock
from tradebot.engine.market import MINUTE_MS
from tradebot.engine.simulator.bars import Interval
from tradebot.engine.simulator.errors import bad_parameter
from tradebot.engine.simulator.klines import KlineWindow
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.markets import Market
from tradebot.engine.simulator.model import MarketModel, PriceKind
from tradebot.engine.simulator.offload import Offload, in_thread
from tradebot.engine.simulator.parameters import CATEGORIES, CONTRACTS, Parameters, limit_of, whole
from tradebot.engine.simulator.rest_history import HistoryEndpoints
from tradebot.engine.simulator.rest_listing import ListingEndpoints
from tradebot.engine.simulator.rest_quotes import QuoteEndpoints
from tradebot.engine.simulator.shadows import PREMIUM_DECIMALS
from tradebot.engine.simulator.wire import kline_rows, price_rows

Route = Callable[[Parameters], Awaitable[str]]
# Longer spans than this are generated beside the loop, so that the stream does not stutter.
_INLINE_MINUTES = 8 * 1440


class MarketEndpoints:
    """Answers market requests with the JSON text of their `result`; raises Refusal. `market` holds all categories."""

    def __init__(
        self,
        market: Market,
        clock: Clock,
        oversized_limit_refused: bool,
        offload: Offload = in_thread,
    ) -> None:
        self._market = market
        self._clock = clock
        self._refuse_oversized = oversized_limit_refused
        self._offload = offload
        self.routes: dict[str, Route] = {
            "/v5/market/time": self.time,
            "/v5/system/status": self.system_status,
            "/v5/market/kline": self.kline,
            "/v5/market/mark-price-kline": self.mark_kline,
            "/v5/market/index-price-kline": self.index_kline,
            "/v5/market/premium-index-price-kline": self.premium_kline,
            **ListingEndpoints(market, clock, oversized_limit_refused).routes,
            **QuoteEndpoints(market, clock, oversized_limit_refused, offload).routes,
            **HistoryEndpoints(market, clock, oversized_limit_refused).routes,
        }

    async def time(self, _: Parameters) -> str:
        """Server time."""
        now = self._clock.now_ms()
        return f'{{"timeSecond":"{now // 1000}","timeNano":"{now}000000"}}'

    async def system_status(self, _: Parameters) -> str:
        """Announced maintenance: this exchange never closes for any."""
        return '{"list":[]}'

    async def kline(self, given: Parameters) -> str:
        """Candles, newest first; the window rules stand in klines.py."""
        return await self._klines(given, CATEGORIES, PriceKind.LAST)

    async def mark_kline(self, given: Parameters) -> str:
        """Candles of the mark price."""
        return await self._klines(given, CONTRACTS, PriceKind.MARK)

    async def index_kline(self, given: Parameters) -> str:
        """Candles of the index price."""
        return await self._klines(given, CONTRACTS, PriceKind.INDEX)

    async def premium_kline(self, given: Parameters) -> str:
        """Candles of the premium over the index."""
        return await self._klines(given, ("linear",), PriceKind.PREMIUM)

    async def _klines(self, given: Parameters, allowed: tuple[str, ...], kind: PriceKind) -> str:
        category = given.get("category") or "linear"
        if category not in allowed:
            raise bad_parameter("Illegal category")
        try:
            interval = Interval(given.get("interval", ""))
        except ValueError:
            raise bad_parameter("Invalid period!") from None
        market, coin = self._market.of(category), self._market.coin(category, given.get("symbol", ""))
        if market is None or coin is None:
            raise bad_parameter("Not supported symbols")
        limit = limit_of(given, 200, 1000, self._refuse_oversized)
        window = KlineWindow(interval, whole(given, "start"), whole(given, "end"), limit)
        now = self._clock.now_ms()
        if coin.delisted_ms is not None:
            now = min(now, coin.delisted_ms - 1)
        existing = market.model.numbers(coin.symbol, interval, kind)
        if existing is None:
            first, last = window.numbers(coin.launch_ms, now)
        else:
            first, last = window.numbers_among(existing, now)

        def rows() -> str:
            return _rows(market.model, coin, interval, first, last, now, kind)

        if first > last or now < coin.launch_ms:
            text = "[]"
        elif interval.open_ms(last) - interval.open_ms(first) > _INLINE_MINUTES * MINUTE_MS:
            text = await self._offload(rows)
        else:
            text = rows()
        return f'{{"symbol":"{coin.symbol}","category":"{category}","list":{text}}}'


def _rows(
    model: MarketModel, coin: Coin, interval: Interval, first: int, last: int, now: int, kind: PriceKind
) -> str:
    bars = model.bars(coin.symbol, interval, first, last, now, kind)
    if kind is PriceKind.LAST:
        return kline_rows(bars, coin)
    decimals = {PriceKind.PREMIUM: PREMIUM_DECIMALS, PriceKind.MARK: coin.mark_decimals}
    return price_rows(bars, decimals.get(kind, coin.tick_decimals))
