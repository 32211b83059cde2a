"""The topic of public trades."""

from __future__ import annotations

from collections.abc import Iterator

from tradebot.engine.market import Category
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.markets import Market
from tradebot.engine.simulator.topic import Subscriber, Topic
from tradebot.engine.simulator.trades import Trade
from tradebot.engine.simulator.wire import padded

_TRADES_A_MESSAGE = 1024


class TradeTopic(Topic):
    """`publicTrade.{symbol}`: every trade once, from the first one after the subscription on."""

    kind = "publicTrade"
    period_s = 0.05

    def __init__(self, name: str, coin: Coin, market: Market, now_ms: int) -> None:
        super().__init__(name, coin)
        self._tape = market.tape.trades
        self._told_ms = now_ms

    def join(self, subscriber: Subscriber, now_ms: int) -> None:
        """Begin to send to a connection; there is no snapshot of trades."""
        self.update(now_ms)
        self.subscribers.add(subscriber)

    def update(self, now_ms: int) -> None:
        """Send the trades since the last message."""
        if now_ms <= self._told_ms:
            return
        trades = self._tape.between(self.coin.symbol, self._told_ms, now_ms)
        self._told_ms = now_ms
        for text in self._texts(trades, now_ms):
            self.broadcast(text)

    def close_until(self, now_ms: int) -> None:
        """Send the trades that are left when the symbol ends."""
        self.update(now_ms)

    def _texts(self, trades: list[Trade], now_ms: int) -> Iterator[str]:
        for begin in range(0, len(trades), _TRADES_A_MESSAGE):
            data = ",".join(self._item(trade) for trade in trades[begin : begin + _TRADES_A_MESSAGE])
            yield f'{{"topic":"{self.name}","type":"snapshot","ts":{now_ms},"data":[{data}]}}'

    def _item(self, trade: Trade) -> str:
        coin = self.coin
        direction = "" if coin.category is Category.SPOT else f'"L":"{trade.direction}",'
        return (
            f'{{"T":{trade.time_ms},"s":"{coin.symbol}","S":"{"Buy" if trade.buy else "Sell"}",'
            f'"v":"{padded(trade.lots, coin.lot_decimals, 0)}",'
            f'"p":"{padded(trade.price, coin.tick_decimals, coin.price_scale)}",{direction}'
            f'"i":"{trade.id}","BT":false,"RPI":false,"seq":{trade.sequence}}}'
        )
