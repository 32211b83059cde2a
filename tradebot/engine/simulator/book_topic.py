"""The topics of the order book, one for each depth."""

from __future__ import annotations

from tradebot.engine.simulator.book import Book
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.markets import Market
from tradebot.engine.simulator.topic import Subscriber, Topic
from tradebot.engine.simulator.wire import padded

# Real time between two messages by depth, as far as the stream's beat allows.
BOOK_PERIODS_S = {1: 0.01, 50: 0.02, 200: 0.1, 1000: 0.2}
_REPEAT_MS = 3000


class BookTopic(Topic):
    """`orderbook.{depth}.{symbol}`: a snapshot for each listener, then what changed; depth 1 sends snapshots only.

    `u` grows by exactly one from message to message.
    """

    kind = "orderbook"

    def __init__(self, name: str, coin: Coin, depth: int, market: Market, now_ms: int) -> None:
        super().__init__(name, coin)
        self.period_s = BOOK_PERIODS_S[depth]
        self._depth = depth
        self._quotes = market.quotes
        # Grows slower than a topic that begins later starts, so no number comes twice; 1 would mean a restart.
        self._number = now_ms // 10
        self._book = self._quotes.book(coin, depth, now_ms)
        self._told_ms = now_ms

    def join(self, subscriber: Subscriber, now_ms: int) -> None:
        """Begin to send to a connection, the whole book first."""
        self.update(now_ms)
        self.subscribers.add(subscriber)
        subscriber.send(self._text("snapshot", self._book, now_ms))

    def update(self, now_ms: int) -> None:
        """Send what changed since the last message."""
        book = self._quotes.book(self.coin, self._depth, now_ms)
        if book == self._book:
            if self._depth == 1 and now_ms - self._told_ms >= _REPEAT_MS:
                self._told_ms = now_ms
                self.broadcast(self._text("snapshot", book, now_ms))
            return
        change = Book(_changed(self._book.bids, book.bids), _changed(self._book.asks, book.asks))
        self._book, self._told_ms = book, now_ms
        self._number += 1
        if self._depth == 1:
            self.broadcast(self._text("snapshot", book, now_ms))
        else:
            self.broadcast(self._text("delta", change, now_ms))

    def _text(self, kind: str, book: Book, now_ms: int) -> str:
        return (
            f'{{"topic":"{self.name}","type":"{kind}","ts":{now_ms},'
            f'"data":{{"s":"{self.coin.symbol}",{book_sides(self.coin, book)},'
            f'"u":{self._number},"seq":{book_sequence(now_ms)}}},"cts":{now_ms}}}'
        )


def book_sides(coin: Coin, book: Book) -> str:
    """Both sides as the exchange writes them."""
    return f'"b":{_levels(coin, book.bids)},"a":{_levels(coin, book.asks)}'


def book_sequence(now_ms: int) -> int:
    """A number that compares books of different depths: the same one at the same moment."""
    return now_ms * 10


def _levels(coin: Coin, side: dict[int, int]) -> str:
    rows = (
        f'["{padded(price, coin.tick_decimals, coin.price_scale)}",'
        f'"{padded(lots, coin.lot_decimals, 0) if lots else "0"}"]'
        for price, lots in side.items()
    )
    return f"[{','.join(rows)}]"


def _changed(before: dict[int, int], after: dict[int, int]) -> dict[int, int]:
    """Levels with another size than before; 0 for those that are gone."""
    changed = {price: lots for price, lots in after.items() if before.get(price) != lots}
    return changed | {price: 0 for price in before if price not in after}
