"""The latest public trades of each watched symbol."""

from __future__ import annotations

from collections.abc import Callable

from tradebot.engine.exchange import TradeUpdate

CAPACITY = 500

TradeListener = Callable[[TradeUpdate], None]
"""Told of each trade of a watched symbol, once; called on the event loop, must not block."""


class RecentTrades:
    """The last `capacity` trades of each symbol of one category. Reading from other threads is safe."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._trades: dict[str, dict[str, TradeUpdate]] = {}

    def apply(self, update: TradeUpdate) -> bool:
        """Take in a trade of the stream; False for one that is held already."""
        trades = self._trades.get(update.symbol)
        if trades is None:
            trades = self._trades[update.symbol] = {}
        elif update.trade_id in trades:
            return False
        trades[update.trade_id] = update
        if len(trades) > self._capacity:
            del trades[next(iter(trades))]
        return True

    def latest(self, symbol: str, count: int = CAPACITY) -> tuple[TradeUpdate, ...]:
        """The last trades of a symbol in the order they came, the newest last; none before the first."""
        return tuple(self._trades.get(symbol, {}).values())[-count:] if count > 0 else ()

    def forget(self, symbol: str) -> None:
        """Drop a symbol that is no longer watched."""
        self._trades.pop(symbol, None)
