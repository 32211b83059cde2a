"""The latest quotes, read by the app as often as it draws: no message per tick."""

from __future__ import annotations

from tradebot.engine.exchange import Ticker, TickerBook, TickerUpdate
from tradebot.engine.market import Category


class LatestQuotes:
    """The latest quote of each watched symbol of one category. Reading from other threads is safe."""

    def __init__(self, category: Category) -> None:
        self._book = TickerBook(category)

    def apply(self, update: TickerUpdate) -> None:
        """Take in a message of the stream."""
        self._book.apply(update.symbol, update.time_ms, update.fields, update.snapshot)

    def get(self, symbol: str) -> Ticker | None:
        """The latest quote of a symbol, or None where none came yet."""
        return self._book.get(symbol)

    def symbols(self) -> tuple[str, ...]:
        """The symbols that something has come of."""
        return tuple(self._book.symbols())

    def all(self) -> dict[str, Ticker]:
        """The latest quotes by symbol, sorted."""
        found = ((symbol, self._book.get(symbol)) for symbol in self._book.symbols())
        return {symbol: ticker for symbol, ticker in found if ticker is not None}

    def forget(self, symbol: str) -> None:
        """Drop a symbol that is no longer watched."""
        self._book.forget(symbol)
