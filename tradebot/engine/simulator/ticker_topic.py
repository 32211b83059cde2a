"""The topic of tickers."""

from __future__ import annotations

import json

from tradebot.engine.market import Category
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.markets import Market
from tradebot.engine.simulator.quotes import Fields
from tradebot.engine.simulator.topic import Subscriber, Topic


class TickerTopic(Topic):
    """`tickers.{symbol}`: a snapshot for each listener first, then only the fields that changed; of spot, snapshots."""

    kind = "tickers"

    def __init__(self, name: str, coin: Coin, market: Market) -> None:
        super().__init__(name, coin)
        self._market = market
        self._sent: Fields = {}
        self._sequence = 0

    def join(self, subscriber: Subscriber, now_ms: int) -> None:
        """Begin to send to a connection, the whole ticker first."""
        # The others get the difference up to now, so that the next one is right for all of them.
        self.update(now_ms)
        self.subscribers.add(subscriber)
        subscriber.send(self._text("snapshot", self._sent, now_ms))

    def update(self, now_ms: int) -> None:
        """Send the fields that changed since the last message."""
        fields = self._market.quotes.fields(self.coin, now_ms)
        changed = {name: text for name, text in fields.items() if self._sent.get(name) != text}
        self._sent = fields
        if not (changed and self.subscribers):
            return
        if self.coin.category is Category.SPOT:
            self.broadcast(self._text("snapshot", fields, now_ms))
        else:
            self.broadcast(self._text("delta", {"symbol": self.coin.symbol, **changed}, now_ms))

    def _text(self, kind: str, fields: Fields, now_ms: int) -> str:
        self._sequence += 1
        data = json.dumps(fields, separators=(",", ":"))
        sequence = now_ms * 10 + self._sequence % 10
        return f'{{"topic":"{self.name}","type":"{kind}","data":{data},"cs":{sequence},"ts":{now_ms}}}'
