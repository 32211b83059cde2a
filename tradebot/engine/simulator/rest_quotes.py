"""Endpoints about this moment: tickers, order book, newest trades, price limits."""

from __future__ import annotations

import json
from decimal import Decimal

from tradebot.engine.control.clock import Clock
from tradebot.engine.market import Category
from tradebot.engine.simulator.book_topic import book_sequence, book_sides
from tradebot.engine.simulator.errors import bad_parameter
from tradebot.engine.simulator.instruments import limit_ratios
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.markets import Market
from tradebot.engine.simulator.offload import Offload
from tradebot.engine.simulator.parameters import Parameters, category_of, limit_of
from tradebot.engine.simulator.wire import padded


class QuoteEndpoints:
    """Answers with the JSON text of a `result`; raises Refusal."""

    def __init__(self, market: Market, clock: Clock, refuse_oversized: bool, offload: Offload) -> None:
        self._market = market
        self._clock = clock
        self._refuse_oversized = refuse_oversized
        self._offload = offload
        self.routes = {
            "/v5/market/tickers": self.tickers,
            "/v5/market/orderbook": self.orderbook,
            "/v5/market/recent-trade": self.recent_trade,
            "/v5/market/price-limit": self.price_limit,
        }

    async def tickers(self, given: Parameters) -> str:
        """One ticker or all of a category."""
        category = category_of(given)
        market = self._market.of(category)
        now = self._clock.now_ms()
        if given.get("symbol"):
            market, coin = self._asked(category, given)
            trading = [coin] if coin.trades_at(now) else []
        elif market is None:
            trading = []
        else:
            trading = [coin for coin in market.model.coins.values() if coin.trades_at(now)]
        if market is None:
            return f'{{"category":"{category}","list":[]}}'
        if len(trading) > 1:
            symbols, model = [coin.symbol for coin in trading], market.model
            await self._offload(lambda: model.warm(symbols, now))
        listed = [market.quotes.rest_fields(coin, now) for coin in trading]
        return json.dumps({"category": category, "list": listed}, separators=(",", ":"))

    async def orderbook(self, given: Parameters) -> str:
        """The order book of one symbol."""
        category = category_of(given)
        market, coin = self._traded(category, given)
        default = 1 if coin.category is Category.SPOT else 25
        depth = limit_of(given, default, 1000, self._refuse_oversized)
        now = self._clock.now_ms()
        sides = book_sides(coin, market.quotes.book(coin, depth, now))
        return f'{{"s":"{coin.symbol}",{sides},"ts":{now},"u":{now // 10},"seq":{book_sequence(now)},"cts":{now}}}'

    async def recent_trade(self, given: Parameters) -> str:
        """The newest trades of one symbol, newest first."""
        category = category_of(given)
        market, coin = self._traded(category, given)
        default, most = (60, 60) if coin.category is Category.SPOT else (500, 1000)
        limit = limit_of(given, default, most, self._refuse_oversized)
        trades = market.tape.trades.newest(coin.symbol, limit, self._clock.now_ms())
        listed = [
            {
                "execId": trade.id,
                "symbol": coin.symbol,
                "price": padded(trade.price, coin.tick_decimals, coin.price_scale),
                "size": padded(trade.lots, coin.lot_decimals, 0),
                "side": "Buy" if trade.buy else "Sell",
                "time": str(trade.time_ms),
                "isBlockTrade": False,
                "isRPITrade": False,
                "seq": str(trade.sequence),
            }
            for trade in trades
        ]
        return json.dumps({"category": category, "list": listed}, separators=(",", ":"))

    async def price_limit(self, given: Parameters) -> str:
        """The highest price that may be bid and the lowest that may be asked."""
        category = category_of({"category": "linear"} | dict(given))
        market, coin = self._traded(category, given)
        now = self._clock.now_ms()
        mark = market.quotes.mark_and_index(coin, now)[0]
        share = Decimal(limit_ratios(coin)[0])
        highest, lowest = int(mark * (1 + share)), -int(-mark * (1 - share))

        def price(ticks: int) -> str:
            return padded(max(ticks, 1), coin.tick_decimals, coin.price_scale)

        return json.dumps(
            {"symbol": coin.symbol, "buyLmt": price(highest), "sellLmt": price(lowest), "ts": str(now)},
            separators=(",", ":"),
        )

    def _traded(self, category: str, given: Parameters) -> tuple[Market, Coin]:
        market, coin = self._asked(category, given)
        if not coin.trades_at(self._clock.now_ms()):
            raise bad_parameter(f"params error: symbol invalid {coin.symbol}")
        return market, coin

    def _asked(self, category: str, given: Parameters) -> tuple[Market, Coin]:
        market, symbol = self._market.of(category), given.get("symbol", "")
        coin = market.model.coins.get(symbol) if market is not None else None
        if market is None or coin is None:
            raise bad_parameter(f"params error: symbol invalid {symbol}".rstrip())
        return market, coin
